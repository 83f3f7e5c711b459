"""Asking and answering in one step: one form, one deed, no pause, accepted at once and marked, and no points."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from core.errors import Invalid, NotAllowed
from core.outbox import Delivery
from forum import answers, holding, limits, self_answering
from forum.models import Acceptance, Draft, Post, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
FOUND = "Choose channel 6, then it stays connected."
ASKED = {
    "title": "Wireless gone after the update",
    "category": "router",
    "source": "Since this morning it was gone, here is what helped.",
    "locale": "en",
    "tags": "wifi",
    "anyway": "yes",
}


def cast(world: World) -> None:
    world.everybody()
    assert world.router


def accepted() -> list[dict[str, Any]]:
    rows = db.session.query(Delivery).filter_by(event="AnswerAccepted").all()
    return [dict(said) for said in {json.dumps(row.payload, sort_keys=True): row.payload for row in rows}.values()]


def test_the_answer_is_the_solution_and_says_that_it_is_ones_own(world: World) -> None:
    topic = world.ask()
    answer = self_answering.answer(topic, source=FOUND, solves=True, by=world.alice)
    assert (topic.is_solved, topic.answer_count, answer.kind) == (True, 1, "answer")
    assert [said["is_own"] for said in accepted()] == [True]
    other = world.ask("Another question of hers")
    answers.accept(world.answer(other), by=world.alice)
    assert sorted(said["is_own"] for said in accepted()) == [False, True]


def test_it_need_not_be_the_solution(world: World) -> None:
    topic = world.ask()
    self_answering.answer(topic, source=FOUND, solves=False, by=world.alice)
    assert (topic.is_solved, topic.is_answered) == (False, True)


def test_only_who_asked_answers_in_one_step_and_what_is_wrong_is_said_at_its_field(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        self_answering.answer(world.ask(), source="Short", solves=True, by=world.alice)
    assert list(refusal.value.fields) == ["answer"]
    held = world.ask("A held question is here", by=world.newcomer())
    assert held.is_muted
    with pytest.raises(NotAllowed):
        self_answering.answer(held, source=FOUND, solves=True, by=world.charlie)
    with pytest.raises(NotAllowed):
        answers.post(held, source=FOUND, by=world.newcomer())


def test_what_waits_for_the_team_waits_together(world: World) -> None:
    newcomer = world.newcomer()
    topic = world.ask(by=newcomer)
    answer = self_answering.answer(topic, source=FOUND, solves=True, by=newcomer)
    assert (topic.is_muted, answer.is_muted, topic.is_solved, topic.answer_count) == (True, True, False, 0)
    assert holding.is_new(newcomer)


def test_no_pause_lies_between_the_two(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = world.ask()
    paused: list[str] = []
    monkeypatch.setattr(limits, "rest", lambda _by, kind, *_rest: paused.append(kind))
    self_answering.answer(topic, source=FOUND, solves=True, by=world.alice)
    assert paused == []
    world.answer(topic)
    assert paused == ["answer"]


def test_one_form_asks_and_answers(stage: Stage, browser_of: BrowserOf) -> None:
    stage(cast)
    browser = browser_of("charlie")
    sent = browser.post("/topics", data={**ASKED, "answer": FOUND, "solves": "y"})
    assert sent.status_code == 303
    page = browser.get(sent.location).text
    assert "the asker answered it" in page
    assert FOUND in page


def test_a_wrong_answer_asks_nothing_and_keeps_both(stage: Stage, browser_of: BrowserOf) -> None:
    stage(cast)
    browser = browser_of("charlie")
    wrong = browser.post("/topics", data={**ASKED, "answer": "Short"})
    assert (wrong.status_code, "Short</textarea>" in wrong.text, "here is what helped" in wrong.text) == (
        422,
        True,
        True,
    )
    assert 'id="own-answer"' in wrong.text
    assert stage(lambda _: db.session.query(Topic).count()) == 0
    without = browser.post("/topics", data={**ASKED, "answer": "  \n ", "solves": "y"})
    assert without.status_code == 303
    assert stage(lambda _: (db.session.query(Post).count(), db.session.query(Acceptance).count())) == (1, 0)


def test_the_draft_keeps_both_texts(stage: Stage, browser_of: BrowserOf) -> None:
    stage(cast)
    browser = browser_of("charlie")
    browser.post("/drafts/ask", data={"answer": FOUND, "solves": "y"})
    assert stage(lambda _: db.session.query(Draft).one().fields) == {"answer": FOUND, "solves": "y"}
    assert FOUND in browser.get("/ask").text


def test_programs_can_do_the_same(
    stage: Stage, browser_of: BrowserOf, guest: Browser, token_of: Callable[..., str]
) -> None:
    stage(cast)
    body = {
        "category": "router",
        "title": ASKED["title"],
        "body": ASKED["source"],
        "locale": "en",
        "answer": FOUND,
        "solves": True,
    }
    headers = {"Authorization": f"Bearer {token_of('charlie')}"}
    made = guest.post("/api/v1/topics", json=body, headers=headers)
    assert (made.status_code, made.json["state"], made.json["answers"][0]["accepted"]) == (201, "solved", True)
    wrong = guest.post("/api/v1/topics", json=body | {"answer": "Short"}, headers=headers)
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["answer"])
    assert stage(lambda _: db.session.query(Topic).count()) == 1
