"""How services count a text.

Exact: code points (`characters`), what an address counts, what a mention counts. Approximate: graphemes follow
Unicode's rules for marks, joiners, flags and modifiers, but not those for Indic conjuncts and for Hangul syllables out
of single letters (which NFC has put together already); `weighted` takes an address for one only where it begins with
http.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

URL_LENGTH: Final = 23
"""What Mastodon (`characters_reserved_per_url`) and X (t.co) count for any address."""

_URL: Final = re.compile(r"https?://\S+")
_MENTION: Final = re.compile(r"(?<![\w/@])@(\w[\w.-]*)@[\w-]+(?:\.[\w-]+)+")
_ZWJ: Final = "\u200d"
_PLAIN: Final = re.compile(
    r"[\t\n\x20-\x7e\xa0-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u21ff]*"
)
"""Letters and signs that never join another one: a text of these has as many graphemes as code points."""
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
_EXTENDING: Final = (range(0x1F3FB, 0x1F400), range(0xFE00, 0xFE10), range(0xE0020, 0xE0080), range(0x200C, 0x200D))
"""Skin tones, variation selectors, the tags in flags of regions, the zero-width non-joiner (Unicode TR 29, Extend)."""
_LIGHT: Final = (range(0x1100), range(0x2000, 0x200E), range(0x2010, 0x2020), range(0x2032, 0x2038))
"""Code points that count once on X; all others count twice (twitter-text, configuration v3)."""


def characters(text: str) -> int:
    """Count code points; a line break is one."""
    return len(text)


def graphemes(text: str) -> int:
    """Count what a person sees as one character."""
    return sum(1 for _ in _graphemes(text))


def mastodon(text: str) -> int:
    """Count as Mastodon does: graphemes, an address 23, of a mention only the name, not the server."""
    rest, addresses = _URL.subn("", text)
    return graphemes(_MENTION.sub(r"@\1", rest)) + URL_LENGTH * addresses


def weighted(text: str) -> int:
    """Count as X does: Latin and the like once, everything else twice, an emoji twice however long, an address 23."""
    rest, addresses = _URL.subn("", unicodedata.normalize("NFC", text))
    return sum(_weight(grapheme) for grapheme in _graphemes(rest)) + URL_LENGTH * addresses


COUNTINGS: Final[Mapping[str, Callable[[str], int]]] = {
    "characters": characters,
    "graphemes": graphemes,
    "mastodon": mastodon,
    "weighted": weighted,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """How long a text may be on a channel; without a limit anything fits."""

    limit: int | None
    counting: str = "characters"
    longest_bytes: int | None = None
    """Where a service also counts what the text takes as UTF-8."""

    def count(self, text: str) -> int:
        return COUNTINGS[self.counting](text)

    def fits(self, text: str) -> bool:
        if self.longest_bytes is not None and len(text.encode()) > self.longest_bytes:
            return False
        return self.limit is None or self.count(text) <= self.limit

    @property
    def unit(self) -> str:
        """How the counter beside a field counts; the server has the last word."""
        return "characters" if self.counting == "characters" else "graphemes"

    @property
    def url_length(self) -> int | None:
        return URL_LENGTH if self.counting in {"mastodon", "weighted"} else None


def _graphemes(text: str) -> list[str]:
    if _PLAIN.fullmatch(text):  # a hundred times faster, and true of nearly every text
        return list(text)
    found: list[str] = []
    for letter in text:
        if found and _belongs_to(found[-1], letter):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _belongs_to(before: str, letter: str) -> bool:
    if letter == _ZWJ or before.endswith(_ZWJ) or _extends(letter):
        return True
    return _completes_flag(before, letter) or (before == "\r" and letter == "\n")


def _extends(letter: str) -> bool:
    point = ord(letter)
    return unicodedata.category(letter) in {"Mn", "Me", "Mc"} or any(point in points for points in _EXTENDING)


def _completes_flag(before: str, letter: str) -> bool:
    return len(before) == 1 and ord(before) in _FLAG_LETTERS and ord(letter) in _FLAG_LETTERS


def _weight(grapheme: str) -> int:
    if len(grapheme) > 1 and any(ord(letter) >= 0x2100 for letter in grapheme):  # noqa: PLR2004 -- where emoji begin
        return 2
    return sum(1 if any(ord(letter) in points for points in _LIGHT) else 2 for letter in grapheme)
