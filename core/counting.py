"""How services count a text; `static/js/measure.js` counts the same in the browser, and a test compares the two.

Graphemes follow Unicode's rules (TR 29). Two things are not known of X: which words without http its own list of
domains makes addresses (`_BARE` has the usual ones), and that the names a reply begins with count nothing there; both
count more here, never less.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

URL_LENGTH: Final = 23
"""What Mastodon (`characters_reserved_per_url`) and X (t.co) count for any address."""
SHOWN_LENGTH: Final = 30
"""So much of an address is shown on Bluesky, where the whole of it lies behind the text."""

_SPACES: Final = r"\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NOT_AT_ITS_END: Final = r".,;:!?'\"()\[\]{}<>«»“”„‘’…"
ADDRESS: Final = re.compile(rf"https?://[^{_SPACES}]*[^{_SPACES}{_NOT_AT_ITS_END}]")
_BARE: Final = re.compile(
    r"(?<![\w@/.-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+"
    r"(?:com|org|net|info|biz|eu|de|at|ch|uk|fr|it|es|nl|be|pl|dk|se|no|fi|us|ca|io|dev|app|co|me|tv|gov|edu|social)"
    rf"(?![\w-])(?:/(?:[^{_SPACES}]*[^{_SPACES}{_NOT_AT_ITS_END}])?)?",
    re.IGNORECASE,
)
_MENTION: Final = re.compile(r"(?<![\w/@])@(\w[\w.-]*)@[\w-]+(?:\.[\w-]+)+")
_ZWJ: Final = "\u200d"
_PLAIN: Final = r"\t\n\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u21ff"
"""Letters and signs that never join one of these: of them a text has as many graphemes as code points."""
_RUNS: Final = re.compile(f"([{_PLAIN}]+)|[^{_PLAIN}]+")
_HEAVY: Final = re.compile(r"[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
"""Code points that count twice on X; all others count once (twitter-text, configuration v3)."""
_EMOJI: Final = re.compile(r"[\u2100-\U0010ffff]")


class _Points:
    """Code points, given as ranges in order: `first-last` or one by itself, in hexadecimal."""

    def __init__(self, listed: str) -> None:
        pairs = [part.partition("-") for part in listed.split()]
        self._firsts = [int(first, 16) for first, _, _ in pairs]
        self._lasts = [int(last or first, 16) for first, _, last in pairs]

    def __contains__(self, letter: str) -> bool:
        at = bisect_right(self._firsts, ord(letter)) - 1
        return at >= 0 and ord(letter) <= self._lasts[at]


# The tables are those of Unicode 16: GraphemeBreakProperty, emoji-data, IndicConjunctBreak.
_FLAG_LETTERS: Final = _Points("1F1E6-1F1FF")
_ALSO_EXTENDING: Final = _Points("200C FF9E-FF9F 1F3FB-1F3FF E0020-E007F")
_ALSO_SPACING: Final = _Points("E33 EB3")
_NOT_SPACING: Final = _Points(
    "102B-102C 1038 1062-1064 1067-106D 1083 1087-108C 108F 109A-109C 1A61 1A63-1A64 AA7B AA7D 11720-11721"
)
_PREPENDED: Final = _Points(
    "600-605 6DD 70F 890-891 8E2 D4E 110BD 110CD 111C2-111C3 1193F 11941 11A3A 11A84-11A89 11D46 11F02"
)
_PICTURES: Final = _Points(
    "A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 2388 23CF 23E9-23F3 23F8-23FA 24C2 25AA-25AB 25B6 "
    "25C0 25FB-25FE 2600-2605 2607-2612 2614-2685 2690-2705 2708-2712 2714 2716 271D 2721 2728 2733-2734 2744 2747 "
    "274C 274E 2753-2755 2757 2763-2767 2795-2797 27A1 27B0 27BF 2934-2935 2B05-2B07 2B1B-2B1C 2B50 2B55 3030 303D "
    "3297 3299 1F000-1F0FF 1F10D-1F10F 1F12F 1F16C-1F171 1F17E-1F17F 1F18E 1F191-1F19A 1F1AD-1F1E5 1F201-1F20F 1F21A "
    "1F22F 1F232-1F23A 1F23C-1F23F 1F249-1F3FA 1F400-1F53D 1F546-1F64F 1F680-1F6FF 1F774-1F77F 1F7D5-1F7FF "
    "1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F 1F8AE-1F8FF 1F90C-1F93A 1F93C-1F945 1F947-1FAFF 1FC00-1FFFD"
)
_LINKERS: Final = _Points("94D 9CD ACD B4D C4D D4D")
_CONSONANTS: Final = _Points(
    "915-939 958-95F 978-97F 995-9A8 9AA-9B0 9B2 9B6-9B9 9DC-9DD 9DF 9F0-9F1 A95-AA8 AAA-AB0 AB2-AB3 AB5-AB9 AF9 "
    "B15-B28 B2A-B30 B32-B33 B35-B39 B5C-B5D B5F B71 C15-C28 C2A-C39 C58-C5A D15-D3A"
)
_HANGUL_L: Final = _Points("1100-115F A960-A97C")
_HANGUL_V: Final = _Points("1160-11A7 D7B0-D7C6")
_HANGUL_T: Final = _Points("11A8-11FF D7CB-D7FB")
_SYLLABLES: Final = range(0xAC00, 0xD7A4)
_TAILS: Final = 28


def characters(text: str) -> int:
    """Count code points; a line break is one."""
    return len(text)


def graphemes(text: str) -> int:
    """Count what a person sees as one character."""
    return len(_begins(text))


def mastodon(text: str, url_length: int = URL_LENGTH) -> int:
    """Count as Mastodon does: graphemes, an address 23, of a mention only the name, not the server."""
    rest, addresses = ADDRESS.subn("", text)
    return graphemes(_MENTION.sub(r"@\1", rest)) + url_length * addresses


def weighted(text: str, url_length: int = URL_LENGTH) -> int:
    """Count as X does: Latin and the like once, everything else twice, an emoji twice however long, an address 23."""
    rest, addresses = ADDRESS.subn("", unicodedata.normalize("NFC", text))
    rest, bare = _BARE.subn("", rest)
    return _weight(rest) + url_length * (addresses + bare)


def bluesky(text: str) -> int:
    """Count what is written to Bluesky: graphemes, an address as short as it is shown there."""
    return graphemes(with_short_addresses(text))


def with_short_addresses(text: str) -> str:
    """Return the text with each address as it is shown where the whole of it lies behind what one sees."""
    return ADDRESS.sub(lambda found: shown_address(found.group()), text)


def shown_address(url: str) -> str:
    """Return an address without its scheme, and its end cut off where it is long."""
    bare = url.removeprefix("https://").removeprefix("http://")
    return bare if len(bare) <= SHOWN_LENGTH else bare[: SHOWN_LENGTH - 1] + "…"


COUNTINGS: Final[Mapping[str, Callable[..., int]]] = {
    "characters": characters,
    "graphemes": graphemes,
    "mastodon": mastodon,
    "weighted": weighted,
    "bluesky": bluesky,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """How long a text may be on a channel; without a limit anything fits."""

    limit: int | None
    counting: str = "characters"
    longest_bytes: int | None = None
    """Where a service also counts what the text takes as UTF-8."""
    url_length: int = URL_LENGTH
    """What any address counts where that does not depend on its length."""
    own: str = ""
    """How addresses of ours begin that leave with a token: `https://…/kb/`, then a number; empty where none do."""
    token: int = 0
    """How many characters that token has."""

    def count(self, text: str) -> int:
        """Return how long a text is when it has left the house."""
        text = self.leaving(text)
        if self.counting in {"mastodon", "weighted"}:
            return COUNTINGS[self.counting](text, self.url_length)
        return COUNTINGS[self.counting](text)

    def fits(self, text: str) -> bool:
        text = self.leaving(text)
        if self.longest_bytes is not None and len(self._written(text).encode()) > self.longest_bytes:
            return False
        return self.limit is None or self.count(text) <= self.limit

    def leaving(self, text: str) -> str:
        """Return the text with tokens in place of the names in our own addresses, as long as the real ones are."""
        if not self.own or self.own not in text:
            return text
        address = rf"({re.escape(self.own)}[0-9]+)(?:-[A-Za-z0-9_-]*)?(?![A-Za-z0-9_-])(?!/[A-Za-z0-9_])"
        return re.sub(address, rf"\1/{'x' * self.token}", text)

    def _written(self, text: str) -> str:
        return with_short_addresses(text) if self.counting == "bluesky" else text


def _begins(text: str) -> list[int]:
    """Return where the graphemes begin."""
    begins: list[int] = []
    for run in _RUNS.finditer(text):
        first, end = run.span()
        if first == 0 or not _belongs_to(text, begins[-1], first):
            begins.append(first)
        if run[1] is not None:  # a hundred times faster, and true of nearly all there is
            begins.extend(range(first + 1, end))
            continue
        for at in range(first + 1, end):
            if not _belongs_to(text, begins[-1], at):
                begins.append(at)
    return begins


def _belongs_to(text: str, begin: int, at: int) -> bool:
    """Tell whether the letter there goes on with the grapheme that begins before it (TR 29, GB3 to GB13).

    No rule looks at all that came before: a text that is one grapheme takes no longer than another.
    """
    last, letter = text[at - 1], text[at]
    if last == "\r" and letter == "\n":
        return True
    if _is_control(last) or _is_control(letter):
        return False
    return (
        letter == _ZWJ
        or _extends(letter)
        or _is_spacing(letter)
        or last in _PREPENDED
        or _completes_syllable(last, letter)
        or (letter in _FLAG_LETTERS and last in _FLAG_LETTERS and _is_half_a_flag(text, begin, at))
        or (letter in _PICTURES and last == _ZWJ and _joins_pictures(text, begin, at))
        or (letter in _CONSONANTS and _joins_consonants(text, begin, at))
    )


def _is_control(letter: str) -> bool:
    if letter == _ZWJ or letter in _ALSO_EXTENDING or letter in _PREPENDED:
        return False
    return unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp", "Cs"}


def _extends(letter: str) -> bool:
    return unicodedata.category(letter) in {"Mn", "Me"} or letter in _ALSO_EXTENDING


def _is_spacing(letter: str) -> bool:
    return (unicodedata.category(letter) == "Mc" and letter not in _NOT_SPACING) or letter in _ALSO_SPACING


def _completes_syllable(last: str, letter: str) -> bool:
    if last in _HANGUL_L:
        return letter in _HANGUL_L or letter in _HANGUL_V or ord(letter) in _SYLLABLES
    is_syllable = ord(last) in _SYLLABLES
    has_tail = is_syllable and (ord(last) - _SYLLABLES.start) % _TAILS != 0
    if last in _HANGUL_V or (is_syllable and not has_tail):
        return letter in _HANGUL_V or letter in _HANGUL_T
    return (last in _HANGUL_T or has_tail) and letter in _HANGUL_T


def _is_half_a_flag(text: str, begin: int, at: int) -> bool:
    return at - 1 == begin or text[at - 2] not in _FLAG_LETTERS


def _joins_pictures(text: str, begin: int, at: int) -> bool:
    before = at - 2
    while before >= begin and _extends(text[before]):
        before -= 1
    return before >= begin and text[before] in _PICTURES


def _joins_consonants(text: str, begin: int, at: int) -> bool:
    linked = False
    for before in range(at - 1, begin - 1, -1):
        one = text[before]
        if one in _LINKERS:
            linked = True
        elif one in _CONSONANTS:
            return linked
        elif not (_extends(one) or one == _ZWJ) or one == "\u200c":
            return False
    return False


def _weight(text: str) -> int:
    """Count as X does what is no address: an emoji of several code points as one."""
    begins = _begins(text)
    weight = _weight_of_letters(text)
    if len(begins) == len(text):
        return weight
    for begin, end in pairwise([*begins, len(text)]):
        if end - begin > 1 and _EMOJI.search(text, begin, end):
            weight += 2 - _weight_of_letters(text[begin:end])
    return weight


def _weight_of_letters(text: str) -> int:
    return len(text) + len(_HEAVY.findall(text))
