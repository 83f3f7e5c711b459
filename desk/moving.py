"""How rows of the desk become lines and lines become rows, by what the tables themselves say.

A `Thing` names a table and what is special about it; everything else follows from the columns: a row that belongs to
another names it as the other's line does (a person, a conversation, a message of it), a moment is ISO 8601, ciphertext
stays ciphertext. A column that is added later travels by itself.

What came in once stays as it is here: whoever works on it here decides. Nobody is told of what comes in.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, create_model
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    Float,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    insert,
    literal,
    select,
    type_coerce,
)

from core import secrets
from core.api import line
from core.db import LARGEST_ID, Base, UtcDateTime, db
from core.errors import Invalid
from core.transfer import Outcome, RecordType, iso, register
from core.unique import add_once
from desk.moving_models import CarriedRow

BATCH: Final = 200
LONGEST_ID: Final = 100
LONGEST_TEXT: Final = 100_000
LONGEST_SEALED: Final = 200_000
DEEPEST: Final = 12
_OWN_ID: Final = re.compile(r"klinke:([0-9]{1,18})")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_CHOICES: Final = re.compile(r"^(\w+) in (\(.*\))$")
_ANCHORS: Final = (
    "conversation_id", "contact_id", "user_id", "owner_id", "item_id", "call_back_id", "name", "title",
    "at", "created_at", "asked_at", "opened_at", "starts_at",
)  # fmt: skip
"""What tells whether a row with the number of an own id is the one that is meant."""

Values = dict[str, Any]
Id = line(LONGEST_ID)


class Codec(NamedTuple):
    """How a value that names other rows goes out, and comes back; both get the values beside it."""

    out: Callable[[Any, Mapping[str, Any]], Any]
    back: Callable[[Any, Mapping[str, Any]], Any]


class Reference(NamedTuple):
    """How lines name the rows of a table: what they say of these ids, and which row they mean."""

    refer: Callable[[Collection[int]], Mapping[int, Any]]
    find: Callable[[Any, Mapping[str, Any]], int]
    kind: Any = Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One table that travels.

    `once` are the columns by which an equal row is known; without them a row keeps the id that its line has. `stays`
    are columns that stay behind, with what stands in their place where the row comes in. `codecs` are for values that
    name other rows inside. `which` says which rows travel.
    """

    name: str
    order: int
    model: type[Base]
    about: str
    once: tuple[str, ...] = ()
    stays: Mapping[str, Any] = field(default_factory=dict)
    codecs: Mapping[str, Codec] = field(default_factory=dict)
    which: Callable[[], ColumnElement[bool]] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """What lines call columns whose own names would be called the same."""
    shapes: Mapping[str, Any] = field(default_factory=dict)
    """What the inside of a JSON column must look like."""
    takes: Callable[[Values], bool] | None = None
    """Whether a row may come in at all; what is here counts more. It may raise `Invalid`."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What a line tells beside the columns, and of which type that is."""
    tell: Callable[[Collection[int]], Mapping[int, Mapping[str, Any]]] | None = None
    """Return it by the row's (first) key."""
    after: Callable[[Values, Mapping[str, Any]], None] | None = None
    """What else follows from a row that came in, and from what its line said."""

    @property
    def table(self) -> Table:
        table = self.model.__table__
        assert isinstance(table, Table)  # noqa: S101 -- for the type checker: a mapped class has a table
        return table

    def called(self, column: Column[Any]) -> str:
        """Return what the lines call a column."""
        return self.names.get(column.name) or called(column)

    @property
    def has_id(self) -> bool:
        return not self.once

    @property
    def columns(self) -> list[Column[Any]]:
        """Return the columns that a line tells of."""
        return [
            column
            for column in self.table.columns
            if column.name not in self.stays and not (column.name == "id" and column.primary_key)
        ]


_things: dict[str, Thing] = {}
_further: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {}
_references: dict[str, Reference] = {}


def refer(table: str, reference: Reference) -> None:
    """Say how lines name the rows of a table."""
    _references[table] = reference


def carry(thing: Thing) -> None:
    """Have the rows of a table travel, each as a line."""
    _things[thing.name] = thing
    if thing.has_id and thing.table.name not in _references:
        refer(
            thing.table.name, Reference(lambda ids: _source_ids(thing.name, ids), lambda said, _: _known(thing, said))
        )
    register(
        RecordType(
            name=thing.name,
            order=thing.order,
            model=_record(thing),
            load=lambda record: load(thing, record),
            dump=lambda: dump(thing),
        )
    )


def carry_also(name: str, lines: Callable[[], Iterator[dict[str, Any]]]) -> None:
    """Have further lines of a type go out after the rows of its table."""
    _further[name] = lines


def things() -> list[Thing]:
    """Return everything that travels this way."""
    return list(_things.values())


def by_name(column: Any, label: str, kind: Any = Id) -> Reference:
    """Name rows by what they are called, which no two of them are."""
    key = column.class_.id

    def find(said: Any, _values: Mapping[str, Any]) -> int:
        found = db.session.scalar(select(key).where(column == said))
        if found is None:
            raise Invalid(f"unknown {label} {said!r}")
        return int(found)

    def names(ids: Collection[int]) -> Mapping[int, Any]:
        return dict(db.session.execute(select(key, column).where(key.in_(ids))).all())

    return Reference(names, find, kind)


def by_source(model: Any, label: str) -> Reference:
    """Name rows by the id that they brought along, or else by their own number; only the former are found again."""

    def find(said: Any, _values: Mapping[str, Any]) -> int:
        found = db.session.scalar(select(model.id).where(model.source_id == said))
        # Never a row of this installation that has the number by chance: it would be somebody else's.
        if found is None:
            raise Invalid(f"unknown {label} {said!r}")
        return int(found)

    def names(ids: Collection[int]) -> Mapping[int, Any]:
        rows = db.session.execute(select(model.id, model.source_id).where(model.id.in_(ids))).all()
        return {row_id: source or f"klinke:{row_id}" for row_id, source in rows}

    return Reference(names, find)


def _own_id(said: str) -> int | None:
    """Return which row of this installation an id means, if it is one of its own."""
    found = _OWN_ID.fullmatch(said)
    return int(found[1]) if found and int(found[1]) <= LARGEST_ID else None


def name_of(table: str, row_id: int | None) -> Any:
    """Return how lines name one row; None where it cannot be named."""
    return None if row_id is None else _references[table].refer([row_id]).get(row_id)


def row_named(table: str, said: Any, values: Mapping[str, Any]) -> int | None:
    return None if said is None else _references[table].find(said, values)


def called(column: Column[Any] | str) -> str:
    """Return what lines call a column: `conversation` for `conversation_id`, `due` for `due_at`, `public`."""
    name = column if isinstance(column, str) else column.name
    if name == "at":
        return "created"
    for prefix in ("is_", "has_"):
        name = name.removeprefix(prefix)
    for suffix in ("_id", "_at"):
        name = name.removesuffix(suffix)
    return name


def dump(thing: Thing, *, only: ColumnElement[bool] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows in the order in which they came, some at a time; `only` some of them, with nothing sealed."""
    table = thing.table
    opened = only is not None
    statement = select(
        *(getattr(thing.model, one.name) if opened else _read(thing.model, one) for one in table.columns)
    )
    if only is not None:
        statement = statement.where(only)
    elif thing.which is not None:
        statement = statement.where(thing.which())
    rows = db.session.execute(statement.order_by(*table.primary_key.columns), execution_options={"yield_per": BATCH})
    for batch in rows.mappings().partitions(BATCH):
        yield from _written(thing, batch)
    if thing.name in _further and not opened:
        yield from _further[thing.name]()


class _Made:
    """What stands in for a column that the table itself fills."""


MADE: Final = _Made()


def _written(thing: Thing, batch: Sequence[Mapping[Any, Any]]) -> Iterator[dict[str, Any]]:
    names = _names(thing, batch)
    ids = _source_ids(thing.name, [row["id"] for row in batch]) if thing.has_id else {}
    key = next(iter(thing.table.primary_key.columns)).name
    told = {} if thing.tell is None else thing.tell([row[key] for row in batch])
    for row in batch:
        record: dict[str, Any] = {"id": ids[row["id"]]} if thing.has_id else {}
        complete = True
        for column in thing.columns:
            value = row[column.name]
            if value is None:
                continue
            target = _target(column)
            if target is not None:
                said = names[target].get(value)
                complete = complete and (said is not None or bool(column.nullable))
                if target == "message" and said is not None:
                    record.setdefault("conversation", said[0])
                    said = said[1]
                value = said
            elif codec := thing.codecs.get(column.name):
                value = codec.out(value, row)
            else:
                value = _out(value)
            if value is not None:
                record[thing.called(column)] = value
        if complete:
            yield record | dict(told.get(row[key], {}))


def _read(model: type[Base], column: Column[Any]) -> Any:
    """Return what to ask a table for; ciphertext is not opened on the way."""
    mapped = getattr(model, column.name)
    return type_coerce(mapped, Text()).label(column.name) if _is_sealed(column) else mapped


def _names(thing: Thing, batch: Sequence[Mapping[Any, Any]]) -> dict[str, Mapping[int, Any]]:
    """Return how the lines name the rows to which these belong, with one statement for each table."""
    wanted: dict[str, set[int]] = {}
    for column in thing.columns:
        if target := _target(column):
            ids = {row[column.name] for row in batch if row[column.name] is not None}
            wanted.setdefault(target, set()).update(ids)
    return {table: _references[table].refer(sorted(ids)) if ids else {} for table, ids in wanted.items()}


def _source_ids(kind: str, ids: Collection[int]) -> dict[int, str]:
    statement = select(CarriedRow.row_id, CarriedRow.source_id).where(CarriedRow.kind == kind)
    known = dict(db.session.execute(statement.where(CarriedRow.row_id.in_(ids)).order_by(CarriedRow.id)).all())
    return {row_id: known.get(row_id) or f"klinke:{row_id}" for row_id in ids}


def load(thing: Thing, record: BaseModel) -> Outcome:
    """Take one row in, once; what is here already stays as it is."""
    said = {name: getattr(record, name) for name in type(record).model_fields}
    if thing.has_id and _carried(thing.name, said["id"]) is not None:
        return "unchanged"
    values = _values(thing, said)
    if thing.has_id and _is_here(thing, said["id"], values):
        return "unchanged"
    if thing.takes is not None and not thing.takes(values):
        return "unchanged"
    instead = {name: value for name, value in thing.stays.items() if value is not MADE}
    values |= {name: value() if callable(value) else value for name, value in instead.items()}
    if not _write(thing, said, values):
        return "unchanged"
    if thing.after is not None:
        thing.after(values, said)
    return "new"


def _values(thing: Thing, said: Mapping[str, Any]) -> Values:
    values: Values = {}
    for column in thing.columns:
        value = said.get(thing.called(column))
        if value is None:
            if (fallback := _fallback(column)) is not _NOTHING:
                values[column.name] = fallback
            continue
        if target := _target(column):
            value = _references[target].find(value, said)
        elif codec := thing.codecs.get(column.name):
            value = codec.back(value, dict(said) | values)
        else:
            value = _back(column, value)
        values[column.name] = value
    return values


def _write(thing: Thing, said: Mapping[str, Any], values: Values) -> bool:
    if not thing.has_id:
        return add_once(thing.model, **values)
    db.session.flush()
    row_id = db.session.execute(insert(thing.model).values(**values).returning(thing.table.c.id)).scalar_one()
    keep(thing.name, said["id"], row_id)
    return True


def keep(kind: str, source_id: str, row_id: int) -> None:
    """Remember that the line with this id came in, and as which row."""
    db.session.add(CarriedRow(kind=kind, source_id=source_id, row_id=row_id))
    db.session.flush()


def _carried(kind: str, source_id: str) -> int | None:
    return db.session.scalar(
        select(CarriedRow.row_id).where(CarriedRow.kind == kind, CarriedRow.source_id == source_id)
    )


def is_carried(kind: str, source_id: str) -> bool:
    """Tell whether the line with this id came in."""
    return _carried(kind, source_id) is not None


def _known(thing: Thing, said: str) -> int:
    found = _carried(thing.name, said)
    if found is None:
        raise Invalid(f"unknown {thing.name} {said!r}")
    return int(found)


def _is_here(thing: Thing, source_id: str, values: Values) -> bool:
    """Tell whether a line tells of a row of this very installation, which comes back to where it is."""
    own = _own_id(source_id)
    if own is None:
        return False
    columns = [thing.table.c[name] for name in _ANCHORS if name in thing.table.c and name in values]
    row = db.session.execute(select(*columns).where(thing.table.c.id == own)).first() if columns else None
    return row is not None and all(there == values[column.name] for column, there in zip(columns, row, strict=True))


class _Nothing:
    """A column that gets what the table says."""


_NOTHING: Final = _Nothing()


def _fallback(column: Column[Any]) -> Any:
    """Return what a column holds of which a line says nothing."""
    if column.nullable:
        return None
    if _is_sealed(column):
        return ""
    return _NOTHING


def _target(column: Column[Any]) -> str | None:
    """Return the table to which a column leads."""
    for key in column.foreign_keys:
        return str(key.target_fullname).rsplit(".", 1)[0]
    return None


def _is_sealed(column: Column[Any]) -> bool:
    return isinstance(column.type, secrets.Encrypted | secrets.EncryptedJson)


def _out(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _back(column: Column[Any], value: Any) -> Any:
    if not _is_sealed(column):
        return value
    if secrets.opens(value):
        return literal(value, Text())  # as it is, not sealed twice
    # Sealed with another house's key it is of no use here: the rest of the row is taken all the same.
    return None if column.nullable else ""


def _record(thing: Thing) -> type[BaseModel]:
    """Return the model of the lines of a thing, made of its columns."""
    fields: dict[str, Any] = {"id": (Id, ...)} if thing.has_id else {}
    choices = _choices(thing.table)
    for column in thing.columns:
        name = thing.called(column)
        if name in fields:
            message = f"{thing.name} has two columns that are called {name}"
            raise RuntimeError(message)
        kind = _kind(thing, column, choices.get(column.name))
        is_free = column.nullable or column.default is not None or column.server_default is not None
        fields[name] = (kind | None, None) if is_free or _is_sealed(column) else (kind, ...)
        if _target(column) == "message" and "conversation_id" not in thing.table.c:
            fields["conversation"] = (Id | None, None)
    fields |= {name: (kind | None, None) for name, kind in thing.more.items()}
    return create_model(f"{thing.name.title().replace('_', '')}Record", __doc__=thing.about, **fields)


_KINDS: Final[tuple[tuple[type[Any], Any], ...]] = (
    (UtcDateTime, AwareDatetime),
    (Date, date),
    (Boolean, bool),
    (Float, Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]),
    (SmallInteger, Annotated[int, Field(ge=-(2**15), le=2**15 - 1)]),
    (BigInteger, Annotated[int, Field(ge=-LARGEST_ID, le=LARGEST_ID)]),
    (Integer, Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]),
)


def _kind(thing: Thing, column: Column[Any], choices: tuple[str, ...] | None) -> Any:  # noqa: PLR0911 -- one for each kind of column
    if target := _target(column):
        return Id if target == "message" else _references[target].kind
    if column.name in thing.shapes:
        return Annotated[thing.shapes[column.name], AfterValidator(_storable_json)]
    if column.name in thing.codecs or isinstance(column.type, JSON):
        return _Json
    if choices is not None:
        return Annotated[str, Field(max_length=LONGEST_ID), AfterValidator(_one_of(choices))]
    if _is_sealed(column):
        return Annotated[str, Field(max_length=LONGEST_SEALED), AfterValidator(_storable)]
    if isinstance(column.type, String | Text):
        return Annotated[str, Field(max_length=column.type.length or LONGEST_TEXT), AfterValidator(_storable)]
    for kind, said in _KINDS:
        if isinstance(column.type, kind):
            return said
    message = f"{column} is of a type that does not travel"
    raise RuntimeError(message)


def _choices(table: Table) -> dict[str, tuple[str, ...]]:
    """Return which values the checks of a table let a column have."""
    found = {}
    for check in table.constraints:
        if isinstance(check, CheckConstraint) and (said := _CHOICES.match(str(check.sqltext))):
            found[said[1]] = tuple(re.findall(r"'([^']*)'", said[2]))
    return found


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            message = "is none of " + ", ".join(choices)
            raise ValueError(message)
        return value

    return check


def _storable(value: str) -> str:
    if _UNSTORABLE.search(value):
        message = "has characters that cannot be stored"
        raise ValueError(message)
    return value


def _storable_json(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        message = "is nested too deeply"
        raise ValueError(message)
    if isinstance(value, str):
        _storable(value)
    elif isinstance(value, dict):
        for name, one in value.items():
            _storable(name)
            _storable_json(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _storable_json(one, depth + 1)
    return value


_Json = Annotated[Any, AfterValidator(_storable_json)]
