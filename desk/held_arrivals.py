"""What restricted people write in public is held for a look: let in it is a case like any, closed it has a reason.

What nobody looked at within a day is let in by itself, so that nobody waits for ever without knowing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import ScalarSelect, exists, func, select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, NotAllowed, NotFound
from core.outbox import publish
from core.worker import chore
from desk import clocks, conversations, holding, listing, policy
from desk.events import MessageReceived
from desk.listing import View
from desk.models import Conversation, Message
from desk.order_models import LONGEST_REASON, HeldArrival

HELD_FOR: Final = timedelta(hours=24)
MOST_AT_ONCE: Final = 200
KEY: Final = "held"


def hold(message_id: int, *, of: Conversation, at: datetime) -> None:
    """Keep a message that just arrived for a look."""
    db.session.add(HeldArrival(message_id=message_id, conversation_id=of.id, at=at))


def let_in(held: HeldArrival, *, by: User) -> None:
    """Let what was held be a case like any other; the customer has waited since they wrote."""
    if not policy.may_work(by):
        raise NotAllowed
    _require_waiting(held)
    _let_in(held, reason="", by=by)


def close(held: HeldArrival, *, reason: str, by: User) -> None:
    """Close what was held, with a reason: nobody answers it."""
    if not policy.may_work(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_REASON, shortest=1)
    _require_waiting(held)
    _close(held, reason=reason, by=by)


def let_in_all(contact_id: int, *, reason: str, by: User | None) -> int:
    """Let in what is held of a contact who is restricted no longer; return how many messages."""
    rows = _waiting_of(contact_id)
    for held in rows:
        conversations.locked(held.conversation_id)
        _let_in(held, reason=reason, by=by)
    return len(rows)


def close_all(contact_id: int, *, reason: str, by: User) -> int:
    """Close what is held of a contact who is blocked now; return how many messages."""
    rows = _waiting_of(contact_id)
    for held in rows:
        conversations.locked(held.conversation_id)
        _close(held, reason=reason, by=by)
    return len(rows)


def of(conversation: Conversation) -> Sequence[HeldArrival]:
    """Return what waits for a look in a conversation, the first first."""
    return db.session.scalars(
        select(HeldArrival)
        .where(HeldArrival.conversation_id == conversation.id, HeldArrival.state == "waiting")
        .order_by(HeldArrival.message_id)
    ).all()


def by_message(message_id: int) -> HeldArrival:
    """Return what was held, or raise `NotFound`."""
    found = db.session.get(HeldArrival, message_id, options=[joinedload(HeldArrival.message)])
    if found is None:
        raise NotFound(gettext("Nothing is held there."))
    return found


@chore("desk.let_in_what_is_held", every=300)
def let_in_what_nobody_looked_at() -> int:
    """Let in what was held for a day; return how many messages."""
    rows = db.session.scalars(
        select(HeldArrival.message_id)
        .where(HeldArrival.state == "waiting", HeldArrival.at <= now() - HELD_FOR)
        .order_by(HeldArrival.at, HeldArrival.message_id)
        .limit(MOST_AT_ONCE)
    ).all()
    for message_id in rows:
        held = by_message(message_id)
        conversations.locked(held.conversation_id)
        db.session.refresh(held)
        if held.state == "waiting":
            _let_in(held, reason="", by=None)
        db.session.commit()
    return len(rows)


def _require_waiting(held: HeldArrival) -> None:
    conversations.locked(held.conversation_id)
    db.session.refresh(held)
    if held.state != "waiting":
        raise Conflict(gettext("Somebody decided this already."))


def _waiting_of(contact_id: int) -> Sequence[HeldArrival]:
    return db.session.scalars(
        select(HeldArrival)
        .join(Message, Message.id == HeldArrival.message_id)
        .where(Message.contact_id == contact_id, HeldArrival.state == "waiting")
        .order_by(HeldArrival.message_id)
    ).all()


def _let_in(held: HeldArrival, *, reason: str, by: User | None) -> None:
    held.state, held.by_id, held.decided_at, held.reason = "let_in", None if by is None else by.id, now(), reason
    message, conversation = held.message, held.message.conversation
    clocks.heard(conversation, message.created_at)
    if conversation.state != "new":
        conversations.turn(conversation, "open", by=by, reason="what was held is let in")
        holding.give_way(conversation, reason="new_message")
    db.session.flush()
    _record("let_in", held, by=by)
    publish(MessageReceived(conversation.id, message.id))


def _close(held: HeldArrival, *, reason: str, by: User) -> None:
    held.state, held.by_id, held.decided_at, held.reason = "closed", by.id, now(), reason
    db.session.flush()
    _record("close_held", held, by=by)
    conversation = held.message.conversation
    more = exists().where(HeldArrival.conversation_id == conversation.id, HeldArrival.state == "waiting")
    is_idle = conversation.state not in conversations.DONE and conversation.waiting_since is None
    if is_idle and conversation.state == "new" and not db.session.scalar(select(more)):
        conversations.turn(conversation, "no_answer", by=by, reason=reason)
        clocks.stop(conversation, "no_answer", by=by)
        db.session.flush()


def _record(deed: str, held: HeldArrival, *, by: User | None) -> None:
    audit.record(
        f"desk.conversation.{deed}",
        held.message.conversation,
        by=by,
        reason=held.reason,
        after={"message": held.message_id},
    )


def _count(_viewer: Any, _at: Any) -> ScalarSelect[int]:
    many = select(func.count(HeldArrival.conversation_id.distinct())).where(HeldArrival.state == "waiting")
    return many.scalar_subquery()


listing.contribute(
    View(
        key=KEY,
        name=_l("Held for a look"),
        where=lambda _viewer, _at: Conversation.id.in_(
            select(HeldArrival.conversation_id).where(HeldArrival.state == "waiting")
        ),
        count=_count,
    )
)
