"""Feedback: whether an article helped, said by anybody who can read it."""

import hashlib
import hmac
from typing import Final

from sqlalchemy import Select, select

from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import db
from core.unique import add_once
from kb import tasks
from kb.models import Article, ArticleFeedback, FeedbackReason

LONGEST_COMMENT: Final = 1000


def give(
    article: Article,
    *,
    reader: str,
    helped: bool,
    reason: FeedbackReason | None = None,
    comment: str = "",
    by: User | None = None,
) -> ArticleFeedback:
    """Keep what a reader says of the published version; who says it again changes their mind.

    A *no* with a reason or words becomes a task of the owner; a *yes* takes it back while it waits. That it is about
    something else is no fault of the article: without words it is only counted.
    """
    with problems.at("comment"):
        comment = texts.block(comment, longest=LONGEST_COMMENT)
    add_once(
        ArticleFeedback,
        article_id=article.id,
        revision_id=article.published_id,
        reader=reader,
        helped=helped,
        reason=None,
        comment=comment,
        at=now(),
    )
    given = db.session.scalars(_of(article, reader)).one()
    given.helped, given.revision_id, given.at = helped, article.published_id or given.revision_id, now()
    given.comment = comment or given.comment
    given.reason = None if helped else reason or given.reason
    db.session.flush()
    if helped:
        tasks.drop(article, "feedback", reader)
    elif given.reason not in {None, "not_mine"} or given.comment:
        tasks.need(article, "feedback", reader, words=given.comment, reason=given.reason, by=by)
    return given


def given(article: Article, *, reader: str) -> ArticleFeedback | None:
    """Return what this reader said before."""
    return db.session.scalars(_of(article, reader)).one_or_none()


def reader(user_id: int | None, *, address: str, device: str, secret: str) -> str:
    """Return who speaks: a member, or of a guest a keyed hash of address, device and day that leads back to nobody."""
    if user_id is not None:
        return f"user:{user_id}"
    words = f"article-feedback|{now():%Y-%m-%d}|{address}|{device}"
    return "guest:" + hmac.new(secret.encode(), words.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _of(article: Article, reader: str) -> Select[ArticleFeedback]:
    return select(ArticleFeedback).where(ArticleFeedback.article_id == article.id, ArticleFeedback.reader == reader)
