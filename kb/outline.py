"""What an article's rendered text consists of: paragraphs, steps, lists and code, as plain text."""

import functools
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final, Literal

BlockKind = Literal["text", "steps", "list", "code"]

_BREAKS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "tr", "div", "hr", "br"})
_LISTS: Final[dict[str, BlockKind]] = {"ol": "steps", "ul": "list"}


@dataclass(frozen=True, slots=True)
class Block:
    kind: BlockKind
    lines: tuple[str, ...]
    """The items of a list, the lines of code, or one paragraph."""

    @property
    def text(self) -> str:
        if self.kind == "steps":
            return "\n".join(f"{number}. {line}" for number, line in enumerate(self.lines, 1))
        if self.kind == "list":
            return "\n".join(f"– {line}" for line in self.lines)
        return "\n".join(self.lines)


@functools.lru_cache(maxsize=256)
def blocks(html: str) -> tuple[Block, ...]:
    """Return the blocks of HTML that `core.markup` rendered."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.finished()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[Block] = []
        self._words: list[str] = []
        self._items: list[str] = []
        self._lists: list[BlockKind] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 -- the parser's signature
        if tag in _LISTS:
            if not self._lists:
                self._end_paragraph()
            self._lists.append(_LISTS[tag])
        elif tag == "li":
            # What a nested list says belongs to the step it stands in.
            self._end_item() if len(self._lists) == 1 else self._words.append(" – ")
        elif tag == "pre" and not self._lists:
            self._end_paragraph()
            self._in_code = True
        elif tag in _BREAKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        if tag in _LISTS and self._lists:
            if len(self._lists) == 1:
                self._end_item()
                if self._items:
                    self._blocks.append(Block(self._lists[0], tuple(self._items)))
                self._items = []
            self._lists.pop()
        elif tag == "pre" and self._in_code:
            lines = tuple(line.rstrip() for line in "".join(self._words).strip("\n").split("\n"))
            if any(lines):
                self._blocks.append(Block("code", lines))
            self._words, self._in_code = [], False
        elif tag in _BREAKS:
            self._break()

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def finished(self) -> tuple[Block, ...]:
        self._end_paragraph()
        return tuple(self._blocks)

    def _break(self) -> None:
        if self._lists:
            self._words.append(" ")
        elif not self._in_code:
            self._end_paragraph()

    def _end_paragraph(self) -> None:
        if words := self._taken():
            self._blocks.append(Block("text", (words,)))

    def _end_item(self) -> None:
        if words := self._taken():
            self._items.append(words)

    def _taken(self) -> str:
        words = " ".join("".join(self._words).split())
        self._words = []
        return words
