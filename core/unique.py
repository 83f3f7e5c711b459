"""Rows that may exist once, written without looking first."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Column, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from core.db import Base, db


def inserting(model: type[Base]) -> SqliteInsert | PostgresqlInsert:
    """Return an INSERT of the database in use, which knows what to do where an equal row stands."""
    insert = sqlite_insert if db.session.get_bind().dialect.name == "sqlite" else postgresql_insert
    return insert(model)


def add_once(model: type[Base], **values: Any) -> bool:
    """Write a row and tell whether it is new; where an equal one stands, leave it."""
    db.session.flush()
    return added(model, **values) is not None


def added(model: type[Base], **values: Any) -> Any | None:
    """Write a row and return its primary key; None where an equal one stands, which is left.

    What is pending in the session stays pending: the row must not refer to any of it.
    """
    statement = _once(model, db.session.get_bind().dialect.name)
    with db.session.no_autoflush:
        if any(isinstance(value, ClauseElement) for value in values.values()):  # words of SQL are no parameters
            return db.session.execute(statement.values(**values)).scalar()
        return db.session.execute(statement, values).scalar()


def add_or_change(model: type[Base], *, by: str, changes: Mapping[str, Any], **values: Any) -> Any:
    """Write a row, or where one with the same `by` stands, change that; return its primary key, and hold its lock.

    Nobody can delete it in between, as they could after `add_once`.
    """
    db.session.flush()
    statement = inserting(model).values(**values).on_conflict_do_update(index_elements=[by], set_=dict(changes))
    return db.session.execute(statement.returning(_key(model))).scalar_one()


@cache
def _once(model: type[Base], dialect: str) -> Any:
    # Put together once, and over the table: what the session makes of a mapped class takes longer than the writing.
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    return insert(_table(model)).on_conflict_do_nothing().returning(_key(model))


def _key(model: type[Base]) -> Column[Any]:
    return next(iter(_table(model).primary_key.columns))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- for the type checker: a mapped class has a table
    return table
