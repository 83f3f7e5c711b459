"""HTML of a mail as the text a person would read; nothing in it is shown as HTML or fetched."""

from html.parser import HTMLParser
from typing import Final

import nh3

LONGEST_HTML: Final = 100_000
"""The sanitizer's time is quadratic in the depth of nesting."""
DEEPEST_QUOTE: Final = 20
_TAGS: Final = frozenset(
    [
        "a",
        "b",
        "blockquote",
        "br",
        "center",
        "div",
        "dd",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
_BLOCKS: Final = frozenset(
    [
        "blockquote",
        "center",
        "div",
        "dd",
        "dl",
        "dt",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "pre",
        "table",
        "tr",
        "ul",
    ]
)


def text_of(html: str) -> str:
    """Return the text of HTML: links keep their addresses, quotations get their `>`, pictures leave their words."""
    clean = nh3.clean(
        html[:LONGEST_HTML],
        tags=set(_TAGS),
        attributes={"a": {"href"}, "img": {"alt"}},
        url_schemes={"http", "https", "mailto", "tel"},
        clean_content_tags={"script", "style", "title", "template", "noscript"},
        link_rel=None,
    )
    reader = _Reader()
    reader.feed(clean)
    reader.close()
    return reader.text


class _Reader(HTMLParser):
    """Reads what the sanitizer left, which is well formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quoted = 0
        self._kept = 0
        self._link: tuple[str, int] | None = None
        """Where it leads, and from where on its words stand in the line."""

    @property
    def text(self) -> str:
        self._end_line()
        found: list[str] = []
        for line in self._lines:
            if line.strip("> ") or (found and found[-1].strip("> ")):
                found.append(line)
        return "\n".join(found).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._end_line()
        elif tag == "p":
            self._end_paragraph()
        elif tag in _BLOCKS:
            self._end_line(only_if_begun=True)
        if tag == "blockquote":
            self._quoted = min(self._quoted + 1, DEEPEST_QUOTE)
        elif tag == "pre":
            self._kept += 1
        elif tag == "li":
            self._line.append("- ")
        elif tag == "hr":
            self._lines.append("--------")
        else:
            self._begin_in_line(tag, dict(attrs))

    def _begin_in_line(self, tag: str, told: dict[str, str | None]) -> None:
        if tag in {"td", "th"} and "".join(self._line).strip():
            self._line.append(" ")
        elif tag == "img" and (words := " ".join((told.get("alt") or "").split())):
            self._line.append(f"[{words[:200]}]")
        elif tag == "a" and told.get("href"):
            self._link = (str(told["href"]), len(self._line))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        elif tag == "p":
            self._end_paragraph()
        elif tag in _BLOCKS:
            self._end_line(only_if_begun=True)
        if tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)
        elif tag == "pre":
            self._kept = max(0, self._kept - 1)

    def handle_data(self, data: str) -> None:
        if self._kept:
            first, *others = data.split("\n")
            self._line.append(first)
            for line in others:
                self._end_line()
                self._line.append(line)
        else:
            self._line.append(" ".join(f"x{data}x".split())[1:-1])

    def _end_link(self) -> None:
        if self._link is None:
            return
        address, begun = self._link
        self._link = None
        said = "".join(self._line[begun:]).strip() if begun <= len(self._line) else ""
        bare = address.removeprefix("mailto:").removeprefix("tel:")
        if said.rstrip("/") not in {bare.rstrip("/"), bare.partition("://")[2].rstrip("/")}:
            self._line.append(f" <{bare}>" if said else f"<{bare}>")

    def _end_paragraph(self) -> None:
        self._end_line(only_if_begun=True)
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append("> " * self._quoted)

    def _end_line(self, *, only_if_begun: bool = False) -> None:
        line = "".join(self._line)
        self._line = []
        if not self._kept:
            line = " ".join(line.split())
        if line.strip() or not only_if_begun:
            self._lines.append(("> " * self._quoted + line).rstrip() if line.strip() else "> " * self._quoted)
