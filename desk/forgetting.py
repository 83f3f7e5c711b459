"""A channel is disconnected and everything that came over it deleted, in steps that a crash may interrupt."""

import logging
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext
from sqlalchemy import delete, func, select

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.worker import chore
from desk import policy
from desk.channel_models import ChannelCourse, ChannelDelivery
from desk.channels.base import ChannelFailed, apart
from desk.clock_models import ClockEvent, Goodwill
from desk.models import Channel, Contact, Conversation, Message

AT_ONCE: Final = 200
FORGOTTEN: Final = "forgotten"
"""The setting of a channel that is being deleted."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counts:
    """What came over a channel."""

    conversations: int
    messages: int
    contacts: int


def counts(channel: Channel) -> Counts:
    def of(model: type[Conversation | Message | Contact]) -> int:
        return db.session.scalar(select(func.count(model.id)).where(model.channel_id == channel.id)) or 0

    return Counts(of(Conversation), of(Message), of(Contact))


def forget(channel: Channel, *, typed: str, by: User) -> None:
    """Disconnect a channel and have its data deleted; `typed` is its short name, so that nobody does it by a slip."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    if typed.strip() != channel.slug:
        raise Invalid(gettext("Please type the short name of the channel: %(slug)s", slug=channel.slug))
    lost = counts(channel)
    channel.disabled_at = channel.disabled_at or now()
    channel.settings = {**channel.settings, FORGOTTEN: True}
    db.session.flush()
    audit.record(
        "desk.channel.forget",
        channel,
        by=by,
        before={"slug": channel.slug, "conversations": lost.conversations, "messages": lost.messages},
    )


@chore("desk.forget_channels", every=10)
def forget_on() -> int:
    """Delete on what was begun, some conversations at a time; return how many are gone."""
    gone = 0
    off = select(Channel).where(Channel.disabled_at.is_not(None)).order_by(Channel.id)
    for channel_id in [channel.id for channel in db.session.scalars(off) if channel.settings.get(FORGOTTEN)]:
        gone += _forget_some(channel_id)
    return gone


def _forget_some(channel_id: int) -> int:
    channel = db.session.get_one(Channel, channel_id)
    if channel.credentials is not None or channel.secret is not None:
        _say_farewell(channel)
    ids = db.session.scalars(
        select(Conversation.id).where(Conversation.channel_id == channel.id).order_by(Conversation.id).limit(AT_ONCE)
    ).all()
    if ids:
        for model in (Goodwill, ClockEvent, Message):
            db.session.execute(delete(model).where(model.conversation_id.in_(ids)))
        db.session.execute(delete(Conversation).where(Conversation.id.in_(ids)))
    else:
        db.session.execute(delete(Contact).where(Contact.channel_id == channel.id))
        db.session.execute(delete(ChannelCourse).where(ChannelCourse.channel_id == channel.id))
        db.session.execute(delete(ChannelDelivery).where(ChannelDelivery.channel_id == channel.id))
        db.session.execute(delete(Channel).where(Channel.id == channel.id))
    db.session.commit()
    return len(ids)


def _say_farewell(channel: Channel) -> None:
    """Give back what the service keeps for us, if it can be reached; then what we signed in with is forgotten."""
    channel_id, slug = channel.id, channel.slug
    try:
        apart(channel_id).farewell()
    except ChannelFailed as failure:
        log.warning("%s could not be told that we leave: %s", slug, failure.reason)
    channel = db.session.get_one(Channel, channel_id)
    channel.credentials = channel.secret = None
    db.session.commit()
