"""What happened is told at least once, and nothing that fails stands in the way of the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from core import outbox, worker
from core.clock import now
from core.db import db
from core.outbox import Delivery, Event, Later, publish


@dataclass(frozen=True, slots=True)
class DoorOpened(Event):
    door_id: int


class Ears:
    """Listeners that note what they hear and do as they are told."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.raises: Exception | None = None


@pytest.fixture
def ears(own_listeners: None) -> Ears:
    ears = Ears()

    def listen(event: DoorOpened) -> None:
        if ears.raises:
            raise ears.raises
        ears.heard.append(event.door_id)

    listen.__qualname__ = "listen"
    outbox.listens_to(DoorOpened)(listen)
    return ears


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.mark.usefixtures("context")
class TestOutbox:
    def test_what_is_published_is_heard_once_after_the_commit(self, ears: Ears) -> None:
        publish(DoorOpened(7))
        db.session.commit()
        assert outbox.deliver_due() == 1
        assert outbox.deliver_due() == 0
        assert ears.heard == [7]

    def test_what_is_rolled_back_never_happened(self, ears: Ears) -> None:
        publish(DoorOpened(7))
        db.session.rollback()
        assert outbox.deliver_due() == 0
        assert ears.heard == []

    def test_a_failure_is_kept_and_comes_again_after_a_pause(self, ears: Ears) -> None:
        publish(DoorOpened(7))
        db.session.commit()
        ears.raises = ValueError("the door is stuck")
        outbox.deliver_due()
        row = db.session.scalars(select(Delivery)).one()
        assert row.attempts == 1
        assert row.last_error == "ValueError: the door is stuck"
        assert outbox.deliver_due() == 0, "not at once"
        ears.raises = None
        with time_machine.travel(now() + timedelta(seconds=10)):
            assert outbox.deliver_due() == 1
        assert ears.heard == [7]

    def test_what_fails_five_times_is_set_aside_and_can_be_tried_again(self, ears: Ears) -> None:
        publish(DoorOpened(1))
        publish(DoorOpened(2))
        db.session.commit()
        ears.raises = ValueError("stuck")
        for hours in range(1, 8):
            with time_machine.travel(now() + timedelta(hours=hours)):
                outbox.deliver_due()
        aside = outbox.set_aside()
        assert [(row.attempts, row.payload["door_id"]) for row in aside] == [(5, 1), (5, 2)]
        ears.raises = None
        outbox.try_again(aside[0])
        db.session.commit()
        assert outbox.deliver_due() == 1
        assert ears.heard == [1]

    def test_being_asked_to_come_later_is_no_failure(self, ears: Ears) -> None:
        publish(DoorOpened(7))
        db.session.commit()
        ears.raises = Later(30)
        outbox.deliver_due()
        row = db.session.scalars(select(Delivery)).one()
        assert row.attempts == 0
        assert row.last_error is None
        assert timedelta(seconds=25) < row.due_at - now() <= timedelta(seconds=30)

    def test_a_worker_that_died_with_a_delivery_in_its_hands_is_followed_by_another(self, ears: Ears) -> None:
        publish(DoorOpened(7))
        db.session.commit()
        assert outbox._claim() is not None, "the first worker takes it, and dies"
        assert outbox.deliver_due() == 0, "while the lease holds nobody else takes it"
        with time_machine.travel(now() + outbox.LEASE + timedelta(seconds=1)):
            assert outbox.deliver_due() == 1
        assert ears.heard == [7]

    def test_a_delivery_that_kills_every_worker_is_set_aside(self, ears: Ears) -> None:
        publish(DoorOpened(7))
        db.session.commit()
        for number in range(1, 7):
            with time_machine.travel(now() + number * (outbox.LEASE + timedelta(seconds=1))):
                outbox._claim()
        assert [row.last_error for row in outbox.set_aside()] == ["the worker died while delivering this"]
        assert ears.heard == []


def test_a_worker_that_is_to_become_idle_delivers_everything_before_its_chores(
    app: Flask, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []
    chores = {"look": worker.Chore("look", 60, lambda: rounds.append(len(ears.heard)), in_every_worker=True)}
    monkeypatch.setattr(worker, "_chores", chores)
    with app.app_context():
        for number in range(120):  # more than two batches
            publish(DoorOpened(number))
        db.session.commit()
    worker.work(app, until_idle=True)
    assert rounds == [120]


def test_what_a_chore_publishes_is_delivered_and_looked_at_again(
    app: Flask, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    def once() -> None:
        rounds.append(len(ears.heard))
        if len(rounds) == 1:
            publish(DoorOpened(2))
            db.session.commit()

    monkeypatch.setattr(worker, "_chores", {"once": worker.Chore("once", 60, once, in_every_worker=True)})
    with app.app_context():
        publish(DoorOpened(1))
        db.session.commit()
    worker.work(app, until_idle=True)
    assert rounds == [1, 2]
