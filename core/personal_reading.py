"""The plain reading of a text: what a person reads, and where each sign of it stands in the text itself."""

import functools
import html
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_ENTITY_OR_ESCAPE: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,10});|\\[!-/:-@\[-`{-~]|[*`]")
_STRANGE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_DASHES: Final = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")


def plainly(text: str) -> tuple[str, Sequence[tuple[int, int]]]:
    """Return the plain reading of a text, and from where to where in the text each of its characters stands."""
    letters: list[str] = []
    places: list[tuple[int, int]] = []
    done = 0
    for hidden in _ENTITY_OR_ESCAPE.finditer(text):
        _take(text[done : hidden.start()], done, hidden.start(), letters, places)
        done = hidden.end()
        said = hidden[0]
        plain = html.unescape(said) if said[0] == "&" else said[1:]
        for sign in plain:
            for one in _plain_sign(sign):
                letters.append(one)
                places.append((hidden.start(), done))
    _take(text[done:], done, len(text), letters, places)
    return "".join(letters), places


def digits(text: str) -> str:
    """Return the digits of a text."""
    return "".join(letter for letter in text if letter.isdigit())


def _take(part: str, start: int, end: int, letters: list[str], places: list[tuple[int, int]]) -> None:
    if part.isascii():
        letters.extend(part.replace("\t", " ").replace("\r", " "))
        places.extend((at, at + 1) for at in range(start, end))
        return
    for at, sign in enumerate(part, start):
        for one in _plain_sign(sign):
            letters.append(one)
            places.append((at, at + 1))


@functools.lru_cache(maxsize=4096)
def _plain_sign(sign: str) -> str:
    if sign.isascii():
        return " " if sign in "\t\r" else sign
    if sign in _STRANGE or unicodedata.category(sign) == "Cf" or "\ufe00" <= sign <= "\ufe0f":
        return ""
    if sign in _DASHES:
        return "-"
    if sign in "\u2028\u2029":
        return "\n"
    digit = unicodedata.digit(sign, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", sign)
