"""What could belong to a person, and whether it does: a linear model reads what is around shapes of such things."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from core.personal_numbers import numbers
from desk.lint.learnt import Model, Row, place_of

BEFORE: Final = 9
BEHIND: Final = 7
"""So many words on either side are read."""
BREATH: Final = 8
"""A street and a number, a name and a street: no more letters than these stand between what one breath tells."""
_MONTH: Final = (
    r"(?:jan(?:uar|uary)?|feb(?:ruar|ruary)?|märz?|mar(?:ch)?|apr(?:il)?|ma[iy]|jun[ie]?|jul[iy]?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)"
)
_WAY_DE: Final = (
    r"(?:[Ss]traße|[Ss]tr\.|[Ww]eg|[Gg]asse|[Pp]latz|[Aa]llee|[Rr]ing|[Dd]amm|[Uu]fer|[Ss]teig|[Ss]tieg|[Hh]of|[Bb]erg"
    r"|[Ww]all|[Mm]arkt|[Kk]amp|[Pp]fad|[Gg]raben|[Bb]rücke|[Tt]wiete|[Zz]eile)"
)
_WAY_EN: Final = (
    r"(?:Road|Rd|Street|St|Lane|Ln|Avenue|Ave|Close|Drive|Way|Court|Row|Terrace|Gardens|Place|Square|Crescent|Wynd|Hill"
    r"|Mews|Green|Park|Grove|Walk|Quay|Brae|View|Rise|Parade|Boulevard)"
)
_NAME: Final = r"[A-ZÄÖÜ][a-zäöüßé]{1,30}(?:-[A-ZÄÖÜ][a-zäöü]{1,30})?"
_SHAPES: Final = (
    ("mail", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")),
    ("account", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")),
    (
        "phone",
        re.compile(r"(?<![\w-])(?:\+|\(0|0)\d[\d /()–-]{5,24}\d\b|(?<![\w-])\d{3,5}[ /-]\d{3,4}[ -]?\d{2,5}\b"),
    ),
    (
        "day",
        re.compile(
            r"\b\d{1,2}[./]\s?\d{1,2}[./]\s?(?:19|20)?\d\d\b|\b(?:19|20)\d\d-\d\d-\d\d\b"
            rf"|\b\d{{1,2}}\.?(?:st|nd|rd|th)? (?:of )?{_MONTH}\.?,? (?:19|20)\d\d\b"
            rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d\b",
            re.IGNORECASE,
        ),
    ),
    (
        "street",
        re.compile(
            rf"\b[A-ZÄÖÜ][\wäöüß.-]{{0,40}}(?: [A-ZÄÖÜ][\wäöüß]{{1,40}})?[ -]?{_WAY_DE} \d{{1,4}} ?[a-z]?\b"
            r"(?:,? (?:in )?\d{4,5} [A-ZÄÖÜ][\wäöüß-]{1,40})?"
            r"|\b[a-zäöüA-ZÄÖÜß-]{3,40}(?:straße|str\.|weg|gasse|platz|allee|ring|damm|ufer|steig) \d{1,4} ?[a-z]?\b"
            r"(?:,? (?:in )?\d{4,5} [A-ZÄÖÜ][\wäöüß-]{1,40})?"
            r"|\b(?:(?:Flat|Unit|Apt\.?|Apartment) \d{1,4}\w?,? )?\d{1,4}[a-zA-Z]?,? (?:[A-Z][\w']{1,30} ){1,3}?"
            rf"{_WAY_EN}\b(?:,? [A-Z]\w{{1,30}}){{0,3}}"
        ),
    ),
    (
        "name",
        re.compile(
            rf"\b(?:(?:Herrn?|Frau|Mr|Mrs|Ms|Miss|Dr)\.? )?{_NAME} (?:(?:von|van|de) )?{_NAME}\b"
            r"(?=, \d| of \d|,? \(?geb|, born|, wohnhaft)"
        ),
    ),
    (
        "secret",
        re.compile(
            r"(?:\b(?:passwort|kennwort|password|passcode|zugangscode|pin|puk|türcode|code|tan|login|key)\b"
            r"[^\w\n]{0,3}(?:(?:ist|lautet|is|wieder|auf|to|now|jetzt|heißt) ){0,3}[\"'„“]?)"
            r"((?=[^\s\"'„“”,;]*\d)[^\s\"'„“”,;.]{4,40})",
            re.IGNORECASE,
        ),
    ),
    (
        "health",
        re.compile(
            r"\b(?:ihr|dein)e?[rsmn]? (?:\w+[ -]){0,2}(?:rezept|befund|diagnose|blutwert|laborwert|schwangerschaft"
            r"|attest|krankmeldung|therapie|medikament|insulin|antidepressiv|allergie|blutdruck|impf|röntgen|mrt|hiv|reha"
            r"|hörgerät|op-termin|pille|behinderung|pflegegrad|mahnung|pfändung|insolvenz|schulden|schufa|kontostand"
            r"|rückstand)\w*"
            r"|\byour (?:\w+ ){0,2}(?:prescription|diagnosis|test result|blood test|pregnancy|biopsy|medication"
            r"|medicine|insulin|inhaler|antidepressant|hiv|chemo|therapy|dialysis|scan result|x-ray|mri|surgery"
            r"|hearing aid"
            r"|contraceptive|counselling|rehab|arrears|debt|overdraft|account balance|credit score|salary)s?\b",
            re.IGNORECASE,
        ),
    ),
    (
        "plate",
        re.compile(r"\b[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2} ?\d{1,4}[EH]?\b|\b[A-Z]{2}\d{2} ?[A-Z]{3}\b"),
    ),
    (
        "number",
        re.compile(
            r"(?<![\w@./-])#?(?=[\w/ -]{0,20}\d{3})[A-Z0-9]{1,8}(?:[-/][A-Z0-9]{1,10}){1,4}\b(?![@.]\w)"
            r"|(?<![\w@/+.-])#?[A-Z]{0,4}\d{5,14}[A-Z]?\b(?!@)|(?<![\w@/+.-])\d{3,5}(?: \d{3,5}){1,4}\b"
        ),
    ),
)
_PAGE: Final = re.compile(r"https?://\S{1,2000}", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+|[^\w\s]")
_MOBILE: Final = re.compile(r"(?:0049|49|0)?1[567]\d|0?7\d{3}9|447|0044?7|06[5-9]\d|08[35-9]\d|436")
_FREE: Final = re.compile(r"0?(?:800|808|845|180|900|844|345)")
_STOP: Final = re.compile(r"[.!?:]\s")
_MOST: Final = 60
"""More shapes of a draft are not looked at."""


class Shape(NamedTuple):
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Shapes:
    """What in a draft has the shape of personal data, in its order."""

    text: str
    found: tuple[Shape, ...]


def shapes(text: str) -> Shapes:
    """Return what could belong to a person; of what overlaps, the first kind that fits."""
    found: list[Shape] = []
    pages = [match.span() for match in _PAGE.finditer(text)]
    for kind, pattern in _SHAPES:
        for match in pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            if any(first <= start and end <= last for first, last in pages):
                continue  # a port or the number of a page
            end -= len(text[start:end]) - len(text[start:end].rstrip(" ,.;("))
            if not any(start < one.end and one.start < end for one in found):
                found.append(Shape(kind, start, end))
    for _kind, start, end in numbers(text):  # what a word beside it calls a number of a customer or an order
        if not any(start < one.end and one.start < end for one in found):
            found.append(Shape("number", start, end))
    return Shapes(text, tuple(sorted(found, key=lambda one: one.start)[:_MOST]))


def features(read: Shapes, pushed: Sequence[tuple[str, int, int]]) -> list[Row]:
    """Return for each shape what it is known by; `pushed` are the other findings of the draft: kind, start, end."""
    text = read.text
    everywhere = {_plain(word) for word in _WORD.findall(text[:2000].lower())}
    rows: list[Row] = []
    for shape in read.found:
        row: dict[int, float] = {place_of("kind", shape.kind): 1.0}
        before = [_plain(word) for word in _WORD.findall(text[max(0, shape.start - 120) : shape.start].lower())]
        behind = [_plain(word) for word in _WORD.findall(text[shape.end : shape.end + 100].lower())]
        for name, value in (*_before(before[-BEFORE:]), *_behind(behind[:BEHIND])):
            for place in (place_of("near", name), place_of(shape.kind, name)):
                row[place] = max(row.get(place, 0.0), value if place == place_of("near", name) else value / 2)
        for word in everywhere:
            row.setdefault(place_of("all", word), 0.25)
        for kind, start, end in pushed:
            if start < shape.end and shape.start < end:
                row[place_of("found", kind)] = 1.0
        alike = sum(other.kind == shape.kind for other in read.found)
        row[place_of("many", "")] = 0.3 * min(3, alike)
        for name in _about(text, shape):
            row[place_of("about", name)] = 0.5
        rows.append((row,))
    return rows


def pii(text: str, pushed: Sequence[tuple[str, int, int]], model: Model) -> Iterator[tuple[int, int]]:
    """Yield where a draft tells what belongs to a person; what is told in one breath is one place."""
    read = shapes(text)
    told: tuple[int, int] | None = None
    for shape, likely in zip(read.found, model.likely(features(read, pushed))[:, 0], strict=True):
        if likely < model.least[0]:
            continue
        if told is not None and _is_one_breath(text[told[1] : shape.start]):
            told = told[0], shape.end
            continue
        if told is not None:
            yield told
        told = shape.start, shape.end
    if told is not None:
        yield told


def _is_one_breath(between: str) -> bool:
    return len(between) <= BREATH and _STOP.search(between) is None


def _plain(word: str) -> str:
    return re.sub(r"\d", "0", word)


def _before(words: Sequence[str]) -> Iterator[tuple[str, float]]:
    for distance, word in enumerate(reversed(words)):
        yield f"left {word}", 1 - 0.08 * distance
        if distance < 3:  # noqa: PLR2004 -- the nearest words, by where they stand
            yield f"left {distance} {word}", 1.0
        if distance < 6:  # noqa: PLR2004 -- the same
            for length in (3, 4, 5):
                if len(word) > length:
                    yield f"left part {word[:length]}", 0.5
    for first, second in list(pairwise(words))[-4:]:
        yield f"left pair {first} {second}", 1.0


def _behind(words: Sequence[str]) -> Iterator[tuple[str, float]]:
    for distance, word in enumerate(words):
        yield f"right {word}", 1 - 0.1 * distance
        if distance < 2:  # noqa: PLR2004 -- the same
            yield f"right {distance} {word}", 1.0


def _about(text: str, shape: Shape) -> Iterator[str]:
    """Yield what the shape itself says of whose it is."""
    said = text[shape.start : shape.end]
    digits = re.sub(r"\D", "", said)
    if shape.start < 3:  # noqa: PLR2004 -- the draft begins with it
        yield "begins"
    if shape.kind == "phone":
        yield f"code {digits[:4]}"
        yield f"{len(digits)} digits"
        if _MOBILE.match(digits):
            yield "mobile"
        if _FREE.match(digits):
            yield "free"
    elif shape.kind == "mail":
        name, _, host = said.lower().partition("@")
        yield f"name {name}"
        yield from (f"name part {name[:length]}" for length in (3, 4, 5))
        yield from (f"host {word}" for word in ("post", "mail", "box", "web") if word in host)
        if "." in name or "_" in name:
            yield "two names"
        if any(
            word.lower() in name for word in re.findall(r"[A-Z][a-zäöü]{2,}", text[: shape.start] + text[shape.end :])
        ):
            yield "named beside"
    elif shape.kind == "number":
        yield f"shape {re.sub('[A-Z]+', 'A', re.sub('[0-9]+', '0', said))}"
