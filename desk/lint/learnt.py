"""What clauses of a draft do, told by a linear model that was learnt from invented drafts.

A clause is looked at with its words, the parts of its words, and what stands around it; places in the table of weights
are hashes. What ships is `model.npz`, made by `flask lint train` from `drafts.txt`.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from desk.lint.reading import Part, Reading, Sentence

KINDS: Final = (
    "promise",
    "forwarded",
    "send_elsewhere_mail",
    "send_elsewhere_phone",
    "send_elsewhere_form",
    "blame_customer",
    "unverifiable_guarantee",
    "internal",
)
"""What a clause can do; it may do several things, and mostly does none."""
FILE: Final = Path(__file__).with_name("model.npz")
PLACES: Final = 1 << 18
LENGTHS: Final = (2, 3, 4, 5)
"""Parts of words are so many letters long."""
LONGEST: Final = 900
"""So many letters of a sentence are looked at."""
ABOUT: Final = 200
"""So many words of the whole draft are."""

_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PAGE: Final = re.compile(r"\bhttps?://\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:example|de|com|org|net|at|ch|eu|uk|io)\b(?:/\S*)?")
_PHONE: Final = re.compile(r"\+?\d[\d /()-]{5,}\d")
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_SIGNS: Final = (
    ("mail", _MAIL),
    ("page", _PAGE),
    ("phone", _PHONE),
    ("number", re.compile(r"\d")),
    ("question", re.compile(r"\?")),
    ("loud", re.compile(r"!")),
)

Floats = NDArray[np.float32]
Features = Mapping[int, float]
"""Values by their place in the table."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and the sentence it stands in, by its number."""

    part: Part
    sentence: Sentence
    number: int


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt: how rare each place is, float32[PLACES], and for each kind its weights, float32[PLACES, kinds].

    `base` is each kind's score before anything is known, `least` how likely a kind must be to be told.
    """

    rarity: Floats
    weights: Floats
    base: Floats
    least: Floats

    def likely(self, features: Sequence[Features]) -> Floats:
        """Return how likely each clause does each thing, float32[clauses, kinds]."""
        found = np.empty((len(features), len(self.base)), dtype=np.float32)
        for row, each in enumerate(features):
            places = np.fromiter(each.keys(), dtype=np.int64, count=len(each))
            values = np.fromiter(each.values(), dtype=np.float32, count=len(each))
            found[row] = self.base + values @ self.weights[places]
        shares: Floats = 1 / (1 + np.exp(-found))
        return shares


def clauses(reading: Reading) -> list[Clause]:
    """Return the clauses of a draft, in their order."""
    return [
        Clause(part, sentence, number)
        for number, sentence in enumerate(reading.sentences)
        for part in sentence.clauses or (sentence,)
    ]


def features(reading: Reading, found: Sequence[Clause], rarity: Floats, *, is_public: bool) -> list[Features]:
    """Return for each clause what it is known by; `rarity` makes frequent places count less."""
    words = [_words(clause.part.words) for clause in found]
    sentences = {clause.number: clause.sentence.words[:LONGEST] for clause in found}
    in_sentence = {number: _words(text) for number, text in sentences.items()}
    about = _block("d", _grams([word for each in words for word in each][:ABOUT], (1, 2)), rarity, 0.3)
    wide = {
        number: {
            **_block("s", _grams(in_sentence[number], (1, 2)), rarity, 0.5),
            **_block("S", _parts(text), rarity, 0.3),
        }
        for number, text in sentences.items()
    }
    rows: list[Features] = []
    for at, clause in enumerate(found):
        row: dict[int, float] = {}
        _add(row, _block("w", _grams(words[at], (1, 2, 3)), rarity, 1.0))
        _add(row, _block("c", _parts(clause.part.words[:LONGEST]), rarity, 1.0))
        _add(row, wide[clause.number])
        _add(row, about)
        _add(row, _block("p", _grams(words[at - 1] if at else ["^"], (1, 2)), rarity, 0.3))
        _add(row, _block("n", _grams(words[at + 1] if at + 1 < len(found) else ["$"], (1, 2)), rarity, 0.3))
        _add(row, {_place("g", sign): 0.7 for sign in _signs(clause, is_public=is_public)})
        rows.append(row)
    return rows


@cache
def shipped() -> Model:
    """Return the model that comes with this release."""
    with np.load(FILE, allow_pickle=False) as file:
        return Model(*(file[f"clauses_{name}"].astype(np.float32) for name in ("rarity", "weights", "base", "least")))


def _signs(clause: Clause, *, is_public: bool) -> Iterator[str]:
    for name, sign in _SIGNS:
        if sign.search(clause.part.words):
            yield f"here {name}"
        if sign.search(clause.sentence.words):
            yield f"near {name}"
    parts = clause.sentence.clauses or (clause.sentence,)
    if clause.part.start == parts[0].start:
        yield "first"
    if clause.part.start == parts[-1].start:
        yield "last"
    if clause.sentence.is_question:
        yield "asks"
    yield "public" if is_public else "private"


def _plain(text: str) -> str:
    """Return the text as it is compared: addresses and numbers are all alike."""
    text = _PHONE.sub(" xtel ", _PAGE.sub(" xurl ", _MAIL.sub(" xmail ", text)))
    return re.sub(r"\d+", "0", text.lower())


def _words(text: str) -> list[str]:
    return _TOKEN.findall(_plain(text))


def _grams(words: Sequence[str], lengths: Iterable[int]) -> Counter[str]:
    return Counter(
        " ".join(words[at : at + length]) for length in lengths for at in range(len(words) - length + 1)
    )


def _parts(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for word in _plain(text).split():
        padded = f" {word} "
        for length in LENGTHS:
            found.update(padded[at : at + length] for at in range(max(1, len(padded) - length + 1)))
    return found


def _block(name: str, counts: Counter[str], rarity: Floats, weight: float) -> dict[int, float]:
    """Return what is counted as one direction of length `weight`: places with 1 + ln(count), times how rare each is."""
    places: dict[int, float] = {}
    for said, count in counts.items():
        place = _place(name, said)
        if rare := float(rarity[place]):
            places[place] = places.get(place, 0.0) + (1.0 + log(count)) * rare
    length = sum(value * value for value in places.values()) ** 0.5
    return {place: weight * value / length for place, value in places.items()} if length else {}


def _place(name: str, said: str) -> int:
    return zlib.crc32(f"{name}:{said}".encode("utf-8", "replace")) % PLACES


def _add(row: dict[int, float], more: Mapping[int, float]) -> None:
    for place, value in more.items():
        row[place] = row.get(place, 0.0) + value
