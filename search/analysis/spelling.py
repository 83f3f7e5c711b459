"""Mistyped words: what somebody may have meant who hit one wrong key."""

from typing import Final

SHORTEST: Final = 4
"""Shorter words are too often right by chance."""
LONGEST: Final = 24
_LETTERS: Final = {
    "de": "abcdefghijklmnopqrstuvwxyzäöü",
    "en": "abcdefghijklmnopqrstuvwxyz",
}


def neighbours(word: str, locale: str) -> list[str]:
    """Return every string one edit away (Damerau: a letter left out, added, changed, or two swapped), each once.

    Linear in the length of the word: about 60 strings a letter. What is not made of letters has none.
    """
    if not SHORTEST <= len(word) <= LONGEST or not word.isalpha():
        return []
    letters = _LETTERS.get(locale, _LETTERS["en"])
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = [left + right[1:] for left, right in halves[:-1]]
    found += [left + right[1] + right[0] + right[2:] for left, right in halves[:-2]]
    found += [left + letter + right[1:] for left, right in halves[:-1] for letter in letters]
    found += [left + letter + right for left, right in halves for letter in letters]
    return [other for other in dict.fromkeys(found) if other != word]
