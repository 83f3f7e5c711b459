"""A linear model over signs and static vectors: multinomial logistic regression, one head for each question.

What ships is `model.npz`, made by `flask triage train`. An installation's corrections move it a little
(`desk.triage.learning`).
"""

import json
import re
import zlib
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
STIFFNESS: Final = 0.004
"""How strongly weights are held near zero, or near where they were."""
STEPS: Final = 250
PLACES: Final = 4096
LENGTHS: Final = (2, 3, 4)
"""Parts of words are so many letters long."""
MOST_LETTERS: Final = 2_000
_MEANING: Final = 1.73
_PARTS: Final = 2.45
"""What the vector of a text and the parts of its words weigh beside its signs."""
_HANDLE: Final = re.compile(r"@\w{1,100}")

Floats = NDArray[np.float32]


class Labelled(NamedTuple):
    """A text and what a person says of it."""

    text: str
    locale: str
    channel: str
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt: the names of the signs, how rare parts of words are, and for each head its weights.

    A row of features is signs, then the vector, then parts of words, then 1; weights are float32[features, answers].
    """

    names: tuple[str, ...]
    rarity: Floats
    heads: Mapping[str, Floats]

    def features(self, readings: Sequence[signs.Reading], texts: Sequence[str]) -> Floats:
        """Return the rows of texts that were read, float32[n, features]."""
        return _rows(readings, texts, self.names, _parts(texts) * self.rarity)

    def answers(self, row: Floats) -> dict[str, Floats]:
        """Return by head how likely each answer is for a row of features."""
        return {head: _shares(row[None, :] @ weights)[0] for head, weights in self.heads.items()}


def train(texts: Sequence[Labelled]) -> Model:
    """Learn from labelled texts."""
    readings = [signs.read(one.text, one.locale, channel=one.channel) for one in texts]
    names = tuple(sorted({name for reading in readings for name in reading.strengths}))
    parts = _parts([one.text for one in texts])
    rarity = (np.log((1 + len(texts)) / (1 + (parts > 0).sum(axis=0))) + 1).astype(np.float32)
    rows = _rows(readings, [one.text for one in texts], names, parts * rarity)
    heads = {}
    for head, answers in HEADS.items():
        told = np.array([answers.index(one.answers[head]) for one in texts])
        heads[head] = fitted(rows, told, np.zeros((rows.shape[1], len(answers)), dtype=np.float32))
    return Model(names, rarity, heads)


def fitted(rows: Floats, told: NDArray[np.int64], start: Floats) -> Floats:
    """Return the weights of one head, float32[features, answers], near `start`.

    Nesterov's accelerated gradient on the mean loss plus stiffness / 2 · |weights - start|². The way from the start is
    a sum of the rows, so their shares in it are looked for, of which there are fewer than features.
    """
    many = len(rows)
    alike = rows @ rows.T
    began = rows @ start
    wanted = np.eye(start.shape[1], dtype=np.float32)[told]
    step = np.float32(1.0 / (0.5 * float(np.linalg.norm(alike)) / many + STIFFNESS))
    here = ahead = np.zeros_like(wanted)
    pace = 1.0
    for _ in range(STEPS):
        slope = (_shares((began + alike @ ahead).astype(np.float32)) - wanted) / many + STIFFNESS * ahead
        further = (ahead - step * slope).astype(np.float32)
        next_pace = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead = further + np.float32((pace - 1) / next_pace) * (further - here)
        here, pace = further, next_pace
    result: Floats = start + rows.T @ here
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
    heads = {f"head_{head}": weights.astype(np.float16) for head, weights in model.heads.items()}
    rarity = model.rarity.astype(np.float16)
    np.savez_compressed(path, signs=np.array(model.names), rarity=rarity, **heads)  # type: ignore[arg-type]  # names


@cache
def shipped() -> Model:
    """Return the model that comes with this release."""
    with np.load(FILE, allow_pickle=False) as found:
        return Model(
            tuple(str(name) for name in found["signs"]),
            found["rarity"].astype(np.float32),
            {head: found[f"head_{head}"].astype(np.float32) for head in HEADS},
        )


def _rows(readings: Sequence[signs.Reading], texts: Sequence[str], names: Sequence[str], parts: Floats) -> Floats:
    column = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(readings), len(names)), dtype=np.float32)
    for place, reading in enumerate(readings):
        for name, strength in reading.strengths.items():
            if name in column:
                table[place, column[name]] = np.sqrt(strength)
    vectors = encoders.chosen("static").encode_each([text[: signs.LONGEST] for text in texts])
    one = np.ones((len(readings), 1), dtype=np.float32)
    return np.hstack([table, _MEANING * vectors, _PARTS * encoders.units(parts), one])


def _parts(texts: Sequence[str]) -> Floats:
    """Return how often each text has each part of words, the root of it, float32[n, PLACES]; places are hashes."""
    table = np.zeros((len(texts), PLACES), dtype=np.float32)
    for place, text in enumerate(texts):
        plain = f" {signs.plainly(_HANDLE.sub('@', text[:MOST_LETTERS]))} "
        for length in LENGTHS:
            for at in range(len(plain) - length + 1):
                table[place, zlib.crc32(plain[at : at + length].encode("utf-8", "replace")) % PLACES] += 1
    result: Floats = np.sqrt(table)
    return result


def _shares(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result
