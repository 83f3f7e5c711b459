"""The database handle, and what SQLite needs to be trusted with several processes."""

import logging
import sqlite3 as stdlib_sqlite
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import pysqlite3
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Integer, MetaData, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from core.settings import Settings

BUSY_MILLISECONDS = 5000
IMPATIENT_MILLISECONDS = 200
SAFE_SQLITE = (3, 51, 3)
"""The first release without the WAL-reset corruption bug (SQLite 3.51.3 release notes, 2026-03-13)."""

_reading: ContextVar[bool] = ContextVar("reading", default=False)
_impatient: ContextVar[bool] = ContextVar("impatient", default=False)
_here: Final = threading.local()
"""Of this thread: the connections with a transaction that may write."""

log = logging.getLogger(__name__)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, also on SQLite, which has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive datetime cannot be stored; use core.clock.now()"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = BigInteger().with_variant(Integer, "sqlite")
"""A primary key: 64 bits on PostgreSQL, SQLite's own row id there."""

LARGEST_ID = 2**63 - 1
"""No row has a larger one, and SQLite takes no larger number."""

db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def init_app(app: Flask, settings: Settings) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    options: dict[str, Any] = {"pool_pre_ping": not settings.is_sqlite}
    if settings.is_sqlite:
        options["module"] = pysqlite3.dbapi2
        options["connect_args"] = {"timeout": BUSY_MILLISECONDS / 1000}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    with app.app_context():
        if settings.is_sqlite:
            _prepare_sqlite(db.engine)
        _watch(db.engine)


def sqlite_version() -> tuple[int, ...]:
    """Return the version of the SQLite that is really used, not of Python's own."""
    return tuple(int(part) for part in pysqlite3.sqlite_version.split("."))


def sqlite_is_safe() -> bool:
    """Tell whether SQLite may run in WAL mode with several processes."""
    return sqlite_version() >= SAFE_SQLITE


@contextmanager
def reading() -> Iterator[None]:
    """Promise that the transactions begun inside only read, so that on SQLite they wait for no writer."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


@contextmanager
def impatient() -> Iterator[None]:
    """Have the transactions begun inside fail soon where SQLite's one place for a writer is taken.

    For what is good to have and not worth that a stranger can hold a thread.
    """
    token = _impatient.set(True)
    try:
        yield
    finally:
        _impatient.reset(token)


def begin_reading() -> None:
    """Promise the same for the rest of this context (a GET request)."""
    _reading.set(True)


def begin_writing() -> None:
    """Take the promise back: transactions begun from now on may write."""
    _reading.set(False)


def before_waiting() -> None:
    """Complain where the network is about to be waited for in a transaction that may write.

    On SQLite nobody else can write for as long, and rows that it has changed are held on both databases. Who asks
    another machine commits first, or rolls back what was only read, or asks inside of `reading`.
    """
    if any(connection.in_transaction() for connection in _writing()):
        complain()


def complain() -> None:
    """Say that somebody waits for the network while others cannot write; tests let this fail them."""
    log.warning("the network is waited for inside a transaction", stack_info=True)


def _writing() -> "WeakSet[Connection]":
    if not hasattr(_here, "connections"):
        _here.connections = WeakSet()
    found: WeakSet[Connection] = _here.connections
    return found


def is_alive() -> bool:
    """Tell whether the database answers."""
    return bool(db.session.execute(text("SELECT 1")).scalar())


def _watch(engine: Engine) -> None:
    """Know of each thread whether it is in a transaction that may write."""

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        if not _reading.get():
            _writing().add(connection)

    @event.listens_for(engine, "commit")
    @event.listens_for(engine, "rollback")
    def _ended(connection: Connection) -> None:
        _writing().discard(connection)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: stdlib_sqlite.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy begins transactions below, the driver must not
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            "foreign_keys=ON",
            "synchronous=FULL",  # what was acknowledged survives a power cut
            "cache_size=-4000",  # for each connection, and each thread has one
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when somebody else wrote in between, whatever
        # the busy timeout says. So whoever may write takes the lock at the start.
        is_impatient = _impatient.get()
        if is_impatient != connection.info.get("impatient", False):
            connection.info["impatient"] = is_impatient
            milliseconds = IMPATIENT_MILLISECONDS if is_impatient else BUSY_MILLISECONDS
            connection.exec_driver_sql(f"PRAGMA busy_timeout={milliseconds}")
        connection.exec_driver_sql("BEGIN" if _reading.get() else "BEGIN IMMEDIATE")
