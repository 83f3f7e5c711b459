"""The next best item: what is due first, for whoever asks; ten who ask at once get ten."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import conversations, next_best, snoozing
from desk.inbox_models import PassedOver
from desk.models import Conversation
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel
from tests.desk.test_inbox_views import conversation

Stage = Callable[[Callable[[World], Any]], Any]
AGENTS = 10


def test_what_is_due_first_comes_first_and_is_taken(world: World) -> None:
    on = channel(world)
    late, early = conversation(on, "late", minutes=5), conversation(on, "early", minutes=50)
    assert next_best.take(by=world.dora) == early
    assert (early.assignee, early.state) == (world.dora, "open")
    assert next_best.take(by=world.dora, after=early) == late
    assert next_best.take(by=world.dora, after=late) == early, "after the last one comes the first"


def test_what_presses_more_goes_before_what_is_due_earlier(world: World) -> None:
    on = channel(world)
    early, pressing, late = (
        conversation(on, name, minutes=minutes) for name, minutes in (("a", 50), ("b", 5), ("c", 1))
    )
    pressing.priority = early.priority + 1000
    db.session.flush()
    assert next_best.take(by=world.dora) == pressing
    assert next_best.take(by=world.dora, after=pressing) == early
    assert next_best.take(by=world.dora, after=early) == late
    assert next_best.take(by=world.dora, after=late) == pressing


def test_what_sleeps_is_done_or_is_a_colleagues_is_not_given(world: World) -> None:
    on = channel(world)
    ben = world.person("ben", "agent")
    snoozing.snooze(conversation(on, "asleep", minutes=50), now() + timedelta(hours=1), by=world.dora)
    conversations.change_state(conversation(on, "done", minutes=40), "solved", by=world.dora)
    conversations.assign(conversation(on, "bens", minutes=30), ben, by=world.dora)
    assert next_best.take(by=world.dora) is None
    own = conversation(on, "own", minutes=1)
    conversations.assign(own, world.dora, by=world.dora)
    assert next_best.take(by=world.dora) == own
    assert next_best.take(by=world.dora, after=own) is None, "there is no other"


def test_only_agents_are_given_anything(world: World) -> None:
    conversation(channel(world), "max")
    for stranger in (world.alice, world.ada):
        with pytest.raises(NotAllowed):
            next_best.take(by=stranger)


def test_ten_agents_at_once_get_ten_conversations(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> list[int]:
        on = channel(world)
        for number in range(AGENTS + 2):
            conversation(on, f"c{number}", minutes=number + 1)
        return [world.person(f"agent{number}", "agent").id for number in range(AGENTS)]

    agents = stage(scene)
    start = threading.Barrier(AGENTS)
    taken: list[int | None] = []
    troubles: list[BaseException] = []

    def press(agent_id: int) -> None:
        from accounts.models import User

        with app.app_context():
            try:
                agent = db.session.get_one(User, agent_id)
                db.session.rollback()
                start.wait(timeout=20)
                agent = db.session.get_one(User, agent_id)
                found = next_best.take(by=agent)
                taken.append(None if found is None else found.id)
                db.session.commit()
            except BaseException as trouble:  # noqa: BLE001 -- told below, in the thread of the test
                troubles.append(trouble)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=press, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert troubles == []
    assert None not in taken
    assert len(set(taken)) == AGENTS
    with app.app_context():
        with_somebody = db.session.scalars(
            db.select(Conversation.assignee_id).where(Conversation.assignee_id.is_not(None))
        ).all()
    assert sorted(with_somebody) == sorted(agents), "each has one"


def test_the_button_leads_to_it_and_says_when_nobody_waits(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return conversation(channel(world), "max").id

    number = stage(scene)
    dora = browser_of("dora")
    assert dora.post("/desk/next").headers["Location"].startswith(f"/desk/conversations/{number}")
    for after in (str(number), "nonsense", "9" * 30, "-1"):
        assert dora.post("/desk/next", data={"after": after}).status_code == 303
    dora.post(f"/desk/conversations/{number}/state", data={"state": "solved"})
    answer = dora.post("/desk/next", follow_redirects=True)
    assert "Nobody else is waiting for you" in answer.text


def test_what_was_passed_over_goes_back_and_is_offered_to_others_only(world: World) -> None:
    on = channel(world)
    early, late = conversation(on, "early", minutes=50), conversation(on, "late", minutes=5)
    assert next_best.take(by=world.dora) == early
    next_best.pass_over(early, reason="I know nothing of routers", by=world.dora)
    next_best.pass_over(early, reason="Still nothing", by=world.dora)
    assert early.assignee is None
    assert next_best.take(by=world.dora) == late
    assert next_best.take(by=world.root) == early
    with pytest.raises(Conflict):
        next_best.pass_over(early, reason="It is with somebody", by=world.dora)
    said = db.session.scalars(select(AuditEntry.reason).where(AuditEntry.deed == "desk.conversation.pass_over")).all()
    assert said == ["I know nothing of routers", "Still nothing"]


def test_after_some_time_it_is_offered_again_and_what_a_colleague_gives_is_ones_own(world: World) -> None:
    one = conversation(channel(world), "one")
    next_best.pass_over(one, reason="Not now", by=world.dora)
    assert next_best.take(by=world.dora) is None
    conversations.assign(one, world.dora, by=world.root)
    assert next_best.take(by=world.dora) == one
    next_best.pass_over(one, reason="Not now", by=world.dora)
    db.session.execute(update(PassedOver).values(until=now() - timedelta(seconds=1)))
    assert next_best.take(by=world.dora) == one


def test_passing_takes_a_reason_and_a_right(world: World) -> None:
    one = conversation(channel(world), "one")
    for reason in ("", "no", "x" * 201):
        with pytest.raises(Invalid):
            next_best.pass_over(one, reason=reason, by=world.dora)
    with pytest.raises(NotAllowed):
        next_best.pass_over(one, reason="I am a stranger", by=world.alice)


def test_by_button_the_next_one_opens(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, int]:
        on = channel(world)
        world.everybody()
        return conversation(on, "early", minutes=50).id, conversation(on, "late", minutes=5).id

    early, late = stage(scene)
    dora = browser_of("dora")
    dora.post("/desk/next")
    assert "Pass it over" in dora.get(f"/desk/conversations/{early}/passing").text
    assert dora.post(f"/desk/conversations/{early}/passing", data={"reason": ""}).status_code == 422
    answer = dora.post(f"/desk/conversations/{early}/passing", data={"reason": "Not mine"})
    assert answer.headers["Location"] == f"/desk/conversations/{late}#newest"
    assert "Not mine" in dora.get(f"/desk/conversations/{early}/history").text
