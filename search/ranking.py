"""How good a hit is: five signals, each between 0 and about 1, and how much each is believed.

words    BM25F over stems and the parts of compounds (Robertson and Zaragoza 2009, section 3.6)
grams    the same over trigrams inside words: what is spelt or built alike
pairs    the same over neighbouring stems: what stands together in the question and in the text
meaning  the cosine of the vectors of question and text
near     the cosines of the closest three passages, or messages that the text has already answered

The first three are shares of the score that a text made of the question alone could reach, so that they can be added to
cosines. `words` is counted by the engine over the whole collection, the others here, for a few hundred candidates.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.analysis import facts, grams, stems
from search.encoders import Vectors

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SIGNALS: Final = ("words", "grams", "pairs", "meaning", "near")
K1: Final = 1.2
FIELD_BOOSTS: Final = {"title": 1.5, "keywords": 1.5, "body": 1.0}
ASKED_BOOST: Final = 0.7
"""Of a message that was answered with the text, where every text has such messages; less where few have."""
ASKED_B: Final = 0.75
MOST_PAIRED: Final = 32
"""Words of a question whose neighbourhood counts."""
_NEAREST: Final = 3
_SHARPNESS: Final = 20.0
"""How much the closest passage counts before the second and third; infinite would be the maximum."""


class Weights(NamedTuple):
    """How much each signal is believed in a language, and how much the length of a text matters to it."""

    words: float
    grams: float
    pairs: float
    meaning: float
    near: float
    b: float
    grams_b: float
    pairs_b: float


_WEIGHTS: Final[Mapping[str, Weights]] = {
    "en": Weights(words=1.0, grams=0.3, pairs=0.3, meaning=0.8, near=0.4, b=0.75, grams_b=0.5, pairs_b=0.3),
    "de": Weights(words=1.0, grams=1.0, pairs=0.2, meaning=0.8, near=0.4, b=0.75, grams_b=0.75, pairs_b=0.3),
}


def weights(locale: str) -> Weights:
    """Return the weights for texts of a language."""
    return _WEIGHTS[locale]


def trusted(locale: str, strength: float, coverage: float) -> Floats:
    """Return how much each of `SIGNALS` is believed, float32[5].

    `strength` is the encoder's in this language. `coverage` is the share of texts that know messages they answered:
    the more know any, the more the closest message says beside the text itself.
    """
    chosen = _WEIGHTS[locale]
    return np.array(
        [
            chosen.words,
            chosen.grams,
            chosen.pairs,
            chosen.meaning * strength * (1 - coverage / 2),
            chosen.near * strength * (1 + 6 * coverage),
        ],
        dtype=np.float32,
    )


def rarity(having: float, documents: float) -> float:
    """Say how much a term tells, by how many of how many documents have it; never negative."""
    documents = max(documents, having)
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


def saturated(frequencies: Floats) -> Floats:
    """Return what frequencies, already divided by the length of their text, add to a score: at most K1 + 1."""
    return (K1 + 1) * frequencies / (K1 + frequencies)


def shortness(lengths: Floats, average: float, b: float) -> Floats:
    """Return by what frequencies are divided in texts of `lengths` words."""
    return 1 - b + b * lengths / max(average, 1e-9)


class Collection(NamedTuple):
    """What is known of all documents of a language that everybody may find."""

    documents: int
    total: int
    """Documents of all languages, whose trigrams are counted together."""
    own_length: float
    """The average number of words of title, keywords and body."""
    asked_length: float
    """The same of the messages that were answered, over the documents that have any."""
    coverage: float
    """The share of documents that have any such message."""
    gram_counts: Floats
    """How often each trigram stands in them, float32[65536]."""


@dataclass(frozen=True, slots=True)
class WordTable:
    """Stems and trigrams of numbered words; word 0 is none."""

    stem_digests: NDArray[np.uint64]
    """Of the stems, by their number."""
    stems: NDArray[np.uint32]
    """The number of the stem of each word."""
    gram_starts: NDArray[np.uint32]
    grams: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Some documents of one language; `counts` arrays say how many rows of the flat ones belong to each."""

    vectors: NDArray[np.int8]
    tokens: NDArray[np.uint32]
    token_counts: Ints
    bounds: tuple[Ints, Ints, Ints]
    """Before the first and from the third of these tokens on a document's own words stand, between the messages that it
    answered: up to the second those that everybody may learn from."""
    inside: bool
    """Whether the others count too."""
    own_lengths: Floats
    asked_lengths: Floats
    table: WordTable


class Question:
    """What is asked, analysed once for each language."""

    def __init__(self, sequence: Sequence[str], vector: Vectors | None) -> None:
        self._sequence = tuple(sequence)
        self.vector = vector
        self._stems: dict[str, tuple[int, ...]] = {}
        counts: dict[int, int] = {}
        for word in self._sequence:
            for gram in grams.of(word).tolist():
                counts[gram] = counts.get(gram, 0) + 1
        self.grams = np.fromiter(counts, dtype=np.int64)
        self.gram_counts = np.fromiter(counts.values(), dtype=np.float32)

    def stems(self, locale: str) -> tuple[int, ...]:
        """Return the digests of the stems in order, as documents of `locale` have them."""
        if locale not in self._stems:
            self._stems[locale] = tuple(
                facts.digest(stems.stem(word, locale) or word, locale) for word in self._sequence[:MOST_PAIRED]
            )
        return self._stems[locale]


def compare(question: Question, those: Candidates, collection: Collection, locale: str) -> NDArray[np.float32]:
    """Return the signals grams, pairs and meaning of candidates, float32[n, 3]."""
    found = np.zeros((len(those.token_counts), 3), dtype=np.float32)
    if not len(found):
        return found
    chosen = _WEIGHTS[locale]
    document_of = np.repeat(np.arange(len(found)), those.token_counts)
    if len(question.grams):
        found[:, 0] = _gram_scores(
            question, those, collection, document_of, _portions(those, collection, document_of, chosen.grams_b)
        )
    if len(question.stems(locale)) > 1:
        found[:, 1] = _pair_scores(
            question.stems(locale),
            those,
            collection,
            document_of,
            _portions(those, collection, document_of, chosen.pairs_b),
        )
    if question.vector is not None:
        found[:, 2] = cosines(question.vector, those.vectors)
    return found


def cosines(vector: Vectors, rows: NDArray[np.int8]) -> Floats:
    """Return the cosines of a unit vector with rows of small numbers, float32[n]."""
    wide = rows.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    # For a thousand rows and more BLAS would start threads, which wait for each other where processes share the cores.
    result: Floats = np.einsum("ij,j->i", wide, vector) / np.maximum(lengths, 1e-9)
    return result


def nearness(vector: Vectors, rows: NDArray[np.int8], counts: Ints) -> Floats:
    """Return how close the closest passages of each document are, float32[n]; `counts` says how many rows each has.

    The logarithm of the mean of the exponentials of the best three: nearly the maximum, and a second witness counts.
    """
    found = cosines(vector, rows)
    table = np.full((len(counts), max(int(counts.max(initial=1)), _NEAREST)), -np.inf, dtype=np.float32)
    document_of = np.repeat(np.arange(len(counts)), counts)
    table[document_of, np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)] = found
    best = np.partition(table, table.shape[1] - _NEAREST, axis=1)[:, -_NEAREST:]
    witnesses = np.maximum(np.isfinite(best).sum(axis=1), 1)
    result: Floats = np.log(np.exp(_SHARPNESS * best).sum(axis=1) / witnesses + 1e-30) / _SHARPNESS
    return result


def _portions(those: Candidates, collection: Collection, document_of: Ints, b: float) -> Floats:
    """Return what each token adds to a frequency in its document, float32[tokens]."""
    place = np.arange(len(document_of)) - np.repeat(
        np.cumsum(those.token_counts) - those.token_counts, those.token_counts
    )
    first, second, third = (bound[document_of] for bound in those.bounds)
    own = (1 / shortness(those.own_lengths, collection.own_length, b))[document_of]
    asked = asked_boost(collection) / shortness(those.asked_lengths, collection.asked_length, ASKED_B)
    portions = np.where((place < first) | (place >= third), own, asked[document_of])
    if not those.inside:
        portions[(place >= second) & (place < third)] = 0
    return portions.astype(np.float32)


def asked_boost(collection: Collection) -> float:
    """Return how much a word of a message counts beside one of the text."""
    return ASKED_BOOST * collection.coverage


def _gram_scores(
    question: Question,
    those: Candidates,
    collection: Collection,
    document_of: Ints,
    portions: Floats,
) -> Floats:
    # How many documents have a trigram follows from how often it is there, as if it were scattered by chance.
    total = max(collection.total, 1)
    having = total * -np.expm1(-collection.gram_counts[question.grams] / total)
    tell = np.log(1 + (total - having + 0.5) / (having + 0.5)).astype(np.float32) * question.gram_counts
    number_of = np.full(grams.COUNT, -1, dtype=np.int16)
    number_of[question.grams] = np.arange(len(question.grams))
    starts = those.table.gram_starts
    begins = starts[those.tokens].astype(np.int64)
    counts = starts[those.tokens + np.uint32(1)].astype(np.int64) - begins
    number = number_of[those.table.grams[ranges(begins, counts)]]
    hit = np.flatnonzero(number >= 0)
    token = np.repeat(np.arange(len(those.tokens)), counts)[hit]
    cells = document_of[token] * len(tell) + number[hit]
    frequencies = np.bincount(cells, portions[token], minlength=len(those.token_counts) * len(tell)).astype(np.float32)
    scores: Floats = saturated(frequencies.reshape(-1, len(tell))) @ tell
    return scores / max(float(tell.sum()) * (K1 + 1), 1e-9)


def _pair_scores(
    asked: tuple[int, ...],
    those: Candidates,
    collection: Collection,
    document_of: Ints,
    portions: Floats,
) -> Floats:
    places = {digest: number for number, digest in enumerate(dict.fromkeys(asked), 1)}
    counts: dict[int, int] = {}
    for one, other in zip(asked, asked[1:], strict=False):
        pair = places[one] * (len(places) + 1) + places[other]
        counts[pair] = counts.get(pair, 0) + 1
    pairs = np.array(list(counts), dtype=np.int64)
    wanted = np.array(list(counts.values()), dtype=np.float32)
    number_of = np.zeros(len(those.table.stem_digests), dtype=np.int64)
    for digest, number in places.items():
        place = int(those.table.stem_digests.searchsorted(np.uint64(digest)))
        if place < len(number_of) and int(those.table.stem_digests[place]) == digest:
            number_of[place] = number
    row = number_of[those.table.stems[those.tokens]]
    together = row[:-1] * (len(places) + 1) + row[1:]
    together[(row[:-1] == 0) | (row[1:] == 0) | (document_of[:-1] != document_of[1:])] = -1
    order = np.argsort(pairs)
    place = np.searchsorted(pairs[order], together)
    place[place == len(pairs)] = 0
    hit = np.flatnonzero(pairs[order][place] == together)
    cells = document_of[hit] * len(pairs) + place[hit]
    size = len(those.token_counts) * len(pairs)
    frequencies = np.bincount(cells, portions[hit], minlength=size).astype(np.float32).reshape(-1, len(pairs))
    having = np.minimum((frequencies > 0).sum(axis=0), collection.documents)
    tell = np.log(1 + (collection.documents - having + 0.5) / (having + 0.5)).astype(np.float32) * wanted[order]
    scores: Floats = saturated(frequencies) @ tell
    return scores / max(float(tell.sum()) * (K1 + 1), 1e-9)


def ranges(begins: Ints, counts: Ints) -> Ints:
    """Return begin, begin + 1, … for each of `begins`, `counts` numbers each, int64[sum(counts)]."""
    total = int(counts.sum())
    ends = np.cumsum(counts)
    return np.arange(total, dtype=np.int64) + np.repeat(begins - ends + counts, counts)
