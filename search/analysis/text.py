"""One spelling for what means the same: case, width, ß, umlauts, invisible characters."""

import unicodedata
from functools import lru_cache

LONGEST_TEXT = 200_000
"""Characters of a text that are looked at; the rest of a longer one is not searched."""
LONGEST_WORD = 64

_CACHED_WORDS = 100_000


def capped(text: str) -> str:
    """Return at most `LONGEST_TEXT` characters: the length comes first, normalisation is slow on hostile input."""
    return text[:LONGEST_TEXT]


@lru_cache(maxsize=_CACHED_WORDS)
def folded(word: str) -> str:
    """Return one word in NFKC, case-folded (ß becomes ss), without apostrophes and invisible characters."""
    word = word[:LONGEST_WORD]
    if word.isascii():
        return word.lower().replace("'", "")
    word = unicodedata.normalize("NFKC", word).casefold()
    # Normalising can bring in spaces and signs (½, ﷺ): a word stays one word.
    return "".join(
        letter
        for letter in unicodedata.normalize("NFC", word)
        if letter.isalnum() or unicodedata.category(letter) == "Mn"
    )[:LONGEST_WORD]


def plain(word: str) -> str:
    """Return `word` without accents and umlaut dots."""
    if word.isascii():
        return word
    return "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))


def label(value: str) -> str:
    """Return the one spelling of a tag, a handle or a category that a filter compares."""
    return unicodedata.normalize("NFKC", value[:100]).casefold().strip()
