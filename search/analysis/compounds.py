"""German compounds: "Rechnungsadresse" is also about a Rechnung and an Adresse.

The split is the one whose parts are known best (Koehn and Knight, "Empirical Methods for Compound Splitting", EACL
2003), where what is known comes from a word list and from the texts of the installation.
"""

from collections.abc import Callable
from typing import Final

SHORTEST: Final = 8
_SHORTEST_PART: Final = 4
_LINKS: Final = ("", "s", "es", "n", "en", "er", "e", "ns")
"""What may stand between the parts: Rechnung-s-adresse, Straße-n-bahn."""


def parts(word: str, known: Callable[[str], float]) -> tuple[str, ...]:
    """Return the parts of a folded German word, at least two, or nothing where it is not a compound.

    `known` says how well a word is known, 0 for not at all; the sum over both parts decides between two splits.
    """
    best = _best(word, known)
    if best is None:
        return ()
    return tuple(piece for half in best for piece in (parts(half, known) or (half,)))


def _best(word: str, known: Callable[[str], float]) -> tuple[str, str] | None:
    if len(word) < SHORTEST or not word.isalpha():
        return None
    found: tuple[float, tuple[str, str]] | None = None
    for place in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
        left, right = word[:place], word[place:]
        of_right = known(right)
        if not of_right:
            continue
        for link in _LINKS:
            stem = left.removesuffix(link) if link else left
            if (link and stem == left) or len(stem) < _SHORTEST_PART:
                continue
            of_left = known(stem)
            if of_left:
                score = of_left + of_right + 0.01 * min(len(stem), len(right))
                if found is None or score > found[0]:
                    found = (score, (stem, right))
    return None if found is None else found[1]
