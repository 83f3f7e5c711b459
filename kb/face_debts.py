"""What short texts an article owes: those that are missing, and those that are older than what it says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Select, case, exists, func, select

from core.db import db
from core.worker import chore
from kb import faces, queries
from kb.models import FACE_KINDS, Article, Face, FaceKind

List = Literal["missing", "older"]
LISTS: Final[tuple[List, ...]] = get_args(List)
DRAWN_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Debt:
    """A face that is missing or older than its article."""

    kind: FaceKind
    is_informal: bool
    state: List


def owing(which: List) -> Select[Any]:
    """Select the published articles that owe a text of this sort."""
    clause = _lacks() if which == "missing" else _has_older()
    return select(Article).where(queries.readable_in("team"), _is_drawn(), clause).options(*queries.light())


def counts() -> Mapping[str, int]:
    """Return how many articles owe texts of each sort, in one statement."""
    is_published = queries.readable_in("team") & _is_drawn()
    row = db.session.execute(
        select(
            func.coalesce(func.sum(case((_lacks(), 1), else_=0)), 0),
            func.coalesce(func.sum(case((_has_older(), 1), else_=0)), 0),
        ).where(is_published)
    ).one()
    return {"missing": row[0], "older": row[1]}


def debts_of(articles: Collection[Article]) -> dict[int, list[Debt]]:
    """Return what each article owes, in one statement."""
    kept: dict[tuple[int, str, bool], int] = {}
    for face in db.session.scalars(select(Face).where(Face.article_id.in_([article.id for article in articles]))):
        kept[face.article_id, face.kind, face.is_informal] = face.revision_id
    owed: dict[int, list[Debt]] = {}
    for article in articles:
        since = article.changed_id or article.published_id or 0
        for is_informal in (False, True) if article.locale == "de" else (False,):
            for kind in FACE_KINDS:
                revision_id = kept.get((article.id, kind, is_informal))
                if revision_id is None:
                    owed.setdefault(article.id, []).append(Debt(kind, is_informal, "missing"))
                elif revision_id < since:
                    owed.setdefault(article.id, []).append(Debt(kind, is_informal, "older"))
    return owed


@chore("kb.draw_faces", every=600)
def draw_missing() -> int:
    """Draft the faces of what was published without any, as by an import; return of how many articles."""
    bare = select(Article).where(queries.readable_in("team"), ~_is_drawn()).order_by(Article.id).limit(DRAWN_AT_ONCE)
    found = db.session.scalars(bare).unique().all()
    for article in found:
        faces.redraw(article)
    db.session.commit()
    return len(found)


def _is_drawn() -> ColumnElement[bool]:
    return exists().where(Face.article_id == Article.id, Face.is_drafted, Face.is_informal.is_(False)) | exists().where(
        Face.article_id == Article.id, Face.kind == FACE_KINDS[0], Face.is_informal.is_(False)
    )


def _lacks() -> ColumnElement[bool]:
    there = select(func.count()).where(Face.article_id == Article.id).correlate(Article).scalar_subquery()
    return there < case((Article.locale == "de", 2 * len(FACE_KINDS)), else_=len(FACE_KINDS))


def _has_older() -> ColumnElement[bool]:
    since = func.coalesce(Article.changed_id, Article.published_id)
    return exists().where(Face.article_id == Article.id, Face.revision_id < since)
