"""The second look at a clause: what the first made of it, of its neighbours, its sentence and its whole draft.

A clause that the first look leaves in doubt does what the one before it does more often than not; and where the whole
draft promises nothing, hardly one clause does. A small network for each kind was learnt from what the first look said
of drafts that it had not learnt from.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from desk.lint import due
from desk.lint.reading import Clause, Part, Sentence

Floats = NDArray[np.float32]

NOBODY: Final = -6.0
"""The score of a neighbour that there is not."""
MOST_WORDS: Final = 30
MOST_CLAUSES: Final = 8
"""More are counted like so many."""
_JOINS: Final = re.compile(r"(?:und|and|aber|but|oder|or|sowie|so|also|then|dann|denn)\b", re.IGNORECASE)
_HANGS: Final = re.compile(
    r"(?:dass|weil|wenn|falls|sobald|damit|ob|da|bevor|nachdem|because|if|when|once|that|which|who|as|where|while|until"
    r"|der|die|das|den|dem|wo|was|wie|how|what|why|with|mit|ohne|without|um|to|in|for|für|bei|at)\b",
    re.IGNORECASE,
)
_SIGNS: Final = (",", ":", ";", "()", "-–—")


@dataclass(frozen=True, slots=True)
class Second:
    """One hidden layer for each kind: float32[kinds, known, hidden] and [kinds, hidden] in, [kinds, hidden] out."""

    inner: Floats
    inner_base: Floats
    outer: Floats
    base: Floats
    """float32[kinds]"""

    def likely(self, known: Floats) -> Floats:
        """Return how likely each clause does each thing, float32[clauses, kinds], by `features`."""
        hidden = np.maximum(known @ self.inner + self.inner_base[:, None], 0)
        scores = (hidden * self.outer[:, None]).sum(axis=2) + self.base[:, None]
        found: Floats = (1 / (1 + np.exp(-np.clip(scores, -30, 30)))).astype(np.float32).T
        return found


def features(clauses: Sequence[Clause], scores: Floats) -> Floats:
    """Return what each clause is known by for each kind, float32[kinds, clauses, known].

    `scores`, float32[clauses, kinds], is what the first look said of the clauses of one draft.
    """
    count, kinds = scores.shape
    if not count:
        return np.zeros((kinds, 0, 0), dtype=np.float32)
    numbers = np.array([clause.number for clause in clauses])
    edge = np.full((1, kinds), NOBODY, dtype=np.float32)
    before, behind = np.vstack([edge, scores[:-1]]), np.vstack([scores[1:], edge])
    begins = np.r_[True, numbers[1:] != numbers[:-1]][:, None]
    ends = np.r_[numbers[1:] != numbers[:-1], True][:, None]
    starts = np.flatnonzero(begins)
    best = np.repeat(np.maximum.reduceat(scores, starts), np.diff(np.r_[starts, count]), axis=0)
    everywhere = np.broadcast_to(scores.max(axis=0), scores.shape)
    near = (
        scores,
        np.where(begins, NOBODY, before),
        np.where(ends, NOBODY, behind),
        before,
        behind,
        best,
        everywhere,
        _others(scores),
        _others(best),
    )
    own = np.stack([part.T for part in near], axis=2)
    alike = np.hstack([scores, _shape(clauses)])
    return np.concatenate([own, np.broadcast_to(alike, (kinds, *alike.shape))], axis=2).astype(np.float32)


def _others(scores: Floats) -> Floats:
    """Return for each kind the highest score of another."""
    found: Floats = np.stack([np.delete(scores, kind, axis=1).max(axis=1) for kind in range(scores.shape[1])], axis=1)
    return found


def _shape(clauses: Sequence[Clause]) -> Floats:
    """Return how each clause is cut: what parts it from its neighbours, where it stands, how it and they begin."""
    rows: list[list[Any]] = []
    sentence: Sentence | None = None
    known: dict[int, list[Any]] = {}
    for clause in clauses:
        if clause.sentence is not sentence:
            sentence = clause.sentence
            parts = sentence.clauses or (sentence,)
            known = dict(zip([part.start for part in parts], _of_parts(clause, parts), strict=True))
        rows.append(known[clause.part.start])
    return np.array(rows, dtype=np.float32)


def _of_parts(clause: Clause, parts: Sequence[Part]) -> list[list[Any]]:
    sentence = clause.sentence
    nothing = [0] * len(_SIGNS)
    gaps = [sentence.words[one.end - sentence.start : other.start - sentence.start] for one, other in pairwise(parts)]
    found = [[any(sign in gap for sign in signs) for signs in _SIGNS] for gap in gaps]
    cuts: list[list[Any]] = [nothing, *found, nothing]
    words = ["", *(part.words for part in parts), ""]
    long = [min(MOST_WORDS, len(each.split())) for each in words]
    joins = [_JOINS.match(each) is not None for each in words]
    hangs = [_HANGS.match(each) is not None for each in words]
    times = [bool(due.times(each)) for each in words]
    whole = [min(MOST_CLAUSES, len(parts)), sentence.is_question]
    return [
        [
            *cuts[at - 1],
            *cuts[at],
            at == 1,
            at == len(parts),
            *whole,
            *long[at - 1 : at + 2],
            *joins[at : at + 2],
            *hangs[at : at + 2],
            *times[at - 1 : at + 2],
        ]
        for at in range(1, len(parts) + 1)
    ]
