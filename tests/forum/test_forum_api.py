"""The forum's calls of the JSON API, over HTTP with tokens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.clock import now
from core.transfer import iso
from forum import answers, moderation, words
from tests.cast import World

API = "/api/v1"
QUESTION = {
    "category": "router",
    "title": "Wireless gone after the update",
    "body": "Since this *morning*. What now?",
    "locale": "en",
    "tags": ["wifi"],
}


class Caller:
    """Calls the API as somebody."""

    def __init__(self, client: Any, token: str | None) -> None:
        self.client = client
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.open(
            API + path, method=method, json=body, headers={**self.headers, **headers}, without_csrf=True
        )


@pytest.fixture
def call(app: Any, token_of: Callable[..., str], stage: Callable[..., Any]) -> Callable[..., Caller]:
    """Return a caller for a person of the cast with a token of these scopes; without a name, a guest."""
    stage(lambda world: (world.everybody(), world.router))

    def caller(handle: str | None = None, *scopes: str) -> Caller:
        return Caller(app.test_client(), None if handle is None else token_of(handle, *scopes))

    return caller


@pytest.fixture
def thread(call: Callable[..., Caller], stage: Callable[..., Any]) -> dict[str, int]:
    """Return the ids of a question, its answer and a comment on it."""

    def play(world: World) -> dict[str, int]:
        topic = world.ask()
        answer = world.answer(topic)
        comment = answers.comment(answer, source="Which channel?", by=world.alice)
        return {"topic": topic.id, "answer": answer.id, "comment": comment.id}

    made: dict[str, int] = stage(play)
    return made


def test_asking_answers_with_the_new_topic(call: Callable[..., Caller]) -> None:
    asked = call("alice", "write")("POST", "/topics", QUESTION)
    assert asked.status_code == 201
    topic = asked.get_json()
    assert (topic["title"], topic["category"], topic["tags"]) == (QUESTION["title"], "router", ["wifi"])
    assert (topic["state"], topic["asker"]) == ("unanswered", {"handle": "alice", "name": "Alice"})
    assert topic["question"]["html"] == "<p>Since this <em>morning</em>. What now?</p>"
    assert (topic["answers"], topic["accepted_post_id"], topic["source_id"]) == ([], None, None)
    assert call()("GET", f"/topics/{topic['id']}").get_json() == topic


def test_what_is_wrong_is_said_by_field(call: Callable[..., Caller]) -> None:
    wrong = QUESTION | {"category": "nowhere", "title": "Help", "body": "?"}
    answer = call("alice")("POST", "/topics", wrong)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert set(answer.get_json()["errors"]) == {"category", "title", "body"}
    for body in (QUESTION | {"colour": "blue"}, {"title": "Only a title here"}, QUESTION | {"tags": "wifi"}):
        assert call("alice")("POST", "/topics", body).status_code == 422


def test_a_repeat_with_the_same_key_gets_the_first_answer(call: Callable[..., Caller]) -> None:
    alice = call("alice")
    first, second = (alice("POST", "/topics", QUESTION, **{"Idempotency-Key": "k1"}).get_json() for _ in range(2))
    assert first == second
    assert len(call()("GET", "/topics").get_json()["topics"]) == 1


def test_writing_needs_a_token_with_the_scope(call: Callable[..., Caller], thread: dict[str, int]) -> None:
    for method, path, body in (
        ("POST", "/topics", QUESTION),
        ("POST", f"/topics/{thread['topic']}/answers", {"body": "Restart it, I think."}),
        ("POST", f"/posts/{thread['answer']}/comments", {"body": "Thank you"}),
        ("POST", f"/posts/{thread['answer']}/acceptance", None),
        ("DELETE", f"/posts/{thread['answer']}/acceptance", None),
        ("POST", f"/topics/{thread['topic']}/muting", {"reason": "Spam"}),
        ("POST", f"/posts/{thread['answer']}/muting", {"reason": "Spam"}),
    ):
        assert call()(method, path, body).status_code == 401, path
        assert call("alice", "read")(method, path, body).status_code == 403, path


def test_a_topic_comes_with_answers_and_comments(call: Callable[..., Caller], thread: dict[str, int]) -> None:
    call("charlie")("POST", f"/topics/{thread['topic']}/answers", {"body": "Or buy another one."})
    second = call()("GET", f"/topics/{thread['topic']}").get_json()["answers"][1]["id"]
    assert call("alice")("POST", f"/posts/{second}/acceptance").status_code == 201
    topic = call()("GET", f"/topics/{thread['topic']}").get_json()
    assert [post["id"] for post in topic["answers"]] == [second, thread["answer"]]
    assert [post["accepted"] for post in topic["answers"]] == [True, False]
    (comment,) = topic["answers"][1]["comments"]
    assert (comment["id"], comment["author"]["handle"], comment["kind"]) == (thread["comment"], "alice", "comment")
    assert (topic["state"], topic["accepted_post_id"]) == ("solved", second)


def test_acceptance_is_given_and_taken_back(call: Callable[..., Caller], thread: dict[str, int]) -> None:
    path = f"/posts/{thread['answer']}/acceptance"
    assert call("charlie")("POST", path).status_code == 403
    given = call("alice")("POST", path)
    assert given.status_code == 201
    assert given.get_json()["by"] == {"handle": "alice", "name": "Alice"}
    assert call("charlie")("DELETE", path).status_code == 403
    assert call("alice")("DELETE", path).status_code == 204
    assert call("alice")("DELETE", path).status_code == 404
    assert call("alice")("POST", f"/posts/{thread['comment']}/acceptance").status_code == 422


def test_the_team_mutes_and_everybody_else_finds_nothing(call: Callable[..., Caller], thread: dict[str, int]) -> None:
    path = f"/topics/{thread['topic']}"
    assert call("alice")("POST", f"{path}/muting", {"reason": "Spam"}).status_code == 403
    assert call("dora")("POST", f"{path}/muting", {"reason": "Spam"}).status_code == 403
    assert call("ada", "moderate")("POST", f"{path}/muting", {"reason": ""}).get_json()["errors"].keys() == {"reason"}
    until = now() + timedelta(days=1)
    muted = call("ada", "moderate")("POST", f"{path}/muting", {"reason": "Spam", "until": iso(until)})
    assert muted.status_code == 201
    assert (muted.get_json()["until"], muted.get_json()["by"]["handle"]) == (iso(until), "ada")
    for handle, status in ((None, 404), ("charlie", 404), ("bob", 404), ("alice", 200), ("ada", 200)):
        assert call(handle)("GET", path).status_code == status
    assert call("charlie")("POST", f"{path}/answers", {"body": "I saw it before!"}).status_code == 404
    assert call("charlie")("POST", f"/posts/{thread['answer']}/comments", {"body": "I saw it"}).status_code == 404
    assert call()("GET", "/topics").get_json()["topics"] == []
    assert call("ada", "moderate")("DELETE", f"{path}/muting").status_code == 204
    assert call()("GET", path).status_code == 200


def test_a_muted_post_is_missing_for_others(call: Callable[..., Caller], thread: dict[str, int]) -> None:
    path = f"/posts/{thread['answer']}/muting"
    assert call("ada", "moderate")("POST", path, {"reason": "Spam"}).get_json()["post_id"] == thread["answer"]
    seen = {handle: call(handle)("GET", f"/topics/{thread['topic']}").get_json() for handle in (None, "bob")}
    assert (seen[None]["answers"], seen[None]["answer_count"], seen[None]["state"]) == ([], 0, "unanswered")
    assert [post["id"] for post in seen["bob"]["answers"]] == [thread["answer"]]
    assert call("ada", "moderate")("DELETE", path).status_code == 204
    assert len(call()("GET", f"/topics/{thread['topic']}").get_json()["answers"]) == 1


def test_a_list_goes_on_by_cursor(call: Callable[..., Caller], stage: Callable[..., Any]) -> None:
    stage(lambda world: [world.ask(title=f"Question number {number}") for number in range(5)] and None)
    seen, cursor = [], ""
    while cursor is not None:
        page = call()("GET", f"/topics?limit=2&cursor={cursor}").get_json()
        seen += [topic["title"] for topic in page["topics"]]
        cursor = page["next"]
    assert seen == [f"Question number {number}" for number in range(4, -1, -1)]


def test_a_list_is_narrowed(call: Callable[..., Caller], stage: Callable[..., Any]) -> None:
    def play(world: World) -> None:
        world.solved()
        world.ask(title="Kein WLAN nach dem Update", locale="de", tags=["wlan"])
        moderation.mute(world.ask(title="Something unspeakable"), by=world.ada, reason="Spam")

    stage(play)

    def titles(query: str) -> list[str]:
        return [topic["title"] for topic in call()("GET", f"/topics?{query}").get_json()["topics"]]

    english, german = "Wireless gone after the update", "Kein WLAN nach dem Update"
    assert titles("state=solved") == titles("tag=wifi") == [english]
    assert (
        titles("state=unanswered") == titles("state=unsolved") == titles("tag=wlan") == titles("locale=de") == [german]
    )
    assert titles("category=router") == [german, english]
    assert call()("GET", "/topics?category=nowhere").status_code == 404
    for query in ("state=odd", "limit=0", "limit=101", "limit=x", "locale=fr", "colour=blue"):
        assert call()("GET", f"/topics?{query}").status_code == 422, query


@pytest.mark.parametrize("number", ["0", "99999", "9223372036854775808", "123456789012345678901234567890"])
def test_what_is_not_there_is_404(call: Callable[..., Caller], number: str) -> None:
    ada = call("ada")
    for method, path, body in (
        ("GET", f"/topics/{number}", None),
        ("POST", f"/topics/{number}/answers", {"body": "To nobody at all."}),
        ("POST", f"/posts/{number}/comments", {"body": "To nobody"}),
        ("POST", f"/posts/{number}/acceptance", None),
        ("DELETE", f"/posts/{number}/acceptance", None),
        ("POST", f"/topics/{number}/muting", {"reason": "Spam"}),
        ("DELETE", f"/posts/{number}/muting", None),
    ):
        assert ada(method, path, body).status_code == 404, path


def test_what_waits_says_so_and_what_cannot_be_written_says_why(
    call: Callable[..., Caller], thread: dict[str, int], stage: Callable[..., Any]
) -> None:
    stage(
        lambda world: [
            world.newcomer(),
            words.watch("quince", deed="hold", by=world.root),
            words.watch("pear", deed="block", by=world.root),
        ]
    )
    nora, ada = call("nora"), call("ada")
    asked = nora("POST", "/topics", QUESTION, **{"Idempotency-Key": "once"})
    assert asked.status_code == 202
    held = asked.get_json()["question"]["held"]
    assert held["cause"] == "first"
    assert held["until"] > iso(now())
    again = nora("POST", "/topics", QUESTION, **{"Idempotency-Key": "once"})
    assert (again.status_code, again.get_json()) == (202, asked.get_json())
    topic_id = asked.get_json()["id"]
    assert nora("GET", f"/topics/{topic_id}").get_json()["question"]["held"] == held
    assert call()("GET", f"/topics/{topic_id}").status_code == 404
    answer = nora("POST", f"/topics/{thread['topic']}/answers", {"body": "Have a quince with it."})
    assert (answer.status_code, answer.get_json()["held"]["cause"]) == (202, "words")
    comment = nora("POST", f"/posts/{thread['answer']}/comments", {"body": "Which one is it?"})
    assert (comment.status_code, comment.get_json()["held"]["cause"]) == (202, "first")
    refused = nora("POST", f"/topics/{thread['topic']}/answers", {"body": "Have a pear with it."})
    assert refused.status_code == 422
    assert "pear" in refused.get_json()["errors"]["body"]
    posted = ada("POST", f"/topics/{thread['topic']}/answers", {"body": "Restart it, please."})
    assert (posted.status_code, posted.get_json()["held"]) == (201, None)
    ada("DELETE", f"/topics/{topic_id}/muting")
    assert nora("GET", f"/topics/{topic_id}").get_json()["question"]["held"] is None
    muted = ada("POST", f"/posts/{thread['answer']}/muting", {"reason": "Spam"})
    assert muted.status_code == 201
    every = call("bob")("GET", f"/topics/{thread['topic']}").get_json()["answers"]
    assert [post["held"] for post in every if post["id"] == thread["answer"]] == [None], "muted by the team is not held"
