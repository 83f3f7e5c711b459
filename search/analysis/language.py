"""Which language a text is written in: German or English, by its function words and its letters."""

import re
from typing import Final

from search.analysis.stopwords import ENGLISH, GERMAN
from search.analysis.tokens import written

_LOOKED_AT = 2_000
_FUNCTION_WORD = 2.0
_PATTERN = 0.5
_SURE = 1.0
"""By how much one language must lead before it is believed against the hint."""

_ONLY_GERMAN: Final = GERMAN - ENGLISH
_ONLY_ENGLISH: Final = ENGLISH - GERMAN
_GERMAN_LETTERS: Final = re.compile(
    r"[äöüß]|sch|(?:ung|ungen|lich|isch|keit|heit|tion(?:en)|iert|chen)\b|\b(?:ge|ver|zer)\w{3}"
)
_ENGLISH_LETTERS: Final = re.compile(r"th|wh|sh|[^s]y\b|(?:ing|ed|tion|ment|ness|ould|ight|ly)\b|oo|ee")


def guess(text: str, hint: str | None = None) -> str:
    """Return "de" or "en"; where the text does not say, `hint`, and English where there is none."""
    text = text[:_LOOKED_AT].casefold()
    words = written(text)
    german = _FUNCTION_WORD * sum(word in _ONLY_GERMAN for word in words)
    english = _FUNCTION_WORD * sum(word in _ONLY_ENGLISH for word in words)
    german += _PATTERN * len(_GERMAN_LETTERS.findall(text))
    english += _PATTERN * len(_ENGLISH_LETTERS.findall(text))
    lead = german - english
    if hint in {"de", "en"} and abs(lead) <= _SURE:
        return str(hint)
    return "de" if lead > 0 else "en"
