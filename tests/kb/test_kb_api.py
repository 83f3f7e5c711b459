"""The knowledge base's calls of the JSON API."""

from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from forum import moderation
from forum.models import Topic
from kb.models import Article, Nomination
from tests.cast import World
from tests.kb.shelf import Shelf, accepted

NEW = {"section": "router", "locale": "en", "title": "Where the plug is", "body": "Behind it.", "keywords": ["plug"]}


@pytest.fixture
def call(app: Any, token_of: Callable[..., str]) -> Callable[..., Any]:
    """Call the API as somebody, or as a guest."""

    def send(method: str, path: str, *, by: str = "", scope: str = "all", **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {token_of(by, scope)}"} if by else {}
        return app.test_client().open(f"/api/v1{path}", method=method, headers=headers, without_csrf=True, **kwargs)

    return send


@pytest.fixture
def post_id(stage: Any) -> int:
    """Bob's accepted answer."""

    def scene(world: World) -> int:
        world.everybody()
        return accepted(world.solved()).id

    found: int = stage(scene)
    return found


def test_an_editor_writes_publishes_and_withdraws(call: Any, post_id: int) -> None:
    answer = call("POST", "/articles", by="emil", json=NEW)
    assert answer.status_code == 201
    article = answer.json
    assert (article["status"], article["title"], article["body"]) == ("draft", "Where the plug is", "Behind it.")
    path = f"/articles/{article['id']}"
    assert call("GET", path).status_code == 404
    assert call("GET", path, by="dora").json["newest_version"] == 1
    published = call("POST", f"{path}/publication", by="emil")
    assert published.status_code == 201
    assert (published.json["status"], published.json["url"]) == ("published", f"/kb/{article['id']}-where-the-plug-is")
    shown = call("GET", path).json
    assert shown["html"] == "<p>Behind it.</p>"
    assert "newest_version" not in shown
    assert shown["faces"]["sentence"] == "Behind it."
    assert call("DELETE", f"{path}/publication", by="emil").status_code == 204
    assert call("GET", path).status_code == 404


def test_an_answer_becomes_a_draft_with_its_author_credited(call: Any, post_id: int, app: Any) -> None:
    answer = call("POST", f"/posts/{post_id}/article", by="emil")
    assert answer.status_code == 201
    article = answer.json
    assert article["title"] == "Wireless gone after the update"
    assert article["symptoms"] == "Since this morning. What now?"
    assert article["body"] == "Restart it, then choose channel 6."
    assert (article["tags"], article["locale"], article["section"]) == (["wifi"], "en", "router")
    assert article["credits"] == [{"handle": "bob", "name": "Bob"}]
    assert article["sources"][0]["post_id"] == post_id
    assert call("POST", f"/posts/{post_id}/article", by="emil").status_code == 409
    with app.app_context():
        assert db.session.query(Nomination).one().state == "drafted"


def test_a_source_that_the_caller_may_not_see_is_not_named(call: Any, post_id: int, stage: Any) -> None:
    article = call("POST", f"/posts/{post_id}/article", by="emil").json
    call("POST", f"/articles/{article['id']}/publication", by="emil")
    stage(lambda world: moderation.mute(db.session.query(Topic).one(), by=world.ada, reason="personal data") and None)
    assert call("GET", f"/articles/{article['id']}").json["sources"] == []
    assert call("GET", f"/articles/{article['id']}", by="charlie").json["sources"] == []
    assert len(call("GET", f"/articles/{article['id']}", by="dora").json["sources"]) == 1


@pytest.mark.parametrize("who", ["", "alice", "tina", "dora", "ada"])
def test_only_editors_write(call: Any, post_id: int, stage: Any, app: Any, who: str) -> None:
    article_id = stage(lambda world: Shelf(world).published().id)
    expected = 403 if who else 401
    for method, path, body in (
        *([] if who == "dora" else [("POST", "/articles", NEW)]),  # agents draft
        ("POST", f"/posts/{post_id}/article", None),
        ("POST", f"/articles/{article_id}/publication", None),
        ("DELETE", f"/articles/{article_id}/publication", None),
    ):
        assert call(method, path, by=who, json=body).status_code == expected, path
    with app.app_context():
        assert db.session.query(Article).count() == 1


def test_a_token_that_may_only_read_writes_nothing(call: Any, post_id: int) -> None:
    assert call("POST", "/articles", by="emil", scope="read", json=NEW).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "x"}, "title"),
        ({"body": ""}, "body"),
        ({"locale": "fr"}, "locale"),
        ({"audience": "world"}, "audience"),
        ({"tags": ["<b>"]}, "tags"),
        ({"keywords": ["x" * 61]}, "keywords"),
        ({"section": ""}, "section"),
        ({"colour": "red"}, "colour"),
        ({"summary": None}, "summary"),
        ({"body": "\0"}, "body"),
        ({"title": "\ud800 half"}, "title"),
    ],
)
def test_a_wrong_value_is_named(call: Any, post_id: int, change: dict[str, Any], field: str) -> None:
    answer = call("POST", "/articles", by="emil", json={**NEW, **change})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert field in answer.json["errors"]


def test_a_repeat_with_the_same_key_makes_one_article(app: Any, token_of: Any, post_id: int) -> None:
    headers = {"Authorization": f"Bearer {token_of('emil')}", "Idempotency-Key": "k1"}
    path = "/api/v1/articles"
    answers = [app.test_client().post(path, json=NEW, headers=headers, without_csrf=True) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    with app.app_context():
        assert db.session.query(Article).count() == 1


def test_the_list_is_paged_and_filtered(call: Any, stage: Any) -> None:
    def scene(world: World) -> None:
        world.everybody()
        shelf = Shelf(world)
        for number in range(5):
            shelf.published(title=f"Article {number}", locale="de" if number % 2 else "en")
        shelf.article(title="Only a draft")

    stage(scene)
    first = call("GET", "/articles?limit=3").json
    assert [article["title"] for article in first["articles"]] == ["Article 4", "Article 3", "Article 2"]
    second = call("GET", f"/articles?limit=3&cursor={first['next']}").json
    assert ([article["title"] for article in second["articles"]], second["next"]) == (["Article 1", "Article 0"], None)
    assert len(call("GET", "/articles?locale=de").json["articles"]) == 2
    assert len(call("GET", "/articles?section=router").json["articles"]) == 5
    assert call("GET", "/articles?section=nowhere").status_code == 404
    assert call("GET", "/articles?status=draft").json["articles"] == []
    assert [one["title"] for one in call("GET", "/articles?status=draft", by="dora").json["articles"]] == [
        "Only a draft"
    ]
    assert call("GET", "/articles?limit=0").status_code == 422
    assert call("GET", "/articles/99999999999999999999").status_code == 404


def test_a_comment_or_a_question_is_no_article(call: Any, post_id: int, app: Any) -> None:
    with app.app_context():
        question_id = db.session.query(Topic).one().posts[0].id
    assert call("POST", f"/posts/{question_id}/article", by="emil").status_code == 422
    assert call("POST", "/posts/4711/article", by="emil").status_code == 404
