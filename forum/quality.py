"""What a question still lacks before somebody can answer it. Whoever asks may ask all the same: these are hints."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from core.markup_child import UPLOAD

FEWEST_WORDS: Final = 8
"""Words that a text has beside greeting and thanks when it says what happened; code, a picture or a field do, too."""
LOUD_SHARE: Final = 0.8
FEWEST_LOUD_LETTERS: Final = 10

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|^(?: {4}|\t).*$", re.DOTALL | re.MULTILINE)
_PICTURE: Final = re.compile(rf"!\[(?P<words>[^\[\]]{{0,300}})\]\({UPLOAD.pattern}[^)]*\)")
_ADDRESS: Final = re.compile(r"https?://\S+")
_MARKS: Final = re.compile(r"[!?]{3,}")
_QUOTED: Final = re.compile(r"[\"“”„«»‚‘]\s*\w|\d|```|`\w")
_ERROR: Final = re.compile(r"\b(?:fehlermeldung|error\s+message|error\s+code|fehlercode)\w*", re.IGNORECASE)
_COURTESIES: Final = frozenset(
    _WORD.findall("""
    hi hello hey dear all everyone everybody folks team guys there good morning evening afternoon day greetings regards
    kind best cheers thanks thank you thx many much in advance please pls help me can anyone somebody someone any ideas
    hallo hey moin servus guten tag morgen abend liebe lieber liebes forum leute zusammen ihr alle grüße gruß grüsse
    gruss viele freundliche freundlichen mit beste besten mfg lg vg danke dank vielen schon mal im voraus bitte hilfe
    helft mir kann jemand wer helfen
    """)
)
_PURE_COURTESIES: Final = frozenset(
    _WORD.findall(
        "hi hello hey regards cheers thanks thank thx please pls hallo moin servus danke dank bitte mfg lg vg"
    )
)
"""Words that say nothing else anywhere; morning and day also say when it began."""
_EMPTY: Final = _COURTESIES | frozenset(
    _WORD.findall("""
    a an the my is it does do did doesn't doesn’t don't don’t not no work works working broken problem problems issue
    issues question questions error errors urgent important i have with need wrong something
    ein eine der die das mein meine ist es geht gehen nicht nichts mehr funktioniert kaputt problem probleme frage
    fragen fehler dringend wichtig ich habe hab etwas was brauche klappt läuft und
    """)
)


@dataclass(frozen=True, slots=True)
class Hint:
    """What is missing, and at which field of the form."""

    field: str
    sentence: str


def missing(*, title: str, source: str, has_details: bool = False) -> list[Hint]:
    """Return what a question lacks, in the order of the form; of what the text lacks, the first thing only."""
    hints = []
    for field, text, checks in (
        ("title", title, (_says_nothing, _shouts, _has_many_marks)),
        ("source", source, (_shouts,)),
    ):
        sentences: list[str] = [sentence for check in checks if (sentence := check(text))]
        hints += [Hint(field, sentence) for sentence in sentences]
    for lack in (_only_greets, _repeats(title), _is_short(has_details=has_details), _names_no_error):
        if sentence := lack(source):
            hints.append(Hint("source", sentence))
            break
    if sentence := _shows_without_words(source):
        hints.append(Hint("source", sentence))
    return hints


def _says_nothing(title: str) -> str:
    if all(word in _EMPTY for word in _words(title)):
        return str(gettext("The first sentence does not say yet what it is about: which thing does what?"))
    return ""


def _shouts(text: str) -> str:
    letters = [letter for letter in _spoken(text) if letter.isalpha()]
    loud = sum(letter.isupper() for letter in letters)
    if len(letters) >= FEWEST_LOUD_LETTERS and loud > LOUD_SHARE * len(letters):
        return str(gettext("All capitals read like shouting. In small letters it is read to the end."))
    return ""


def _has_many_marks(title: str) -> str:
    return str(gettext("One mark at the end is enough.")) if _MARKS.search(title) else ""


def _repeats(title: str) -> Callable[[str], str]:
    known = set(_words(title))

    def check(source: str) -> str:
        words = _words(source)
        if words and not _says_more(source) and set(words) <= known | _COURTESIES:
            return str(gettext("The text says what the first sentence says. What happened, and what have you tried?"))
        return ""

    return check


def _only_greets(source: str) -> str:
    if not _says_more(source) and all(word in _COURTESIES for word in _words(source)):
        return str(gettext("This is kind, but says nothing about the question yet."))
    return ""


def _is_short(*, has_details: bool) -> Callable[[str], str]:
    def check(source: str) -> str:
        words = [word for word in _words(source) if word not in _PURE_COURTESIES]
        if len(words) < FEWEST_WORDS and not has_details and not _says_more(source):
            return str(
                gettext("More detail helps: what did you do, what happened, what did you expect, what have you tried?")
            )
        return ""

    return check


def _names_no_error(source: str) -> str:
    if _ERROR.search(source) and not _QUOTED.search(source) and not _PICTURE.search(source):
        return str(gettext("You mention an error message. Its exact words, or a screenshot, help most."))
    return ""


def _shows_without_words(source: str) -> str:
    bare = [
        found for found in _PICTURE.finditer(source) if not found["words"].strip() or _is_placeholder(found["words"])
    ]
    if bare:
        return str(gettext("A picture has no words yet. Please write into its square brackets what it shows."))
    return ""


def _is_placeholder(words: str) -> bool:
    return words.strip() == str(gettext("What this picture shows"))


def _says_more(source: str) -> bool:
    """Tell whether a text brings what needs no words around it."""
    return bool(_CODE.search(source) or _PICTURE.search(source))


def _spoken(text: str) -> str:
    for other in (_CODE, _PICTURE, _ADDRESS):
        text = other.sub(" ", text)
    return text


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(_spoken(text))]
