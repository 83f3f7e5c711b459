"""Learning what clauses do: from drafts in which every span that does something is marked.

A draft a line, its fields parted by " | ": language, channel, `p` when everybody would read it (else `-`), form of
address (sie, du, mixed or none), and its text, with `[[kind:words]]` around what does something and `{words}` around
the time that a promise names. Lines that begin with `#` are notes.
"""

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from desk.lint import learnt, private
from desk.lint.learnt import FILE, KINDS, PLACES, Clause, Floats, Learnt, Model, Row
from desk.lint.reading import read

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
LEAST: Final[Mapping[str, float]] = {
    "promise": 0.35,
    "forwarded": 0.2,
    "send_elsewhere_mail": 0.5,
    "send_elsewhere_phone": 0.5,
    "send_elsewhere_form": 0.2,
    "blame_customer": 0.2,
    "unverifiable_guarantee": 0.2,
    "internal": 0.3,
}
"""How likely a kind must be to be told.

By three-fold cross-validation over the invented drafts: of the steps of .05 up to .5, the highest whose F1 is within
.02 of the best one's.
"""
LEAST_PRIVATE: Final = 0.5
"""The same of shapes that could belong to a person."""
STEPS: Final = 16
"""Weights and rarities are multiples of one part of so many, so that a byte holds one."""
NEXT_TO_NOTHING: Final = 0.1
"""Smaller weights are none."""
HELD_EVERY: Final = 12
"""Of so many invented drafts one is not learnt from: tests read it."""
_MARK: Final = re.compile(r"\[\[(\w+):(.*?)\]\]")
_TIME: Final = re.compile(r"\{(.*?)\}")


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
    """Learn from drafts, `more` of which count several times; return what reads clauses, and what reads shapes."""
    every = [*((one, 1) for one in drafts), *((one, GIVEN_COUNT) for one in more)]
    parted = [(one, count, learnt.clauses(read(one.text))) for one, count in every]
    even = np.ones(PLACES, dtype=np.float32)
    counted = np.zeros(PLACES, dtype=np.int64)
    for one, count, clauses in parted:
        for row in learnt.features(clauses, even, is_public=one.is_public):
            counted[list({place for block in row for place in block})] += count
    counts = [count for _, count, clauses in parted for _ in clauses]
    exact = np.log((1 + sum(counts)) / (1 + counted)) + 1
    exact[counted < FEWEST] = 0  # what was seen once says nothing, and would drown what does
    rarity: Floats = (np.round(exact * STEPS) / STEPS).astype(np.float32)
    rows = [row for one, _, clauses in parted for row in learnt.features(clauses, rarity, is_public=one.is_public)]
    does = [[kind in kinds for kind in KINDS] for one, _, clauses in parted for kinds in _does(one, clauses)]
    least = np.array([LEAST[kind] for kind in KINDS], dtype=np.float32)
    return Learnt(Model(rarity, *_fitted(rows, does, counts), least), _shapes(every))


def write(found: Learnt, path: Path = FILE) -> None:
    """Keep what was learnt; `learnt.load` reads it."""
    kept: dict[str, Any] = {"texts": np.array([texts_seal()]), "steps": np.array([STEPS])}
    for prefix, one in found._asdict().items():
        kept |= {
            f"{prefix}_rarity": (one.rarity * STEPS).astype(np.uint8),
            f"{prefix}_weights": (one.weights * STEPS).astype(np.int8),
            f"{prefix}_base": one.base,
            f"{prefix}_least": one.least,
        }
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
    return Model(np.ones(PLACES, dtype=np.float32), *_fitted(rows, theirs, counts), least)


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


def _fitted(rows: Sequence[Row], told: Sequence[Sequence[bool]], counts: Sequence[int]) -> tuple[Floats, Floats]:
    """Return weights float32[PLACES, kinds] and bases float32[kinds]: each kind against the rest."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    starts = np.concatenate([[0], np.cumsum([sum(map(len, row)) for row in rows])])
    blocks = [block for row in rows for block in row]
    places = np.fromiter((place for block in blocks for place in block), dtype=np.int64, count=starts[-1])
    values = np.fromiter((value for block in blocks for value in block.values()), dtype=np.float64, count=starts[-1])
    seen = np.unique(places)
    table = csr_matrix((values, np.searchsorted(seen, places), starts), shape=(len(rows), len(seen)))
    table.sum_duplicates()
    answers = np.array(told)
    weights = np.zeros((PLACES, answers.shape[1]), dtype=np.float32)
    base = np.zeros(answers.shape[1], dtype=np.float32)
    for kind in range(answers.shape[1]):
        found = LogisticRegression(
            C=LOOSENESS, solver="liblinear", dual=True, max_iter=1000, tol=0.01, random_state=0
        ).fit(table, answers[:, kind], sample_weight=counts)
        exact = np.where(np.abs(found.coef_[0]) < NEXT_TO_NOTHING, 0, found.coef_[0])
        weights[seen, kind] = np.clip(np.round(exact * STEPS), -127, 127) / STEPS
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
