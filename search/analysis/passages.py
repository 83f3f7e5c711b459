"""Passages of a text: its sentences, of which one may be what somebody asks about while the whole is about more."""

import re
from typing import Final

from search.analysis.text import capped

MOST: Final = 24
_LONGEST_TEXT: Final = 20_000
_END: Final = re.compile(r"\n+|(?<=[.!?])\s+")


def of(title: str, body: str) -> list[str]:
    """Return the title and the sentences of `body`, at most `MOST`; of a longer text neighbours are joined."""
    sentences = [part for part in _END.split(capped(body)[:_LONGEST_TEXT]) if part.strip()]
    if sentences and sentences[0].strip() == title.strip():
        sentences = sentences[1:]
    if len(sentences) > MOST - 1:
        size = -(-len(sentences) // (MOST - 1))
        sentences = [" ".join(sentences[start : start + size]) for start in range(0, len(sentences), size)]
    return [title, *sentences] if title.strip() else sentences or [title]
