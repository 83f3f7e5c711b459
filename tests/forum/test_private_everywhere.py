"""Whatever becomes public is looked at for personal data first: suggestions, questions back, experiences, calls."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from forum import answers, suggested_edits, tickets
from forum.models import Experience, Post, SuggestedEdit
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
NUMBER = "0170 1234567"
CALL = f"Please call me at {NUMBER}, it blinks since the update of yesterday and nothing helps."
WARNING = "Is there something private in it?"


def sealed(page: str) -> str:
    found = re.search(r'name="private" value="(\w+)"', page)
    assert found is not None
    return found[1]


def stops_once(browser: Browser, address: str, typed: dict[str, str], kept: str = NUMBER) -> None:
    """Send a form: it comes back with all that was typed, and goes through with the button of the warning."""
    first = browser.post(address, data=typed)
    assert (first.status_code, WARNING in first.text, kept in first.text) == (422, True, True)
    assert browser.post(address, data=typed | {"private": sealed(first.text)}).status_code == 303


def scene(world: World) -> tuple[int, int]:
    world.everybody()
    topic = world.ask()
    answer = world.answer(topic)
    answers.accept(answer, by=world.alice)
    return topic.id, answer.id


def test_a_suggested_change_is_shown_again_to_who_writes_it_and_to_who_takes_it(
    stage: Stage, browser_of: BrowserOf, app: Any
) -> None:
    _, answer_id = stage(scene)
    address, typed = f"/posts/{answer_id}/suggestion", {"source": CALL, "reason": "Ask me.", "version": "1"}
    page = browser_of("charlie").post(address, data=typed)
    assert "Suggest it all the same" in page.text
    stops_once(browser_of("charlie"), address, typed)
    with app.app_context():
        suggestion = db.session.query(SuggestedEdit).one()
        suggestion_id = suggestion.id
        assert NUMBER in suggestion.source
    taking = {"source": CALL, "version": "1"}
    page = browser_of("bob").post(f"/suggestions/{suggestion_id}/taking", data=taking)
    assert "Take it all the same" in page.text
    stops_once(browser_of("bob"), f"/suggestions/{suggestion_id}/taking", taking)


def test_what_stands_there_already_warns_nobody_who_suggests(stage: Stage, browser_of: BrowserOf) -> None:
    post_id = stage(lambda world: (world.everybody(), world.answer(world.ask(), CALL).id)[1])
    typed = {"source": f"{CALL} Really.", "reason": "Clearer.", "version": "1"}
    assert browser_of("charlie").post(f"/posts/{post_id}/suggestion", data=typed).status_code == 303
    stage(lambda world: suggested_edits.withdraw(db.session.query(SuggestedEdit).one(), by=world.charlie))
    typed = {"source": f"{CALL} Really.", "reason": "Write to anna@example.org", "version": "1"}
    page = browser_of("charlie").post(f"/posts/{post_id}/suggestion", data=typed)
    assert (page.status_code, WARNING in page.text) == (422, True), "the reason stands in the history"


def test_a_question_back_is_shown_again(stage: Stage, browser_of: BrowserOf, app: Any) -> None:
    topic_id = stage(lambda world: (world.everybody(), world.ask().id)[1])
    stops_once(browser_of("tina"), f"/topics/{topic_id}/questions-back", {"source": CALL})
    with app.app_context():
        comment = db.session.query(Post).filter_by(kind="comment").one().id
    # The asker answers below it, and is warned, too.
    stops_once(browser_of("alice"), f"/posts/{_question(app, comment)}/comments", {"source": CALL})
    with app.app_context():
        assert [post.source for post in db.session.query(Post).filter_by(kind="comment")] == [CALL, CALL]


def _question(app: Any, comment_id: int) -> int:
    with app.app_context():
        parent_id = db.session.get_one(Post, comment_id).parent_id
        assert parent_id is not None
        return parent_id


def test_an_experience_is_shown_again(stage: Stage, browser_of: BrowserOf, app: Any) -> None:
    _, answer_id = stage(scene)
    typed = {"has_worked": "no", "words": f"Call {NUMBER}", "version": "7.1"}
    stops_once(browser_of("charlie"), f"/posts/{answer_id}/experience", typed)
    with app.app_context():
        assert db.session.query(Experience).one().words == f"Call {NUMBER}"
    assert browser_of("tina").post(f"/posts/{answer_id}/experience", data={"has_worked": "yes"}).status_code == 303


def test_what_is_said_from_a_mail_is_shown_again(stage: Stage, guest: Browser) -> None:
    _, answer_id = stage(scene)
    token = stage(lambda world: tickets.for_deciding(world.charlie, db.session.get_one(Post, answer_id)))
    stops_once(guest, f"/mail/answer/{token}", {"do": "no", "words": f"Call {NUMBER}", "version": ""})
    assert stage(lambda _: db.session.query(Experience).one().words) == f"Call {NUMBER}"


def test_why_something_is_obsolete_is_shown_again(stage: Stage, browser_of: BrowserOf) -> None:
    _, answer_id = stage(scene)
    stops_once(browser_of("ada"), f"/posts/{answer_id}/obsolete", {"reason": CALL})
    obsolete = stage(lambda _: db.session.get_one(Post, answer_id).obsolete)
    assert CALL in obsolete.values()


@pytest.fixture
def call(app: Any, token_of: Callable[..., str]) -> Callable[..., Any]:
    tokens: list[str] = []

    def send(path: str, **body: Any) -> Any:
        tokens.append(tokens[0] if tokens else token_of("bob", "all"))
        headers = {"Authorization": f"Bearer {tokens[0]}", **body.pop("headers", {})}
        return app.test_client().post(f"/api/v1{path}", json=body, headers=headers)

    return send


def posts_with(app: Any, text: str) -> int:
    with app.app_context():
        return db.session.query(Post).filter(Post.source.contains(text)).count()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/topics/{topic}/answers", {"body": CALL}, "body"),
        ("/posts/{post}/comments", {"body": CALL}, "body"),
        ("/topics", {"title": f"Who calls {NUMBER}?", "body": "It blinks red at night."}, "title"),
        ("/topics", {"title": "It blinks red at night", "body": CALL}, "body"),
        ("/topics", {"title": "It blinks red", "body": "Since the update of yesterday.", "answer": CALL}, "answer"),
    ],
)
def test_a_call_posts_nothing_private_before_somebody_confirms_it(
    app: Any, stage: Stage, call: Callable[..., Any], path: str, body: dict[str, Any], field: str
) -> None:
    topic_id, answer_id = stage(scene)
    path = path.format(topic=topic_id, post=answer_id)
    if path == "/topics":
        body = {**body, "category": "router", "locale": "en"}
    answer = call(path, **body)
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    ((one,), confirm) = answer.json["found"], answer.json["confirm"]
    assert (one["field"], one["type"], one["value"]) == (field, "phone", NUMBER)
    assert body[field][one["start"] : one["end"]] == NUMBER
    assert posts_with(app, NUMBER) == 0
    assert call(path, **body, confirm="something else").status_code == 409
    done = call(path, **body, confirm=confirm)
    assert done.status_code in {201, 202}, done.text


def test_what_is_confirmed_holds_for_nothing_else_and_a_key_may_be_sent_again(
    app: Any, stage: Stage, call: Callable[..., Any]
) -> None:
    topic_id, _ = stage(scene)
    path, headers = f"/topics/{topic_id}/answers", {"Idempotency-Key": "one"}
    confirm = call(path, body=CALL, headers=headers).json["confirm"]
    more = call(path, body=f"{CALL} Or write to bob@example.org.", confirm=confirm, headers=headers)
    assert (more.status_code, {one["type"] for one in more.json["found"]}) == (409, {"phone", "email"})
    assert call(path, body=CALL, confirm=confirm, headers=headers).status_code == 201
    assert call(path, body=CALL, confirm=confirm, headers=headers).status_code == 201
    assert posts_with(app, NUMBER) == 1
    assert call(path, body="Nothing private here at all.").status_code == 201
    schema = app.test_client().get("/api/v1/openapi.json").json["paths"]["/api/v1/topics"]["post"]["requestBody"]
    assert "confirm" in schema["content"]["application/json"]["schema"]["properties"]
