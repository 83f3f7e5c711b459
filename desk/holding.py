"""Replies that have not left the house: they can be undone, wait for a time or a colleague, and come back.

What comes back lies in the composer of who wrote it, until it is sent or put away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, NotAllowed, NotFound
from core.phrases import lazy_phrase
from core.settings import current_settings
from desk import acknowledging, clocks, conversations, policy
from desk.models import Channel, Conversation, Message
from desk.promise_models import Promise
from desk.sending_models import Departure, HeldReply
from forum import notifications
from forum.models import Notification
from kb import uses

REASONS: Final[Mapping[str, Any]] = {
    "undone": lazy_phrase("You took this back. It was not sent."),
    "new_message": lazy_phrase("A new message arrived before this went out. Please read it; does this still fit?"),
    "other_reply": lazy_phrase("Another reply went out before this one. Is it still needed?"),
    "returned": lazy_phrase("A colleague gave this back."),
}
LONGEST_UNDO_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Held:
    """What is held in a conversation, as one viewer needs it."""

    mine: HeldReply | None
    """What came back to the viewer last; it belongs into the composer."""
    waiting: Sequence[HeldReply]
    """What waits for a second person."""


def undo_seconds(channel: Channel) -> int:
    """Return for how long a reply on this channel can be taken back."""
    chosen = channel.settings.get("undo_seconds")
    return current_settings().undo_seconds if chosen is None else int(chosen)


def keep(  # noqa: PLR0913 -- what a reply is made of, by keyword
    conversation: Conversation,
    *,
    text: str,
    by: User,
    is_public: bool,
    inserted: Sequence[Any] = (),
    split: str = "",
    send_at: datetime | None = None,
    rule: str = "",
    reason: str = "",
    drafters: Sequence[int] = (),
) -> HeldReply:
    """Keep a reply that does not go out now: with a `rule` it waits for approval, else it is back with its writer."""
    held = HeldReply(
        conversation_id=conversation.id,
        by_id=by.id,
        state="approval" if rule else "back",
        text=text,
        is_public=is_public,
        uses=[list(use) for use in inserted],
        drafters=list(drafters),
        split=split,
        send_at=send_at,
        rule=rule,
        reason=reason,
    )
    db.session.add(held)
    if conversation.state == "new":  # somebody has begun
        conversations.turn(conversation, "open", by=by, reason="a reply was begun")
    db.session.flush()
    return held


def undo(message: Message, *, by: User) -> HeldReply:
    """Take back a reply that has not left yet, or that failed; its text lies in the composer again."""
    if not policy.may_work(by):
        raise NotAllowed
    conversation = conversations.locked(message.conversation_id)
    departure = _held_departure(message)
    if departure is None:
        raise Conflict(gettext("This message is on its way or has arrived already."))
    audit.record("desk.message.undo", message, by=by, before={"state": message.state})
    return _take_back(conversation, departure, by=by, reason="undone")


def give_way(conversation: Conversation, *, reason: str) -> None:
    """Hold what was to go out later or after approval: something happened in the conversation; the caller holds it."""
    planned = db.session.scalars(
        select(Departure)
        .join(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.state == "queued",
            Message.attempts == 0,
            Departure.is_scheduled,
            Departure.part == 1,
        )
    ).all()
    for departure in planned:
        ask_back(departure, reason=reason)
    waiting = db.session.scalars(
        select(HeldReply).where(HeldReply.conversation_id == conversation.id, HeldReply.state == "approval")
    ).all()
    for held in waiting:
        held.state, held.reason = "back", reason
        tell_author(held)
    db.session.flush()


def ask_back(departure: Departure, *, reason: str) -> None:
    """Do not send what was planned: its writer is asked whether it still fits."""
    by = departure.message.by
    conversation = departure.message.conversation
    if by is None:  # who planned it is gone: nobody else should find it sent in their name
        by = conversation.assignee
    if by is None:
        departure.message.state = "failed"
        departure.message.failure = str(REASONS[reason])
        return
    tell_author(_take_back(conversation, departure, by=by, reason=reason))


def of(conversation: Conversation, *, viewer: User) -> Held:
    """Return what is held in the conversation."""
    rows = db.session.scalars(
        select(HeldReply)
        .where(HeldReply.conversation_id == conversation.id)
        .order_by(HeldReply.at.desc(), HeldReply.id.desc())
        .options(joinedload(HeldReply.by), joinedload(HeldReply.note_by))
    ).all()
    mine = next((row for row in rows if row.state == "back" and row.by_id == viewer.id), None)
    return Held(mine, [row for row in rows if row.state == "approval"])


def held_reply(held_id: int, *, viewer: User) -> HeldReply:
    """Return a held reply; raise `NotFound` when there is none that the viewer may see."""
    found = db.session.get(HeldReply, held_id) if 0 < held_id <= LARGEST_ID else None
    if found is None or not policy.may_work(viewer):
        raise NotFound(gettext("This reply was sent, given back or put away meanwhile."))
    return found


def to_approve(viewer: User) -> list[HeldReply]:
    """Return what waits for a second person, the longest first."""
    if not policy.may_work(viewer):
        return []
    return list(
        db.session.scalars(
            select(HeldReply)
            .where(HeldReply.state == "approval")
            .order_by(HeldReply.at, HeldReply.id)
            .options(joinedload(HeldReply.by), joinedload(HeldReply.conversation))
        )
    )


def require_waiting(held: HeldReply) -> None:
    """Hold a reply that waits for a second person; raise `Conflict` when it does not wait any more."""
    held_id, conversation_id = held.id, held.conversation_id
    conversations.locked(conversation_id)
    newest = db.session.get(HeldReply, held_id, populate_existing=True)
    if newest is None or newest.state != "approval":
        raise Conflict(gettext("This was decided meanwhile, or something new arrived in the conversation."))


def withdraw(held: HeldReply, *, by: User) -> None:
    """Take back one's own reply while it waits for a second person."""
    if not policy.may_work(by) or held.by_id != by.id:
        raise NotAllowed
    require_waiting(held)
    held.state, held.reason = "back", "undone"
    db.session.flush()


def put_away(held_id: int | None, *, by: User) -> None:
    """Forget what came back to somebody: it was sent after all, or is not needed."""
    if held_id is not None:
        db.session.execute(
            delete(HeldReply).where(HeldReply.id == held_id, HeldReply.by_id == by.id, HeldReply.state == "back")
        )


def leave(message: Message, *, by: User | None) -> None:
    """Let the conversation stand as answered; where the message only holds the customer off, as being worked on."""
    conversation = message.conversation
    if acknowledging.only_holds(message):
        if conversation.state == "new":
            conversations.turn(conversation, "open", by=by, reason="a holding reply")
        return
    conversations.turn(conversation, "waiting_customer", by=by, reason="a reply")
    acknowledging.settle(conversation, by=by)
    clocks.answered(conversation, message)


def come_back(conversation: Conversation, departure: Departure | None) -> None:
    """Let the customer wait again, as before the reply: it was undone, or did not arrive."""
    if departure is None or departure.is_scheduled or conversation.state != "waiting_customer":
        return
    state = "open" if departure.state_before == "new" else departure.state_before
    conversations.turn(conversation, state, by=None, reason="a reply did not go out")  # type: ignore[arg-type]  # it was one
    clocks.take_back(departure.message)
    if departure.waited_since is not None and conversation.waiting_since is None:
        clocks.run(conversation, departure.waited_since)


def tell_author(held: HeldReply) -> None:
    notifications.notify(
        held.by_id,
        kind="reply_given_back",
        key=f"reply_given_back:{held.id}:{now().isoformat()}",
        url=f"/desk/conversations/{held.conversation_id}",
    )


@notifications.kind("reply_given_back", group="tasks")
def _reply_given_back(_notification: Notification) -> str:
    return str(gettext("A reply you wrote did not go out. It is back in your composer."))


def _held_departure(message: Message) -> Departure | None:
    """Return the beginning of a reply of which nothing can have left, its rows held."""
    departure = db.session.get(Departure, message.id)
    if departure is None:
        return None
    rows = [departure]
    if departure.series is not None:
        rows = list(db.session.scalars(select(Departure).where(Departure.series == departure.series)))
    ids = [row.message_id for row in rows]
    messages = db.session.scalars(
        select(Message)
        .where(Message.id.in_(ids))
        .order_by(Message.id)
        .with_for_update(of=Message)
        .execution_options(populate_existing=True)
    ).all()
    if all(
        (one.state == "queued" and one.attempted_at is None and one.attempts == 0) or one.state == "failed"
        for one in messages
    ):
        return min(rows, key=lambda row: row.part)
    return None


def _take_back(conversation: Conversation, departure: Departure, *, by: User, reason: str) -> HeldReply:
    message = departure.message
    held = keep(
        conversation,
        text=departure.typed or message.text,
        by=by,
        is_public=message.is_public,
        inserted=departure.uses,
        split="" if departure.series is None else "numbered",
        reason=reason,
        drafters=departure.drafters,
    )
    if message.state == "queued" or conversation.waiting_since is None:
        come_back(conversation, departure)
    ids = [message.id]
    if departure.series is not None:
        ids = list(db.session.scalars(select(Departure.message_id).where(Departure.series == departure.series)))
    db.session.flush()
    uses.forget("message", ids)
    db.session.execute(delete(Promise).where(Promise.message_id.in_(ids)))  # nobody has read it
    db.session.execute(delete(Departure).where(Departure.message_id.in_(ids)))
    db.session.execute(delete(Message).where(Message.id.in_(ids)))
    db.session.expire(conversation, ["messages"])
    return held
