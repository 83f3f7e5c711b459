"""The linter: what in a draft pushes customers away, promises too much, or says what should not leave the house.

Rules over German and English words, no model: whoever is told something sees which words it is about. It finds by the
language, not by the house; people decide.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from desk.lint import inside, private, promising, pushing, tone
from desk.lint.reading import read
from search.analysis import language

Type = Literal[
    "send_elsewhere_mail",
    "send_elsewhere_phone",
    "send_elsewhere_form",
    "forwarded",
    "promise",
    "pii_out",
    "blame_customer",
    "shouting",
    "internal",
    "unverifiable_guarantee",
    "mixed_address",
]
TYPES: Final[tuple[Type, ...]] = get_args(Type)


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing in a draft; `value` stands in the text from `start` to `end`, and `due` inside of `value`."""

    type: Type
    value: str
    start: int
    end: int
    due: str | None = None


def issues(text: str, *, public: bool = True, locale: str | None = None) -> list[Issue]:
    """Return what there is to say about a draft, in the order of the text.

    `public` says whether everybody would read it.
    """
    reading = read(text)
    found: list[tuple[Type, int, int, tuple[int, int] | None]] = []
    inner = list(inside.internal(reading))
    elsewhere = [
        one for one in pushing.elsewhere(reading) if not any(_meet((one[1], one[2]), place) for place in inner)
    ]
    found += [(kind, start, end, None) for kind, start, end in elsewhere]
    sure = list(tone.guarantees(reading))
    passed = list(pushing.forwarded(reading))
    for first, last, due in promising.promises(reading):
        start, end = first, last
        if any(_meet((start, end), place) for place in sure) or (
            due is None and any(_meet((start, end), (one[1], one[2])) for one in elsewhere)
        ):
            continue
        at = next((place for place in passed if _meet((start, end), place) or _goes_on(text, place, start)), None)
        if at is not None and not _meet((start, end), at) and not (due and pushing.names_somebody(text[at[0] : at[1]])):
            at = None
        if at is not None:
            if due is None:
                continue
            passed.remove(at)
            start, end = min(start, at[0]), max(end, at[1])
            end = next((one.end for one in reading.sentences if one.start == start and one.end == end + 1), end)
        found.append(("promise", start, end, due))
    found += [("forwarded", start, end, None) for start, end in passed]
    found += [("unverifiable_guarantee", start, end, None) for start, end in sure]
    found += [("blame_customer", start, end, None) for start, end in tone.blame(reading)]
    found += [("shouting", start, end, None) for start, end in tone.shouting(reading)]
    found += [("internal", start, end, None) for start, end in inner]
    if public:
        places = [(start, end) for _, start, end in elsewhere] + inner
        open_ones = list(private.pii(reading, places))
        found = [one for one in found if one[0] != "promise" or not any(_lies_in(one, place) for place in open_ones)]
        found += [("pii_out", start, end, None) for start, end in open_ones]
    is_german = language.guess(text, locale) == "de" or (locale is None and _looks_german(reading.plain))
    found += [("mixed_address", start, end, None) for start, end in tone.mixed_address(reading, is_german=is_german)]
    return [
        Issue(kind, text[start:end], start, end, None if due is None else text[due[0] : due[1]])
        for kind, start, end, due in sorted(found, key=lambda one: (one[1], one[2], one[0]))
    ]


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _lies_in(one: tuple[Type, int, int, tuple[int, int] | None], place: tuple[int, int]) -> bool:
    return place[0] <= one[1] and one[2] <= place[1]


def _goes_on(text: str, place: tuple[int, int], start: int) -> bool:
    """Tell "passed on to Ms Miller, who will …": who has it, and what comes of it, are one promise."""
    return (_BETWEEN.fullmatch(text, place[1], start) is not None if place[1] <= start else False) and _THEY.match(
        text, start
    ) is not None


_BETWEEN: Final = re.compile(
    r"(?:, (?:our|unser\w*|the|die|der) (?:\w+ ){0,3}\w+)?,?(?: (?:and|und))? ?", re.IGNORECASE
)
_THEY: Final = re.compile(r"(?:who|she|he|they|die|der|sie|er|wer|welche[rs]?)\b", re.IGNORECASE)


def _looks_german(plain: str) -> bool:
    return any(f" {word} " in f" {plain.lower()} " for word in ("du", "dir", "dich", "ihnen", "ihre", "dein", "deine"))
