"""Nobody is forgotten: who waits too long alarms every agent once, on every channel, and again when they wait again."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import now
from core.db import db
from desk import conversations, replies
from forum import alarms, notifications
from forum.models import Notification
from tests.cast import World
from tests.desk.stage import channel, received
from tests.desk.test_inbox_views import conversation


def told(handle_id: int) -> list[str]:
    rows = db.session.scalars(
        select(Notification)
        .where(Notification.user_id == handle_id, Notification.kind == "customer_forgotten")
        .order_by(Notification.id)
    )
    return [notifications.sentence(row) for row in rows]


def test_who_was_not_answered_in_time_alarms_each_agent_once(world: World) -> None:
    world.everybody()
    on, other = channel(world, endpoint="https://social.example/replies"), channel(world, "mail")
    late = conversation(on, "late", minutes=60 * 7)
    conversation(other, "unopened", minutes=60 * 8)
    conversation(on, "fresh", minutes=60 * 5)
    conversations.change_state(conversation(on, "solved", minutes=60 * 9), "solved", by=world.dora)
    alarms.raise_alarms()
    alarms.raise_alarms()
    assert told(world.dora.id) == [
        "Unopened has not been answered for too long.",
        "Late has not been answered for too long.",
    ]
    assert told(world.ada.id) == told(world.alice.id) == []
    replies.reply(late, text="Please restart it.", by=world.dora)
    received(on, "Again", conversation="late", id="again", created_at=now() - timedelta(hours=6, minutes=30))
    alarms.raise_alarms()
    assert len(told(world.dora.id)) == 3, "who waits anew alarms anew"


def test_those_behind_the_first_fifty_have_their_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "MOST_AT_ONCE", 2)
    on = channel(world)
    for number in range(5):
        conversation(on, f"c{number}", minutes=60 * 7 + number)
    world.dora.id  # noqa: B018 -- Dora is there before the alarm
    for expected in (2, 4, 5, 5):
        alarms.raise_alarms()
        assert len(told(world.dora.id)) == expected
