"""The desk over the JSON API: for agents' tokens only, with the same rules as on the pages."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from core.clock import now
from core.db import db
from desk.models import Channel, Message
from kb import judging
from kb.models import Article
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
FIELDS = {"kind", "id", "source_id", "title", "url", "text", "fits", "length", "limit", "score", "why", "locale"}
FIELDS |= {"warning"}


class Program:
    """Calls the API with a token."""

    def __init__(self, client: Browser, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str) -> Any:
        return self._client.get(f"/api/v1{path}", headers=self._headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self._client.post(f"/api/v1{path}", json=body, headers={**self._headers, **headers}, without_csrf=True)


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    def scene(world: World) -> int:
        world.everybody()
        Shelf(world).published().source_id = "a1"
        world.solved(title="The wireless network disappears at night")
        on = props.channel(world, endpoint="https://social.example/replies", limit=300)
        return props.received(on, "My wireless is gone after the update").conversation_id

    found: int = stage(scene)
    stage(lambda _world: indexer.catch_up())
    return found


@pytest.fixture
def program(conversation_id: int, guest: Browser, token_of: Callable[..., str]) -> Program:
    return Program(guest, token_of("dora", "desk"))


def test_suggestions_have_the_agreed_shape(program: Program) -> None:
    answer = program.post(
        "/suggestions", {"text": "wireless at night after an update", "locale": None, "channel": "mastodon", "limit": 5}
    )
    assert answer.status_code == 200
    found = answer.json["suggestions"]
    assert {each["kind"] for each in found} == {"article", "answer"}
    for each in found:
        assert set(each) == FIELDS
        assert each["fits"] is True
        assert each["limit"] == 500
        assert each["url"] in each["text"]
        assert all(isinstance(reason, str) for reason in each["why"])
    assert {each["source_id"] for each in found} == {"a1", None}


def test_triage_has_the_agreed_shape_and_its_places_are_those_of_the_text(program: Program) -> None:
    text = "  Wo finde ich\r\nmeine Rechnung? Mail: anna.beispiel@post.example \u00fc\U0001f600"
    for locale, channel in ((None, "mastodon"), ("de", "social"), (None, "")):
        told = program.post("/triage", {"text": text, "locale": locale, "channel": channel}).json
        assert set(told) == {"locale", "intent", "sentiment", "heat", "urgency", "pii", "sure", "why"}
        assert (told["locale"], told["intent"]) == ("de", "question")
        assert told["sentiment"] in range(-2, 3)
        assert {told["heat"], told["urgency"]} <= set(range(4))
        assert all(isinstance(reason, str) for reason in told["why"])
        (mail,) = told["pii"]
        assert mail["type"] == "email"
        assert text[mail["start"] : mail["end"]] == mail["value"] == "anna.beispiel@post.example"
    assert program.post("/triage", {"text": ""}).json["intent"] == "none"
    assert program.post("/triage", {"text": "x" * 20_001}).status_code == 422
    assert program.post("/triage", {"text": "x", "locale": "fr"}).status_code == 422


def test_a_suggestion_says_that_somebody_calls_the_article_wrong(stage: Stage, program: Program) -> None:
    def call_it_wrong(world: World) -> None:
        article = db.session.scalars(select(Article).where(Article.published_id.is_not(None))).unique().first()
        assert article is not None
        judging.say(article, "wrong", words="Nobody has channel 6 any more.", by=world.tina)

    def found() -> dict[str, Any]:
        body = {"text": "wireless at night after an update", "channel": "mastodon"}
        return {each["kind"]: each["warning"] for each in program.post("/suggestions", body).json["suggestions"]}

    assert found() == {"article": None, "answer": None}
    stage(call_it_wrong)
    warned = found()
    assert warned["article"].endswith("calls this wrong: “Nobody has channel 6 any more.”")
    assert warned["answer"] is None


def test_suggestions_for_a_channel_by_its_slug_or_id_use_its_limit(stage: Stage, program: Program) -> None:
    channel_id = stage(lambda _world: db.session.scalars(select(Channel.id)).one())
    for name in ("social", str(channel_id)):
        found = program.post("/suggestions", {"text": "wireless", "channel": name}).json["suggestions"]
        assert {each["limit"] for each in found} == {300}


def test_a_repeat_with_the_same_key_gets_the_same_suggestions(program: Program) -> None:
    body = {"text": "wireless", "channel": "mastodon"}
    first, second = (program.post("/suggestions", body, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.json == second.json


def test_suggestions_wait_for_nobody_who_writes(app: Flask, program: Program) -> None:
    with app.app_context():
        engine = db.engine
    with engine.begin() as writer:
        writer.execute(update(Channel).values(name="Being renamed"))
        answer = program.post("/suggestions", {"text": "wireless"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "x" * 20_001},
        {"text": "a\u0000b"},
        {"text": 7},
        {"text": "x", "limit": 0},
        {"text": "x", "limit": 21},
        {"text": "x", "locale": "klingon"},
        {"text": "x", "channel": ""},
        {"text": "x", "channel": "y" * 81},
        {"text": "x", "unknown": True},
    ],
)
def test_what_cannot_be_asked_is_a_problem_and_no_crash(program: Program, body: dict[str, Any]) -> None:
    answer = program.post("/suggestions", body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json["errors"]


def test_an_inbox_is_listed_and_paged(stage: Stage, program: Program) -> None:
    def crowd(_world: World) -> None:
        on = db.session.scalars(select(Channel)).one()
        for number in range(4):
            at = now() - timedelta(hours=number + 1)
            props.received(on, f"Question {number}", created_at=at, conversation=f"c{number}", id=f"c{number}")

    stage(crowd)
    first = program.get("/conversations?limit=3").json
    assert [each["words"] for each in first["conversations"]] == ["Question 3", "Question 2", "Question 1"]
    rest = program.get(f"/conversations?limit=3&cursor={first['next']}").json
    assert [each["words"] for each in rest["conversations"]] == ["Question 0", "My wireless is gone after the update"]
    assert rest["next"] is None
    assert program.get("/conversations?view=solved").json == {"conversations": [], "next": None}
    assert program.get("/conversations?view=nonsense").status_code == 422


def test_a_conversation_is_told_with_its_messages(program: Program, conversation_id: int) -> None:
    told = program.get(f"/conversations/{conversation_id}").json
    assert told["contact"].pop("id") > 0
    assert told["contact"] == {"handle": "@max@social.example", "name": "Max", "reach": None}
    assert (told["channel"], told["state"], told["locale"], told["assignee"]) == ("social", "new", "en", None)
    message = told["messages"][0]
    assert (message["direction"], message["public"], message["state"]) == ("in", True, "received")
    assert message["text"] == "My wireless is gone after the update"
    assert program.get("/conversations/4711").status_code == 404
    assert program.get("/conversations/9223372036854775808").status_code == 404


def test_a_reply_is_queued_once_and_its_uses_are_told(app: Flask, program: Program, conversation_id: int) -> None:
    with app.app_context():
        article_id = db.session.scalars(select(Article.id)).one()
    body = {"text": f"See http://localhost/kb/{article_id}-x", "uses": [article_id]}
    path = f"/conversations/{conversation_id}/replies"
    first, second = (program.post(path, body, **{"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert (first.json["state"], first.json["by"], first.json["uses"]) == ("queued", "dora", [article_id])
    with app.app_context():
        assert len(db.session.scalars(select(Message).where(Message.direction == "out")).all()) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "x" * 301}, 422),
        ({"text": "x", "uses": ["a1"]}, 422),
        ({"text": "x", "uses": [0]}, 422),
        ({"text": "x", "seen": 2**70}, 422),
        ({"text": "x", "public": "perhaps"}, 422),
        ({"text": "x", "seen": 4711}, 201),
        ({"text": "x", "public": False}, 201),
    ],
)
def test_a_reply_follows_the_rules_of_the_page(
    program: Program, conversation_id: int, body: dict[str, Any], status: int
) -> None:
    assert program.post(f"/conversations/{conversation_id}/replies", body).status_code == status


def test_a_reply_that_is_too_early_is_a_conflict(stage: Stage, program: Program, conversation_id: int) -> None:
    seen = program.get(f"/conversations/{conversation_id}").json["messages"][-1]["id"]
    stage(lambda _world: props.received(db.session.scalars(select(Channel)).one(), "Works again", id="2").id)
    answer = program.post(f"/conversations/{conversation_id}/replies", {"text": "Restart it", "seen": seen})
    assert answer.status_code == 409
    assert "meanwhile" in answer.json["title"]


@pytest.mark.parametrize(
    ("who", "scopes", "status"),
    [
        ("alice", ["all"], 403),
        ("tina", ["all"], 403),
        ("ada", ["desk"], 403),
        ("emil", ["all"], 403),
        ("dora", ["read", "write"], 403),
    ],
)
def test_the_desk_is_for_agents_with_the_scope(
    conversation_id: int, guest: Browser, token_of: Callable[..., str], who: str, scopes: list[str], status: int
) -> None:
    program = Program(guest, token_of(who, *scopes))
    assert program.get("/conversations").status_code == status
    assert program.get(f"/conversations/{conversation_id}").status_code == status
    assert program.post(f"/conversations/{conversation_id}/replies", {"text": "x"}).status_code == status
    if who not in {"ada", "emil"}:  # on the team, and so free to ask for suggestions
        assert program.post("/suggestions", {"text": "wireless"}).status_code == status


def test_without_a_token_the_desk_is_closed(
    conversation_id: int, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    for program in (Program(guest, ""), Program(guest, "klinke_nonsense"), Program(browser_of("dora"), "")):
        assert program.get("/conversations").status_code == 401
        assert program.post("/suggestions", {"text": "wireless"}).status_code == 401
        assert program.post(f"/conversations/{conversation_id}/replies", {"text": "x"}).status_code == 401


def test_the_calls_are_described(guest: Browser) -> None:
    paths = guest.get("/api/v1/openapi.json").json["paths"]
    for path in (
        "/suggestions",
        "/conversations",
        "/conversations/{conversation_id}/replies",
        "/channels/{channel_id}/webhook",
    ):
        assert f"/api/v1{path}" in paths
