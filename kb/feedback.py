"""Feedback: whether an article helped, said by anybody who can read it."""

import hashlib
import hmac
from typing import Final

from sqlalchemy import Select, select

from core import problems, texts
from core.clock import now
from core.db import db
from core.unique import add_once
from kb.models import Article, ArticleFeedback

LONGEST_COMMENT: Final = 1000


def give(article: Article, *, reader: str, helped: bool, comment: str = "") -> ArticleFeedback:
    """Keep what a reader says of the published version; who says it again changes their mind."""
    with problems.at("comment"):
        comment = texts.block(comment, longest=LONGEST_COMMENT)
    add_once(
        ArticleFeedback,
        article_id=article.id,
        revision_id=article.published_id,
        reader=reader,
        helped=helped,
        comment=comment,
        at=now(),
    )
    given = db.session.scalars(_of(article, reader)).one()
    given.helped, given.revision_id, given.at = helped, article.published_id or given.revision_id, now()
    given.comment = comment or given.comment
    db.session.flush()
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
