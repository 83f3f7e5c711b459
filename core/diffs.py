"""What changed between two texts, in lines and, where lines were rewritten, in words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

MOST_TOKENS = 500
"""Comparing costs up to the cube of this; what is longer is shown as a whole that was replaced."""
MOST_WORDS = 3_000
SHOWN_CONTEXT = 160

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that stayed, came or went."""

    kind: Literal["same", "added", "removed"]
    text: str


def compare(before: str, after: str) -> list[Piece]:
    """Return the pieces that lead from one text to the other; what stayed is shortened."""
    budget = MOST_WORDS
    pieces: list[Piece] = []
    for kind, old, new in _opcodes(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if kind != "replace":
            pieces += _whole(kind, old, new)
            continue
        old_words, new_words = _WORDS.findall(old), _WORDS.findall(new)
        budget -= len(old_words) + len(new_words)
        if budget < 0:
            pieces += _whole(kind, old, new)
        else:
            for inner, gone, came in _opcodes(old_words, new_words):
                pieces += _whole(inner, gone, came)
    joined = list(_joined(pieces))
    last = len(joined) - 1
    return [_shortened(piece, is_first=at == 0, is_last=at == last) for at, piece in enumerate(joined)]


def _opcodes(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    yield "equal", "".join(before[:head]), "".join(before[:head])
    if max(len(old), len(new)) > MOST_TOKENS:
        yield "replace", "".join(old), "".join(new)
    else:
        for kind, i, j, k, m in SequenceMatcher(None, old, new).get_opcodes():
            yield kind, "".join(old[i:j]), "".join(new[k:m])
    yield "equal", "".join(before[len(before) - tail :]), "".join(before[len(before) - tail :])


def _whole(kind: str, old: str, new: str) -> list[Piece]:
    if kind == "equal":
        return [Piece("same", old)]
    return [Piece("removed", old), Piece("added", new)]


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    waiting: Piece | None = None
    for piece in pieces:
        if not piece.text:
            continue
        if waiting is not None and waiting.kind == piece.kind:
            waiting = Piece(piece.kind, waiting.text + piece.text)
            continue
        if waiting is not None:
            yield waiting
        waiting = piece
    if waiting is not None:
        yield waiting


def _shortened(piece: Piece, *, is_first: bool, is_last: bool) -> Piece:
    text = piece.text
    if piece.kind != "same" or len(text) <= 3 * SHOWN_CONTEXT:
        return piece
    head = "" if is_first else text[:SHOWN_CONTEXT]
    tail = "" if is_last else text[-SHOWN_CONTEXT:]
    return Piece("same", f"{head} … {tail}" if head or tail else f"{text[:SHOWN_CONTEXT]} …")
