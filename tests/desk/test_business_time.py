"""Time that counts: exact over nights, weekends, holidays and both changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.business_time import WorkingTime, after, between, holidays_of, regions

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = [*[((9 * 60, 18 * 60),)] * 5, (), ()]
"""Monday to Friday from nine to six."""
BAVARIA = WorkingTime(BERLIN, OFFICE, "DE-BY", {date(2026, 12, 24): "Inventur"})
WORKS = st.sampled_from(
    [
        None,
        BAVARIA,
        WorkingTime(BERLIN, [((0, 1440),)] * 7),
        WorkingTime(ZoneInfo("America/St_Johns"), [((0, 130), (170, 200), (600, 1440))] * 7, "CA-NL"),
        WorkingTime(ZoneInfo("Pacific/Apia"), [*[((60, 720), (720, 900))] * 6, ()]),
        WorkingTime(ZoneInfo("Europe/London"), [(), (), (), ((840, 1440),), (), (), ((0, 600),)], "GB-SCT"),
    ]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds the zone
SPANS = st.timedeltas(timedelta(), timedelta(hours=60))


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("since", "minutes", "due"),
    [
        (berlin(2026, 1, 9, 17, 50), 60, berlin(2026, 1, 12, 9, 50)),  # Friday, Monday
        (berlin(2026, 1, 9, 17, 0), 60, berlin(2026, 1, 9, 18, 0)),  # to the last minute
        (berlin(2026, 1, 10, 12, 0), 60, berlin(2026, 1, 12, 10, 0)),
        (berlin(2026, 1, 5, 17, 30), 60, berlin(2026, 1, 7, 9, 30)),  # Epiphany is free in Bavaria
        (berlin(2026, 12, 23, 17, 30), 60, berlin(2026, 12, 28, 9, 30)),  # the house's own day, then Christmas
        (berlin(2026, 1, 9, 3, 0), 60, berlin(2026, 1, 9, 10, 0)),
    ],
)
def test_an_hour_runs_only_while_somebody_works(since: datetime, minutes: int, due: datetime) -> None:
    assert after(BAVARIA, since, timedelta(minutes=minutes)) == due


def test_elsewhere_epiphany_is_a_day_like_any_other() -> None:
    hamburg = WorkingTime(BERLIN, OFFICE, "DE-HH")
    assert after(hamburg, berlin(2026, 1, 5, 17, 30), timedelta(hours=1)) == berlin(2026, 1, 6, 9, 30)


def test_days_on_which_the_clock_changes_are_as_long_as_they_are() -> None:
    always = WorkingTime(BERLIN, [((0, 1440),)] * 7)
    assert between(always, berlin(2026, 3, 29), berlin(2026, 3, 30)) == timedelta(hours=23)
    assert between(always, berlin(2026, 10, 25), berlin(2026, 10, 26)) == timedelta(hours=25)
    nights = WorkingTime(BERLIN, [((60, 240),)] * 7)
    assert between(nights, berlin(2026, 3, 29), berlin(2026, 3, 30)) == timedelta(hours=2)
    assert between(nights, berlin(2026, 10, 25), berlin(2026, 10, 26)) == timedelta(hours=4)


def test_who_never_opens_promises_nothing_near() -> None:
    never = WorkingTime(BERLIN, [()] * 7)
    assert after(never, berlin(2026, 1, 1), timedelta(minutes=1)) > berlin(2028, 1, 1)


def test_holidays_are_known_by_region() -> None:
    assert {"DE-BW", "AT", "AT-9", "CH-ZH", "GB-SCT", "FR", "US"} <= set(regions())
    assert date(2026, 1, 2) in holidays_of("GB-SCT", 2026)
    assert date(2026, 1, 2) not in holidays_of("GB-ENG", 2026)
    assert all(holidays_of(region, 2026) for region in regions())
    assert holidays_of("", 2026) == {}


@given(WORKS, MOMENTS, SPANS, SPANS)
def test_spans_add_up(working: WorkingTime | None, since: datetime, one: timedelta, other: timedelta) -> None:
    if one and other:
        assert after(working, after(working, since, one), other) == after(working, since, one + other)


@given(WORKS, MOMENTS, MOMENTS, MOMENTS)
def test_times_add_up(working: WorkingTime | None, a: datetime, b: datetime, c: datetime) -> None:
    a, b, c = sorted((a, b, c))
    assert between(working, a, b) + between(working, b, c) == between(working, a, c)


@given(WORKS, MOMENTS, MOMENTS, SPANS, SPANS)
def test_later_is_never_earlier(
    working: WorkingTime | None, a: datetime, b: datetime, one: timedelta, other: timedelta
) -> None:
    a, b = sorted((a, b))
    one, other = sorted((one, other))
    assert a <= after(working, a, one) <= after(working, a, other)
    assert after(working, a, one) <= after(working, b, one)
    assert timedelta() <= between(working, a, b) <= b - a


@given(WORKS, MOMENTS, SPANS)
def test_what_is_due_after_an_hour_has_an_hour_before_it(
    working: WorkingTime | None, since: datetime, span: timedelta
) -> None:
    assert between(working, since, after(working, since, span)) == span
