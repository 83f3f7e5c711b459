"""Who helps: solutions and articles in a month, a quarter or at all, in a category or everywhere. Nothing else counts.

Members who do not want to be named are not; the team is not either, for helping is its work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, Final, Literal, get_args

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, func, select

from accounts.models import TEAM_ROLES, User, UserRole
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.settings import current_settings
from core.unique import add_once
from forum import points, queries
from forum.models import Category, PointEntry, Post, Standing, Topic

Period = Literal["month", "quarter", "all"]
PERIODS: tuple[Period, ...] = get_args(Period)
PERIOD_NAMES: Final = {
    "month": lazy_gettext("This month"),
    "quarter": lazy_gettext("This quarter"),
    "all": lazy_gettext("All time"),
}
MOST_LISTED: Final = 25
SOLUTION_TITLES: Final = (
    lazy_gettext("Helping hand"),
    lazy_gettext("Problem solver"),
    lazy_gettext("Pillar of the house"),
)
ARTICLE_TITLES: Final = (
    lazy_gettext("Source of knowledge"),
    lazy_gettext("Knows the way"),
    lazy_gettext("Living manual"),
)
"""What somebody is called from so many solutions or articles on, see the settings."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A person, and what of theirs helped in a time."""

    person: User
    solutions: int
    articles: int

    @property
    def titles(self) -> Sequence[Any]:
        return titles(self.solutions, self.articles)


def titles(solutions: int, articles: int) -> list[Any]:
    """Return what somebody with so many solutions and articles is called: at most one title for each."""
    settings = current_settings()
    return [
        *_title(SOLUTION_TITLES, settings.solution_steps, solutions),
        *_title(ARTICLE_TITLES, settings.article_steps, articles),
    ]


def leading(period: Period, *, category: Category | None = None) -> list[Helper]:
    """Return who helped most, as far as everybody can see it: solutions and articles count the same."""
    solutions, articles = (number_of(kind) for kind in ("solution", "article"))
    is_unlisted = select(Standing.user_id).where(Standing.user_id == User.id, Standing.is_unlisted.is_(True))
    is_team = select(UserRole.user_id).where(UserRole.user_id == User.id, UserRole.role.in_(TEAM_ROLES))
    counted = (
        select(PointEntry.user_id, solutions.label("solutions"), articles.label("articles"))
        .join(Post, Post.id == PointEntry.post_id)
        .where(PointEntry.kind.in_(("solution", "article")), points.is_outstanding())
        .where(queries.posts_visible_to(AnonymousUser()))
        .group_by(PointEntry.user_id)
    )
    since = _since(period)
    if since is not None:
        counted = counted.where(PointEntry.day >= since)
    if category is not None:
        counted = counted.join(Topic, Topic.id == Post.topic_id).where(Topic.category_id == category.id)
    found = counted.subquery()
    rows = db.session.execute(
        select(User, found.c.solutions, found.c.articles)
        .join(found, found.c.user_id == User.id)
        .where(~is_unlisted.exists(), ~is_team.exists(), User.is_staged.is_(False), User.disabled_at.is_(None))
        .order_by((found.c.solutions + found.c.articles).desc(), found.c.solutions.desc(), User.id)
        .limit(MOST_LISTED)
    )
    return [Helper(*row) for row in rows]


def number_of(kind: str) -> ColumnElement[int]:
    """Return the column that counts the rows of one kind."""
    return func.count(PointEntry.id).filter(PointEntry.kind == kind)


def list_person(user: User, *, is_listed: bool) -> None:
    """Have a person named in lists of who helps, or not."""
    add_once(Standing, user_id=user.id)
    standing = db.session.get_one(Standing, user.id, populate_existing=True)
    standing.is_unlisted = not is_listed
    db.session.flush()


def _since(period: Period) -> date | None:
    today = now().astimezone(UTC).date()
    if period == "month":
        return today.replace(day=1)
    if period == "quarter":
        return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    return None


def _title(names: Sequence[Any], steps: Sequence[int], number: int) -> list[Any]:
    reached = [name for name, step in zip(names, steps, strict=True) if number >= step]
    return reached[-1:]
