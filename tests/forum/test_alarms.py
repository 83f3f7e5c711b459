"""What waits too long: the team is told once, of what really waits, and nobody else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from core.db import db
from core.settings import Settings
from forum import alarms, answers, moderation
from forum.models import Topic
from tests.cast import World
from tests.forum.test_notifications import told

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Stage = Callable[[Callable[[World], Any]], Any]
WAITS = "Nobody has answered “Wireless gone after the update” yet."


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def asked(world: World) -> None:
    world.everybody()
    world.ask()


def solved(world: World) -> None:
    world.everybody()
    world.solved()


def test_agents_and_moderators_hear_once_of_a_question_without_an_answer(
    stage: Stage, worker: Callable[[], None], clock: time_machine.Traveller
) -> None:
    stage(asked)
    clock.shift(timedelta(hours=23))
    worker()
    assert stage(lambda world: told(world.ada)) == []
    clock.shift(timedelta(hours=2))
    worker()
    worker()
    clock.shift(timedelta(days=3))
    worker()
    heard = stage(lambda world: {one.handle: told(one) for one in world.everybody()})
    assert heard == {
        "ada": [WAITS],
        "dora": [WAITS],
        "alice": [],
        "bob": [],
        "charlie": [],
        "tina": [],
        "emil": [],
        "root": [],
    }


@pytest.mark.parametrize("why", ["answered", "muted", "old", "switched off"])
def test_there_is_no_alarm_about_what_does_not_wait(
    why: str, app: Flask, stage: Stage, worker: Callable[[], None], clock: time_machine.Traveller
) -> None:
    def scene(world: World) -> None:
        world.everybody()
        topic = world.ask(created_at=NOW - timedelta(days=60) if why == "old" else None)
        if why == "answered":
            world.answer(topic)
        elif why == "muted":
            moderation.mute(topic, by=world.ada, reason="off topic")

    stage(scene)
    before: Settings = app.extensions["klinke-settings"]
    if why == "switched off":
        app.extensions["klinke-settings"] = before.model_copy(update={"alarm_unanswered_hours": 0})
    clock.shift(timedelta(hours=25))
    worker()
    app.extensions["klinke-settings"] = before
    assert stage(lambda world: told(world.dora)) == []


def test_editors_hear_of_a_nomination_that_waits(
    stage: Stage, worker: Callable[[], None], clock: time_machine.Traveller
) -> None:
    stage(solved)
    worker()
    clock.shift(timedelta(hours=47))
    worker()
    assert stage(lambda world: told(world.emil)) == []
    clock.shift(timedelta(hours=2))
    worker()
    worker()
    sentence = "The nomination of “Wireless gone after the update” still waits for an editor."
    assert stage(lambda world: told(world.emil)) == [sentence]
    assert sentence not in stage(lambda world: told(world.ada))


def test_a_repeated_look_tells_nobody_again(world: World, clock: time_machine.Traveller) -> None:
    world.everybody()
    topic = world.ask()
    db.session.commit()
    clock.shift(timedelta(hours=25))
    assert alarms.raise_alarms() == 2
    assert alarms.raise_alarms() == 0
    answers.post(db.session.get_one(Topic, topic.id), source="Here is an answer at last.", by=world.bob)
    assert alarms.raise_alarms() == 0
