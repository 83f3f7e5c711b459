"""A holding reply says that somebody is at it. It is no answer: the clock runs on, and somebody owes one in time.

Whoever keeps promises (`require`) is told of each, and refuses by raising `Invalid`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid
from desk import clocks, policy
from desk.clock_models import Acknowledgement
from desk.models import Conversation, Message

LATEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a holding reply promises: an answer until a moment, by somebody."""

    due_at: datetime | None
    owner: User | None


Keeper = Callable[[Conversation, Message, datetime, User], None]
_keepers: list[Keeper] = []


def require(keeper: Keeper) -> Keeper:
    """Have every holding reply told to `keeper`, which makes a promise of it or refuses."""
    if keeper not in _keepers:
        _keepers.append(keeper)
    return keeper


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
    """Write down that this reply held the customer off, and who owes the answer until when."""
    db.session.add(
        Acknowledgement(
            message_id=message.id, conversation_id=conversation.id, owner_id=owner.id, due_at=due_at, at=now()
        )
    )
    clocks.note(
        conversation, "acknowledged", by=by.id, message_id=message.id, due_at=due_at, details={"owner": owner.id}
    )
    db.session.flush()
    for keeper in _keepers:
        keeper(conversation, message, due_at, owner)
