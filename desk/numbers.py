"""Telephone numbers: how they are compared without being read, and how little of one is shown."""

import hashlib
import hmac
import re
from typing import Final

from flask import current_app
from flask_babel import gettext

from core import problems, texts
from core.errors import Invalid

LONGEST: Final = 40
FEWEST_DIGITS: Final = 4
MOST_DIGITS: Final = 20
SHOWN: Final = 3
"""So many digits at the end of a number are shown, where it has more than twice as many."""
HOME: Final = "49"
"""The country that a number without one is in, where no channel says another."""
_TRUNK: Final = re.compile(r"\(\s*0\s*\)")
_DIGITS: Final = re.compile(r"[0-9]")


def checked(typed: str, *, field: str = "number") -> str:
    """Return a number as it was typed, clean; raise `Invalid` where nobody could dial it. Nothing is nothing."""
    with problems.at(field):
        typed = texts.line(typed, longest=LONGEST)
        many = len(_digits(typed))
        if typed and not FEWEST_DIGITS <= many <= MOST_DIGITS:
            raise Invalid(
                gettext("A telephone number has %(fewest)s to %(most)s digits.", fewest=FEWEST_DIGITS, most=MOST_DIGITS)
            )
    return typed


def seal(number: str, home: str = HOME) -> str:
    """Return what a number is found by: keyed, so that nobody who has it can try all numbers; empty without one.

    However it is written, `0171 …` and `+49 (0) 171 …` are one number, with 49 as the country at home.
    """
    plain = international(number, home)
    if not plain:
        return ""
    key = hashlib.sha256(b"klinke telephone number\0" + current_app.config["SECRET_KEY"].encode()).digest()
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest()


def international(number: str, home: str = HOME) -> str:
    """Return the digits of a number with its country before them; empty where there are too few to be one."""
    written = _TRUNK.sub("", number).strip()
    digits = _digits(written)
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        return ""
    if written.startswith("+"):
        return digits
    if digits.startswith("00"):
        return digits[2:]
    return home + digits.removeprefix("0")


def masked(number: str) -> str:
    """Return how a number is shown to who has not asked to see it: its end, or where it is short nothing of it."""
    digits = _digits(number)
    if not digits:
        return ""
    return "•••" + (f" {digits[-SHOWN:]}" if len(digits) > 2 * SHOWN else "")


def _digits(number: str) -> str:
    return "".join(_DIGITS.findall(number))
