"""What services tell is taken in: new messages, changed and removed ones, and messages of ours that came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from sqlalchemy import select

from accounts import audit
from core.clock import now
from core.db import db
from core.outbox import publish
from core.unique import add_once
from desk import clocks, conversations, inbox, replies, sla
from desk.channel_models import MessageFile, MessageVersion, RemovedMessage
from desk.channels.base import Arrival, IncomingMessage, Removed, Returned
from desk.events import MessageChanged
from desk.models import Channel, Message

MEANS_MORE: Final = 0.9
"""Texts that are alike up to this mean the same: a slip of the pen was mended."""
LONGEST_COMPARED: Final = 2000


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that is in the desk; `is_new` is False when it was there before."""

    message_id: int
    conversation_id: int
    is_new: bool


def take(channel: Channel, arrival: Arrival) -> Taken | None:
    """Take in what a service told, once however often it tells it; None where no message came of it."""
    return take_all(channel, [arrival])[0]


def take_all(channel: Channel, told: Sequence[Arrival]) -> list[Taken | None]:
    """Take in what a service told together, in its order, as `take` does one after the other, in fewer statements."""
    known = inbox.Known(channel, [each for each in told if isinstance(each, IncomingMessage)])
    with sla.read_once():
        taken = [_take(channel, each, known) for each in told]
    inbox.tell(known)
    return taken


def _take(channel: Channel, arrival: Arrival, known: inbox.Known) -> Taken | None:
    if not isinstance(arrival, IncomingMessage):
        inbox.tell(known)  # in the order in which it happened
    if isinstance(arrival, Removed):
        known.removed.add(arrival.id)
        return _remove(channel, arrival)
    if isinstance(arrival, Returned):
        return _returned(channel, arrival)
    if arrival.id in known.removed:
        return None
    here = inbox.take_in(channel, arrival, known)
    if here is not None:
        _keep_files(here.id, arrival)
        return Taken(here.id, here.conversation_id, is_new=True)
    here = known.messages[arrival.id]
    if arrival.edited_at is not None and here.direction == "in":
        inbox.tell(known)
        message = inbox.message_of(channel, arrival.id)
        assert message is not None  # noqa: S101 -- it is not new, so it is there
        _change(message, arrival)
    return Taken(here.id, here.conversation_id, is_new=False)


def _keep_files(message_id: int, incoming: IncomingMessage) -> None:
    for file in incoming.files:
        db.session.add(
            MessageFile(
                message_id=message_id,
                name=file.name,
                media_type=file.media_type,
                size=len(file.content),
                words=file.words,
                content=file.content,
            )
        )


def _change(message: Message, incoming: IncomingMessage) -> None:
    """Let the message say what it says now; who had been answered and means something else waits again."""
    conversation = conversations.locked(message.conversation_id)
    db.session.refresh(message)
    at = min(incoming.edited_at or now(), now())
    is_older = message.edited_at is not None and at <= message.edited_at
    if is_older or message.removed_at is not None or message.text == incoming.text:
        return
    before = message.text
    db.session.add(MessageVersion(message_id=message.id, text=before, until=at))
    message.text, message.quoted, message.edited_at = incoming.text, incoming.quoted or None, at
    if conversation.state in conversations.NOBODY_WAITS and not _means_the_same(before, incoming.text):
        clocks.heard(conversation, at)
        conversations.turn(conversation, "open", by=None, reason="the customer changed what they wrote")
    conversations.keep_words(conversation, message.text, is_incoming=True)
    db.session.flush()
    audit.record("desk.message.change", message, by=None, reason="at the service")
    publish(MessageChanged(conversation.id, message.id))


def _means_the_same(before: str, after: str) -> bool:
    return SequenceMatcher(None, before[:LONGEST_COMPARED], after[:LONGEST_COMPARED]).ratio() >= MEANS_MORE


def _remove(channel: Channel, removed: Removed) -> Taken | None:
    """Forget the words of a message that its writer took away; who waited because of it alone waits no more."""
    message = inbox.message_of(channel, removed.id)
    add_once(RemovedMessage, channel_id=channel.id, external_id=removed.id)
    if message is None:
        return None
    conversation = conversations.locked(message.conversation_id)
    db.session.refresh(message)
    if message.removed_at is None:
        message.removed_at, message.text, message.quoted, message.subject = now(), "", None, None
        for version in db.session.scalars(select(MessageVersion).where(MessageVersion.message_id == message.id)):
            db.session.delete(version)
        for file in db.session.scalars(select(MessageFile).where(MessageFile.message_id == message.id)):
            db.session.delete(file)
        conversations.keep_words(conversation, "", is_incoming=True)
        db.session.flush()
        audit.record("desk.message.remove", message, by=None, reason="at the service")
        publish(MessageChanged(conversation.id, message.id))
    return Taken(message.id, message.conversation_id, is_new=False)


def _returned(channel: Channel, returned: Returned) -> Taken | None:
    message = inbox.message_of(channel, returned.id)
    if message is None or message.direction != "out":
        return None
    replies.came_back(message, returned.reason)
    return Taken(message.id, message.conversation_id, is_new=False)
