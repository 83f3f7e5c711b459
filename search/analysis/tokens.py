"""Words of a text, where they stand, and the term each language makes of them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from search.analysis import stems
from search.analysis.text import capped, folded

# Letters and digits with what may sit inside a word: combining marks, soft hyphens, joiners, and an apostrophe before a
# letter. Every branch consumes a different character, so the time is linear.
_WORD = re.compile("[^\\W_](?:[^\\W_]|[\u0300-\u036f\u00ad\u200c\u200d]|['\u2019](?=[^\\W\\d_]))*")
_JOINERS = "-\u2010\u2011"
_JOINED = re.compile(f"\\w[{_JOINERS}]\\w")
_LONGEST_JOINED = 40
_CACHED_TERMS = 100_000


class Word(NamedTuple):
    """A word as it stands in a text: what, from where, to where (in characters)."""

    text: str
    start: int
    end: int


class Spoken(NamedTuple):
    """The folded words of a text in order, and those that a hyphen joins ("e-mail": email), which stand nowhere."""

    words: list[str]
    joined: list[str]


def words(text: str) -> Iterator[Word]:
    """Yield the words of `text` in order."""
    for found in _WORD.finditer(capped(text)):
        yield Word(found.group(), found.start(), found.end())


def written(text: str) -> list[str]:
    """Return the words of `text` in order, without where they stand, which takes a third of the time."""
    return _WORD.findall(capped(text))


def spoken(text: str, locale: str) -> Spoken:
    """Return what an index keeps of `text`, folded by the rules of `locale`; what cannot be searched is left out."""
    text = capped(text)
    found = [word for raw in _WORD.findall(text) if (word := spelt(raw, locale))]
    return Spoken(found, list(_joined(text, locale)) if _JOINED.search(text) else [])


@lru_cache(maxsize=_CACHED_TERMS)
def spelt(word: str, locale: str) -> str:
    """Return the one spelling of a word: folded, without a German 's (geht's, gibt's)."""
    word = word.replace("\u2019", "'")
    if locale == "de" and word[-2:] in {"'s", "'S"}:
        word = word[:-2]  # the English stemmer takes its own 's away
    return folded(word)


def term(word: str, locale: str) -> str:
    """Return what the index of `locale` knows `word` as; empty where nothing of it can be searched."""
    return _term(word, locale)


@lru_cache(maxsize=_CACHED_TERMS)
def _term(word: str, locale: str) -> str:
    return stems.stem(spelt(word, locale), locale)


def _joined(text: str, locale: str) -> Iterator[str]:
    for run in text.split():
        if not _JOINED.search(run):
            continue
        before: Word | None = None
        for word in words(run):
            if before is not None and word.start == before.end + 1 and run[before.end] in _JOINERS:
                joined = before.text + word.text
                if len(joined) <= _LONGEST_JOINED and (found := spelt(joined, locale)):
                    yield found
            before = word
