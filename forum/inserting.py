"""What can be put into an answer while it is written: replies of the team, and what rooms above have (articles).

Everything is looked for and worded in the language of who asked, whatever the writer reads.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from flask_babel import gettext

from accounts.models import User
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
    is_asked_after: bool = False
    """Whether who inserts it is asked if it is still right."""
    warning: str = ""
    """What speaks against inserting it."""


class Shelf(Protocol):
    """Where one kind of thing is taken from."""

    def may_use(self, viewer: Viewer) -> bool:
        """Tell whether this person may insert what is here."""

    def find(self, words: str, topic: Topic, *, viewer: Viewer) -> Sequence[Insert]:
        """Return what fits the words, or the question itself where there are none; the best first."""

    def take(self, thing_id: int, topic: Topic, *, viewer: Viewer) -> Insert | None:
        """Return one thing; None where it is not there any more, or not for everybody who reads the answer."""


class Question(Protocol):
    """What is asked of who inserts one kind of thing, and what everybody is told before they do."""

    def warnings(self, ids: Collection[int]) -> Mapping[int, str]:
        """Return what speaks against things, in words, by id."""

    def answer(self, thing_id: int, verdict: str, *, words: str, by: User) -> None:
        """Keep an answer; one that makes no sense is left out."""


_shelves: dict[str, Shelf] = {}


def contribute(kind: str, shelf: Shelf) -> None:
    """Let one kind of thing be inserted; rooms above bring theirs."""
    _shelves[kind] = shelf


_questions: dict[str, Question] = {}


def ask_after(kind: str, question: Question) -> None:
    """Ask who inserts one kind of thing whether it is still right; rooms above bring theirs."""
    _questions[kind] = question


def answer(names: Iterable[str], verdicts: Mapping[str, str], words: Mapping[str, str], *, by: User) -> None:
    """Keep what was said of the things that were inserted, each named like `article:9`."""
    for name in dict.fromkeys(names):
        kind, _, typed = name.partition(":")
        number = texts.number(typed)
        if kind in _questions and number is not None and verdicts.get(name):
            _questions[kind].answer(number, verdicts[name], words=words.get(name, ""), by=by)


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
    return sorted(_warned(found), key=lambda insert: insert.locale != topic.locale)


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
    return _warned([found])[0]


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


def _warned(found: Sequence[Insert]) -> list[Insert]:
    warnings = {
        kind: question.warnings([insert.id for insert in found if insert.kind == kind])
        for kind, question in _questions.items()
    }
    return [
        replace(insert, is_asked_after=True, warning=warnings[insert.kind].get(insert.id, ""))
        if insert.kind in warnings
        else insert
        for insert in found
    ]


def _refuse(viewer: Viewer, topic: Topic) -> None:
    if not policy.may_insert(viewer, topic):
        raise NotAllowed(gettext("The team and trusted members insert articles here."))
