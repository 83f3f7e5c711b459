"""When a reply leaves that is not to leave now: at a time that was chosen, or when we are open again."""

from datetime import datetime, time, timedelta
from typing import Final

import pytz
from babel import dates
from flask_babel import get_locale, gettext

from core.clock import now
from core.errors import Invalid
from core.settings import current_settings
from desk import business_time, sla
from desk.business_time import WorkingTime
from desk.models import Conversation

LATEST: Final = timedelta(days=90)
_DAYS_AHEAD: Final = 8


def chosen(when: str, at: str, conversation: Conversation) -> datetime | None:
    """Return when a reply in a conversation is to leave; None is now.

    `when` is empty (now), `open` or `at`; `at` is a local time like 2026-11-27T08:30.
    """
    if when == "open":
        opening = next_opening(conversation)
        return None if opening is None else checked(opening)
    if when != "at":
        return None
    try:
        moment = _zone().localize(datetime.fromisoformat(at).replace(tzinfo=None))
    except ValueError:
        raise _refusal(gettext("Please give a day and a time.")) from None
    return checked(moment)


def checked(moment: datetime) -> datetime:
    """Return the moment; raise `Invalid` when it is not in the next months."""
    if moment <= now():
        raise _refusal(gettext("This time has passed."))
    if moment > now() + LATEST:
        raise _refusal(gettext("At most %(days)s days from now, please.", days=LATEST.days))
    return moment


def next_opening(conversation: Conversation | None = None, after: datetime | None = None) -> datetime | None:
    """Return when we are open the next time for a conversation; None when we are open at this moment.

    By the calendar of the policy that its clock runs by, with its holidays; where that has none, by the settings.
    """
    moment = after or now()
    working = None if conversation is None else calendar_of(conversation)
    return _by_settings(moment) if working is None else business_time.next_opening(working, moment)


def calendar_of(conversation: Conversation) -> WorkingTime | None:
    """Return the hours and free days that hold for a conversation; None where no calendar is set."""
    clock = conversation.clock
    governing = sla.promised_to(conversation) if clock is None else sla.promise_of(clock.policy_id)
    return governing.working


def seconds_until(moment: datetime | None) -> float:
    """Return for how long it is still to come; 0 when it was, or is None."""
    return 0.0 if moment is None else max(0.0, (moment - now()).total_seconds())


def in_words(moment: datetime) -> str:
    """Say a moment in the language of the page, as a clock here shows it."""
    return str(dates.format_datetime(moment, "EEE d. MMM, HH:mm", tzinfo=_zone(), locale=get_locale()))


def _by_settings(moment: datetime) -> datetime | None:
    settings, zone = current_settings(), _zone()
    begins, ends = (time.fromisoformat(part) for part in settings.send_hours.split("-"))
    days = {int(day) for day in settings.send_days.split(",")}
    local = moment.astimezone(zone)
    for ahead in range(_DAYS_AHEAD):
        day = local.date() + timedelta(days=ahead)
        if day.isoweekday() not in days:
            continue
        opens: datetime = zone.localize(datetime.combine(day, begins))
        closes = zone.localize(datetime.combine(day, ends))
        if opens <= moment < closes:
            return None
        if opens > moment:
            return opens
    return None


def _zone() -> pytz.BaseTzInfo:
    return pytz.timezone(current_settings().time_zone)


def _refusal(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"at": sentence})
