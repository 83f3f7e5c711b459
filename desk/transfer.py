"""Import and export of conversations. Imported history can be read and learnt from; nobody is answered on it.

What came in with an id of its own goes out with it, what was written here as `klinke:<id>`. Replies that never left the
house are not part of what was said and do not go out.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import joinedload, lazyload, selectinload, undefer

from accounts import people
from accounts.transfer import reference
from core.api import line
from core.db import db
from core.errors import Invalid
from core.transfer import Outcome, RecordType, iso, register
from core.unique import add_once
from desk import clocks, conversations, erasing, queries
from desk.channels.base import LONGEST_QUOTED, LONGEST_URL
from desk.models import LONGEST_LAST_WORDS, UNJUDGED, Channel, Contact, Conversation, ConversationState, Message
from desk.team_models import Team
from kb import queries as articles_known
from kb import transfer_beside, uses
from kb.models import Article
from search.analysis import language

LONGEST_ID = 100
LONGEST_HANDLE = 200
LONGEST_TEXT = 100_000
LARGEST_REACH = 2**31 - 1
LONGEST_EXTERNAL = 300
LONGEST_TEAM = 80
LONGEST_REASON = 1000
LARGEST_PRIORITY = 100_000
_BATCH = 200
STAYS = ("queued", "failed")
"""What never left the house is not part of what was said."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_OWN_ID = re.compile(r"klinke:([0-9]{1,18})")


def _storable(value: str) -> str:
    if _UNSTORABLE.search(value):
        message = "has characters that cannot be stored"
        raise ValueError(message)
    return value


Id = line(LONGEST_ID)


class ContactRecord(BaseModel):
    """Somebody on the channel."""

    handle: line(LONGEST_HANDLE)  # type: ignore[valid-type]  # a type made for the limit
    name: line(LONGEST_HANDLE, 0) = ""  # type: ignore[valid-type]  # the same
    reach: Annotated[int, Field(ge=0, le=LARGEST_REACH)] | None = None


class MessageRecord(BaseModel):
    """One message; `contact` where somebody else joined in, `author` the id of the person of the team who wrote it."""

    id: Id  # type: ignore[valid-type]  # a type made for the limit
    direction: Literal["in", "out"]
    public: bool
    text: Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_storable)]
    quoted: Annotated[str, Field(min_length=1, max_length=LONGEST_QUOTED), AfterValidator(_storable)] | None = None
    """What it quotes of what was said before."""
    url: Annotated[str, Field(max_length=LONGEST_URL, pattern="^https?://"), AfterValidator(_storable)] | None = None
    uses: list[Id] = []  # type: ignore[valid-type]  # a type made for the limit
    created: AwareDatetime
    received: AwareDatetime | None = None
    """When it arrived, where that is not when it was written."""
    sent: AwareDatetime | None = None
    """When it left, where that is not when it was written."""
    external: Annotated[str, Field(min_length=1, max_length=LONGEST_EXTERNAL), AfterValidator(_storable)] | None = None
    """The service's id, by which a repeat is known."""
    unsure: Annotated[str, Field(max_length=LONGEST_REASON), AfterValidator(_storable)] | None = None
    """Nobody knows whether it arrived, and why."""
    contact: ContactRecord | None = None
    author: Id | None = None  # type: ignore[valid-type]  # the same


class ConversationRecord(BaseModel):
    """A line of type `conversation`; where `state` and `locale` are missing, the messages say."""

    id: Id  # type: ignore[valid-type]  # a type made for the limit
    channel: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
    contact: ContactRecord
    messages: Annotated[list[MessageRecord], Field(min_length=1)]
    state: ConversationState | None = None
    locale: Literal["de", "en"] | None = None
    informal: bool | None = None
    """Whether an agent chose du (or Sie) for this customer; nothing where the channel says."""
    external: Annotated[str, Field(min_length=1, max_length=LONGEST_EXTERNAL), AfterValidator(_storable)] | None = None
    """The thread's id in the service, so that the next message finds it."""
    assignee: Id | None = None  # type: ignore[valid-type]  # the same
    team: line(LONGEST_TEAM) | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime | None = None
    last: AwareDatetime | None = None
    """When something was said last, where the messages do not say so."""
    waiting_since: AwareDatetime | Literal[False] | None = None
    """Since when the customer waits, or `false`, where that does not follow from the messages."""
    priority: Annotated[int, Field(ge=-LARGEST_PRIORITY, le=LARGEST_PRIORITY)] | None = None
    snoozed: AwareDatetime | None = None
    capabilities: Annotated[dict[str, Any], Field(max_length=20)] | None = None
    """What the service told of how it can be answered."""


def init_app() -> None:
    register(RecordType(name="conversation", order=40, model=ConversationRecord, load=load, dump=dump))
    transfer_beside.contribute("message", transfer_beside.Carrier(_refer_to_messages, _message_named))


def load(record: ConversationRecord) -> Outcome:
    """Take one conversation in; what the team did with it here since then stays."""
    conversation = _found(record)
    if conversation is None:
        return "new" if _take_in(record) else "unchanged"
    if conversation.contact.erased_at is not None:
        return "unchanged"  # an export from before must not bring back what somebody had forgotten
    is_changed = _complete(conversation.contact, record.contact)
    known = {_message_id(message): message for message in conversation.messages}
    for each in record.messages:
        message = known.get(each.id)
        if message is None:
            message = _message(conversation, each)
            db.session.add(message)
            db.session.flush()
            _record_uses(message, each.uses)
            is_changed = True
        else:
            is_changed = _correct(message, each) or is_changed
    if is_changed:
        db.session.flush()
        db.session.expire(conversation, ["messages"])
        if all(message.by_id is None for message in conversation.messages):
            _place(conversation, record)
        else:
            conversation.last_words = _last_words(conversation.messages)
        db.session.flush()
    return "changed" if is_changed else "unchanged"


def dump() -> Iterator[dict[str, Any]]:
    """Yield every conversation, in the order in which they began here."""
    ids = iter(db.session.scalars(select(Conversation.id).order_by(Conversation.id)).all())
    while batch := list(islice(ids, _BATCH)):
        found = db.session.scalars(
            select(Conversation)
            .where(Conversation.id.in_(batch))
            .options(
                joinedload(Conversation.assignee),
                joinedload(Conversation.team),
                selectinload(Conversation.messages).options(joinedload(Message.by), undefer(Message.quoted)),
            )
            .order_by(Conversation.id)
        ).all()
        used = queries.used_articles([message.id for each in found for message in each.messages])
        for conversation in found:
            if record := _as_record(conversation, used):
                yield record
        db.session.expunge_all()


def _found(record: ConversationRecord) -> Conversation | None:
    statement = select(Conversation).options(
        lazyload(Conversation.assignee), selectinload(Conversation.messages).undefer(Message.quoted)
    )
    found = db.session.scalars(statement.where(Conversation.source_id == record.id)).one_or_none()
    if found is None and (own := _OWN_ID.fullmatch(record.id)):
        # What was written in this very installation comes back to where it is.
        found = db.session.scalars(
            statement.join(Channel).where(
                Conversation.id == int(own[1]), Conversation.source_id.is_(None), Channel.slug == record.channel
            )
        ).one_or_none()
    return found


def _take_in(record: ConversationRecord) -> bool:
    # Archives have thousands of these, so what follows from the record is not asked of the database again.
    channel = channel_named(record.channel)
    if erasing.was_erased(channel, record.contact.handle):
        return False
    contact = _contact(channel.id, record.contact)
    state, waiting_since = _standing(record.messages)
    state = record.state or state
    if record.waiting_since is not None:
        waiting_since = record.waiting_since or None
    conversation = Conversation(
        channel_id=channel.id,
        contact_id=contact.id,
        external_id=record.external or f"import:{record.id}",
        state=state,
        locale=record.locale or _locale(record.messages),
        created_at=record.created or min(message.created for message in record.messages),
        last_message_at=record.last or max(message.created for message in record.messages),
        assignee_id=_author_id(record.assignee),
        team_id=_team_id(record.team),
        priority=UNJUDGED if record.priority is None else record.priority,
        snoozed_until=record.snoozed,
        capabilities=record.capabilities,
        last_words=_last_words(record.messages),
        source_id=record.id,
        is_informal=record.informal,
    )
    if waiting_since is not None and state not in conversations.NOBODY_WAITS:
        clocks.run(conversation, waiting_since)
    db.session.add(conversation)
    db.session.flush()
    messages = [_message(conversation, each) for each in record.messages]
    db.session.add_all(messages)
    db.session.flush()
    asked = None
    for message, each in zip(messages, record.messages, strict=True):
        if each.direction == "in":
            asked = message
        for article in _articles(each.uses):
            _record_use(article, message, asked)
    clocks.learn(conversation, messages)
    return True


def channel_named(slug: str) -> Channel:
    """Return the channel with this short name; where there is none, an archive is made of it."""
    statement = select(Channel).where(Channel.slug == slug)
    found = db.session.scalars(statement).one_or_none()
    if found is None:
        add_once(Channel, slug=slug, kind="archive", name=slug.replace("-", " ").title(), settings={})
        found = db.session.scalars(statement).one()
    return found


def _contact(channel_id: int, record: ContactRecord) -> Contact:
    statement = select(Contact).where(Contact.channel_id == channel_id, Contact.handle == record.handle)
    contact = db.session.scalars(statement.options(lazyload(Contact.channel))).one_or_none()
    if contact is None:
        contact = Contact(channel_id=channel_id, handle=record.handle, name=record.name, reach=record.reach)
        db.session.add(contact)
        db.session.flush()
    else:
        _complete(contact, record)
    return contact


def _complete(contact: Contact, record: ContactRecord) -> bool:
    """Fill in what is not known yet; of two that contradict each other the one that is here stays."""
    name = contact.name or record.name
    reach = record.reach if contact.reach is None else contact.reach
    is_more = (name, reach) != (contact.name, contact.reach)
    contact.name, contact.reach = name, reach
    return is_more


def _message(conversation: Conversation, record: MessageRecord) -> Message:
    is_incoming = record.direction == "in"
    contact_id = conversation.contact_id
    if is_incoming and record.contact is not None:
        contact_id = _contact(conversation.channel_id, record.contact).id
    return Message(
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        direction=record.direction,
        is_public=record.public,
        text=record.text,
        quoted=record.quoted,
        url=record.url,
        contact_id=contact_id if is_incoming else None,
        by_id=_author_id(record.author),
        external_id=record.external,
        created_at=record.created,
        received_at=record.received or record.created,
        sent_at=None if is_incoming or record.unsure is not None else record.sent or record.created,
        state="received" if is_incoming else "sent" if record.unsure is None else "unsure",
        failure=None if is_incoming else record.unsure or None,
        source_id=record.id,
    )


def _correct(message: Message, record: MessageRecord) -> bool:
    """Make a message say what the record says; tell whether that was something else."""
    wanted = {
        "text": record.text,
        "quoted": record.quoted,
        "url": record.url,
        "is_public": record.public,
        "created_at": record.created,
    }
    if message.source_id is None:
        return False  # it was written here, and a delivered message is not rewritten
    changed = {name: value for name, value in wanted.items() if getattr(message, name) != value}
    for name, value in changed.items():
        setattr(message, name, value)
    return _record_uses(message, record.uses) or bool(changed)


def _record_uses(message: Message, source_ids: Sequence[str]) -> bool:
    if not source_ids:
        return False
    known = {use.article_id for use in queries.used_articles([message.id]).get(message.id, ())}
    added = [article for article in _articles(source_ids) if article.id not in known]
    asked = _asked_before(message) if added else None
    for article in added:
        _record_use(article, message, asked)
    return bool(added)


def _record_use(article: Article, message: Message, asked: Message | None) -> None:
    uses.record(
        article,
        face=None,
        where_kind="message",
        where_id=message.id,
        by=None,
        asked="" if asked is None else asked.text,
        asked_in_public=asked is not None and asked.is_public,
        at=message.created_at,
        revision_id=articles_known.revision_at(article, message.created_at),
    )


def _articles(source_ids: Sequence[str]) -> list[Article]:
    return [_article(source_id) for source_id in source_ids]


def _article(source_id: str) -> Article:
    is_it = Article.source_id == source_id
    if own := _OWN_ID.fullmatch(source_id):
        is_it |= Article.id == int(own[1])
    lean = (lazyload(Article.section), lazyload(Article.sources), lazyload(Article.tags), lazyload(Article.owner))
    article = db.session.scalars(select(Article).where(is_it).options(*lean, lazyload(Article.published))).first()
    if article is None:
        raise Invalid(f"uses: no article has the id {source_id!r}")
    return article


def _asked_before(message: Message) -> Message | None:
    """Return the message that this was an answer to."""
    statement = (
        select(Message)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.direction == "in",
            Message.created_at <= message.created_at,
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    )
    return db.session.scalars(statement).first()


def _author_id(source_id: str | None) -> int | None:
    if source_id is None:
        return None
    author = people.by_source_id(source_id)
    if author is None:
        raise Invalid(f"unknown author {source_id!r}")
    return author.id


def _team_id(name: str | None) -> int | None:
    if name is None:
        return None
    found = db.session.scalar(select(Team.id).where(Team.name == name))
    if found is None:
        raise Invalid(f"unknown team {name!r}")
    return found


def _place(conversation: Conversation, record: ConversationRecord) -> None:
    """Say where the conversation stands, as the record or else its messages say."""
    state, waiting_since = _standing(conversation.messages)
    conversation.state = record.state or state
    if waiting_since is None or conversation.state in conversations.NOBODY_WAITS:
        clocks.stop(conversation)
    else:
        clocks.run(conversation, waiting_since)
    conversation.last_message_at = max(message.created_at for message in conversation.messages)
    conversation.last_words = _last_words(conversation.messages)


def _standing(messages: Sequence[Message | MessageRecord]) -> tuple[ConversationState, datetime | None]:
    """Return what follows from who spoke last: the state, and since when somebody waits."""
    waiting_since = None
    for message in sorted(messages, key=_moment):  # a stable sort: of two at one moment the order given counts
        if message.direction == "out":
            waiting_since = None
        elif waiting_since is None:
            waiting_since = _moment(message)
    if waiting_since is None:
        return "waiting_customer", None
    return ("open" if any(message.direction == "out" for message in messages) else "new"), waiting_since


def _last_words(messages: Sequence[Message | MessageRecord]) -> str:
    messages = sorted(messages, key=_moment)
    incoming = [message for message in messages if message.direction == "in"]
    return (incoming or messages)[-1].text[:LONGEST_LAST_WORDS]


def _moment(message: Message | MessageRecord) -> datetime:
    return message.created if isinstance(message, MessageRecord) else message.created_at


def _locale(messages: Sequence[Message | MessageRecord]) -> str:
    messages = sorted(messages, key=_moment)
    first = next((message for message in messages if message.direction == "in"), messages[0])
    return language.guess(first.text)


def _refer_to_messages(ids: Collection[int]) -> Mapping[int, Mapping[str, str]]:
    statement = select(Message.id, Message.source_id, Conversation.id.label("of"), Conversation.source_id.label("in"))
    statement = statement.join(Conversation, Conversation.id == Message.conversation_id)
    rows = db.session.execute(statement.where(Message.id.in_(ids), Message.state.not_in(STAYS)))
    return {
        message_id: {
            "conversation": conversation_source or f"klinke:{conversation_id}",
            "message": source or f"klinke:{message_id}",
        }
        for message_id, source, conversation_id, conversation_source in rows
    }


def _message_named(record: transfer_beside.Somewhere) -> int:
    statement = select(Message.id).join(Conversation, Conversation.id == Message.conversation_id)
    found = db.session.scalar(
        statement.where(Conversation.source_id == record.conversation, Message.source_id == record.message)
    )
    if found is None:
        raise Invalid(f"unknown message {record.message!r}")
    return found


def _message_id(message: Message) -> str:
    return message.source_id or f"klinke:{message.id}"


def _as_record(conversation: Conversation, used: Any) -> dict[str, Any] | None:
    messages = [message for message in conversation.messages if message.state not in STAYS]
    if not messages:
        return None
    record: dict[str, Any] = {
        "id": conversation.source_id or f"klinke:{conversation.id}",
        "channel": conversation.channel.slug,
        "contact": _contact_record(conversation.contact),
        "messages": [_message_record(message, conversation, used) for message in messages],
    }
    if conversation.state != _standing(messages)[0]:
        record["state"] = conversation.state
    if conversation.locale != _locale(messages):
        record["locale"] = conversation.locale
    if conversation.is_informal is not None:
        record["informal"] = conversation.is_informal
    return record | _of_the_desk(conversation, messages)


def _of_the_desk(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """Return what does not follow from the messages."""
    moments = [message.created_at for message in messages]
    waiting = _standing(messages)[1] if conversation.state not in conversations.NOBODY_WAITS else None
    said: dict[str, Any] = {}
    if not conversation.external_id.startswith("import:"):
        said["external"] = conversation.external_id
    if conversation.assignee is not None:
        said["assignee"] = reference(conversation.assignee)
    if conversation.team is not None:
        said["team"] = conversation.team.name
    if conversation.created_at != min(moments):
        said["created"] = iso(conversation.created_at)
    if conversation.last_message_at != max(moments):
        said["last"] = iso(conversation.last_message_at)
    if conversation.waiting_since != waiting:
        said["waiting_since"] = False if conversation.waiting_since is None else iso(conversation.waiting_since)
    if conversation.priority != UNJUDGED:
        said["priority"] = conversation.priority
    if conversation.snoozed_until is not None:
        said["snoozed"] = iso(conversation.snoozed_until)
    if conversation.capabilities is not None:
        said["capabilities"] = conversation.capabilities
    return said


def _contact_record(contact: Contact) -> dict[str, Any]:
    record: dict[str, Any] = {"handle": contact.handle}
    if contact.name:
        record["name"] = contact.name
    if contact.reach is not None:
        record["reach"] = contact.reach
    return record


def _message_record(message: Message, conversation: Conversation, used: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": _message_id(message),
        "direction": message.direction,
        "public": message.is_public,
        "text": message.text,
    }
    if message.quoted:
        record["quoted"] = message.quoted
    if message.url:
        record["url"] = message.url
    if articles := [use.article for use in used.get(message.id, ())]:
        record["uses"] = [article.source_id or f"klinke:{article.id}" for article in articles]
    if message.contact is not None and message.contact_id != conversation.contact_id:
        record["contact"] = _contact_record(message.contact)
    if message.by is not None:
        record["author"] = reference(message.by)
    if message.external_id is not None:
        record["external"] = message.external_id
    if message.state == "unsure":
        record["unsure"] = message.failure or ""
    if message.received_at != message.created_at:
        record["received"] = iso(message.received_at)
    if message.sent_at is not None and message.sent_at != message.created_at:
        record["sent"] = iso(message.sent_at)
    return record | {"created": iso(message.created_at)}
