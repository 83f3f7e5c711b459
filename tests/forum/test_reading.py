"""What is unread, what is new since the last visit, and having the same problem."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts.people import AnonymousUser
from core.db import db
from core.errors import NotAllowed
from forum import counters, follows, me_too, moderation, notifications, reading
from forum.models import Follow, MeToo, ReadMark, Topic
from tests.cast import World
from tests.conftest import Browser

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
MARK = "row--unread"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def asked(world: World) -> int:
    world.everybody()
    return world.ask().id


def test_what_happened_since_one_looked_is_marked_until_one_looks_again(
    stage: Stage, browser_of: BrowserOf, clock: time_machine.Traveller
) -> None:
    stage(lambda world: world.everybody() and None)
    charlie = browser_of("charlie")
    clock.shift(timedelta(minutes=1))
    topic_id = stage(asked)
    path = f"/t/{topic_id}-wireless-gone-after-the-update"
    for page in ("/", "/c/router", "/tags/wifi"):
        assert MARK in charlie.get(page).text, page
    charlie.get(path)
    for page in ("/", "/c/router", "/tags/wifi"):
        assert MARK not in charlie.get(page).text, page
    clock.shift(timedelta(minutes=1))
    stage(lambda world: world.answer(db.session.get_one(Topic, topic_id)) and None)
    assert MARK in charlie.get("/").text
    charlie.get(path)
    assert MARK not in charlie.get("/").text


def test_guests_leave_no_trace_and_a_refused_page_marks_nothing(
    stage: Stage, guest: Browser, browser_of: BrowserOf
) -> None:
    def scene(world: World) -> int:
        topic_id = asked(world)
        moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="off topic")
        return topic_id

    shown, muted = stage(asked), stage(scene)
    assert guest.get(f"/t/{shown}-wireless-gone-after-the-update").status_code == 200
    assert browser_of("charlie").get(f"/t/{muted}-wireless-gone-after-the-update").status_code == 404
    assert stage(lambda _: db.session.query(ReadMark).count()) == 0
    assert reading.glance(AnonymousUser(), []) == reading.NOTHING


def test_opening_a_question_answers_its_bell(stage: Stage, worker: Callable[[], None], browser_of: BrowserOf) -> None:
    def scene(world: World) -> int:
        topic_id = asked(world)
        world.answer(db.session.get_one(Topic, topic_id))
        world.answer(world.ask("Another question of the same person"))
        return topic_id

    topic_id = stage(scene)
    worker()
    assert stage(lambda world: notifications.unread_count(world.alice)) == 2
    browser_of("alice").get(f"/t/{topic_id}-wireless-gone-after-the-update")
    assert stage(lambda world: notifications.unread_count(world.alice)) == 1


def test_a_second_look_writes_nothing(stage: Stage, browser_of: BrowserOf, clock: time_machine.Traveller) -> None:
    path = f"/t/{stage(asked)}-wireless-gone-after-the-update"
    charlie = browser_of("charlie")
    charlie.get(path)
    topic_stance = stage(lambda world: follows.stance_on_topic(db.session.query(Topic).one(), world.charlie))
    assert topic_stance.is_read
    assert not stage(lambda world: reading.is_news(world.charlie, topic_stance))


def test_a_visit_ends_after_an_hour_and_the_next_one_finds_what_is_new(
    stage: Stage, browser_of: BrowserOf, clock: time_machine.Traveller
) -> None:
    stage(asked)
    charlie = browser_of("charlie")
    charlie.get("/")
    clock.shift(timedelta(minutes=50))
    charlie.get("/")
    assert "Since your last visit" not in charlie.get("/").text
    clock.shift(timedelta(hours=3))
    stage(lambda world: world.ask("Something that was asked meanwhile") and None)
    charlie.get("/")
    page = charlie.get("/").text
    assert "Something new in 1 question" in page
    narrowed = charlie.get("/?since=visit").text
    assert "asked meanwhile" in narrowed
    assert "Wireless gone" not in narrowed
    clock.shift(timedelta(minutes=50))
    assert "Something new in 1 question" in charlie.get("/").text, "it is still the same visit"


def test_guests_narrow_nothing_by_a_visit(stage: Stage, guest: Browser) -> None:
    stage(asked)
    assert "Wireless gone" in guest.get("/?since=visit").text


def test_my_open_questions_are_counted_and_one_click_away(stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> None:
        world.everybody()
        world.solved()
        world.ask("One that still waits for an answer")
        moderation.mute(world.ask("One that is muted but mine"), by=world.ada, reason="off topic")

    stage(scene)
    alice = browser_of("alice")
    assert "2 of them wait for a solution" in alice.get("/").text
    assert 'href="/u/alice?state=unsolved"' in alice.get("/").text
    page = alice.get("/u/alice?state=unsolved").text
    assert "still waits" in page
    assert "muted but mine" in page
    assert "Wireless gone" not in page


def test_me_too_counts_once_and_follows_for_the_solution(world: World) -> None:
    topic = world.ask()
    for _ in range(2):
        me_too.say(topic, by=world.charlie)
    db.session.refresh(topic)
    assert topic.me_too_count == 1
    stance = follows.stance_on_topic(topic, world.charlie)
    assert (stance.level, stance.has_same_problem) == ("solution", True)
    for _ in range(2):
        me_too.take_back(topic, by=world.charlie)
    db.session.refresh(topic)
    assert topic.me_too_count == 0
    assert follows.stance_on_topic(topic, world.charlie) == follows.Stance()


def test_me_too_changes_no_choice_that_was_made(world: World) -> None:
    topic = world.ask()
    follows.follow(topic, by=world.charlie, level="everything")
    me_too.say(topic, by=world.charlie)
    me_too.take_back(topic, by=world.charlie)
    assert follows.stance_on_topic(topic, world.charlie).level == "everything"
    follows.silence(topic, by=world.tina)
    me_too.say(topic, by=world.tina)


def test_who_may_not_say_me_too(world: World) -> None:
    topic = world.ask()
    for deed in (me_too.say, me_too.take_back):
        with pytest.raises(NotAllowed):
            deed(topic, by=world.alice)
        with pytest.raises(NotAllowed):
            deed(topic, by=AnonymousUser())  # type: ignore[arg-type]  # a guest has no row
    moderation.mute(topic, by=world.ada, reason="off topic")
    with pytest.raises(NotAllowed):
        me_too.say(topic, by=world.charlie)


def test_the_button_says_it_and_takes_it_back(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    topic_id = stage(asked)
    path = f"/t/{topic_id}-wireless-gone-after-the-update"
    charlie = browser_of("charlie")
    assert "I have this, too" not in guest.get(path).text
    assert "I have this, too" not in browser_of("alice").get(path).text
    assert 'aria-pressed="false">I have this, too' in charlie.get(path).text
    assert charlie.post(f"/topics/{topic_id}/me-too").status_code == 303
    assert 'aria-pressed="true">I have this, too' in charlie.get(path).text
    assert "1 person has this, too" in guest.get(path).text
    assert "1 person has this, too" in guest.get("/").text
    charlie.post(f"/topics/{topic_id}/me-too/undo")
    assert "has this, too" not in guest.get(path).text


def test_twenty_at_once_are_twenty_and_one_twenty_times_is_one(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> tuple[int, list[int]]:
        topic = world.ask()
        return topic.id, [world.person(f"reader-{number}").id for number in range(10)]

    topic_id, ids = stage(scene)
    from accounts.models import User

    def say(user_id: int) -> None:
        with app.app_context():
            me_too.say(db.session.get_one(Topic, topic_id), by=db.session.get_one(User, user_id))
            db.session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(say, [*ids, *[ids[0]] * 10]))
    assert stage(lambda _: (db.session.query(MeToo).count(), db.session.query(Topic).one().me_too_count)) == (10, 10)
    assert stage(lambda _: db.session.query(Follow).filter_by(level="solution").count()) == 10
    assert stage(lambda _: list(counters.complaints())) == []


def test_a_wrong_number_is_found_and_repaired(world: World) -> None:
    topic = world.ask()
    topic.me_too_count = 3
    db.session.flush()
    assert "3 people share it, 0 do" in next(iter(counters.complaints()))
    assert counters.recount() == 1
    db.session.refresh(topic)
    assert topic.me_too_count == 0
