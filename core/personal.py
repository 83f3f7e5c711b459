"""Personal data in a text: what nobody should publish by mistake.

It is found by its shape, so now and then wrongly; people decide.

Every pattern is bounded, so that no text takes more than linear time.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from flask_babel import gettext

Kind = Literal["email", "iban", "card", "phone", "number", "birthdate", "address", "ip"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST: Final = 40_000
"""So much of a text is looked at; posts are shorter."""
SHORTEST_CARD, LONGEST_CARD = 13, 19
FEWEST_DIGITS, MOST_DIGITS = 7, 15
"""Of a telephone number, as E.164 has it."""
FIRST_FOUR: Final = 4


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """Return what looks like personal data, in the order of the text; nothing is named twice."""
    text = text[:LONGEST]
    found: list[Finding] = []
    for kind in KINDS:
        for start, end in _spans(kind, text):
            if not any(one.start < end and start < one.end for one in found):
                found.append(Finding(kind, start, end))
    return sorted(found, key=lambda one: one.start)


def kinds(text: str) -> list[str]:
    """Return what the kinds of personal data in a text are called, each once, in the language of the page."""
    found = {one.kind for one in find(text)}
    return [name(kind) for kind in KINDS if kind in found]


def redacted(text: str) -> str:
    """Return the text with a word in brackets for everything that `find` finds, in the language of the page."""
    for one in reversed(find(text)):
        text = f"{text[: one.start]}[{name(one.kind)}]{text[one.end :]}"
    return text


def name(kind: Kind) -> str:
    """Return what a kind is called, in the language of the page."""
    words = {
        "email": gettext("e-mail address"),
        "iban": gettext("bank account"),
        "card": gettext("card number"),
        "phone": gettext("phone number"),
        "number": gettext("customer or order number"),
        "birthdate": gettext("date of birth"),
        "address": gettext("postal address"),
        "ip": gettext("IP address"),
    }
    return str(words[kind])


_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD: Final = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_PHONE: Final = re.compile(
    r"(?<![\w.:/-])(?:\+|00)[1-9]\d{0,2}(?:[ /().-]{0,3}\d){6,13}(?![\w:])"
    r"|(?<![\w.:/-])\(?0[1-9]\d{1,4}\)?[ /-]{1,3}\d(?:[ -]?\d){3,9}(?![\w:]|\.\d)"
    r"|(?<![\w.:/-])01[5-7]\d{7,9}(?!\w)"
)
_NUMBER: Final = re.compile(
    r"(?<!\w)(?:(?:Bestell|Auftrags|Kunden|Rechnungs|Vertrags|Mitglieds|Vorgangs|Sendungs)[ -]?(?:nummer|nr\.?)"
    r"|(?:order|customer|invoice|contract|account|tracking)[ -]?(?:number|no\.?|id))"
    r"(?: (?:ist|lautet|is))?[ :.#]{0,4}([A-Z0-9](?:[A-Z0-9/-]{2,30})[A-Z0-9])(?!\w)",
    re.IGNORECASE,
)
_BIRTH: Final = re.compile(
    r"(?<!\w)(?:geboren|geb\.|Geburtsdatum|born|date of birth|birthday)[ :,a-z]{0,20}"
    r"(\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2,4})",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    r"(?<!\w)[A-ZÄÖÜ][\wäöüß.-]{1,40}(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer) \d{1,4} ?[a-z]?(?!\w)"
    r"|(?<!\w)[A-ZÄÖÜ][\wäöüß-]{1,40} (?:Straße|Strasse|Str\.|Weg|Platz|Allee) \d{1,4} ?[a-z]?(?!\w)"
    r"|(?<!\w)\d{1,5} (?:[A-Z][\w'-]{1,30} ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Close|Court)(?!\w)"
    r"|(?<!\w)(?:D-)?\d{5} [A-ZÄÖÜ][a-zäöüß]{2,40}(?:,|\.|\n|$)"
)
_IP: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")


def _spans(kind: Kind, text: str) -> Iterator[tuple[int, int]]:
    for found in _PATTERNS[kind].finditer(text):
        if kind not in _CHECKS or _CHECKS[kind](found[0]):
            group = 1 if kind in {"number", "birthdate"} else 0
            yield found.span(group)


def _is_iban(text: str) -> bool:
    bare = text.replace(" ", "")
    turned = bare[FIRST_FOUR:] + bare[:FIRST_FOUR]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _is_card(text: str) -> bool:
    digits = [int(letter) for letter in text if letter.isdigit()]
    doubled = [digit * 2 - 9 * (digit > FIRST_FOUR) for digit in digits[-2::-2]]
    return SHORTEST_CARD <= len(digits) <= LONGEST_CARD and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _is_phone(text: str) -> bool:
    return FEWEST_DIGITS <= sum(letter.isdigit() for letter in text) <= MOST_DIGITS


def _is_public_ip(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


def _has_digits(text: str) -> bool:
    return sum(letter.isdigit() for letter in text) >= FIRST_FOUR


_PATTERNS: Final[dict[Kind, re.Pattern[str]]] = {
    "email": _EMAIL,
    "iban": _IBAN,
    "card": _CARD,
    "phone": _PHONE,
    "number": _NUMBER,
    "birthdate": _BIRTH,
    "address": _ADDRESS,
    "ip": _IP,
}
_CHECKS: Final[dict[Kind, Callable[[str], bool]]] = {
    "iban": _is_iban,
    "card": _is_card,
    "phone": _is_phone,
    "number": _has_digits,
    "ip": _is_public_ip,
}
