"""Whose answer it is: a line in replies that quote the forum, on channels that want it, and thanks to its author."""

from datetime import date
from typing import Any, Final

from flask_babel import force_locale, gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from desk import policy
from desk.block_models import AnswerUse
from desk.models import Channel, Message
from forum import addresses, notifications
from forum import queries as forum_queries
from forum.models import Notification, Post
from kb.models import ArticleSource, ArticleUse

NAMED: Final = (User.name.label("author"), User.is_named, User.is_staged, User.disabled_at)
"""What must be known of an author to name them."""


def are_on(channel: Channel | str) -> bool:
    """Tell whether replies on this channel say whose answer they quote."""
    return not isinstance(channel, str) and bool(channel.settings.get("credits"))


def choose(channel: Channel, *, is_on: bool, by: User) -> None:
    """Have replies on a channel say whose answer they quote, or not."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    before = are_on(channel)
    if before != is_on:
        channel.settings = {**channel.settings, "credits": is_on}
        db.session.flush()
        audit.record(
            "desk.channel.choose_credits", channel, by=by, before={"credits": before}, after={"credits": is_on}
        )


def line(author: Any, locale: str) -> str:
    """Return the line for an author, in a language; empty where they are not to be named."""
    if not author.author or not author.is_named or author.is_staged or author.disabled_at is not None:
        return ""
    with force_locale(locale):
        return str(gettext("(Answer by %(name)s in our forum)", name=author.author))


def of(post: Post) -> str:
    """Return the line for the author of an answer."""
    row = db.session.execute(select(*NAMED).where(User.id == post.author_id)).one_or_none()
    return "" if row is None else line(row, post.topic.locale)


def thank(message_id: int) -> int:
    """Tell the authors whose answers went out with a reply, each at most once a day for an answer; return how many."""
    message = db.session.get(Message, message_id)
    if message is None or message.state != "sent":
        return 0
    reused = select(AnswerUse.post_id).where(AnswerUse.message_id == message_id)
    within = (
        select(ArticleSource.post_id)
        .join(ArticleUse, ArticleUse.article_id == ArticleSource.article_id)
        .where(ArticleUse.where_kind == "message", ArticleUse.where_id == message_id)
    )
    posts = db.session.scalars(
        select(Post).where(
            Post.id.in_(reused.union(within)),
            Post.kind == "answer",
            Post.author_id.is_not(None),
            forum_queries.posts_visible_to(AnonymousUser()),
        )
    ).unique()
    return sum(_thank(post, now().date(), but=message.by_id) for post in posts)


def _thank(post: Post, day: date, *, but: int | None) -> bool:
    if post.author_id is None or post.author_id == but:
        return False
    return notifications.notify(
        post.author_id,
        kind="answer_reused",
        key=f"reused:{post.id}:{day.isoformat()}",
        url=addresses.of_post(post),
        topic=post.topic,
        post=None,
    )


@notifications.kind("answer_reused")
def _answer_reused(notification: Notification) -> str:
    title = notification.topic.title if notification.topic is not None else ""
    return str(gettext("Your answer to “%(title)s” helped to answer a customer. Thank you.", title=title))
