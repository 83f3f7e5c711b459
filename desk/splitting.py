"""A reply that is too long for one message: numbered posts, or a short text and the address where it goes on.

Every part fits by the channel's own arithmetic. A part ends between two words, best after a sentence; words, addresses
and mentions are never cut.
"""

import re
from collections.abc import Callable
from typing import Final, Literal, get_args

from flask_babel import gettext

from core.counting import Measure
from core.errors import Invalid

Way = Literal["", "numbered", "link"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)
MOST_PARTS: Final = 25
FULL_ENOUGH: Final = 0.6
"""A part may end after a sentence when it is as full as this; else it ends after a word."""
_WORD: Final = re.compile(r"\S+")
_ADDRESS: Final = re.compile(r"https?://\S+")
_SENTENCE_ENDS: Final = re.compile(r"[.!?…:][\"“”»)\]]*$")


def parts(text: str, way: Way, measure: Measure, *, suffix: str = "") -> list[str]:
    """Return the messages that a text becomes; with `suffix` behind the last one.

    A text that fits stays one message, whatever was chosen. Raise `Invalid` when it cannot be done this way.
    """
    if way not in WAYS:
        raise _refusal(gettext("Please choose one of these."))
    if not way or measure.fits(text + suffix):
        return [text + suffix]
    text = text.strip()
    return [_shortened(text, measure, suffix)] if way == "link" else _numbered(text, measure, suffix)


def _shortened(text: str, measure: Measure, suffix: str) -> str:
    addresses = _ADDRESS.findall(text)
    if not addresses:
        raise _refusal(gettext("There is no address in the text where it could go on. Please insert an article first."))
    address = addresses[-1].rstrip(".,;:!?)")
    end = f"… {address}{suffix}"
    rest = text.replace(address, "", 1) if text.endswith(address) else text
    words = [word for word in _WORD.finditer(rest) if address not in word.group()]
    room = _fitting(words, 0, lambda last: measure.fits(rest[: last.end()].rstrip(" .,;:–-") + end))
    if not room:
        raise _refusal(gettext("Not even the first word fits beside the address."))
    kept = rest[: words[room - 1].end()]
    if address in kept:  # it stands early in the text: what is kept has it already
        return f"{kept.rstrip(' .,;:–-')}…{suffix}"
    return f"{kept.rstrip(' .,;:–-')}{end}"


def _numbered(text: str, measure: Measure, suffix: str) -> list[str]:
    words = list(_WORD.finditer(text))
    for total in range(2, MOST_PARTS + 1):
        found = _in_parts(text, words, total, measure, suffix)
        if found is not None:
            return found
    raise _refusal(gettext("This would be more than %(most)s messages.", most=MOST_PARTS))


def _in_parts(text: str, words: list[re.Match[str]], total: int, measure: Measure, suffix: str) -> list[str] | None:
    """Return the text in exactly so many numbered parts or fewer; None when it takes more."""
    found: list[str] = []
    at = 0
    while at < len(words):
        number = len(found) + 1
        if number > total:
            return None
        sign = f" ({number}/{total})"
        start = words[at].start()
        whole = text[start:] + sign + suffix
        if measure.fits(whole):
            found.append(whole)
            break
        room = _fitting(words, at, _fits_from(text, start, sign, measure))
        if not room or len(words) == at + 1:
            raise _refusal(gettext("“%(word)s” is too long for one message.", word=words[at].group()[:40]))
        room = min(room, len(words) - at - 1)  # the initials at least are left over: they need a word before them
        room = _to_the_end_of_a_sentence(text, words, at, room)
        found.append(text[start : words[at + room - 1].end()] + sign)
        at += room
    return found if len(found) == total else None


def _fits_from(text: str, start: int, sign: str, measure: Measure) -> Callable[[re.Match[str]], bool]:
    return lambda last: measure.fits(text[start : last.end()] + sign)


def _fitting(words: list[re.Match[str]], at: int, fits: Callable[[re.Match[str]], bool]) -> int:
    """Return how many words from `at` on fit together."""
    low, high = 0, len(words) - at
    step = 1
    while step <= high and fits(words[at + step - 1]):  # widening first: a text is long, and a part is short
        low, step = step, step * 2
    high = min(high, step - 1)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(words[at + middle - 1]):
            low = middle
        else:
            high = middle - 1
    return low


def _to_the_end_of_a_sentence(text: str, words: list[re.Match[str]], at: int, room: int) -> int:
    start, end = words[at].start(), words[at + room - 1].end()
    least = start + FULL_ENOUGH * (end - start)
    for number in range(room, 0, -1):
        word = words[at + number - 1]
        if word.end() < least:
            break
        ends_line = at + number < len(words) and "\n" in text[word.end() : words[at + number].start()]
        if ends_line or _SENTENCE_ENDS.search(word.group()):
            return number
    return room


def _refusal(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"split": sentence})
