"""A linear model over signs and static vectors: multinomial logistic regression, one head for each question.

What ships is `model.npz`, made by `flask triage train`. An installation's corrections move it a little
(`desk.triage.learning`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from desk.triage import signs
from search import encoders

Intent = Literal["question", "implicit", "complaint", "praise", "abuse", "none"]
INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)
HEADS: Final[Mapping[str, tuple[Any, ...]]] = {
    "intent": INTENTS,
    "sentiment": (-2, -1, 0, 1, 2),
    "heat": (0, 1, 2, 3),
    "urgency": (0, 1, 2, 3),
}
"""What is asked of a text, and the answers there are."""
FILE: Final = Path(__file__).with_name("model.npz")
TEXTS: Final = Path(__file__).with_name("texts.jsonl")
"""Invented texts that are learnt from beside those that are given."""
STIFFNESS: Final = 0.003
"""How strongly weights are held near zero, or near where they were."""
STEPS: Final = 250
_MEANING: Final = 1.7
"""What the vector of a text weighs beside its signs."""

Floats = NDArray[np.float32]


class Labelled(NamedTuple):
    """A text and what a person says of it."""

    text: str
    locale: str
    channel: str
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """The names of the signs, and for each head the weights float32[features, answers]; the last feature is 1."""

    signs: tuple[str, ...]
    heads: Mapping[str, Floats]

    def answers(self, row: Floats) -> dict[str, Floats]:
        """Return by head how likely each answer is for a row of features."""
        return {head: _shares(row[None, :] @ weights)[0] for head, weights in self.heads.items()}


def features(readings: Sequence[signs.Reading], texts: Sequence[str], names: Sequence[str]) -> Floats:
    """Return float32[n, signs + vector + 1] of texts that were read."""
    column = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(readings), len(names)), dtype=np.float32)
    for place, reading in enumerate(readings):
        for name, strength in reading.strengths.items():
            if name in column:
                table[place, column[name]] = np.sqrt(strength)
    vectors = encoders.chosen("static").encode_each([text[: signs.LONGEST] for text in texts])
    return np.hstack([table, _MEANING * vectors, np.ones((len(readings), 1), dtype=np.float32)])


def train(texts: Sequence[Labelled]) -> Model:
    """Learn from labelled texts."""
    readings = [signs.read(one.text, one.locale, channel=one.channel) for one in texts]
    names = tuple(sorted({name for reading in readings for name in reading.strengths}))
    rows = features(readings, [one.text for one in texts], names)
    return Model(
        names,
        {
            head: fitted(rows, np.array([answers.index(one.answers[head]) for one in texts]), len(answers))
            for head, answers in HEADS.items()
        },
    )


def fitted(
    rows: Floats, told: NDArray[np.int64], many: int, *, start: Floats | None = None, stiffness: float = STIFFNESS
) -> Floats:
    """Return the weights of one head, float32[features, many], near `start` where that is given.

    Nesterov's accelerated gradient on the mean loss plus stiffness / 2 · |weights - start|²; the step is one over the
    bound of the curvature, half the mean squared length of a row.
    """
    before = np.zeros((rows.shape[1], many), dtype=np.float32) if start is None else start
    wanted = np.eye(many, dtype=np.float32)[told]
    step = 1.0 / (0.5 * float(np.einsum("ij,ij->", rows, rows)) / len(rows) + stiffness)
    here, ahead, pace = before, before, 1.0
    for _ in range(STEPS):
        slope = rows.T @ (_shares(rows @ ahead) - wanted) / len(rows) + stiffness * (ahead - before)
        further = (ahead - step * slope).astype(np.float32)
        next_pace = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead = further + np.float32((pace - 1) / next_pace) * (further - here)
        here, pace = further, next_pace
    result: Floats = here.astype(np.float32)
    return result


def labelled(lines: Iterable[str]) -> list[Labelled]:
    """Read texts with labels, one JSON object a line: lang, channel, text, intent, sentiment, heat, urgency."""
    found = []
    for line in lines:
        one = json.loads(line)
        found.append(Labelled(one["text"], one["lang"], one["channel"], {head: one[head] for head in HEADS}))
    return found


def own_texts() -> list[Labelled]:
    return labelled(TEXTS.read_text(encoding="utf-8").splitlines())


def write(model: Model, path: Path = FILE) -> None:
    heads = {f"head_{head}": weights for head, weights in model.heads.items()}
    np.savez_compressed(path, signs=np.array(model.signs), **heads)  # type: ignore[arg-type]  # names, not options


@cache
def shipped() -> Model:
    """Return the model that comes with this release."""
    with np.load(FILE, allow_pickle=False) as found:
        return Model(tuple(str(name) for name in found["signs"]), {head: found[f"head_{head}"] for head in HEADS})


def _shares(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result
