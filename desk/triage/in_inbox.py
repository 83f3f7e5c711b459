"""What triage brings to the inbox: the view of what is most pressing, and filters by what a message is."""

from typing import Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, select

from accounts.people import Viewer
from desk import filters, listing
from desk.filters import IS_OPEN, Choices, Filter
from desk.listing import View, is_awake
from desk.models import Conversation
from desk.triage.shown import INTENT_NAMES
from desk.triage.tables import ConversationStanding

UNHAPPY: Final = -1
HAPPY: Final = 1


def _standing(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    return Conversation.id.in_(select(ConversationStanding.conversation_id).where(wanted))


def _by_sentiment(value: str, _viewer: Viewer) -> ColumnElement[bool]:
    if value == "unhappy":
        return _standing(ConversationStanding.sentiment <= UNHAPPY)
    return _standing(ConversationStanding.sentiment >= HAPPY)


def _intents() -> Choices:
    return [("", gettext("All")), *((key, str(name)) for key, name in INTENT_NAMES.items())]


listing.contribute(
    View(
        key="pressing",
        name=_l("Most pressing"),
        where=lambda _viewer, at: and_(IS_OPEN, Conversation.due_at.is_not(None), is_awake(at)),
        order="priority",
        is_counted=False,  # as many as wait
    )
)
filters.contribute(
    Filter(
        name="intent",
        label=_l("What it is"),
        clause=lambda value, _viewer: _standing(ConversationStanding.intent == value),
        accepts=INTENT_NAMES.__contains__,
        choices=_intents,
    )
)
filters.contribute(
    Filter(
        name="sentiment",
        label=_l("How they feel"),
        clause=_by_sentiment,
        accepts={"unhappy", "happy"}.__contains__,
        choices=lambda: [("", gettext("All")), ("unhappy", gettext("Unhappy")), ("happy", gettext("Happy"))],
    )
)
