"""Uses: where an article was reused, in which revision and face, by whom, and what had been asked."""

from datetime import datetime

from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from core.unique import add_once
from kb import queries
from kb.models import Article, ArticleUse
from search import tracking


def record(
    article: Article,
    *,
    face: str | None,
    where_kind: str,
    where_id: int,
    by: User | None,
    asked: str = "",
    asked_in_public: bool = False,
    at: datetime | None = None,
) -> ArticleUse:
    """Keep that an article was reused; a repeat for the same place changes nothing. Search learns what had been asked.

    The revision is the published one of this moment, or the newest where nothing is published (imported history).
    """
    add_once(
        ArticleUse,
        article_id=article.id,
        revision_id=article.published_id or queries.newest_revision(article).id,
        face=face,
        where_kind=where_kind,
        where_id=where_id,
        by_id=None if by is None else by.id,
        at=at or now(),
        asked=asked,
        asked_in_public=asked_in_public,
    )
    tracking.note("article", [article.id])
    return db.session.scalars(
        select(ArticleUse).where(
            ArticleUse.article_id == article.id, ArticleUse.where_kind == where_kind, ArticleUse.where_id == where_id
        )
    ).one()
