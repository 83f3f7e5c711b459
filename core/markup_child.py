"""The pipeline from Markdown to safe HTML and, run as a program, the child that renders long texts under limits.

It knows nothing of the house, so that a child stays small and starts fast: `core.markup` is the door to it.
"""

import gc
import html
import os
import re
import resource
import socket
import struct
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import nh3
from bleach.linkifier import LinkifyFilter
from bleach.sanitizer import Cleaner
from markdown import Markdown
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from core.normal import nfc

DEEPEST = 20
"""How many quotes and list items may stand inside one another."""
MOST_CELLS = 2_000
"""How many cells a table may have: each costs the sanitizers as much as a paragraph."""
MOST_OPEN_BRACKETS = 100
"""How many brackets of a kind may be open at once in a paragraph."""
LONGEST_HTML = 1_000_000

CPU_SECONDS = 1
MEMORY_BYTES = 512 * 1024 * 1024

WORK, DONE, TOO_COMPLEX = b"w", b"d", b"c"

_HEADER = struct.Struct(">cI")


class TooComplex(Exception):
    """The text is nested too deeply, or has too large a table or too many brackets, to be rendered in bearable time."""


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
    """Return the text in NFC, with plain line ends, without characters that steer a terminal or the direction."""
    source = _UNREADABLE.sub("", source.replace("\r\n", "\n").replace("\r", "\n"))
    return nfc(_SURROGATES.sub("\ufffd", source))


_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


# Lines become blocks.


class _Layout(Preprocessor):
    """Lays the lines out as Python-Markdown needs them, so that a text means here what it means to people elsewhere.

    Python-Markdown wants nested blocks indented by exactly four columns and blank lines around most blocks, knows no
    fences in lists and quotes, and its expression for fences needs seconds for a row of spaces. This reads the lines
    as CommonMark does, once for each level, takes the code out and refuses what is nested too deeply.
    """

    def run(self, lines: list[str]) -> list[str]:
        laid_out = [*self._laid_out(lines, depth=0, in_item=False), "", ""]
        _check_brackets(laid_out)
        return laid_out

    def _laid_out(self, lines: list[str], *, depth: int, in_item: bool) -> list[str]:
        if depth > DEEPEST:
            raise TooComplex
        out: list[str] = []
        at, in_paragraph = 0, False
        while at < len(lines):
            kind = _kind(lines[at], in_paragraph=in_paragraph)
            end = _END_OF[kind](lines, at)
            block = lines[at:end]
            if kind == "blank":
                out.append("")
            elif kind == "text":
                if _begins_table(lines, at) and not (in_paragraph and _is_table_rule(block[0])):
                    out.append("")
                out.append(_as_text(block[0], in_paragraph=in_paragraph))
            elif kind == "item":
                # Within an item Python-Markdown takes a list that follows the first paragraph, and makes it tight.
                if in_paragraph and not (in_item and "" not in out):
                    out.append("")
                item = self._item(block, depth)
                if "" in item or (end < len(lines) and _begins_other_list(lines[end], block[0])):
                    item.append("")
                out += item
            else:
                out += ["", *self._free_standing(kind, block, depth), ""]
            at, in_paragraph = end, kind == "text" and not (in_paragraph and _UNDERLINE.match(block[0]))
        return out

    def _item(self, block: list[str], depth: int) -> list[str]:
        marker, column, first = _item_start(block[0])
        inner = [first, *(_dedented(line, column) for line in block[1:])]
        content = _trimmed(self._laid_out(inner, depth=depth + 1, in_item=True)) or [""]
        # A quote that opens the item goes on only in lines that are not indented.
        opening = [*content, ""].index("") if content[0].startswith(">") else 1
        rest = [f"    {line}" if line else "" for line in content[opening:]]
        return [f"{marker} {content[0]}", *content[1:opening], *rest]

    def _free_standing(self, kind: str, block: list[str], depth: int) -> list[str]:
        match kind:
            case "quote":
                inner = [_QUOTE.sub("", line, count=1) for line in block]
                return [f"> {line}" for line in _trimmed(self._laid_out(inner, depth=depth + 1, in_item=False))]
            case "fence":
                return [self._fenced(block)]
            case "code":
                return [self._stashed("\n".join(_dedented(line, 4) for line in block), "")]
            case "heading":
                return [_heading(block[0])]
            case _:
                return ["---"]

    def _fenced(self, block: list[str]) -> str:
        opening = _FENCE.match(block[0])
        assert opening  # noqa: S101 -- tells mypy what _kind has found out
        body = block[1:-1] if len(block) > 1 and _closes(block[-1], opening["fence"]) else block[1:]
        indent = len(opening["indent"])
        language = opening["info"].strip().lstrip("{.").partition(" ")[0].rstrip("}")
        return self._stashed("\n".join(_dedented(line, min(indent, _indent(line))) for line in body), language)

    def _stashed(self, code: str, language: str) -> str:
        known = f' class="language-{language}"' if LANGUAGE.fullmatch(f"language-{language}") else ""
        return self.md.htmlStash.store(f"<pre><code{known}>{html.escape(code, quote=False)}\n</code></pre>")


LANGUAGE = re.compile(r"language-[A-Za-z0-9_+#.-]{1,30}")

_FENCE = re.compile(r"(?P<indent> {0,3})(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_RULE = re.compile(r" {0,3}([-_*])(?:[ \t]*\1){2,}[ \t]*$")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(?=[^ \t])(.*)")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"(?P<indent> {0,3})(?P<marker>[-+*]|\d{1,9}[.)])(?P<gap>[ \t]+|$)(?P<text>.*)")
_UNDERLINE = re.compile(r" {0,3}(?:-+|=+)[ \t]*$")


def _kind(line: str, *, in_paragraph: bool) -> str:
    """Name the block that this line begins, or "text" if it is plain or goes on with the paragraph it stands in."""
    if not line.strip():
        return "blank"
    if _indent(line) >= 4:  # noqa: PLR2004 -- Markdown's own number
        return "text" if in_paragraph else "code"
    if in_paragraph and _UNDERLINE.match(line):
        return "text"
    for kind, expression in (("fence", _FENCE), ("rule", _RULE), ("heading", _HEADING), ("quote", _QUOTE)):
        if expression.match(line):
            return kind
    item = _ITEM.match(line)
    if item and (not in_paragraph or (item["text"].strip() and item["marker"] in {"-", "+", "*", "1.", "1)"})):
        return "item"
    return "text"


def _end_of_line(_lines: list[str], at: int) -> int:
    return at + 1


def _end_of_code(lines: list[str], at: int) -> int:
    end = at + 1
    for here in range(at + 1, len(lines)):
        if _indent(lines[here]) >= 4:  # noqa: PLR2004 -- Markdown's own number
            end = here + 1
        elif lines[here].strip():
            break
    return end


def _end_of_fence(lines: list[str], at: int) -> int:
    opening = _FENCE.match(lines[at])
    assert opening  # noqa: S101 -- tells mypy what _kind has found out
    for here in range(at + 1, len(lines)):
        if _closes(lines[here], opening["fence"]):
            return here + 1
    return len(lines)


def _end_of_quote(lines: list[str], at: int) -> int:
    fence = ""
    for here in range(at, len(lines)):
        line = lines[here]
        if not _QUOTE.match(line) and (fence or not _goes_on(line)):
            return here
        fence = _open_fence(_bare(line), fence)
    return len(lines)


def _end_of_item(lines: list[str], at: int) -> int:
    _, column, first = _item_start(lines[at])
    fence, end = _open_fence(_bare(first), ""), at + 1
    for here in range(at + 1, len(lines)):
        line = lines[here]
        if not line.strip():
            continue
        if _indent(line) < column and not (here == end and not fence and _goes_on(line)):
            break
        fence, end = _open_fence(_bare(line), fence), here + 1
    return end


_END_OF = {
    "code": _end_of_code,
    "fence": _end_of_fence,
    "quote": _end_of_quote,
    "item": _end_of_item,
    "blank": _end_of_line,
    "heading": _end_of_line,
    "rule": _end_of_line,
    "text": _end_of_line,
}


def _goes_on(line: str) -> bool:
    """Tell whether a line without the marks of the quote or item above may still belong to its last paragraph."""
    return _kind(line, in_paragraph=False) in {"text", "code"}


def _item_start(line: str) -> tuple[str, int, str]:
    """Return the marker as Python-Markdown likes it, the column of the item's content, and the content's first line."""
    item = _ITEM.match(line)
    assert item  # noqa: S101 -- tells mypy what _kind has found out
    marker = item["marker"]
    column = len(item["indent"]) + len(marker)
    gap = len((" " * column + item["gap"]).expandtabs(4)) - column
    text = item["text"]
    if gap > 4 or not text.strip():  # noqa: PLR2004 -- a wider gap begins a code block
        text = " " * (gap - 1) + text
        gap = 1
    return (f"{int(marker[:-1])}." if marker[:-1] else "-"), column + gap, text if text.strip() else ""


def _open_fence(line: str, fence: str) -> str:
    """Return the fence that is open after this line, given the one open before it."""
    if fence:
        return "" if _closes(line, fence) else fence
    opening = _FENCE.match(line)
    return opening["fence"] if opening else ""


def _closes(line: str, fence: str) -> bool:
    line = line.strip()
    return len(line) >= len(fence) and line == fence[0] * len(line)


_MARKERS = re.compile(r"(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])[ \t]))*[ \t]*")


def _bare(line: str) -> str:
    """Return the line without the quote and item markers that open it."""
    return _MARKERS.sub("", line, count=1)


def _begins_other_list(line: str, item: str) -> bool:
    return _kind(line, in_paragraph=False) == "item" and (_item_start(line)[0] == "-") != (_item_start(item)[0] == "-")


def _begins_table(lines: list[str], at: int) -> bool:
    """Tell whether line `at` is the head of a table; raise `TooComplex` if that table has too many cells."""
    if at + 1 == len(lines) or "|" not in lines[at] or not _is_table_rule(lines[at + 1]):
        return False
    columns = max(lines[at].count("|"), lines[at + 1].count("|")) + 1
    rows = 0
    while at + rows < len(lines) and lines[at + rows].strip():
        rows += 1
        if rows * columns > MOST_CELLS:
            raise TooComplex
    return True


def _is_table_rule(line: str) -> bool:
    return "-" in line and "|" in line and not line.strip("|:- \t")


def _check_brackets(lines: list[str]) -> None:
    """Raise `TooComplex` if a paragraph has too many open brackets at once.

    Python-Markdown looks for the other end of each of them, to the end of the paragraph, several times.
    """
    unclosed = {"[": 0, "(": 0}
    for line in lines:
        if not line:
            unclosed = dict.fromkeys(unclosed, 0)
        for bracket in _BRACKET.findall(line):
            opening = _OPENING.get(bracket, bracket)
            unclosed[opening] = max(0, unclosed[opening] + (1 if bracket == opening else -1))
            if unclosed[opening] > MOST_OPEN_BRACKETS:
                raise TooComplex


_BRACKET = re.compile(r"[\[\]()]")
_OPENING = {"]": "[", ")": "("}


def _heading(line: str) -> str:
    heading = _HEADING.match(line)
    assert heading  # noqa: S101 -- tells mypy what _kind has found out
    text = heading[2].rstrip()
    without = text.rstrip("#")
    if without != text and without[-1:] in {"", " ", "\t"}:
        text = without.rstrip()
    return f"{heading[1]} {text}"


def _as_text(line: str, *, in_paragraph: bool) -> str:
    """Return the line so that Python-Markdown takes it for text, too."""
    text = line.strip()
    if text[0] in "#>" or (in_paragraph and not _UNDERLINE.match(line) and _ITEM.match(text)):
        digits = len(text) - len(text.lstrip("0123456789"))
        text = f"{text[:digits]}\\{text[digits:]}"
    return f"{text}  " if line.endswith("  ") else text


def _indent(line: str) -> int:
    blank = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blank.expandtabs(4)) if "\t" in blank else len(blank)


def _dedented(line: str, columns: int) -> str:
    """Return the line without its first `columns` columns of white space, or without all it has if it has fewer."""
    text = line.lstrip(" \t")
    blank = line[: len(line) - len(text)]
    if "\t" in blank[:columns]:
        blank = blank.expandtabs(4)
    return blank[columns:] + text


def _trimmed(lines: list[str]) -> list[str]:
    kept = [number for number, line in enumerate(lines) if line]
    return lines[kept[0] : kept[-1] + 1] if kept else []


# Blocks become elements.


class _BareAddress(InlineProcessor):
    """Keeps emphasis out of bare addresses; they become links later."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: ARG002, N802 -- Python-Markdown's signature, which allows a str
        return m[0], m.start(), m.end()


_BARE_ADDRESS = r"\b(?:https?://|www\.)[^\s<>\x02\x03\"`]*[^\W_]/?"


class _HouseRules(Treeprocessor):
    """Headings below those of the page, no images from elsewhere, tables that can be scrolled."""

    def run(self, root: Element) -> None:
        for parent in list(root.iter()):
            for at, child in enumerate(list(parent)):
                if child.tag in _DEMOTED:
                    child.tag = _DEMOTED[child.tag]
                elif child.tag == "table":
                    frame = Element("div", {"class": TABLE_FRAME})
                    frame.tail, child.tail = child.tail, None
                    frame.append(child)
                    parent[at] = frame
        self._keep_images_home(root, in_link=False)

    def _keep_images_home(self, root: Element, *, in_link: bool) -> None:
        """Turn an image from elsewhere into a link: loading it would tell its server who reads this page.

        One of our own says its size, so that nothing jumps when it arrives, and leads to itself in full.
        """
        elements = [(root, in_link)]
        while elements:
            element, in_link = elements.pop()
            inner = in_link or element.tag == "a"
            elements += [(child, inner) for child in element]
            if element.tag != "img":
                continue
            source, words = element.get("src", ""), element.get("alt", "")
            if upload := UPLOAD.fullmatch(source):
                element.set("width", upload["width"])
                element.set("height", upload["height"])
                if in_link or not words.strip():  # a link without a word would have no name
                    continue
                shown = Element("img", dict(element.attrib))
                element.append(shown)
            else:
                element.text = words or source
            element.attrib.clear()
            element.tag = "span" if in_link else "a"  # the cleaner takes the span away and leaves its text
            element.set("href", source)


_DEMOTED = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h5", "h5": "h5", "h6": "h5"}
TABLE_FRAME = "table-frame"
UPLOAD = re.compile(
    r"/uploads/(?P<name>[0-9a-f]{32}-(?P<width>[1-9][0-9]{0,3})x(?P<height>[1-9][0-9]{0,3})\.(?:png|jpg|webp))"
)
"""The address of a picture of our own: what it is made of, its size in pixels, its kind."""


# Elements become safe HTML.

TAGS = frozenset(
    (
        "a",
        "blockquote",
        "br",
        "code",
        "div",
        "em",
        "h3",
        "h4",
        "h5",
        "hr",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    )
)
ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "title"},
    "code": {"class"},
    "img": {"alt", "height", "src", "title", "width"},
    "ol": {"start"},
}
SCHEMES = frozenset({"http", "https", "mailto"})
_OWN_ATTRIBUTES = {"div": {"class"}, "td": {"align"}, "th": {"align"}}
_ALIGNMENTS = {"align": {"left", "center", "right"}}


def _kept_attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value if this attribute may have it: nh3 asks for each attribute it would let through."""
    match tag, name:
        case "a", "href":
            allowed = is_safe_address(value)
        case "img", "src":
            allowed = UPLOAD.fullmatch(value) is not None
        case "code", "class":
            allowed = LANGUAGE.fullmatch(value) is not None
        case ("ol", "start") | ("img", "width" | "height"):
            allowed = value.isascii() and value.isdigit()
        case _:
            allowed = True
    return value if allowed else None


_HOST = re.compile(r"(?:[\w-]+\.)*[\w-]+\.?|\[[0-9A-Fa-f:.]+\]")
_INSIDE = re.compile(r"(?:/(?![/\\])|#)[^\s\\]*|/")
_MAIL = re.compile(r"mailto:[^\s\\/<>\"@]+@[^\s\\/<>\"@]+", re.IGNORECASE)


def is_safe_address(address: str) -> bool:
    """Tell whether a link may lead there: http or https to a plain host, mailto, or a path or anchor of this site.

    `//host` is refused, for it leaves the site unseen; so is a user name before the host, for it feigns another host.
    """
    if _INSIDE.fullmatch(address) or _MAIL.fullmatch(address):
        return True
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc
    return (
        parts.scheme in {"http", "https"}
        and _HOST.fullmatch(host) is not None
        and not re.search(r"[\s\\\x00-\x1f]", address)
    )


def _checked_link(
    attributes: MutableMapping[Any, Any], _new: bool = False
) -> MutableMapping[Any, Any] | None:  # bleach's signature
    """Leave text where a link, typed or bare, would lead where none may lead."""
    return attributes if is_safe_address(attributes.get((None, "href"), "")) else None


class _Linkify(LinkifyFilter):
    """Makes links of bare addresses and leaves all else alone."""

    def extract_entities(self, token: Any) -> Iterator[Any]:
        """Take no entity out a second time: the cleaner has done it, and `&amp;lt;` would become `<`."""
        yield token


# It may hold pairs of brackets, but does not end with a mark that belongs to the sentence around it.
_BARE_LINK = re.compile(
    r"""
    (?<![\w@/.:-]) (?:https?://|www\.(?=[\w-]+\.))
    (?:[^\s<>"`()] | \([^\s<>"`()]*\))*
    (?:[^\s<>"`()'!?,.;:*_~\[\]{}|] | \([^\s<>"`()]*\))
    """,
    re.IGNORECASE | re.VERBOSE,
)


class _Parsers(threading.local):
    """What parses is not safe to share: each thread has its own."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.markdown = _markdown()
        self.cleaner = Cleaner(
            tags=TAGS,
            attributes={tag: list(names) for tag, names in (ATTRIBUTES | _OWN_ATTRIBUTES).items()},
            protocols=SCHEMES,
            strip=True,
            filters=[
                partial(
                    _Linkify,
                    callbacks=[_checked_link],  # type: ignore[list-item]  # bleach lets it answer None, its stubs do not
                    skip_tags={"code", "pre"},
                    url_re=_BARE_LINK,
                )
            ],
        )


def _markdown() -> Markdown:
    markdown = Markdown(extensions=[TableExtension(use_align_attribute=True), SaneListExtension()])
    markdown.ESCAPED_CHARS += ["<", "~", "="]
    # Raw HTML is text: people who ask about <script> lose no words.
    markdown.preprocessors.deregister("html_block")
    markdown.inlinePatterns.deregister("html")
    markdown.preprocessors.deregister(
        "normalize_whitespace"
    )  # it would take the tabs out of code; _Layout does its work
    markdown.preprocessors.register(_Layout(markdown), "layout", 30)
    markdown.parser.blockprocessors.deregister("code")  # _Layout has taken it out already
    markdown.inlinePatterns.register(_BareAddress(_BARE_ADDRESS, markdown), "bare_address", 115)
    markdown.treeprocessors.register(_HouseRules(markdown), "house_rules", 15)
    return markdown


_parsers = _Parsers()
_gate = nh3.Cleaner(
    tags=set(TAGS),
    attributes=ATTRIBUTES | {"*": set()},
    attribute_filter=_kept_attribute,
    tag_attribute_values={"td": _ALIGNMENTS, "th": _ALIGNMENTS},
    # What is wider than the page can be scrolled, also with a keyboard.
    set_tag_attribute_values={"pre": {"tabindex": "0"}, "div": {"tabindex": "0"}, "img": {"loading": "lazy"}},
    allowed_classes={"div": {TABLE_FRAME}},
    url_schemes=set(SCHEMES),
    link_rel="ugc nofollow noopener",
)


# The child process.


def serve(line: socket.socket) -> None:
    """Render one text after another, each in a fork of its own, until the other side hangs up.

    A fork has its own second of processor time and its own memory, keeps nothing, and can be killed without this
    process having to start again. Forking is safe here because this process has one thread.
    """
    gc.freeze()
    with suppress(ConnectionError):
        while True:
            _, source = receive(line)
            send(line, *_rendered_in_fork(source))


def send(line: socket.socket, verdict: bytes, text: bytes) -> None:
    """Send one message: a byte that says what it is, the length, the text."""
    line.sendall(_HEADER.pack(verdict, len(text)) + text)


def receive(line: socket.socket) -> tuple[bytes, bytes]:
    """Return the next message's verdict and text; raise `ConnectionError` if the other side has hung up."""
    verdict, length = _HEADER.unpack(_received(line, _HEADER.size))
    return verdict, _received(line, length)


def _received(line: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        part = line.recv(min(length, 65_536))
        if not part:
            raise ConnectionResetError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _rendered_in_fork(source: bytes) -> tuple[bytes, bytes]:
    reading, writing = os.pipe()
    job = os.fork()
    if job == 0:
        os.close(reading)
        _render_under_limits(source, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        rendered = pipe.read(LONGEST_HTML + 1)
    _, status = os.waitpid(job, 0)
    if status or len(rendered) > LONGEST_HTML:
        return TOO_COMPLEX, b""
    return DONE, rendered


def _render_under_limits(source: bytes, writing: int) -> None:
    """Write the result and end the process; any other end than status 0 means that the text was too complex."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    try:
        rendered = convert(source.decode(errors="surrogatepass")).encode()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(rendered)
    except (TooComplex, RecursionError, MemoryError, BrokenPipeError):
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    with socket.socket(fileno=sys.stdin.fileno()) as parent:
        serve(parent)
