"""Learning what clauses do: from drafts in which every span that does something is marked.

A draft a line, its fields parted by " | ": language, channel, `p` when everybody would read it (else `-`), form of
address (sie, du, mixed or none), and its text, with `[[kind:words]]` around what does something and `{words}` around
the time that a promise names. Lines that begin with `#` are notes.
"""

import json
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from desk.lint import beside, learnt, private
from desk.lint.beside import Floats, Second
from desk.lint.learnt import FILE, KINDS, PLACES, Learnt, Model, Row
from desk.lint.reading import Clause, read

TEXTS: Final = Path(__file__).with_name("drafts.txt")
SHORT: Final[Mapping[str, str]] = {
    "mail": "send_elsewhere_mail",
    "phone": "send_elsewhere_phone",
    "form": "send_elsewhere_form",
    "blame": "blame_customer",
    "guarantee": "unverifiable_guarantee",
    "pii": "pii_out",
}
GIVEN_COUNT: Final = 3
"""A draft that is given counts like so many invented ones: it is of the kind that will be read."""
LOOSENESS: Final = 10.0
"""How little weights are held near zero: the inverse of the regularisation."""
FEWEST: Final = 3
"""What fewer clauses have is not learnt from."""
LEAST: Final = 0.45
"""How likely a kind must be to be told: of the steps of .05, the best by three-fold cross-validation over the invented
drafts; the same for all kinds."""
LEAST_PRIVATE: Final = 0.5
"""The same of shapes that could belong to a person."""
STEPS: Final = 16
"""Weights and rarities are multiples of one part of so many, so that a byte holds one."""
NEXT_TO_NOTHING: Final = 0.1
"""Smaller weights are none."""
HELD_EVERY: Final = 12
"""Of so many invented drafts one is not learnt from: tests read it."""
PARTS: Final = 3
TOGETHER: Final = 25
"""The second look is learnt from so many parts; so many drafts that follow one another are of one: they are alike."""
HIDDEN: Final = 16
ROUNDS: Final = 40
"""How wide its networks are, and how often each sees every clause."""
_MARK: Final = re.compile(r"\[\[(\w+):(.*?)\]\]")
_TIME: Final = re.compile(r"\{(.*?)\}")


Answers = NDArray[Any]
"""A row for each clause or shape: what it does, or how often it counts."""


class Span(NamedTuple):
    kind: str
    start: int
    end: int
    due: str | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """A draft, and what a person marked in it."""

    text: str
    locale: str
    is_public: bool
    formality: str
    spans: tuple[Span, ...]


class Table(NamedTuple):
    """What rows are known by: a sparse matrix whose columns are the places that any of them has."""

    places: NDArray[np.int64]
    values: Any

    def among(self, which: Answers) -> "Table":
        """Return some of the rows."""
        return Table(self.places, self.values[which])


def invented(*, held: bool | None = None) -> list[Marked]:
    """Return the drafts that come with Klinke: all of them, those that are held back from learning, or the others."""
    lines = (line for line in TEXTS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    found = [marked(line) for line in lines]
    return found if held is None else [one for one in found if _is_held(one.text) is held]


def marked(line: str) -> Marked:
    """Read one line; raise `ValueError` when it has not its five fields."""
    locale, _channel, public, formality, said = line.split(" | ", 4)
    text, at, spans = "", 0, []
    for found in _MARK.finditer(said):
        text += said[at : found.start()]
        inner = found[2]
        time = _TIME.search(inner)
        plain = _TIME.sub(r"\1", inner)
        spans.append(
            Span(SHORT.get(found[1], found[1]), len(text), len(text) + len(plain), None if time is None else time[1])
        )
        text, at = text + plain, found.end()
    return Marked(text + said[at:], locale, public == "p", formality, tuple(spans))


def given(lines: Iterable[str]) -> list[Marked]:
    """Read drafts with labels, one JSON object a line: lang, public, text, formality and issues (type, value, due)."""
    return [_given(json.loads(line)) for line in lines]


def train(drafts: Sequence[Marked], more: Sequence[Marked] = ()) -> Learnt:
    """Learn from drafts, `more` of which count several times; return what reads clauses, again, and shapes."""
    every = [*((one, 1) for one in drafts), *((one, GIVEN_COUNT) for one in more)]
    parted = [(one, count, read(one.text).clauses()) for one, count in every]
    even = np.ones(PLACES, dtype=np.float32)
    counted = np.zeros(PLACES, dtype=np.int64)
    for one, count, clauses in parted:
        for row in learnt.features(clauses, even, is_public=one.is_public):
            counted[list({place for block in row for place in block})] += count
    counts = np.array([count for _, count, clauses in parted for _ in clauses])
    exact = np.log((1 + sum(counts)) / (1 + counted)) + 1
    exact[counted < FEWEST] = 0  # what was seen once says nothing, and would drown what does
    rarity: Floats = (np.round(exact * STEPS) / STEPS).astype(np.float32)
    table = _table(
        [row for one, _, clauses in parted for row in learnt.features(clauses, rarity, is_public=one.is_public)]
    )
    does = np.array([[kind in kinds for kind in KINDS] for one, _, clauses in parted for kinds in _does(one, clauses)])
    least = np.full(len(KINDS), LEAST, dtype=np.float32)
    first = Model(rarity, *_fitted(table, does, counts), least)
    return Learnt(first, _second([clauses for _, _, clauses in parted], table, does, counts), _shapes(every))


def write(found: Learnt, path: Path = FILE) -> None:
    """Keep what was learnt; `learnt.load` reads it."""
    kept: dict[str, Any] = {"texts": np.array([texts_seal()]), "steps": np.array([STEPS])}
    for prefix, one in (("clauses", found.clauses), ("shapes", found.shapes)):
        kept |= {
            f"{prefix}_rarity": (one.rarity * STEPS).astype(np.uint8),
            f"{prefix}_weights": (one.weights * STEPS).astype(np.int8),
            f"{prefix}_base": one.base,
            f"{prefix}_least": one.least,
        }
    kept |= {f"second_{field.name}": getattr(found.second, field.name) for field in fields(Second)}
    np.savez_compressed(path, **kept)


def texts_seal() -> int:
    """Return the check sum of the invented drafts, by which a model says what it was made from."""
    return zlib.crc32(TEXTS.read_bytes())


def _shapes(drafts: Sequence[tuple[Marked, int]]) -> Model:
    rows: list[Row] = []
    theirs: list[list[bool]] = []
    counts: list[int] = []
    for one, count in drafts:
        if not one.is_public:
            continue
        read_shapes = private.shapes(one.text)
        others = [(span.kind, span.start, span.end) for span in one.spans if span.kind != "pii_out"]
        secret = [span for span in one.spans if span.kind == "pii_out"]
        rows += private.features(read_shapes, others)
        theirs += [
            [any(shape.start < span.end and span.start < shape.end for span in secret)] for shape in read_shapes.found
        ]
        counts += [count] * len(read_shapes.found)
    least = np.array([LEAST_PRIVATE], dtype=np.float32)
    return Model(np.ones(PLACES, dtype=np.float32), *_fitted(_table(rows), np.array(theirs), np.array(counts)), least)


def _second(parted: Sequence[Sequence[Clause]], table: Table, does: Answers, counts: Answers) -> Second:
    """Return the second look, learnt from what a first one says of parts of the drafts that it was not made from."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    lengths = [len(clauses) for clauses in parted]
    part = np.repeat([number // TOGETHER % PARTS for number in range(len(parted))], lengths)
    scores = np.zeros(does.shape, dtype=np.float32)
    for left_out in range(PARTS):
        weights, base = _fitted(table.among(part != left_out), does[part != left_out], counts[part != left_out])
        scores[part == left_out] = (table.values @ weights[table.places] + base)[part == left_out]
    cuts = np.cumsum(lengths)[:-1]
    known = np.concatenate(
        [
            beside.features(clauses, said)
            for clauses, said in zip(parted, np.split(scores, cuts), strict=True)
            if clauses
        ],
        axis=1,
    ).astype(np.float64)
    layers = []
    for kind in range(does.shape[1]):
        middle, wide = known[kind].mean(axis=0), known[kind].std(axis=0)
        wide[wide == 0] = 1
        network = MLPClassifier(
            (HIDDEN,),
            alpha=0.3,
            max_iter=ROUNDS,
            tol=0,
            n_iter_no_change=ROUNDS,
            learning_rate_init=0.004,
            batch_size=128,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so many rounds are what is meant
            network.fit((known[kind] - middle) / wide, does[:, kind], sample_weight=counts)
        inner, outer = network.coefs_
        layers.append(
            (
                inner / wide[:, None],
                network.intercepts_[0] - (middle / wide) @ inner,
                outer[:, 0],
                network.intercepts_[1][0],
            )
        )
    return Second(*(np.array(each, dtype=np.float32) for each in zip(*layers, strict=True)))


def _does(one: Marked, clauses: Sequence[Clause]) -> Iterator[set[str]]:
    """Yield what each clause does: the kinds of the spans that share half of it, or of themselves, with it."""
    for clause in clauses:
        start, end = clause.part.start, clause.part.end
        yield {
            span.kind
            for span in one.spans
            if (shared := min(span.end, end) - max(span.start, start)) > 0
            and 2 * shared >= min(end - start, span.end - span.start)
        }


def _table(rows: Sequence[Row]) -> Table:
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum([sum(map(len, row)) for row in rows])])
    blocks = [block for row in rows for block in row]
    places = np.fromiter((place for block in blocks for place in block), dtype=np.int64, count=starts[-1])
    values = np.fromiter((value for block in blocks for value in block.values()), dtype=np.float64, count=starts[-1])
    seen = np.unique(places)
    table = csr_matrix((values, np.searchsorted(seen, places), starts), shape=(len(rows), len(seen)))
    table.sum_duplicates()
    return Table(seen, table)


def _fitted(table: Table, answers: Answers, counts: Answers) -> tuple[Floats, Floats]:
    """Return weights float32[PLACES, kinds] and bases float32[kinds]: each kind against the rest."""
    from sklearn.linear_model import LogisticRegression

    weights = np.zeros((PLACES, answers.shape[1]), dtype=np.float32)
    base = np.zeros(answers.shape[1], dtype=np.float32)
    for kind in range(answers.shape[1]):
        found = LogisticRegression(
            C=LOOSENESS, solver="liblinear", dual=True, max_iter=1000, tol=0.01, random_state=0
        ).fit(table.values, answers[:, kind], sample_weight=counts)
        exact = np.where(np.abs(found.coef_[0]) < NEXT_TO_NOTHING, 0, found.coef_[0])
        weights[table.places, kind] = np.clip(np.round(exact * STEPS), -127, 127) / STEPS
        base[kind] = found.intercept_[0]
    return weights, base


def _given(told: Mapping[str, Any]) -> Marked:
    text = told["text"]
    spans = []
    for issue in told["issues"]:
        start = text.index(issue["value"])
        spans.append(Span(issue["type"], start, start + len(issue["value"]), issue.get("due")))
    return Marked(text, told["lang"], told["public"], told.get("formality", "none"), tuple(spans))


def _is_held(text: str) -> bool:
    return zlib.crc32(text.encode()) % HELD_EVERY == 0
