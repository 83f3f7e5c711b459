"""What stands in the log of a channel is done once more: taken in again, or handed over again under its own id."""

from dataclasses import dataclass
from typing import Final, Literal

from flask_babel import gettext
from sqlalchemy.orm import undefer

from accounts import audit
from accounts.models import User
from core import db as database
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, NotAllowed, NotFound
from core.outbox import listens_to, publish
from desk import deliveries, intake, policy, replies
from desk.channel_models import ChannelDelivery
from desk.channels.base import ChannelFailed, adapter_of
from desk.events import HandOverRepeated
from desk.forgetting import FORGOTTEN
from desk.models import Channel, Message

STATUS_TAKEN: Final = 202


@dataclass(frozen=True, slots=True)
class Repeated:
    """What came of it; `reason` where it failed again."""

    outcome: Literal["taken", "twice", "failed", "underway"]
    message_id: int | None = None
    reason: str = ""


def repeat(delivery_id: int, *, by: User) -> Repeated:
    """Do once more what a line of the log tells of; raise `Conflict` where that makes no sense. Twice is once."""
    if not policy.may_read_deliveries(by):
        raise NotAllowed
    row = _held(delivery_id)
    if row is None:
        raise NotFound(gettext("This delivery is not in the log any more."))
    channel = db.session.get_one(Channel, row.channel_id)
    if channel.disabled_at is not None or channel.settings.get(FORGOTTEN):
        raise Conflict(gettext("The channel is switched off. Switch it on first."))
    audit.record("desk.delivery.repeat", row, by=by)
    return _take_again(row, channel) if row.direction == "in" else _hand_over_again(row, by=by)


def _take_again(row: ChannelDelivery, channel: Channel) -> Repeated:
    if row.message_id is not None:
        return Repeated("twice", row.message_id)
    if row.outcome == "refused":
        raise Conflict(gettext("Nobody has proven who sent this, so it is not taken in."))
    body = deliveries.body_of(row)
    if body is None:
        raise Conflict(gettext("The body of this delivery is not kept, so it cannot be taken in again."))
    try:
        with db.session.begin_nested():
            told = intake.take_in(channel, body)
    except intake.NotTaken as failure:
        return _failed(row, failure.trouble.reason)
    taken = [each for _arrival, each in told if each is not None]
    is_new = any(each.is_new for each in taken)
    if adapter_of(channel).capabilities.untimed:
        row.digest = deliveries.digest_of(body)
    row.attempts += 1
    row.message_id = taken[0].message_id if taken else None
    row.outcome, row.reason, row.status = ("taken" if is_new else "twice"), "", STATUS_TAKEN
    row.tried_at = now()
    db.session.flush()
    return Repeated("taken" if is_new else "twice", row.message_id)


def _failed(row: ChannelDelivery, reason: str) -> Repeated:
    db.session.refresh(row)
    row.attempts += 1
    row.reason = reason[: deliveries.LONGEST_REASON]
    row.tried_at = now()
    db.session.flush()
    return Repeated("failed", reason=row.reason)


def _hand_over_again(row: ChannelDelivery, *, by: User) -> Repeated:
    message = None if row.message_id is None else db.session.get(Message, row.message_id)
    if message is None or deliveries.body_of(row) is None:
        raise Conflict(gettext("The body of this delivery is not kept, so it cannot be sent again."))
    if message.state == "queued" or (message.state == "sent" and row.outcome == "underway"):
        raise Conflict(gettext("It is on its way already."))
    if message.state == "sent":
        publish(HandOverRepeated(row.id))
    else:  # its customer waits for it, and its conversation hears what becomes of it
        replies.send_again(message, by=by)
    row.outcome, row.reason = "underway", ""
    db.session.flush()
    return Repeated("underway", message.id)


@listens_to(HandOverRepeated)
def hand_over(event: HandOverRepeated) -> None:
    """Hand a message over once more, word for word; what became of it before stays as it is.

    Nothing is held in the database while another server is asked.
    """
    db.session.rollback()
    with database.reading():
        row = db.session.get(ChannelDelivery, event.delivery_id)
        if row is None or row.outcome != "underway":
            return
        key, body = row.key, deliveries.body_of(row)
        channel = db.session.get_one(
            Channel, row.channel_id, options=[undefer(Channel.secret), undefer(Channel.credentials)]
        )
        db.session.expunge(channel)
        db.session.rollback()
    exchange, reason = None, ""
    if body is None or channel.disabled_at is not None:
        reason = gettext("It was switched off or emptied meanwhile.")
    else:
        try:
            exchange = adapter_of(channel).repeat(key, body).exchange
        except ChannelFailed as failure:
            exchange, reason = failure.exchange, failure.reason
    row = _held(event.delivery_id)
    if row is None:
        return
    deliveries.note_attempt(row, exchange, reason=reason)
    if reason:
        row.outcome = "failed"


def _held(delivery_id: int) -> ChannelDelivery | None:
    if not 0 < delivery_id <= LARGEST_ID:
        return None
    return db.session.get(ChannelDelivery, delivery_id, with_for_update=True, populate_existing=True)
