"""The best candidates of an engine beside the question: the same steps, whatever keeps the documents.

What the words find is cheap and many; of these, words and meaning together choose the few that are worth the rest.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from search import ranking
from search.encoders import Strength
from search.engines import EngineQuery
from search.ranking import Candidates, Collection, Floats, Ints

CLOSE: Final = 50
"""How many are compared because their vectors are close, beside those that the words find."""
LOOKED_INTO: Final = 40
"""How many are looked into: spelling, neighbours, passages. More changed no figure of any task, and cost time."""
MOST_TOKENS: Final = 1_000
"""Words that a document is compared by; of a longer one the first."""
_BLOCKS: Final = 4
_OTHER_LANGUAGE: Final = 0.7
"""What a text counts that is not in the language of the question."""


class Group(Protocol):
    """Some of the documents that are compared: of one language."""

    @property
    def rows(self) -> Ints:
        """Where they stand among all that are compared."""

    @property
    def locale(self) -> str: ...

    @property
    def collection(self) -> Collection: ...

    def vectors(self) -> NDArray[np.int8]:
        """Return the vector of each, int8[n, dimensions]."""

    def candidates(self, chosen: Ints) -> Candidates:
        """Return the words of some of them, by their places in `rows`."""

    def passages(self, chosen: Ints) -> tuple[NDArray[np.int8], Ints]:
        """Return the passages of some of them, int8[m, dimensions], and how many each has."""


class Compared(NamedTuple):
    """What each of `ranking.SIGNALS` adds to each document, float32[n, 5], and their sum by weight, float32[n]."""

    parts: Floats
    scores: Floats


def compared(query: EngineQuery, groups: Sequence[Group], words: Floats, weights: Floats) -> Compared:
    """Compare documents with the question of a query.

    `words` is what the words say of each, `weights` what its text counts, both float32[n].
    """
    question = query.question
    signals = np.zeros((len(words), len(ranking.SIGNALS)), dtype=np.float32)
    signals[:, 0] = words
    trust = np.zeros_like(signals)
    trust[:, 0] = 1
    weights = weights.copy()
    if question is None:
        return Compared(signals, words * weights)
    vector = question.vector
    for group in groups:
        rows, locale = group.rows, group.locale
        if vector is not None:
            signals[rows, 3] = ranking.cosines(vector, group.vectors())
        trust[rows] = ranking.trusted(locale, query.strength.get(locale, Strength(0.0, 0.0)), group.collection.coverage)
        if query.preferred is not None and locale != query.preferred:
            weights[rows] *= _OTHER_LANGUAGE
    first = largest((signals * trust).sum(axis=1) * weights, LOOKED_INTO)
    for group in groups:
        chosen = np.flatnonzero(np.isin(group.rows, first))
        if len(chosen):
            rows = group.rows[chosen]
            signals[rows, 1:3] = ranking.compare(question, group.candidates(chosen), group.collection, group.locale)
            if vector is not None:
                signals[rows, 4] = ranking.nearness(vector, *group.passages(chosen))
    if vector is not None:
        others = np.delete(np.arange(len(words)), first)
        signals[others, 4] = np.minimum(signals[others, 3], signals[first, 4].min(initial=1.0))
    parts: Floats = signals * trust
    return Compared(parts, parts.sum(axis=1) * weights)


def largest(values: NDArray[Any], most: int) -> Ints:
    """Return where the largest values stand, largest first; of equals the first."""
    if len(values) <= most:
        return np.argsort(-values, kind="stable")
    # The value of the last one, then everything from it on: many times faster than to ask for the places at once.
    # So many blocks have a value that is at least as large as the last of their largest ones, which may be enough.
    size = len(values) // (_BLOCKS * most)
    some = values[: size * _BLOCKS * most].reshape(-1, size).max(axis=1) if size > 1 else values
    kept = np.flatnonzero(values >= np.partition(some, len(some) - most)[len(some) - most])
    return kept[np.argsort(-values[kept], kind="stable")[:most]]
