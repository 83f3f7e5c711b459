"""No form field and no API value, however odd, ends in a fault; what was typed is kept.

The forms are found on the pages themselves, as a guest, a member and an admin see them, so a new form is covered when
its page is. The odd strings are our own, and those of
../shared/corpora where that folder exists.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core.api import PREFIX
from forum import answers, moderation
from tests.cast import World
from tests.conftest import Browser

CORPORA = Path(os.environ.get("KLINKE_SHARED", Path(__file__).parents[2] / "shared")) / "corpora"
ODD = (
    "",
    " ",
    "\0",
    "a\0b",
    "\x1b[31mred",
    "\u202egnp.exe",
    "é" * 5000,
    "\u0315\u0316" * 2000,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "' OR 1=1 --",
    "../../etc/passwd",
    "😀👩‍👩‍👧‍👦 ÄÖÜß",
    "9" * 30,
    "-1",
    "1e309",
    "\r\nSet-Cookie: a=b",
    "[" * 1900,
    "* " * 900,
    "```" + " " * 1900,
)
RAW = (b"\xff\xfe\xfa", b"%ED%A0%80", b"%00", b"%C0%AF")
NEVER_PRESSED = {"/sign-out"}
FAULT = 500
PARTS = 4
"""Admins have so many forms that they are tried in parts, each a test."""


@dataclass(slots=True)
class FoundForm:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    """Fields a person types into."""


class FormFinder(HTMLParser):
    """Finds the POST forms of a page with their fields and present values."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page, self.forms, self._form, self._area = page, [], None, ""
        self._select = ""

    forms: list[FoundForm]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = (
                FoundForm(about.get("action") or self.page) if about.get("method", "").lower() == "post" else None
            )
            if self._form:
                self.forms.append(self._form)
        if self._form is None or (tag != "option" and not about.get("name")):
            return
        name = about.get("name", "")
        if tag == "input":
            self._form.fields.setdefault(name, about.get("value", ""))
            self._form.typed.append(name)
        elif tag == "textarea":
            self._form.fields[name], self._area = "", name
            self._form.typed.append(name)
        elif tag == "select":
            self._select = name
            self._form.typed.append(name)
            self._form.fields[name] = ""
        elif tag == "option" and self._select:
            if "selected" in about or not self._form.fields[self._select]:
                self._form.fields[self._select] = about.get("value", "")
        elif tag == "button" and about.get("name"):
            self._form.fields.setdefault(name, about.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area:
            self._form.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""


@pytest.fixture
def addresses(stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]) -> list[str]:
    """Build a small community and return the pages whose forms are tried."""

    def scene(world: World) -> list[str]:
        world.everybody()
        topic = world.ask()
        answer = world.answer(topic)
        answers.comment(answer, source="Thanks, that helped me too.", by=world.tina)
        answers.accept(answer, by=world.alice)
        muted = world.ask(
            "Something about something else entirely", "This is about another thing altogether.", by=world.bob
        )
        moderation.mute(muted, by=world.ada, reason="off topic")
        question = topic.posts[0].id
        return [
            f"/t/{topic.id}-{topic.slug}",
            f"/t/{muted.id}-{muted.slug}",
            f"/posts/{question}/edit",
            f"/posts/{answer.id}/edit",
        ]

    pages: list[str] = stage(scene)
    worker()
    return pages


def pages_of(app: Flask, extra: list[str]) -> list[str]:
    plain = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    return [page for page in (*plain, *extra, "/kb/nominations/1", "/u/alice") if not page.startswith(PREFIX)]


def forms_of(reader: Browser, pages: list[str]) -> list[FoundForm]:
    found: dict[tuple[str, tuple[str, ...]], FoundForm] = {}
    for page in pages:
        answer = reader.get(page)
        assert answer.status_code < FAULT, page
        if "html" in answer.content_type:
            finder = FormFinder(page)
            finder.feed(answer.text)
            for form in finder.forms:
                found.setdefault((form.action, tuple(sorted(form.fields))), form)
    return [form for form in found.values() if form.action not in NEVER_PRESSED]


def odd_strings() -> Iterator[str]:
    yield from ODD
    for name in ("naughty", "unicode"):
        path = CORPORA / f"{name}.jsonl"
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line).get("input", "")


@pytest.mark.parametrize(("who", "part"), [("guest", 0), ("alice", 0), *(("root", part) for part in range(PARTS))])
def test_no_form_field_breaks_on_an_odd_string(
    app: Flask, addresses: list[str], browser_of: Callable[[str], Browser], guest: Browser, who: str, part: int
) -> None:
    reader = guest if who == "guest" else browser_of(who)
    forms = forms_of(reader, pages_of(app, addresses))
    assert len(forms) >= (3 if who == "guest" else 8)
    fields = [(form, name) for form in forms for name in form.typed if name != "csrf_token"]
    strings = list(odd_strings())
    # Every field gets a third of our own strings in rotation; the corpora go round over all the fields.
    tries = [(form, name, text) for number, (form, name) in enumerate(fields) for text in ODD[number % 3 :: 3]]
    tries += [(form, name, text) for (form, name), text in zip(itertools.cycle(fields), strings, strict=False)]
    for form, name, text in tries[part :: PARTS if who == "root" else 1]:
        answer = reader.post(form.action, data={**form.fields, name: text.encode("utf-8", "surrogatepass")})
        assert answer.status_code < FAULT, f"{form.action} {name}={text[:40]!r}"
        assert "<script>alert(1)</script>" not in answer.text
        if who != "guest" and reader.get("/settings").status_code != 200:
            reader = browser_of(who)  # a form ended this session, as some may


@pytest.mark.parametrize("raw", RAW)
def test_wrongly_encoded_bytes_are_answered_with_a_sentence(
    app: Flask, addresses: list[str], browser_of: Callable[[str], Browser], raw: bytes
) -> None:
    alice = browser_of("alice")
    for form in forms_of(alice, addresses):
        for name in form.typed:
            body = name.encode() + b"=" + raw
            answer = alice.post(form.action, data=body, content_type="application/x-www-form-urlencoded")
            assert answer.status_code < FAULT, f"{form.action} {name}"


def test_a_body_that_is_too_large_is_told_so(addresses: list[str], browser_of: Callable[[str], Browser]) -> None:
    answer = browser_of("alice").post("/topics", data={"title": "x" * 400_000})
    assert answer.status_code == 413


WRONG_JSON = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"1e999",
    b"\xff",
    b"[" * 3000,
    b'{"a":' * 100 + b"1" + b"}" * 100,
    b"{}",
    b'{"nonsense": 1}',
)
WRONG_VALUES = (None, "", "\0", "\ud83d", "x" * 100_000, -1, 2**70, 1.5, True, [], {}, [[]], "<script>")


def test_no_api_call_breaks_on_an_odd_body(
    app: Flask, addresses: list[str], token_of: Callable[..., str], guest: Browser
) -> None:
    headers = {"Authorization": f"Bearer {token_of('root')}"}
    description = guest.get(f"{PREFIX}/openapi.json").json
    tried = 0
    for path, operations in description["paths"].items():
        for method, about in operations.items():
            if method == "get":
                continue
            address = path.replace("{", "").replace("}", "")
            for number in (1, 2**62, 2**70):
                url = "/".join(
                    str(number) if part.endswith("_id") or part == "id" else part for part in address.split("/")
                )
                for body in WRONG_JSON:
                    answer = guest.open(
                        url, method=method.upper(), data=body, content_type="application/json", headers=headers
                    )
                    assert answer.status_code < FAULT, f"{method} {url} {body[:30]!r}"
                    if answer.status_code >= 400:
                        assert answer.content_type == "application/problem+json", f"{method} {url}"
                    tried += 1
            schema = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for name, value in itertools.product(schema.get("properties", {}), WRONG_VALUES):
                body = json.dumps({name: value}).encode()
                answer = guest.open(
                    address.replace("_id", "").replace("topic", "1"),
                    method=method.upper(),
                    data=body,
                    content_type="application/json",
                    headers=headers,
                )
                assert answer.status_code < FAULT, f"{method} {address} {name}={str(value)[:30]!r}"
                tried += 1
    assert tried > 100


def test_no_query_value_breaks_a_page_or_a_call(app: Flask, addresses: list[str], guest: Browser) -> None:
    names = (
        "q",
        "page",
        "kind",
        "locale",
        "limit",
        "cursor",
        "after",
        "before",
        "title",
        "body",
        "state",
        "filter",
        "next",
        "tag",
        "sort",
    )
    pages = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    for page, name in itertools.product(pages, names):
        for text in ("\0", "9" * 40, "-1", "<script>alert(1)</script>", '"(* NOT' * 20):
            answer = guest.get(page, query_string={name: text})
            assert answer.status_code in {200, 301, 302, 303, 304, 400, 401, 403, 404, 422, 429, 503}, (
                f"{page}?{name}={text[:20]}"
            )
            assert "<script>alert(1)</script>" not in answer.text


def test_a_wrong_content_type_is_told_so(token_of: Callable[..., str], addresses: list[str], guest: Browser) -> None:
    answer = guest.post(f"{PREFIX}/topics", data="title=x", headers={"Authorization": f"Bearer {token_of('alice')}"})
    assert answer.status_code == 415
    assert answer.content_type == "application/problem+json"
