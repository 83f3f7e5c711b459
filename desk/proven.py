"""What became of the links in replies: opened, solved, came back. What is proven ranks what is suggested, a little.

A customer is spared a further message where they said that it helped, or read the article and did not write again
within `WITHIN`, on any channel on which they are known to be the same person. Thanks are no return (`desk.returning`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from core.clock import now
from core.db import db
from desk.models import Message
from kb.models import ArticleUse, SentLink

WITHIN: Final = timedelta(days=7)
KNOWN_FOR: Final = timedelta(days=365)
"""What is older says nothing of the article as it is now."""
FEWEST: Final = 5
"""Of so many customers it must be known before it means anything."""
MOST_LIFT: Final = 0.01
"""By so much at most the score of a suggestion rises or falls: it decides between what is nearly as good.

Measured with `bench/bench_quality.py --proven`: with 0.05 and little caution a right answer of a hundred fell from the
first place, with this none does.
"""
AS_MANY: Final = 30
"""The share is pulled towards the middle by so many customers, half of them helped, so that few say little."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of how many customers it is known what came of an article, and how many of them it spared another message."""

    solved: int
    known: int

    @property
    def lift(self) -> float:
        """Return what a score is multiplied with: 1 and at most `MOST_LIFT` more or less, 1 while too few are known."""
        if self.known < FEWEST:
            return 1.0
        return 1.0 + MOST_LIFT * (2.0 * (self.solved + AS_MANY / 2) / (self.known + AS_MANY) - 1.0)


def is_over() -> ColumnElement[bool]:
    """Return the clause for links whose days in which a return counts are over."""
    return Message.sent_at <= now() - WITHIN


def helped() -> ColumnElement[bool]:
    return ArticleUse.outcome == "helped"


def failed() -> ColumnElement[bool]:
    return ArticleUse.outcome.in_(("not", "other"))


def came_back() -> ColumnElement[bool]:
    return and_(ArticleUse.outcome.is_(None), SentLink.came_back_at.is_not(None))


def is_quiet() -> ColumnElement[bool]:
    """Return the clause for links that were opened, and whose customers said nothing more."""
    return and_(_is_silent(), SentLink.opened_at.is_not(None), is_over())


def is_unopened() -> ColumnElement[bool]:
    return and_(_is_silent(), SentLink.opened_at.is_(None), is_over())


def is_running() -> ColumnElement[bool]:
    return and_(_is_silent(), ~is_over())


def spared() -> ColumnElement[bool]:
    """Return the clause for what is proven: it helped, or it was read and nobody came back."""
    return or_(helped(), is_quiet())


def evidence(article_ids: Collection[int]) -> Mapping[int, Evidence]:
    """Return what is known of these articles, in one statement; nothing of those of which nothing is known."""
    if not article_ids:
        return {}
    came_back_after_reading = and_(came_back(), SentLink.opened_at.is_not(None))
    known = or_(spared(), failed(), came_back_after_reading)
    rows = db.session.execute(
        select(ArticleUse.article_id, func.sum(case((spared(), 1), else_=0)), func.count())
        .join(Message, and_(Message.id == ArticleUse.where_id, ArticleUse.where_kind == "message"))
        .outerjoin(SentLink, SentLink.use_id == ArticleUse.id)
        .where(ArticleUse.article_id.in_(article_ids), ArticleUse.at > now() - KNOWN_FOR, known)
        .group_by(ArticleUse.article_id)
    )
    return {row[0]: Evidence(int(row[1]), row[2]) for row in rows}


def _is_silent() -> ColumnElement[bool]:
    return and_(ArticleUse.outcome.is_(None), SentLink.came_back_at.is_(None))
