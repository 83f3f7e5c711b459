"""Rendering user texts: what people see, what must never get through, and what it may cost."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import markup, markup_child
from core.errors import Unavailable

REPOSITORY = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("KLINKE_SHARED", REPOSITORY.parent / "shared")) / "corpora"

LONG = "Ein Satz mit **Nachdruck**, `code` und einem [Link](https://example.org/).\n\n" * 40


# What may be in a page, checked by a parser that shares nothing with the renderer.

ALLOWED = {
    "a": {"href", "title", "rel"},
    "blockquote": set(),
    "br": set(),
    "code": {"class"},
    "div": {"class", "tabindex"},
    "em": set(),
    "h3": set(),
    "h4": set(),
    "h5": set(),
    "hr": set(),
    "img": {"src", "alt", "title", "loading", "width", "height"},
    "li": set(),
    "ol": {"start"},
    "p": set(),
    "pre": {"tabindex"},
    "strong": set(),
    "table": set(),
    "tbody": set(),
    "td": {"align"},
    "th": {"align"},
    "thead": set(),
    "tr": set(),
    "ul": set(),
}
VOID = {"br", "hr", "img"}
VALUES = {
    "align": r"left|center|right",
    "class": r"language-[A-Za-z0-9_+#.-]+|table-frame",
    "loading": r"lazy",
    "rel": r"ugc nofollow noopener",
    "src": r"/uploads/[0-9a-f]{32}-[0-9]{1,4}x[0-9]{1,4}\.(?:png|jpg|webp)",
    "height": r"[0-9]{1,4}",
    "start": r"[0-9]+",
    "tabindex": r"0",
    "width": r"[0-9]{1,4}",
}


class Inspector(HTMLParser):
    """Collects what a page must not hold, and the text that it does hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.faults.append(f"<{tag}>")
            return
        for name, value in attrs:
            if name not in ALLOWED[tag]:
                self.faults.append(f"<{tag} {name}>")
            elif name == "href":
                self.check_link(value or "")
            elif name in VALUES and not re.fullmatch(VALUES[name], value or ""):
                self.faults.append(f"<{tag} {name}={value!r}>")
        if tag == "a" and {"href", "rel"} - {name for name, _ in attrs}:
            self.faults.append("<a> without href or rel")
        if tag == "pre" and ("tabindex", "0") not in attrs:
            self.faults.append("<pre> out of a keyboard's reach")
        if tag not in VOID:
            self.open.append(tag)

    def check_link(self, value: str) -> None:
        if re.search(r"[\s\\\x00-\x1f]", value):
            self.faults.append(f"href={value!r}")
        elif value.startswith(("/", "#")):
            if value.startswith("//"):
                self.faults.append(f"href={value!r}")
        elif urlsplit(value).scheme == "mailto":
            if urlsplit(value).netloc:
                self.faults.append(f"href={value!r}")
        elif (
            urlsplit(value).scheme not in {"http", "https"}
            or not urlsplit(value).hostname
            or "@" in urlsplit(value).netloc
        ):
            self.faults.append(f"href={value!r}")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.faults.append(f"</{tag}> out of order")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl!r}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"declaration {data!r}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data!r}")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def inspected(html: str) -> Inspector:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    if inspector.open:
        inspector.faults.append(f"left open: {inspector.open}")
    return inspector


def faults_of(source: str) -> list[str]:
    try:
        return inspected(markup.render(source)).faults
    except markup.Unrenderable:
        return []  # a refusal shows nothing


# Hostile and odd input: our own samples, and the shared corpora where they are.

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)><math><mi xlink:href='data:x,<script>alert(1)</script>'>",
    "<a href='javascript:alert(1)' hx-get='/admin' data-x=1>x</a>",
    "[x](javascript:alert(1)) [y](javascript:123) [z](vbscript:1) [w](data:text/html,1)",
    "[x](java&#9;script:alert&#40;1&#41;) [y](&#106;avascript:alert(1)) [z](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1)) [y](<javascript:alert(1)>) [z](\\javascript:alert(1))",
    "[x](//evil.example) [y](/\\evil.example) [z](\\\\evil.example) [w](/\t/evil.example)",
    "[x](http://paypal.example@evil.example/) [y](http://[) [z](http://%65vil.example) [w](http:evil)",
    "![x](javascript:alert(1)) ![y](data:image/svg+xml,<svg/onload=alert(1)>) ![z](/uploads/../logout)",
    '![x](/uploads/a.png" onerror="alert(1)) [x](http://a.b "t\\" onmouseover=\\"alert(1)")',
    "<javascript:alert(1)> <vbscript:x> <data:text/html,x> <mailto:a@b.c?subject=x> <a@b.c>",
    "[x]: javascript:alert(1)\n\n[x] [y][x]\n\n![z][x]",
    '```"><script>alert(1)</script>\ncode\n```\n\n```js onload=alert(1)\ncode\n```',
    "| <script> | `</td><script>` |\n|---|:-:|\n| <img src=x onerror=alert(1)> | </table><svg> |",
    "\x02wzxhzdk:0\x03 \x02klzzwxh:0001\x03 \x0234\x03 \x00<script\x00>",
    "<style>*{}</style><title>x</title><base href=//evil><meta http-equiv=refresh>",
    "<noscript><p title='</noscript><script>'> <form action=//evil><input formaction=javascript:1><button>",
    "<!-- --!> <![CDATA[ <?php ?> <!DOCTYPE html> --> ]]> <plaintext> <textarea></textarea><xmp>",
    "http://a.b/<script>alert(1)</script> www.a.b\"onmouseover=alert(1) http://a.b/'><img>",
    "\ud800 \udfff \ufffe \U0010ffff \u202e txt.exe \u2066x\u2069",
    "&#0; &#x110000; &#" + "9" * 1900 + "; &lt;script&gt; &NewLine; &Tab;",
    "# <h1 id=x>\n\n###### six\n\nunder\n===\n\n<div class='admin' style='position:fixed'>",
]
CONTEXTS = [
    "{}",
    "Text {} Text",
    "[x]({})",
    "![x]({})",
    "[x][y]\n\n[y]: {}",
    "<{}>",
    "```{}\n{}\n```",
    "| a | b |\n|---|---|\n| {} | `{}` |",
    "> - {}",
    "# {}",
]


def corpus(name: str, every: int = 1) -> Iterator[str]:
    """Yield every so-manieth record of a shared corpus, or nothing where there is none."""
    path = CORPORA / f"{name}.jsonl"
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines()[::every]:
            record = json.loads(line)
            if "input_b64" in record:
                yield base64.b64decode(record["input_b64"]).decode("utf-8", "replace")
            else:
                yield record["input"]


def found_in(sources: Iterator[str]) -> dict[str, list[str]]:
    return {source[:200]: faults for source in sources if (faults := faults_of(source))}


def test_no_hostile_text_gets_through_in_any_place_of_a_post() -> None:
    assert found_in(context.replace("{}", text) for text in HOSTILE for context in CONTEXTS) == {}


@pytest.mark.parametrize("name", ["xss", "markdown", "html_malformed", "naughty", "unicode"])
def test_no_record_of_the_corpora_gets_through(name: str) -> None:
    assert found_in(text[: markup.LIMIT] for text in [*HOSTILE, *corpus(name)]) == {}


@pytest.mark.parametrize("context", CONTEXTS[1:])
def test_no_attack_of_the_corpus_gets_through_in_another_place(context: str) -> None:
    attacks = [*HOSTILE, *corpus("xss", every=17)]
    assert found_in(context.replace("{}", text) for text in attacks if len(text) < 10_000) == {}


MARKS = [
    *"[]()!*_`<>|#\\&\n \t\"'~=:@+-.",
    "\n\n",
    "    ",
    "```",
    "~~~",
    "](",
    "**",
    "- ",
    "1. ",
    "> ",
    "|-|-|\n",
    "![",
]
WORDS = [
    "<a ",
    "onx=",
    "http://",
    "www.a.b",
    "javascript:",
    "&amp;",
    "&#58;",
    "é",
    "word ",
    "/uploads/00112233445566778899aabbccddeeff-1x1.png",
    "\u0301",
]


@given(st.lists(st.sampled_from(MARKS + WORDS), max_size=60).map("".join))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_no_mixture_of_marks_gets_through(source: str) -> None:
    assert faults_of(source) == []


def test_a_question_about_script_tags_loses_no_word() -> None:
    source = (
        "Why does <script>alert('hello')</script> in <iframe srcdoc=x> not run? <!-- really --> <style>p {}</style>"
    )
    assert markup.plain(markup.render(source)) == source


def test_no_attack_loses_a_word() -> None:
    for text in [*HOSTILE[:3], *corpus("xss")]:
        if not re.search(r"\]\s*[(:\[]|```|~~~|[\x00-\x1f]", text) and "&" not in text:
            shown = markup.plain(markup.render(text))
            lost = [word for word in re.findall(r"[A-Za-z]{3,}", text) if word not in shown]
            assert not lost, (text, shown)


# What people write.


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("**bold** *soft* `code`", "<p><strong>bold</strong> <em>soft</em> <code>code</code></p>"),
        ("one\ntwo", "<p>one\ntwo</p>"),
        ("one  \ntwo", "<p>one<br>\ntwo</p>"),
        ("snake_case_name", "<p>snake_case_name</p>"),
        ("# One\n\n## Two\n\n### Three\n\n###### Six", "<h3>One</h3>\n<h4>Two</h4>\n<h5>Three</h5>\n<h5>Six</h5>"),
        ("#123 is not a heading", "<p>#123 is not a heading</p>"),
        ("Title\n=====", "<h3>Title</h3>"),
        ("***", "<hr>"),
        ("Like this:\n- one\n- two", "<p>Like this:</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("1) one\n2) two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"),
        ("3. three\n4. four", '<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>'),
        ("It was in\n2019. Then", "<p>It was in\n2019. Then</p>"),
        ("- a\n  - b", "<ul>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
        ("> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>"),
        ("&lt; & &amp;lt;", "<p>&lt; &amp; &amp;lt;</p>"),
        (r"\*not soft\*", "<p>*not soft*</p>"),
    ],
)
def test_markdown_means_what_people_expect(source: str, html: str) -> None:
    assert markup.render(source) == html


def test_code_keeps_every_character_and_can_be_scrolled_with_a_keyboard() -> None:
    html = markup.render("```python\nif a < b:\n\tprint('*x*')  # http://example.org\n\n\n\tpass\n```")
    assert html == (
        '<pre tabindex="0"><code class="language-python">if a &lt; b:\n\tprint(\'*x*\')  # http://example.org\n\n\n\tpass\n</code></pre>'
    )


def test_code_may_stand_in_a_step_and_in_a_quote_and_need_not_be_closed() -> None:
    html = markup.render(
        "1. Do this:\n   ```\n   make run\n   ```\n2. Done\n\n> ```\n> quoted\n> ```\n\n    old style\n\n~~~\nopen"
    )
    assert re.findall(r"<pre[^>]*><code>([^<]*)</code></pre>", html) == [
        "make run\n",
        "quoted\n",
        "old style\n",
        "open\n",
    ]
    assert html.count("<ol>") == 1


def test_a_table_can_be_scrolled_and_keeps_its_alignment_without_a_style() -> None:
    html = markup.render("| a | b |\n|---|--:|\n| 1 | `x|y` |")
    assert html.startswith('<div class="table-frame" tabindex="0">')
    assert '<td align="right"><code>x|y</code></td>' in html


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("See https://example.org/a?b=1&c=2.", "https://example.org/a?b=1&amp;c=2"),
        ("(see http://example.org/a_(b))", "http://example.org/a_(b)"),
        ("www.example.org, or so", "http://www.example.org"),
        ("**http://example.org/_a_/b**", "http://example.org/_a_/b"),
        ("http://localhost:8000/x", "http://localhost:8000/x"),
        ("https://müller.example/ä", "https://müller.example/ä"),
        ("<https://example.org>", "https://example.org"),
    ],
)
def test_a_bare_address_becomes_a_link(source: str, address: str) -> None:
    html = markup.render(source)
    assert f'<a href="{address}" rel="ugc nofollow noopener">' in html
    assert html.count("<a ") == 1


@pytest.mark.parametrize(
    "source", ["README.md and app.py", "`http://example.org`", "    http://example.org", "a@b.example"]
)
def test_a_file_name_and_code_do_not_become_links(source: str) -> None:
    assert "<a" not in markup.render(source)


@pytest.mark.parametrize(
    "address", ["/t/12-x", "#top", "/", "mailto:a@example.org", "http://[::1]:80/x", "https://example.org"]
)
def test_a_link_within_the_site_or_to_a_plain_host_stays(address: str) -> None:
    assert f'<a href="{address}"' in markup.render(f"[x]({address})")


@pytest.mark.parametrize(
    "address", ["//evil.example", "/\\evil.example", "javascript:1", "http://a@b.example", "ftp://a.b", "page"]
)
def test_a_link_that_leads_astray_is_only_its_words(address: str) -> None:
    assert markup.render(f"[words]({address})") == "<p>words</p>"


def test_an_image_from_elsewhere_is_a_link_because_loading_it_would_tell_who_reads() -> None:
    html = markup.render("![a cat](https://example.org/cat.png)")
    assert html == '<p><a href="https://example.org/cat.png" rel="ugc nofollow noopener">a cat</a></p>'
    html = markup.render("[![badge](https://example.org/b.svg)](https://example.org/build)")
    assert html == '<p><a href="https://example.org/build" rel="ugc nofollow noopener">badge</a></p>'


UPLOADED = "/uploads/00112233445566778899aabbccddeeff-640x480.png"
SHOWN = f'<img alt="a cat" height="480" src="{UPLOADED}" width="640" loading="lazy">'


def test_an_uploaded_image_is_shown_in_its_place_and_leads_to_itself_in_full() -> None:
    html = markup.render(f"![a cat]({UPLOADED})")
    assert html == f'<p><a href="{UPLOADED}" rel="ugc nofollow noopener">{SHOWN}</a></p>'


def test_an_uploaded_image_within_a_link_leads_where_the_link_leads() -> None:
    html = markup.render(f"[![a cat]({UPLOADED})](https://example.org/)")
    assert html == f'<p><a href="https://example.org/" rel="ugc nofollow noopener">{SHOWN}</a></p>'


def test_an_uploaded_image_without_words_is_no_link_without_a_name() -> None:
    assert markup.render(f"![]({UPLOADED})") == f"<p>{SHOWN}</p>".replace("a cat", "")


@pytest.mark.parametrize(
    "address",
    [
        "/uploads/../sign-out",
        "/uploads/cat.png",
        "/uploads/00112233445566778899aabbccddeeff-640x480.svg",
        "/uploads/00112233445566778899aabbccddeeff-0x480.png",
        "/uploads/00112233445566778899aabbccddeeff-64000x480.png",
        "//example.org" + UPLOADED,
        "https://example.org" + UPLOADED,
    ],
)
def test_what_is_not_the_address_of_an_upload_is_never_loaded(address: str) -> None:
    assert "<img" not in markup.render(f"![a cat]({address})")


def test_invisible_characters_that_steer_are_taken_out_and_the_text_is_composed() -> None:
    assert markup.render("a\u202eb\u2066c\x07d e\u0301") == "<p>abcd é</p>"


def test_a_pile_of_combining_marks_is_lowered() -> None:
    assert len(markup.plain(markup.render("a" + "\u0316\u0300" * 900 + "b"))) < 40


# What it may cost.


def test_a_text_over_the_limit_is_refused_with_the_number() -> None:
    with pytest.raises(markup.TextTooLong) as refusal:
        markup.render("a" * (markup.LIMIT + 1))
    assert "32000" in refusal.value.sentence
    assert refusal.value.limit == markup.LIMIT


@pytest.mark.parametrize(
    "source",
    [
        "> " * 21 + "x",
        "- " * 21 + "x",
        "> - " * 11 + "x",
        "".join("  " * n + "- a\n" for n in range(22)),
        "* " * 900 + "x",
    ],
)
def test_too_deep_a_text_is_refused_with_a_sentence(source: str) -> None:
    with pytest.raises(markup.TextTooComplex) as refusal:
        markup.render(source)
    assert refusal.value.sentence
    assert refusal.value.status == 422


def test_twenty_levels_are_not_too_deep() -> None:
    assert markup.render("> - " * 10 + "x").count("<blockquote>") == 10


@pytest.mark.parametrize("marks", ["[", "![", "[a](", "[ (](", "\\`["])
def test_too_many_open_brackets_are_refused_at_once(marks: str) -> None:
    started = time.process_time()
    with pytest.raises(markup.TextTooComplex):
        markup.render((marks * 2_000)[:2_000])
    assert time.process_time() - started < 0.25


def test_many_brackets_that_are_closed_are_fine() -> None:
    assert markup.render("[INFO] started (see log)\n" * 70).count("[INFO]") == 70


def test_too_large_a_table_is_refused() -> None:
    with pytest.raises(markup.TextTooComplex):
        markup.render("a|b|c\n-|-|-\n" + "d\n" * 700)


SHAPES = [
    ["", "[", "", "", ""],
    ["", "![", "", "", ""],
    ["", "[", "a", "]", ""],
    ["", "[a](", "", "", ""],
    ["", "[a](<b", "", "", ""],
    ["", "<![CDATA[", "", "", ""],
    ["", "\\`[", "", "", ""],
    ["", "* ", "a", "", ""],
    ["", "> ", "a", "", ""],
    ["", "*a **a ", "b", " a** a*", ""],
    ["```", " ", "x", "", ""],
    ["", "```\n", "", "", ""],
    ["# a", " ", "b", "", ""],
    ["", "1. a\n\n", "", "", ""],
    ["", "|a", "|\n", "|-", "|\n"],
    ["a\u0316", "\u0300\u0316", "", "", ""],
    ["&#", "9", ";", "", ""],
    ["", "http://", "", "", ""],
    ["LIST", "", "", "", ""],
    ["BACKTICK", "", "", "", ""],
    ["TABLE", "", "", "", ""],
    ["REFDEFS", "", "", "", ""],
    ["FOOT", "", "", "", ""],
]
BUILDERS: dict[str, Callable[[int], str]] = {
    "LIST": lambda n: "".join("  " * i + "- a\n" for i in range(n)),
    "BACKTICK": lambda n: " ".join("`" * (i + 1) for i in range(n)),
    "TABLE": lambda n: "|" + "a|" * n + "\n|" + "-|" * n + "\n" + ("|" + "b|" * n + "\n") * n,
    "REFDEFS": lambda n: "".join(f"[r{i}]: http://a.b/{i}\n" for i in range(n)) + "[r0]" * n,
    "FOOT": lambda n: "".join(f"[^{i}]: x\n" for i in range(n)) + "[^0]" * n,
}


def grown(shape: list[str], size: int) -> str:
    """Return about `size` characters of a shape: prefix, unit, middle, unit, suffix, or a construct's name."""
    prefix, unit, middle, unit2, suffix = shape[:5]
    if build := BUILDERS.get(prefix):
        n = 1
        while len(build(n + 1)) <= size:
            n += max(1, n // 10)
        return build(n)[:size]
    n = (size - len(prefix + middle + suffix)) // len(unit + unit2)
    return prefix + unit * n + middle + unit2 * n + suffix


@pytest.mark.parametrize("size", [2_000, 10_000, 30_000])
def test_no_shape_of_text_takes_longer_than_the_cap(size: int) -> None:
    shapes = [*SHAPES, *map(json.loads, corpus("markdown_pathological"))]
    for source in dict.fromkeys(grown(shape, size) for shape in shapes):
        started = time.monotonic()
        assert faults_of(source) == [], source[:60]
        assert time.monotonic() - started < markup.WALL_SECONDS, source[:60]


# The children.


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[markup._Children]:
    own = markup._Children(2)
    monkeypatch.setattr(markup, "_children", own)
    markup._rendered.cache_clear()
    yield own
    own.end()
    markup._rendered.cache_clear()


def pids_of(children: markup._Children) -> list[int]:
    return [child._process.pid for child in children._all if child._process]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def is_gone(pid: int) -> bool:
    """Tell whether a process ends within five seconds; one that nobody has waited for counts as there."""
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


def test_a_long_text_looks_as_it_would_in_process(children: markup._Children) -> None:
    assert markup.render(LONG) == markup_child.convert(LONG)
    assert len(pids_of(children)) == 1


SPECIAL_CHILD = """
import os, sys
sys.path.insert(0, {repository!r})
from core import markup_child

def convert(source):
    if "spin" in source:
        while True:
            pass
    if "grow" in source:
        return "x" * 2**40
    if "flood" in source:
        return "x" * 2_000_000
    if "abort" in source:
        os.abort()
    if "break" in source:
        raise ZeroDivisionError
    return "rendered"

markup_child.convert = convert
with markup_child.socket.socket(fileno=0) as line:
    markup_child.serve(line)
"""


@pytest.mark.parametrize("fate", ["spin", "grow", "flood", "abort", "break"])
def test_a_text_that_its_fork_does_not_survive_is_refused_and_the_child_goes_on(
    fate: str, children: markup._Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "special_child.py"
    program.write_text(SPECIAL_CHILD.format(repository=str(REPOSITORY)))
    monkeypatch.setattr(markup, "CHILD_COMMAND", (sys.executable, str(program)))
    assert children.render("first") == "rendered"
    before = pids_of(children)
    started = time.monotonic()
    with pytest.raises(markup_child.TooComplex):
        children.render(fate)
    assert time.monotonic() - started < markup.WALL_SECONDS
    assert children.render("next") == "rendered"
    assert pids_of(children) == before


def test_a_killed_child_is_replaced(children: markup._Children) -> None:
    markup.render(LONG)
    (pid,) = pids_of(children)
    os.kill(pid, signal.SIGKILL)
    assert markup.render(LONG + "again")
    assert pids_of(children) != [pid]
    assert is_gone(pid), "no zombie is left"


def test_a_child_that_hangs_is_given_up_and_replaced(
    children: markup._Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markup, "WALL_SECONDS", 0.5)
    markup.render(LONG)
    (pid,) = pids_of(children)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unavailable):
        markup.render(LONG + "hangs")
    assert is_gone(pid)
    monkeypatch.undo()
    assert children.render(LONG + "again")


def test_when_all_children_are_busy_a_render_waits_and_then_says_so(
    children: markup._Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markup, "WALL_SECONDS", 0.1)
    taken = [children._free.get() for _ in range(2)]
    with pytest.raises(Unavailable):
        markup.render(LONG)
    for child in taken:
        children._free.put(child)


def test_a_machine_that_starts_no_process_is_said_to_be_unavailable(
    children: markup._Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markup, "CHILD_COMMAND", ("/nowhere/python",))
    before = open_files()
    with pytest.raises(Unavailable):
        markup.render(LONG)
    assert open_files() == before


def test_many_threads_share_two_children_without_mixing_their_texts(children: markup._Children) -> None:
    wrong: list[str] = []

    def write(name: int) -> None:
        for turn in range(4):
            mine = f"\n\nthread {name} turn {turn}"
            if not markup.render(LONG + mine).endswith(f"<p>{mine.strip()}</p>"):
                wrong.append(mine)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(pids_of(children)) == 2


def test_neither_renders_nor_kills_leave_open_files_or_processes_behind(children: markup._Children) -> None:
    before = open_files()
    seen = []
    for turn in range(6):
        markup.render(f"{LONG}{turn}")
        seen += pids_of(children)
        os.kill(pids_of(children)[0], signal.SIGKILL)
    children.end()
    assert open_files() == before
    assert all(is_gone(pid) for pid in seen)


def test_a_forked_process_has_children_of_its_own(children: markup._Children) -> None:
    os.register_at_fork(after_in_child=children.disown)
    markup.render(LONG)
    before = pids_of(children)
    forked = os.fork()
    if forked == 0:
        fine = pids_of(children) == [] and bool(markup.render(LONG + "forked")) and pids_of(children) != before
        children.end()
        os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0
    assert markup.render(LONG + "afterwards")
    assert pids_of(children) == before


PARENT = """
import os, signal
from core import markup
markup.render("word " * 1000)
print(*(child._process.pid for child in markup._children._all if child._process), flush=True)
{end}
"""


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_child_ends_with_its_parent_however_that_ends(end: str) -> None:
    parent = subprocess.run(
        [sys.executable, "-c", PARENT.format(end=end)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert is_gone(int(parent.stdout)), parent.stderr


def test_a_child_is_told_no_secrets(children: markup._Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLINKE_SECRET_KEY", "very secret")
    markup.render(LONG)
    (pid,) = pids_of(children)
    assert b"very secret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_child_carries_nothing_of_the_house() -> None:
    code = "import sys, core.markup_child; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=True
    )
    assert not {"flask", "sqlalchemy", "flask_babel", "app"} & set(json.loads(loaded.stdout.replace("'", '"')))


# Foreign HTML.


@pytest.mark.parametrize(
    ("html", "source"),
    [
        ("<p>One <b>two</b> <i>three</i></p><p>four</p>", "One **two** *three*\n\nfour"),
        ("<pre class='lang-py'><code>a &lt; b\n  c</code></pre>", "```py\na < b\n  c\n```"),
        ("<pre><code>```\nx\n```</code></pre>", "````\n```\nx\n```\n````"),
        ("<ol start=3><li>a<ul><li>b</li></ul></li><li>c</li></ol>", "3. a\n   - b\n4. c"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("10<sup>-3</sup> of H<sub>2</sub>O, so<sup>as they say</sup>", "10^-3 of H2O, soas they say"),
        ("<h2>Title</h2>text<hr>", "## Title\n\ntext\n\n---"),
        ("<a href='https://example.org/a (b)'>x</a>", "[x](https://example.org/a%20%28b%29)"),
        ("<a href='/questions/1'>x</a> <a href='javascript:1'>y</a>", "x y"),
        ("<script>alert(1)</script><style>p{}</style><p onclick=x>y", "y"),
        ("<table><tr><th>a<th>b<tr><td>1<td>2|3</table>", "| a | b |\n| --- | --- |\n| 1 | 2\\|3 |"),
        ("https://example.org/only", "https://example.org/only"),
        ("", ""),
    ],
)
def test_foreign_html_becomes_markdown(html: str, source: str) -> None:
    assert markup.from_html(html) == source


FOREIGN_TEXTS = [
    "2 * 3 * 4 and *x* and _y_ and snake_case and __init__",
    r"$\frac{1}{\sqrt{2}} \left( |0\rangle_{A} + |1\rangle \right) \\ \{x\}$",
    "[a](b) [c]: d [e][f] ![g](h) [i]",
    "# no heading",
    "- no list",
    "* no list",
    "1. no list",
    "> no quote",
    "```no code``` `x` ~~~",
    "&lt; &amp; &#65; <b> <http://a.b",
    "===",
    r"C:\*.exe \\server\share \_",
    "Wow! really!",
]


@pytest.mark.parametrize("text", FOREIGN_TEXTS)
@pytest.mark.parametrize(
    "frame", ["<p>{}</p>", "<ul><li>{}</li></ul>", "<p>Wow!<a href='http://a.b'>{}</a> x</p>", "<td>{}</td>"]
)
def test_text_in_foreign_html_stays_the_text_it_was(text: str, frame: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    shown = inspected(markup.render(markup.from_html(frame.replace("{}", escaped)))).texts
    assert text in " ".join("".join(shown).split())


def test_foreign_html_shows_alike_after_the_way_through_markdown() -> None:
    html = (
        "<h2>How</h2><p>Do <strong>this</strong>:</p><ol><li><p>Open</p><pre><code>cat x | y\n</code></pre></li>"
        "<li><blockquote><p>All of it, or\nnothing</p></blockquote></li></ol><p>End<br>of it</p>"
    )
    again = markup.render(markup.from_html(html))
    assert re.sub(r"\s+|<p>|</p>", "", again) == re.sub(
        r"\s+|<p>|</p>", "", html.replace("h2>", "h4>").replace("<pre>", '<pre tabindex="0">')
    )


@pytest.mark.parametrize("name", ["html_malformed", "xss"])
def test_malformed_html_becomes_markdown_that_renders_safely(name: str) -> None:
    sources = [*HOSTILE, "<p", "<" * 2000, "</", "<b>" * 5000 + "x", "<ul><li>" * 3000, *corpus(name, every=3)]
    assert found_in(markup.from_html(source)[: markup.LIMIT] for source in sources) == {}


def test_html_that_is_too_long_becomes_plain_text() -> None:
    html = "<script>no()</script><p>a &lt;b&gt; *c*</p>" + "<div>" * 30_000 + "end"
    assert markup.from_html(html) == "a <b> \\*c\\*\n\nend"


def test_the_converter_takes_no_more_than_linear_patience() -> None:
    for unit in ("<ol>" + "<li>a" * 9, "<tr><td>a", "<div>", "<!--", "&#9", '<a b="'):
        started = time.process_time()
        markup.from_html((unit * 50_000)[: markup.LONGEST_FOREIGN_HTML])
        markup.from_html(unit * 50_000)
        assert time.process_time() - started < markup.WALL_SECONDS, unit


# Plain text.


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One <strong>two</strong>,\n three</p><p>four</p>", "One two, three four"),
        ("<ul><li>a</li><li>b</li></ul>x<br>y", "a b x y"),
        ('<pre tabindex="0"><code class="language-py">a &lt; b &amp;&amp; c\n</code></pre>', "a < b && c"),
        ('<p><a href="/x" title="a > b">link</a>&nbsp;&#8364;&hellip;</p>', "link €…"),
        ("a < b <3 > &unknown; &#99999999;", "a < b <3 > &unknown; &#99999999;"),
        ("<script>x</script>a<!-- > -->b", "ab"),
        ("<", "<"),
        ("", ""),
    ],
)
def test_plain_is_the_text_a_reader_sees(html: str, text: str) -> None:
    assert markup.plain(html) == text


def test_plain_takes_linear_time() -> None:
    for unit in ("<", "<a", '<a "', "<a b='", "<!--", "<script>", "&", "&#9", "<p>x</p>", "=" + " " * 50):
        started = time.monotonic()
        markup.plain(unit * (1_000_000 // len(unit)))
        assert time.monotonic() - started < 5, unit


def test_an_excerpt_is_cut_after_a_word() -> None:
    assert markup.excerpt("short  and\nsweet") == "short and sweet"
    assert markup.excerpt("one two three four", 14) == "one two three…"
    assert markup.excerpt("one two, three", 12) == "one two…"
    assert markup.excerpt("a" * 30, 10) == "a" * 9 + "…"
    assert markup.excerpt("") == ""


@given(st.text(max_size=80), st.integers(min_value=2, max_value=40))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_an_excerpt_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(markup.excerpt(text, limit)) <= limit


def test_stored_html_reaches_a_template_as_it_is() -> None:
    html: Any = markup.safe("<p>x</p>")
    assert html.__html__() == "<p>x</p>"
