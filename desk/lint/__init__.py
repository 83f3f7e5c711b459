"""The linter: what in a draft pushes customers away, promises too much, or says what should not leave the house.

A small linear model reads German and English clauses (`learnt`); rules find shouting, Sie beside du and times. Whoever
is told something sees which words it is about. It finds by the language, not by the house; people decide.
"""

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from desk.lint import doing, learnt, private, tone
from desk.lint.learnt import Learnt
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
    return told_by(learnt.shipped(), text, public=public, locale=locale)


def told_by(model: Learnt, text: str, *, public: bool, locale: str | None) -> list[Issue]:
    """Return what a model says about a draft; `issues` asks the one that is shipped."""
    reading = read(text)
    done = doing.done(reading, model, is_public=public)
    found: list[tuple[Type, int, int, tuple[int, int] | None]] = [
        (cast("Type", one.kind), one.start, one.end, one.due) for one in done
    ]
    if public:
        others = [(one.kind, one.start, one.end) for one in done]
        found += [("pii_out", start, end, None) for start, end in private.pii(reading.text, others, model.shapes)]
    found += [("shouting", start, end, None) for start, end in tone.shouting(reading)]
    is_german = language.guess(text, locale) == "de" or (locale is None and _looks_german(reading.plain))
    found += [("mixed_address", start, end, None) for start, end in tone.mixed_address(reading, is_german=is_german)]
    return [
        Issue(kind, text[start:end], start, end, None if due is None else text[due[0] : due[1]])
        for kind, start, end, due in sorted(found, key=lambda one: (one[1], one[2], one[0]))
    ]


def _looks_german(plain: str) -> bool:
    return any(f" {word} " in f" {plain.lower()} " for word in ("du", "dir", "dich", "ihnen", "ihre", "dein", "deine"))
