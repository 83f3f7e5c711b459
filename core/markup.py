"""User texts: from Markdown to safe HTML, from HTML to plain text, and (with `foreign`) from HTML to Markdown."""

import atexit
import html as entities
import logging
import os
import queue
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from flask_babel import gettext
from markupsafe import Markup

from core import markup_child
from core.errors import Invalid, Unavailable

CHILD_COMMAND = (sys.executable, "-m", markup_child.__name__)
RENDERER_VERSION: int = 2
"""Stored beside rendered HTML; it rises when `render` would answer differently."""

_PICTURE = re.compile(rf'<img [^>]*?src="{markup_child.UPLOAD.pattern}"')
_LINK = re.compile(r'<a (?!href="/uploads/)')

LIMIT = 32_000
"""The longest text that is rendered, in characters."""

LONGEST_FOREIGN_HTML = 100_000
"""The longest HTML that is read as HTML: the sanitizer's time is quadratic in the depth of nesting."""

IN_PROCESS = 2_000
"""The longest text that is rendered in the web process: the worst one known takes 0.15 s there."""

CHILDREN = 2
WALL_SECONDS = 10
"""How long a child may take in all, and how long a render waits for a child to be free."""

log = logging.getLogger(__name__)


class Unrenderable(Invalid):
    """The text cannot be shown as it is; its author can change that."""


class TextTooLong(Unrenderable):
    """The text has more than `limit` characters."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(gettext("This text is too long; %(limit)s characters fit.", limit=limit))


class TextTooComplex(Unrenderable):
    """The text is so deeply nested, or so full of marks, that laying it out would take too long."""

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "This text cannot be laid out: its quotes, lists or tables are too deep or too large, or it has too "
                "many brackets. Please simplify it, or put three backticks before and after pasted text."
            )
        )


def render(source: str) -> str:
    """Turn Markdown into HTML that is safe to put in a page, in bounded time.

    Raises `TextTooLong` and `TextTooComplex`, which say so to the author, and `Unavailable` when the machine is too
    busy. Headings begin at h3, images from elsewhere become links, our own say their size, raw HTML is shown as
    text.
    """
    if len(source) > LIMIT:
        raise TextTooLong(LIMIT)
    return _rendered(source)


@lru_cache(maxsize=64)  # a preview is rendered again when it is posted
def _rendered(source: str) -> str:
    try:
        if len(source) <= IN_PROCESS:
            return markup_child.convert(source)
        return _children.render(source)
    except (markup_child.TooComplex, RecursionError):
        raise TextTooComplex from None


def from_html(html: str) -> str:
    """Turn foreign HTML into Markdown source that `render` shows alike; it takes malformed HTML, too, and never raises.

    What cannot be said in Markdown keeps its words. Addresses relative to the foreign site lose their link. HTML that
    is nested too deeply or has more than `LONGEST_FOREIGN_HTML` characters becomes plain text, which may be too long.
    """
    from core import foreign

    html = markup_child.tidy(html)
    if len(html) <= LONGEST_FOREIGN_HTML:
        try:
            return foreign.convert(html)
        except RecursionError:
            log.info("foreign HTML is nested too deeply and becomes plain text")
    return foreign.escaped(
        "\n\n".join(" ".join(line.split()) for line in _text_of(html, "\n").split("\n") if line.strip())
    )


def plain(html: str) -> str:
    """Return the text of rendered HTML, code included, on one line, in linear time."""
    return " ".join(_text_of(html, " ").split())


def lines(html: str) -> str:
    """Return the text of rendered HTML with its line ends and one where a block begins or ends, in linear time."""
    found = (" ".join(line.split()) for line in _text_of(html, "\n").split("\n"))
    return "\n".join(line for line in found if line)


def pictures(html: str) -> set[str]:
    """Return the names of the pictures of our own that rendered HTML shows."""
    return {found["name"] for found in _PICTURE.finditer(html)}


def count_links(html: str) -> int:
    """Count the links in rendered HTML; one that leads to a picture of our own is none."""
    return len(_LINK.findall(html))


def headings(html: str) -> list[str]:
    """Return the words of each heading in rendered HTML, in their order."""
    return [plain(found[2]) for found in _HEADING.finditer(html)]


def with_anchors(html: str, anchors: Sequence[Sequence[str]], *, label: str) -> str:
    """Give each heading of rendered HTML its anchors: the first is its own, which it links to; others lead there, too.

    `label` says to screen readers what the link is for.
    """
    places = iter(anchors)

    def anchored(found: re.Match[str]) -> str:
        names = [entities.escape(name) for name in next(places, ())]
        if not names:
            return found[0]
        others = "".join(f'<span id="{name}"></span>' for name in names[1:])
        link = f'<a class="section-link" href="#{names[0]}" aria-label="{entities.escape(label)}">#</a>'
        return f'<h{found[1]} id="{names[0]}">{others}{found[2]} {link}</h{found[1]}>'

    return _HEADING.sub(anchored, html)


def excerpt(text: str, limit: int = 200) -> str:
    """Return the text's beginning in at most `limit` characters, cut after a word and marked with "…"."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    words, _, _ = text[:limit].rpartition(" ")
    if len(words) < limit // 2:  # a very long word is cut
        words = text[: limit - 1]
    return words.rstrip(" ,;:.–-") + "…"


def safe(html: str) -> Markup:
    """Let a template show HTML that `render` made and the database stored; nothing else may come in here."""
    return Markup(html)  # noqa: S704 -- the one place for stored HTML that went through render()


# Long texts are rendered in child processes.


class _Child:
    """A process that renders one text at a time; it starts when it is needed and is replaced when it has died."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def render(self, source: str) -> tuple[bytes, bytes]:
        """Return the verdict and the HTML; raise `OSError` if the child cannot start or does not answer in time."""
        try:
            return self._answer_to(source)
        except ConnectionError:  # it has been killed since it was last needed
            log.warning("a renderer has died and is replaced")
            return self._answer_to(source)

    def _answer_to(self, source: str) -> tuple[bytes, bytes]:
        try:
            line = self._line or self._start()
            markup_child.send(line, markup_child.WORK, source.encode(errors="surrogatepass"))
            return markup_child.receive(line)
        except BaseException:
            self.end()  # whatever it answers now would be taken for the answer to the next text
            raise

    def _start(self) -> socket.socket:
        self._line, theirs = socket.socketpair()
        self._line.settimeout(WALL_SECONDS)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and our own file
                CHILD_COMMAND,
                cwd=Path(__file__).parents[1],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("KLINKE_")},  # no secrets
                start_new_session=True,  # so that what it forks dies with it, and Ctrl-C does not reach it
            )
        return self._line

    def end(self) -> None:
        """Kill the process with whatever it is doing and leave nothing behind."""
        if self._line:
            self._line.close()
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._line = self._process = None

    def disown(self) -> None:
        """Forget the process: it belongs to the process that this one was forked from."""
        if self._line:
            self._line.close()
        if self._process:
            self._process.returncode = 0
        self._line = self._process = None


class _Children:
    """So many children, shared by all threads."""

    def __init__(self, number: int) -> None:
        self._all = [_Child() for _ in range(number)]
        self._queue()

    def _queue(self) -> None:
        # Last in, first out: the second child starts only when the first is busy.
        self._free: queue.LifoQueue[_Child] = queue.LifoQueue()
        for child in self._all:
            self._free.put(child)

    def render(self, source: str) -> str:
        """Render in a child; raise `TooComplex`, or `Unavailable` if none is free in time or none can be started."""
        try:
            child = self._free.get(timeout=WALL_SECONDS)
        except queue.Empty:
            log.warning("all renderers are busy")
            raise Unavailable from None
        try:
            verdict, rendered = child.render(source)
        except OSError as error:
            log.warning("a renderer did not answer: %r", error)
            raise Unavailable from error
        finally:
            self._free.put(child)
        if verdict == markup_child.TOO_COMPLEX:
            raise markup_child.TooComplex
        return rendered.decode()

    def end(self) -> None:
        for child in self._all:
            child.end()

    def disown(self) -> None:
        for child in self._all:
            child.disown()
        self._queue()


_children = _Children(CHILDREN)
atexit.register(_children.end)
os.register_at_fork(after_in_child=_children.disown)


_HEADING = re.compile(r"<h([3-5])>((?:(?!</h\1>).)*)</h\1>", re.DOTALL)
"""As the sanitizer leaves them: without attributes, and none within another."""


# HTML becomes text.


def _text_of(html: str, gap: str) -> str:
    """Return the text between the tags, with `gap` where a block begins or ends, reading every character once."""
    text = "".join(_pieces(html, gap))
    return _ENTITY.sub(lambda entity: entities.unescape(entity[0]), text)


# Longer numbers name no character, and very long ones would make int() raise.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def _pieces(html: str, gap: str) -> Iterator[str]:
    at = 0
    while (start := html.find("<", at)) >= 0:
        yield html[at:start]
        tag = _TAG.match(html, start)
        if not tag:
            yield "<"
            at = start + 1
        elif tag[0] == "<!--":
            at = _after(html.find("-->", tag.end()), 3, html)
        else:
            at = _end_of_tag(html, tag.end())
            name = (tag[2] or "").lower()
            if name not in _INLINE:
                yield gap
            if name in {"script", "style"} and not tag[1]:
                closing = re.compile(f"</{name}", re.IGNORECASE).search(html, at)
                at = closing.start() if closing else len(html)
    yield html[at:]


_TAG = re.compile(r"<!--|<(/?)([A-Za-z][A-Za-z0-9]*)|<[!?]")
_QUOTE_OR_END = re.compile(r">|=\s*([\"'])")
_INLINE = frozenset(
    (
        "a",
        "abbr",
        "b",
        "bdi",
        "code",
        "del",
        "em",
        "i",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
    )
)


def _end_of_tag(html: str, at: int) -> int:
    while mark := _QUOTE_OR_END.search(html, at):
        if not mark[1]:
            return mark.end()
        at = _after(html.find(mark[1], mark.end()), 1, html)
    return len(html)


def _after(found: int, length: int, html: str) -> int:
    return found + length if found >= 0 else len(html)
