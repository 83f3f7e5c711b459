"""HTML of others as Markdown, as far as Markdown can say it; loaded by who meets some, since its parser is large."""

import re
from urllib.parse import quote

import nh3
from bs4 import Tag
from markdownify import ATX, MarkdownConverter

from core import markup_child


def convert(html: str) -> str:
    """Return Markdown that is shown like the HTML; raise `RecursionError` if that is nested too deeply."""
    return _Converter().convert_fragment(html)


def escaped(text: str) -> str:
    """Return the text so that Markdown takes none of its characters for marks, and no more escaped than that needs."""
    for marks, escaped in _MARKS:
        text = marks.sub(escaped, text)
    return text


_MARKS = (
    # A backslash counts before a mark, or where a mark may follow.
    (re.compile(r"\\(?=[\\`*_{}\[\]()>#+\-.!|~]|$)"), r"\\\\"),
    (re.compile(r"`"), r"\\`"),
    (re.compile(r"\*(?=\S)|(?<=\S)\*"), r"\\*"),
    (re.compile(r"(?<![^\W_])_|_(?![^\W_])"), r"\\_"),
    (re.compile(r"\](?=[(\[:]|$)"), r"\\]"),
    (re.compile(r"!$"), r"\\!"),
    (re.compile(r"&(?=#?\w+;)"), "&amp;"),
    (re.compile(r"^([ \t]*)(?=[#>]|[-+*](?:\s|$)|~~~|=+[ \t]*$|-+[ \t]*$)", re.MULTILINE), r"\1\\"),
    (re.compile(r"^([ \t]*\d{1,9})(?=[.)](?:\s|$))", re.MULTILINE), r"\1\\"),
)


_foreign_gate = nh3.Cleaner(
    # Without thead and tbody: the converter looks through the whole of them for every row.
    tags={
        "a",
        "article",
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "section",
        "strike",
        "strong",
        "sub",
        "sup",
        "table",
        "td",
        "th",
        "tr",
        "u",
        "ul",
    },
    attributes={
        "a": {"href", "title"},
        "code": {"class"},
        "img": {"alt", "src", "title"},
        "ol": {"start"},
        "pre": {"class"},
        "*": set(),
    },
    url_schemes=set(markup_child.SCHEMES),
    url_relative="deny",
    link_rel=None,
)


class _Converter(MarkdownConverter):
    """Writes Markdown as `render` reads it."""

    def __init__(self) -> None:
        super().__init__(bullets="-", heading_style=ATX, table_infer_header=True)
        self._items: dict[int, int] = {}

    def convert_fragment(self, html: str) -> str:
        """Convert a piece of HTML; raise `RecursionError` if it is nested too deeply."""
        # A long row of blanks takes the converter quadratic time.
        cleaned = re.sub(r"\s{400,}", lambda blanks: blanks[0][:400], _foreign_gate.clean(html))
        # The div tells Beautiful Soup that a lone address is not meant to be fetched.
        return str(self.convert(f"<div>{cleaned}</div>")).strip()

    def escape(self, text: str, parent_tags: set[str]) -> str:
        text = escaped(text)
        if "a" in parent_tags:
            text = re.sub(r"(?<!\\)[\[\]]", r"\\\g<0>", text)
        return text.replace("|", r"\|") if parent_tags & {"td", "th"} else text

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Make a link whose address has no character that could end it."""
        if href := el.get("href"):
            el["href"] = re.sub(r"[\s()<>\\]", lambda found: quote(found[0], safe=""), str(href).strip())
        return str(super().convert_a(el, text, parent_tags))  # type: ignore[misc]  # it makes its methods at run time

    def convert_img(self, el: Tag, _text: str, parent_tags: set[str]) -> str:
        """Keep the image, which render() will make a link, or at least its words."""
        alt, source = str(el.get("alt") or ""), str(el.get("src") or "")
        if not source or "_inline" in parent_tags:
            return escaped(alt)
        address = re.sub(r"[\s()<>\\]", lambda found: quote(found[0], safe=""), source)
        return f"![{escaped(alt)}]({address})"

    def convert_li(self, el: Tag, text: str, **_context: set[str]) -> str:
        """Count the items: looking back over them for each number takes quadratic time."""
        listing = el.parent
        number = self._items[id(listing)] = self._items.get(id(listing), -1) + 1
        bullet = "-"
        if listing is not None and listing.name == "ol":
            start = str(listing.get("start") or "1")
            bullet = f"{(int(start) if start.isascii() and start.isdigit() else 1) + number}."
        lines = text.strip().split("\n")
        indent = " " * (len(bullet) + 1)
        return "\n".join([f"{bullet} {lines[0]}", *(f"{indent}{line}" if line else "" for line in lines[1:])]) + "\n"

    def convert_pre(self, el: Tag, text: str, **_context: set[str]) -> str:
        """Fence the code with more backticks than it has itself."""
        if not text.strip():
            return ""
        code = el.find("code")
        classes = [
            *el.get_attribute_list("class"),
            *(code.get_attribute_list("class") if isinstance(code, Tag) else []),
        ]
        languages = [
            name.removeprefix("language-").removeprefix("lang-") for name in classes if name and name.startswith("lang")
        ]
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        return f"\n\n{fence}{languages[0] if languages else ''}\n{text.strip(chr(10))}\n{fence}\n\n"

    def convert_dt(self, _el: Tag, text: str, **_context: set[str]) -> str:
        return f"\n\n**{text.strip()}**\n\n" if text.strip() else ""

    def convert_dd(self, _el: Tag, text: str, **_context: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n"

    def convert_sup(self, _el: Tag, text: str, **_context: set[str]) -> str:
        """Write 10^-3: without its mark an exponent would change the number."""
        if re.fullmatch(r"[-+−]?\w+", text):
            return f"^{text}"
        return f"^({text})" if re.fullmatch(r"[^\s()\[\]]+", text) else text

    def convert_s(self, _el: Tag, text: str, **_context: set[str]) -> str:
        return text

    convert_del = convert_strike = convert_s
