"""Out of the way until a moment: back at its time, and at once when the customer writes, and its history says so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core import clock
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import conversations, listing, replies, snoozing
from desk.models import Conversation
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def conversation(world: World) -> Conversation:
    return received(channel(world, endpoint="https://social.example/replies")).conversation


def keys(world: World, view: Any) -> list[int]:
    return [line.conversation.id for line in listing.listing(view, viewer=world.dora).lines]


def deeds() -> list[tuple[str, str]]:
    rows = db.session.scalars(
        select(AuditEntry).where(AuditEntry.subject_kind == "conversation").order_by(AuditEntry.id)
    )
    return [(row.deed.rsplit(".", 1)[1], row.reason) for row in rows]


def test_it_is_out_of_the_way_until_its_time_whether_or_not_a_worker_runs(
    world: World, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    snoozing.snooze(conversation, now() + timedelta(hours=2), by=world.dora)
    assert keys(world, "waiting") == []
    assert keys(world, "snoozed") == [conversation.id]
    later = now() + timedelta(hours=2, seconds=1)
    monkeypatch.setattr(listing, "now", lambda: later)
    assert keys(world, "waiting") == [conversation.id]
    assert keys(world, "snoozed") == []


def test_the_worker_notes_once_that_its_time_came(world: World, conversation: Conversation) -> None:
    snoozing.snooze(conversation, now() + timedelta(hours=2), by=world.dora)
    assert snoozing.wake_due() == 0
    conversation.snoozed_until = now() - timedelta(seconds=1)
    db.session.commit()
    assert snoozing.wake_due() == 1
    assert snoozing.wake_due() == 0
    assert conversation.snoozed_until is None
    assert deeds() == [("snooze", ""), ("wake", "its time came")]


def test_it_comes_back_at_once_when_the_customer_writes(world: World, conversation: Conversation) -> None:
    snoozing.snooze(conversation, now() + timedelta(days=2), by=world.dora)
    received(conversation.channel, "And now?", id="post-2", created_at=now())
    assert conversation.snoozed_until is None
    assert conversation.state == "new", "nobody has opened it yet"
    assert deeds()[-1] == ("change_state", "the customer wrote")


def test_a_conversation_that_is_done_opens_when_the_customer_writes_and_the_history_says_why(
    world: World, conversation: Conversation
) -> None:
    replies.reply(conversation, text="Please restart it.", by=world.dora)
    conversations.change_state(conversation, "solved", by=world.dora)
    received(conversation.channel, "Still dark", id="post-2", created_at=now())
    assert conversation.state == "open"
    assert deeds() == [("change_state", "a reply"), ("change_state", ""), ("change_state", "the customer wrote")]


def test_solving_ends_the_sleep_and_what_is_done_cannot_be_snoozed(world: World, conversation: Conversation) -> None:
    snoozing.snooze(conversation, now() + timedelta(days=2), by=world.dora)
    conversations.change_state(conversation, "solved", by=world.dora)
    assert conversation.snoozed_until is None
    with pytest.raises(Invalid):
        snoozing.snooze(conversation, now() + timedelta(days=2), by=world.dora)


@pytest.mark.parametrize("wrong", [timedelta(0), timedelta(seconds=-1), timedelta(days=400)], ids=str)
def test_only_a_moment_in_the_next_year_will_do(world: World, conversation: Conversation, wrong: timedelta) -> None:
    with pytest.raises(Invalid) as refused:
        snoozing.snooze(conversation, now() + wrong, by=world.dora)
    assert "until" in refused.value.fields


def test_only_agents_snooze_and_wake(world: World, conversation: Conversation) -> None:
    for stranger in (world.alice, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            snoozing.snooze(conversation, now() + timedelta(hours=1), by=stranger)
        with pytest.raises(NotAllowed):
            snoozing.wake(conversation, by=stranger)


def test_in_the_browser_with_a_button_or_a_moment_and_the_history_of_it(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return received(channel(world)).conversation_id

    number = stage(scene)
    dora = browser_of("dora")
    here = f"/desk/conversations/{number}"
    assert dora.post(f"{here}/snooze", data={"minutes": "60"}).status_code == 303
    assert "snoozed, back" in dora.get(here).text
    assert dora.post(f"{here}/waking").status_code == 303
    assert "snoozed, back" not in dora.get(here).text
    for typed in ("", "yesterday", "0001-01-01T00:00", "2026-01-05T10:00", "9999-12-31T23:59"):
        refused = dora.post(f"{here}/snooze", data={"until": typed})
        assert refused.status_code == 422
        assert f'value="{typed}"' in refused.text
    tomorrow = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert dora.post(f"{here}/snooze", data={"until": tomorrow}).status_code == 303
    history = dora.get(f"{here}/history").text
    assert "Snoozed until" in history
    assert " UTC" in history
    assert "No longer snoozed" in history
    assert "Dora" in history
