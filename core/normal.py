"""Normalisation that hostile text cannot make slow."""

import re
import unicodedata

HIGHEST_PILE = 30

_PILES = re.compile(rf"[^\w\s\x00-\x7f]{{{HIGHEST_PILE + 1},}}")


def nfc(text: str) -> str:
    """Return the text in NFC, with at most thirty combining marks on a letter (the Stream-Safe Text Format of UAX 15).

    Ordering 32,000 of them takes a second, no language needs more, and a letter with more covers its neighbours' posts.
    """
    return unicodedata.normalize("NFC", _PILES.sub(_lowered, text))


def _lowered(pile: re.Match[str]) -> str:
    kept, height = [], 0
    for character in pile[0]:
        height = height + 1 if unicodedata.combining(character) else 0
        if height <= HIGHEST_PILE:
            kept.append(character)
    return "".join(kept)
