"""Since when somebody waits and until when they are to have an answer: set together, stopped together."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.clock import now
from core.errors import Conflict, Invalid, NotAllowed
from desk import clocks, conversations, inbox, replies, sla
from desk.clock_models import AnswerPolicy
from desk.models import Channel, Conversation
from tests.cast import World
from tests.desk.stage import channel, received


def test_the_clock_runs_from_the_first_unanswered_message(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    first = received(on, created_at=now() - timedelta(minutes=50))
    conversation = first.conversation
    assert conversation.due_at == first.created_at + timedelta(minutes=60)
    received(on, created_at=now() - timedelta(minutes=10))
    assert conversation.due_at == first.created_at + timedelta(minutes=60), "asking again does not start it anew"
    earlier = received(on, created_at=now() - timedelta(minutes=55))
    assert conversation.due_at == earlier.created_at + timedelta(minutes=60), "order of arrival does not matter"


def test_an_answer_stops_it_and_the_next_message_starts_it(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    conversation = received(on).conversation
    replies.reply(conversation, text="Please restart it.", by=world.dora)
    assert (conversation.waiting_since, conversation.due_at) == (None, None)
    again = received(on, id="post-2", created_at=now())
    assert conversation.due_at == again.created_at + timedelta(minutes=60)
    conversations.change_state(conversation, "no_answer", by=world.dora)
    assert conversation.due_at is None
    conversations.change_state(conversation, "open", by=world.dora)
    assert conversation.due_at == again.created_at + timedelta(minutes=60)


def office(world: World, on: Channel, **changes: Any) -> AnswerPolicy:
    """A policy of the channel: an hour, by a calendar that is open from nine to six on weekdays in Berlin."""
    calendar = sla.save_calendar(
        None,
        name="Office",
        time_zone="Europe/Berlin",
        region="DE-BW",
        days=["9-18"] * 5 + ["", ""],
        closed="2026-12-24 Christmas Eve",
        by=world.root,
    )
    minutes = {"first_minutes": 60, "hard_minutes": 360, "next_minutes": 120, "solution_minutes": 0, "warn_minutes": 15}
    about: dict[str, Any] = {
        "name": "Office hours",
        "channel_id": on.id,
        "calendar_id": calendar.id,
        "from_priority": None,
        "intent": "",
        "minutes": minutes | changes.pop("minutes", {}),
        "rests_inside": True,
    }
    return sla.save_policy(None, **about | changes, by=world.root)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let it be this moment for the clock of conversations."""
    for module in (clocks, inbox, replies):
        monkeypatch.setattr(module, "now", lambda: moment)


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo("Europe/Berlin"))  # type: ignore[arg-type, misc]


def kinds(conversation: Conversation) -> list[str]:
    return [one.kind for one in clocks.history(conversation)]


def test_a_message_on_friday_evening_is_due_on_monday(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    office(world, on)
    at(monkeypatch, berlin(2026, 1, 9, 17, 55))
    conversation = received(on, created_at=berlin(2026, 1, 9, 17, 50)).conversation
    assert (conversation.due_at, conversation.due_for) == (berlin(2026, 1, 12, 9, 50), "first")
    clock = conversation.clock
    assert clock is not None
    assert (clock.policy_name, clock.hard_due_at) == ("Office hours", berlin(2026, 1, 12, 14, 50))
    at(monkeypatch, berlin(2026, 1, 12, 9, 30))
    replies.reply(conversation, text="Please restart it.", by=world.dora)
    [told] = clocks.history(conversation)
    assert (told.kind, told.promise, told.seconds, told.is_kept, told.hour) == ("answered", "first", 40 * 60, True, 17)
    assert (conversation.due_at, conversation.due_for, conversation.waiting_since) == (None, None, None)
    again = received(on, id="post-2", created_at=berlin(2026, 1, 12, 9, 30)).conversation
    assert (again.due_at, again.due_for) == (berlin(2026, 1, 12, 11, 30), "next")


def test_the_narrowest_policy_holds_and_one_for_another_channel_does_not(world: World) -> None:
    on, other = channel(world), channel(world, "other")
    office(world, on)
    urgent = sla.save_policy(
        None,
        name="Urgent",
        channel_id=on.id,
        calendar_id=None,
        from_priority=50,
        intent="complaint",
        minutes=dict.fromkeys(sla.TIMES, 10),
        rests_inside=True,
        by=world.root,
    )
    assert sla.promised(sla.Standing(on.id)).name == "Office hours"
    assert sla.promised(sla.Standing(on.id, 49, "complaint")).name == "Office hours"
    assert sla.promised(sla.Standing(on.id, 50, "complaint")).policy_id == urgent.id
    assert sla.promised(sla.Standing(other.id, 90, "complaint")).policy_id is None


def test_a_clock_stands_while_a_colleague_is_asked_and_runs_on_where_it_stood(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    office(world, on)
    at(monkeypatch, berlin(2026, 1, 9, 17, 0))
    conversation = received(on, created_at=berlin(2026, 1, 9, 17, 0)).conversation
    at(monkeypatch, berlin(2026, 1, 9, 17, 20))
    conversations.change_state(conversation, "waiting_inside", by=world.dora)
    assert conversation.due_for == "first", "without an owner nobody is asked, and it runs"
    conversations.assign(conversation, world.dora, by=world.dora)
    assert (conversation.due_at, conversation.due_for) == (berlin(2026, 1, 12, 14, 0), "hard"), "that one knows no rest"
    assert conversation.waiting_since == berlin(2026, 1, 9, 17, 0)
    at(monkeypatch, berlin(2026, 1, 12, 11, 0))
    conversations.assign(conversation, world.root, by=world.dora)
    assert conversation.due_for == "hard", "it stands on with another owner"
    conversations.change_state(conversation, "open", by=world.root)
    assert (conversation.due_at, conversation.due_for) == (berlin(2026, 1, 12, 11, 40), "first")
    assert kinds(conversation) == ["moved", "paused", "moved", "resumed"]
    stood = clocks.history(conversation)[-1]
    assert (stood.since, stood.at, stood.by_id) == (
        berlin(2026, 1, 9, 17, 20),
        berlin(2026, 1, 12, 11, 0),
        world.root.id,
    )
    at(monkeypatch, berlin(2026, 1, 12, 11, 30))
    replies.reply(conversation, text="Please restart it.", by=world.dora)
    told = clocks.history(conversation)[-1]
    assert (told.seconds, told.is_kept) == (50 * 60, True)


def test_moving_it_to_somebody_else_starts_nothing_anew(world: World) -> None:
    conversation = received(channel(world)).conversation
    due = conversation.due_at
    for to in (world.dora, world.root, None):
        conversations.assign(conversation, to, by=world.root)
        assert conversation.due_at == due
    assert kinds(conversation) == ["moved"] * 3


def test_a_new_message_wakes_what_was_put_aside(world: World) -> None:
    on = channel(world)
    conversation = received(on, created_at=now() - timedelta(minutes=10)).conversation
    clocks.pause(conversation, "snoozed", by=world.dora)
    assert conversation.due_for == "hard"
    clocks.pause(conversation, "inside", by=world.dora)
    assert kinds(conversation) == ["paused"], "what stands cannot be stopped"
    received(on, id="post-2", created_at=now())
    assert (conversation.due_for, kinds(conversation)) == ("first", ["paused", "resumed"])
    left = conversation.due_at - now()  # type: ignore[operator]
    assert timedelta(minutes=49) < left <= timedelta(minutes=50)


def test_what_was_late_when_it_was_put_aside_stays_late(world: World) -> None:
    conversation = received(channel(world), created_at=now() - timedelta(minutes=90)).conversation
    due = conversation.due_at
    clocks.pause(conversation, "snoozed", by=world.dora)
    assert conversation.due_at == due
    clocks.resume(conversation, by=world.dora)
    assert conversation.due_at == due


def test_solved_and_opened_again_is_written_down(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    conversation = received(on).conversation
    replies.reply(conversation, text="Please restart it.", by=world.dora)
    conversations.change_state(conversation, "solved", by=world.dora)
    conversations.change_state(conversation, "solved", by=world.dora)
    received(on, id="post-2", created_at=now())
    assert kinds(conversation) == ["answered", "solved", "reopened"]
    assert conversation.clock is not None
    assert (conversation.clock.reopened, conversation.due_for) == (1, "next")


def test_the_time_to_a_solution_stands_while_the_customer_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    office(world, on, minutes={"solution_minutes": 90, "next_minutes": 500})
    at(monkeypatch, berlin(2026, 1, 12, 9, 0))
    conversation = received(on, created_at=berlin(2026, 1, 12, 9, 0)).conversation
    at(monkeypatch, berlin(2026, 1, 12, 9, 30))
    replies.reply(conversation, text="Which router is it?", by=world.dora)
    at(monkeypatch, berlin(2026, 1, 12, 15, 0))
    received(on, id="post-2", created_at=berlin(2026, 1, 12, 15, 0))
    assert (conversation.due_at, conversation.due_for) == (berlin(2026, 1, 12, 16, 0), "solution")


def test_a_reply_that_never_went_out_answered_nobody(world: World) -> None:
    conversation = received(channel(world, endpoint="https://social.example/replies")).conversation
    before = conversation.waiting_since, conversation.due_at
    reply = replies.reply(conversation, text="Please restart it.", by=world.dora)
    clocks.take_back(reply)
    assert (conversation.waiting_since, conversation.due_at) == before
    assert (conversation.due_for, kinds(conversation)) == ("first", [])


def test_a_priority_that_becomes_known_later_brings_its_own_promise(world: World) -> None:
    on = channel(world)
    conversation = received(on).conversation
    office(world, on, name="Urgent", from_priority=50, intent="", calendar_id=None, minutes={"first_minutes": 5})
    conversation.priority = 70
    clocks.choose_again(conversation)
    assert conversation.due_at == conversation.waiting_since + timedelta(minutes=5)  # type: ignore[operator]
    clocks.choose_again(conversation)
    assert kinds(conversation) == ["promised"]


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
def test_a_message_from_another_age_starts_the_clock(world: World, moment: datetime) -> None:
    on = channel(world)
    office(world, on)
    assert received(on, id="old", created_at=moment).conversation.due_at is not None


def test_hours_are_read_as_people_write_them() -> None:
    assert sla.read_hours("13:30–18, 9:00-12:30") == [[540, 750], [810, 1080]]
    assert sla.read_hours("0-24") == [[0, 1440]]
    assert sla.written_hours([[540, 750]]) == "9:00-12:30"
    for wrong in ("9", "18-9", "9-25", "9:60-10", "9-12, 11-13", "neun-zehn", "1-2,3-4,5-6,7-8,9-10,11-12,13-14", "-"):
        with pytest.raises(Invalid):
            sla.read_hours(wrong)
    with pytest.raises(Invalid):
        sla.read_closed("24.12.2026 Heiligabend")


def test_only_admins_say_what_is_promised(world: World) -> None:
    with pytest.raises(NotAllowed):
        sla.save_calendar(None, name="x", time_zone="UTC", region="", days=["9-18"] * 7, closed="", by=world.dora)
    with pytest.raises(Invalid) as refused:
        sla.save_calendar(None, name="", time_zone="Mars", region="XX", days=["x"] * 7, closed="x", by=world.root)
    assert {"name", "time_zone", "region", "day_0", "closed"} <= set(refused.value.fields)
    on = channel(world)
    found = office(world, on)
    with pytest.raises(Conflict):
        sla.remove_calendar(found.calendar, by=world.root)  # type: ignore[arg-type]
    received(on)
    sla.remove_policy(found, by=world.root)
    with pytest.raises(Invalid):
        office(world, on, minutes={"first_minutes": 0})
