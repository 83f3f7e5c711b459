"""Trigrams inside padded words: what two words share that are spelt or built alike.

A trigram is known by 16 bits. Two that fall together cost nothing: a document is never found by one trigram alone.
"""

import zlib
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.analysis.text import plain

COUNT: Final = 1 << 16
"""How many different trigrams there can be."""
_SIZE: Final = 3
_EDGE: Final = "_"
_CACHED: Final = 20_000


@lru_cache(maxsize=_CACHED)
def of(word: str) -> NDArray[np.uint16]:
    """Return the trigrams of a folded word, accents and umlaut dots left out, in order: uint16[letters]."""
    padded = f"{_EDGE}{plain(word)}{_EDGE}"
    if padded.isascii():
        raw = padded.encode()
        digests = [zlib.crc32(raw[place : place + _SIZE]) & 0xFFFF for place in range(len(raw) - 2)]
    else:
        letters = [letter.encode("utf-8", "replace") for letter in padded]
        triples = zip(letters, letters[1:], letters[2:], strict=False)
        digests = [zlib.crc32(b"".join(three)) & 0xFFFF for three in triples]
    return np.array(digests, dtype=np.uint16)
