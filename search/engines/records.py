"""A document as the database keeps it: terms that find it, and a record of bytes that it is compared by.

A record knows its own words: which stems and trigrams each has, and where it stands. So documents are compared without
a table of all words, which no process then has to hold.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import ranking
from search.analysis import facts, grams, hashes, stems, titles
from search.analysis.text import label
from search.documents import AUDIENCES, Document
from search.encoders import Encoder, Vectors
from search.engines.analysed import FIELDS, LOCALES, NOTHING, Analysed, analysed
from search.engines.statistics import SUMS, Counts
from search.ranking import Candidates, Collection, Floats, Ints, WordTable

PART: Final = 0.5
"""What a part of a compound counts where a whole word counts 1."""
STRONG: Final = 2.0
"""A stem that counts so much in a document has a second lexeme there, found without reading the text."""
_MOST_KEPT: Final = 8_000
"""Words in a record; of a longer text the rest is found and does not count."""
_MOST_TERMS: Final = 20_000
"""Different stems of a text that it is found by: a tsvector holds a megabyte."""
_LAST_PLACE: Final = 16_383
"""The last place that a tsvector knows; whatever stands behind it stands there."""
_MOST_PLACES: Final = 255
_MOST_WORDS: Final = 0xFFFF
_MOST_GRAMS: Final = 255
_HEADER: Final = 4 + len(FIELDS)
_ASKED: Final = FIELDS.index("asked")
_INSIDE: Final = FIELDS.index("asked_inside")
_OWN: Final = tuple(FIELDS.index(name) for name in ("title", "keywords", "body"))
_LABELS: Final = dict(zip(FIELDS, ("A", "B", "C", "D", "C"), strict=True))
_STRONG_SIGN: Final = "!"
_TITLED: Final = "t"
"""Stands before what a title is found by while it is typed, where other lexemes have their language."""
_EARLIEST: Final = 1
_LATEST: Final = 0xFFFFFFFF


class Kept(NamedTuple):
    """What is read of a document to compare it."""

    record: bytes
    own_length: int
    asked_length: int
    inside_length: int


class Opened(NamedTuple):
    """Some documents of one language, ready to be compared."""

    vectors: NDArray[np.int8]
    """One of each document, int8[n, dimensions]."""
    candidates: Candidates
    parts: NDArray[np.uint64]
    """Digests of the stems of the parts of compounds."""
    part_starts: Ints
    """Where those of each word of the table begin, int64[words + 1]."""


def lexeme(stem: str, locale: str, *, is_strong: bool = False) -> str:
    """Return what a stem is called in the columns of terms, quoted as tsvector and tsquery read it."""
    return f"'{locale}:{stem}{_STRONG_SIGN if is_strong else ''}'"


def title_lexeme(entry: str, *, is_beginning: bool = False) -> str:
    """Return what an entry of `analysis.titles` is called in the column of terms, or what begins so."""
    return f"'{_TITLED}:{entry}'{':*' if is_beginning else ''}"


def to_keep(documents: Sequence[Document], encoder: Encoder, known: Callable[[str], float]) -> list[dict[str, Any]]:
    """Return the columns of documents; `known` says how well German words are known besides in these."""
    each = [analysed(document, encoder) for document in documents]
    here: dict[str, int] = {}
    for one in each:
        if one.locale == "de":
            for word in one.words:
                here[word] = here.get(word, 0) + 1

    def known_here(word: str) -> float:
        return known(word) + math.log1p(here.get(word, 0))

    words: dict[tuple[str, str], _Word] = {}
    for one in each:
        for word in one.words:
            if word and (word, one.locale) not in words:
                words[word, one.locale] = _Word.of(word, one.locale, known_here)
    return [_columns(document, one, words) for document, one in zip(documents, each, strict=True)]


class _Word(NamedTuple):
    text: str
    digest: int
    stem: str
    parts: tuple[str, ...]
    facts: facts.Facts

    @classmethod
    def of(cls, word: str, locale: str, known: Callable[[str], float]) -> "_Word":
        stem = stems.stem(word, locale) or word
        parts = tuple(stems.stem(part, locale) for part in facts.parts(word, locale, known))
        of_parts = tuple(facts.digest(part, locale) for part in parts)
        known_of_it = facts.Facts(facts.digest(stem, locale), of_parts, grams.of(word))
        return cls(word, facts.digest(word, locale), stem, parts, known_of_it)


def _columns(document: Document, one: Analysed, words: Mapping[tuple[str, str], _Word]) -> dict[str, Any]:
    tags = list(dict.fromkeys(label(tag) for tag in document.tags))
    own = sum(one.lengths[number] for number in _OWN)
    asked, inside = one.lengths[_ASKED], one.lengths[_INSIDE]
    told = [words[word, one.locale] for word in list(dict.fromkeys(filter(None, one.words)))[:_MOST_WORDS]]
    counted_by = (document.ref.kind, one.locale, label(document.category), document.solved, tags)
    return {
        "facets": hashes.of(repr(counted_by)) >> 1,
        "kind": document.ref.kind,
        "ref_id": document.ref.id,
        "locale": one.locale,
        "audience": AUDIENCES.index(document.audience),
        "solved": document.solved,
        "answers": document.answers,
        "weight": min(max(document.weight, 0.1), 10.0),
        "created": min(max(int(document.created_at.timestamp()), _EARLIEST), _LATEST),
        "author": label(document.author),
        "category": label(document.category),
        "tags": tags,
        "terms": " ".join([_terms(one, words, inside=False), *_title_lexemes(document.title, one.locale)]),
        "inside": _terms(one, words, inside=True) if inside else None,
        "own_length": own,
        "asked_length": asked,
        "inside_length": asked + inside,
        "sketch": sketch(one.vector),
        "record": _record(one, told),
        "words": _words(one, told),
        "passages": bytes(one.passage_counts) + one.passages.tobytes(),
    }


def sketch(vector: Vectors | NDArray[np.int8]) -> str:
    """Return the signs of a vector as bits that the database compares."""
    return "".join("1" if sign else "0" for sign in (vector > 0).tolist())


def _terms(one: Analysed, words: Mapping[tuple[str, str], _Word], *, inside: bool) -> str:
    """Return a tsvector: the stems with their places, title A, keywords B, asked C, text D, and the parts without.

    `inside` are the private messages alone, which are kept apart so that they never find anything for others.
    """
    places: dict[str, list[str]] = {}
    weights: dict[str, float] = {}
    begin = 0
    for field, end in zip(FIELDS, one.bounds, strict=True):
        if (field == "asked_inside") == inside:
            boost = ranking.FIELD_BOOSTS.get(field, 0.0)
            for place in range(begin, end):
                if one.words[place] == NOTHING:
                    continue
                word = words[one.words[place], one.locale]
                found = places.setdefault(word.stem, [])
                weights[word.stem] = weights.get(word.stem, 0.0) + boost
                if len(found) < _MOST_PLACES:
                    found.append(f"{min(place + 1, _LAST_PLACE)}{_LABELS[field]}")
                for part in word.parts:
                    places.setdefault(part, [])
                    weights[part] = weights.get(part, 0.0) + PART * boost
        begin = end
    written = []
    for stem, found in list(places.items())[:_MOST_TERMS]:
        written.append(f"{lexeme(stem, one.locale)}{':' if found else ''}{','.join(found)}")
        if weights[stem] >= STRONG:
            written.append(lexeme(stem, one.locale, is_strong=True))
    return " ".join(written)


def _title_lexemes(title: str, locale: str) -> list[str]:
    return [title_lexeme(entry) for entry in sorted(titles.entries(title, locale))]


def _words(one: Analysed, told: Sequence[_Word]) -> bytes:
    """Return the digests of the words, and how often each stands in what everybody may learn from."""
    seen: dict[str, int] = {}
    begin = 0
    for field, end in zip(FIELDS, one.bounds, strict=True):
        for word in one.words[begin:end] if field != "asked_inside" else ():
            seen[word] = seen.get(word, 0) + 1
        begin = end
    digests = np.array([word.digest for word in told], dtype="<u8")
    return digests.tobytes() + np.array([seen.get(word.text, 0) for word in told], dtype="<u4").tobytes()


def _record(one: Analysed, told: Sequence[_Word]) -> bytes:
    numbers = {word.text: number for number, word in enumerate(told, 1)}
    kept = one.words[:_MOST_KEPT]
    parts = [part for word in told for part in word.facts.parts]
    of_words = [word.facts.grams[:_MOST_GRAMS] for word in told]
    flat = np.concatenate([np.zeros(0, dtype=np.uint16), *of_words])
    header = [len(told), len(parts), len(flat), len(kept), *(min(bound, len(kept)) for bound in one.bounds)]
    return b"".join(
        piece.tobytes()
        for piece in (
            np.array(header, dtype="<u4"),
            np.array([word.facts.stem for word in told], dtype="<u8"),
            np.array(parts, dtype="<u8"),
            np.array([len(word.facts.parts) for word in told], dtype="<u1"),
            np.array([len(each) for each in of_words], dtype="<u1"),
            flat.astype("<u2"),
            np.array([numbers.get(word, 0) for word in kept], dtype="<u2"),
            one.vector,
        )
    )


def counted(rows: Iterable[Any]) -> Counts:
    """Return what documents add to the statistics: those for everybody, and of them what everybody may learn from.

    A row has audience, locale, lengths, record and words.
    """
    return Counts.total(_counts(row) for row in rows if row["audience"] == 0 and len(row["record"]))


def _counts(row: Any) -> Counts:
    record = np.frombuffer(row["record"], dtype=np.uint8)
    words, parts, trigrams, _ = record[:16].view("<u4").tolist()
    digests = np.frombuffer(row["words"], "<u8", words)
    occurrences = np.frombuffer(row["words"], "<u4", words, 8 * words).astype(np.int64)
    begin = 4 * _HEADER
    stem_of = np.frombuffer(row["record"], "<u8", words, begin)
    of_parts = np.frombuffer(row["record"], "<u8", parts, begin + 8 * words)
    part_counts, gram_counts = record[begin + 8 * (words + parts) :][: 2 * words].reshape(2, words).astype(np.int64)
    flat = np.frombuffer(row["record"], "<u2", trigrams, begin + 8 * (words + parts) + 2 * words)
    is_public = occurrences > 0
    order = np.argsort(digests)
    stems_there = np.unique(np.concatenate([stem_of[is_public], of_parts[np.repeat(is_public, part_counts)]]))
    grams_there, where = np.unique(flat, return_inverse=True)
    of_grams = np.bincount(where, np.repeat(occurrences, gram_counts), minlength=len(grams_there))
    sums = np.zeros((len(LOCALES), len(SUMS)), dtype=np.int64)
    own, asked, inside = row["own_length"], row["asked_length"], row["inside_length"]
    sums[LOCALES.index(row["locale"])] = (1, own, asked > 0, asked, inside > 0, inside)
    return Counts(
        digests[order].astype(np.uint64),
        occurrences[order],
        stems_there.astype(np.uint64),
        np.ones(len(stems_there), dtype=np.int64),
        grams_there.astype(np.uint16),
        of_grams.astype(np.int64),
        sums,
    )


def opened(rows: Sequence[Kept], *, inside: bool) -> Opened:
    """Open the records of documents of one language."""
    joined = np.frombuffer(b"".join(row.record for row in rows), dtype=np.uint8)
    sizes = np.array([len(row.record) for row in rows], dtype=np.int64)
    begins = place = np.cumsum(sizes) - sizes
    headers = _gathered(joined, place, np.full(len(rows), _HEADER), "<u4").reshape(-1, _HEADER).astype(np.int64)
    words, parts, trigrams, tokens = headers[:, :4].T
    bounds = headers[:, 4:]
    sections = []
    place = place + 4 * _HEADER
    for counts, kind in (
        (words, "<u8"),
        (parts, "<u8"),
        (words, "<u1"),
        (words, "<u1"),
        (trigrams, "<u2"),
        (tokens, "<u2"),
    ):
        sections.append(_gathered(joined, place, counts, kind))
        place = place + counts * np.dtype(kind).itemsize
    numbers = sections[5].astype(np.int64)
    # The words of each document come behind those of the one before; word 0 is none, in all of them.
    numbers += np.where(numbers > 0, np.repeat(np.cumsum(words) - words, tokens), 0)
    vectors = _gathered(joined, place, sizes - (place - begins), "i1").reshape(len(rows), -1)
    candidates = Candidates(
        tokens=numbers.astype(np.uint32),
        token_counts=tokens,
        bounds=(bounds[:, _ASKED - 1], bounds[:, _ASKED], bounds[:, _INSIDE - 1]),
        inside=inside,
        own_lengths=np.array([row.own_length for row in rows], dtype=np.float32),
        asked_lengths=np.array([row.inside_length if inside else row.asked_length for row in rows], dtype=np.float32),
        table=WordTable(
            np.concatenate([np.zeros(1, dtype=np.uint64), sections[0]]),
            np.concatenate([[0], sections[3].astype(np.int64)]),
            sections[4],
        ),
    )
    return Opened(vectors, candidates, sections[1], np.concatenate([[0, 0], np.cumsum(sections[2], dtype=np.int64)]))


def passages(packed: Sequence[bytes], dimensions: int, *, inside: bool) -> tuple[NDArray[np.int8], Ints]:
    """Return the passages of documents, int8[m, dimensions], and how many each has, int64[n].

    Those that are private messages are there only `inside`.
    """
    counts = [sum(each[: 3 if inside else 2]) for each in packed]
    joined = b"".join(each[3 : 3 + count * dimensions] for each, count in zip(packed, counts, strict=True))
    return np.frombuffer(joined, dtype=np.int8).reshape(-1, dimensions), np.array(counts, dtype=np.int64)


def frequencies(those: Opened, wanted: NDArray[np.uint64], collection: Collection, b: float) -> Floats:
    """Return how often each of the stems `wanted` stands in each document, as BM25F counts it, float32[n, stems].

    The fields count by `ranking.FIELD_BOOSTS`, over the length of the document.
    """
    found = those.candidates
    order = np.argsort(wanted)
    count = len(found.token_counts)
    words_hit = _places(found.table.stems, wanted[order])
    part_columns = _places(those.parts, wanted[order])
    document_of = np.repeat(np.arange(count), found.token_counts)
    portions = _portions(found, collection, b)
    cells, shares = [], []
    columns = words_hit[found.tokens]
    hit = np.flatnonzero(columns >= 0)
    cells.append(document_of[hit] * len(wanted) + columns[hit])
    shares.append(portions[hit])
    part_counts = np.diff(those.part_starts)
    with_parts = np.flatnonzero(part_counts[found.tokens])
    if len(with_parts):
        counts = part_counts[found.tokens[with_parts]]
        columns = part_columns[ranking.ranges(those.part_starts[found.tokens[with_parts]], counts)]
        tokens = np.repeat(with_parts, counts)[columns >= 0]
        cells.append(document_of[tokens] * len(wanted) + columns[columns >= 0])
        shares.append(PART * portions[tokens])
    size = count * len(wanted)
    summed = np.bincount(np.concatenate(cells), np.concatenate(shares), minlength=size).reshape(count, len(wanted))
    result = np.zeros((count, len(wanted)), dtype=np.float32)
    result[:, order] = summed
    return result


def _portions(found: Candidates, collection: Collection, b: float) -> Floats:
    """Return what each token adds to the frequency of its stem in its document, float32[tokens]."""
    own = 1 / ranking.shortness(found.own_lengths, collection.own_length, b)
    asked = ranking.asked_boost(collection) / ranking.shortness(
        found.asked_lengths, collection.asked_length, ranking.ASKED_B
    )
    inside = asked if found.inside else np.zeros_like(asked)
    boosts = ranking.FIELD_BOOSTS
    ends = np.stack([*found.bounds, found.token_counts], axis=1)
    counts = np.maximum(np.diff(ends, axis=1, prepend=0), 0)
    each = np.stack([boosts["title"] * own, asked, boosts["body"] * own, inside], axis=1)
    portions: Floats = np.repeat(each.astype(np.float32).ravel(), counts.ravel())
    return portions


def _places(those: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> Ints:
    """Return where each of `those` stands in the rising `wanted`, -1 where it does not."""
    places = np.minimum(np.searchsorted(wanted, those), len(wanted) - 1)
    return np.where(wanted[places] == those, places, -1)


def _gathered(joined: NDArray[np.uint8], begins: Ints, counts: Ints, kind: str) -> NDArray[Any]:
    size = np.dtype(kind).itemsize
    return joined[ranking.ranges(begins, counts * size)].view(kind)
