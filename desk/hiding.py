"""Hiding at its service what a customer wrote in public, and showing it again; the worker carries it out.

Nothing is hidden here: at the desk the message stays as it is. What hiding means its channel says (`Means.hiding`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, NotAllowed, NotFound
from core.outbox import Later, publish
from core.phrases import phrase
from desk import conversations, errands, policy
from desk.channels.base import Means
from desk.events import HidingQueued
from desk.means import capabilities_of
from desk.models import Message
from desk.order_models import LONGEST_REASON, MessageHiding

UNTIL_ANSWERED_SECONDS: Final = 5.0
"""Where a hidden message cannot be answered any more, what is on its way to it goes first."""
BY_THE_LADDER: Final = "ladder"
"""The reason where nobody decided about this very message."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a message stands at its service, as far as we know, and what was wanted last."""

    is_hidden: bool
    last: MessageHiding

    @property
    def is_under_way(self) -> bool:
        return self.last.state == "queued"

    @property
    def went_wrong(self) -> bool:
        return self.last.state in {"failed", "unsure"}


def hide(message: Message, *, reason: str, by: User) -> MessageHiding:
    """Have a message hidden at its service. Twice is once."""
    if not policy.may_hide(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_REASON, shortest=1)
    return _want(message, is_hidden=True, reason=reason, by=by)


def show_again(message: Message, *, reason: str, by: User) -> MessageHiding:
    """Have a message shown again at its service. Twice is once."""
    if not policy.may_hide(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_REASON, shortest=1)
    return _want(message, is_hidden=False, reason=reason, by=by)


def hide_by_the_ladder(message: Message) -> MessageHiding | None:
    """Have a message hidden because its writer is on that step; None where the service cannot."""
    conversations.locked(message.conversation_id)
    return None if why_not(message) else _want(message, is_hidden=True, reason=BY_THE_LADDER, by=None)


def try_again(hiding: MessageHiding, *, by: User) -> None:
    """Give what failed, or of which nobody knows, another start."""
    if not policy.may_hide(by):
        raise NotAllowed
    conversations.locked(hiding.message.conversation_id)
    db.session.refresh(hiding)
    newest = of([hiding.message_id])[hiding.message_id].last
    if newest.id != hiding.id or hiding.state not in {"failed", "unsure"}:
        raise Conflict(gettext("The service is being asked already, or it has been done."))
    if reason := why_not(hiding.message):
        raise Conflict(reason)
    before = hiding.state
    hiding.by = by
    errands.start_again(hiding)
    _record(hiding, by=by, before={"state": before})
    publish(HidingQueued(hiding.id))


def note_done(hiding: MessageHiding, *, by: User) -> None:
    """Note that somebody looked at the service and found it done."""
    if not policy.may_hide(by):
        raise NotAllowed
    conversations.locked(hiding.message.conversation_id)
    db.session.refresh(hiding)
    if hiding.state == "done":
        return
    if hiding.state != "unsure":
        raise Conflict(gettext("The service is being asked already, or it has been done."))
    hiding.state, hiding.failure, hiding.done_at = "done", None, hiding.attempted_at or now()
    db.session.flush()
    _record(hiding, by=by, before={"state": "unsure"})


def carry_out(hiding_id: int) -> None:
    """Ask the service, in the worker; raise `Later` where it is to be asked again."""
    hiding = errands.taken(MessageHiding, hiding_id)
    if hiding is None:
        return
    means = capabilities_of(hiding.message.conversation)
    if reason := why_not(hiding.message, means):
        errands.end(hiding, reason)
        return
    if hiding.is_hidden and means.answer_before_hiding and _an_answer_is_on_its_way(hiding.message):
        raise Later(UNTIL_ANSWERED_SECONDS)
    external_id, is_hidden = hiding.message.external_id, hiding.is_hidden
    assert external_id is not None  # noqa: S101 -- `why_not` says so
    errands.carry_out(hiding, lambda adapter: adapter.hide(external_id, is_hidden=is_hidden))


def why_not(message: Message, means: Means | None = None) -> str:
    """Say why this message cannot be hidden at its service; empty where it can. `means` is asked for if not given."""
    if message.direction != "in" or not message.is_public:
        return phrase("Only what others wrote in public can be hidden.")
    if message.removed_at is not None:
        return phrase("Who wrote this took it away.")
    if message.channel.disabled_at is not None:
        return phrase("This channel is switched off. An admin can switch it on again.")
    means = means or capabilities_of(message.conversation)
    if not means.hides:
        return means.hiding or phrase("This service cannot hide what others wrote.")
    if message.external_id is None:
        return phrase("The service does not know this message.")
    return ""


def of(message_ids: Iterable[int]) -> Mapping[int, Standing]:
    """Return by message how it stands, for those that somebody wanted hidden."""
    rows = db.session.scalars(
        select(MessageHiding)
        .where(MessageHiding.message_id.in_(list(message_ids)))
        .order_by(MessageHiding.id)
        .options(joinedload(MessageHiding.by).load_only(User.name))
    )
    found: dict[int, Standing] = {}
    for row in rows:
        before = found.get(row.message_id)
        was_hidden = before is not None and before.is_hidden
        found[row.message_id] = Standing(row.is_hidden if row.state == "done" else was_hidden, row)
    return found


def last_of(message: Message) -> MessageHiding:
    """Return what was wanted last of a message, or raise `NotFound`."""
    standing = of([message.id]).get(message.id)
    if standing is None:
        raise NotFound(gettext("Nobody wanted this hidden."))
    return standing.last


def _want(message: Message, *, is_hidden: bool, reason: str, by: User | None) -> MessageHiding:
    conversations.locked(message.conversation_id)
    if words := why_not(message):
        raise Conflict(words)
    standing = of([message.id]).get(message.id)
    if standing is not None and standing.is_under_way:
        if standing.last.is_hidden == is_hidden:
            return standing.last
        raise Conflict(gettext("The service is just being asked for the opposite. Please wait for that."))
    is_so = standing is not None and standing.is_hidden
    if is_so == is_hidden and not (standing is not None and standing.last.state == "unsure"):
        if standing is None:
            raise Conflict(gettext("This is not hidden at the service."))
        return standing.last
    wanted = MessageHiding(message=message, is_hidden=is_hidden, reason=reason, by=by, state="queued")
    db.session.add(wanted)
    db.session.flush()
    _record(wanted, by=by)
    publish(HidingQueued(wanted.id))
    return wanted


def _an_answer_is_on_its_way(message: Message) -> bool:
    queued = select(Message.id).where(
        Message.conversation_id == message.conversation_id,
        Message.direction == "out",
        Message.is_public,
        Message.state == "queued",
        Message.send_after.is_(None),
    )
    return db.session.scalar(queued.limit(1)) is not None


Deed = Literal["desk.conversation.hide_message", "desk.conversation.show_message"]


def _record(hiding: MessageHiding, *, by: User | None, before: dict[str, object] | None = None) -> None:
    deed: Deed = "desk.conversation.hide_message" if hiding.is_hidden else "desk.conversation.show_message"
    after = {"message": hiding.message_id, "state": hiding.state}
    audit.record(deed, hiding.message.conversation, by=by, reason=hiding.reason, before=before, after=after)
