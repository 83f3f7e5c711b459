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
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.analysis import facts, grams, stems
from search.encoders import Strength, Vectors

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SIGNALS: Final = ("words", "grams", "pairs", "meaning", "near")
K1: Final = 1.2
FIELD_BOOSTS: Final = {"title": 1.5, "keywords": 1.5, "body": 1.0}
ASKED_BOOST: Final = 0.7
"""Of a message that was answered with the text, where every text has such messages; less where few have."""
ASKED_B: Final = 0.75
MOST_GRAMS: Final = 64
"""Trigrams of a question that are looked for, those that tell most."""
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
    near_b: float
    """The same for trigrams and pairs."""


_WEIGHTS: Final[Mapping[str, Weights]] = {
    "en": Weights(words=1.0, grams=0.3, pairs=0.3, meaning=0.8, near=0.4, b=0.75, near_b=0.5),
    "de": Weights(words=1.0, grams=1.0, pairs=0.2, meaning=0.8, near=0.4, b=0.75, near_b=0.75),
}


def weights(locale: str) -> Weights:
    """Return the weights for texts of a language."""
    return _WEIGHTS[locale]


def trusted(locale: str, strength: Strength, coverage: float) -> Floats:
    """Return how much each of `SIGNALS` is believed, float32[5]; together 1, so that languages can be compared.

    `strength` is the encoder's in this language. `coverage` is the share of texts that know messages they answered:
    the more know any, the more the closest message says beside the text itself.
    """
    chosen = _WEIGHTS[locale]
    found = np.array(
        [
            chosen.words,
            chosen.grams,
            chosen.pairs,
            chosen.meaning * strength.whole * (1 - coverage / 2),
            chosen.near * strength.passages * (1 + 6 * coverage),
        ],
        dtype=np.float32,
    )
    result: Floats = found / found.sum()
    return result


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
    """Stems and trigrams of numbered words; word 0 is none and has neither."""

    stems: NDArray[np.uint64]
    """The digest of the stem of each word."""
    gram_counts: Ints
    """How many of `grams` belong to each word."""
    grams: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The words of some documents of one language; `token_counts` says how many of `tokens` belong to each."""

    tokens: NDArray[np.uint32]
    token_counts: Ints
    bounds: tuple[Ints, Ints, Ints]
    """Up to the first of these tokens and from the second to the third a document's own words stand; between the first
    and the second the messages that it answered in public, from the third on those in private."""
    inside: bool
    """Whether the private ones count too."""
    own_lengths: Floats
    asked_lengths: Floats
    table: WordTable

    def some(self, chosen: Ints, most_tokens: int) -> "Candidates":
        """Return some of them, of each no more than so many tokens."""
        counts = np.minimum(self.token_counts, most_tokens)[chosen]
        begins = (np.cumsum(self.token_counts) - self.token_counts)[chosen]
        first, second, third = self.bounds
        return Candidates(
            tokens=self.tokens[ranges(begins, counts)],
            token_counts=counts,
            bounds=(first[chosen], second[chosen], third[chosen]),
            inside=self.inside,
            own_lengths=self.own_lengths[chosen],
            asked_lengths=self.asked_lengths[chosen],
            table=self.table,
        )


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
    """Return the signals grams and pairs of candidates, float32[n, 2]."""
    found = np.zeros((len(those.token_counts), 2), dtype=np.float32)
    if not len(found):
        return found
    document_of = np.repeat(np.arange(len(found), dtype=np.int32), those.token_counts)
    portions = _portions(those, collection, _WEIGHTS[locale].near_b)
    if len(question.grams):
        found[:, 0] = _gram_scores(question, those, collection, document_of, portions)
    if len(question.stems(locale)) > 1:
        found[:, 1] = _pair_scores(question.stems(locale), those, document_of, portions)
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


def _portions(those: Candidates, collection: Collection, b: float) -> Floats:
    """Return what each token adds to a frequency in its document, float32[tokens]."""
    own = 1 / shortness(those.own_lengths, collection.own_length, b)
    asked = asked_boost(collection) / shortness(those.asked_lengths, collection.asked_length, ASKED_B)
    inside = asked if those.inside else np.zeros_like(asked)
    ends = np.minimum(np.stack([*those.bounds, those.token_counts], axis=1), those.token_counts[:, None])
    counts = np.maximum(np.diff(ends, axis=1, prepend=0), 0)
    return np.repeat(np.stack([own, asked, own, inside], axis=1).astype(np.float32).ravel(), counts.ravel())


def asked_boost(collection: Collection) -> float:
    """Return how much a word of a message counts beside one of the text."""
    return ASKED_BOOST * collection.coverage


def _gram_scores(
    question: Question, those: Candidates, collection: Collection, document_of: NDArray[np.int32], portions: Floats
) -> Floats:
    # How many documents have a trigram follows from how often it is there, as if it were scattered by chance.
    total = max(collection.total, 1)
    having = total * -np.expm1(-collection.gram_counts[question.grams] / total)
    tell = np.log(1 + (total - having + 0.5) / (having + 0.5)).astype(np.float32) * question.gram_counts
    kept = np.argsort(-tell, kind="stable")[:MOST_GRAMS]
    tell = tell[kept]
    number_of = np.full(grams.COUNT, -1, dtype=np.int8)
    number_of[question.grams[kept]] = np.arange(len(kept))
    # Each word is looked at once, however often it stands in the candidates.
    number = number_of[those.table.grams]
    hit = np.flatnonzero(number >= 0)
    number = number[hit]
    ends = np.searchsorted(hit, np.cumsum(those.table.gram_counts))
    hit_counts = np.diff(ends, prepend=0)
    token_counts = hit_counts[those.tokens]
    cells = number[ranges((ends - hit_counts)[those.tokens], token_counts)] + np.repeat(
        document_of * np.int32(len(kept)), token_counts
    )
    size = len(those.token_counts) * len(kept)
    frequencies = np.bincount(cells, np.repeat(portions, token_counts), minlength=size).astype(np.float32)
    scores: Floats = saturated(frequencies.reshape(-1, len(kept))) @ tell
    return scores / max(float(tell.sum()) * (K1 + 1), 1e-9)


def _pair_scores(asked: tuple[int, ...], those: Candidates, document_of: NDArray[np.int32], portions: Floats) -> Floats:
    places = {digest: number for number, digest in enumerate(dict.fromkeys(asked), 1)}
    width = len(places) + 1
    counts: dict[int, int] = {}
    for one, other in pairwise(asked):
        pair = places[one] * width + places[other]
        counts[pair] = counts.get(pair, 0) + 1
    wanted = np.fromiter(counts.values(), dtype=np.float32)
    number_of_pair = np.full(width * width, -1, dtype=np.int16)
    number_of_pair[np.fromiter(counts, dtype=np.int64)] = np.arange(len(counts))
    number_of = np.zeros(len(those.table.stems), dtype=np.int16)
    for digest, number in places.items():
        number_of[those.table.stems == np.uint64(digest)] = number
    row = number_of[those.tokens]
    asked_for = np.flatnonzero(row)
    first = asked_for[:-1][np.diff(asked_for) == 1]
    first = first[document_of[first] == document_of[first + 1]]
    number = number_of_pair[row[first] * np.int16(width) + row[first + 1]]
    first, number = first[number >= 0], number[number >= 0]
    cells = document_of[first] * len(counts) + number
    size = len(those.token_counts) * len(counts)
    frequencies = np.bincount(cells, portions[first], minlength=size).astype(np.float32).reshape(-1, len(counts))
    # Nowhere is it counted how many documents have a pair; each tells as much as another.
    scores: Floats = saturated(frequencies) @ wanted
    return scores / max(float(wanted.sum()) * (K1 + 1), 1e-9)


def ranges(begins: Ints, counts: Ints) -> Ints:
    """Return begin, begin + 1, … for each of `begins`, `counts` numbers each, int64[sum(counts)]."""
    total = int(counts.sum())
    ends = np.cumsum(counts)
    return np.arange(total, dtype=np.int64) + np.repeat(begins - ends + counts, counts)
