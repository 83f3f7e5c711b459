"""The ledger of points: what helped brings some, and what is taken back takes exactly those back.

Nothing here adds up as it goes. `settle` compares what is true now (who accepted, who voted, what is shown) with the
rows that were written, and writes the difference. So it may run twice, late, or after a deed that nobody told of.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased, joinedload, lazyload

from accounts.models import User
from accounts.people import Viewer
from core.db import db
from core.settings import current_settings
from core.unique import add_or_change
from forum import queries
from forum.models import Acceptance, Muting, PointEntry, PointKind, Post, Standing, Topic, Vote

AT_ONCE: Final = 200
MOST_WRONG: Final = 500


@dataclass(frozen=True, slots=True)
class Made:
    """Something was made of an answer elsewhere: of this post, under this id, at this moment."""

    post_id: int
    ref_id: int
    at: datetime


MADE_OF: list[Callable[[Collection[int] | None], Iterable[Made]]] = []
"""Rooms above say here which articles, that everybody may read, were made of these posts; None: of any."""


class _Key(NamedTuple):
    post_id: int
    kind: PointKind
    ref_id: int


class _Earned(NamedTuple):
    user_id: int
    by_id: int | None
    day: date


_own, _whole, _reversal = aliased(Muting), aliased(Muting), aliased(PointEntry)


def settle(post_ids: Iterable[int], *, kind: PointKind | None = None, ref_id: int | None = None) -> set[int]:
    """Write what is missing in the ledger for these posts; return whose points changed.

    `kind` and `ref_id` narrow it to one thing, so that a vote costs the same however many there are. The points of one
    person are settled by one worker at a time.
    """
    ids = sorted(set(post_ids))
    changed: set[int] = set()
    for first in range(0, len(ids), AT_ONCE):
        changed |= _settle(ids[first : first + AT_ONCE], kind, ref_id)
    return changed


def settle_topic(topic_id: int) -> set[int]:
    """Do the same for every post of a topic."""
    return settle(db.session.scalars(select(Post.id).where(Post.topic_id == topic_id)).all())


def settle_days(days: Iterable[tuple[int, date]]) -> set[int]:
    """Write what the limit of a day takes back from what votes brought to these people on these days."""
    changed = set()
    for user_id, day in sorted(set(days)):
        _hold(user_id)
        if _limit(user_id, day):
            changed.add(user_id)
    return changed


def wrong_posts() -> list[int]:
    """Return ids of posts whose rows in the ledger are not what is true now, so many at a time."""
    by_deeds = select(*_columns(union_all(*_earned_by_deeds()).subquery()))
    given = _outstanding()
    written = given.where(PointEntry.kind != "article")
    ids = {row.post_id for row in db.session.execute(by_deeds.except_(written).limit(MOST_WRONG))}
    ids |= {row.post_id for row in db.session.execute(written.except_(by_deeds).limit(MOST_WRONG))}
    made = {(key.post_id, key.kind, key.ref_id, one.user_id) for key, one in _articles(None).items()}
    ids |= {one[0] for one in made ^ {tuple(row) for row in db.session.execute(given.where(_is_article()))}}
    return sorted(ids)[:MOST_WRONG]


def wrong_days() -> list[tuple[int, date]]:
    """Return people and days where the limit is not what it should be, because a voter has left or it was changed."""
    rows = (
        select(PointEntry.user_id, PointEntry.day)
        .where(PointEntry.kind.in_(("helpful", "limit")))
        .group_by(PointEntry.user_id, PointEntry.day)
        .having(_limited() != -_above())
        .order_by(PointEntry.user_id, PointEntry.day)
    )
    return [(row.user_id, row.day) for row in db.session.execute(rows.limit(MOST_WRONG))]


def total(user: User, *, viewer: Viewer) -> Any:
    """Return the subquery for the points of a person, as far as the viewer may see what brought them."""
    return select(func.coalesce(func.sum(PointEntry.points), 0)).where(*_shown(user, viewer)).scalar_subquery()


def number(user: User, kind: PointKind, *, viewer: Viewer) -> Any:
    """Return the subquery for how many things of one kind brought a person points, and still do."""
    mine = (*_shown(user, viewer), PointEntry.kind == kind, is_outstanding())
    return select(func.count(PointEntry.id)).where(*mine).scalar_subquery()


def total_now(user: User, *, viewer: Viewer) -> int:
    """Return the points of a person, as far as the viewer may see what brought them."""
    return db.session.scalar(select(total(user, viewer=viewer))) or 0


def entries(user: User, *, viewer: Viewer) -> Select[PointEntry]:
    """Return the statement for a person's rows, as far as the viewer may see what they are for."""
    topic = joinedload(PointEntry.post).options(lazyload("*"), joinedload(Post.topic).lazyload("*"))
    return select(PointEntry).where(*_shown(user, viewer)).options(topic)


def is_outstanding() -> ColumnElement[bool]:
    """Return the clause for rows that gave something which was not taken back."""
    taken_back = select(_reversal.id).where(_reversal.reverses_id == PointEntry.id).correlate(PointEntry).exists()
    return and_(PointEntry.reverses_id.is_(None), ~taken_back)


def _settle(ids: Sequence[int], kind: PointKind | None, ref_id: int | None) -> set[int]:
    narrow: list[ColumnElement[bool]] = [PointEntry.post_id.in_(ids)]
    if kind is not None:
        narrow.append(PointEntry.kind == kind)
    if ref_id is not None:
        narrow.append(PointEntry.ref_id == ref_id)
    authors = select(Post.author_id).where(Post.id.in_(ids), Post.author_id.is_not(None))
    people = {*db.session.scalars(authors), *db.session.scalars(select(PointEntry.user_id).where(*narrow))}
    for user_id in sorted(one for one in people if one is not None):
        _hold(user_id)
    # Only now, when nobody else writes for these people: what was read before the wait may be no more.
    earned = _earned(ids, kind, ref_id)
    latest: dict[_Key, PointEntry] = {}
    rows = select(PointEntry).where(*narrow).order_by(PointEntry.number)
    for row in db.session.scalars(rows.execution_options(populate_existing=True)):
        assert row.post_id is not None  # noqa: S101 -- for the type checker: it was selected by that
        latest[_Key(row.post_id, row.kind, row.ref_id)] = row
    written: list[PointEntry] = []
    for key in sorted(earned.keys() | latest.keys()):
        written += _difference(key, earned.get(key), latest.get(key))
    db.session.add_all(written)
    db.session.flush()
    votes = {(row.user_id, row.day) for row in written if row.kind == "helpful"}
    return {row.user_id for row in written} | settle_days(votes)


def _difference(key: _Key, one: _Earned | None, last: PointEntry | None) -> list[PointEntry]:
    rows = []
    number = 0 if last is None else last.number
    is_given = last is not None and last.reverses_id is None
    if last is not None and is_given and (one is None or one.user_id != last.user_id):
        number += 1
        about = {"user_id": last.user_id, "by_id": last.by_id, "day": last.day, "reverses_id": last.id}
        rows.append(PointEntry(**key._asdict(), number=number, points=-last.points, **about))
        is_given = False
    if one is not None and not is_given:
        rows.append(PointEntry(**key._asdict(), number=number + 1, points=_worth(key.kind), **one._asdict()))
    return rows


def _worth(kind: PointKind) -> int:
    settings = current_settings()
    return {
        "solution": settings.points_solution,
        "helpful": settings.points_helpful,
        "article": settings.points_article,
    }[kind]


def _hold(user_id: int) -> None:
    add_or_change(Standing, by="user_id", changes={"user_id": user_id}, user_id=user_id)


def _limit(user_id: int, day: date) -> bool:
    its = (PointEntry.user_id == user_id, PointEntry.day == day)
    above, limited = db.session.execute(select(_above(), _limited()).where(*its)).one()
    if limited == -above:
        return False
    db.session.add(PointEntry(user_id=user_id, kind="limit", points=-above - limited, day=day))
    db.session.flush()
    return True


def _above() -> ColumnElement[int]:
    votes = func.coalesce(func.sum(PointEntry.points).filter(PointEntry.kind == "helpful"), 0)
    most = current_settings().points_a_day
    return case((votes > most, votes - most), else_=0) if most else literal(0)


def _limited() -> ColumnElement[int]:
    return func.coalesce(func.sum(PointEntry.points).filter(PointEntry.kind == "limit"), 0)


def _earned(ids: Sequence[int], kind: PointKind | None, ref_id: int | None) -> Mapping[_Key, _Earned]:
    found: dict[_Key, _Earned] = {}
    solutions, votes = _earned_by_deeds()
    if kind in {None, "solution"}:
        for row in db.session.execute(solutions.where(Post.id.in_(ids)).add_columns(Acceptance.at)):
            found[_Key(row.post_id, "solution", 0)] = _Earned(row.user_id, None, _day(row.at))
    if kind in {None, "helpful"}:
        if ref_id is not None:
            votes = votes.where(Vote.user_id == ref_id)
        for row in db.session.execute(votes.where(Post.id.in_(ids)).add_columns(Vote.at)):
            found[_Key(row.post_id, "helpful", row.ref_id)] = _Earned(row.user_id, row.ref_id, _day(row.at))
    if kind in {None, "article"}:
        found |= _articles(ids)
    return found


def _earned_by_deeds() -> tuple[Any, Any]:
    """Return the statements for solutions and votes that bring points: not for an answer to oneself, nor from oneself.

    Votes stay with their post when it is moved, split off or becomes a comment by merging. What is muted brings none;
    but what is muted silently does, where only its author sees it: they find no difference.
    """
    mine = (Post.author_id.is_not(None), _is_shown())
    about = (Post.id.label("post_id"), literal("solution").label("kind"))
    solutions = (
        select(*about, literal(0).label("ref_id"), Post.author_id.label("user_id"))
        .join(Acceptance, Acceptance.post_id == Post.id)
        .join(Topic, Topic.id == Post.topic_id)
        .where(
            *mine, Topic.asker_id.is_distinct_from(Post.author_id), Acceptance.by_id.is_distinct_from(Post.author_id)
        )
    )
    votes = (
        select(
            about[0], literal("helpful").label("kind"), Vote.user_id.label("ref_id"), Post.author_id.label("user_id")
        )
        .join(Vote, Vote.post_id == Post.id)
        .where(*mine, Vote.user_id != Post.author_id)
    )
    return solutions, votes


def _articles(ids: Collection[int] | None) -> dict[_Key, _Earned]:
    made = [one for source in MADE_OF for one in source(ids)]
    if not made:
        return {}
    authors = select(Post.id, Post.author_id).where(Post.id.in_({one.post_id for one in made}), _is_shown())
    whose = {row.id: row.author_id for row in db.session.execute(authors.where(Post.author_id.is_not(None)))}
    return {
        _Key(one.post_id, "article", one.ref_id): _Earned(whose[one.post_id], None, _day(one.at))
        for one in made
        if one.post_id in whose
    }


def _outstanding() -> Any:
    columns = (PointEntry.post_id, PointEntry.kind, PointEntry.ref_id, PointEntry.user_id)
    return select(*columns).where(PointEntry.kind != "limit", is_outstanding())


def _columns(rows: Subquery) -> tuple[Any, ...]:
    return rows.c.post_id, rows.c.kind, rows.c.ref_id, rows.c.user_id


def _is_article() -> ColumnElement[bool]:
    return PointEntry.kind == "article"


def _is_shown() -> ColumnElement[bool]:
    own = select(_own.id).where(_own.post_id == Post.id, _own.is_silent.is_(False), queries.in_force(_own))
    whole = select(_whole.id).where(
        _whole.topic_id == Post.topic_id, _whole.is_silent.is_(False), queries.in_force(_whole)
    )
    return and_(~own.correlate(Post).exists(), ~whole.correlate(Post).exists())


def _shown(user: User, viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    seen = select(Post.id).where(Post.id == PointEntry.post_id, queries.posts_visible_to(viewer))
    return PointEntry.user_id == user.id, or_(PointEntry.post_id.is_(None), seen.correlate(PointEntry).exists())


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
