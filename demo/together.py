"""What the demonstration's desk does together: a reply that a colleague began, and a complaint that is watched."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import select

from accounts.models import User
from core.db import db
from desk import queries, shared_drafts, watching
from desk.filters import DONE
from desk.models import Conversation
from desk.shared_drafts import Written

DRAFTS: Final = {
    "de": "Guten Tag, danke für die genaue Beschreibung. Wir haben die Leitung gemessen: Sie ist in Ordnung. Bitte",
    "en": "Hello, thank you for describing it so well. We measured the line, and it is fine. Please",
}
DAYS: Final = 14
COMPLAINT: Final = "Paket"
"""A word of whose complaint was closed: a parcel that did not come."""


def begin(everybody: Mapping[str, User]) -> None:
    """Have an admin begin a reply and hand it to the agent, and watch whoever complained and was answered."""
    ruth, ada = everybody["ruth"], everybody["ada"]
    waiting = db.session.scalars(
        select(Conversation)
        .where(Conversation.waiting_since.is_not(None))
        .order_by(Conversation.waiting_since, Conversation.id)
        .limit(1)
    ).first()
    if waiting is not None:
        newest = queries.newest_incoming(waiting)
        seen = 0 if newest is None else newest.id
        draft = shared_drafts.save(waiting, Written(text=DRAFTS[waiting.locale], seen=seen), by=ruth)
        if draft is not None:
            shared_drafts.hand(draft, to=ada, by=ruth)
    done = db.session.scalars(
        select(Conversation)
        .where(Conversation.state.in_(DONE), Conversation.last_words.contains(COMPLAINT))
        .order_by(Conversation.id)
        .limit(1)
    ).first()
    if done is not None:
        watching.begin(done, days=DAYS, by=ada)
