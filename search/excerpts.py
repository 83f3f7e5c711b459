"""Excerpts: the part of a plain text that shows best why it was found, as safe HTML."""

import re
from collections.abc import Collection
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

from search.analysis import tokens

LENGTH: Final = 240
_LOOKED_AT: Final = 20_000
_LEAD: Final = 40
"""Characters shown before the first marked word, so that a sentence has a beginning."""
_ELLIPSIS: Final = "…"
# What would disturb the page around an excerpt: control characters, and marks that turn the direction of writing.
_DISTURBING: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BLANKS: Final = re.compile(r"\s+")


def highlight(text: str, terms: Collection[str], locale: str, length: int = LENGTH) -> Markup:
    """Return about `length` characters of `text` with the words that are `terms` in `locale` marked.

    The part with the most different terms is shown, the first one of equals; without any the beginning of the text.
    """
    text = _BLANKS.sub(" ", _DISTURBING.sub(" ", text[:_LOOKED_AT])).strip()
    marked = _marked(text, terms, locale)
    start, end = _window(text, marked, length)
    edges = [start]
    for word_start, word_end, _ in marked:
        if start <= word_start and word_end <= end:
            edges += [word_start, word_end]
    edges.append(end)
    parts = [
        Markup("<mark>{}</mark>").format(text[a:b]) if number % 2 else escape(text[a:b])
        for number, (a, b) in enumerate(pairwise(edges))
    ]
    before = _ELLIPSIS if start > 0 else ""
    after = _ELLIPSIS if end < len(text) else ""
    return Markup("{}{}{}").format(before, Markup("").join(parts), after)


def _marked(text: str, terms: Collection[str], locale: str) -> list[tuple[int, int, str]]:
    """Return start, end and term of the words to mark; of "E-Mail" both halves where "email" was asked for."""
    wanted = frozenset(terms)
    marked: list[tuple[int, int, str]] = []
    if not wanted:
        return marked
    words = list(tokens.words(text))
    for number, word in enumerate(words):
        term = tokens.term(word.text, locale)
        if term in wanted:
            marked.append((word.start, word.end, term))
        elif number + 1 < len(words) and words[number + 1].start == word.end + 1 and text[word.end] == "-":
            term = tokens.term(word.text + words[number + 1].text, locale)
            if term in wanted:
                marked.append((word.start, words[number + 1].end, term))
    # A joined pair may overlap a half that is marked by itself: the first one stays.
    return [mark for number, mark in enumerate(marked) if number == 0 or mark[0] >= marked[number - 1][1]]


def _window(text: str, marked: list[tuple[int, int, str]], length: int) -> tuple[int, int]:
    if len(text) <= length:
        return 0, len(text)
    best, best_count = 0, 0
    first = 0
    counts: dict[str, int] = {}
    for start, end, term in marked:
        counts[term] = counts.get(term, 0) + 1
        while end - marked[first][0] > length - _LEAD and marked[first][0] < start:
            counts[marked[first][2]] -= 1
            if not counts[marked[first][2]]:
                del counts[marked[first][2]]
            first += 1
        if len(counts) > best_count:
            best, best_count = marked[first][0], len(counts)
    start = max(0, min(best - _LEAD, len(text) - length))
    return _at_word(text, start), _at_word(text, min(start + length, len(text)), backwards=True)


def _at_word(text: str, place: int, *, backwards: bool = False) -> int:
    """Move an edge of the window to a blank nearby, so that no word is cut; where there is none it stays."""
    if place in {0, len(text)} or text[place - 1] == " ":
        return place
    if backwards:
        blank = text.rfind(" ", max(0, place - _LEAD), place)
        return blank if blank > 0 else place
    blank = text.find(" ", place, place + _LEAD)
    return blank + 1 if blank >= 0 else place
