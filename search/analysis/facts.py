"""What an index must know of a word: its stem, the stems of its parts, and its trigrams."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.analysis import compounds, grams, hashes, stems


class Facts(NamedTuple):
    """Digests of stems carry their language, so the same letters in two languages are two stems."""

    stem: int
    parts: tuple[int, ...]
    grams: NDArray[np.uint16]


def of(word: str, locale: str, known: Callable[[str], float]) -> Facts:
    """Return the facts of a folded word; `known` says how well a German word is known (see `compounds.parts`)."""
    return Facts(
        stem=digest(stems.stem(word, locale) or word, locale),
        parts=tuple(digest(stems.stem(part, locale), locale) for part in parts(word, locale, known)),
        grams=grams.of(word),
    )


def parts(word: str, locale: str, known: Callable[[str], float]) -> tuple[str, ...]:
    """Return the folded parts of a compound; only German has any."""
    return compounds.parts(word, known) if locale == "de" else ()


def digest(text: str, locale: str) -> int:
    """Return the digest of a stem or a word of a language."""
    return hashes.of(f"{locale}:{text}")
