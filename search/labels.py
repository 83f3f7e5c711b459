"""What the values of a filter are called: search knows slugs, the rooms know names."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from core.i18n import locale
from core.ready import remembered

Names = Callable[[Collection[str], Any], Mapping[str, str]]
"""Takes values and a viewer; returns the names of those that the viewer may know of, in the language of the page."""

Meaning = Callable[[str], str]
"""Takes what somebody typed; returns the value that the documents have, or what was typed."""

_meanings: Final[dict[str, Meaning]] = {}
_known: Final[dict[tuple[str, str], Names]] = {}


def register(facet: str, room: str, names: Names) -> None:
    """Have `room` name the values of a filter; a second call of the room replaces the first."""
    _known[facet, room] = names


def understand(facet: str, meaning: Meaning) -> None:
    """Have a room say which value is meant by what is typed for a filter; a second call replaces the first."""
    _meanings[facet] = meaning


def meant(facet: str, typed: str) -> str:
    """Return the value that is meant by what somebody typed."""
    return _meanings[facet](typed) if facet in _meanings else typed


def names(facet: str, values: Collection[str], *, viewer: Any) -> dict[str, str]:
    """Return a name for each value: of the first room that knows one for this viewer, else the value itself."""
    if viewer.id is not None:
        return _named(facet, values, viewer)
    key = ("labels", facet, tuple(sorted(values)), locale())
    return remembered(key, lambda: _named(facet, values, viewer))


def _named(facet: str, values: Collection[str], viewer: Any) -> dict[str, str]:
    found = {value: value for value in values}
    for (of_facet, _room), names_of in reversed(_known.items()) if values else ():
        if of_facet == facet:
            found |= names_of(values, viewer)
    return found
