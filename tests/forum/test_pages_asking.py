"""Asking: the form keeps what was typed, similar things come first, and a click too many is one question."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from core.db import db
from forum import moderation
from forum.models import Draft, Post, SolvedBySuggestion, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
Worker = Callable[[], None]

QUESTION = {
    "title": "The lamp on the front blinks red",
    "category": "router",
    "source": "Since the update it **blinks**.\n\n```\nE 42\n```",
    "tags": "lamp, Front",
    "locale": "en",
    "once": "a-form-of-its-own",
}

OTHER = "Another text, so that only the time is wrong."


@pytest.fixture
def alice(stage: Stage, browser_of: BrowserOf) -> Browser:
    stage(lambda world: (world.everybody(), world.router)[1].id)
    return browser_of("alice")


def count(stage: Stage, model: Any) -> int:
    return stage(lambda _: db.session.query(model).count())


def test_a_question_is_asked_and_its_page_shown(stage: Stage, alice: Browser) -> None:
    answer = alice.post("/topics", data=QUESTION)
    assert answer.status_code == 303
    page = alice.get(answer.location).text
    assert "The lamp on the front blinks red" in page
    assert "<strong>blinks</strong>" in page
    assert '<a class="tag" href="/tags/front">' in page


def test_a_double_click_asks_once_and_leads_to_the_same_page(stage: Stage, alice: Browser) -> None:
    first, second = alice.post("/topics", data=QUESTION), alice.post("/topics", data=QUESTION)
    assert second.status_code == 303
    assert first.location == second.location
    assert count(stage, Topic) == 1


def test_going_back_and_asking_something_else_asks_again(stage: Stage, alice: Browser) -> None:
    alice.post("/topics", data=QUESTION)
    alice.post("/topics", data={**QUESTION, "title": "And the lamp on the back is dark"})
    assert count(stage, Topic) == 2


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", "", "This is still empty."),
        ("title", "Too short", "A little short"),
        ("title", "x" * 151, "Too long by 1 characters"),
        ("title", "A title with \x00 in it", "control characters"),
        ("source", "short", "A little short"),
        ("source", "x" * 32_001, "Too long by 1 characters"),
        ("source", "> " * 400 + "deep", "cannot be laid out"),
        ("category", "nowhere", "Please choose one of the list."),
        ("category", "", "Please choose one of the list."),
        ("locale", "fr", "Please choose one of the list."),
        ("tags", "one two three four five six", "5 tags fit"),
        ("tags", "no/slash", "cannot be a tag"),
        ("tags", "x" * 41, "Too long by 1 characters"),
    ],
)
def test_what_cannot_be_taken_gets_a_sentence_at_its_field_and_stays_as_typed(
    stage: Stage, alice: Browser, field: str, value: str, sentence: str
) -> None:
    answer = alice.post("/topics", data={**QUESTION, field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert sentence in answer.text
    kept = {
        "title": QUESTION["title"],
        "source": "Since the update it **blinks**.",
        "tags": "lamp, Front",
        field: value[:20],
    }
    for name in ("title", "source", "tags"):
        assert kept[name].replace("\x00", "&#0;") in answer.text.replace("\x00", "&#0;").replace("&gt;", ">"), name
    assert count(stage, Topic) == 0


def test_every_field_may_be_missing(alice: Browser) -> None:
    assert alice.post("/topics", data={}).status_code == 422


def test_too_fast_says_the_seconds_and_keeps_the_text(app: Flask, stage: Stage, alice: Browser) -> None:
    settings = app.extensions["klinke-settings"]
    app.extensions["klinke-settings"] = settings.model_copy(update={"post_pause_seconds": 30})
    try:
        assert alice.post("/topics", data=QUESTION).status_code == 303
        answer = alice.post("/topics", data={**QUESTION, "title": "The lamp again, a moment later", "source": OTHER})
    finally:
        app.extensions["klinke-settings"] = settings
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert "more seconds, then you can write again" in answer.text
    assert "The lamp again, a moment later" in answer.text
    assert OTHER in answer.text
    assert count(stage, Topic) == 1


def test_a_guest_cannot_ask_and_is_told_the_way(stage: Stage, guest: Browser) -> None:
    stage(lambda world: world.router.id)
    answer = guest.post("/topics", data=QUESTION)
    assert answer.status_code == 401
    assert 'href="/sign-in"' in answer.text
    assert count(stage, Topic) == 0


def test_similar_questions_are_found_without_script(
    stage: Stage, alice: Browser, guest: Browser, worker: Worker
) -> None:
    stage(lambda world: world.solved(title="Routers forget the wireless password").id)
    worker()
    answer = alice.post("/topics", data={**QUESTION, "title": "My router forgets the password", "do": "similar"})
    assert answer.status_code == 200
    assert "Routers forget the wireless password" in answer.text
    assert "This solves my problem" in answer.text
    assert "Since the update it **blinks**." in answer.text
    assert count(stage, Topic) == 1
    assert "Routers forget the wireless password" in guest.get("/ask?title=router+forgets+password").text
    assert "Routers forget the wireless password" in alice.get("/ask?title=router+forgets+password").text


def test_nothing_similar_is_said_in_words(alice: Browser, worker: Worker) -> None:
    worker()
    page = alice.post("/topics", data={**QUESTION, "do": "similar"}).text
    assert "Nothing like this has been asked yet" in page


def test_what_is_muted_is_not_similar_to_anything(stage: Stage, alice: Browser, guest: Browser, worker: Worker) -> None:
    topic_id = stage(lambda world: world.solved(title="A secret about passwords", by=world.charlie).id)
    worker()
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="personal data").id)
    for browser in (alice, guest):
        assert "A secret about" not in browser.get("/ask?title=secret+about+passwords").text


def test_the_exit_is_counted_and_leads_to_the_solution(stage: Stage, guest: Browser, alice: Browser) -> None:
    topic_id = stage(lambda world: world.solved(title="Routers forget the wireless password").id)
    for browser in (guest, alice):
        answer = browser.post(
            "/solved-by-suggestion", data={"kind": "topic", "id": topic_id, "title": "My router\tforgets"}
        )
        assert answer.status_code == 303
        page = browser.get(answer.location).text
        assert f'href="/t/{topic_id}-routers-forget-the-wireless-password"' in page
    rows = stage(
        lambda _: [
            (row.kind, row.ref_id, row.title, row.user_id is None)
            for row in db.session.query(SolvedBySuggestion).order_by(SolvedBySuggestion.id)
        ]
    )
    assert rows == [("topic", topic_id, "My router forgets", True), ("topic", topic_id, "My router forgets", False)]


def test_the_exit_takes_the_values_from_its_address_too(stage: Stage, guest: Browser) -> None:
    topic_id = stage(lambda world: world.solved().id)
    assert guest.post(f"/solved-by-suggestion?kind=topic&id={topic_id}").status_code == 303


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "topic"},
        {"kind": "topic", "id": "x"},
        {"kind": "topic", "id": "9" * 30},
        {"kind": "user", "id": "1"},
        {"kind": "topic", "id": "-1"},
    ],
)
def test_an_exit_to_nothing_counts_nothing(stage: Stage, guest: Browser, data: dict[str, str]) -> None:
    stage(lambda world: world.solved().id)
    assert guest.post("/solved-by-suggestion", data=data).status_code == 404
    assert guest.get("/solved-by-suggestion", query_string=data).status_code == 404
    assert count(stage, SolvedBySuggestion) == 0


def test_an_exit_to_something_muted_is_missing(stage: Stage, guest: Browser) -> None:
    topic_id = stage(lambda world: world.solved().id)
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="personal data").id)
    assert guest.post("/solved-by-suggestion", data={"kind": "topic", "id": topic_id}).status_code == 404


def test_a_preview_is_shown_without_script_and_asks_nothing(stage: Stage, alice: Browser) -> None:
    page = alice.post("/topics", data={**QUESTION, "do": "preview"}).text
    assert "<strong>blinks</strong>" in page
    assert "Since the update it **blinks**." in page
    assert count(stage, Topic) == 0


def test_a_preview_for_the_script_is_a_safe_fragment(alice: Browser, guest: Browser) -> None:
    answer = alice.post("/preview", data={"source": "**bold** <script>alert(1)</script>"})
    assert answer.status_code == 200
    assert "<strong>bold</strong>" in answer.text
    assert "<script" not in answer.text
    assert "<html" not in answer.text
    assert alice.post("/preview", data={"source": "x" * 32_001}).status_code == 422
    assert guest.post("/preview", data={"source": "text"}).status_code == 401


def test_a_draft_comes_back_and_is_gone_once_the_question_is_asked(stage: Stage, alice: Browser) -> None:
    assert alice.post("/drafts/ask", data=QUESTION).status_code == 204
    page = alice.get("/ask").text
    assert "Your draft is back." in page
    assert 'value="The lamp on the front blinks red"' in page
    assert "Since the update it **blinks**." in page
    assert '<option selected value="router">' in page
    location = alice.post("/topics", data=QUESTION).location
    assert count(stage, Draft) == 0
    user_id = stage(lambda world: world.alice.id)
    assert f'data-draft-done="ask-{user_id}"' in alice.get(location).text


def test_a_draft_can_be_kept_and_discarded_without_script(stage: Stage, alice: Browser) -> None:
    answer = alice.post("/drafts/ask", data={**QUESTION, "do": "keep"})
    assert (answer.status_code, answer.location) == (303, "/ask")
    assert "Your draft is kept" in alice.get("/ask").text
    answer = alice.post("/drafts/ask/discard")
    assert (answer.status_code, answer.location) == (303, "/ask")
    page = alice.get("/ask").text
    assert "The lamp on the front" not in page
    assert "data-draft-done" in page
    assert count(stage, Draft) == 0


def test_a_draft_keeps_what_the_form_has_and_nothing_else(stage: Stage, alice: Browser) -> None:
    alice.post("/drafts/ask", data={**QUESTION, "is_admin": "yes"})
    fields = stage(lambda _: db.session.query(Draft).one().fields)
    assert set(fields) == {"title", "category", "source", "tags", "locale"}


def test_an_empty_draft_is_no_draft(stage: Stage, alice: Browser) -> None:
    alice.post("/drafts/ask", data=QUESTION)
    alice.post("/drafts/ask", data={"title": " ", "source": "", "locale": "en"})
    assert count(stage, Draft) == 0


@pytest.mark.parametrize(
    "key", ["nothing", "answer", "answer:", "answer:x", "answer:²", "answer:99", "answer:" + "9" * 30]
)
def test_a_draft_of_what_does_not_exist_is_missing(alice: Browser, key: str) -> None:
    assert alice.post(f"/drafts/{key}", data=QUESTION).status_code == 404


def test_a_draft_belongs_to_one_person(alice: Browser, browser_of: BrowserOf, guest: Browser) -> None:
    alice.post("/drafts/ask", data=QUESTION)
    assert "The lamp" not in browser_of("bob").get("/ask").text
    assert guest.post("/drafts/ask", data=QUESTION).status_code == 401


def test_a_question_brought_along_is_not_hidden_by_an_older_draft(alice: Browser) -> None:
    alice.post("/drafts/ask", data=QUESTION)
    page = alice.get("/ask?title=Quite+another+question").text
    assert 'value="Quite another question"' in page
    assert "You have a draft of another question." in page


def test_the_ask_page_chooses_what_is_known_already(alice: Browser) -> None:
    page = alice.get("/ask?category=router&title=%00", headers={"Accept-Language": "de"}).text
    assert '<option selected value="router">' in page
    assert '<option selected value="en">' in page, "Alice reads English, whatever the browser says"


def test_the_fields_ask_for_help_of_the_scripts(alice: Browser) -> None:
    page = alice.get("/ask").text
    assert 'data-similar-url="/search/similar"' in page
    assert 'data-similar-target="similar"' in page
    assert 'data-draft-url="/drafts/ask"' in page
    assert 'data-preview-url="/preview"' in page
    assert 'data-toolbar-for="source"' in page


def test_questions_keep_the_language_they_were_asked_in(stage: Stage, alice: Browser) -> None:
    alice.post("/topics", data={**QUESTION, "locale": "de"})
    assert stage(lambda _: db.session.query(Topic).one().locale) == "de"
    assert stage(lambda _: db.session.query(Post).one().kind) == "question"
