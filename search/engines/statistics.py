"""What is known of all documents that everybody may find: how often words stand in them, how long they are.

Each change of the index leaves its own small difference, and the sum of all of them is the truth. So those who write at
the same time never wait for each other, and nobody has to count a collection again.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.analysis import grams, hashes
from search.engines.analysed import LOCALES
from search.ranking import Collection, Floats, Ints

SUMS: Final = ("documents", "own_words", "asking", "asked_words", "asking_inside", "inside_words")
"""What is summed of the documents of each language; the last two over public and private messages together."""
_HEADER: Final = 3 + len(LOCALES) * len(SUMS)


class Counts(NamedTuple):
    """Occurrences of words, documents of stems, occurrences of trigrams; digests rise, and all may be negative."""

    words: NDArray[np.uint64]
    word_counts: Ints
    stems: NDArray[np.uint64]
    stem_documents: Ints
    grams: NDArray[np.uint16]
    gram_counts: Ints
    sums: Ints
    """int64[languages, `SUMS`]."""

    @classmethod
    def none(cls) -> "Counts":
        """Return the counts of nothing."""
        nothing, zero = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        return cls(
            nothing, zero, nothing, zero, np.zeros(0, dtype=np.uint16), zero, np.zeros((len(LOCALES), len(SUMS)), int)
        )

    @classmethod
    def total(cls, those: Iterable["Counts"]) -> "Counts":
        """Return the sum of several."""
        each = [cls.none(), *those]
        words, word_counts = _summed([one.words for one in each], [one.word_counts for one in each])
        stems, stem_documents = _summed([one.stems for one in each], [one.stem_documents for one in each])
        found, gram_counts = _summed([one.grams for one in each], [one.gram_counts for one in each])
        sums = np.sum([one.sums for one in each], axis=0)
        return cls(words, word_counts, stems, stem_documents, found.astype(np.uint16), gram_counts, sums)

    @classmethod
    def unpacked(cls, packed: bytes) -> "Counts":
        """Read what `packed` wrote."""
        header = np.frombuffer(packed, "<i8", _HEADER)
        words, stems, found = header[:3].tolist()
        place = header.nbytes
        pieces = []
        for kind, count in (("<u8", words), ("<u8", stems), ("<i4", words), ("<i4", stems), ("<i4", found)):
            pieces.append(np.frombuffer(packed, kind, count, place))
            place += pieces[-1].nbytes
        known = np.frombuffer(packed, "<u2", found, place)
        return cls(
            pieces[0].astype(np.uint64),
            pieces[2].astype(np.int64),
            pieces[1].astype(np.uint64),
            pieces[3].astype(np.int64),
            known.astype(np.uint16),
            pieces[4].astype(np.int64),
            header[3:].reshape(len(LOCALES), len(SUMS)).astype(np.int64),
        )

    def packed(self) -> bytes:
        """Return everything as bytes."""
        header = np.concatenate([[len(self.words), len(self.stems), len(self.grams)], self.sums.ravel()])
        counts = [each.astype("<i4") for each in (self.word_counts, self.stem_documents, self.gram_counts)]
        digests = [each.astype("<u8") for each in (self.words, self.stems)]
        return b"".join(each.tobytes() for each in (header.astype("<i8"), *digests, *counts, self.grams.astype("<u2")))

    def taken_away(self) -> "Counts":
        """Return what takes these counts away from a sum."""
        return self._replace(
            word_counts=-self.word_counts,
            stem_documents=-self.stem_documents,
            gram_counts=-self.gram_counts,
            sums=-self.sums,
        )

    def occurrences(self, digests: NDArray[np.uint64]) -> Ints:
        """Return how often each word is there, int64[n]."""
        return _looked_up(digests, self.words, self.word_counts)

    def documents(self, digests: NDArray[np.uint64]) -> Ints:
        """Return how many documents have each stem, int64[n]."""
        return _looked_up(digests, self.stems, self.stem_documents)


class Statistics:
    """What was summed up once, and the differences since."""

    def __init__(self, base: Counts, recent: Counts) -> None:
        self._base = base
        self._recent = recent
        sums = base.sums + recent.sums
        self.total = int(sums[:, 0].sum())
        """Documents that everybody may find."""
        counted = np.zeros(grams.COUNT, dtype=np.float32)
        for each in (base, recent):
            counted[each.grams] += each.gram_counts
        self.collections = {
            inside: {
                locale: _collection(sums[number], self.total, counted, inside=inside)
                for number, locale in enumerate(LOCALES)
            }
            for inside in (False, True)
        }

    def occurrences(self, digests: NDArray[np.uint64]) -> Ints:
        """Return how often each word stands in what everybody may find, int64[n]."""
        return self._base.occurrences(digests) + self._recent.occurrences(digests)

    def documents(self, digests: NDArray[np.uint64]) -> Ints:
        """Return how many documents for everybody have each stem, int64[n]."""
        return self._base.documents(digests) + self._recent.documents(digests)


def _collection(sums: Ints, total: int, gram_counts: Floats, *, inside: bool) -> Collection:
    documents, own, *asked = sums.tolist()
    asking, words = asked[2:] if inside else asked[:2]
    return Collection(
        documents=documents,
        total=total,
        own_length=own / max(documents, 1),
        asked_length=words / max(asking, 1),
        coverage=round(asking / max(documents, 1), 2),
        gram_counts=gram_counts,
    )


def _summed(
    keys: list[NDArray[np.uint64]] | list[NDArray[np.uint16]], counts: list[Ints]
) -> tuple[NDArray[np.uint64], Ints]:
    """Return each key once, rising, with the sum of its counts; what sums up to nothing is left out."""
    found, where = np.unique(np.concatenate(keys), return_inverse=True)
    sums = np.bincount(where, np.concatenate(counts), minlength=len(found)).astype(np.int64)
    return found[sums != 0], sums[sums != 0]


def _looked_up(wanted: NDArray[np.uint64], keys: NDArray[np.uint64], counts: Ints) -> Ints:
    places = hashes.places(wanted, keys)
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.int64)
    return np.where(places >= 0, counts[places], 0)
