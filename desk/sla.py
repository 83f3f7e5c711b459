"""What is promised to which customers: policies, and the calendars by which their time counts."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core import problems, texts, timezones
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.problems import Problems
from core.settings import current_settings
from desk import business_time, policy
from desk.business_time import DAY_MINUTES, WorkingTime
from desk.clock_models import AnswerPolicy, Calendar
from desk.models import Conversation

DAYS: Final = 7
MOST_SPANS: Final = 6
MOST_CLOSED: Final = 400
LONGEST_NAME: Final = 80
LONGEST_CLOSED: Final = 20_000
MOST_MINUTES: Final = 1_000_000
TIMES: Final = ("first_minutes", "hard_minutes", "next_minutes", "solution_minutes", "warn_minutes")
# The clock that asks is half set: it is written when it is whole, once.
_POLICIES: Final = select(AnswerPolicy).order_by(AnswerPolicy.name, AnswerPolicy.id).execution_options(autoflush=False)
Fact = Callable[[Conversation], Any]
_facts: dict[str, Fact] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What holds for one conversation, and where it comes from. Nothing is promised where a span is None."""

    policy_id: int | None
    name: str
    working: WorkingTime | None
    first: timedelta | None
    hard: timedelta | None
    next: timedelta | None
    solution: timedelta | None
    warn: timedelta
    rests_inside: bool

    def answer(self, which: str | None) -> timedelta | None:
        """Return the span of the first or the next answer."""
        return self.next if which == "next" else self.first


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a conversation when its policy is chosen."""

    channel_id: int | None
    priority: int | None = None
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of the policies for several conversations."""

    policies: Sequence[AnswerPolicy]
    promises: dict[int, Promise] = dataclasses.field(default_factory=dict)


_read: ContextVar[list[_Read] | None] = ContextVar("read", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Have the policies read once for all messages that are taken in inside: in one transaction, of some moments."""
    token = _read.set([])
    try:
        yield
    finally:
        _read.reset(token)


def tell(name: str, fact: Fact) -> None:
    """Have `priority` or `intent` of a conversation told by whoever knows it."""
    _facts[name] = fact


def standing(conversation: Conversation) -> Standing:
    """Return what policies look at."""
    known = {name: fact(conversation) for name, fact in _facts.items()}
    return Standing(conversation.channel_id, known.get("priority"), known.get("intent"))


def promised_to(conversation: Conversation) -> Promise:
    """Return what holds for a conversation; its priority and intent are asked only where a policy looks at them."""
    read = _policies_now()
    to = Standing(conversation.channel_id)
    if any(one.intent is not None or one.from_priority is not None for one in read.policies):
        to = standing(conversation)
    found = _narrowest(to, read.policies)
    if found is None:
        return by_settings()
    if found.id not in read.promises:
        read.promises[found.id] = _promise(found)
    return read.promises[found.id]


def promised(to: Standing) -> Promise:
    """Return what holds: of the policies that fit the one for the channel, for the intent, of the highest priority."""
    found = _narrowest(to, policies())
    return by_settings() if found is None else _promise(found)


def by_settings() -> Promise:
    """Return what holds where no policy says else: around the clock, as long as the settings say."""
    settings = current_settings()
    return Promise(
        policy_id=None,
        name="",
        working=None,
        first=_span(settings.answer_within_minutes),
        hard=_span(settings.answer_latest_minutes),
        next=_span(settings.answer_next_minutes),
        solution=_span(settings.solve_within_minutes),
        warn=timedelta(minutes=settings.answer_warn_minutes),
        rests_inside=True,
    )


def promise_of(policy_id: int | None) -> Promise:
    """Return what this policy promises now; without one, or when it is gone, what the settings say."""
    found = None if policy_id is None else db.session.get(AnswerPolicy, policy_id)
    return by_settings() if found is None else _promise(found)


def policies() -> Sequence[AnswerPolicy]:
    """Return all policies, with their calendars."""
    return db.session.scalars(_POLICIES).all()


def policies_with_channels() -> Sequence[AnswerPolicy]:
    """Return all policies as the page of them shows them."""
    statement = select(AnswerPolicy).options(joinedload(AnswerPolicy.channel))
    return db.session.scalars(statement.order_by(AnswerPolicy.name, AnswerPolicy.id)).all()


def policy_by(policy_id: int) -> AnswerPolicy:
    """Return a policy, or raise `NotFound`."""
    found = db.session.get(AnswerPolicy, policy_id) if 0 < policy_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def calendars() -> Sequence[Calendar]:
    """Return all calendars."""
    return db.session.scalars(select(Calendar).order_by(Calendar.name, Calendar.id)).all()


def calendar_by(calendar_id: int) -> Calendar:
    """Return a calendar, or raise `NotFound`."""
    found = db.session.get(Calendar, calendar_id) if 0 < calendar_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def working_time(calendar: Calendar | None) -> WorkingTime | None:
    """Return a calendar as what can be counted with; None is around the clock."""
    if calendar is None:
        return None
    return WorkingTime(
        timezones.zone(calendar.time_zone),
        [tuple((first, end) for first, end in day) for day in calendar.week],
        calendar.region,
        {date.fromisoformat(day): name for day, name in calendar.closed.items()},
    )


def save_calendar(
    calendar: Calendar | None,
    *,
    name: str,
    time_zone: str,
    region: str,
    days: Sequence[str],
    closed: str,
    by: User,
) -> Calendar:
    """Make or change a calendar; `days` and `closed` as they are typed. What is due already stays due when it was."""
    _require(by)
    wrong = Problems()
    name = wrong.take("name", lambda: _name(name, Calendar, calendar), "")
    if not timezones.is_known(time_zone):
        wrong.fields["time_zone"] = gettext("Please choose a time zone from the list.")
    if region and region not in business_time.regions():
        wrong.fields["region"] = gettext("Please choose one of these.")
    week = [wrong.take(f"day_{place}", partial(read_hours, typed), _free()) for place, typed in enumerate(days)]
    if len(week) == DAYS and not any(week) and not any(field.startswith("day_") for field in wrong.fields):
        wrong.fields["day_0"] = gettext("It must be open at some time of the week.")
    nothing: dict[str, str] = {}
    free = wrong.take("closed", lambda: read_closed(closed), nothing)
    wrong.refuse()
    before = None if calendar is None else _calendar_facts(calendar)
    if calendar is None:
        calendar = Calendar()
        db.session.add(calendar)
    calendar.name, calendar.time_zone, calendar.region = name, time_zone, region
    calendar.week, calendar.closed = week, free
    db.session.flush()
    audit.record("desk.calendar.save", calendar, by=by, before=before, after=_calendar_facts(calendar))
    return calendar


def remove_calendar(calendar: Calendar, *, by: User) -> None:
    """Remove a calendar that no policy counts by."""
    _require(by)
    if db.session.scalar(select(AnswerPolicy.id).where(AnswerPolicy.calendar_id == calendar.id).limit(1)) is not None:
        raise Conflict(gettext("A policy counts by this calendar. Please give it another one first."))
    audit.record("desk.calendar.remove", calendar, by=by, before=_calendar_facts(calendar))
    db.session.delete(calendar)
    db.session.flush()


def save_policy(  # noqa: PLR0913 -- the fields of the form, by keyword
    found: AnswerPolicy | None,
    *,
    name: str,
    channel_id: int | None,
    calendar_id: int | None,
    from_priority: int | None,
    intent: str,
    minutes: Mapping[str, int],
    rests_inside: bool,
    by: User,
) -> AnswerPolicy:
    """Make or change a policy. It holds for those who write from then on."""
    _require(by)
    wrong = Problems()
    name = wrong.take("name", lambda: _name(name, AnswerPolicy, found), "")
    intent = wrong.take("intent", lambda: texts.line(intent, longest=20), "")
    for field in TIMES:
        if not 0 <= minutes.get(field, -1) <= MOST_MINUTES:
            wrong.fields[field] = gettext("Minutes from 0 to 1,000,000, please.")
    if minutes.get("first_minutes") == 0:
        wrong.fields["first_minutes"] = gettext("A first answer has to be promised: one minute or more.")
    elif 0 < minutes.get("hard_minutes", 0) < minutes.get("first_minutes", 0):
        wrong.fields["hard_minutes"] = gettext("The latest answer cannot come before the first.")
    wrong.refuse()
    before = None if found is None else _policy_facts(found)
    if found is None:
        found = AnswerPolicy()
        db.session.add(found)
    found.name, found.channel_id, found.calendar_id = name, channel_id, calendar_id
    found.from_priority, found.intent, found.rests_inside = from_priority, intent or None, rests_inside
    for field in TIMES:
        setattr(found, field, minutes[field])
    db.session.flush()
    db.session.expire(found, ["calendar", "channel"])
    audit.record("desk.answer_policy.save", found, by=by, before=before, after=_policy_facts(found))
    return found


def remove_policy(found: AnswerPolicy, *, by: User) -> None:
    """Remove a policy; what it promised already stays promised."""
    _require(by)
    audit.record("desk.answer_policy.remove", found, by=by, before=_policy_facts(found))
    db.session.delete(found)
    db.session.flush()


def preview(promise: Promise, since: datetime) -> dict[str, datetime | None]:
    """Return until when a message that arrives at this moment is to be answered, by what is promised."""
    spans = {"first": promise.first, "next": promise.next, "hard": promise.hard, "solution": promise.solution}
    return {
        name: None if span is None else business_time.after(promise.working, since, span)
        for name, span in spans.items()
    }


def read_hours(typed: str) -> list[list[int]]:
    """Read `9:00-12:30, 13:30-18:00`; nothing is a free day. Raise `Invalid` for what no day can be."""
    found: list[list[int]] = []
    for part in filter(None, (piece.strip() for piece in typed.replace("–", "-").split(","))):
        first, dash, end = part.partition("-")
        span = [_minutes(first), _minutes(end)] if dash else [None, None]
        if span[0] is None or span[1] is None or span[0] >= span[1]:
            raise Invalid(gettext("Please write hours like 9:00-12:30, 13:30-18:00, or leave it empty."))
        found.append([span[0], span[1]])
    found.sort()
    if len(found) > MOST_SPANS or any(one[1] > other[0] for one, other in pairwise(found)):
        raise Invalid(gettext("Hours of one day must not overlap, and at most six fit."))
    return found


def written_hours(day: Sequence[Sequence[int]]) -> str:
    """Return hours as they are typed."""
    return ", ".join(f"{_clock_time(first)}-{_clock_time(end)}" for first, end in day)


def read_closed(typed: str) -> dict[str, str]:
    """Read free days, one a line: `2026-12-24 Christmas Eve`. Raise `Invalid` with the line that is none."""
    found: dict[str, str] = {}
    for line in filter(None, (one.strip() for one in texts.block(typed, longest=LONGEST_CLOSED).splitlines())):
        day, _, name = line.partition(" ")
        try:
            found[date.fromisoformat(day).isoformat()] = name.strip()[:LONGEST_NAME] or gettext("Free day")
        except ValueError:
            raise Invalid(
                gettext("Please write one day a line, like 2026-12-24 Christmas Eve. Not so: %(line)s", line=line[:40])
            ) from None
    if len(found) > MOST_CLOSED:
        raise Invalid(gettext("At most %(most)s days fit.", most=MOST_CLOSED))
    return dict(sorted(found.items()))


def _policies_now() -> _Read:
    kept = _read.get()
    if kept is None:
        return _Read(policies())
    if not kept:
        kept.append(_Read(policies()))
    return kept[0]


def _narrowest(to: Standing, known: Sequence[AnswerPolicy]) -> AnswerPolicy | None:
    return max((one for one in known if _fits(one, to)), key=_narrowness, default=None)


def _fits(one: AnswerPolicy, to: Standing) -> bool:
    return (
        one.channel_id in {None, to.channel_id}
        and one.intent in {None, to.intent}
        and (one.from_priority is None or (to.priority is not None and to.priority >= one.from_priority))
    )


def _narrowness(one: AnswerPolicy) -> tuple[bool, bool, int, int]:
    priority = -(2**31) if one.from_priority is None else one.from_priority
    return (one.channel_id is not None, one.intent is not None, priority, one.id)


def _promise(found: AnswerPolicy) -> Promise:
    return Promise(
        policy_id=found.id,
        name=found.name,
        working=working_time(found.calendar),
        first=_span(found.first_minutes),
        hard=_span(found.hard_minutes),
        next=_span(found.next_minutes),
        solution=_span(found.solution_minutes),
        warn=timedelta(minutes=found.warn_minutes),
        rests_inside=found.rests_inside,
    )


def _free() -> list[list[int]]:
    return []


def _span(minutes: int) -> timedelta | None:
    return timedelta(minutes=minutes) if minutes else None


def _require(by: User) -> None:
    if not policy.may_manage_clocks(by):
        raise NotAllowed


def _name(typed: str, model: type[Calendar | AnswerPolicy], mine: Calendar | AnswerPolicy | None) -> str:
    with problems.at("name"):
        name = texts.line(typed, longest=LONGEST_NAME, shortest=1)
        same = select(model.id).where(model.name == name)
        if mine is not None:
            same = same.where(model.id != mine.id)
        if db.session.scalar(same) is not None:
            raise Invalid(gettext("Another one has this name."))
    return name


def _minutes(typed: str) -> int | None:
    hours, colon, minutes = typed.strip().partition(":")
    pair = texts.number(hours), texts.number(minutes) if colon else 0
    if pair[0] is None or pair[1] is None or pair[1] >= 60:  # noqa: PLR2004 -- minutes of an hour
        return None
    total = pair[0] * 60 + pair[1]
    return total if total <= DAY_MINUTES else None


def _clock_time(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _calendar_facts(calendar: Calendar) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        "region": calendar.region,
        "week": calendar.week,
        "closed": calendar.closed,
    }


def _policy_facts(found: AnswerPolicy) -> dict[str, Any]:
    names = ("name", "channel_id", "calendar_id", "from_priority", "intent", *TIMES, "rests_inside")
    return {name: getattr(found, name) for name in names}
