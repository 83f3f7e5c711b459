"""What comes in: a message becomes part of a conversation on its channel, once, however often it is delivered.

Of messages that come together it is asked once what of them is here already (`Known`). That is a guess where others
write at the same moment; what makes a row the only one is its key. What follows from a message is pending in the
session until `tell`, so that the rows of all of them are written together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    bindparam,
    cast,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import make_transient_to_detached

from core.clock import now
from core.db import db
from core.outbox import publish_all
from core.unique import added, inserting
from desk import clocks, conversations, holding
from desk.channel_models import RemovedMessage
from desk.channels.base import IncomingMessage
from desk.events import MessageReceived
from desk.models import UNJUDGED, Channel, Contact, Conversation, ConversationState, Message, same_handle
from desk.person_models import ThreadPost
from search.analysis import language


@dataclass(frozen=True, slots=True)
class Here:
    """A message that is in the desk."""

    id: int
    conversation_id: int
    created_at: datetime
    direction: str


@dataclass(slots=True)
class Writer:
    """A contact, as far as what arrives may change it."""

    id: int
    handle: str
    person_id: str
    name: str
    reach: int | None


class Known:
    """What is here of messages that are taken in together, and what was written of them since."""

    def __init__(self, channel: Channel, told: Sequence[IncomingMessage]) -> None:
        self._channel_id = channel.id
        self._told = told
        self.messages: dict[str, Here] = {}
        """By their ids at the service: what is told, what it answers, and what stands before it in public."""
        self.removed: set[str] = set()
        self.conversations: dict[str, int] = {}
        self.handles: dict[str, Writer] = {}
        self.people: dict[str, Writer] = {}
        """By the service's own ids of them."""
        self.held: dict[int, Conversation] = {}
        """Those that this transaction holds, by id."""
        self.received: list[MessageReceived] = []
        """What happened, to be told when all is written."""
        self.ask(told)

    def ask(self, told: Sequence[IncomingMessage]) -> None:
        """Ask what is here of these, in one statement."""
        if not told:
            return
        ids = [one.id for one in told]
        found = db.session.execute(
            _KNOWN,
            {
                "channel": self._channel_id,
                "ids": ids,
                "messages": list(dict.fromkeys(each for one in told for each in _named(one))),
                "conversations": list({one.conversation for one in told}),
                "handles": list({one.handle for one in told}),
                "people": list({one.person_id for one in told if one.person_id}),
            },
        )
        for row in found:
            match row.kind:
                case "message":
                    self.messages[row.key] = Here(row.id, row.conversation_id, row.created_at, row.direction)
                case "removed":
                    self.removed.add(row.key)
                case "conversation":
                    self.conversations[row.key] = row.id
                case "contact":
                    self.meet(Writer(row.id, row.key, row.person_id or "", row.name, row.reach))

    def ask_again_who_is_who(self) -> None:
        """Ask for the contacts anew, after some of them got other names."""
        self.handles.clear()
        self.people.clear()
        self.ask(self._told)

    def meet(self, writer: Writer) -> None:
        """Keep who somebody is."""
        self.handles[writer.handle] = writer
        if writer.person_id:
            self.people[writer.person_id] = writer


def receive(channel: Channel, incoming: IncomingMessage) -> Message | None:
    """Take in a message that a channel delivered; None when it is there already."""
    known = Known(channel, [incoming])
    here = take_in(channel, incoming, known)
    tell(known)
    return None if here is None else db.session.get_one(Message, here.id)


def take_in(channel: Channel, incoming: IncomingMessage, known: Known) -> Here | None:
    """Take in one of the messages that are `known`; None when it is there already. What follows waits for `tell`."""
    if incoming.id in known.messages:
        return None
    answered = next((known.messages[each] for each in incoming.answers if each in known.messages), None)
    contact_id = _contact(channel, incoming, known)
    at = now()
    conversation = _conversation(channel, contact_id, incoming, answered, known)
    # Clocks go wrong, and some know whole seconds only: what answers a message was not written before it.
    written_at = min(incoming.created_at if answered is None else max(incoming.created_at, answered.created_at), at)
    message_id = added(
        Message,
        conversation_id=conversation.id,
        channel_id=channel.id,
        external_id=incoming.id,
        direction="in",
        is_public=incoming.is_public,
        text=incoming.text,
        quoted=incoming.quoted or None,
        url=incoming.url,
        contact_id=contact_id,
        created_at=written_at,
        received_at=at,
        state="received",
        kind=None if incoming.kind == "message" else incoming.kind,
        subject=incoming.subject or None,
        edited_at=None if incoming.edited_at is None else min(incoming.edited_at, at),
    )
    if message_id is None:  # somebody else took it in at the same moment
        known.ask([incoming])
        return None
    here = known.messages[incoming.id] = Here(message_id, conversation.id, written_at, "in")
    if incoming.capabilities is not None:
        conversation.capabilities = {**incoming.capabilities, "told_at": at.isoformat()}
    conversation.last_message_at = max(conversation.last_message_at, written_at)
    if incoming.answered_by_machine:
        return here
    _let_wait(conversation, incoming.text, written_at)
    if conversation.state != "new":  # nothing of ours waits where nobody has begun
        holding.give_way(conversation, reason="new_message")
    _keep_thread(conversation, incoming, known)
    known.received.append(MessageReceived(conversation.id, message_id))
    return here


def tell(known: Known) -> None:
    """Write what is pending, and tell that the messages arrived."""
    db.session.flush()
    publish_all(known.received)
    known.received.clear()


def message_of(channel: Channel, external_id: str) -> Message | None:
    """Return the message that the service calls by this id."""
    return db.session.scalars(
        select(Message).where(Message.channel_id == channel.id, Message.external_id == external_id)
    ).one_or_none()


def _contact(channel: Channel, incoming: IncomingMessage, known: Known) -> int:
    """Return who wrote it, under the name that they have now."""
    writer = known.handles.get(incoming.handle)
    if incoming.person_id and known.people.get(incoming.person_id) is not writer:
        _sort_out(channel, incoming)
        known.ask_again_who_is_who()
        writer = known.people.get(incoming.person_id)
    if writer is None:
        contact_id = _new_contact(channel, incoming)
        if contact_id is None:  # somebody else wrote it at the same moment
            known.ask([incoming])
            return _contact(channel, incoming, known)
        known.meet(Writer(contact_id, incoming.handle, incoming.person_id, incoming.name, incoming.reach))
        return contact_id
    # People rename themselves and gain followers; what the channel told last is what is so.
    name = incoming.name or writer.name
    reach = writer.reach if incoming.reach is None else incoming.reach
    if (name, reach) != (writer.name, writer.reach):
        contact = db.session.get_one(Contact, writer.id)
        contact.name, contact.reach = writer.name, writer.reach = name, reach
    return writer.id


def _new_contact(channel: Channel, incoming: IncomingMessage) -> int | None:
    return added(
        Contact,
        channel_id=channel.id,
        handle=incoming.handle,
        name=incoming.name,
        reach=incoming.reach,
        external_id=incoming.person_id or None,
    )


def _sort_out(channel: Channel, incoming: IncomingMessage) -> None:
    """Let who has this id at the service have this handle, and nobody else."""
    contact = _with(channel, Contact.external_id == incoming.person_id)
    namesake = _with(channel, Contact.handle == incoming.handle)
    if namesake is contact:
        return
    if namesake is not None and contact is None and namesake.external_id is None:
        namesake.external_id = incoming.person_id  # we know them from when the service told no id
        db.session.flush()
        return
    if namesake is not None:  # the handle is somebody else's now; what they are called today they will tell
        _call(namesake, (namesake.external_id or f"{namesake.handle[:150]} ({namesake.id})")[:200])
    if contact is not None:
        _call(contact, incoming.handle)


def _with(channel: Channel, clause: ColumnElement[bool]) -> Contact | None:
    return db.session.scalars(select(Contact).where(Contact.channel_id == channel.id, clause)).one_or_none()


def _call(contact: Contact, handle: str) -> None:
    contact.handle, contact.handle_key = handle, same_handle(handle)
    db.session.flush()


def _conversation(
    channel: Channel, contact_id: int, incoming: IncomingMessage, answered: Here | None, known: Known
) -> Conversation:
    found = known.conversations.get(incoming.conversation) if answered is None else answered.conversation_id
    if found is None:
        begun = _begun(channel, contact_id, incoming)
        if begun is not None:
            known.conversations[incoming.conversation] = begun.id
            known.held[begun.id] = begun
            return begun
        known.ask([incoming])  # somebody else began it at the same moment
        found = known.conversations[incoming.conversation]
    if found not in known.held:
        known.held[found] = conversations.locked(found)
    return known.held[found]


def _begun(channel: Channel, contact_id: int, incoming: IncomingMessage) -> Conversation | None:
    """Begin a conversation; None where there is one. Nobody else can see it before this transaction ends."""
    at = now()
    facts: dict[str, Any] = {
        "channel_id": channel.id,
        "contact_id": contact_id,
        "external_id": incoming.conversation,
        "state": "new",
        "locale": language.guess(incoming.text, incoming.locale),
        "created_at": at,
        "last_message_at": min(incoming.created_at, at),
        "waiting_since": None,
        "snoozed_until": None,
        "priority": UNJUDGED,
    }
    conversation_id = added(Conversation, **facts)
    if conversation_id is None:
        return None
    # The row as it was just written, without reading it: it has no clock yet, and what is not said here is read. It is
    # merged, and not added, since one with the same id may still be known that a savepoint took back.
    conversation = Conversation(id=conversation_id, clock=None, **facts)
    make_transient_to_detached(conversation)
    return db.session.merge(conversation, load=False)


def _keep_thread(conversation: Conversation, incoming: IncomingMessage, known: Known) -> None:
    """Keep what others wrote before in the public thread; nobody waits because of it."""
    if not incoming.is_public or not incoming.thread:
        return
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
        if post.id not in known.messages
    ]
    if rows:
        db.session.execute(inserting(ThreadPost).on_conflict_do_nothing(), rows)


def _let_wait(conversation: Conversation, text: str, at: datetime) -> None:
    clocks.heard(conversation, at)
    conversations.keep_words(conversation, text, is_incoming=True)
    if conversation.state != "new" or conversation.snoozed_until is not None:
        # Solved, given to a colleague inside, or snoozed: the customer has something to say.
        state: ConversationState = "new" if conversation.state == "new" else "open"
        conversations.turn(conversation, state, by=None, reason="the customer wrote")


def _named(incoming: IncomingMessage) -> Iterable[str]:
    """Yield the ids of all messages that it speaks of."""
    yield incoming.id
    yield from incoming.answers
    if incoming.is_public:
        yield from (post.id for post in incoming.thread)


def _what_is_here() -> Any:
    """Put the statement together, once and for all channels; each part is looked up by a key that is unique."""
    channel = bindparam("channel", type_=BigInteger)

    def among(name: str) -> Any:
        return bindparam(name, type_=String, expanding=True)

    # PostgreSQL takes the types of the first part for those of all.
    messages = select(
        literal("message", String).label("kind"),
        Message.external_id.label("key"),
        Message.id.label("id"),
        Message.conversation_id.label("conversation_id"),
        Message.created_at.label("created_at"),
        Message.direction.label("direction"),
        cast(null(), String).label("person_id"),
        cast(null(), String).label("name"),
        cast(null(), Integer).label("reach"),
    ).where(Message.channel_id == channel, Message.external_id.in_(among("messages")))
    nothing = (null(),) * 3
    removed = select(
        literal("removed", String), RemovedMessage.external_id, RemovedMessage.id, *nothing, *nothing
    ).where(RemovedMessage.channel_id == channel, RemovedMessage.external_id.in_(among("ids")))
    begun = select(
        literal("conversation", String), Conversation.external_id, Conversation.id, *nothing, *nothing
    ).where(Conversation.channel_id == channel, Conversation.external_id.in_(among("conversations")))
    contacts = select(
        literal("contact", String),
        Contact.handle,
        Contact.id,
        *nothing,
        Contact.external_id,
        Contact.name,
        Contact.reach,
    ).where(
        Contact.channel_id == channel,
        or_(Contact.handle.in_(among("handles")), Contact.external_id.in_(among("people"))),
    )
    return union_all(messages, removed, begun, contacts)


_KNOWN: Final = _what_is_here()
