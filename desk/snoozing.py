"""Out of the way until a moment: a snoozed conversation comes back at its time, and at once when the customer writes.

The clock of the next answer stands meanwhile, what is due at the very latest does not: that, and what is late
already, is shown among what is overdue, snoozed or not.
"""

from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.transfer import iso
from core.worker import chore
from desk import clocks, conversations, policy
from desk.models import Conversation

LONGEST: Final = timedelta(days=366)
AT_ONCE: Final = 200


def snooze(conversation: Conversation, until: datetime, *, by: User) -> None:
    """Put the conversation out of the way until a moment in the future."""
    if not policy.may_work(by):
        raise NotAllowed
    at = now()
    if not at < until <= at + LONGEST:
        raise _refused(gettext("Please give a moment in the future, within a year."))
    conversations.locked(conversation.id)
    if conversation.state in conversations.DONE:
        raise _refused(gettext("This conversation is done. Open it again to snooze it."))
    set_until(conversation, until, by=by)


def wake(conversation: Conversation, *, by: User) -> None:
    """Bring the conversation back now."""
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(conversation.id)
    set_until(conversation, None, by=by)


def set_until(conversation: Conversation, until: datetime | None, *, by: User | None, reason: str = "") -> None:
    """Write until when it sleeps, and who said so; None brings it back. The caller holds the conversation."""
    before = conversation.snoozed_until
    if before == until:
        return
    conversation.snoozed_until = until
    if until is None:
        clocks.resume(conversation, by=by)
    else:
        clocks.pause(conversation, "snoozed", by=by)
    db.session.flush()
    audit.record(
        "desk.conversation.wake" if until is None else "desk.conversation.snooze",
        conversation,
        by=by,
        reason=reason,
        before={"snoozed_until": None if before is None else iso(before)},
        after={"snoozed_until": None if until is None else iso(until)},
    )


@chore("desk.snoozing", every=60)
def wake_due() -> int:
    """Note in the history of each conversation that its time came; the lists show it from that moment by themselves."""
    due = db.session.scalars(
        select(Conversation.id).where(Conversation.snoozed_until <= now()).order_by(Conversation.id).limit(AT_ONCE)
    ).all()
    for conversation_id in due:
        conversation = conversations.locked(conversation_id)
        if conversation.snoozed_until is not None and conversation.snoozed_until <= now():
            set_until(conversation, None, by=None, reason="its time came")
        db.session.commit()
    return len(due)


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"until": sentence})
