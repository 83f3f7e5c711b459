"""Asking the asker once which answer helped: when, whom, how, and whom not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts import people
from accounts.models import User
from core.db import db
from core.mail import Mail
from forum import answers, moderation, reminding
from forum.models import Duplicate, Notification, Post, Reminder, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.faults.test_once_only import at_once

Stage = Callable[[Callable[[World], Any]], Any]
NOON = datetime(2026, 6, 10, 10, 0, tzinfo=UTC)
"""12:00 in Berlin."""
A_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def answered(world: World, **kwargs: Any) -> Topic:
    """A question of Alice, whose address is confirmed, with an answer of Bob."""
    people.confirm_email(world.alice)
    topic = world.ask(**kwargs)
    world.answer(topic)
    return topic


def reminded() -> list[tuple[int, int | None]]:
    rows = db.session.query(Notification).filter_by(kind="accept_reminder").order_by(Notification.id)
    return [(row.user_id, row.topic_id) for row in rows]


def test_the_asker_is_reminded_once_by_bell_and_mail(world: World, clock: time_machine.Traveller) -> None:
    topic = answered(world)
    assert reminding.remind_askers() == 0, "not before a day has passed"
    clock.move_to(NOON + A_DAY)
    assert reminding.remind_askers() == 1
    assert reminding.remind_askers() == 0
    assert reminded() == [(world.alice.id, topic.id)]
    (mail,) = db.session.query(Mail).all()
    assert (mail.to, topic.title in mail.subject) == ("alice@example.org", True)
    for part in (mail.text, mail.html or ""):
        assert f"http://localhost/t/{topic.id}-{topic.slug}#answers" in part
        assert "http://localhost/settings/reminders" in part


def test_the_mail_speaks_the_readers_language(world: World, clock: time_machine.Traveller) -> None:
    answered(world)
    world.alice.locale = "de"
    clock.move_to(NOON + A_DAY)
    assert reminding.remind_askers() == 1
    (mail,) = db.session.query(Mail).all()
    assert "Guten Tag Alice" in mail.text


def test_after_an_answer_was_accepted_and_taken_back_nobody_is_asked_again(
    world: World, clock: time_machine.Traveller
) -> None:
    topic = answered(world)
    clock.move_to(NOON + A_DAY)
    reminding.remind_askers()
    answers.accept(db.session.query(Post).filter_by(kind="answer").one(), by=world.alice)
    answers.undo_acceptance(topic, by=world.alice)
    db.session.commit()
    clock.move_to(NOON + 3 * A_DAY)
    assert reminding.remind_askers() == 0


@pytest.mark.parametrize(
    ("moment", "zone", "is_told"),
    [
        # In summer Berlin is two hours ahead of UTC, in winter one: 8:00 is 6:00 or 7:00 UTC.
        ("2026-07-01T05:59", None, False),
        ("2026-07-01T06:00", None, True),
        ("2026-07-01T18:59", None, True),
        ("2026-07-01T19:00", None, False),
        ("2026-12-01T06:59", None, False),
        ("2026-12-01T07:00", None, True),
        ("2026-12-01T19:59", None, True),
        ("2026-12-01T20:00", None, False),
        # The days on which the clocks change: 29 March and 25 October 2026.
        ("2026-03-29T05:59", None, False),
        ("2026-03-29T06:00", None, True),
        ("2026-10-25T06:59", None, False),
        ("2026-10-25T07:00", None, True),
        ("2026-07-01T12:00", "America/Los_Angeles", False),
        ("2026-07-01T15:00", "America/Los_Angeles", True),
        ("2026-07-01T23:00", "Asia/Tokyo", True),
        ("2026-07-01T12:00", "Asia/Tokyo", False),
    ],
)
def test_nobody_is_reminded_at_night_where_they_live(
    world: World, clock: time_machine.Traveller, moment: str, zone: str | None, *, is_told: bool
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    clock.move_to(at - 2 * A_DAY)
    answered(world)
    world.alice.time_zone = zone
    clock.move_to(at)
    assert reminding.remind_askers() == is_told


def muted_topic(world: World, topic: Topic) -> None:
    moderation.mute(topic, by=world.ada, reason="off topic")


def muted_answer(world: World, topic: Topic) -> None:
    moderation.mute(db.session.query(Post).filter_by(kind="answer").one(), by=world.ada, reason="off topic")


def solved(world: World, topic: Topic) -> None:
    answers.accept(db.session.query(Post).filter_by(kind="answer").one(), by=world.tina)


def duplicate(world: World, topic: Topic) -> None:
    db.session.add(Duplicate(topic_id=topic.id, target_id=world.ask("Another question about it", by=world.tina).id))


def refused(world: World, topic: Topic) -> None:
    reminding.refuse(world.alice)


def erased(world: World, topic: Topic) -> None:
    topic.asker_id = None


def disabled(world: World, topic: Topic) -> None:
    people.disable(world.alice, by=world.root, reason="gone")


def staged(world: World, topic: Topic) -> None:
    world.alice.is_staged = True


def own_answer_only(world: World, topic: Topic) -> None:
    db.session.query(Post).filter_by(kind="answer").one().author_id = world.alice.id


@pytest.mark.parametrize(
    "why", [muted_topic, muted_answer, solved, duplicate, refused, erased, disabled, staged, own_answer_only]
)
def test_who_must_not_or_cannot_decide_is_left_alone(
    world: World, clock: time_machine.Traveller, why: Callable[[World, Topic], None]
) -> None:
    why(world, answered(world))
    db.session.commit()
    clock.move_to(NOON + A_DAY)
    assert reminding.remind_askers() == 0
    assert db.session.query(Reminder).count() == 0


def test_without_a_confirmed_address_the_bell_has_to_do(world: World, clock: time_machine.Traveller) -> None:
    answered(world)
    world.alice.email_confirmed_at = None
    clock.move_to(NOON + A_DAY)
    assert reminding.remind_askers() == 1
    assert db.session.query(Mail).count() == 0
    assert len(reminded()) == 1


def test_what_was_answered_long_ago_asks_nobody(world: World, clock: time_machine.Traveller) -> None:
    answered(world)
    clock.move_to(NOON + 15 * A_DAY)
    assert reminding.remind_askers() == 0


def test_eight_workers_at_once_remind_once(app: Flask, stage: Stage, clock: time_machine.Traveller) -> None:
    stage(lambda world: [answered(world, title=f"Question number {number} of Alice") for number in range(5)] and None)
    clock.move_to(NOON + A_DAY)

    def work(_number: int) -> int:
        with app.app_context():
            return int(reminding.remind_askers())  # type: ignore[call-overload]

    assert sum(at_once(work, 8)) == 5
    with app.app_context():
        assert len(reminded()) == 5
        assert db.session.query(Mail).count() == 5


def test_in_the_settings_it_is_switched_off_and_on(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.alice and None)
    browser = browser_of("alice")
    assert 'name="wants"' in browser.get("/settings/reminders").text
    for wants, refuses in (("no", True), ("no", True), ("yes", False), ("yes", False)):
        assert browser.post("/settings/reminders", data={"wants": wants}).status_code == 303
        with app.app_context():
            assert reminding.is_refused_by(db.session.query(User).filter_by(handle="alice").one()) is refuses


def test_the_worker_does_it(
    stage: Stage, app: Flask, worker: Callable[[], None], clock: time_machine.Traveller
) -> None:
    stage(lambda world: answered(world) and None)
    clock.move_to(NOON + A_DAY)
    worker()
    with app.app_context():
        (mail,) = db.session.query(Mail).all()
        assert mail.sent_at is not None
