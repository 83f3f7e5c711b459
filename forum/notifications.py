"""What people are told; the words are made when they read it, in their language, and only of what they may see then."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext
from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import contains_eager, joinedload, lazyload

from accounts.models import User
from core.clock import now
from core.db import db
from core.unique import add_once
from forum import queries
from forum.models import Muting, Notification, Post, Topic

Sentence = Callable[[Notification], str]

_kinds: dict[str, Sentence] = {}


def kind(name: str) -> Callable[[Sentence], Sentence]:
    """Register the function that puts notifications of a kind into a sentence."""

    def register(sentence: Sentence) -> Sentence:
        _kinds[name] = sentence
        return sentence

    return register


def notify(
    user: User | int,
    *,
    kind: str,
    key: str,
    url: str,
    topic: Topic | None = None,
    post: Post | None = None,
    data: dict[str, Any] | None = None,
) -> bool:
    """Tell a person something once: a second call with the same `key` changes nothing. Returns whether it is new.

    With `topic` or `post` they read it only while they may see that.
    """
    return add_once(
        Notification,
        user_id=user if isinstance(user, int) else user.id,
        kind=kind,
        key=key,
        url=url,
        topic_id=None if topic is None else topic.id,
        post_id=None if post is None else post.id,
        data=data or {},
        at=now(),
    )


def retract(user_id: int, key: str) -> None:
    """Take back what is no longer true."""
    db.session.execute(delete(Notification).where(Notification.user_id == user_id, Notification.key == key))


def muting_key(muting: Muting) -> str:
    """Return the key under which an author was told of a muting."""
    kind = "topic_muted" if muting.topic_id is not None else "post_muted"
    return f"{kind}:{muting.topic_id or muting.post_id}:{muting.at.isoformat()}"


def sentence(notification: Notification) -> str:
    """Say it in the language of the page."""
    words = _kinds.get(notification.kind)
    return words(notification) if words else str(gettext("There is something new for you."))


def visible_notifications(user: User) -> Select[Notification]:
    """Return the statement for what the person may read now; its topics and posts are loaded along."""
    return _readable(select(Notification), user).options(
        # Only titles and names are read; and an inner join to the category would lose what is about no topic.
        contains_eager(Notification.topic).lazyload("*"),
        contains_eager(Notification.post).options(
            lazyload(Post.muting), joinedload(Post.author).options(lazyload(User.roles))
        ),
    )


def unread_count(user: User) -> int:
    """Return how many of them wait to be read."""
    unread = _readable(select(func.count(Notification.id)), user).where(Notification.read_at.is_(None))
    return db.session.scalar(unread) or 0


def mark_read(user: User, ids: list[int] | None = None) -> None:
    """Note that the person has read these, or all of them."""
    mine = update(Notification).where(Notification.user_id == user.id, Notification.read_at.is_(None))
    db.session.execute((mine if ids is None else mine.where(Notification.id.in_(ids))).values(read_at=now()))


def _readable(statement: Select[Any], user: User) -> Select[Any]:
    return (
        statement.outerjoin(Topic, Topic.id == Notification.topic_id)
        .outerjoin(Post, Post.id == Notification.post_id)
        .where(
            Notification.user_id == user.id,
            or_(Notification.topic_id.is_(None), queries.topics_visible_to(user)),
            or_(Notification.post_id.is_(None), queries.posts_visible_to(user)),
        )
    )


@kind("answer_posted")
def _answer_posted(notification: Notification) -> str:
    return str(gettext("%(name)s answered “%(title)s”.", name=_author(notification), title=_title(notification)))


@kind("comment_posted")
def _comment_posted(notification: Notification) -> str:
    return str(
        gettext(
            "%(name)s commented on what you wrote in “%(title)s”.",
            name=_author(notification),
            title=_title(notification),
        )
    )


@kind("answer_accepted")
def _answer_accepted(notification: Notification) -> str:
    return str(gettext("Your answer solved “%(title)s”.", title=_title(notification)))


@kind("topic_muted")
def _topic_muted(notification: Notification) -> str:
    return str(
        gettext(
            "The team muted your question “%(title)s”. The reason: %(reason)s",
            title=_title(notification),
            reason=notification.data.get("reason", ""),
        )
    )


@kind("post_muted")
def _post_muted(notification: Notification) -> str:
    return str(
        gettext(
            "The team muted what you wrote in “%(title)s”. The reason: %(reason)s",
            title=_title(notification),
            reason=notification.data.get("reason", ""),
        )
    )


@kind("topic_hidden")
@kind("post_hidden")
def _hidden(notification: Notification) -> str:
    return str(
        gettext(
            "Several people reported what you wrote in “%(title)s”. It is hidden until the team has looked at it; "
            "you can change it once.",
            title=_title(notification),
        )
    )


@kind("flag_decided")
def _flag_decided(notification: Notification) -> str:
    outcome = notification.data.get("outcome")
    if outcome == "agreed":
        return str(gettext("Thank you for your report. The team agreed, and the post is hidden now."))
    if outcome == "edited":
        return str(gettext("Thank you for your report. The team changed what was wrong with the post."))
    if outcome == "disagreed":
        return str(gettext("Thank you for your report. The team looked at the post and found that it can stay."))
    return str(gettext("Thank you for your report. The team looked at the post; nothing had to be done."))


def _title(notification: Notification) -> str:
    return notification.topic.title if notification.topic is not None else ""


def _author(notification: Notification) -> str:
    author = notification.post.author if notification.post is not None else None
    return author.name if author is not None else str(gettext("Somebody who has left"))
