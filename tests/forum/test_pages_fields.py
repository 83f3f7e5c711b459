"""The guided form: what the chosen category asks, on the pages of askers, readers and admins."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from core.clock import now
from forum import answers, fields
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import fields_of

Stage = Callable[[Callable[[World], Any]], Any]
TITLE = "Why does the router blink red"
SOURCE = "It has been blinking red since the update of this morning, and a restart changed nothing."


def asks(world: World, **required: bool) -> None:
    world.everybody()
    for name, kind in (("Device", "line"), ("Version", "version"), ("Error", "text")):
        fields.add(
            world.router,
            names={"de": f"{name} auf Deutsch", "en": name},
            hints={"en": f"Hint for {name}"},
            kind=kind,
            required=required.get(name, False),
            by=world.root,
        )


@pytest.fixture
def alice(stage: Stage, browser_of: Callable[[str], Browser]) -> Browser:
    stage(lambda world: asks(world, Device=True))
    return browser_of("alice")


def question(**values: str) -> dict[str, str]:
    return {"title": TITLE, "source": SOURCE, "category": "router", "locale": "en", **values}


def test_the_only_category_asks_at_once_in_the_readers_language(alice: Browser) -> None:
    page = alice.get("/ask").text
    assert 'name="detail_device"' in page
    assert "Hint for Version" in page
    assert "<textarea" in page[page.index('id="detail_error"') - 200 :]
    alice.post("/locale", data={"locale": "de"})
    page = alice.get("/ask", headers={"Accept-Language": "de"}).text
    assert "Device" in page


def test_a_category_that_is_chosen_later_asks_then(alice: Browser, stage: Stage) -> None:
    from forum.models import Category

    stage(lambda _world: add(Category(slug="other", names={"en": "Other"}, position=2)))
    assert "detail_device" not in alice.get("/ask").text
    assert "detail_device" in alice.get("/ask?category=router").text
    assert "detail_device" not in alice.get("/ask?category=other").text
    piece = alice.get("/ask/fields?category=router").text
    assert "<html" not in piece
    assert "detail_device" in piece
    assert "detail_" not in alice.get("/ask/fields?category=nothing").text
    assert "detail_device" in alice.post("/topics", data=question(do="fields")).text


def add(row: Any) -> None:
    from core.db import db

    db.session.add(row)


def test_who_was_not_asked_is_asked_once_and_nothing_is_lost(alice: Browser) -> None:
    page = alice.post("/topics", data=question())
    assert page.status_code == 422
    assert "In this category a little more is asked" in page.text
    assert SOURCE in page.text
    page = alice.post("/topics", data=question(asked="router", detail_version="4.1", detail_error="E 1"))
    assert page.status_code == 422
    assert 'id="detail_device-error"' in page.text
    assert 'value="4.1"' in page.text
    done = alice.post(
        "/topics",
        data=question(asked="router", detail_device="Birke <3>", detail_version="4.1", detail_error="E 1\nE 2"),
        follow_redirects=True,
    )
    assert done.status_code == 200
    assert "<bdi>Birke &lt;3&gt;</bdi>" in done.text
    assert "E 1\nE 2</pre>" in done.text
    assert done.text.index("Birke &lt;3&gt;") < done.text.rindex(SOURCE), "it stands above the question"


def test_a_draft_keeps_it(alice: Browser) -> None:
    alice.post("/drafts/ask", data=question(detail_device="Birke 3", detail_nonsense="x"))
    assert 'value="Birke 3"' in alice.get("/ask").text


def test_the_edit_form_has_it_and_the_history_shows_what_changed(alice: Browser, stage: Stage) -> None:
    stage(lambda world: world.ask(source=SOURCE, details={"device": "Birke 2"}) and None)
    form = alice.get("/posts/1/edit").text
    assert 'value="Birke 2"' in form
    data = {"title": TITLE, "source": SOURCE, "version": "1"}
    assert alice.post("/posts/1/edit", data=data).status_code == 422, "it must not stay empty"
    assert alice.post("/posts/1/edit", data={**data, "detail_device": "Birke 3"}).status_code == 303
    history = alice.get("/posts/1/history").text
    assert "Birke" in history
    assert "<del>" in history or "change" in history


def test_an_answer_says_for_which_version_and_an_old_one_takes_it_from_the_question(
    alice: Browser, stage: Stage, guest: Browser
) -> None:
    def scene(world: World) -> int:
        topic = world.ask(source=SOURCE, details={"device": "Birke 3", "version": "4.1"})
        answers.post(topic, source="It blinks because of the update.", by=world.bob)
        return topic.id

    topic_id = stage(scene)
    page = alice.get(f"/t/{topic_id}", follow_redirects=True).text
    assert "Which version does it hold for?" in page
    assert "For Version 4.1" not in page
    with time_machine.travel(now() + timedelta(days=800)):
        assert "For Version 4.1" in guest.get(f"/t/{topic_id}", follow_redirects=True).text
    alice.post(f"/topics/{topic_id}/answers", data={"source": "In the new one it is gone.", "version": "4.2"})
    assert "For Version 4.2" in guest.get(f"/t/{topic_id}", follow_redirects=True).text


def test_the_call_takes_and_tells_it(alice: Browser, app: Flask, token_of: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {token_of('alice')}"}
    body = {"category": "router", "title": TITLE, "body": SOURCE, "locale": "en"}
    refused = app.test_client().post("/api/v1/topics", json=body, headers=headers)
    assert refused.status_code == 422
    assert "detail_device" in refused.json["errors"]
    asked = app.test_client().post("/api/v1/topics", json={**body, "details": {"device": "Birke 3"}}, headers=headers)
    assert asked.status_code == 201
    assert asked.json["question"]["details"] == [{"key": "device", "name": "Device", "value": "Birke 3"}]


# What admins see.


def test_an_admin_adds_changes_and_removes_a_field(alice: Browser, browser_of: Callable[[str], Browser]) -> None:
    root = browser_of("root")
    place = "/admin/categories/router"
    ids = re.findall(r'\sid="([^"]+)"', root.get(place).text)
    assert len(ids) == len(set(ids)), "every label leads to its own field"
    given = fields_of(root.get(place).text, f"{place}/fields")
    new = {**given, "name_de": "Farbe", "name_en": "Colour", "kind": "line"}
    assert root.post(f"{place}/fields", data=new).headers["Location"] == place
    root.post(f"{place}/fields", data=new)
    page = root.get(place).text
    assert page.count("/fields/colour") == 1, "sent twice it is there once"
    form = root.get(f"{place}/fields/colour").text
    assert 'value="Farbe"' in form
    assert 'value="4"' in form, "it is the last one"
    changed = {**new, "name_en": "Hue", "hint_en": "Roughly", "required": "y"}
    assert root.post(f"{place}/fields/colour", data=changed).status_code == 303
    ask = alice.get("/ask").text
    assert ask.index("Hue") < ask.index("Device")
    assert root.post(f"{place}/fields/colour/removal").status_code == 303
    assert "Hue" not in alice.get("/ask").text


@pytest.mark.parametrize(
    ("path", "data", "sentence"),
    [
        ("fields", {"kind": "line", "position": "1"}, "still empty"),
        ("fields", {"name_en": "Device", "kind": "line", "position": "1"}, "with this name already"),
        ("fields", {"name_en": "X", "kind": "colour", "position": "1"}, "one of the list"),
        ("fields/device", {"name_en": "x" * 200, "kind": "line", "position": "1"}, "Too long"),
        ("fields/device", {"name_en": "X", "kind": "line", "position": "first"}, "number"),
        ("fields/device", {"name_en": "", "kind": "line", "position": "1"}, "still empty"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    alice: Browser, browser_of: Callable[[str], Browser], path: str, data: dict[str, str], sentence: str
) -> None:
    page = browser_of("root").post(f"/admin/categories/router/{path}", data={**data, "hint_en": "Roughly"})
    assert page.status_code == 422
    assert sentence in page.text
    assert 'value="Roughly"' in page.text


def test_a_field_that_is_not_there_is_a_404(alice: Browser, browser_of: Callable[[str], Browser]) -> None:
    root = browser_of("root")
    assert root.get("/admin/categories/router/fields/nothing").status_code == 404
    assert root.post("/admin/categories/nothing/fields/device").status_code == 404
