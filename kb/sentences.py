"""Where sentences end, in German and in English, well enough for a short text."""

import re
from typing import Final

_END: Final = re.compile(r"[.!?…]+[\"'”’“»«)\]]*(?=\s)")
_LONGEST_LOOK_BACK: Final = 40
_LONGEST_ORDINAL: Final = 2
_ABBREVIATIONS: Final = frozenset(
    """
    abs abt allg approx art bspw bzgl bzw ca co corp dr engl etc evtl fig ggf inc inkl jan feb jr kap ltd max min mio mr
    mrs ms mrd nr no num o p pos prof s sog st std str tel u usw v vgl vol vs z zb zzgl
    """.split()  # noqa: SIM905 -- the words are easier to read and to add to than sixty quoted strings
)
_MONTHS: Final = tuple("Jan Feb Mär März Apr Mai Jun Jul Aug Sep Okt Nov Dez".split())  # noqa: SIM905 -- the same
_BEFORE_ORDINALS: Final = frozenset(
    "ab am beim bis dem den der des die das im jeden jeder jedes seit vom zum zur".split()  # noqa: SIM905 -- the same
)


def split(text: str) -> list[str]:
    """Return the sentences of a plain text; abbreviations (z. B., e.g., Nr.) and ordinals (3. Mai) end none."""
    text = " ".join(text.split())
    sentences = []
    start = 0
    for end in _END.finditer(text):
        if end.group()[0] == "." and len(end.group()) == 1 and _goes_on(text, start, end.start(), end.end()):
            continue
        sentences.append(text[start : end.end()].strip())
        start = end.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest else sentences


def _goes_on(text: str, start: int, dot: int, after: int) -> bool:
    words = text[max(start, dot - _LONGEST_LOOK_BACK) : dot].split()
    word = words[-1].strip("(\"'„“").lower() if words else ""
    following = text[after:].lstrip()[:_LONGEST_LOOK_BACK]
    if word in _ABBREVIATIONS or "." in word or (len(word) == 1 and word.isalpha()):
        return True
    if word.isdigit() and following[:1].isalpha():
        before = words[-2].lower() if len(words) > 1 else ""
        return len(word) <= _LONGEST_ORDINAL and (before in _BEFORE_ORDINALS or following.startswith(_MONTHS))
    return following[:1].islower()
