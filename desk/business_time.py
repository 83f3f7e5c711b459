"""Time that counts: hours on working days of a place, where a promise of an hour runs from Friday to Monday.

Everything is exact to the microsecond, across changes to and from summer time. Without hours all time counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

DAY_MINUTES: Final = 24 * 60
A_DAY: Final = timedelta(days=1)
FARTHEST: Final = timedelta(days=800)
"""A place that does not open in so long never does; the promise then ends there."""
COUNTRIES: Final = (
    "DE", "AT", "CH", "LI", "LU", "BE", "NL", "FR", "IT", "ES", "PT", "GB", "IE", "DK", "SE", "NO", "FI", "PL", "CZ",
    "SK", "HU", "SI", "HR", "US", "CA",
)  # fmt: skip
"""Whose holidays an admin can choose; each with its regions."""

Hours = Sequence[tuple[int, int]]
"""When a day is open: from and until, in minutes since midnight on the wall's clock, in order; 1440 is midnight."""


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When somebody works in a place."""

    zone: ZoneInfo
    week: Sequence[Hours]
    """Seven days from Monday."""
    region: str = ""
    """Whose holidays are free: DE, DE-BW, GB-SCT; empty: nobody's."""
    closed: Mapping[date, str] = field(default_factory=dict)
    """Days of one's own on which nobody works, and what they are called."""

    def why_closed(self, day: date) -> str:
        """Return the name of the holiday or of the house's own free day; empty for any other day."""
        return self.closed.get(day, "") or holidays_of(self.region, day.year).get(day, "")


def after(working: WorkingTime | None, since: datetime, span: timedelta) -> datetime:
    """Return the first moment at which so much counted time has passed since another."""
    if working is None or span <= timedelta():
        return since + max(span, timedelta())
    left = span
    for begins, ends in _open(working, since, since + FARTHEST):
        if ends - begins >= left:
            return begins + left
        left -= ends - begins
    return since + FARTHEST


def next_opening(working: WorkingTime, since: datetime) -> datetime | None:
    """Return when it opens the next time; None when it is open at that moment. A place that never does: in 800 days."""
    begins, _ends = next(_open(working, since, since + FARTHEST), (since + FARTHEST, None))
    return None if begins <= since else begins


def between(working: WorkingTime | None, since: datetime, until: datetime) -> timedelta:
    """Return how much time counts between two moments; nothing when they are the wrong way round."""
    if until <= since:
        return timedelta()
    if working is None:
        return until - since
    return sum((ends - begins for begins, ends in _open(working, since, until)), timedelta())


@cache
def holidays_of(region: str, year: int) -> Mapping[date, str]:
    """Return the public holidays of a region in a year, by their names there."""
    if not region:
        return {}
    country, _, part = region.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=year)
    return dict(found.items())


@cache
def regions() -> tuple[str, ...]:
    """Return whose holidays are known: countries and their parts."""
    known = holidays.list_supported_countries(include_aliases=False)
    return tuple(
        name for country in COUNTRIES for name in (country, *(f"{country}-{part}" for part in known.get(country, ())))
    )


def _open(working: WorkingTime, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield when it is open between two moments, in order, none over another."""
    upto = since.astimezone(UTC)
    day = upto.astimezone(working.zone).date() - A_DAY
    last = until.astimezone(working.zone).date()
    while day <= last:
        hours = working.week[day.weekday()]
        if hours and not working.why_closed(day):
            for first, end in hours:
                begins, ends = max(_moment(working.zone, day, first), upto), min(_moment(working.zone, day, end), until)
                if begins < ends:
                    yield begins, ends
                    upto = ends
        day += A_DAY


def _moment(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """Return when the wall's clock shows this; what a change of the clock leaves out is as far behind its hour."""
    if minutes == DAY_MINUTES:
        day, minutes = day + A_DAY, 0
    return datetime.combine(day, time(minutes // 60, minutes % 60), zone).astimezone(UTC)
