"""The outbox: what happened is written in the transaction in which it happened, and told to listeners by the worker.

At least once: a crash between a listener's work and its commit repeats the work, so listeners are idempotent.
"""

import dataclasses
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import JSON, Index, String, Text, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, Model, UtcDateTime, db

LEASE = timedelta(seconds=120)
MOST_ATTEMPTS = 5
LONGEST_ERROR = 2000
FIRST_PAUSE_SECONDS = 2
LONGEST_PAUSE_SECONDS = 900

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, named in the past tense and made of ids."""


class Later(Exception):
    """A listener asks to be called again; this does not count as a failure."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class Delivery(Model):
    """One event on its way to one listener."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_due", "set_aside_at", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event: Mapped[str] = mapped_column(String(100))
    listener: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(40))
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    set_aside_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


_WRITE: Final = insert(Delivery.metadata.tables[Delivery.__tablename__])
"""Over the table: nobody needs the rows as objects, and so all of them are one statement."""

E = TypeVar("E", bound=Event)
Listener = Callable[[Any], None]

_events: dict[str, type[Event]] = {}
_listeners: dict[str, tuple[type[Event], Listener]] = {}


def listens_to(event_class: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a listener; its name in the database is its module and function, so renaming one needs a migration."""

    def register(function: Callable[[E], None]) -> Callable[[E], None]:
        name = f"{function.__module__}.{function.__qualname__}"
        _events[event_class.__name__] = event_class
        _listeners[name] = (event_class, function)
        return function

    return register


def publish(event: Event, *, due_at: datetime | None = None) -> None:
    """Write one delivery per listener into the current transaction."""
    publish_all([event], due_at=due_at)


def publish_all(events: Sequence[Event], *, due_at: datetime | None = None) -> None:
    """Write one delivery per event and listener into the current transaction, in one statement."""
    db.session.flush()
    at = due_at or now()
    rows = [
        {"event": type(event).__name__, "listener": name, "payload": dataclasses.asdict(event), "due_at": at}
        for event in events
        for name, (event_class, _function) in sorted(_listeners.items())
        if event_class is type(event)
    ]
    if rows:
        db.session.execute(_WRITE, rows)


def readdress(field: str, old_id: int, new_id: int) -> None:
    """Have the events that are still on their way tell of another row: the one they tell of is going."""
    waiting = select(Delivery).where(Delivery.payload[field].as_integer() == old_id)
    for delivery in db.session.scalars(waiting):
        delivery.payload = {**delivery.payload, field: new_id}
    db.session.flush()


def deliver_due(limit: int = 50) -> int:
    """Deliver up to `limit` due events, each in a transaction of its own; return how many were tried."""
    for done in range(limit):
        claimed = _claim()
        if claimed is None:
            return done
        _deliver(*claimed)
    return limit


def set_aside() -> list[Delivery]:
    """Return the deliveries that failed too often and wait for a person."""
    return list(db.session.scalars(select(Delivery).where(Delivery.set_aside_at.is_not(None)).order_by(Delivery.id)))


def try_again(delivery: Delivery) -> None:
    """Give a delivery that was set aside a fresh start."""
    delivery.set_aside_at = None
    delivery.attempts = 0
    delivery.due_at = now()
    db.session.flush()


def _claim() -> tuple[int, str] | None:
    # The lease is committed before the work begins and counts the attempt, so that an event which kills the worker
    # is set aside in the end as well.
    moment = now()
    row = db.session.scalars(
        select(Delivery)
        .where(
            Delivery.set_aside_at.is_(None),
            Delivery.due_at <= moment,
            or_(Delivery.leased_until.is_(None), Delivery.leased_until < moment),
        )
        .order_by(Delivery.due_at, Delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        db.session.rollback()
        return None
    row.attempts += 1
    if row.attempts > MOST_ATTEMPTS:
        row.set_aside_at = moment
        row.last_error = row.last_error or "the worker died while delivering this"
        db.session.commit()
        return _claim()
    row.lease = secrets.token_hex(16)
    row.leased_until = moment + LEASE
    claimed = (row.id, row.lease)
    db.session.commit()
    return claimed


def _deliver(delivery_id: int, lease: str) -> None:
    row = db.session.get(Delivery, delivery_id)
    if row is None or row.lease != lease:
        db.session.rollback()
        return
    try:
        event_class, function = _listeners[row.listener]  # a KeyError names the listener that is gone
        function(event_class(**row.payload))
        db.session.delete(row)
        db.session.commit()
    except Later as later:
        db.session.rollback()
        _release(delivery_id, lease, pause=later.seconds, error=None, counts=False)
    except Exception as error:
        # The worker's edge: whatever a listener raises, the others go on and the failure is kept for a person.
        db.session.rollback()
        log.exception("delivery %s to %s failed", delivery_id, _name_of(delivery_id))
        _release(delivery_id, lease, pause=None, error=f"{type(error).__name__}: {error}", counts=True)


def _name_of(delivery_id: int) -> str:
    row = db.session.get(Delivery, delivery_id)
    return row.listener if row else "a listener that is gone"


def _release(delivery_id: int, lease: str, *, pause: float | None, error: str | None, counts: bool) -> None:
    row = db.session.get(Delivery, delivery_id)
    if row is None or row.lease != lease:
        db.session.rollback()
        return
    if pause is None:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 4 ** (row.attempts - 1))
    db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(
            lease=None,
            leased_until=None,
            attempts=row.attempts if counts else row.attempts - 1,
            due_at=now() + timedelta(seconds=pause),
            set_aside_at=now() if counts and row.attempts >= MOST_ATTEMPTS else None,
            last_error=error[:LONGEST_ERROR] if error else row.last_error,
        )
    )
    db.session.commit()
