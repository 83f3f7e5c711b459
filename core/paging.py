"""Paging by key: a page costs the same however deep it lies, and nothing is shown twice when something new arrives."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from core.db import db

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursors of the pages before and after them (None where there is none)."""

    items: Sequence[T]
    next: str | None
    previous: str | None

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def page(
    statement: Select[Any],
    *,
    by: Sequence[InstrumentedAttribute[Any]],
    cursor: str | None = None,
    size: int = 20,
    descending: bool = True,
    among: Select[Any] | None = None,
) -> Page[Any]:
    """Return one page of the entities that `statement` selects, ordered by the columns `by` (the last one unique).

    A cursor that nobody gave out, or that was tampered with, means the first page.

    `among` selects the last column of `by` alone. Where it is given, it chooses the page, and `statement` loads only
    what is on it: what the entities bring along is then joined to one page, and not to everything that is sorted.
    """
    direction, values = _open(cursor, by)
    backwards = direction == "b"
    falling = descending != backwards
    order = [key.desc() if falling else key.asc() for key in by]
    chosen = statement if among is None else among
    if values is not None:
        chosen = chosen.where(tuple_(*by) < tuple_(*values) if falling else tuple_(*by) > tuple_(*values))
    chosen = chosen.order_by(None).order_by(*order).limit(size + 1)
    if among is not None:
        chosen = statement.where(by[-1].in_(chosen)).order_by(None).order_by(*order)
    rows = list(db.session.scalars(chosen).unique())
    has_more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        return Page([], None, None)
    has_next = backwards or has_more
    has_previous = has_more if backwards else values is not None
    return Page(
        rows,
        _close("a", rows[-1], by) if has_next else None,
        _close("b", rows[0], by) if has_previous else None,
    )


def _close(direction: str, row: Any, by: Sequence[InstrumentedAttribute[Any]]) -> str:
    values = [getattr(row, key.key) for key in by]
    packed = [{"at": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    raw = json.dumps([direction, *packed], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _open(cursor: str | None, by: Sequence[InstrumentedAttribute[Any]]) -> tuple[str, list[Any] | None]:
    if not cursor:
        return "a", None
    try:
        direction, *packed = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value for value in packed]
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
        return "a", None
    usable = direction in {"a", "b"} and len(values) == len(by) and all(map(_fits, values, by))
    return (direction, values) if usable else ("a", None)


def _fits(value: Any, key: InstrumentedAttribute[Any]) -> bool:
    if type(value) is not key.type.python_type:
        return False
    if isinstance(value, datetime):
        return value.tzinfo is not None
    return abs(value) < 2**63 if isinstance(value, int) else "\0" not in str(value)
