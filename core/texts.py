"""What a text must be before it is stored: decoded, of a bearable length, without characters that break things."""

import re
import unicodedata

from flask_babel import gettext

from core.errors import Invalid
from core.normal import nfc

LONGEST_NUMBER = 18
"""Digits that surely fit into 64 bits."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def line(value: str, *, longest: int, shortest: int = 0) -> str:
    """Return `value` as one clean NFC line; raise `Invalid` with a sentence when it cannot be one.

    The length is checked before the normalisation, which is slow on hostile input.
    """
    _check_length(value, longest=longest)
    value = _BIDI.sub("", _clean(value.replace("\t", " ")))
    if "\n" in value or "\r" in value:
        value = " ".join(value.split())
    value = nfc(value).strip()
    _check_length(value, longest=longest, shortest=shortest)
    return value


def block(value: str, *, longest: int, shortest: int = 0) -> str:
    """Return `value` as a clean NFC text of several lines; raise `Invalid` with a sentence when it cannot be one."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    _check_length(value, longest=longest)
    value = _BIDI.sub("", _clean(value))
    value = nfc(value)
    _check_length(value.strip(), longest=longest, shortest=shortest)
    return value.strip("\n").rstrip()


def slug(value: str, fallback: str = "x", longest: int = 80) -> str:
    """Return a readable part of an address: lower case, ASCII, dashes."""
    value = value[: longest * 4].lower()
    for letter, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        value = value.replace(letter, spelled)
    value = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", value)[:longest].strip("-") or fallback


def number(value: str) -> int | None:
    """Return what is typed in ASCII digits as a number that a database can hold; None for anything else."""
    return int(value) if value.isascii() and value.isdigit() and len(value) <= LONGEST_NUMBER else None


def _clean(value: str) -> str:
    if _SURROGATES.search(value):
        raise Invalid(gettext("This text is damaged: some of its characters are only half there."))
    if _CONTROLS.search(value):
        raise Invalid(gettext("This text has invisible control characters in it. Please type it again without them."))
    return value


def _check_length(value: str, *, longest: int, shortest: int = 0) -> None:
    if len(value) > longest:
        raise Invalid(
            gettext("Too long by %(over)s characters; %(longest)s fit.", over=len(value) - longest, longest=longest)
        )
    if len(value) < shortest:
        if not value:
            raise Invalid(gettext("This is still empty."))
        raise Invalid(gettext("A little short: %(shortest)s characters or more, please.", shortest=shortest))
