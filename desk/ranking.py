"""What replies are written with, ranked: articles, their short texts, the team's blocks. Of the last 13 weeks.

Each number is the length of a list of `desk.measures` about that thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import Select, case, func

from accounts.people import Viewer
from core.db import db
from core.errors import NotFound
from desk import measures, proven
from desk.block_models import ReplyBlock, ReplyBlockUse
from desk.measures import Of, Thing
from desk.shares import Share
from kb import figures
from kb.models import ArticleUse, SentLink

KINDS: Final = ("articles", "faces", "texts")
ORDERS: Final = ("uses", "success", "deflection")
MOST_SHOWN: Final = 50
MOST: Final = 5000


@dataclass(frozen=True, slots=True)
class Ranked:
    """One thing, how often it was sent, and what came of it."""

    thing: Thing
    title: str
    url: str
    lang: str
    uses: int
    helped: int
    failed: int
    opened: int
    spared: int
    last_at: datetime | None

    @property
    def success(self) -> Share:
        """How many of those who said something said that it helped."""
        return Share(self.helped, self.helped + self.failed)

    @property
    def deflection(self) -> Share:
        """How many of the uses are proven to have spared a message."""
        return Share(self.spared, self.uses)


def ranked(kind: str, order: str, of: Of, viewer: Viewer) -> list[Ranked]:
    """Return what was used, the best first: by success and deflection what is at least so good comes first.

    That is the lower end of the interval, so that one success of one is not before ninety of a hundred.
    """
    if kind not in KINDS or order not in ORDERS:
        raise NotFound
    found = _texts(of) if kind == "texts" else _articles(of, viewer, by_face=kind == "faces")
    keys: dict[str, Any] = {
        "uses": lambda one: one.uses,
        "success": lambda one: one.success.bounds[0],
        "deflection": lambda one: one.deflection.bounds[0],
    }
    return sorted(found, key=lambda one: (-keys[order](one), -one.uses, one.title))


def _articles(of: Of, viewer: Viewer, *, by_face: bool) -> list[Ranked]:
    columns: list[Any] = [ArticleUse.article_id, *([ArticleUse.face] if by_face else [])]
    found: Any = _within(measures.listed("used", of).statement(), ArticleUse.at).with_only_columns(
        *columns,
        func.count().label("uses"),
        _sum(proven.helped()).label("helped"),
        _sum(proven.failed()).label("failed"),
        _sum(SentLink.opened_at.is_not(None)).label("opened"),
        _sum(proven.spared()).label("spared"),
        func.max(ArticleUse.at).label("last_at"),
        maintain_column_froms=True,
    )
    if by_face:
        found = found.where(ArticleUse.face.is_not(None))
    rows = db.session.execute(_most_used(found.group_by(*columns))).all()
    known = measures.titles({row.article_id for row in rows}, viewer)
    return [
        Ranked(
            Thing("face", row.article_id, row.face) if by_face else Thing("article", row.article_id),
            f"{title} · {measures.face_name(row.face)}" if by_face else title,
            f"/kb/{row.article_id}",
            lang,
            row.uses,
            row.helped,
            row.failed,
            row.opened,
            row.spared,
            row.last_at,
        )
        for row in rows
        for title, lang in [known.get(row.article_id, (gettext("An article"), ""))]
    ]


def _texts(of: Of) -> list[Ranked]:
    found = _within(measures.listed("text-used", of).statement(), ReplyBlockUse.at).with_only_columns(
        ReplyBlock.id,
        ReplyBlock.title,
        func.count().label("uses"),
        _sum(measures.reply_helped()).label("helped"),
        _sum(measures.reply_failed()).label("failed"),
        func.max(ReplyBlockUse.at).label("last_at"),
        maintain_column_froms=True,
    )
    rows = db.session.execute(_most_used(found.group_by(ReplyBlock.id, ReplyBlock.title)))
    return [
        Ranked(
            Thing("text", row.id),
            row.title,
            f"/desk/blocks/{row.id}",
            "",
            row.uses,
            row.helped,
            row.failed,
            0,
            0,
            row.last_at,
        )
        for row in rows
    ]


def _within(statement: Select[Any], at: Any) -> Select[Any]:
    return statement.where(at >= figures.begins(figures.WEEKS - 1), at < figures.begins(-1))


def _most_used(statement: Select[Any]) -> Select[Any]:
    return statement.order_by(func.count().desc()).limit(MOST)


def _sum(clause: Any) -> Any:
    return func.coalesce(func.sum(case((clause, 1), else_=0)), 0)


def unused(kind: str) -> Sequence[str]:
    """Return which lists beside a ranking say what is not used, or is not to be used as it is."""
    return {
        "articles": ("articles-unused", "articles-stale", "articles-changed"),
        "faces": ("faces-unused",),
        "texts": ("texts-unused",),
    }[kind]
