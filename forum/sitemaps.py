"""What search engines are told exists. Every room contributes its own pages, and only those that a guest may open."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

MOST_PLACES = 50_000
"""The sitemaps protocol's own limit for one file (sitemaps.org/protocol.html)."""


class Place(NamedTuple):
    """The path of a page, and when it changed."""

    path: str
    changed_at: datetime | None = None


Contribution = Callable[[], Iterable[tuple[str, datetime | None]]]

_contributions: dict[str, Contribution] = {}


def contribute(name: str, function: Contribution) -> None:
    """Ask `function` at each reading for pairs of path and time of change, the most important first."""
    _contributions[name] = function


def places() -> Iterator[Place]:
    """Yield every contributed page, as many as one file may hold."""
    every = chain.from_iterable(function() for _, function in sorted(_contributions.items()))
    return (Place(*pair) for pair in islice(every, MOST_PLACES))
