"""The worker: delivers the outbox and does the chores, until it is told to stop."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

from flask import Flask
from sqlalchemy import String, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core import outbox
from core.clock import now
from core.db import Model, UtcDateTime, db, reading

PAUSE_SECONDS = 0.25
FAREWELL_SECONDS = 10.0
"""Companions have so long to come to an end."""
BEAT_SECONDS = 10
STALE_BEAT = timedelta(seconds=60)

log = logging.getLogger(__name__)


class ChoreTurn(Model):
    """When a chore's next turn is, so that of several workers one takes it.

    The row `worker` is the workers' sign of life.
    """

    __tablename__ = "chore_turn"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Chore:
    name: str
    every: float
    work: Callable[[], object]
    in_every_worker: bool


@dataclass(frozen=True, slots=True)
class Companion:
    name: str
    run: Callable[[Flask, threading.Event], None]
    once: Callable[[], object]


_chores: dict[str, Chore] = {}
_companions: dict[str, Companion] = {}


def chore(
    name: str, *, every: float, in_every_worker: bool = False
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Have `work` done every so many seconds by one worker (or by every worker); it commits what it does."""

    def register(work: Callable[[], object]) -> Callable[[], object]:
        known = _chores.get(name)
        if known is not None and known.work.__module__ != work.__module__:
            message = f"two chores are called {name}: only one of them would ever be done"
            raise RuntimeError(message)
        _chores[name] = Chore(name, every, work, in_every_worker)
        return work

    return register


def companion(name: str, *, run: Callable[[Flask, threading.Event], None], once: Callable[[], object]) -> None:
    """Have `run` go on beside the worker in a thread of its own until the event is set: what waits for others.

    A worker that only works until nothing is due does `once` in its place.
    """
    _companions[name] = Companion(name, run, once)


def work(app: Flask, *, until_idle: bool = False) -> None:
    """Work until SIGTERM or SIGINT; with `until_idle`, until nothing is due."""
    if until_idle:
        _work(app, lambda: False, until_idle=True)
        return
    is_told = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_told  # a plain flag: an event must not be set by whoever may be holding its lock
        is_told = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    stopping = threading.Event()
    threads = [
        threading.Thread(target=each.run, args=(app, stopping), name=each.name, daemon=True)
        for each in _companions.values()
    ]
    for thread in threads:
        thread.start()
    try:
        _work(app, lambda: is_told, until_idle=False)
    finally:
        stopping.set()
        until = time.monotonic() + FAREWELL_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


def _work(app: Flask, is_over: Callable[[], bool], *, until_idle: bool) -> None:
    next_turns = dict.fromkeys(_chores, 0.0)
    next_beat = 0.0
    has_delivered = False
    while not is_over():
        with app.app_context():
            if time.monotonic() >= next_beat:
                _beat()
                next_beat = time.monotonic() + BEAT_SECONDS
            for each in _companions.values() if until_idle else ():
                each.once()
                db.session.rollback()
            delivered = outbox.deliver_due() if _is_something_due() else 0
            has_delivered |= bool(delivered)
            if until_idle and delivered:
                continue  # chores look at everything there is: once, after all that waited, and not after each batch
            for task in _chores.values():
                if until_idle or time.monotonic() >= next_turns[task.name]:
                    _take_turn(task, at_once=until_idle)
                    next_turns[task.name] = time.monotonic() + task.every
            if until_idle and not (has_delivered and _is_something_due()):
                return
            has_delivered = False
        if not delivered:
            time.sleep(PAUSE_SECONDS)


def let_through() -> None:
    """Give a sign of life and deliver what is due, in the middle of a chore that takes minutes.

    Such a chore calls it between its transactions: what it has not committed is lost, what it has loaded is gone.
    """
    db.session.rollback()
    _beat()
    outbox.deliver_due()


def is_alive() -> bool:
    """Tell whether a worker gave a sign of life within the last minute."""
    beat = db.session.get(ChoreTurn, "worker")
    return beat is not None and now() - beat.next_at < STALE_BEAT


def _is_something_due() -> bool:
    with reading():
        found = db.session.scalar(
            select(outbox.Delivery.id)
            .where(
                outbox.Delivery.set_aside_at.is_(None),
                outbox.Delivery.due_at <= now(),
                or_(outbox.Delivery.leased_until.is_(None), outbox.Delivery.leased_until < now()),
            )
            .limit(1)
        )
        db.session.rollback()
    return found is not None


def _take_turn(task: Chore, *, at_once: bool) -> None:
    if not task.in_every_worker and not at_once and not _is_my_turn(task):
        return
    try:
        task.work()
    except Exception:
        # The worker's edge: one broken chore must not stop the others. It is logged and comes round again.
        log.exception("chore %s failed", task.name)
    finally:
        db.session.rollback()


def _is_my_turn(task: Chore) -> bool:
    try:
        turn = db.session.get(ChoreTurn, task.name, with_for_update=True)
        mine = turn is None or turn.next_at <= now()
        if turn is None:
            db.session.add(ChoreTurn(name=task.name, next_at=now() + timedelta(seconds=task.every)))
        elif mine:
            turn.next_at = now() + timedelta(seconds=task.every)
        db.session.commit()
    except IntegrityError:  # another worker wrote the first turn at the same moment
        db.session.rollback()
        return False
    return mine


def _beat() -> None:
    try:
        db.session.merge(ChoreTurn(name="worker", next_at=now()))
        db.session.commit()
    except IntegrityError:  # another worker wrote the first beat at the same moment, which serves as well
        db.session.rollback()
