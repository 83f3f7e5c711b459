"""What search engines are told exists. Every room contributes its own pages, and only those that a guest may open.

`/sitemap.xml` is an index of parts (sitemaps.org/protocol.html). A part has the things of `PART` ids, so it costs the
same however many there are, and a thing stays in its part for ever: whoever reads the parts again skips what is old.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from core.errors import NotFound

PART: Final = 10_000
"""Ids a part; the protocol's own limit for one file is 50,000 places."""
MOST_LATEST: Final = 2_000
"""So many of the latest changes say when parts changed; of a part without any of them nothing is said."""


class Place(NamedTuple):
    """The path of a page, and when it changed."""

    path: str
    changed_at: datetime | None = None


class Many(Protocol):
    """Things of one kind, by the hundred thousand."""

    def highest(self) -> int:
        """Return the highest id there is, 0 where there is none."""

    def latest(self, most: int) -> Iterable[tuple[int, datetime]]:
        """Return the ids of what changed last and when, the latest first."""

    def between(self, first: int, last: int) -> Iterable[Place]:
        """Return the pages of the things with these ids, both included."""


Few = Callable[[], Iterable[tuple[str, datetime | None]]]

_few: dict[str, Few] = {}
_many: dict[str, Many] = {}


def contribute(name: str, function: Few) -> None:
    """Ask `function` at each reading for pairs of path and time of change: a handful of pages, a part of their own."""
    _few[name] = function


def contribute_many(name: str, things: Many) -> None:
    """Have things in parts by their ids; `name` must not be one of the handfuls."""
    _many[name] = things


def parts() -> Iterator[Place]:
    """Yield the parts that there are."""
    for name in sorted(_few):
        yield Place(_path(name))
    for name, things in sorted(_many.items()):
        changed: dict[int, datetime] = {}
        for number, at in things.latest(MOST_LATEST):
            changed.setdefault(_part_of(number), at)
        for part in range(_part_of(things.highest()) + 1):
            yield Place(_path(f"{name}-{part + 1}"), changed.get(part))


def places(name: str) -> Iterator[Place]:
    """Return the pages of one part; raise `NotFound` where there is no such part."""
    if name in _few:
        return (Place(*pair) for pair in _few[name]())
    kind, _, number = name.rpartition("-")
    things = _many.get(kind)
    if things is None or not (number.isascii() and number.isdecimal()) or name != f"{kind}-{int(number[:9])}":
        raise NotFound
    part = int(number) - 1
    if not 0 <= part <= _part_of(things.highest()):
        raise NotFound
    return iter(things.between(part * PART + 1, (part + 1) * PART))


def _part_of(number: int) -> int:
    return max(number - 1, 0) // PART


def _path(name: str) -> str:
    return f"/sitemaps/{name}.xml"
