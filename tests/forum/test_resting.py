"""A solved question rests after its last word, where its category wants that: silently, and it can be woken."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts.people import AnonymousUser
from core.db import db
from core.errors import NotAllowed
from core.outbox import Delivery
from forum import answers, categories, experiences, policy, resting
from forum.models import Acceptance, Notification, Post, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
HOURS = 72


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def solved(world: World) -> tuple[Topic, Post]:
    categories.set_rules(world.router, accepts_several=False, closes_after_hours=HOURS, by=world.root)
    topic = world.ask()
    post = world.answer(topic)
    answers.accept(post, by=world.alice)
    return topic, post


def test_it_rests_so_many_hours_after_the_last_word(world: World, clock: time_machine.Traveller) -> None:
    topic, post = solved(world)
    clock.move_to(NOON + timedelta(hours=HOURS - 1))
    assert not topic.is_resting
    answers.comment(post, source="It worked here as well.", by=world.charlie)
    clock.move_to(NOON + timedelta(hours=2 * HOURS - 2))
    assert not topic.is_resting, "the last word counts"
    clock.move_to(NOON + timedelta(hours=2 * HOURS - 1))
    assert topic.rests_since == NOON + timedelta(hours=2 * HOURS - 1)
    for person in (world.alice, world.charlie, world.tina):
        assert not policy.may_answer(person, topic)
        assert not policy.may_comment(person, post)
        with pytest.raises(NotAllowed):
            world.answer(topic, "One more word.", by=person)
    assert policy.may_answer(world.dora, topic)


def test_what_is_solved_late_does_not_rest_at_once(world: World, clock: time_machine.Traveller) -> None:
    topic, post = solved(world)
    answers.undo_acceptance(topic, by=world.alice)
    clock.move_to(NOON + timedelta(days=100))
    assert not topic.is_resting, "unsolved never rests"
    answers.accept(post, by=world.alice)
    assert not topic.is_resting


def test_usually_nothing_rests(world: World, clock: time_machine.Traveller) -> None:
    topic = world.solved()
    clock.move_to(NOON + timedelta(days=4000))
    assert not topic.is_resting


def test_nobody_is_told(stage: Stage, app: Flask, worker: Callable[[], None], clock: time_machine.Traveller) -> None:
    topic_id = stage(lambda world: solved(world)[0].id)
    worker()
    with app.app_context():
        before = db.session.query(Notification).count()
        moved = db.session.get_one(Topic, topic_id).last_activity_at
    clock.move_to(NOON + timedelta(hours=HOURS))
    worker()
    with app.app_context():
        topic = db.session.get_one(Topic, topic_id)
        assert topic.is_resting
        assert topic.last_activity_at == moved
        assert db.session.query(Notification).count() == before
        assert db.session.query(Delivery).count() == 0


def test_taking_the_solution_back_wakes_it(world: World, clock: time_machine.Traveller) -> None:
    topic, _ = solved(world)
    clock.move_to(NOON + timedelta(days=9))
    answers.undo_acceptance(topic, by=world.alice)
    assert not topic.is_resting
    world.answer(topic, "Then try this.", by=world.charlie)


def test_that_it_does_not_work_can_be_said_while_it_rests(world: World, clock: time_machine.Traveller) -> None:
    topic, post = solved(world)
    clock.move_to(NOON + timedelta(days=9))
    experiences.tell(post, has_worked=False, words="It stays red.", by=world.charlie)
    assert topic.is_resting


def test_it_is_opened_for_as_long_again(world: World, clock: time_machine.Traveller) -> None:
    topic, _ = solved(world)
    clock.move_to(NOON + timedelta(days=9))
    for person in (world.bob, world.charlie, AnonymousUser()):
        with pytest.raises(NotAllowed):
            resting.reopen(topic, by=person)
    resting.reopen(topic, by=world.alice)
    resting.reopen(topic, by=world.alice)
    assert not topic.is_resting
    world.answer(topic, "Then try this.", by=world.charlie)
    clock.move_to(NOON + timedelta(days=9, hours=HOURS))
    assert topic.is_resting


@pytest.mark.parametrize(
    ("why", "is_solved", "leads_to"),
    [("back", False, "#answer"), ("more", True, "#answer"), ("other", True, "/ask?category=router")],
)
def test_the_asker_is_asked_one_question(
    stage: Stage,
    app: Flask,
    browser_of: BrowserOf,
    guest: Browser,
    clock: time_machine.Traveller,
    why: str,
    *,
    is_solved: bool,
    leads_to: str,
) -> None:
    def scene(world: World) -> tuple[int, str]:
        world.everybody()
        topic, _ = solved(world)
        return topic.id, f"/t/{topic.id}-{topic.slug}"

    topic_id, path = stage(scene)
    assert "This question is solved and rests" not in guest.get(path).text
    alice = browser_of("alice")
    assert alice.get(f"/topics/{topic_id}/reopening").location == path, "there is nothing to open"
    clock.move_to(NOON + timedelta(days=9))
    for reader in (guest, browser_of("charlie")):
        page = reader.get(path).text
        assert "This question is solved and rests" in page
        assert "/reopening" not in page
    assert browser_of("charlie").get(f"/topics/{topic_id}/reopening").status_code == 403
    page = alice.get(path).text
    assert f'href="/topics/{topic_id}/reopening"' in page
    assert f'action="/topics/{topic_id}/answers"' not in page
    assert "The same problem is back" in alice.get(f"/topics/{topic_id}/reopening").text
    refused = alice.post(f"/topics/{topic_id}/reopening", data={"why": "nothing"})
    assert (refused.status_code, "Please choose one of these." in refused.text) == (422, True)
    answer = alice.post(f"/topics/{topic_id}/reopening", data={"why": why})
    assert answer.status_code == 303
    assert leads_to in answer.location
    with app.app_context():
        topic = db.session.get_one(Topic, topic_id)
        assert topic.is_resting is (why == "other")
        assert (db.session.query(Acceptance).count() == 1) is is_solved


def test_of_the_teams_choice_the_asker_opens_the_question_only(
    stage: Stage, app: Flask, browser_of: BrowserOf, clock: time_machine.Traveller
) -> None:
    def scene(world: World) -> int:
        topic, post = solved(world)
        answers.undo_acceptance(topic, by=world.alice)
        answers.accept(post, by=world.ada)
        return topic.id

    topic_id = stage(scene)
    clock.move_to(NOON + timedelta(days=9))
    assert browser_of("alice").post(f"/topics/{topic_id}/reopening", data={"why": "back"}).status_code == 303
    with app.app_context():
        assert not db.session.get_one(Topic, topic_id).is_resting
        assert db.session.query(Acceptance).count() == 1


def test_admins_set_it_and_the_number_has_limits(stage: Stage, app: Flask, browser_of: BrowserOf) -> None:
    stage(lambda world: (world.root, world.router)[1] and None)
    root = browser_of("root")
    form = {"name_de": "Router", "name_en": "Routers", "position": "1", "accepts_several": "y"}
    for hours in ("0", "87601", "-3", "x"):
        refused = root.post("/admin/categories/router", data={**form, "closes_after_hours": hours})
        assert refused.status_code == 422, hours
        assert 'id="closes_after_hours-error"' in refused.text
    assert root.post("/admin/categories/router", data={**form, "closes_after_hours": "72"}).status_code == 303
    page = root.get("/admin/categories/router").text
    assert 'value="72"' in page
    assert root.post("/admin/categories/router", data={**form, "closes_after_hours": ""}).status_code == 303
    with app.app_context():
        category = World().router
        assert (category.accepts_several, category.closes_after_hours) == (True, None)
