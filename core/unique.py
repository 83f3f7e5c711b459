"""Rows that may exist once, written without looking first."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from core.db import Base, db


def inserting(model: type[Base]) -> Any:
    """Return an INSERT of the database in use, which knows what to do where an equal row stands."""
    insert = sqlite_insert if db.session.get_bind().dialect.name == "sqlite" else postgresql_insert
    return insert(model)


def add_once(model: type[Base], **values: Any) -> bool:
    """Write a row and tell whether it is new; where an equal one stands, leave it."""
    db.session.flush()
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 -- for the type checker: a mapped class has a table
    key = next(iter(table.primary_key.columns))
    statement = inserting(model).values(**values).on_conflict_do_nothing().returning(key)
    return db.session.execute(statement).first() is not None
