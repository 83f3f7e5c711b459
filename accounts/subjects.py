"""What the entries of the log are about, in words: each room says what its things are called and which are meant."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import lazyload

from accounts.models import AuditEntry, User
from core.db import db


@dataclass(frozen=True, slots=True)
class Named:
    """What a thing is called, in which language where it has one, and where it is."""

    words: str
    url: str = ""
    lang: str = ""


Names = Callable[[Collection[int]], Mapping[int, Named]]
Finder = Callable[[str], Select[Any]]

_names: dict[str, Names] = {}
_finders: dict[str, Finder] = {}


def register(kind: str, names: Names, *, find: Finder | None = None) -> None:
    """Say what things of a kind (the name of their table) are called, and which of them some words mean (their ids)."""
    _names[kind] = names
    if find is not None:
        _finders[kind] = find


def of(entries: Iterable[AuditEntry]) -> dict[int, Named]:
    """Return what each entry is about, by the entry's id, with one statement for each kind of thing."""
    ids: dict[str, set[int]] = {}
    entries = list(entries)
    for entry in entries:
        ids.setdefault(entry.subject_kind, set()).add(entry.subject_id)
    known = {kind: _names[kind](some) for kind, some in ids.items() if kind in _names}
    return {entry.id: known.get(entry.subject_kind, {}).get(entry.subject_id) or _told(entry) for entry in entries}


def matching(words: str) -> Iterator[ColumnElement[bool]]:
    """Yield a clause for each kind of thing whose name may have these words in it."""
    for kind, find in sorted(_finders.items()):
        yield (AuditEntry.subject_kind == kind) & AuditEntry.subject_id.in_(find(words))


def people(ids: Collection[int]) -> Mapping[int, Named]:
    """Return what people are called."""
    found = db.session.scalars(select(User).where(User.id.in_(ids)).options(lazyload(User.roles)))
    return {user.id: Named(f"@{user.handle}", f"/u/{user.handle}") for user in found}


def people_called(words: str) -> Select[Any]:
    """Return the statement for the ids of people with these words in their name or handle."""
    words = words.removeprefix("@")
    return select(User.id).where(
        User.handle.icontains(words, autoescape=True) | User.name.icontains(words, autoescape=True)
    )


def _told(entry: AuditEntry) -> Named:
    """Name what is not there any more by what the entry itself says of it."""
    said = {**(entry.before or {}), **(entry.after or {})}
    name = next((said[key] for key in ("words", "name", "title", "slug") if isinstance(said.get(key), str)), "")
    return Named(f"{entry.subject_kind} {entry.subject_id}" + (f" ({name})" if name else ""))


register("user", people, find=people_called)
