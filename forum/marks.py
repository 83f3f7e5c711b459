"""Marks: what other rooms say of answers to those who may know it, and what these may do about it.

Guests are told nothing and nothing is asked for them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from accounts.people import Viewer
from forum.models import Post


@dataclass(frozen=True, slots=True)
class Mark:
    """One line at an answer; its words, where they lead, and a button."""

    words: str = ""
    url: str | None = None
    deed_url: str | None = None
    """Where the button posts to."""
    deed: str = ""


Find = Callable[[Sequence[Post], Viewer], Mapping[int, Mark]]

_finders: dict[str, Find] = {}


def contribute(name: str, find: Find) -> None:
    """Have marks asked for the answers of a page; a second call for the name replaces the first."""
    _finders[name] = find


def of(posts: Sequence[Post], viewer: Viewer) -> dict[int, list[Mark]]:
    """Return the marks of these answers for a viewer, by the id of the post."""
    found: dict[int, list[Mark]] = {}
    if not viewer.is_authenticated or not posts:
        return found
    for find in _finders.values():
        for post_id, mark in find(posts, viewer).items():
            found.setdefault(post_id, []).append(mark)
    return found
