"""Alembic's entry: the application's own engine and tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection, MetaData

from core.db import UtcDateTime
from core.secrets import Encrypted, EncryptedBytes
from search.engines import postgres_tables

database = current_app.extensions["migrate"].db


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our own column types as what they are in the database, so that a migration outlives the code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Encrypted):
        return "sa.Text()"
    if kind == "type" and isinstance(item, EncryptedBytes):
        return "sa.LargeBinary()"
    return False


def run() -> None:
    if context.is_offline_mode():
        context.configure(
            url=current_app.config["SQLALCHEMY_DATABASE_URI"], target_metadata=database.metadata, literal_binds=True
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    with database.engine.connect() as connection, _tables_may_be_copied(connection):
        context.configure(
            connection=connection,
            target_metadata=_tables(connection.dialect.name),
            render_as_batch=True,
            compare_type=True,
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()


@contextmanager
def _tables_may_be_copied(connection: Connection) -> Iterator[None]:
    """On SQLite a table is changed by copying it: dropping the old one must not take along what belongs to its rows."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")  # inside a transaction it would be ignored
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys=ON")


def _tables(dialect: str) -> list[MetaData]:
    """Return what there should be; the tables of the PostgreSQL engine are nowhere else."""
    return [database.metadata, *([postgres_tables.metadata] if dialect == "postgresql" else [])]


run()
