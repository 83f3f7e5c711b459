"""What a title is found by while its words are still being typed: the spellings that its words may begin with."""

from collections.abc import Iterator
from typing import Final

from search.analysis import stems, tokens
from search.analysis.text import plain

MOST_WORDS: Final = 64
"""Words of a title that it is found by; the rest of a longer one is found by searching."""
_STEM: Final = "="
_WITHOUT_DOTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def entries(title: str, locale: str) -> frozenset[str]:
    """Return what a title is found by: each word with and without its umlauts written out, and its stem, marked."""
    spoken = tokens.spoken(title, locale)
    words = [*spoken.words, *spoken.joined][:MOST_WORDS]
    found = {spelling for word in words for spelling in (plain(word), _written_out(word))}
    return frozenset(found | {entry for word in words if (entry := _marked(stems.stem(word, locale)))} - {""})


def spelling(word: str, locale: str) -> str:
    """Return what the entries of a title begin with whose words begin with a half-typed one; empty where none can.

    "ruck" begins "Rücksendung" and "Rucksack", "rück" and "rueck" only the first.
    """
    return _written_out(tokens.spelt(word, locale))


def spellings(text: str, locale: str) -> Iterator[str]:
    """Yield the spelling of each word of a text, in order."""
    for word in tokens.words(text):
        if found := spelling(word.text, locale):
            yield found


def whole(word: str, locales: tuple[str, ...]) -> frozenset[str]:
    """Return the entries of which a title has at least one when it has a word in one of its forms."""
    found = {entry for locale in locales for entry in (spelling(word, locale), _marked(tokens.term(word, locale)))}
    return frozenset(found - {""})


def _written_out(word: str) -> str:
    return plain(word.translate(_WITHOUT_DOTS))


def _marked(stem: str) -> str:
    return f"{_STEM}{stem}" if stem else ""
