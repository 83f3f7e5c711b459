"""Handles: what a name in an address may look like, and which two look so alike that only one may exist."""

import functools
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from flask_babel import gettext

from core.errors import Invalid

SHORTEST = 3
LONGEST = 30
LONGEST_KEY = 120
MARKS = "-_."
RESERVED = frozenset((Path(__file__).parent / "reserved_handles.txt").read_text(encoding="utf-8").split())
# Writing systems that belong together within one word.
_FAMILIES = (frozenset({"HIRAGANA", "KATAKANA", "CJK", "HAN"}), frozenset({"HANGUL", "CJK", "HAN"}))


def checked(handle: str) -> str:
    """Return `handle` as it is stored; raise `Invalid` with a sentence at the field `handle` when it cannot be one."""
    handle = _plain(handle)
    if len(handle) < SHORTEST or len(handle) > LONGEST:
        raise _wrong(gettext("A handle has %(least)s to %(most)s characters.", least=SHORTEST, most=LONGEST))
    if not is_shaped(handle):
        raise _wrong(
            gettext(
                "A handle is made of letters, digits, dashes, dots and underscores. "
                "It begins and ends with a letter or digit."
            )
        )
    if not _is_one_script(handle):
        raise _wrong(
            gettext("Please stay with the letters of one alphabet, so that nobody is taken for somebody else.")
        )
    return handle


def refuse_reserved(handle: str) -> None:
    """Raise `Invalid` when the handle, or one that looks like it, would speak for the house."""
    if key(handle) in _reserved_keys():
        raise _wrong(gettext("This handle is kept for the house. Please choose another."))


def fitting(wanted: str) -> str:
    """Return `wanted` when it can be a handle, else the nearest that can; for names that come from elsewhere."""
    wanted = _plain(wanted)
    if is_shaped(wanted) and len(wanted) <= LONGEST:
        return wanted
    kept = "".join(letter if _is_letter(letter) or letter in MARKS else "-" for letter in wanted)
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip(MARKS)[:LONGEST].strip(MARKS) or "user"


def numbered(handle: str) -> Iterator[str]:
    """Yield the handle, then the handle with 2, 3 and so on behind it."""
    yield handle
    number = 1
    while True:
        number += 1
        suffix = f"-{number}"
        yield handle[: LONGEST - len(suffix)].rstrip(MARKS) + suffix


def is_shaped(handle: str) -> bool:
    """Tell whether somebody could have this handle; anything else need not be looked up."""
    return (
        0 < len(handle) <= LONGEST
        and _is_letter(handle[0])
        and _is_letter(handle[-1])
        and all(_is_letter(letter) or letter in MARKS for letter in handle)
    )


def folded(handle: str) -> str:
    """Return the handle without the difference between capitals and small letters."""
    return unicodedata.normalize("NFKC", _plain(handle).casefold())


def key(handle: str) -> str:
    """Return the skeleton: the same for all handles that look alike (after UTS 39, simplified to single characters)."""
    bare = "".join(_likeness(letter) for letter in folded(handle))
    return bare.replace("rn", "m").replace("vv", "w")[:LONGEST_KEY]


@functools.lru_cache(maxsize=4096)
def _likeness(letter: str) -> str:
    letter = _prototype(letter)
    # A capital I is a small l in most fonts, and handles are the same in capitals and small letters.
    return {"i": "l", "|": "l"}.get(letter, letter)


def _prototype(letter: str) -> str:
    from confusable_homoglyphs import confusables  # its tables are 8 MB: loaded where a handle is chosen

    alike = [entry["c"] for entry in confusables.confusables_data.get(letter, ())]
    if len(alike) != 1 or len(alike[0]) != 1:
        return letter
    # Two characters that only resemble each other name one another; the smaller one stands for both.
    is_mutual = [entry["c"] for entry in confusables.confusables_data.get(alike[0], ())] == [letter]
    return str(min(letter, alike[0]) if is_mutual else alike[0]).casefold()


@functools.lru_cache(maxsize=1)
def _reserved_keys() -> frozenset[str]:
    return frozenset(key(word) for word in RESERVED)


def _plain(handle: str) -> str:
    return unicodedata.normalize("NFKC", handle[: LONGEST * 4].strip().removeprefix("@"))


def _is_letter(letter: str) -> bool:
    return letter in "0123456789" or unicodedata.category(letter)[0] in "LM"


def _is_one_script(handle: str) -> bool:
    from confusable_homoglyphs import categories

    scripts = {categories.alias(letter) for letter in handle} - {"COMMON", "INHERITED"}
    return len(scripts) <= 1 or any(scripts <= family for family in _FAMILIES)


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"handle": sentence})
