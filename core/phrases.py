"""Sentences that are kept and read later, by somebody who may speak another language than whoever wrote them down.

What fails in the worker is said there, and read on a page. So a sentence remembers what it was made of: the words as
they stand in the program, and what was put into them. That is what is kept; each reader has it said anew.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

from flask_babel import gettext
from flask_babel.speaklater import LazyString
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

_MARK: Final = "\x1e"
"""What is kept of a phrase begins with it; text that people or services wrote never has it at its beginning."""
_WORDS: Final = "words"
_VALUES: Final = "values"
_JOINED: Final = "%(first)s%(second)s"
"""In no catalogue, and so the same in every language."""
DEEPEST: Final = 8

Value = str | int | float


class Phrase(str):
    """A sentence in the language of this moment, which can be said in another one."""

    __slots__ = ("values", "words")
    words: str
    values: Mapping[str, Value]

    def __new__(cls, words: str, /, **values: object) -> Self:
        filled = {name: value if isinstance(value, Value) else str(value) for name, value in values.items()}
        made = super().__new__(cls, gettext(words, **filled))
        made.words, made.values = words, filled
        return made

    def __add__(self, value: str, /) -> "Phrase":
        return Phrase(_JOINED, first=self, second=value)

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return said, (kept(self),)


def phrase(words: str, /, **values: object) -> Phrase:
    """Return a sentence in the language of this moment that can be kept; among its values may be other ones."""
    return Phrase(words, **values)


def lazy_phrase(words: str) -> LazyString:
    """Return a sentence for later; `str` of it is a phrase in the language of that moment."""
    return LazyString(phrase, words)


def joined(first: str, *others: str) -> Phrase:
    """Return parts one after the other, each of which is said in the reader's language where it can be."""
    whole = Phrase(_JOINED, first=first, second="")
    for part in others:
        whole = whole + part
    return whole


def kept(sentence: str) -> Any:
    """Return what is to be kept of a sentence, as JSON: what a phrase is made of, or the text itself."""
    if not isinstance(sentence, Phrase):
        return sentence
    values = {name: kept(value) if isinstance(value, str) else value for name, value in sentence.values.items()}
    return {_WORDS: sentence.words, _VALUES: values}


def said(found: Any, depth: int = 0) -> str:
    """Return in the language of this moment what was kept; a plain text, as it was kept before, is itself."""
    if not isinstance(found, dict):
        return "" if found is None else str(found)
    words, values = str(found.get(_WORDS, "")), found.get(_VALUES)
    if not words:
        return ""  # which in a catalogue is its head
    told = {
        str(name): said(value, depth + 1) if isinstance(value, dict | str) else value
        for name, value in (values.items() if isinstance(values, dict) and depth < DEEPEST else ())
    }
    try:
        return Phrase(words, **told)
    except (KeyError, TypeError, ValueError):
        return words  # the words were changed since, and want other values now


class PhraseText(TypeDecorator[str]):
    """A text that may be a phrase: kept as what it is made of, and said in the language of whoever loads it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        if isinstance(value, Phrase):
            return _MARK + json.dumps(kept(value), ensure_ascii=False, separators=(",", ":"))
        return value.lstrip(_MARK) if value is not None else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        if value is None or not value.startswith(_MARK):
            return value
        try:
            return said(json.loads(value[len(_MARK) :]))
        except (ValueError, RecursionError):
            return value.lstrip(_MARK)
