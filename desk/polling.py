"""Channels are asked for what is new, each at its own pace, beside the worker's other work.

How far a channel was read is kept in the same transaction as what was read, so that a worker which dies in between
reads it again, and the desk knows it already.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Flask
from sqlalchemy import or_, select, update
from sqlalchemy.exc import DBAPIError

from core import worker
from core.clock import now
from core.db import db, reading
from core.phrases import phrase
from core.unique import add_once
from desk import arrivals
from desk.channel_models import ChannelCourse
from desk.channels.base import (
    Arrival,
    Batch,
    ChannelFailed,
    GoneForGood,
    IncomingMessage,
    NotLetIn,
    adapter_of,
    apart,
)
from desk.models import Channel

AT_ONCE: Final = 4
"""So many channels are asked at the same time."""
TOGETHER: Final = 50
"""So many of the arrivals of a batch are taken in in one go."""
PAUSE_SECONDS: Final = 1.0
LEASE: Final = timedelta(minutes=5)
"""A worker that dies holds a channel for so long."""
FIRST_PAUSE: Final = 15.0
LONGEST_PAUSE: Final = 900.0
LONGEST_WISH: Final = 86_400.0
"""What is granted to a service that asks for a pause."""
RECONNECT_SECONDS: Final = 30.0
_SQLITE_TROUBLE: Final = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_NOMEM",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
)
_POSTGRESQL_TROUBLE: Final = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE: connection, rolled back, out of resources, not in the right state, an operator, the system."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Listener:
    """Somebody who holds a connection to a channel, and how it is told to let go."""

    thread: threading.Thread
    stopping: threading.Event
    begun_at: datetime | None
    """How the channel was connected when it began: see `begin_anew`."""


def due(at: datetime) -> list[int]:
    """Return the channels whose turn it is; one that was never asked is."""
    asked = {kind for kind in _kinds_in_use() if _is_polled(kind)}
    found = (
        select(Channel.id)
        .outerjoin(ChannelCourse, ChannelCourse.channel_id == Channel.id)
        .where(
            Channel.disabled_at.is_(None),
            Channel.kind.in_(asked),
            or_(ChannelCourse.channel_id.is_(None), ChannelCourse.next_at <= at),
            or_(ChannelCourse.leased_until.is_(None), ChannelCourse.leased_until < at),
        )
        .order_by(ChannelCourse.next_at, Channel.id)
    )
    return list(db.session.scalars(found)) if asked else []


def poll_due() -> int:
    """Ask every channel whose turn it is, one after the other; return how many were asked."""
    with reading():
        ids = due(now())
        db.session.rollback()
    for channel_id in ids:
        poll(channel_id)
    return len(ids)


def poll(channel_id: int) -> None:
    """Ask one channel for what is new, and note how that went; another worker that asks it now has it to itself."""
    if not _is_mine(channel_id):
        return
    cursor = db.session.get_one(ChannelCourse, channel_id).cursor
    adapter = apart(channel_id)
    wait: float | None = None
    try:
        for batch in adapter.poll(cursor):
            _keep(channel_id, batch)
            wait = batch.state.wait if batch.state.wait is not None else wait
    except ChannelFailed as failure:
        db.session.rollback()
        note_failure(channel_id, failure)
    except Exception:
        # The module's edge: what it did not foresee is a failure like others, waits longer and is told to admins.
        log.exception("channel %s: what it told cannot be read", channel_id)
        db.session.rollback()
        note_failure(channel_id, ChannelFailed(phrase("its answer could not be read; the log says more")))
    else:
        note_answer(channel_id, wait if wait is not None else adapter.capabilities.every)


def wake(channel_id: int) -> None:
    """Have a channel asked at the next opportunity, since something says that there is news."""
    db.session.execute(update(ChannelCourse).where(ChannelCourse.channel_id == channel_id).values(next_at=now()))
    db.session.commit()


def begin_anew(channel_id: int) -> None:
    """Ask a channel soon, whatever it answered before: an admin says that it works."""
    db.session.execute(
        update(ChannelCourse)
        .where(ChannelCourse.channel_id == channel_id)
        .values(next_at=now(), leased_until=None, failures=0, begun_at=now())
    )


def note_answer(channel_id: int, wait: float) -> None:
    """Note that a channel answered, and is asked again in so many seconds."""
    course = db.session.get_one(ChannelCourse, channel_id, populate_existing=True)
    at = now()
    course.heard_at, course.failures, course.failure, course.told_at = at, 0, "", None
    course.next_at, course.leased_until = at + timedelta(seconds=min(max(wait, 0.0), LONGEST_WISH)), None
    db.session.commit()


def note_failure(channel_id: int, failure: ChannelFailed) -> None:
    """Note that a channel does not answer, and wait longer each time; one that does not let us in is not asked."""
    course = db.session.get_one(ChannelCourse, channel_id, populate_existing=True)
    at = now()
    course.failed_at, course.failure, course.failures = at, failure.reason, course.failures + 1
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(course.failures - 1, 10))
    if failure.retry_after is not None:
        pause = max(pause, min(failure.retry_after, LONGEST_WISH))
    course.next_at = None if isinstance(failure, NotLetIn | GoneForGood) else at + timedelta(seconds=pause)
    course.leased_until = None
    db.session.commit()


def _keep(channel_id: int, batch: Batch) -> None:
    """Take in a batch and keep how far it goes, together."""
    taken = _take_all(channel_id, batch.arrivals) if batch.arrivals else []
    at = now()
    course: dict[str, Any] = {"leased_until": at + LEASE}
    if len(taken) < len(batch.arrivals):
        course["unread"] = ChannelCourse.unread + len(batch.arrivals) - len(taken)
    created = [arrival.created_at for arrival in taken if isinstance(arrival, IncomingMessage)]
    if created:
        course["lag_seconds"] = max(0, int((at - max(created)).total_seconds()))
    if batch.cursor is not None:
        course["cursor"] = dict(batch.cursor)
    state = batch.state
    if state.quota_left is not None:
        course |= {"quota_left": state.quota_left, "quota_renewed_at": state.quota_renewed_at}
    if state.expires_at is not None:
        course["expires_at"] = state.expires_at
    # A cursor may be long: it is written where it has changed, and never read for that.
    db.session.execute(
        update(ChannelCourse).where(ChannelCourse.channel_id == channel_id).values(course),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


def _take_all(channel_id: int, told: Sequence[Arrival]) -> list[Arrival]:
    """Take in what was told, some at a time, and return what could be taken in."""
    channel = db.session.get_one(Channel, channel_id)
    taken: list[Arrival] = []
    for first in range(0, len(told), TOGETHER):
        some = told[first : first + TOGETHER]
        if len(some) > 1 and _are_taken_together(channel, some):
            taken += some
        else:
            taken += [arrival for arrival in some if _is_taken(channel, arrival)]
    return taken


def _are_taken_together(channel: Channel, some: Sequence[Arrival]) -> bool:
    """Take in several arrivals; where one of them cannot be taken in, none is, and it is False."""
    try:
        with db.session.begin_nested():
            arrivals.take_all(channel, some)
    except Exception as error:  # noqa: BLE001 -- not yet the worker's edge: each is tried alone now, and there it is said
        log.info("%s: %s arrivals are taken in one by one (%s)", channel.slug, len(some), type(error).__name__)
        return False
    return True


def _is_taken(channel: Channel, arrival: Arrival) -> bool:
    try:
        with db.session.begin_nested():
            arrivals.take(channel, arrival)
    except Exception as error:
        if _is_the_database(error):
            # There is nothing wrong with it. Nothing of the batch is kept, and all of it is asked for again.
            raise ChannelFailed(phrase("the database could not take in what it told")) from error
        # The worker's edge: one message that cannot be taken in must not hold up those behind it. It is counted.
        log.exception("%s: %r cannot be taken in", channel.slug, arrival.id)
        return False
    return True


def _is_the_database(error: Exception) -> bool:
    """Tell whether the database was busy, full or away, or two writers waited for each other: no message does that."""
    if not isinstance(error, DBAPIError):
        return False
    by_sqlite = str(getattr(error.orig, "sqlite_errorname", "")).startswith(_SQLITE_TROUBLE)
    by_postgresql = (getattr(error.orig, "sqlstate", None) or "").startswith(_POSTGRESQL_TROUBLE)
    return error.connection_invalidated or by_sqlite or by_postgresql


def _is_mine(channel_id: int) -> bool:
    at = now()
    add_once(ChannelCourse, channel_id=channel_id, next_at=at, failure="", failures=0, unread=0)
    taken = db.session.execute(
        update(ChannelCourse)
        .where(
            ChannelCourse.channel_id == channel_id,
            or_(ChannelCourse.leased_until.is_(None), ChannelCourse.leased_until < at),
        )
        .values(leased_until=at + LEASE, asked_at=at)
        .returning(ChannelCourse.channel_id)
    ).first()
    db.session.commit()
    return taken is not None


def _kinds_in_use() -> Iterable[str]:
    return db.session.scalars(select(Channel.kind).where(Channel.disabled_at.is_(None)).distinct()).all()


def _is_polled(kind: str) -> bool:
    return adapter_of(Channel(kind=kind, slug=kind, name=kind, settings={})).capabilities.polled


def run(app: Flask, stopping: threading.Event) -> None:
    """Ask channels when it is their turn, some at a time, and listen where a channel can, until told to stop."""
    asking: dict[int, Future[None]] = {}
    listening: dict[int, _Listener] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="poll") as hands:
        while not stopping.wait(PAUSE_SECONDS):
            try:
                # It only looks: on SQLite nobody who writes waits for it.
                with app.app_context(), reading():
                    for channel_id in due(now()):
                        if channel_id not in asking or asking[channel_id].done():
                            asking[channel_id] = hands.submit(_poll_in, app, channel_id)
                    _listen_where_possible(app, listening)
                    db.session.rollback()
            except Exception:
                # The companion's edge: a database that is away for a moment must not end the asking for good.
                log.exception("channels could not be looked through")
        for listener in listening.values():
            listener.stopping.set()


def _poll_in(app: Flask, channel_id: int) -> None:
    try:
        with app.app_context():
            poll(channel_id)
    except Exception:
        # The edge of its thread. The lease ends by itself, and the channel is asked again.
        log.exception("channel %s could not be asked", channel_id)


def _listen_where_possible(app: Flask, listening: dict[int, _Listener]) -> None:
    """Listen to the channels that can be listened to and let us in; what an admin changed ends who listened before."""
    rows = db.session.execute(
        select(Channel, ChannelCourse.begun_at)
        .join(ChannelCourse, ChannelCourse.channel_id == Channel.id)
        .where(Channel.disabled_at.is_(None), ChannelCourse.next_at.is_not(None))
    )
    wanted = {row[0].id: row for row in rows if adapter_of(row[0]).capabilities.listens}
    for channel_id, listener in list(listening.items()):
        if channel_id not in wanted or wanted[channel_id][1] != listener.begun_at:
            listener.stopping.set()
            del listening[channel_id]
        elif not listener.thread.is_alive():
            del listening[channel_id]
    for channel, begun_at in wanted.values():
        if channel.id not in listening:
            stopping = threading.Event()
            thread = threading.Thread(
                target=_listen_in, args=(app, channel.id, stopping), name=f"listen-{channel.slug}", daemon=True
            )
            listening[channel.id] = _Listener(thread, stopping, begun_at)
            thread.start()


def _listen_in(app: Flask, channel_id: int, stopping: threading.Event) -> None:
    def call() -> None:
        with app.app_context():
            wake(channel_id)

    try:
        # Inside: what connects reads the settings, and says in words what is wrong. No transaction is open meanwhile.
        with app.app_context():
            apart(channel_id).listen(call, stopping)
    except ChannelFailed as failure:
        log.warning("channel %s: nobody listens (%s); it is asked all the same", channel_id, failure.reason)
    except Exception:
        # The edge of its thread: polling goes on without it.
        log.exception("channel %s: listening ended", channel_id)
    stopping.wait(RECONNECT_SECONDS)


worker.companion("channels", run=run, once=poll_due)
