"""What waits too long: the team is told once of each thing. Rooms above say what waits in their queues."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import select

from accounts.models import User, UserRole
from core.clock import now
from core.db import db
from core.settings import Settings, current_settings
from core.worker import chore
from forum import addresses, notifications, queries
from forum.models import Muting, Notification, Topic

MOST_AT_ONCE: Final = 50
FORGOTTEN: Final = timedelta(days=30)
"""What is older when the alarm is first asked about it is no news: an import, or an alarm just switched on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits; `key` names it for ever, `topic` is what its reader must be allowed to see."""

    key: str
    kind: str
    url: str
    topic: Topic | None = None
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Finds what has waited since a moment, and knows whose work it is."""

    roles: frozenset[str]
    find: Callable[[datetime, datetime], Iterable[Waiting]]
    """Given two moments: what came after the first one and before the second, and still waits."""
    hours: Callable[[Settings], int] | None = None
    """After how long; as every queue of the team unless it says so itself."""


_watchdogs: dict[str, Watchdog] = {}


def contribute(
    name: str,
    *,
    roles: Iterable[str],
    find: Callable[[datetime, datetime], Iterable[Waiting]],
    hours: Callable[[Settings], int] | None = None,
) -> None:
    """Have a queue watched: what stays in it longer than `hours`, or `alarm_queue_hours`, is told to these roles."""
    _watchdogs[name] = Watchdog(frozenset(roles), find, hours)


@chore("forum.alarms", every=600)
def raise_alarms() -> int:
    """Tell the team of what waits too long, each thing once; return how many notices are new."""
    settings = current_settings()
    told = _raise(Watchdog(frozenset({"agent", "moderator"}), _unanswered), settings.alarm_unanswered_hours)
    for watchdog in _watchdogs.values():
        told += _raise(watchdog, watchdog.hours(settings) if watchdog.hours else settings.alarm_queue_hours)
    return told


def _raise(watchdog: Watchdog, hours: int) -> int:
    if not hours:
        return 0
    limit = now() - timedelta(hours=hours)
    found = list(watchdog.find(limit - FORGOTTEN, limit))
    team = _people(watchdog.roles) if found else []
    told = 0
    for one in found:
        told += notifications.notify_each(
            team, kind=one.kind, key=f"alarm:{one.key}", url=one.url, topic=one.topic, data=one.data
        )
    db.session.commit()
    return told


def _people(roles: frozenset[str]) -> list[int]:
    members = select(User.id).join(UserRole).where(User.disabled_at.is_(None), User.is_staged.is_(False))
    return list(db.session.scalars(members.where(UserRole.role.in_(roles)).distinct().order_by(User.id)))


def _unanswered(after: datetime, before: datetime) -> Iterable[Waiting]:
    is_muted = select(Muting.id).where(Muting.topic_id == Topic.id).correlate(Topic).exists()
    told = select(Notification.id).where(Notification.kind == "unanswered", Notification.topic_id == Topic.id)
    topics = (
        select(Topic)
        .where(queries.is_unanswered(), ~queries.is_solved(), ~is_muted, ~told.correlate(Topic).exists())
        .where(Topic.created_at > after, Topic.created_at <= before)
        .order_by(Topic.created_at)
        .limit(MOST_AT_ONCE)
    )
    for topic in db.session.scalars(topics).unique():
        yield Waiting(key=f"unanswered:{topic.id}", kind="unanswered", url=addresses.of_topic(topic), topic=topic)


@notifications.kind("unanswered", group="alarms")
def _unanswered_words(notification: Notification) -> str:
    title = notification.topic.title if notification.topic is not None else ""
    return str(gettext("Nobody has answered “%(title)s” yet.", title=title))
