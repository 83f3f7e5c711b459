"""Buttons of one deed each: this solved it, this helped, tell me more."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from core.db import db
from forum import answers
from forum.models import Acceptance, Follow, Post, Topic, Vote
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


class Scene(NamedTuple):
    topic_id: int
    path: str
    question_id: int
    first_id: int
    second_id: int


@pytest.fixture
def scene(stage: Stage) -> Scene:
    """A question of Alice with an answer of Bob and one of Charlie."""

    def play(world: World) -> Scene:
        world.everybody()
        topic = world.ask()
        first = world.answer(topic)
        second = world.answer(topic, "Or wait for the next update.", by=world.charlie)
        question = db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()
        return Scene(topic.id, f"/t/{topic.id}-{topic.slug}", question.id, first.id, second.id)

    return stage(play)


def test_the_asker_presses_this_solved_my_problem(scene: Scene, browser_of: BrowserOf, guest: Browser) -> None:
    alice = browser_of("alice")
    assert "This solved my problem" in alice.get(scene.path).text
    answer = alice.post(f"/posts/{scene.first_id}/acceptance")
    assert (answer.status_code, answer.location) == (303, f"{scene.path}#p{scene.first_id}")
    page = guest.get(scene.path).text
    assert "answer by @bob" in page
    assert "confirmed by the asker" in page


def test_the_asker_changes_and_takes_back_the_choice(scene: Scene, browser_of: BrowserOf, guest: Browser) -> None:
    alice = browser_of("alice")
    alice.post(f"/posts/{scene.first_id}/acceptance")
    assert "This one solved my problem" in alice.get(scene.path).text
    alice.post(f"/posts/{scene.second_id}/acceptance")
    assert "answer by @charlie" in guest.get(scene.path).text
    assert "It is not solved after all" in alice.get(scene.path).text
    assert alice.post(f"/topics/{scene.topic_id}/acceptance/undo").location == scene.path
    page = guest.get(scene.path).text
    assert "Solved" not in page
    assert "2 answers" in page


def test_a_member_cannot_undo_what_the_team_chose(stage: Stage, scene: Scene, browser_of: BrowserOf) -> None:
    stage(lambda world: answers.accept(db.session.get_one(Post, scene.first_id), by=world.ada).id)
    alice = browser_of("alice")
    assert "It is not solved after all" not in alice.get(scene.path).text
    for address in (f"/topics/{scene.topic_id}/acceptance/undo", f"/posts/{scene.second_id}/acceptance"):
        answer = alice.post(address)
        assert answer.status_code == 403
        assert "Only the team can change it" in answer.text
    assert stage(lambda _: db.session.query(Acceptance).one().post_id) == scene.first_id


@pytest.mark.parametrize(("handle", "status"), [("bob", 403), ("charlie", 403), ("tina", 303), ("ada", 303)])
def test_others_accept_only_if_trusted(scene: Scene, browser_of: BrowserOf, handle: str, status: int) -> None:
    assert browser_of(handle).post(f"/posts/{scene.first_id}/acceptance").status_code == status


def test_helpful_is_a_switch(stage: Stage, scene: Scene, browser_of: BrowserOf) -> None:
    charlie = browser_of("charlie")
    assert charlie.post(f"/posts/{scene.first_id}/vote").location == f"{scene.path}#p{scene.first_id}"
    charlie.post(f"/posts/{scene.first_id}/vote")
    page = charlie.get(scene.path).text
    assert "helped 1 person" in page
    assert f'action="/posts/{scene.first_id}/vote/undo"' in page
    assert charlie.post(f"/posts/{scene.first_id}/vote/undo").status_code == 303
    assert "helped" not in charlie.get(scene.path).text
    assert stage(lambda _: db.session.query(Vote).count()) == 0


def test_one_does_not_call_oneself_helpful(scene: Scene, browser_of: BrowserOf) -> None:
    assert browser_of("bob").post(f"/posts/{scene.first_id}/vote").status_code == 403


def test_following_is_a_switch(stage: Stage, scene: Scene, browser_of: BrowserOf) -> None:
    dora = browser_of("dora")
    assert 'aria-pressed="false">Follow</button>' in dora.get(scene.path).text
    assert dora.post(f"/topics/{scene.topic_id}/follow").location == scene.path
    assert 'aria-pressed="true">Following</button>' in dora.get(scene.path).text
    dora.post(f"/topics/{scene.topic_id}/unfollow")
    user_id = stage(lambda world: world.dora.id)
    assert stage(lambda _: db.session.query(Follow).filter_by(user_id=user_id).count()) == 0


def test_no_deed_is_open_to_guests_or_works_by_looking(scene: Scene, guest: Browser, browser_of: BrowserOf) -> None:
    deeds = [
        f"/posts/{scene.first_id}/acceptance",
        f"/posts/{scene.first_id}/vote",
        f"/posts/{scene.first_id}/vote/undo",
        f"/topics/{scene.topic_id}/acceptance/undo",
        f"/topics/{scene.topic_id}/follow",
        f"/topics/{scene.topic_id}/unfollow",
        f"/posts/{scene.first_id}/experience",
        f"/posts/{scene.first_id}/experience/undo",
        f"/posts/{scene.first_id}/acceptance/undo",
        f"/posts/{scene.first_id}/official",
        f"/posts/{scene.first_id}/official/undo",
        f"/posts/{scene.first_id}/objection",
        f"/topics/{scene.topic_id}/notes",
        f"/topics/{scene.topic_id}/unmute",
        f"/posts/{scene.first_id}/unmute",
    ]
    alice = browser_of("alice")
    for deed in deeds:
        assert guest.post(deed).status_code == 401, deed
        assert alice.get(deed).status_code == 405, deed


def test_a_deed_on_what_is_not_there_is_missing(scene: Scene, browser_of: BrowserOf) -> None:
    alice = browser_of("alice")
    for deed in ("/posts/999/acceptance", "/posts/999/vote", "/topics/999/follow", "/topics/999/acceptance/undo"):
        assert alice.post(deed).status_code == 404, deed
    assert alice.post(f"/posts/{scene.question_id}/acceptance").status_code == 422


def test_a_topic_that_is_not_solved_has_nothing_to_undo(scene: Scene, browser_of: BrowserOf, stage: Stage) -> None:
    assert browser_of("alice").post(f"/topics/{scene.topic_id}/acceptance/undo").status_code == 303
    assert stage(lambda _: db.session.get_one(Topic, scene.topic_id).is_solved) is False
