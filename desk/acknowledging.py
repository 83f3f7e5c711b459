"""A holding reply says that somebody is at it. It is no answer: the clock runs on, and somebody owes one in time.

What is owed is a promise like any other (`desk.promises`), which reminds its owner; the answer keeps it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import force_locale, gettext
from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid
from desk import clocks, policy, promises
from desk.clock_models import Acknowledgement
from desk.models import Conversation, Message
from desk.promise_models import Promise

LATEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a holding reply promises: an answer until a moment, by somebody."""

    due_at: datetime | None
    owner: User | None


def check(holding: Holding) -> tuple[datetime, User]:
    """Return when the answer is owed and by whom; raise `Invalid` with the field where that is not said."""
    at, owner = now(), holding.owner
    wrong: dict[str, str] = {}
    if holding.due_at is None or not at < holding.due_at <= at + LATEST:
        wrong["holding_due"] = gettext("A holding reply promises an answer: please say until when, within a year.")
    if owner is None or not (owner.is_active and policy.may_work(owner)):
        wrong["holding_owner"] = gettext("Please choose somebody who works at the desk.")
    if wrong or holding.due_at is None or owner is None:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    return holding.due_at, owner


def acknowledge(conversation: Conversation, message: Message, *, due_at: datetime, owner: User, by: User) -> None:
    """Write down that this reply held the customer off, and promise the answer."""
    with force_locale(conversation.locale):
        what = str(gettext("An answer to what the customer asked"))
    promise = promises.make(conversation, what=what, due_at=due_at, owner=owner, by=by, message=message)
    db.session.add(Acknowledgement(message_id=message.id, conversation_id=conversation.id, promise_id=promise.id))
    clocks.note(
        conversation, "acknowledged", by=by.id, message_id=message.id, due_at=due_at, details={"owner": owner.id}
    )
    db.session.flush()


def only_holds(message: Message) -> bool:
    """Tell whether a reply only holds the customer off."""
    return db.session.get(Acknowledgement, message.id) is not None


def settle(conversation: Conversation, *, by: User | None) -> None:
    """Keep what holding replies promised, because the answer is given."""
    owed = db.session.scalars(
        select(Promise)
        .join(Acknowledgement, Acknowledgement.promise_id == Promise.id)
        .where(Acknowledgement.conversation_id == conversation.id, Promise.settled_at.is_(None))
    ).unique()
    for promise in owed.all():
        if (keeper := by or promise.owner) is not None:
            promises.keep(promise, by=keeper)
