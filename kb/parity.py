"""The parity board: which articles lack another language or lag behind it, the most needed first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Select, Subquery, case, func, or_, select
from sqlalchemy.orm import aliased

from core.clock import now
from core.db import db
from kb import addresses, queries
from kb.models import Article, ArticleReading, ArticleUse, Revision

List = Literal["missing", "older", "current"]
LISTS: Final[tuple[List, ...]] = get_args(List)
WINDOW: Final = timedelta(days=90)
A_PAGE: Final = 50
DEEPEST_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """An article, and the language in which it is missing, older, or just as good."""

    article_id: int
    locale: str
    title: str
    url: str
    other_locale: str
    other_id: int | None
    """The article in the other language, a draft as well; None where there is none."""
    other_is_published: bool
    weight: int
    """How often it was read and used within the window."""


def rows(which: List, *, page: int = 1) -> tuple[list[Row], bool]:
    """Return one page of a list, and whether there are more; pages are numbered, because the weights move."""
    page = min(max(page, 1), DEEPEST_PAGE)
    read, used = _read(), _used()
    weight = (func.coalesce(read.c.times, 0) + func.coalesce(used.c.times, 0)).label("weight")
    statement = (
        _of(which)
        .outerjoin(read, read.c.article_id == Article.id)
        .outerjoin(used, used.c.article_id == Article.id)
        .join(Revision, Revision.id == Article.published_id)
        .add_columns(Revision.title, Revision.slug, weight)
        .order_by(weight.desc(), Article.id)
        .limit(A_PAGE + 1)
        .offset((page - 1) * A_PAGE)
    )
    found = [
        Row(
            row.id,
            row.locale,
            row.title,
            addresses.path(row.id, row.slug),
            "en" if row.locale == "de" else "de",
            row.other_id,
            row.other_is_published,
            row.weight,
        )
        for row in db.session.execute(statement)
    ]
    return found[:A_PAGE], len(found) > A_PAGE


def counts() -> Mapping[str, int]:
    """Return how many rows each list has, in one statement."""
    sizes = [select(func.count()).select_from(_of(which).subquery()).scalar_subquery().label(which) for which in LISTS]
    row = db.session.execute(select(*sizes)).one()
    return {which: getattr(row, which) for which in LISTS}


_Other: Final = aliased(Article)


def _of(which: List) -> Select[Any]:
    is_there = (_Other.published_id.is_not(None)) & (_Other.confidence != "archived")
    clauses: Mapping[List, ColumnElement[bool]] = {
        "missing": or_(_Other.id.is_(None), ~is_there),
        "older": is_there & _is_behind(_Other, Article),
        "current": is_there & ~_is_behind(_Other, Article) & ~_is_behind(Article, _Other) & (Article.id < _Other.id),
    }
    return (
        select(
            Article.id,
            Article.locale,
            _Other.id.label("other_id"),
            case((is_there, True), else_=False).label("other_is_published"),
        )
        .outerjoin(_Other, (_Other.family_id == Article.family_id) & (_Other.locale != Article.locale))
        .where(queries.readable_in("team"), clauses[which])
    )


def _is_behind(late: Any, early: Any) -> ColumnElement[bool]:
    changed = early.changed_at.is_not(None)
    return case((changed & (late.matches_at.is_(None) | (early.changed_at > late.matches_at)), True), else_=False)


def _read() -> Subquery:
    since = (now() - WINDOW).astimezone(UTC).date()
    return (
        select(ArticleReading.article_id, func.sum(ArticleReading.count).label("times"))
        .where(ArticleReading.day >= since)
        .group_by(ArticleReading.article_id)
        .subquery()
    )


def _used() -> Subquery:
    return (
        select(ArticleUse.article_id, func.count().label("times"))
        .where(ArticleUse.at >= now() - WINDOW)
        .group_by(ArticleUse.article_id)
        .subquery()
    )
