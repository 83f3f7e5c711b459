"""What can be put into an answer while it is written: replies of the team, and what rooms above have (articles).

Everything is looked for and worded in the language of who asked, whatever the writer reads.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from flask_babel import gettext

from accounts.people import Viewer
from core import texts
from core.errors import Invalid, NotAllowed
from forum import policy
from forum.models import Topic

MOST_OF_A_KIND: Final = 5
LONGEST_QUERY: Final = 300

_MARKS = re.compile(r"([\\`*\[\]])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """One thing to insert; `text` is Markdown, `locale` the language it is in, `url` its page where it has one."""

    kind: str
    id: int
    title: str
    text: str
    locale: str
    url: str = ""
    label: str = ""
    """What sort of thing it is, in words."""


class Shelf(Protocol):
    """Where one kind of thing is taken from."""

    def may_use(self, viewer: Viewer) -> bool:
        """Tell whether this person may insert what is here."""

    def find(self, words: str, topic: Topic, *, viewer: Viewer) -> Sequence[Insert]:
        """Return what fits the words, or the question itself where there are none; the best first."""

    def take(self, thing_id: int, topic: Topic, *, viewer: Viewer) -> Insert | None:
        """Return one thing; None where it is not there any more, or not for everybody who reads the answer."""


_shelves: dict[str, Shelf] = {}


def contribute(kind: str, shelf: Shelf) -> None:
    """Let one kind of thing be inserted; rooms above bring theirs."""
    _shelves[kind] = shelf


def find(words: str, topic: Topic, *, viewer: Viewer) -> list[Insert]:
    """Return what can be inserted into an answer to this question: what is in its language first."""
    _refuse(viewer, topic)
    words = texts.line(words[:LONGEST_QUERY], longest=LONGEST_QUERY, shortest=0)
    found = [
        insert
        for shelf in _shelves.values()
        if shelf.may_use(viewer)
        for insert in shelf.find(words, topic, viewer=viewer)[:MOST_OF_A_KIND]
    ]
    return sorted(found, key=lambda insert: insert.locale != topic.locale)


def take(name: str, topic: Topic, *, viewer: Viewer) -> Insert:
    """Return what `kind:id` names; raise `Invalid` where there is nothing of that name for this person."""
    _refuse(viewer, topic)
    kind, _, typed = name.partition(":")
    shelf, number = _shelves.get(kind), texts.number(typed)
    found = None
    if shelf is not None and number is not None and shelf.may_use(viewer):
        found = shelf.take(number, topic, viewer=viewer)
    if found is None:
        raise Invalid(gettext("This can no longer be inserted: it is not here any more, or not for everyone."))
    return found


def behind(typed: str, insert: Insert) -> str:
    """Return what was typed with the insert behind it, as a paragraph of its own."""
    return f"{typed.rstrip()}\n\n{insert.text}" if typed.strip() else insert.text


def as_markdown(plain: str) -> str:
    """Return a plain text so that Markdown changes nothing in it; lists stay lists."""
    return _MARKS.sub(r"\\\1", plain)


def numbers(names: Iterable[str], kind: str) -> list[int]:
    """Return the ids of one kind among names like `reply:3`, each once; what makes no sense is left out."""
    pairs = (name.partition(":") for name in names)
    found = [number for of, _, typed in pairs if of == kind and (number := texts.number(typed)) is not None]
    return list(dict.fromkeys(found))


def _refuse(viewer: Viewer, topic: Topic) -> None:
    if not policy.may_insert(viewer, topic):
        raise NotAllowed(gettext("The team and trusted members insert articles here."))
