"""The pipeline from Markdown to safe HTML and, run as a program, the child process that renders long texts under limits.

It knows nothing of the house, so that a child stays small and starts fast: `core.markup` is the door to it.
"""

import gc
import html
import os
import re
import resource
import signal
import socket
import struct
import sys
import threading
import unicodedata
from collections.abc import MutableMapping
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element  # noqa: S405 -- the renderer's own tree: walked and changed, never parsed

import nh3
from bleach.linkifier import LinkifyFilter
from bleach.sanitizer import Cleaner
from markdown import Markdown
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

DEEPEST = 20
"""How many quotes and list items may stand inside one another."""
MOST_CELLS = 2_000
"""How many cells a table may have: each costs the sanitizers as much as a paragraph."""
LONGEST_HTML = 1_000_000

CPU_SECONDS = 1
MEMORY_BYTES = 512 * 1024 * 1024

WORK, DONE, TOO_COMPLEX = b"w", b"d", b"c"

_HEADER = struct.Struct(">cI")


class TooComplex(Exception):  # noqa: N818 -- a verdict that crosses a process border; core.markup makes it an error
    """The text is nested too deeply, or a table in it is too large, to be rendered in bearable time."""


def convert(source: str) -> str:
    """Turn Markdown into HTML that is safe to put in a page; raise `TooComplex`, `RecursionError` or `MemoryError`."""
    try:
        marked_up = _parsers.markdown.reset().convert(tidy(source))
        cleaned = _parsers.cleaner.clean(marked_up)
    except BaseException:
        _parsers.renew()  # an interrupted parser keeps scraps of the text it was at
        raise
    return _gate.clean(cleaned).strip()


def tidy(source: str) -> str:
    """Return the text in NFC, with plain line ends, without characters that steer a terminal or the reading direction.

    The caller has checked the length: normalising a hostile text takes more than linear time.
    """
    source = _UNREADABLE.sub("", source.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", source))


_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


# Lines become blocks.


class _Layout(Preprocessor):
    """Lays the lines out as Python-Markdown needs them, so that a text means what it means to people elsewhere.

    Python-Markdown wants nested blocks indented by exactly four columns and blank lines around most blocks, knows no
    fences in lists and quotes, and its expression for fences needs seconds for a row of spaces. This reads the lines
    as CommonMark does, once for each level, takes the code out and refuses what is nested too deeply.
    """

    def run(self, lines: list[str]) -> list[str]:
        return [*self._laid_out(lines, depth=0, in_item=False), "", ""]

    def _laid_out(self, lines: list[str], *, depth: int, in_item: bool) -> list[str]:
        if depth > DEEPEST:
            raise TooComplex
        out: list[str] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            in_paragraph = _is_paragraph(out)
            kind = _kind(line, in_paragraph=in_paragraph)
            if kind == "item":
                end = _end_of_item(lines, at)
                if in_paragraph and not (in_item and "" not in out):
                    out.append("")
                out += self._item(lines[at:end], depth=depth)
                out.append(_END_OF_LIST)
            elif kind == "text":
                if _is_table(lines, at):
                    out.append("")
                out.append(_as_text(line, in_paragraph=in_paragraph))
                end = at + 1
            ...
        return out
