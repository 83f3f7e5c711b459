"""The clock of a conversation in words."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from babel import dates
from flask_babel import gettext
from flask_login import current_user

from core import i18n, timezones
from core.clock import now
from core.settings import current_settings
from desk.clock_models import ClockEvent
from desk.models import Conversation

Names = Mapping[tuple[str, int], str]
"""What people and teams are called, by ("agent" or "team", id)."""


def zone() -> str:
    """Return the time zone of who reads this, or the house's."""
    own = getattr(current_user, "time_zone", None) if current_user else None
    return own if own and timezones.is_known(own) else current_settings().time_zone


def wall(at: datetime, place: str | None = None) -> str:
    """Say a moment by the clock on the wall: Mon, 12 Jan, 09:50."""
    local = timezones.local(at, place or zone())
    pattern = "EEE, d. MMM, HH:mm" if i18n.locale() == "de" else "EEE, d MMM, HH:mm"
    if abs((at - now()).days) > 180:  # noqa: PLR2004 -- half a year: which one is no longer plain
        pattern = pattern.replace("MMM", "MMM y")
    return str(dates.format_datetime(local, pattern, locale=i18n.locale()))


def promise_name(which: str | None) -> str:
    """Return what a promise is called."""
    names: dict[str, str] = {
        "first": gettext("First answer"),
        "next": gettext("Next answer"),
        "solution": gettext("Solution"),
        "hard": gettext("Answer at the very latest"),
    }
    return names.get(which or "", "")


def due(conversation: Conversation) -> str:
    """Say in one line what is due and until when, or why the clock stands; empty when nobody waits."""
    clock = conversation.clock
    if clock is not None and clock.rest in {"inside", "snoozed"} and clock.rests_since is not None:
        words = resting(clock.rest, wall(clock.rests_since))
        if conversation.due_at is not None:
            words = f"{words} " + gettext("At the very latest: %(at)s.", at=wall(conversation.due_at))
        return words
    if conversation.due_at is None:
        return ""
    name = promise_name(conversation.due_for or "first")
    if conversation.due_at < now():
        return str(gettext("%(promise)s was due %(at)s", promise=name, at=wall(conversation.due_at)))
    return str(gettext("%(promise)s until %(at)s", promise=name, at=wall(conversation.due_at)))


def resting(why: str, since: str) -> str:
    """Say that a clock stands, since when and for what."""
    if why == "inside":
        return str(gettext("The clock stands since %(at)s: a colleague is asked.", at=since))
    return str(gettext("The clock stands since %(at)s: put aside.", at=since))


def event(one: ClockEvent, names: Names) -> str:
    """Say what happened to a clock."""
    by = one.by.name if one.by is not None else gettext("by itself")
    details = one.details or {}
    say: dict[str, Callable[[], str]] = {
        "answered": lambda: gettext(
            "%(promise)s after %(time)s%(kept)s",
            promise=promise_name(one.promise),
            time=_time(one.seconds),
            kept=_kept(one.is_kept),
        ),
        "solved": lambda: gettext("Solved after %(time)s%(kept)s", time=_time(one.seconds), kept=_kept(one.is_kept)),
        "resumed": lambda: gettext(
            "The clock stood from %(begin)s to %(end)s: %(why)s",
            begin=wall(one.since or one.at),
            end=wall(one.at),
            why=_why(details),
        ),
        "paused": lambda: gettext("Clock stopped by %(name)s: %(why)s", name=by, why=_why(details)),
        "moved": lambda: _moved(details, names),
        "promised": lambda: gettext(
            "Another policy holds: %(before)s, now %(after)s.",
            before=details.get("from") or gettext("the settings"),
            after=details.get("to") or gettext("the settings"),
        ),
        "escalated": lambda: _escalated(details, names),
        "acknowledged": lambda: gettext("Holding reply by %(name)s: no answer yet; the clock ran on.", name=by),
        "reopened": lambda: gettext("Opened again"),
        "dismissed": lambda: gettext("Closed without an answer by %(name)s", name=by),
        "warned": lambda: gettext("Warned before it was due"),
    }
    return str(say[one.kind]())


def _moved(details: Mapping[str, Any], names: Names) -> str:
    kind, nobody = str(details.get("what", "")), gettext("nobody")
    before, after = (names.get((kind, details.get(end) or 0), nobody) for end in ("from", "to"))
    return str(gettext("Moved from %(before)s to %(after)s; the clock ran on.", before=before, after=after))


def _escalated(details: Mapping[str, Any], names: Names) -> str:
    nobody = gettext("nobody")
    to = names.get(("agent", details.get("to") or 0), nobody)
    absent = details.get("for")
    if absent is None:
        return str(gettext("Escalated to %(name)s", name=to))
    return str(
        gettext(
            "Escalated to %(name)s, who stands in for %(absent)s", name=to, absent=names.get(("agent", absent), nobody)
        )
    )


def _why(details: Mapping[str, Any]) -> str:
    return str(gettext("a colleague is asked") if details.get("why") == "inside" else gettext("put aside"))


def _kept(is_kept: bool | None) -> str:
    if is_kept is None:
        return ""
    return str(gettext(", in time") if is_kept else gettext(", too late"))


def _time(seconds: int | None) -> str:
    return i18n.minutes_in_words(seconds or 0)
