"""A segment as it is searched: without its deleted documents, with what was read of its stems kept for a while."""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.analysis import grams
from search.documents import AUDIENCES, Audience
from search.engines.analysed import FIELDS, LOCALES
from search.engines.arrays import Ints, Segment, counted, counts_of
from search.ranking import Collection, Floats

OWN: Final = tuple(FIELDS.index(name) for name in ("title", "keywords", "body"))
ASKED: Final = FIELDS.index("asked")
INSIDE: Final = FIELDS.index("asked_inside")
_CACHED_BYTES: Final = 24 << 20
_CACHED_A_DOCUMENT: Final = 400
"""Bytes of the cache for each document: what a few hundred different questions read."""
_SAME: Final = 0.002
"""By how much the averages behind cached scores may have moved before they are counted anew."""
_MOST_MASKS: Final = 50
"""Filters of a segment that are remembered, a byte a document each."""

Mask = NDArray[np.bool_]


class Stem(NamedTuple):
    """What a stem adds to the words of each document that has it, before its rarity counts."""

    documents: NDArray[np.uint16] | NDArray[np.uint32] | None
    """None where `scores` has a number for every document of the segment."""
    scores: Floats
    counted: int
    """How many documents for everyone have it."""
    own_length: float
    asked_length: float
    coverage: float

    def is_like(self, those: Collection) -> bool:
        """Tell whether the averages that the scores stand on are still those of the collection."""
        return (
            self.coverage == those.coverage
            and abs(self.own_length - those.own_length) <= _SAME * those.own_length
            and abs(self.asked_length - those.asked_length) <= _SAME * those.asked_length
        )

    def has(self, documents: Ints) -> Mask:
        """Tell which of some documents have it."""
        if self.documents is None:
            having: Mask = self.scores[documents] > 0
            return having
        if not len(self.documents):
            return np.zeros(len(documents), dtype=np.bool_)
        place = np.minimum(np.searchsorted(self.documents, documents), len(self.documents) - 1)
        # A document is listed, too, where the word stands in what does not count: there it says nothing.
        found: Mask = (self.documents[place] == documents) & (self.scores[place] > 0)
        return found

    def as_mask(self, count: int) -> Mask:
        """Tell of every document of its segment whether it has it."""
        if self.documents is None:
            return self.scores > 0
        mask = np.zeros(count, dtype=np.bool_)
        mask[self.documents[self.scores > 0]] = True
        return mask


class Cache:
    """What was read of stems, up to a number of bytes; what was used longest ago goes first."""

    def __init__(self) -> None:
        self._most = _CACHED_BYTES
        self._held = 0
        self._stems: OrderedDict[tuple[int, int, bool], Stem] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int, bool]) -> Stem | None:
        with self._lock:
            found = self._stems.get(key)
            if found is not None:
                self._stems.move_to_end(key)
            return found

    def put(self, key: tuple[int, int, bool], stem: Stem) -> None:
        with self._lock:
            self._remove(key)
            self._stems[key] = stem
            self._held += _bytes(stem)
            while self._held > self._most and len(self._stems) > 1:
                self._remove(next(iter(self._stems)))

    def fit(self, documents: int) -> None:
        """Take as much room as an index of so many documents is worth."""
        self._most = max(_CACHED_BYTES, _CACHED_A_DOCUMENT * documents)

    def forget(self, leaf: int) -> None:
        """Forget the stems of a segment."""
        with self._lock:
            for key in [key for key in self._stems if key[0] == leaf]:
                self._remove(key)

    def _remove(self, key: tuple[int, int, bool]) -> None:
        found = self._stems.pop(key, None)
        if found is not None:
            self._held -= _bytes(found)


def _bytes(stem: Stem) -> int:
    return stem.scores.nbytes + (0 if stem.documents is None else stem.documents.nbytes) + 200


_leaf_numbers = itertools.count()


class Leaf:
    """A segment without its deleted documents."""

    def __init__(self, segment: Segment, deleted: frozenset[int], before: "Leaf | None" = None) -> None:
        self.segment = segment
        self.deleted = deleted
        self.number = next(_leaf_numbers)
        columns = segment.columns
        self.is_alive = np.ones(segment.count, dtype=np.bool_)
        self.is_alive[list(deleted)] = False
        self.counted: Mask | None = None
        """Which documents everyone may find; None where all."""
        if deleted or columns["audience"].any():
            self.counted = self.is_alive & (columns["audience"] == 0)
        lengths = segment.lengths.astype(np.float32)
        self.own_lengths: Floats = lengths[:, OWN].sum(axis=1)
        self.asked_lengths: Floats = lengths[:, ASKED]
        self.inside_lengths: Floats = self.asked_lengths + lengths[:, INSIDE]
        self._masks: dict[tuple[str, str], Mask] = {}
        self.has_inside = bool(segment.lengths[:, INSIDE].any())
        self.word_counts = self._without_deleted(before)
        self.gram_counts: Floats = np.bincount(
            segment.grams,
            np.repeat(self.word_counts, counts_of(segment.gram_starts)),
            minlength=grams.COUNT,
        ).astype(np.float32)
        self.sums = {locale: self._sums(number) for number, locale in enumerate(LOCALES)}

    def readable_by(self, audience: Audience) -> Mask:
        """Tell which documents are for a circle; not to be changed."""
        return self._kept(
            ("audience", audience),
            lambda: self.is_alive & (self.segment.columns["audience"] <= AUDIENCES.index(audience)),
        )

    def labelled(self, name: str, value: str) -> Mask:
        """Tell which documents have a kind, a locale, a category, a state ("solved", "answers") or a tag; as it is."""
        return self._kept((name, value), lambda: self._with_label(name, value))

    def _with_label(self, name: str, value: str) -> Mask:
        columns, names = self.segment.columns, self.segment.names
        mask: Mask = np.zeros(self.segment.count, dtype=np.bool_)
        if name == "locale":
            mask |= columns[name] == (LOCALES.index(value) if value in LOCALES else len(LOCALES))
        elif name in {"solved", "answers"}:
            mask |= (columns[name] > 0) == (value == "yes")
        elif value in names[name] and name != "tag":
            mask |= columns[name] == names[name].index(value)
        elif value in names[name]:
            places = np.flatnonzero(self.segment.tags == names[name].index(value))
            mask[np.searchsorted(self.segment.tag_starts, places, side="right") - 1] = True
        return mask

    def _kept(self, key: tuple[str, str], make: Callable[[], Mask]) -> Mask:
        found = self._masks.get(key)
        if found is None:
            found = make()
            if len(self._masks) >= _MOST_MASKS:
                self._masks.clear()
            self._masks[key] = found
        return found

    def _without_deleted(self, before: "Leaf | None") -> NDArray[np.int64]:
        counts = self.segment.word_counts.astype(np.int64) if before is None else before.word_counts
        gone = self.deleted - (frozenset() if before is None else before.deleted)
        public = [number for number in sorted(gone) if self.segment.columns["audience"][number] == 0]
        if not public:
            return counts
        rows = np.array(public)
        record = self.segment.records(rows)
        starts = np.concatenate([[0], np.cumsum(record.counts)]).astype(np.uint64)
        everybody = np.ones(len(rows), dtype=np.bool_)
        return counts - counted(record.tokens, starts, self.segment.bounds[rows], everybody, len(counts))

    def _sums(self, locale: int) -> NDArray[np.float64]:
        """Return what `Collection` is made of, for everyone and for the team, float64[2, 4].

        Documents, their own words, documents that answered messages, the words of these.
        """
        is_it = self.segment.columns["locale"] == locale
        if self.counted is not None:
            is_it &= self.counted
        own = [is_it.sum(), self.own_lengths[is_it].sum()]
        asked = [lengths[is_it] for lengths in (self.asked_lengths, self.inside_lengths)]
        return np.array([[*own, (lengths > 0).sum(), lengths.sum()] for lengths in asked], dtype=np.float64)
