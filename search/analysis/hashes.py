"""Stable 64-bit names of words: what an index keeps instead of the words themselves."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_CACHED: Final = 100_000


@lru_cache(maxsize=_CACHED)
def of(text: str) -> int:
    """Return the 64-bit BLAKE2b digest of `text`, the same in every process and on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def of_all(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Return the digests of many texts, uint64[n], without keeping them."""
    digest = hashlib.blake2b
    joined = b"".join(digest(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(joined, dtype="<u8")


def places(wanted: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return where each of `wanted` stands in the sorted `known`, int64[n]; -1 where it does not."""
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    found = np.searchsorted(known, wanted)
    found[found == len(known)] = 0
    return np.where(known[found] == wanted, found, -1)


def place(wanted: int, known: NDArray[np.uint64]) -> int:
    """Return where one digest stands in the sorted `known`; -1 where it does not."""
    found = int(known.searchsorted(np.uint64(wanted)))
    return found if found < len(known) and int(known[found]) == wanted else -1
