"""What moderators see and press, and what readers see of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry
from core.db import db
from forum import answers, arranging, closing, counters, experiences, queries, votes
from forum.models import Acceptance, Closing, Post, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def two(stage: Stage) -> tuple[int, int]:
    """Two open questions; the first is solved."""
    ids: tuple[int, int] = stage(
        lambda world: (
            world.everybody() and world.solved(title="The router blinks red").id,
            world.ask("Why does it blink in red?").id,
        )
    )
    return ids


def test_a_closed_duplicate_shows_the_way(
    two: tuple[int, int], stage: Stage, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    first, again = two
    ada = browser_of("ada")
    page = ada.get(f"/topics/{again}/arrangement")
    assert page.status_code == 200
    sent = ada.post(f"/topics/{again}/duplicate", data={"target": f"/t/{first}-x", "reason": "See there."})
    assert sent.status_code == 303
    text = guest.get(f"/t/{again}-x", follow_redirects=True).text
    assert "Closed: this was asked before" in text
    assert f'href="/t/{first}-the-router-blinks-red"' in text
    assert "See there." in text
    assert "Nothing can be added here any more" in text
    assert "Duplicate</span>" in guest.get("/").text
    bob = browser_of("bob")
    assert bob.post(f"/topics/{again}/answers", data={"source": "One more answer, please."}).status_code == 403
    assert guest.get(f"/api/v1/topics/{again}").json["closed"] == "duplicate"
    assert guest.get(f"/api/v1/topics/{again}").json["duplicate_of"]["id"] == first
    assert guest.get(f"/api/v1/topics/{first}").json["duplicate_of"] is None
    most = guest.get("/most-asked").text
    assert "The router blinks red" in most
    assert "1</dd>" in most
    assert "leads here as a duplicate" in ada.get(f"/topics/{first}/arrangement").text
    assert ada.post(f"/topics/{again}/closing/undo").status_code == 303
    assert "Closed" not in guest.get(f"/t/{again}-x", follow_redirects=True).text


def test_a_picked_article_is_the_target(
    stage: Stage, two: tuple[int, int], browser_of: Callable[[str], Browser]
) -> None:
    article_id = stage(lambda world: Shelf(world).published(title="What the light says").id)
    ada = browser_of("ada")
    sent = ada.post(f"/topics/{two[1]}/duplicate", data={"pick": f"/kb/{article_id}-what-the-light-says", "target": ""})
    assert sent.status_code == 303
    assert "What the light says" in ada.get(f"/t/{two[1]}-x", follow_redirects=True).text
    page = browser_of("emil").get(f"/kb/articles/{article_id}/withdrawal").text
    assert "1 question was closed as a duplicate and leads here" in page


def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(
    two: tuple[int, int], browser_of: Callable[[str], Browser]
) -> None:
    ada = browser_of("ada")
    page = ada.post(f"/topics/{two[1]}/duplicate", data={"target": "https://elsewhere.example/", "reason": "My words"})
    assert page.status_code == 422
    assert 'id="duplicate-target-error"' in page.text
    assert "https://elsewhere.example/" in page.text
    assert "My words" in page.text
    for path, data, field in (
        ("closing", {"reason": ""}, "close-reason"),
        ("title", {"title": "short"}, "name-title"),
        ("category", {"category": "nothing"}, "move-category"),
        ("owner", {"handle": "nobody-at-all"}, "owner-handle"),
        ("tags", {"tags": "?!"}, "tags-tags"),
        ("pin", {"until": "2001-01-01"}, "pin-until"),
        ("merge", {"into": str(two[0])}, "merge-knowing"),
        ("merge", {"into": "x", "knowing": "y"}, "merge-into"),
    ):
        page = ada.post(f"/topics/{two[1]}/{path}", data=data)
        assert page.status_code == 422, path
        assert f'id="{field}-error"' in page.text, path


def test_every_deed_has_its_button(two: tuple[int, int], stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    ada, topic_id = browser_of("ada"), two[1]
    for path, data in (
        ("title", {"title": "Why is the light red"}),
        ("category", {"category": "router"}),
        ("owner", {"handle": "@bob"}),
        ("tags", {"tags": "light, router"}),
        ("pin", {"until": "2999-01-01"}),
        ("closing", {"reason": "The offer has ended."}),
    ):
        assert ada.post(f"/topics/{topic_id}/{path}", data=data).status_code == 303, path

    def look(_: World) -> tuple[str, str, list[str], str | None]:
        topic = db.session.get_one(Topic, topic_id)
        assert topic.asker is not None
        return topic.title, topic.asker.handle, topic.tag_names, topic.closed_as

    assert stage(look) == ("Why is the light red", "bob", ["light", "router"], "closed")
    assert ada.get(f"/t/{topic_id}-why-does-it-blink-in-red").status_code == 301
    text = ada.get("/c/router").text
    assert "Pinned" in text
    assert len(re.findall("Why is the light red", text)) == 1, "it does not stand in the list a second time"
    assert "Unpin" in ada.get(f"/topics/{topic_id}/arrangement").text
    assert ada.post(f"/topics/{topic_id}/pin/undo").status_code == 303
    assert "Pinned" not in ada.get("/c/router").text
    assert "closed a question" in ada.get("/moderation").text


def test_splitting_and_merging_by_hand(
    two: tuple[int, int], stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    ada = browser_of("ada")
    answer_id = stage(lambda _: db.session.query(Post).filter_by(kind="answer").one().id)
    assert "Restart it" in ada.get(f"/topics/{two[0]}/split").text
    data = {"posts": str(answer_id), "title": "Which channel is the best", "category": "router"}
    page = ada.post(f"/topics/{two[0]}/split", data=data)
    assert page.status_code == 422
    assert 'id="split-knowing-error"' in page.text
    assert "Which channel is the best" in page.text
    made = ada.post(f"/topics/{two[0]}/split", data={**data, "knowing": "y"}).headers["Location"]
    assert "Which channel is the best" in ada.get(made).text
    made_id = int(re.findall(r"/t/(\d+)", made)[0])
    sent = ada.post(f"/topics/{made_id}/merge", data={"into": str(two[1]), "knowing": "y"})
    assert sent.headers["Location"].startswith(f"/t/{two[1]}-")
    assert ada.get(made).headers["Location"].startswith(f"/t/{two[1]}-")
    assert ada.get(f"/topics/{made_id}/split").status_code == 200


def test_muting_a_target_asks_first(two: tuple[int, int], stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def lead(world: World) -> None:
        first, again = (db.session.get_one(Topic, it) for it in two)
        closing.close_as_duplicate(again, target=first, by=world.ada)

    stage(lead)
    ada = browser_of("ada")
    page = ada.post(f"/topics/{two[0]}/mute", data={"reason": "off topic"})
    assert page.status_code == 422
    assert 'name="release"' in page.text
    assert "1 question leads here as a duplicate" in page.text
    assert ada.post(f"/topics/{two[0]}/mute", data={"reason": "off topic", "release": "y"}).status_code == 303
    assert stage(lambda _: db.session.query(Closing).count()) == 0


def test_many_at_once_by_hand(two: tuple[int, int], stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    ada = browser_of("ada")
    assert "Why does it blink in red?" in ada.get("/moderation/questions?state=unsolved&tag=wifi&category=router").text
    page = ada.post("/moderation/questions", data={"deed": "tag", "tag": "light"})
    assert page.status_code == 422
    assert "Please choose a question" in page.text
    page = ada.post("/moderation/questions", data={"deed": "close", "topics": [str(two[1])], "reason": ""})
    assert page.status_code == 422
    assert 'id="bulk-reason-error"' in page.text
    assert "checked" in page.text
    sent = ada.post("/moderation/questions", data={"deed": "tag", "tag": "light", "topics": [str(it) for it in two]})
    assert sent.status_code == 303
    page = ada.get("/moderation/questions")
    assert "2 questions changed" in page.text
    undo = re.findall(r"/moderation/questions/\d+/undo", page.text)[0]
    assert ada.post(undo).status_code == 303
    assert ada.post(undo).status_code == 409
    assert ada.post("/moderation/questions/999/undo").status_code == 404
    assert stage(lambda _: db.session.get_one(Topic, two[0]).tag_names) == ["wifi"]


def test_readers_see_no_controls(two: tuple[int, int], browser_of: Callable[[str], Browser]) -> None:
    for handle in ("alice", "tina", "emil"):
        assert "/arrangement" not in browser_of(handle).get(f"/t/{two[1]}-x", follow_redirects=True).text
    assert "/arrangement" in browser_of("ada").get(f"/t/{two[1]}-x", follow_redirects=True).text


def test_pins_stand_first_only_on_the_plain_first_page(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> None:
        first = world.ask("The oldest question here")
        for number in range(25):
            world.ask(f"Question number {number}")
        arranging.pin(first, by=world.ada)
        assert queries.category_with_pins("router", viewer=world.alice)[1] == [first]

    stage(scene)
    page = guest.get("/c/router").text
    assert page.index("The oldest question here") < page.index("Question number 24")
    assert "Pinned" not in guest.get("/c/router?state=unanswered").text
    assert "Pinned" not in guest.get("/c/router?locale=en").text


def test_what_is_similar_stands_beside_the_question(stage: Stage, guest: Browser, worker: Callable[[], None]) -> None:
    def scene(world: World) -> int:
        world.ask("Wireless is gone every night", "The light blinks red at night.")
        Shelf(world).published(title="Wireless is gone at night")
        return world.ask("Wireless is gone at night", "The light blinks red at night.", by=world.bob).id

    topic_id = stage(scene)
    worker()
    page = guest.get(f"/t/{topic_id}-wireless-is-gone-at-night").text
    assert f'data-later-url="/t/{topic_id}/related?part=list"' in page
    assert f'href="/t/{topic_id}/related"' in page
    part, whole = (guest.get(f"/t/{topic_id}/related{query}").text for query in ("?part=list", ""))
    assert "<html" not in part
    assert "<html" in whole
    for text in (part, whole):
        assert "Wireless is gone every night" in text
        assert ">Article<" in text
    assert f"/t/{topic_id}-" not in part, "it is not similar to itself"


def test_an_answer_is_given_to_its_author_and_both_are_told(
    stage: Stage, browser_of: Callable[[str], Browser], worker: Callable[[], None]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        topic = world.ask()
        answer = world.answer(topic)
        answers.accept(answer, by=world.alice)
        experiences.tell(answer, has_worked=True, by=world.charlie)
        votes.vote(answer, by=world.charlie)
        return answer.id

    post_id = stage(scene)
    place, ada = f"/posts/{post_id}/author", browser_of("ada")
    assert f'href="{place}"' in ada.get(f"/posts/{post_id}/edit").text
    assert "Bob" in ada.get(place).text
    wrong = ada.post(place, data={"handle": "@nobody-here"})
    assert wrong.status_code == 422
    assert "nobody with this handle" in wrong.text
    assert 'value="@nobody-here"' in wrong.text
    assert ada.post(place, data={"handle": "@charlie"}).status_code == 303
    worker()
    assert "is by Charlie" in browser_of("bob").get("/notifications").text
    assert "yours" in browser_of("charlie").get("/notifications").text

    def checks(world: World) -> None:
        post = db.session.get_one(Post, post_id)
        assert (post.author_id, post.helpful_count) == (world.charlie.id, 0)
        assert list(counters.complaints()) == []
        assert db.session.query(Acceptance).one().worked_count == 0
        entry = db.session.query(AuditEntry).filter_by(deed="forum.post.give").one()
        assert (entry.before, entry.after) == ({"author_id": world.bob.id}, {"author_id": world.charlie.id})

    stage(checks)
    for handle, status in (("bob", 403), ("dora", 403)):
        assert browser_of(handle).get(place).status_code == status
        assert browser_of(handle).post(place, data={"handle": "bob"}).status_code == status
