"""Time zones by their names in the IANA database, which pytz carries along: a small machine may have none."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import pytz


def names() -> list[str]:
    """Return the names to choose from, the old and the doubled ones left out."""
    return list(pytz.common_timezones)


@cache
def is_known(name: str) -> bool:
    """Tell whether there is a time zone with this name; letters count as they are."""
    return name in pytz.all_timezones_set


@cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone that can be counted with, read from what pytz carries along."""
    with pytz.open_resource(name) as file:
        return ZoneInfo.from_file(file, key=name)


def local(moment: datetime, name: str) -> datetime:
    """Return the moment as a clock there shows it, with summer time where and when there is one."""
    return moment.astimezone(pytz.timezone(name))


def at(naive: datetime, name: str) -> datetime:
    """Return the moment at which a clock there shows this; of an hour that comes twice, the later."""
    moment: datetime = pytz.timezone(name).localize(naive, is_dst=False)
    return moment
