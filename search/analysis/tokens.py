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
_LONGEST_JOINED = 40
_CACHED_TERMS = 200_000


class Word(NamedTuple):
    """A word as it stands in a text: what, from where, to where (in characters)."""

    text: str
    start: int
    end: int


class Term(NamedTuple):
    """What the index knows: a stem, and the number of its word in the text."""

    text: str
    position: int


def words(text: str) -> Iterator[Word]:
    """Yield the words of `text` in order."""
    for found in _WORD.finditer(capped(text)):
        yield Word(found.group(), found.start(), found.end())


def term(word: str, locale: str) -> str:
    """Return what the index of `locale` knows `word` as; empty where nothing of it can be searched."""
    return _term(word.replace("\u2019", "'"), locale)


def terms(text: str, locale: str) -> Iterator[Term]:
    """Yield the terms of `text` in `locale`: one a word, one more for words joined by a hyphen ("e-mail": email)."""
    before: Word | None = None
    for position, word in enumerate(words(text)):
        found = term(word.text, locale)
        if found:
            yield Term(found, position)
        if before is not None and word.start == before.end + 1 and text[before.end] in _JOINERS:
            joined = before.text + word.text
            if len(joined) <= _LONGEST_JOINED and (found := term(joined, locale)):
                yield Term(found, position - 1)
        before = word


@lru_cache(maxsize=_CACHED_TERMS)
def _term(word: str, locale: str) -> str:
    if locale == "de" and word[-2:] in {"'s", "'S"}:
        word = word[:-2]  # geht's, gibt's; the English stemmer takes its own 's away
    return stems.stem(folded(word), locale)
