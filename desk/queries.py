"""What there is to read at the desk; only those who work there find anything."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from flask_babel import gettext
from sqlalchemy import ColumnElement, bindparam, false, func, select, true
from sqlalchemy.orm import joinedload, lazyload, selectinload

from accounts.models import User, UserRole
from accounts.people import Viewer
from core import paging, texts
from core.db import LARGEST_ID, db
from core.errors import NotFound
from desk import policy
from desk.clock_models import ClockEvent, ConversationClock
from desk.models import Channel, Conversation, FollowUp, Message
from desk.team_models import Team
from kb.models import Article, ArticleUse

View = Literal["waiting", "mine", "unassigned", "all", "solved"]
VIEWS: Final[tuple[View, ...]] = get_args(View)
_DONE: Final = ("solved", "no_answer")


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation in a list, with the words the customer wrote last."""

    conversation: Conversation
    words: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a view of the inbox."""

    view: View
    lines: Sequence[Line]
    next: str | None
    previous: str | None


def conversations_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the one clause that says which conversations a viewer may see."""
    return true() if policy.may_work(viewer) else false()


def visible_conversation(conversation_id: int, *, viewer: Viewer) -> Conversation:
    """Return a conversation with its messages; raise `NotFound` when there is none that the viewer may see."""
    found = None
    if 0 < conversation_id <= LARGEST_ID:
        found = db.session.scalars(
            select(Conversation)
            .where(Conversation.id == conversation_id, conversations_visible_to(viewer))
            .options(
                selectinload(Conversation.messages).joinedload(Message.by),
                _lean_assignee(),
                joinedload(Conversation.team),
                joinedload(Conversation.clock).joinedload(ConversationClock.escalated_to),
            )
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such conversation. The inbox lists them all."))
    return found


def visible_message(message_id: int, *, viewer: Viewer) -> Message:
    """Return a message; raise `NotFound` when there is none that the viewer may see."""
    found = None
    if 0 < message_id <= LARGEST_ID:
        found = db.session.scalars(
            select(Message).join(Conversation).where(Message.id == message_id, conversations_visible_to(viewer))
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such message. The inbox lists all conversations."))
    return found


def listing(view: View, *, viewer: Viewer, cursor: str | None = None, size: int = 25) -> Listing:
    """Return a page of a view: who waits longest first where somebody waits, else the newest first."""
    statement = (
        select(Conversation)
        .where(conversations_visible_to(viewer), _belongs_to(view, viewer))
        .options(lazyload(Conversation.messages), _lean_assignee())
    )
    if view == "waiting":
        by = (Conversation.waiting_since, Conversation.id)
    else:
        by = (Conversation.last_message_at, Conversation.id)
    page = paging.page(statement, by=by, cursor=cursor, size=size, descending=view != "waiting")
    words = first_words([conversation.id for conversation in page.items])
    lines = [Line(conversation, words.get(conversation.id, "")) for conversation in page.items]
    return Listing(view, lines, page.next, page.previous)


def counts(viewer: Viewer) -> Mapping[View, int]:
    """Return how many conversations each view has."""
    row = db.session.execute(
        select(*(func.count(Conversation.id).filter(_belongs_to(view, viewer)) for view in VIEWS)).where(
            conversations_visible_to(viewer)
        )
    ).one()
    return dict(zip(VIEWS, row, strict=True))


def first_words(conversation_ids: Collection[int]) -> Mapping[int, str]:
    """Return by conversation what the customer wrote last; where no customer wrote, what was written last."""
    ids = [
        row[0] or row[1]
        for row in db.session.execute(
            select(func.max(Message.id).filter(Message.direction == "in"), func.max(Message.id))
            .where(Message.conversation_id.in_(conversation_ids))
            .group_by(Message.conversation_id)
        )
    ]
    rows = db.session.execute(
        select(Message.conversation_id, func.substr(Message.text, 1, 200)).where(Message.id.in_(ids))
    )
    return {row[0]: row[1] for row in rows}


def newest_incoming(conversation: Conversation) -> Message | None:
    """Return what the customer wrote last."""
    return db.session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.direction == "in")
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
        .options(lazyload(Message.by))
    ).first()


def newer_messages(conversation: Conversation, than: int) -> list[Message]:
    """Return the messages that came into the conversation after the one with this id."""
    return list(
        db.session.scalars(
            select(Message).where(Message.conversation_id == conversation.id, Message.id > than).order_by(Message.id)
        )
    )


def used_articles(message_ids: Collection[int]) -> Mapping[int, Sequence[ArticleUse]]:
    """Return by message which articles its text reused, in the order in which they were recorded."""
    uses: dict[int, list[ArticleUse]] = {}
    for use in db.session.scalars(
        select(ArticleUse)
        .where(ArticleUse.where_kind == "message", ArticleUse.where_id.in_(message_ids))
        .order_by(ArticleUse.id)
        .options(joinedload(ArticleUse.article).lazyload(Article.owner))
    ).unique():
        uses.setdefault(use.where_id, []).append(use)
    return uses


def questions_whether_it_helped(messages: Collection[Message]) -> frozenset[int]:
    """Return which of these messages only ask whether a reply helped: the house sent them by itself."""
    candidates = [message.id for message in messages if message.direction == "out" and message.by_id is None]
    if not candidates:
        return frozenset()
    return frozenset(db.session.scalars(select(FollowUp.message_id).where(FollowUp.message_id.in_(candidates))))


def agents() -> list[User]:
    """Return who can be given a conversation."""
    return list(
        db.session.scalars(
            select(User)
            .where(
                User.id.in_(select(UserRole.user_id).where(UserRole.role.in_(("agent", "admin")))),
                User.disabled_at.is_(None),
                User.is_staged.is_(False),
            )
            .order_by(User.name, User.id)
        )
    )


def channels() -> list[Channel]:
    """Return every channel, those in use first."""
    return list(
        db.session.scalars(select(Channel).order_by(Channel.disabled_at.is_not(None), Channel.name, Channel.id))
    )


_CHANNEL_BY_SLUG: Final = select(Channel).where(Channel.slug == bindparam("slug"))


def channel_by(name: str) -> Channel | None:
    """Return the channel with this slug or, when it is a number, with this id."""
    if name.isascii() and name.isdigit():
        number = texts.number(name)
        return None if number is None else db.session.get(Channel, number)
    return db.session.scalars(_CHANNEL_BY_SLUG, {"slug": name}).one_or_none()


def channel(channel_id: int) -> Channel:
    """Return the channel with this id, or raise `NotFound`."""
    found = db.session.get(Channel, channel_id) if 0 < channel_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such channel."))
    return found


def _belongs_to(view: View, viewer: Viewer) -> ColumnElement[bool]:
    if view == "waiting":
        return Conversation.waiting_since.is_not(None)
    if view == "mine":
        return (Conversation.assignee_id == viewer.id) & Conversation.state.not_in(_DONE)
    if view == "unassigned":
        return Conversation.assignee_id.is_(None) & Conversation.state.not_in(_DONE)
    if view == "solved":
        return Conversation.state.in_(_DONE)
    return true()


def _lean_assignee() -> Any:
    # What a list shows of an agent is the name; the roles are not worth a statement.
    return joinedload(Conversation.assignee)


def names_in(events: Collection[ClockEvent]) -> Mapping[tuple[str, int], str]:
    """Return what the people and teams are called that the history of a clock names, in two statements."""
    agents: set[int] = set()
    groups: set[int] = set()
    for one in events:
        ids = {value for name in ("from", "to", "for") if isinstance(value := one.details.get(name), int)}
        (groups if one.details.get("what") == "team" else agents).update(ids)
    found: dict[tuple[str, int], str] = {}
    for kind, model, ids in (("agent", User, agents), ("team", Team, groups)):
        if ids:
            rows = db.session.execute(select(model.id, model.name).where(model.id.in_(ids)))
            found |= {(kind, row[0]): row[1] for row in rows}
    return found
