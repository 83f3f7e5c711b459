"""The small language of the search box: words, "phrases", -word, tag:, product:, author:, is:, in:, lang:.

Whatever is typed means something: an operator that does not exist is a word, a quotation mark that is never closed ends
with the query. Nothing a person types reaches an engine's own query parser.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from search.analysis import tokens

LONGEST_QUERY: Final = 500
MOST_TERMS: Final = 64
"""Bounds the cost: a query is an OR of so many words at most, each read once."""
AREAS: Final = {"kb": ("article",), "forum": ("topic", "answer")}
"""What `in:` may name, and the kinds of things that are found there."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# One part of a query: perhaps a minus, perhaps an operator, then something in quotation marks or up to the next blank.
_PART = re.compile(
    r'(?P<minus>-)?(?:(?P<operator>[a-z]{2,7}):)?(?:["„“”](?P<quoted>[^"„“”]*)["“”]?|(?P<bare>[^\s"„“”]+))',
    re.IGNORECASE,
)


class Notice(StrEnum):
    """What the parser did to a query that a person should know."""

    CUT = "cut"
    """It was longer than `LONGEST_QUERY`; the rest was not searched."""
    IGNORED = "ignored"
    """It had more than `MOST_TERMS` terms; the rest was ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """What a query asks for; `raw` is what was typed, cleaned and cut."""

    raw: str = ""
    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    """Words and phrases in the order in which they were typed."""
    excluded: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    product: str | None = None
    """As it was typed: a name, another name, or what stands in the address."""
    author: str | None = None
    solved: bool | None = None
    archived: bool = False
    """Whether only what was archived is wanted."""
    kinds: tuple[str, ...] | None = None
    locale: str | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether the query asks for nothing at all."""
        narrowed = (self.tags, self.product, self.author, self.archived, self.kinds, self.locale)
        return not (self.words or self.phrases or any(narrowed)) and self.solved is None


@dataclass(slots=True)
class _Reading:
    """A query half read."""

    words: list[str]
    phrases: list[str]
    excluded: list[str]
    tags: list[str]
    notices: list[Notice]
    said: list[str]
    terms: int = 0
    product: str | None = None
    author: str | None = None
    solved: bool | None = None
    archived: bool = False
    kinds: tuple[str, ...] | None = None
    locale: str | None = None

    def has_room(self, text: str) -> bool:
        """Count the terms of `text` in; False, with a notice, where they are too many."""
        count = sum(1 for _ in tokens.words(text))
        if self.terms + count > MOST_TERMS:
            if Notice.IGNORED not in self.notices:
                self.notices.append(Notice.IGNORED)
            return False
        self.terms += count
        return count > 0


def parse(text: str) -> ParsedQuery:
    """Return what `text` asks for; takes any text and never raises."""
    reading = _Reading([], [], [], [], [], [])
    if len(text) > LONGEST_QUERY:
        reading.notices.append(Notice.CUT)
        text = text[:LONGEST_QUERY]
    raw = _UNPRINTABLE.sub(" ", text).strip()
    for part in _PART.finditer(raw):
        _take(reading, part)
    return ParsedQuery(
        raw=raw,
        words=tuple(reading.words),
        phrases=tuple(reading.phrases),
        said=tuple(reading.said),
        excluded=tuple(reading.excluded),
        tags=tuple(reading.tags),
        product=reading.product,
        author=reading.author,
        solved=reading.solved,
        archived=reading.archived,
        kinds=reading.kinds,
        locale=reading.locale,
        notices=tuple(reading.notices),
    )


def spoken(text: str) -> str:
    """Return what a query says in plain words: without operators, quotation marks, and what it excludes."""
    return " ".join(parse(text).said)


def _take(reading: _Reading, part: re.Match[str]) -> None:
    operator = (part["operator"] or "").lower()
    quoted = part["quoted"] is not None
    value = part["quoted"] if quoted else part["bare"]
    if operator and not part["minus"] and _took_operator(reading, operator, value.strip()):
        return
    if operator:  # an unknown one: what was typed is words, with all its signs
        quoted, value = False, f"{operator} {value}"
    if part["minus"]:
        if reading.has_room(value):
            reading.excluded.append(value)
    elif quoted and sum(1 for _ in tokens.words(value)) > 1:
        if reading.has_room(value):
            reading.phrases.append(value)
            reading.said.append(value)
    else:
        new = (word for word in dict.fromkeys(value.split()) if word not in reading.words)
        fitting = [word for word in new if reading.has_room(word)]
        reading.words.extend(fitting)
        reading.said.extend(fitting)


def _took_operator(reading: _Reading, operator: str, value: str) -> bool:
    """Take a known operator with a value it knows; anything else is words."""
    match operator, value.lower():
        case "tag", name if name:
            if reading.terms < MOST_TERMS:
                reading.terms += 1
                reading.tags.append(value)
            elif Notice.IGNORED not in reading.notices:
                reading.notices.append(Notice.IGNORED)
        case "product", name if name:
            reading.product = value
        case ("is", "archived") | ("in", "archive"):
            reading.archived = True
        case "author", name if name.strip("@"):
            reading.author = value.strip("@")
        case "is", "solved" | "unsolved" as state:
            reading.solved = state == "solved"
        case "in", area if area in AREAS:
            reading.kinds = AREAS[area]
        case "lang", "de" | "en" as locale:
            reading.locale = locale
        case _:
            return False
    return True
