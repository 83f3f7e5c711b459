"""A segment of the index as arrays: what is scored with numpy is kept the way numpy reads it.

The arrays of a segment are one column of Whoosh's: Whoosh opens, commits, merges and deletes, and knows nothing of
what is inside. The file is a header (JSON: name, type, shape and place of each array) and the arrays. Small ones are
read when a segment is opened, large ones piece by piece when they are asked for, with `pread`, so that nothing but the
page cache holds them and threads need no lock. Nothing is mapped: a mapped file that somebody truncates kills the
process.

A document is the row of its number in the per-document arrays, and a record of bytes: its vector, then its words.
`tokens` are numbers of words in the order of the text, field after field; 0 stands between what is no neighbour.
"""

import json
import math
import os
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from whoosh import columns

from search.analysis import facts, hashes, titles
from search.analysis.text import label
from search.documents import AUDIENCES, Document, Ref
from search.encoders import Encoder, Vectors
from search.engines.analysed import FIELDS, LOCALES, NOTHING, analysed
from search.ranking import ranges

WHOLE_WORD: Final = 2
PART: Final = 1
"""What a word and a part of a compound add to the frequency of a stem."""
_MAGIC: Final = b"KLINKE01"
_ALIGNED: Final = 64
_MOST_NAMES: Final = 0xFFFF
"""Different kinds, categories or tags of a segment; what comes after them has the first one's name."""
_LARGEST_TF: Final = 255

Ints = NDArray[np.int64]


class Damaged(Exception):
    """A file of the index is not what was written."""


@dataclass(frozen=True, slots=True)
class ToWrite:
    """A document on its way into a segment, and what its analysis needs."""

    document: Document
    encoder: Encoder
    known: Callable[[str], float]


class Kept(NamedTuple):
    """A document on its way from one segment into another."""

    segment: "Segment"
    number: int


class ArraysColumn(columns.Column):  # Whoosh has no types
    """The column; Whoosh pickles it into the index, so it has no state."""

    def writer(self, dbfile: Any) -> "_ColumnWriter":
        return _ColumnWriter(dbfile)

    def reader(self, dbfile: Any, basepos: int, length: int, doccount: int) -> "_ColumnReader":
        return _ColumnReader(Segment(os.dup(dbfile.raw_file().fileno()), basepos, length, doccount))

    def default_value(self, reverse: bool = False) -> None:  # noqa: ARG002 -- Whoosh asks with it
        return None


class _ColumnWriter(columns.ColumnWriter):
    def __init__(self, dbfile: Any) -> None:
        self._dbfile = dbfile
        self._builder = Builder()

    def add(self, _docnum: int, value: ToWrite | Kept) -> None:
        if isinstance(value, Kept):
            self._builder.take_over(value)
        else:
            self._builder.add(value)

    def finish(self, _doccount: int) -> None:
        for piece in self._builder.pieces():
            self._dbfile.write(piece)


class _ColumnReader(columns.ColumnReader):
    """Hands out documents to be merged into another segment."""

    def __init__(self, segment: "Segment") -> None:
        self._segment = segment

    def __getitem__(self, number: int) -> Kept:
        return Kept(self._segment, number)


class Builder:
    """Collects the documents of a segment and writes its arrays."""

    def __init__(self) -> None:
        self._words: dict[str, dict[str, int]] = {locale: {NOTHING: 0} for locale in LOCALES}
        self._digests: list[int] = [0]
        self._facts: list[facts.Facts | tuple[str, str] | None] = [None]
        """Of a new word only the word and its language, until all words of the segment are there to split it by."""
        self._tokens = array("I")
        self._bounds = array("I")
        self._lengths = array("I")
        self._starts = array("Q", [0])
        self._rows: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self._names: dict[str, dict[str, int]] = {"kind": {}, "category": {}, "tag": {}}
        self._tags = array("H")
        self._tag_starts = array("I", [0])
        self._titles: dict[str, int] = {}
        """What titles are found by (`analysis.titles`), numbered as it comes."""
        self._entries = array("I")
        self._entry_starts = array("I", [0])
        self._vectors: list[NDArray[np.int8]] = []
        self._passages: list[NDArray[np.int8]] = []
        self._passage_counts = array("I")
        self._of_digest: dict[int, int] = {}
        self._known: Callable[[str], float] = lambda _word: 0.0

    def add(self, given: ToWrite) -> None:
        """Analyse a document."""
        one = analysed(given.document, given.encoder)
        self._known = given.known
        self._tokens.extend(self._numbers(one.words, one.locale))
        self._bounds.extend(one.bounds)
        self._lengths.extend(one.lengths)
        self._starts.append(len(self._tokens))
        self._vectors.append(one.vector[None, :])
        self._passages.append(one.passages)
        self._passage_counts.extend(one.passage_counts)
        self._entries.extend(self._entry(entry) for entry in sorted(titles.entries(given.document.title, one.locale)))
        self._entry_starts.append(len(self._entries))
        self._describe(given.document, one.locale)

    def take_over(self, kept: Kept) -> None:
        """Copy a document of another segment as it is."""
        segment, number = kept
        record = segment.records(np.array([number]))
        self._starts.append(self._starts[-1] + len(record.tokens))
        self._tokens.frombytes(self._translated(segment)[record.tokens].tobytes())
        self._bounds.extend(segment.bounds[number].tolist())
        self._lengths.extend(segment.lengths[number].tolist())
        self._vectors.append(segment.vectors(np.array([number])))
        self._passages.append(segment.passages(np.array([number])).vectors)
        self._passage_counts.extend(segment.passage_counts[number].tolist())
        self._entries.extend(self._entry(entry) for entry in segment.entries_of(number))
        self._entry_starts.append(len(self._entries))
        for name in _COLUMNS:
            self._rows[name].append(segment.columns[name][number])
        for name, values in (("kind", self._rows["kind"]), ("category", self._rows["category"])):
            values[-1] = self._name(name, segment.names[name][int(values[-1])])
        begin, end = segment.tag_starts[number], segment.tag_starts[number + 1]
        self._tags.extend(self._name("tag", segment.names["tag"][tag]) for tag in segment.tags[begin:end].tolist())
        self._tag_starts.append(len(self._tags))

    def pieces(self) -> Iterator[bytes]:
        """Yield the file."""
        arrays = self._arrays()
        header: dict[str, Any] = {"names": {name: list(values) for name, values in self._names.items()}, "arrays": {}}
        place = 0
        for name, values in arrays.items():
            header["arrays"][name] = [values.dtype.str, list(values.shape), place]
            place += -(-values.nbytes // _ALIGNED) * _ALIGNED
        header["size"] = place
        checksum = 0
        for values in arrays.values():
            checksum = zlib.crc32(_padded(values), checksum)
        header["checksum"] = checksum
        written = json.dumps(header, ensure_ascii=True).encode()
        yield _MAGIC + len(written).to_bytes(8, "little") + zlib.crc32(written).to_bytes(8, "little") + written
        for values in arrays.values():
            yield _padded(values)

    def _numbers(self, words: list[str], locale: str) -> list[int]:
        numbers = self._words[locale]
        for word in words:
            if word not in numbers:
                numbers[word] = self._number(facts.digest(word, locale), (word, locale))
        return [numbers[word] for word in words]

    def _number(self, digest: int, fact: facts.Facts | tuple[str, str]) -> int:
        number = self._of_digest.get(digest)
        if number is None:
            number = self._of_digest[digest] = len(self._digests)
            self._digests.append(digest)
            self._facts.append(fact)
        return number

    def _entry(self, entry: str) -> int:
        return self._titles.setdefault(entry, len(self._titles))

    def _known_facts(self, counts: Ints) -> list[facts.Facts | None]:
        """Return the facts of every word; a German word is split by what is known elsewhere and in this segment.

        `counts` is how often each word stands in what everybody may find (`counted`): a split says nothing of the rest.
        """
        german, elsewhere = self._words["de"], self._known

        def known(word: str) -> float:
            here = german.get(word)
            return elsewhere(word) + (0.0 if here is None else math.log1p(int(counts[here])))

        return [
            facts.of(*fact, known) if isinstance(fact, tuple) and not isinstance(fact, facts.Facts) else fact
            for fact in self._facts
        ]

    def _translated(self, segment: "Segment") -> NDArray[np.uint32]:
        """Return the numbers that the words of another segment have in this one, uint32[words]."""
        if segment.translated is None or segment.translated[0] is not self:
            numbers = np.zeros(len(segment.word_digests), dtype=np.uint32)
            for word, digest in enumerate(segment.word_digests.tolist()):
                if word:
                    numbers[word] = self._number(digest, segment.facts(word))
            segment.translated = (self, numbers)
        return segment.translated[1]

    def _describe(self, document: Document, locale: str) -> None:
        values = {
            "ref": document.ref.id,
            "kind": self._name("kind", document.ref.kind),
            "locale": LOCALES.index(locale),
            "audience": AUDIENCES.index(document.audience),
            "solved": document.solved,
            "answers": document.answers,
            "weight": min(max(document.weight, 0.1), 10.0),
            "created": min(max(int(document.created_at.timestamp()), 1), 0xFFFFFFFF),
            "author": hashes.of(label(document.author)) if document.author else 0,
            "category": self._name("category", label(document.category) if document.category else ""),
        }
        for name, value in values.items():
            self._rows[name].append(value)
        self._tags.extend(self._name("tag", tag) for tag in dict.fromkeys(label(tag) for tag in document.tags))
        self._tag_starts.append(len(self._tags))

    def _name(self, what: str, value: str) -> int:
        names = self._names[what]
        return names.setdefault(value, len(names)) if len(names) < _MOST_NAMES else names.get(value, 0)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        count = len(self._starts) - 1
        digests = np.array(self._digests, dtype=np.uint64)
        order = np.argsort(digests)  # word 0 stays the first: its digest is 0
        numbers = np.array(self._tokens, dtype=np.uint32)
        found = np.argsort(order).astype(np.uint32)[numbers]
        starts = np.array(self._starts, dtype=np.uint64)
        bounds = np.array(self._bounds, dtype=np.uint32).reshape(count, len(FIELDS))
        vectors = np.concatenate(self._vectors)
        passage_counts = np.array(self._passage_counts, dtype=np.uint8).reshape(count, 3)
        rows = {name: np.array(self._rows[name], dtype=kind) for name, kind in _COLUMNS.items()}
        counts = counted(numbers, starts, bounds, rows["audience"] == 0, len(digests))
        known = self._known_facts(counts)
        words = _Words.of([known[number] for number in order.tolist()])
        return {
            **rows,
            "lengths": np.array(self._lengths, dtype=np.uint16).reshape(count, len(FIELDS)),
            "bounds": bounds,
            "starts": starts,
            "tags": np.array(self._tags, dtype=np.uint16),
            "tag_starts": np.array(self._tag_starts, dtype=np.uint32),
            **self._titled(),
            "sketches": _sketches(vectors),
            "word_digests": digests[order],
            "word_counts": counts[order].astype(np.uint32),
            "word_stems": words.stems,
            "part_starts": words.part_starts,
            "parts": words.parts,
            "gram_starts": words.gram_starts,
            "grams": words.grams,
            "stem_digests": words.stem_digests,
            **_postings(found, starts, bounds, words),
            "passage_counts": passage_counts,
            "passage_starts": np.concatenate([[0], np.cumsum(passage_counts.sum(axis=1, dtype=np.uint64))]).astype(
                np.uint64
            ),
            "vectors": vectors,
            "tokens": found,
            "passages": np.concatenate(self._passages),
        }

    def _titled(self) -> dict[str, NDArray[Any]]:
        """Return what titles are found by, in the order of its bytes, and the documents of each, rising."""
        written = [entry.encode() for entry in self._titles]
        order = sorted(range(len(written)), key=written.__getitem__)
        names, name_starts = _flat([written[number] for number in order])
        place_of = np.empty(len(order), dtype=np.int64)
        place_of[order] = np.arange(len(order))
        entries = place_of[np.array(self._entries, dtype=np.int64)]
        counts = counts_of(np.array(self._entry_starts, dtype=np.uint32))
        by_entry = np.argsort(entries, kind="stable")
        return {
            "title_names": names,
            "title_name_starts": name_starts,
            "title_starts": np.concatenate([[0], np.cumsum(np.bincount(entries, minlength=len(order)))]).astype(
                np.uint32
            ),
            "title_documents": np.repeat(np.arange(len(counts), dtype=np.uint32), counts)[by_entry],
        }


def _flat(names: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return names one behind the other, and where each begins, uint32[n + 1]."""
    return np.frombuffer(b"".join(names), dtype=np.uint8), np.cumsum([0, *map(len, names)], dtype=np.uint32)


_COLUMNS: Final[dict[str, Any]] = {
    "ref": np.int64,
    "kind": np.uint16,
    "locale": np.uint8,
    "audience": np.uint8,
    "solved": np.uint8,
    "answers": np.uint8,
    "weight": np.float32,
    "created": np.uint32,
    "author": np.uint64,
    "category": np.uint16,
}
_LARGE: Final = frozenset({"title_documents", "post_documents", "post_frequencies", "vectors", "tokens", "passages"})
"""Arrays that are read piece by piece."""


class _Words(NamedTuple):
    """The facts of all words of a segment, flat."""

    stem_digests: NDArray[np.uint64]
    stems: NDArray[np.uint32]
    part_starts: NDArray[np.uint32]
    parts: NDArray[np.uint32]
    gram_starts: NDArray[np.uint32]
    grams: NDArray[np.uint16]

    @classmethod
    def of(cls, known: list[facts.Facts | None]) -> "_Words":
        """Give each stem a number; word 0 is no word and has the stem 0, which is none either."""
        told = [fact for fact in known if fact is not None]
        parts = [part for fact in told for part in fact.parts]
        digests = np.unique(np.array([0, *(fact.stem for fact in told), *parts], dtype=np.uint64))
        stems = np.searchsorted(digests, np.array([0, *(fact.stem for fact in told)], dtype=np.uint64))
        return cls(
            digests,
            stems.astype(np.uint32),
            np.cumsum([0, 0, *(len(fact.parts) for fact in told)], dtype=np.uint32),
            np.searchsorted(digests, np.array(parts, dtype=np.uint64)).astype(np.uint32),
            np.cumsum([0, 0, *(len(fact.grams) for fact in told)], dtype=np.uint32),
            np.concatenate([np.zeros(0, dtype=np.uint16), *(fact.grams for fact in told)]),
        )


def _postings(
    found: NDArray[np.uint32], starts: NDArray[np.uint64], bounds: NDArray[np.uint32], words: _Words
) -> dict[str, NDArray[Any]]:
    """Return for each stem the documents that have it and how often in each field, in halves (`WHOLE_WORD`, `PART`)."""
    count = len(starts) - 1
    fields = np.uint64(len(FIELDS))
    in_field = bounds.astype(np.int64)
    in_field[:, 1:] -= in_field[:, :-1].copy()
    where = np.repeat(np.arange(count * len(FIELDS), dtype=np.uint64), in_field.ravel())
    is_word = found > 0
    found, where = found[is_word].astype(np.int64), where[is_word]
    part_counts = counts_of(words.part_starts)[found]
    parts = words.parts[ranges(words.part_starts[found].astype(np.int64), part_counts)]
    keys = np.concatenate([words.stems[found], parts]).astype(np.uint64) * np.uint64(count * len(FIELDS))
    keys += np.concatenate([where, np.repeat(where, part_counts)])
    weights = np.repeat(np.array([WHOLE_WORD, PART], dtype=np.int64), [len(found), len(parts)])
    order = np.argsort(keys, kind="stable")
    keys, weights = keys[order], weights[order]
    firsts = _firsts(keys)
    keys, summed = keys[firsts], np.add.reduceat(weights, firsts) if len(firsts) else weights
    pairs = keys // fields
    firsts = _firsts(pairs)
    frequencies = np.zeros((len(firsts), len(FIELDS)), dtype=np.uint8)
    row = np.repeat(np.arange(len(firsts)), np.diff(firsts, append=len(pairs)))
    frequencies[row, (keys % fields).astype(np.int64)] = np.minimum(summed, _LARGEST_TF)
    pairs = pairs[firsts]
    stem_of = pairs // np.uint64(max(count, 1))
    return {
        "post_starts": np.searchsorted(stem_of, np.arange(len(words.stem_digests) + 1, dtype=np.uint64)).astype(
            np.uint64
        ),
        "post_documents": (pairs % np.uint64(max(count, 1))).astype(np.uint32),
        "post_frequencies": frequencies,
    }


class Record(NamedTuple):
    """The words of some documents, one after the other."""

    tokens: NDArray[np.uint32]
    counts: Ints
    """How many tokens each has, int64[n]."""


class Passages(NamedTuple):
    """Passages of some documents: int8[m, dimensions], and how many each document has, int64[n]."""

    vectors: NDArray[np.int8]
    counts: Ints


class Segment:
    """The arrays of one segment, open for reading. Safe to be used by many threads."""

    def __init__(self, descriptor: int, place: int, length: int, count: int) -> None:
        self._descriptor = descriptor
        self._place = place
        self.count = count
        self.translated: tuple[Builder, NDArray[np.uint32]] | None = None
        self._by_document: tuple[Ints, Ints] | None = None
        try:
            self._read_header(length)
            self._load()
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise Damaged(str(error)) from error

    def __del__(self) -> None:
        os.close(self._descriptor)

    def numbers(self, refs: Collection[Ref]) -> Ints:
        """Return the numbers of the documents that are `refs`, int64[n]."""
        found = np.zeros(self.count, dtype=np.bool_)
        for number, kind in enumerate(self.names["kind"]):
            ids = [ref.id for ref in refs if ref.kind == kind]
            if ids:
                found |= (self.columns["kind"] == number) & np.isin(self.columns["ref"], ids)
        return np.flatnonzero(found)

    def verify(self) -> None:
        """Read everything and compare it with the checksum; raises `Damaged`."""
        checksum, done = 0, 0
        while done < self._size:
            piece = self._bytes(self._data + done, min(1 << 22, self._size - done))
            checksum = zlib.crc32(piece, checksum)
            done += len(piece)
        if checksum != self._checksum:
            raise Damaged("the checksum differs")

    def stem(self, digest: int) -> int:
        """Return the number of a stem, -1 where no document has it."""
        return hashes.place(digest, self.stem_digests)

    def postings(self, stem: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """Return the documents that have a stem, uint32[n] rising, and how often in each field, uint8[n, fields]."""
        begin, end = int(self.post_starts[stem]), int(self.post_starts[stem + 1])
        return self._rows("post_documents", begin, end), self._rows("post_frequencies", begin, end)

    def titled(self, beginning: str) -> NDArray[np.uint32]:
        """Return the documents whose titles have an entry that begins so, uint32[n] with repetitions."""
        sought = beginning.encode()
        return self._of_entries(
            self._entry_place(sought), self._entry_place(sought + b"\xff")
        )  # no UTF-8 has that byte

    def entitled(self, entry: str) -> NDArray[np.uint32]:
        """Return the documents whose titles have an entry, uint32[n] rising."""
        sought = entry.encode()
        place = self._entry_place(sought)
        return self._of_entries(place, place + int(place < self._entry_count and self._entry_at(place) == sought))

    def entries_of(self, number: int) -> list[str]:
        """Return what the title of a document is found by; for copying it, many in a row."""
        if self._by_document is None:
            counts = counts_of(self._title_starts)
            documents = self._of_entries(0, len(counts)).astype(np.int64)
            order = np.argsort(documents, kind="stable")
            starts = np.concatenate([[0], np.cumsum(np.bincount(documents, minlength=self.count))])
            self._by_document = np.repeat(np.arange(len(counts)), counts)[order], starts
        entries, starts = self._by_document
        return [self._entry_at(place).decode() for place in entries[starts[number] : starts[number + 1]].tolist()]

    def document_frequency(self, stem: int) -> int:
        """Return how many documents have a stem, deleted ones included."""
        return int(self.post_starts[stem + 1] - self.post_starts[stem])

    def records(self, numbers: Ints, most_tokens: int | None = None) -> Record:
        """Read documents; of a longer one only its first `most_tokens` tokens."""
        begins = self.starts[numbers].astype(np.int64)
        counts = self.starts[numbers + 1].astype(np.int64) - begins
        if most_tokens is not None:
            counts = np.minimum(counts, most_tokens)
        return Record(self._gathered("tokens", begins, counts), counts)

    def vectors(self, numbers: Ints) -> NDArray[np.int8]:
        """Read the vectors of documents, int8[n, dimensions]."""
        return self._gathered("vectors", numbers, np.ones(len(numbers), dtype=np.int64))

    def passages(self, numbers: Ints, *, inside: bool = True) -> Passages:
        """Read the passages of documents; those of private messages only `inside`."""
        each = self.passage_counts[numbers].astype(np.int64)
        counts = each.sum(axis=1) if inside else each[:, :2].sum(axis=1)
        return Passages(self._gathered("passages", self.passage_starts[numbers].astype(np.int64), counts), counts)

    def facts(self, word: int) -> facts.Facts:
        """Return what is known of a word."""
        parts = self.parts[self.part_starts[word] : self.part_starts[word + 1]]
        return facts.Facts(
            int(self.stem_digests[self.word_stems[word]]),
            tuple(int(self.stem_digests[part]) for part in parts),
            self.grams[self.gram_starts[word] : self.gram_starts[word + 1]],
        )

    def _read_header(self, length: int) -> None:
        start = self._bytes(self._place, len(_MAGIC) + 16)
        if not start.startswith(_MAGIC):
            raise ValueError("not a file of this index")
        size = int.from_bytes(start[8:16], "little")
        if size > length:
            raise ValueError("the header is cut")
        written = self._bytes(self._place + len(_MAGIC) + 16, size)
        if zlib.crc32(written) != int.from_bytes(start[16:24], "little"):
            raise ValueError("the header is damaged")
        header = json.loads(written)
        self.names: dict[str, list[str]] = header["names"]
        self._layout: dict[str, tuple[np.dtype[Any], tuple[int, ...], int]] = {
            name: (np.dtype(kind), tuple(shape), place) for name, (kind, shape, place) in header["arrays"].items()
        }
        self._size: int = header["size"]
        self._checksum: int = header["checksum"]
        self._data = self._place + len(_MAGIC) + 16 + size
        if self._data + self._size != self._place + length:
            raise ValueError("the file is cut")

    def _load(self) -> None:
        small = {name: self._all(name) for name in self._layout if name not in _LARGE}
        self.columns: dict[str, NDArray[Any]] = {name: small[name] for name in _COLUMNS}
        self.lengths: NDArray[np.uint16] = small["lengths"]
        self.bounds: NDArray[np.uint32] = small["bounds"]
        self.starts: NDArray[np.uint64] = small["starts"]
        self.tags: NDArray[np.uint16] = small["tags"]
        self.tag_starts: NDArray[np.uint32] = small["tag_starts"]
        self.sketches: NDArray[np.uint64] = small["sketches"]
        self.word_digests: NDArray[np.uint64] = small["word_digests"]
        self.word_counts: NDArray[np.uint32] = small["word_counts"]
        self.word_stems: NDArray[np.uint32] = small["word_stems"]
        self.part_starts: NDArray[np.uint32] = small["part_starts"]
        self.parts: NDArray[np.uint32] = small["parts"]
        self.gram_starts: NDArray[np.uint32] = small["gram_starts"]
        self.grams: NDArray[np.uint16] = small["grams"]
        self.stem_digests: NDArray[np.uint64] = small["stem_digests"]
        self.post_starts: NDArray[np.uint64] = small["post_starts"]
        self.passage_counts: NDArray[np.uint8] = small["passage_counts"]
        self.passage_starts: NDArray[np.uint64] = small["passage_starts"]
        self._title_names = small["title_names"].tobytes()
        self._title_name_starts: NDArray[np.uint32] = small["title_name_starts"]
        self._title_starts: NDArray[np.uint32] = small["title_starts"]
        if len(self.starts) != self.count + 1:
            raise ValueError("another number of documents")

    def words(self, digests: NDArray[np.uint64]) -> Ints:
        """Return the numbers of words, int64[n]; 0 for those that no document has."""
        return np.maximum(hashes.places(digests, self.word_digests), 0)

    @property
    def _entry_count(self) -> int:
        return len(self._title_starts) - 1

    def _entry_at(self, place: int) -> bytes:
        return self._title_names[int(self._title_name_starts[place]) : int(self._title_name_starts[place + 1])]

    def _entry_place(self, sought: bytes) -> int:
        """Return how many entries come before some bytes."""
        return bisect_left(range(self._entry_count), sought, key=self._entry_at)

    def _of_entries(self, begin: int, end: int) -> NDArray[np.uint32]:
        return self._rows("title_documents", int(self._title_starts[begin]), int(self._title_starts[end]))

    def _all(self, name: str) -> NDArray[Any]:
        kind, shape, place = self._layout[name]
        size = kind.itemsize * int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(self._bytes(self._data + place, size), dtype=kind).reshape(shape)

    def _rows(self, name: str, begin: int, end: int) -> NDArray[Any]:
        kind, shape, place = self._layout[name]
        size = kind.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        read = self._bytes(self._data + place + begin * size, (end - begin) * size)
        return np.frombuffer(read, dtype=kind).reshape(-1, *shape[1:])

    def _gathered(self, name: str, begins: Ints, counts: Ints) -> NDArray[Any]:
        """Read some rows from each of many places, one behind the other."""
        kind, shape, place = self._layout[name]
        size = kind.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        base, descriptor = self._data + place, self._descriptor
        pieces = [
            os.pread(descriptor, count * size, base + begin * size)
            for begin, count in zip(begins.tolist(), counts.tolist(), strict=True)
        ]
        read = b"".join(pieces)
        if len(read) != int(counts.sum()) * size:
            raise Damaged("the file is cut")
        return np.frombuffer(read, dtype=kind).reshape(-1, *shape[1:])

    def _bytes(self, place: int, size: int) -> bytes:
        read = os.pread(self._descriptor, size, place)
        while len(read) < size:
            more = os.pread(self._descriptor, size - len(read), place + len(read))
            if not more:
                raise Damaged("the file is cut")
            read += more
        return read


def counts_of(starts: NDArray[np.unsignedinteger]) -> Ints:
    """Return how many rows lie between each start and the next, int64[n - 1]."""
    wide = starts.astype(np.int64)
    return wide[1:] - wide[:-1]


def _firsts(rising: NDArray[np.uint64]) -> Ints:
    """Return where each value of a rising array stands first."""
    return np.flatnonzero(np.diff(rising, prepend=rising[:1] + np.uint64(1))) if len(rising) else np.zeros(0, np.int64)


def counted(
    found: NDArray[np.uint32],
    starts: NDArray[np.uint64],
    bounds: NDArray[np.uint32],
    is_public: NDArray[np.bool_],
    words: int,
) -> Ints:
    """Count each word in what everybody may find and learn from, int64[words]."""
    begins = starts[:-1].astype(np.int64)[is_public]
    places = ranges(begins, bounds[is_public, FIELDS.index("body")].astype(np.int64))
    return np.bincount(found[places], minlength=words)


def _sketches(vectors: NDArray[np.int8]) -> NDArray[np.uint64]:
    """Return the signs of vectors as bits, uint64[dimensions / 64, n]: the first 64 of all, then the next."""
    return np.ascontiguousarray(np.packbits(vectors > 0, axis=1).view(np.uint64).T)


def sketch(vector: Vectors) -> NDArray[np.uint64]:
    """Return the signs of one vector as bits, uint64[dimensions / 64]."""
    return np.packbits(vector > 0).view(np.uint64)


def _padded(values: NDArray[Any]) -> bytes:
    raw = np.ascontiguousarray(values).tobytes()
    return raw + bytes(-len(raw) % _ALIGNED)
