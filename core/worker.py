"""The worker: delivers the outbox and does the chores, until it is told to stop."""

import logging
import signal
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


_chores: dict[str, Chore] = {}


def chore(
    name: str, *, every: float, in_every_worker: bool = False
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Have `work` done every so many seconds by one worker (or by every worker); it commits what it does."""

    def register(work: Callable[[], object]) -> Callable[[], object]:
        _chores[name] = Chore(name, every, work, in_every_worker)
        return work

    return register


def work(app: Flask, *, until_idle: bool = False) -> None:
    """Work until SIGTERM or SIGINT; with `until_idle`, until nothing is due."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    if not until_idle:
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
    next_turns = dict.fromkeys(_chores, 0.0)
    next_beat = 0.0
    has_delivered = False
    while not stopping:
        with app.app_context():
            if time.monotonic() >= next_beat:
                _beat()
                next_beat = time.monotonic() + BEAT_SECONDS
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
