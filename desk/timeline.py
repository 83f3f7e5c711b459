"""One line through everything that was said with a person, whichever way it came: the newest first, page by page."""

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import joinedload, lazyload

from accounts.people import Viewer
from core import markup
from core.db import LARGEST_ID, db
from desk import queries
from desk.models import Channel, Contact, Conversation, Message
from desk.person_models import CallNote
from forum import addresses
from forum import queries as forum_queries
from forum.models import Post

Kind = Literal["public", "private", "mail", "calls", "forum"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SIZE: Final = 25
LONGEST_WORDS: Final = 400
_BY_MESSAGES: Final = ("public", "private", "mail", "calls")
MAIL_KINDS: Final = ("mail", "email")
"""Kinds of channels that are mail."""
MAIL_SLUG: Final = "mail"
"""How the short name of another begins that carries mail, as `desk.channels.counting` has it."""
Source = Literal["message", "call", "post"]
_RANK: Final[dict[Source, int]] = {"message": 3, "call": 2, "post": 1}
EARLIER: Final = 3
CALLED: Final = ("call", "visit")
"""What messages are that were said aloud, by their kinds."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was said; `where` is the channel's name or the title of the topic."""

    kind: Kind
    source: Source
    id: int
    at: datetime
    is_theirs: bool
    who: str
    words: str
    url: str
    where: str
    call: CallNote | None = None


@dataclass(frozen=True, slots=True)
class Line:
    items: Sequence[Item]
    next: str | None


@dataclass(frozen=True, slots=True)
class _After:
    at: datetime
    source: Source
    id: int


def of(
    contact_ids: Collection[int],
    member_ids: Collection[int],
    *,
    viewer: Viewer,
    kind: str = "",
    cursor: str = "",
    size: int = SIZE,
) -> Line:
    """Return a page of what was said with a person who has these contacts and is these members.

    A cursor that nobody gave out means the first page, a kind that there is not means all.
    """
    after = _open(cursor)
    wanted = frozenset({kind}) & frozenset(KINDS) or frozenset(KINDS)
    found: list[Item] = []
    if wanted & frozenset(_BY_MESSAGES):
        found += _messages(contact_ids, wanted, after, viewer=viewer, most=size + 1)
    if "calls" in wanted:
        found += _calls(contact_ids, after, viewer=viewer, most=size + 1)
    if "forum" in wanted and member_ids:
        found += _posts(member_ids, after, viewer=viewer, most=size + 1)
    found.sort(key=lambda item: (item.at, _RANK[item.source], item.id), reverse=True)
    more = len(found) > size
    found = found[:size]
    return Line(found, _close(found[-1]) if more else None)


def earlier(contact_ids: Collection[int], *, but: int, viewer: Viewer) -> Sequence[Conversation]:
    """Return the latest conversations with a person, without the one before the reader."""
    return db.session.scalars(
        select(Conversation)
        .where(
            Conversation.contact_id.in_(contact_ids),
            Conversation.id != but,
            queries.conversations_visible_to(viewer),
        )
        .order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
        .limit(EARLIER)
        .options(lazyload(Conversation.assignee))
    ).all()


def _messages(
    contact_ids: Collection[int], wanted: frozenset[str], after: _After | None, *, viewer: Viewer, most: int
) -> Iterator[Item]:
    # In a public thread others join in: what they wrote is not this person's, what we wrote there is for them. Both
    # are found by an index of their own.
    mail = select(Channel.id).where(or_(Channel.kind.in_(MAIL_KINDS), Channel.slug.startswith(MAIL_SLUG)))
    # The sum, and coalesce below, hide two columns from the planner: their values are those of very many messages.
    is_mail = (Message.channel_id + 0).in_(mail)
    is_call = exists().where(CallNote.message_id == Message.id)
    ways = {
        "mail": is_mail,
        "public": and_(~is_mail, Message.is_public),
        "private": and_(~is_mail, ~Message.is_public, ~is_call),
        "calls": is_call,
    }
    newest = (
        select(Message.id)
        .where(queries.conversations_visible_to(viewer), _beyond(after, "message", Message.created_at, Message.id))
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(most)
    )
    if not wanted.issuperset(ways):
        newest = newest.where(or_(*(ways[way] for way in ways if way in wanted)))
    theirs = newest.where(Message.contact_id.in_(contact_ids)).subquery()
    in_theirs = select(Conversation.id).where(Conversation.contact_id.in_(contact_ids))
    ours = newest.where(Message.conversation_id.in_(in_theirs), func.coalesce(Message.contact_id, 0) == 0).subquery()
    statement = (
        select(Message)
        .where(Message.id.in_(select(theirs.c.id).union_all(select(ours.c.id))))
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(most)
        .options(
            joinedload(Message.channel),
            # Nested in it, the channel of the contact would have SQLite look at every contact there is.
            joinedload(Message.contact).lazyload(Contact.channel),
            lazyload(Message.conversation),
        )
    )
    messages = db.session.scalars(statement).all()
    calls = _calls_among(messages)
    for message in messages:
        by_mail = message.channel.kind in MAIL_KINDS or message.channel.slug.startswith(MAIL_SLUG)
        call = calls.get(message.id)
        kind: Kind = "calls" if call else "mail" if by_mail else "public" if message.is_public else "private"
        contact = message.contact
        yield Item(
            kind=kind,
            source="message",
            id=message.id,
            at=message.created_at,
            is_theirs=message.direction == "in",
            who=(contact.name or contact.handle) if contact else message.by.name if message.by else "",
            words=message.text[:LONGEST_WORDS],
            url=f"/desk/conversations/{message.conversation_id}#m{message.id}",
            where=message.channel.name,
            call=call,
        )


def _calls_among(messages: Sequence[Message]) -> dict[int, CallNote]:
    """Return by message what was noted of the call that it is of; where none is, nothing is asked."""
    ids = [message.id for message in messages if message.kind in CALLED]
    if not ids:
        return {}
    found = db.session.scalars(select(CallNote).where(CallNote.message_id.in_(ids)))
    return {call.message_id: call for call in found if call.message_id is not None}


def _calls(contact_ids: Collection[int], after: _After | None, *, viewer: Viewer, most: int) -> Iterator[Item]:
    statement = (
        select(CallNote)
        .join(Conversation, Conversation.id == CallNote.conversation_id)
        .where(
            Conversation.contact_id.in_(contact_ids),
            CallNote.message_id.is_(None),
            queries.conversations_visible_to(viewer),
            _beyond(after, "call", CallNote.at, CallNote.id),
        )
        .order_by(CallNote.at.desc(), CallNote.id.desc())
        .limit(most)
    )
    for call in db.session.scalars(statement):
        yield Item(
            kind="calls",
            source="call",
            id=call.id,
            at=call.at,
            is_theirs=call.kind != "call_out",
            who=call.caller,
            words=call.text[:LONGEST_WORDS],
            url=f"/desk/conversations/{call.conversation_id}#c{call.id}",
            where=call.by.name if call.by else "",
            call=call,
        )


def _posts(member_ids: Collection[int], after: _After | None, *, viewer: Viewer, most: int) -> Iterator[Item]:
    statement = (
        select(Post)
        .where(
            Post.author_id.in_(member_ids),
            forum_queries.posts_visible_to(viewer),
            _beyond(after, "post", Post.created_at, Post.id),
        )
        .order_by(Post.created_at.desc(), Post.id.desc())
        .limit(most)
        .options(joinedload(Post.topic).lazyload("*"), joinedload(Post.author), lazyload(Post.acceptance))
    )
    for post in db.session.scalars(statement).unique():
        yield Item(
            kind="forum",
            source="post",
            id=post.id,
            at=post.created_at,
            is_theirs=True,
            who=post.author.name if post.author else "",
            words=markup.excerpt(markup.plain(post.html[: 20 * LONGEST_WORDS]), LONGEST_WORDS),
            url=addresses.of_post(post),
            where=post.topic.title,
        )


def _beyond(after: _After | None, source: Source, at: Any, key: Any) -> ColumnElement[bool]:
    if after is None:
        return ~false()
    rank, cut = _RANK[source], _RANK[after.source]
    same_moment = key < after.id if rank == cut else ~false() if rank < cut else false()
    return or_(at < after.at, and_(at == after.at, same_moment))


def _close(item: Item) -> str:
    raw = json.dumps([item.at.isoformat(), item.source, item.id]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _open(cursor: str) -> _After | None:
    if not cursor:
        return None
    try:
        typed, source, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at = datetime.fromisoformat(typed)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    if at.tzinfo is None or source not in _RANK or type(key) is not int or not 0 < key <= LARGEST_ID:
        return None
    return _After(at, source, key)
