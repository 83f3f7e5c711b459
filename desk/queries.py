"""What there is to read at the desk; only those who work there find anything."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import ColumnElement, bindparam, false, func, select, text, true
from sqlalchemy.orm import joinedload, lazyload, load_only, selectinload, undefer

from accounts.models import User, UserRole
from accounts.people import Viewer
from core import texts
from core.db import LARGEST_ID, db
from core.errors import NotFound
from desk import policy
from desk.clock_models import ClockEvent, ConversationClock
from desk.figure_models import SolvedQuestion
from desk.models import Channel, Contact, Conversation, FollowUp, Message
from desk.team_models import Team
from kb.models import Article, ArticleUse, Revision


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
                selectinload(Conversation.messages).options(
                    joinedload(Message.by), lean_contact(), undefer(Message.quoted)
                ),
                lean_assignee(),
                joinedload(Conversation.team),
                joinedload(Conversation.clock).joinedload(ConversationClock.escalated_to),
            )
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such conversation. The inbox lists them all."))
    return found


def lean_contact() -> Any:
    """Load who wrote a message without their channel, for which SQLite would look at every contact there is."""
    return joinedload(Message.contact).lazyload(Contact.channel)


def bare_conversation(conversation_id: int, *, viewer: Viewer) -> Conversation:
    """Return a conversation without its messages; raise `NotFound` when there is none that the viewer may see."""
    found = None
    if 0 < conversation_id <= LARGEST_ID:
        found = db.session.scalars(
            select(Conversation)
            .where(Conversation.id == conversation_id, conversations_visible_to(viewer))
            .options(lazyload(Conversation.messages), lean_assignee())
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


def stuck_reply() -> Any:
    """Return, for a list of conversations, what is stuck in each: `unsure` before `failed`, which somebody knows."""
    return (
        select(func.max(Message.state))
        .where(Message.conversation_id == Conversation.id, text("message.state in ('failed', 'unsure')"))
        .correlate(Conversation)
        .scalar_subquery()
    )


def newest_incoming(conversation: Conversation) -> Message | None:
    """Return what the customer wrote last."""
    return db.session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.direction == "in")
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
        .options(lazyload(Message.by), lean_contact())
    ).first()


def asked_before(reply: Message) -> Message | None:
    """Return the customer's message that a reply was an answer to."""
    return db.session.scalars(
        select(Message)
        .where(Message.conversation_id == reply.conversation_id, Message.direction == "in", Message.id < reply.id)
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
        .options(joinedload(ArticleUse.article).options(*lean_article()))
    ).unique():
        uses.setdefault(use.where_id, []).append(use)
    return uses


def lean_article() -> tuple[Any, ...]:
    """Return how an article is loaded of which only the name and the address are shown."""
    return (
        lazyload(Article.owner),
        lazyload(Article.section),
        lazyload(Article.sources),
        lazyload(Article.tags),
        joinedload(Article.published).options(
            load_only(Revision.article_id, Revision.title, Revision.slug), lazyload(Revision.by)
        ),
    )


def questions_whether_it_helped(messages: Collection[Message]) -> frozenset[int]:
    """Return which of these messages only ask whether a reply helped: the house sent them by itself."""
    candidates = [message.id for message in messages if message.direction == "out" and message.by_id is None]
    if not candidates:
        return frozenset()
    asked = select(FollowUp.message_id).where(FollowUp.message_id.in_(candidates))
    also = select(SolvedQuestion.message_id).where(SolvedQuestion.message_id.in_(candidates))
    return frozenset(db.session.scalars(asked.union(also)))


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


# Who delivers proves who they are by them: asked for with the channel, and not one after the other.
_SECRETS: Final = (undefer(Channel.secret), undefer(Channel.credentials))
_CHANNEL_BY_SLUG: Final = select(Channel).where(Channel.slug == bindparam("slug")).options(*_SECRETS)


def channel_by(name: str) -> Channel | None:
    """Return the channel with this slug or, when it is a number, with this id."""
    if name.isascii() and name.isdigit():
        number = texts.number(name)
        return None if number is None else db.session.get(Channel, number, options=_SECRETS)
    return db.session.scalars(_CHANNEL_BY_SLUG, {"slug": name}).one_or_none()


def held_channel(name: str) -> Channel | None:
    """Return the same as it is now, and hold it: its settings are one value, of which two deeds change parts."""
    found = channel_by(name)
    if found is not None:
        db.session.refresh(found, with_for_update=True)
    return found


def channel(channel_id: int) -> Channel:
    """Return the channel with this id, or raise `NotFound`."""
    found = db.session.get(Channel, channel_id) if 0 < channel_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such channel."))
    return found


def lean_assignee() -> Any:
    """Return how lists load an agent."""
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


def contact_at(channel: Channel, handle: str) -> Contact | None:
    """Return who has this handle on a channel."""
    return db.session.scalars(
        select(Contact).where(Contact.channel_id == channel.id, Contact.handle == handle)
    ).one_or_none()


def conversation_ids_of(contact_ids: Collection[int]) -> list[int]:
    """Return the conversations of these contacts, the newest first, as many as one page shows."""
    mine = select(Conversation.id).where(Conversation.contact_id.in_(contact_ids))
    return list(
        db.session.scalars(mine.order_by(Conversation.last_message_at.desc(), Conversation.id.desc()).limit(100))
    )
