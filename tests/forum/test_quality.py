"""What a question lacks is said before it is asked, once, and never stops anybody."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from demo.load import COMMUNITY
from forum import quality
from tests.cast import World
from tests.conftest import Browser

TITLE = "Why does the router blink red"
SOURCE = "It has been blinking red since the update of this morning, and a restart changed nothing."
PICTURE = "(/uploads/00112233445566778899aabbccddeeff-640x480.png)"


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def lacks(title: str = TITLE, source: str = SOURCE, *, has_details: bool = False) -> list[tuple[str, str]]:
    return [
        (hint.field, hint.sentence) for hint in quality.missing(title=title, source=source, has_details=has_details)
    ]


def test_a_good_question_lacks_nothing() -> None:
    assert lacks() == []


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("WHY DOES THE ROUTER BLINK RED", "capitals"),
        ("DER ROUTER BLINKT SEIT GESTERN ROT", "capitals"),
        ("Help please, urgent problem", "what it is about"),
        ("Hilfe, geht nicht mehr!", "what it is about"),
        ("Es funktioniert nicht", "what it is about"),
        ("?????????????", "what it is about"),
        ("Why does the router blink red???", "One mark"),
    ],
)
def test_what_the_title_lacks(title: str, word: str) -> None:
    found = lacks(title)
    assert found
    assert found[0][0] == "title"
    assert word in found[0][1]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("IT HAS BEEN BLINKING RED SINCE THE UPDATE OF THIS MORNING AND A RESTART CHANGED NOTHING", "capitals"),
        ("Why does the router blink red? Thanks in advance!", "what the first sentence says"),
        ("Hello everybody, thanks in advance, best regards", "kind"),
        ("Hallo zusammen, kann mir bitte jemand helfen? Vielen Dank im Voraus", "kind"),
        ("Since this morning. What now?", "detail"),
        ("Guten Morgen zusammen, seit dem Update, vielen Dank!", "detail"),
        ("It shows an error message when I open the settings of it, since the update.", "exact words"),
        ("Seit dem Update kommt eine Fehlermeldung, wenn ich die Einstellungen öffne.", "exact words"),
        (f"{SOURCE}\n\n![]{PICTURE}", "what it shows"),
        (f"{SOURCE}\n\n![What this picture shows]{PICTURE}", "what it shows"),
    ],
)
def test_what_the_text_lacks(source: str, word: str) -> None:
    found = lacks(source=source)
    assert [field for field, _ in found] == ["source"]
    assert word in found[0][1]


@pytest.mark.parametrize(
    "source",
    [
        f"Look:\n\n![The light is red]{PICTURE}",
        "It says:\n\n```\nE 1203 NO ADDRESS\n```",
        "```\nTHE WHOLE LOG IS IN CAPITALS AND THAT IS HOW IT CAME\n```",
        "It shows the error message “no address” when I open the settings of it.",
        "It shows error code 1203 when I open the settings of it, since the update.",
        "路由器自从更新以后一直闪红灯 重启也没有用 请问 应该 怎么办 呢 谢谢 各位 朋友",
    ],
)
def test_what_needs_no_more_words(source: str) -> None:
    assert lacks(source=source) == []


def test_what_stands_in_a_field_need_not_stand_in_the_text() -> None:
    assert lacks(source="Since this morning. What now?", has_details=True) == []


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "bit", ["```", "`", "![", "![](", "[", "!", "Ä", "a ", " ", "\n", "https://", "\t", "    a\n", "'"]
)
def test_a_huge_text_is_looked_through_in_no_time(bit: str) -> None:
    text = bit * (32_000 // len(bit))
    assert quality.missing(title=text[:150], source=text), "nothing is said in so many words"


def test_most_questions_of_the_demo_lack_nothing() -> None:
    lines = [json.loads(line) for line in COMMUNITY.read_text(encoding="utf-8").splitlines()]
    questions = [line for line in lines if line["type"] == "topic"]
    lacking = {line["id"]: lacks(line["title"], line["body"]) for line in questions}
    assert {name: found for name, found in lacking.items() if found} == {}


# On the page.


@pytest.fixture
def alice(stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser]) -> Browser:
    stage(lambda world: bool(world.everybody() and world.router))
    return browser_of("alice")


def question(**values: str) -> dict[str, str]:
    return {"title": TITLE, "source": SOURCE, "category": "router", "locale": "en", **values}


def test_it_is_said_before_it_is_asked_and_may_be_asked_all_the_same(alice: Browser) -> None:
    page = alice.post("/topics", data=question(source="Since this morning. What now?"))
    assert page.status_code == 422
    assert "More detail helps" in page.text
    assert "Since this morning. What now?" in page.text
    assert 'name="anyway"' in page.text
    asked = alice.post("/topics", data=question(source="Since this morning. What now?", anyway="yes"))
    assert asked.status_code == 303


def test_who_mends_it_is_not_stopped_again(alice: Browser) -> None:
    assert alice.post("/topics", data=question(title="HELP HELP HELP")).status_code == 422
    assert alice.post("/topics", data=question()).status_code == 303


def test_what_is_wrong_comes_before_what_is_missing(alice: Browser) -> None:
    page = alice.post("/topics", data=question(title="Short", source="Since this morning. What now?"))
    assert "More detail helps" not in page.text
    assert "A little short" in page.text


def test_who_asks_anyway_and_has_something_wrong_need_not_say_it_again(alice: Browser) -> None:
    page = alice.post("/topics", data=question(title="Short", anyway="yes"))
    assert '<input type="hidden" name="anyway" value="yes">' in page.text


def test_a_program_is_not_asked(alice: Browser, app: Flask, token_of: Callable[..., str]) -> None:
    answer = app.test_client().post(
        "/api/v1/topics",
        json={"category": "router", "title": TITLE, "body": "Since this morning. What now?", "locale": "en"},
        headers={"Authorization": f"Bearer {token_of('alice')}"},
    )
    assert answer.status_code == 201
