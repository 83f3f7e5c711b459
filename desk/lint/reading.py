"""A draft as the linter reads it: plain letters, quotations set aside, cut into sentences and clauses.

Every place counts characters of the text itself: what is made plain stays as long as it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

LONGEST: Final = 20_000
LONGEST_SENTENCE: Final = 900
"""A longer one is read in pieces, so that every look takes time in proportion to the text."""
_SET_ASIDE: Final = "\x00"

_PLAIN: Final = str.maketrans(
    {
        "\u00a0": " ",
        "\u202f": " ",
        "\t": " ",
        "\r": " ",
        "\u2019": "'",
        "\u2018": "'",
        "\u02bc": "'",
        "`": "'",
        "\u2010": "-",
        "\u2011": "-",
        "\u2026": ".",
    }
)
_QUOTED: Final = re.compile(
    r"„[^“”\"„]{1,400}[“”\"]|“[^”“]{1,400}”|«[^»]{1,400}»|»[^«]{1,400}«|(?<!\w)\"[^\"]{1,400}\"(?!\w)"
)
_ABBREVIATED: Final = re.compile(
    r"(?:^|[\s(])(?:z\. ?b|d\. ?h|u\. ?a|e\.g|i\.e|bzw|ca|nr|no|mr|mrs|ms|dr|prof|st|str|tel|std|min|max|evtl|ggf"
    r"|inkl|vgl|usw|etc|ext"
    r"|approx|dept|jan|feb|mär|apr|jun|jul|aug|sep|sept|okt|oct|nov|dez|dec|mon|tue|wed|thu|fri|mo|di|mi|do|fr|sa|so"
    r"|bspw|abt|hr|fr|o)$",
    re.IGNORECASE,
)
_PICTURE: Final = r"[\u2190-\u2bff\u3030\ufe0f\u200d\U0001f000-\U0001faff]"
_END: Final = re.compile(
    rf"[.!?]+[)\"'”“]?(?=\s|$)|\n+|(?<=\s){_PICTURE}+(?=\s+[^\W\d_]|\s*$)|(?<=\w){_PICTURE}+(?=\s|$)"
    rf"|[.!?]+(?={_PICTURE})"
)
_SIGNED: Final = re.compile(
    rf"(?:\s*(?:{_PICTURE}|(?<!\S)[\^~/][A-Za-zÄÖÜäöü]{{1,12}}|[-–—]\s?[A-ZÄÖÜ][a-zäöü]{{1,12}}|[:;]-?[)(DPp]"
    rf"|<3))+\s*$"
)
_MONTHS: Final = re.compile(
    r"\s+(?:jan|feb|mär|mar|apr|mai|may|jun|jul|aug|sep|okt|oct|nov|dez|dec|quartal|halbjahr|etage|stock|klasse|tag"
    r"|woche|\d)",
    re.IGNORECASE,
)
_SEPARATOR: Final = re.compile(
    r",\s+|;\s+|:\s+|\s+[-–—]{1,2}\s+|\s+\(|\)\s+|\s+…\s+|\s+(?=(?:und|and|aber|but)(?:\s+\S+){3})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the text."""

    start: int
    end: int
    words: str
    """Made plain, without what somebody else is quoted with."""


class Sentence(Part):
    """From its first letter to its last sign; signatures and pictures behind it are no part of it."""

    __slots__ = ("__dict__",)

    @property
    def is_question(self) -> bool:
        return self.words.rstrip("!)\"' ").endswith("?")

    @cached_property
    def clauses(self) -> tuple[Part, ...]:
        """Return what lies between commas, colons, dashes, brackets and what begins with "and" or "but".

        The last one is without its full stop.
        """
        found = []
        at = 0
        body = self.words.rstrip(".!? ")
        for cut in _SEPARATOR.finditer(body):
            if body[at : cut.start()].strip():
                found.append(self.part(at, cut.start()))
            at = cut.end()
        if body[at:].strip():
            found.append(self.part(at, len(body)))
        return tuple(found)

    def part(self, start: int, end: int) -> Part:
        """Return a stretch of the sentence, by places in it."""
        return Part(self.start + start, self.start + end, self.words[start:end])


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and the sentence it stands in, by its number."""

    part: Part
    sentence: Sentence
    number: int


@dataclass(frozen=True)
class Reading:
    text: str
    plain: str
    """As long as the text, with quotations set aside."""
    sentences: tuple[Sentence, ...]

    def clauses(self) -> list[Clause]:
        """Return the clauses of all sentences, in their order."""
        return [
            Clause(part, sentence, number)
            for number, sentence in enumerate(self.sentences)
            for part in sentence.clauses or (sentence,)
        ]


def read(text: str) -> Reading:
    """Return a text as it is looked at."""
    text = text[:LONGEST]
    plain = _QUOTED.sub(lambda found: _SET_ASIDE * len(found[0]), text.translate(_PLAIN))
    return Reading(text, plain, tuple(_sentences(plain)))


def _sentences(plain: str) -> Iterator[Sentence]:
    at = 0
    for end in _END.finditer(plain):
        if end[0].strip() and _is_no_end(plain, end):
            continue
        yield from _pieces(plain, at, end.end())
        at = end.end()
    yield from _pieces(plain, at, len(plain))


def _is_no_end(plain: str, end: re.Match[str]) -> bool:
    if not end[0].startswith("."):
        return False
    before = plain[max(0, end.start() - 12) : end.start()]
    if _ABBREVIATED.search(before):
        return bool(plain[end.end() :].strip())
    return before[-1:].isdigit() and (
        _MONTHS.match(plain, end.end()) is not None
        or re.match(r"\s+[a-zäöü]", plain[end.end() : end.end() + 4]) is not None
    )


def _pieces(plain: str, start: int, end: int) -> Iterator[Sentence]:
    while start < end:
        stop = end
        if end - start > LONGEST_SENTENCE:
            stop = plain.rfind(" ", start, start + LONGEST_SENTENCE)
            stop = start + LONGEST_SENTENCE if stop <= start else stop
        words = plain[start:stop]
        if (signed := _SIGNED.search(words)) is not None:
            words = words[: signed.start()]
        bare = words.strip()
        bare = bare.lstrip("-–—*•>#) ")
        if any(letter.isalnum() for letter in bare):
            first = start + words.rindex(bare)
            yield Sentence(first, first + len(bare), bare)
        start = stop
