"""Rows that point to one thing and are to point to another, in whatever table they are: no room has to be asked."""

from collections.abc import Collection, Iterator

from sqlalchemy import Column, Table, UniqueConstraint, and_, delete, exists, select, update

from core.db import Base, db


def move(to: type[Base], old_id: int, new_id: int, *, but: Collection[str] = ()) -> None:
    """Let every row that points to the `old_id` of a model point to `new_id`, but those of the tables named in `but`.

    A row that would then be there twice goes. What there can be only one of for each thing (a state: pinned, closed)
    goes as well, for the other thing has its own.
    """
    for table in db.metadata.sorted_tables:
        if table.name not in but:
            for column in _columns(table, to):
                _move(table, column, old_id, new_id)


def _columns(table: Table, to: type[Base]) -> Iterator[Column[int]]:
    for column in table.columns:
        if any(key.column.table is to.__table__ and key.column.name == "id" for key in column.foreign_keys):
            yield column


def _move(table: Table, column: Column[int], old_id: int, new_id: int) -> None:
    for names in _unique(table):
        if column.name not in names:
            continue
        others = [table.c[name] for name in names if name != column.name]
        twin = table.alias()
        same = and_(twin.c[column.name] == new_id, *(twin.c[other.name] == other for other in others))
        doubled = delete(table).where(column == old_id)
        db.session.execute(doubled.where(exists(select(twin).where(same))) if others else doubled)
    db.session.execute(update(table).where(column == old_id).values({column.name: new_id}))


def _unique(table: Table) -> Iterator[set[str]]:
    yield {column.name for column in table.primary_key.columns}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield {column.name for column in constraint.columns}
    for index in table.indexes:
        if index.unique and index.dialect_options["sqlite"]["where"] is None:
            yield {column.name for column in index.columns}
    for column in table.columns:
        if column.unique:
            yield {column.name}
