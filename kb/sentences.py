"""Where sentences end, in German and in English, well enough for a short text."""

import re
from typing import Final

_END: Final = re.compile(r"[.!?…]+[\"'”’“»«)\]]*(?=\s)")
_LAST_WORD: Final = re.compile(r"(\S+)$")
_LONGEST_LOOK_BACK: Final = 40
_ABBREVIATIONS: Final = frozenset(
    """
    abs abt allg approx art bspw bzgl bzw ca co corp dr engl etc evtl fig ggf inc inkl jan feb jr kap ltd max min mio mr
    mrs ms mrd nr no num o p pos prof s sog st std str tel u usw v vgl vol vs z zb zzgl
    """.split()  # noqa: SIM905 -- the words are easier to read and to add to than sixty quoted strings
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
    before = _LAST_WORD.search(text, max(start, dot - _LONGEST_LOOK_BACK), dot)
    word = before.group(1).strip("(\"'„“").lower() if before else ""
    following = text[after : after + 2].strip()
    if word in _ABBREVIATIONS or len(word) == 1 or "." in word:
        return True
    return (word.isdigit() and following[:1].isalpha()) or following[:1].islower()
