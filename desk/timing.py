"""How long customers wait, made of what clocks wrote down when it happened. Each number is the length of a list.

Percentiles are by nearest rank: the smallest value that so many of them do not exceed. Time counts as it was promised,
so a night in which nobody works is no waiting.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import contains_eager, joinedload, lazyload

from core import texts
from core.clock import now
from core.db import db
from core.errors import NotFound
from core.paging import Page, page
from desk import queries
from desk.clock_models import ClockEvent, ConversationClock
from desk.models import Conversation
from desk.team_models import Team
from kb import figures

DIMENSIONS: Final = ("week", "channel", "hour", "team")
A_PAGE: Final = 50
MOST_IN_A_SHEET: Final = 50_000
HOURS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Which of them are counted: of whom, and of which week, channel, hour or team; None is all."""

    by_id: int | None = None
    week: int | None = None
    channel: int | None = None
    hour: int | None = None
    team: int | None = None
    """0 is what belongs to no team."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that is counted, and measured where it took time."""

    key: str
    name: Any
    where: Callable[[], ColumnElement[bool]]
    of_clock: bool = False
    """Counted by conversation and not by what happened."""
    is_timed: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What one metric comes to in one group."""

    count: int = 0
    median: int | None = None
    ninetieth: int | None = None
    kept: int = 0
    late: int = 0


METRICS: Final[Mapping[str, Metric]] = {
    one.key: one
    for one in (
        Metric("first", lazy_gettext("First answers"), lambda: _answers("first"), is_timed=True),
        Metric("next", lazy_gettext("Next answers"), lambda: _answers("next"), is_timed=True),
        Metric("solved", lazy_gettext("Solved"), lambda: ClockEvent.kind == "solved", is_timed=True),
        Metric("first-kept", lazy_gettext("First answers in time"), lambda: _kept("first", is_kept=True)),
        Metric("first-late", lazy_gettext("First answers too late"), lambda: _kept("first", is_kept=False)),
        Metric("next-kept", lazy_gettext("Next answers in time"), lambda: _kept("next", is_kept=True)),
        Metric("next-late", lazy_gettext("Next answers too late"), lambda: _kept("next", is_kept=False)),
        Metric("solved-kept", lazy_gettext("Solved in time"), lambda: _solved(is_kept=True)),
        Metric("solved-late", lazy_gettext("Solved too late"), lambda: _solved(is_kept=False)),
        Metric("reopened", lazy_gettext("Opened again"), lambda: ClockEvent.kind == "reopened"),
        Metric("begun", lazy_gettext("Begun"), lambda: ConversationClock.began_at.is_not(None), of_clock=True),
        Metric("unanswered", lazy_gettext("Without any answer"), lambda: _unanswered(), of_clock=True),  # noqa: PLW0108 -- it stands below
    )
}


def metric(key: str) -> Metric:
    """Return what is counted under this name, or raise `NotFound`."""
    if key not in METRICS:
        raise NotFound
    return METRICS[key]


def measured(one: Metric, by: str, of: Slice) -> dict[int, Measured]:
    """Return what a metric comes to in each group that has any, in one statement; weeks are counted from now."""
    group = _group(one, by).label("part")
    # Grouped outside: PostgreSQL does not see that an expression with parameters is the same twice.
    if not one.is_timed:
        grouped = _select(one, of, group).subquery()
        rows = db.session.execute(select(grouped.c.part, func.count()).group_by(grouped.c.part))
        return {_number(row[0]): Measured(row[1]) for row in rows}
    seconds = ClockEvent.seconds
    ranked = _select(
        one,
        of,
        group,
        seconds.label("seconds"),
        ClockEvent.is_kept.label("is_kept"),
        func.row_number().over(partition_by=group, order_by=seconds).label("place"),
        func.count().over(partition_by=group).label("many"),
    ).subquery()
    statement = select(
        ranked.c.part,
        func.count(),
        _percentile(ranked.c, 50),
        _percentile(ranked.c, 90),
        func.count().filter(ranked.c.is_kept.is_(True)),
        func.count().filter(ranked.c.is_kept.is_(False)),
    ).group_by(ranked.c.part)
    return {_number(row[0]): Measured(*row[1:]) for row in db.session.execute(statement)}


def overall(one: Metric, of: Slice) -> Measured:
    """Return what a metric comes to in all."""
    return next(iter(measured(one, "all", of).values()), Measured())


def count(one: Metric, of: Slice) -> int:
    """Return how many rows the list of a metric has."""
    return db.session.scalar(_select(one, of, func.count())) or 0


def listed(one: Metric, of: Slice, cursor: str | None = None) -> Page[Any]:
    """Return a page of the rows that a number counts, the latest first: events, or clocks of conversations."""
    if one.of_clock:
        by: tuple[Any, ...] = (ConversationClock.began_at, ConversationClock.conversation_id)
    else:
        by = (ClockEvent.at, ClockEvent.id)
    return page(_rows(one, of), by=by, cursor=cursor, size=A_PAGE)


def everything(one: Metric, of: Slice) -> Iterator[Any]:
    """Yield the rows that a number counts for a sheet, the latest first."""
    order = ConversationClock.conversation_id if one.of_clock else ClockEvent.id
    yield from db.session.scalars(_rows(one, of).order_by(order.desc()).limit(MOST_IN_A_SHEET))


def groups(by: str, found: Sequence[Mapping[int, Measured]]) -> list[tuple[int, str]]:
    """Return the groups of a dimension as (number, name): all weeks and hours, the channels and teams that have any."""
    if by == "week":
        names = figures.week_names()
        return [(figures.WEEKS - 1 - place, name) for place, name in enumerate(names)]
    if by == "hour":
        return [(hour, f"{hour:02}") for hour in range(HOURS)]
    there = {number for one in found for number in one}
    if by == "channel":
        return [(one.id, one.name) for one in queries.channels() if one.id in there]
    teams = [(row[0], row[1]) for row in db.session.execute(select(Team.id, Team.name).order_by(Team.name))]
    nobody = [(0, gettext("no team"))] if 0 in there else []
    return [*(one for one in teams if one[0] in there), *nobody]


def narrowed(of: Slice, by: str, number: int) -> Slice:
    """Return the part of a slice that one group of a dimension is."""
    if by == "week":
        return replace(of, week=number)
    if by == "channel":
        return replace(of, channel=number)
    if by == "hour":
        return replace(of, hour=number)
    return replace(of, team=number)


def read_slice(given: Mapping[str, str], *, me: int) -> Slice:
    """Read which part an address means; what makes no sense is `NotFound`."""
    numbers: dict[str, int | None] = {}
    for name in ("channel", "hour", "team"):
        typed = given.get(name)
        numbers[name] = None if typed is None else texts.number(typed)
        if typed is not None and numbers[name] is None:
            raise NotFound
    return Slice(by_id=None if given.get("whose") == "all" else me, week=figures.week_of(given.get("week")), **numbers)


def address(of: Slice) -> dict[str, Any]:
    """Return a slice as parts of an address."""
    return {
        "whose": "all" if of.by_id is None else None,
        "week": None if of.week is None else figures.week_names()[figures.WEEKS - 1 - of.week],
        "channel": of.channel,
        "hour": of.hour,
        "team": of.team,
    }


def _rows(one: Metric, of: Slice) -> Select[Any]:
    lean = (lazyload(Conversation.assignee), lazyload(Conversation.messages))
    if one.of_clock:
        found = _narrow(select(ConversationClock), one, of)
        return found.options(contains_eager(ConversationClock.conversation).options(*lean))
    found = _narrow(select(ClockEvent), one, of)
    return found.options(contains_eager(ClockEvent.conversation).options(*lean), joinedload(ClockEvent.by))


def _select(one: Metric, of: Slice, *columns: Any) -> Select[Any]:
    return _narrow(select(*columns).select_from(ConversationClock if one.of_clock else ClockEvent), one, of)


def _narrow(statement: Select[Any], one: Metric, of: Slice) -> Select[Any]:
    clock = one.of_clock
    own_id = ConversationClock.conversation_id if clock else ClockEvent.conversation_id
    at, hour = (ConversationClock.began_at, ConversationClock.began_hour) if clock else (ClockEvent.at, ClockEvent.hour)
    place: Any = Conversation if clock else ClockEvent
    statement = statement.join(Conversation, Conversation.id == own_id).where(one.where(), _within(at, of.week))
    if of.by_id is not None:
        statement = statement.where((Conversation.assignee_id if clock else _doer(one)) == of.by_id)
    if of.channel is not None:
        statement = statement.where(place.channel_id == of.channel)
    if of.hour is not None:
        statement = statement.where(hour == of.hour)
    if of.team is not None:
        statement = statement.where(place.team_id == of.team if of.team else place.team_id.is_(None))
    return statement


def _doer(one: Metric) -> Any:
    # Nobody opens a conversation again at the desk: it is counted for who has it.
    return Conversation.assignee_id if one.key == "reopened" else ClockEvent.by_id


def _group(one: Metric, by: str) -> Any:
    clock = one.of_clock
    place: Any = Conversation if clock else ClockEvent
    if by == "channel":
        return place.channel_id
    if by == "team":
        return func.coalesce(place.team_id, 0)
    if by == "hour":
        return func.coalesce(ConversationClock.began_hour if clock else ClockEvent.hour, 0)
    if by == "week":
        at = ConversationClock.began_at if clock else ClockEvent.at
        return case(*((at >= _begins(week), week) for week in range(figures.WEEKS)), else_=figures.WEEKS)
    return case((place.channel_id.is_not(None), 0), else_=0)


def _percentile(of: Any, percent: int) -> Any:
    return func.max(case((of.place == (of.many * percent + 99) // 100, of.seconds)))


def _number(value: Any) -> int:
    return int(value or 0)


def _within(at: Any, week: int | None) -> ColumnElement[bool]:
    if week is None:
        return and_(at >= _begins(figures.WEEKS - 1), at < _begins(-1))
    return and_(at >= _begins(week), at < _begins(week - 1))


def _begins(week: int) -> datetime:
    today = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday(), weeks=week)


def _answers(which: str) -> ColumnElement[bool]:
    return and_(ClockEvent.kind == "answered", ClockEvent.promise == which)


def _kept(which: str, *, is_kept: bool) -> ColumnElement[bool]:
    return and_(_answers(which), ClockEvent.is_kept.is_(is_kept))


def _solved(*, is_kept: bool) -> ColumnElement[bool]:
    return and_(ClockEvent.kind == "solved", ClockEvent.is_kept.is_(is_kept))


def _unanswered() -> ColumnElement[bool]:
    return and_(ConversationClock.first_answered_at.is_(None), ConversationClock.dismissed_at.is_(None))
