"""How an article stands to whoever looks at it, in one statement: said, followed, and due for the team."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, select

from accounts.people import Viewer
from core.db import db
from kb import policy, queries
from kb.models import (
    Article,
    ArticleFeedback,
    ArticleFollow,
    ArticleTask,
    ArticleUse,
    PlannedPublication,
    Revision,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there beside an article; of what only the team sees nothing is known for others."""

    said: ArticleFeedback | None
    """Whether it helped this reader."""
    is_followed: bool = False
    newest_id: int | None = None
    """The version that was written last, published or not."""
    is_planned: bool = False
    is_doubted: bool = False
    used_at: datetime | None = None
    uses: int = 0
    needed: int = 0
    """How many tasks wait."""


def of(article: Article, *, viewer: Viewer, reader: str) -> Standing:
    """Return how an article stands to the viewer, who gives feedback as `reader`; for guests nothing is asked."""
    if viewer.id is None:
        return Standing(None)
    follows = and_(ArticleFollow.article_id == Article.id, ArticleFollow.user_id == viewer.id)
    columns: dict[str, Any] = {"is_followed": exists().where(follows)}
    if policy.may_see_drafts(viewer):
        columns |= _for_the_team()
    given = and_(ArticleFeedback.article_id == Article.id, ArticleFeedback.reader == reader)
    statement = select(ArticleFeedback, *(value.label(name) for name, value in columns.items()))
    row = db.session.execute(
        statement.select_from(Article).outerjoin(ArticleFeedback, given).where(Article.id == article.id)
    ).one()
    return Standing(row[0], **{name: getattr(row, name) for name in columns})


def _for_the_team() -> dict[str, Any]:
    newest = select(Revision.id).where(Revision.article_id == Article.id).order_by(Revision.number.desc()).limit(1)
    used = select(func.max(ArticleUse.at)).where(ArticleUse.article_id == Article.id)
    uses = select(func.count()).select_from(ArticleUse).where(ArticleUse.article_id == Article.id)
    waiting = (ArticleTask.article_id == Article.id, ArticleTask.done_at.is_(None))
    needed = select(func.count()).select_from(ArticleTask).where(*waiting)
    return {
        "newest_id": newest.correlate(Article).scalar_subquery(),
        "is_planned": exists().where(PlannedPublication.article_id == Article.id),
        "is_doubted": queries.in_doubt(),
        "used_at": used.correlate(Article).scalar_subquery(),
        "uses": uses.correlate(Article).scalar_subquery(),
        "needed": needed.correlate(Article).scalar_subquery(),
    }
