"""Greetings and names, taken out of what everybody will read."""

import re
from collections.abc import Iterable
from typing import Final

HELLO: Final = (
    r"(?:hallo|hi|hey|moin|servus|grüezi|guten\s(?:tag|morgen|abend)|liebe[rs]?|sehr\sgeehrte[rs]?"
    r"|dear|hello|good\s\w{3,9})"
)
"""How a text begins that greets somebody; for a pattern that does not look at case."""
_HELLO: Final = re.compile(
    rf"\A\s{{0,9}}{HELLO}"
    r"(?:\s[^\n,.!?]{0,60})?\s{0,3}[,.!]\s{0,9}",
    re.IGNORECASE,
)
_GOODBYE: Final = re.compile(
    r"\s{0,9}(?:viele|beste|freundliche|liebe|herzliche)\sgr(?:ü|ue)(?:ß|ss)e[^\n]{0,80}(?:\n[^\n]{0,80}){0,2}\Z"
    r"|\s{0,9}(?:mit\sfreundlichen\sgr(?:ü|ue)(?:ß|ss)en|kind\sregards|best\sregards)[^\n]{0,80}(?:\n[^\n]{0,80}){0,2}\Z",
    re.IGNORECASE,
)
SHORTEST_NAME: Final = 3
LONGEST: Final = 20_000


def without(text: str, *, names: Iterable[str]) -> str:
    """Return a text without greeting, farewell and these names; what it says stays as it was written."""
    text = _GOODBYE.sub("", _HELLO.sub("", text[:LONGEST]))
    for name in _words(names):
        text = re.sub(rf"@?(?<!\w){re.escape(name)}(?!\w)", "…", text, flags=re.IGNORECASE)
    text = text.strip()
    return text[:1].upper() + text[1:]


def named(text: str, names: Iterable[str]) -> bool:
    """Tell whether one of these names still stands in a text."""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for name in _words(names))


def _words(names: Iterable[str]) -> list[str]:
    """Return names and their parts, the longest first; handles without what networks put around them."""
    found: list[str] = []
    for name in names:
        bare = name.strip().lstrip("@")
        found += [bare, bare.partition("@")[0], *bare.split()]
    return sorted({word for word in found if len(word) >= SHORTEST_NAME}, key=len, reverse=True)
