"""What clauses of a draft do, told by a linear model that was learnt from invented drafts.

A clause is looked at with its words, the parts of its words, and what stands around it; places in the table of weights
are hashes. What ships is `model.npz`, made by `flask lint train` from `drafts.txt`.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from math import log
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from desk.lint import beside
from desk.lint.beside import Floats, Second
from desk.lint.reading import Clause, Sentence
from search.analysis.stopwords import ENGLISH, GERMAN

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
FRAMES: Final = (2, 3, 4, 5)
"""So many words of a frame are looked at together."""
LONGEST: Final = 900
"""So many letters of a sentence are looked at."""
ABOUT: Final = 200
"""So many words of the whole draft are."""

_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_PAGE: Final = re.compile(
    r"\bhttps?://\S+|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.(?:example|de|com|org|net|at|ch|eu|uk|io)\b(?:/\S*)?"
)
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

_HOLDING_TOO: Final = """
    ' ll re ve m s t d let lets will shall would gonna going back never ever always any anything nothing someone
    somebody which whoever once sorry thanks thank cheers shouldn couldn wouldn didn doesn isn aren wasn weren haven
    hasn hadn ain ya ye y u ur xmail xurl xtel
    geht gern gerne leider würde würden wäre wären möchte möchten dürfen darf lassen lass nie niemals immer
    garantiert nichts jemand sobald solange zurück her hin heraus raus weiter ab los fest dran drauf rein habt hast
    bist seid wart sei seien wirst werdet könnt musst müsst sollst sollt willst wollt magst mögt darfst dürft hätte
    hätten hättest wärst eh ned net ka koa des i mir ma di
    """
_HOLDING: Final = GERMAN | ENGLISH | frozenset(_HOLDING_TOO.split())
"""Words that say how a thing is said and not what about: they make the frame of a clause."""
Features = Mapping[int, float]
"""Values by their place in the table."""
Row = tuple[Features, ...]
"""What one clause or shape is known by: the sum of these. What several share is the same object, and looked at once."""


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt: how rare each place is, float32[PLACES], and for each kind its weights, float32[PLACES, kinds].

    `base` is each kind's score before anything is known, `least` how likely a kind must be to be told.
    """

    rarity: Floats
    weights: Floats
    base: Floats
    least: Floats

    def likely(self, rows: Sequence[Row]) -> Floats:
        """Return how likely each row is of each kind, float32[rows, kinds]."""
        return (1 / (1 + np.exp(-self.scores(rows)))).astype(np.float32)

    def scores(self, rows: Sequence[Row]) -> Floats:
        """Return the same before it is made likely: log-odds."""
        scores: dict[int, Floats] = {}
        found = np.empty((len(rows), len(self.base)), dtype=np.float32)
        for number, row in enumerate(rows):
            found[number] = self.base
            for each in row:
                if (score := scores.get(id(each))) is None:
                    score = scores[id(each)] = self._score(each)
                found[number] += score
        return found

    def _score(self, features: Features) -> Floats:
        places = np.fromiter(features.keys(), dtype=np.int64, count=len(features))
        values = np.fromiter(features.values(), dtype=np.float32, count=len(features))
        score: Floats = values @ self.weights[places]
        return score


class Learnt(NamedTuple):
    """What reads clauses, what looks at them again, and what reads shapes of personal data (`private`)."""

    clauses: Model
    second: Second
    shapes: Model

    def likely(self, found: Sequence[Clause], *, is_public: bool) -> Floats:
        """Return how likely each clause of a draft does each thing, float32[clauses, kinds]."""
        scores = self.clauses.scores(features(found, self.clauses.rarity, is_public=is_public))
        return self.second.likely(beside.features(found, scores)) if found else scores


def features(found: Sequence[Clause], rarity: Floats, *, is_public: bool) -> list[Row]:
    """Return for each clause of a draft what it is known by; `rarity` makes frequent places count less."""
    plain = [_plain(clause.part.words[:LONGEST]) for clause in found]
    words = [_TOKEN.findall(text) for text in plain]
    about = _block("d", _grams([word for each in words for word in each][:ABOUT], (1, 2)), rarity, 0.3)
    sentences = {clause.number: clause.sentence for clause in found}
    near = {number: _near(sentence, rarity) for number, sentence in sentences.items()}
    signs = {number: [f"near {name}" for name in _signs(each.words)] for number, each in sentences.items()}
    rows: list[Row] = []
    for at, clause in enumerate(found):
        named = [*signs[clause.number], *_signs_of(clause, is_public=is_public)]
        rows.append(
            (
                _block("w", _grams(words[at], (1, 2, 3)), rarity, 1.0),
                _block("c", _parts(plain[at]), rarity, 1.0),
                _block("f", _grams(["^", *_frame(words[at]), "$"], FRAMES), rarity, 0.7),
                near[clause.number],
                about,
                _block("p", _grams(words[at - 1] if at else ["^"], (1, 2)), rarity, 0.3),
                _block("n", _grams(words[at + 1] if at + 1 < len(found) else ["$"], (1, 2)), rarity, 0.3),
                {place_of("g", sign): 0.7 for sign in named},
            )
        )
    return rows


def place_of(name: str, said: str) -> int:
    """Return where in the table stands what is said, among what has this name."""
    return zlib.crc32(f"{name}:{said}".encode("utf-8", "replace")) % PLACES


@cache
def shipped() -> Learnt:
    """Return what comes with this release."""
    return load(FILE)


def load(path: Path) -> Learnt:
    """Return what was learnt and kept in a file (`training.write`)."""
    with np.load(path, allow_pickle=False) as file:
        second = Second(*(file[f"second_{field.name}"] for field in fields(Second)))
        return Learnt(_model(file, "clauses"), second, _model(file, "shapes"))


def _model(file: Mapping[str, NDArray[Any]], prefix: str) -> Model:
    rarity, weights, base, least = (
        file[f"{prefix}_{name}"].astype(np.float32) for name in ("rarity", "weights", "base", "least")
    )
    return Model(rarity / file["steps"][0], weights / file["steps"][0], base, least)


def _near(sentence: Sentence, rarity: Floats) -> Features:
    text = _plain(sentence.words[:LONGEST])
    near = _block("s", _grams(_TOKEN.findall(text), (1, 2)), rarity, 0.5)
    for place, value in _block("S", _parts(text), rarity, 0.3).items():
        near[place] = near.get(place, 0.0) + value
    return near


def _signs(words: str) -> list[str]:
    return [name for name, sign in _SIGNS if sign.search(words)]


def _signs_of(clause: Clause, *, is_public: bool) -> Iterator[str]:
    yield from (f"here {name}" for name in _signs(clause.part.words))
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


def _grams(words: Sequence[str], lengths: Iterable[int]) -> Counter[str]:
    return Counter(" ".join(words[at : at + length]) for length in lengths for at in range(len(words) - length + 1))


def _frame(words: Sequence[str]) -> list[str]:
    """Return the words with one sign in the place of those that say what it is about."""
    return [word if word in _HOLDING or not word[0].isalpha() else "~" for word in words]


def _parts(plain: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for word in plain.split():
        padded = f" {word} "
        for length in LENGTHS:
            found.update(padded[at : at + length] for at in range(max(1, len(padded) - length + 1)))
    return found


def _block(name: str, counts: Counter[str], rarity: Floats, weight: float) -> dict[int, float]:
    """Return what is counted as one direction of length `weight`: places with 1 + ln(count), times how rare each is."""
    places: dict[int, float] = {}
    for said, count in counts.items():
        place = place_of(name, said)
        if rare := float(rarity[place]):
            places[place] = places.get(place, 0.0) + (1.0 + log(count)) * rare
    length = sum(value * value for value in places.values()) ** 0.5
    return {place: weight * value / length for place, value in places.items()} if length else {}
