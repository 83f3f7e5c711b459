"""What comes in: a message becomes part of a conversation on its channel, once, however often it is delivered."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from core.clock import now
from core.db import db
from core.outbox import publish
from core.unique import add_once, inserting
from desk import clocks, conversations, held_arrivals, holding, masks, quiet
from desk.channels.base import IncomingMessage
from desk.events import MessageReceived
from desk.models import Channel, Contact, Conversation, ConversationState, Message, same_handle
from desk.person_models import ThreadPost
from search.analysis import language


class _Answered(NamedTuple):
    """Where a message stands that another one answers."""

    conversation_id: int
    created_at: datetime


def receive(channel: Channel, incoming: IncomingMessage) -> Message | None:
    """Take in a message that a channel delivered; None when it is there already."""
    if message_of(channel, incoming.id) is not None:
        return None
    contact = _contact(channel, incoming)
    at = now()
    answered = _what_it_answers(channel, incoming)
    conversation = _conversation(channel, contact, incoming, answered)
    # Clocks go wrong, and some know whole seconds only: what answers a message was not written before it.
    written_at = min(incoming.created_at if answered is None else max(incoming.created_at, answered.created_at), at)
    is_new = add_once(
        Message,
        conversation_id=conversation.id,
        channel_id=channel.id,
        external_id=incoming.id,
        direction="in",
        is_public=incoming.is_public,
        text=incoming.text,
        url=incoming.url,
        contact_id=contact.id,
        created_at=written_at,
        received_at=at,
        state="received",
        kind=None if incoming.kind == "message" else incoming.kind,
        subject=incoming.subject or None,
        edited_at=None if incoming.edited_at is None else min(incoming.edited_at, at),
    )
    if not is_new:  # somebody else took it in at the same moment
        return None
    message = message_of(channel, incoming.id)
    assert message is not None  # noqa: S101 -- written two lines above
    if incoming.capabilities is not None:
        conversation.capabilities = {**incoming.capabilities, "told_at": at.isoformat()}
    if incoming.answered_by_machine:
        conversation.last_message_at = max(conversation.last_message_at, message.created_at)
        db.session.flush()
        return message
    step = quiet.step_of(contact.id)
    if step is not None and step.step == "block":
        _keep_closed(conversation, message)
        return message
    if step is not None and step.step == "restrict" and message.is_public:
        _hold(conversation, message)
        return message
    _let_wait(conversation, message)
    if conversation.state != "new":  # nothing of ours waits where nobody has begun
        holding.give_way(conversation, reason="new_message")
    _keep_thread(conversation, incoming)
    publish(MessageReceived(conversation.id, message.id))
    return message


def message_of(channel: Channel, external_id: str) -> Message | None:
    """Return the message that the service calls by this id."""
    return db.session.scalars(
        select(Message).where(Message.channel_id == channel.id, Message.external_id == external_id)
    ).one_or_none()


def _contact(channel: Channel, incoming: IncomingMessage) -> Contact:
    contact = _same_person(channel, incoming) if incoming.person_id else _with_handle(channel, incoming.handle)
    if contact is None:
        add_once(
            Contact,
            channel_id=channel.id,
            handle=incoming.handle,
            name=incoming.name,
            reach=incoming.reach,
            external_id=incoming.person_id or None,
        )
        contact = _with_handle(channel, incoming.handle)
        assert contact is not None  # noqa: S101 -- written just now, here or by somebody else
    # People rename themselves and gain followers; what the channel told last is what is so.
    if incoming.name:
        contact.name = incoming.name
    if incoming.reach is not None:
        contact.reach = incoming.reach
    return contact


def _with_handle(channel: Channel, handle: str) -> Contact | None:
    wanted = select(Contact).where(Contact.channel_id == channel.id, Contact.handle == handle)
    return db.session.scalars(wanted).one_or_none()


def _same_person(channel: Channel, incoming: IncomingMessage) -> Contact | None:
    """Return who has this id at the service, under the handle that they have now; None for somebody new."""
    wanted = select(Contact).where(Contact.channel_id == channel.id, Contact.external_id == incoming.person_id)
    contact = db.session.scalars(wanted).one_or_none()
    if contact is not None and contact.handle == incoming.handle:
        return contact
    namesake = _with_handle(channel, incoming.handle)
    if namesake is not None and contact is None and namesake.external_id is None:
        namesake.external_id = incoming.person_id  # we know them from when the service told no id
        return namesake
    if namesake is not None:  # the handle is somebody else's now; what they are called today they will tell
        _call(namesake, (namesake.external_id or f"{namesake.handle[:150]} ({namesake.id})")[:200])
    if contact is not None:
        _call(contact, incoming.handle)
    return contact


def _call(contact: Contact, handle: str) -> None:
    contact.handle, contact.handle_key = handle, same_handle(handle)
    db.session.flush()


def _conversation(
    channel: Channel, contact: Contact, incoming: IncomingMessage, answered: _Answered | None
) -> Conversation:
    find = select(Conversation.id).where(
        Conversation.channel_id == channel.id, Conversation.external_id == incoming.conversation
    )
    found = db.session.scalar(find) if answered is None else answered.conversation_id
    if found is None:
        at = now()
        add_once(
            Conversation,
            channel_id=channel.id,
            contact_id=contact.id,
            external_id=incoming.conversation,
            state="new",
            locale=language.guess(incoming.text, incoming.locale),
            created_at=at,
            last_message_at=min(incoming.created_at, at),
        )
        found = db.session.scalars(find).one()
    return conversations.locked(found)


def _what_it_answers(channel: Channel, incoming: IncomingMessage) -> _Answered | None:
    """Return the place of the nearest message that it answers and that is here."""
    if not incoming.answers:
        return None
    rows = db.session.execute(
        select(Message.external_id, Message.conversation_id, Message.created_at).where(
            Message.channel_id == channel.id, Message.external_id.in_(incoming.answers)
        )
    )
    known = {row.external_id: _Answered(row.conversation_id, row.created_at) for row in rows}
    return next((known[each] for each in incoming.answers if each in known), None)


def _keep_thread(conversation: Conversation, incoming: IncomingMessage) -> None:
    """Keep what others wrote before in the public thread; nobody waits because of it."""
    if not incoming.is_public or not incoming.thread:
        return
    ids = [post.id for post in incoming.thread]
    written_to_us = set(
        db.session.scalars(
            select(Message.external_id).where(
                Message.channel_id == conversation.channel_id, Message.external_id.in_(ids)
            )
        )
    )
    at = now()
    rows = [
        {
            "conversation_id": conversation.id,
            "external_id": post.id,
            "handle": post.handle,
            "name": post.name,
            "is_ours": post.is_ours,
            "text": post.text,
            "url": post.url,
            "created_at": min(post.created_at, at),
        }
        for post in incoming.thread
        if post.id not in written_to_us
    ]
    if rows:
        db.session.execute(inserting(ThreadPost).values(rows).on_conflict_do_nothing())


def _keep_closed(conversation: Conversation, message: Message) -> None:
    """Keep what somebody wrote who is blocked: it makes no case and no noise, and changes none that there is."""
    conversation.last_message_at = max(conversation.last_message_at, message.created_at)
    conversations.keep_words(conversation, masks.said(message), is_incoming=True)
    if conversation.state == "new" and conversation.waiting_since is None:
        conversations.turn(conversation, "no_answer", by=None, reason="who wrote this is blocked")
        clocks.stop(conversation, "no_answer")
    db.session.flush()


def _hold(conversation: Conversation, message: Message) -> None:
    """Hold what somebody wrote who is restricted: nobody waits before somebody let it in."""
    conversation.last_message_at = max(conversation.last_message_at, message.created_at)
    conversations.keep_words(conversation, masks.said(message), is_incoming=True)
    held_arrivals.hold(message)
    db.session.flush()


def _let_wait(conversation: Conversation, message: Message) -> None:
    conversation.last_message_at = max(conversation.last_message_at, message.created_at)
    clocks.heard(conversation, message.created_at)
    conversations.keep_words(conversation, masks.said(message), is_incoming=True)
    if conversation.state != "new" or conversation.snoozed_until is not None:
        # Solved, given to a colleague inside, or snoozed: the customer has something to say.
        state: ConversationState = "new" if conversation.state == "new" else "open"
        conversations.turn(conversation, state, by=None, reason="the customer wrote")
    db.session.flush()
