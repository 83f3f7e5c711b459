"""Who wants to be called is called in the hours that suit; the number is kept no longer than that takes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from desk import call_backs
from desk.models import Conversation
from desk.promise_models import CallBack
from forum.models import Notification
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
PHONE = "+49 30 901820"


@pytest.fixture
def conversation(world: World) -> Conversation:
    world.everybody()
    return received(channel(world, endpoint="https://social.example/replies")).conversation


def arranged(conversation: Conversation, world: World, **about: Any) -> CallBack:
    given = {
        "phone": PHONE,
        "since": now() - timedelta(minutes=1),
        "until": now() + timedelta(hours=2),
        "owner": world.dora,
        "by": world.dora,
        "about": "The router",
    }
    return call_backs.arrange(conversation, **(given | about))


def test_the_number_is_ciphertext_and_is_forgotten_when_the_call_is_over(
    world: World, conversation: Conversation
) -> None:
    call = arranged(conversation, world)
    stored = db.session.execute(text("select phone from call_back")).scalar_one()
    assert "901820" not in stored
    call_backs.note_attempt(call, "no_answer", by=world.dora)
    assert (call.state, call.phone) == ("open", PHONE)
    call_backs.note_attempt(call, "reached", note="It works again.", by=world.dora)
    assert (call.state, call.phone) == ("reached", None)
    assert [one.result for one in call.attempts] == ["no_answer", "reached"]
    with pytest.raises(Conflict):
        call_backs.note_attempt(call, "busy", by=world.dora)


def test_after_some_calls_in_vain_it_is_given_up(world: World, conversation: Conversation) -> None:
    call = arranged(conversation, world)
    for _ in range(3):
        call_backs.note_attempt(call, "busy", by=world.dora)
    assert (call.state, call.phone) == ("given_up", None)
    other = arranged(conversation, world)
    call_backs.cancel(other, by=world.dora)
    assert (other.state, other.phone) == ("cancelled", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": ""},
        {"phone": "call me"},
        {"phone": "1" * 41},
        {"until": now() - timedelta(days=2)},
        {"since": now() + timedelta(days=1), "until": now() + timedelta(hours=1)},
        {"until": now() + timedelta(days=40)},
        {"about": "x" * 501},
    ],
)
def test_what_makes_no_sense_is_refused(world: World, conversation: Conversation, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        arranged(conversation, world, **wrong)


def test_strangers_learn_nothing(world: World, conversation: Conversation) -> None:
    call = arranged(conversation, world)
    for stranger in (world.bob, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            arranged(conversation, world, by=stranger)
        with pytest.raises(NotFound):
            call_backs.visible_call(call.id, viewer=stranger)
        assert not call_backs.listing("today", viewer=stranger).items
    with pytest.raises(Invalid):
        arranged(conversation, world, owner=world.bob)
    with pytest.raises(Invalid):
        call_backs.note_attempt(call, "nonsense", by=world.dora)


def test_who_calls_is_told_once_when_the_hours_begin(world: World, conversation: Conversation) -> None:
    arranged(conversation, world)
    later = arranged(conversation, world, since=now() + timedelta(days=2), until=now() + timedelta(days=2, hours=1))
    assert call_backs.look_after() == 1
    assert call_backs.look_after() == 0
    assert db.session.query(Notification).filter_by(kind="call_back").one().user_id == world.dora.id
    assert later not in call_backs.listing("today", viewer=world.dora).items


def test_pages_note_and_show_it(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id: int = stage(
        lambda world: (world.dora, received(channel(world, endpoint="https://a.example/r")).conversation_id)[1]
    )
    agent = browser_of("dora")
    window = {
        "since": (now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M+00:00"),
        "until": (now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M+00:00"),
    }
    agent.post(f"/desk/conversations/{conversation_id}/calls", data={"phone": PHONE, "since": "x", "until": ""})
    assert stage(lambda _: db.session.query(CallBack).count()) == 0
    agent.post(f"/desk/conversations/{conversation_id}/calls", data={"phone": PHONE, **window, "about": "<i>router"})
    page = agent.get("/desk/calls").text
    assert PHONE in page
    assert "&lt;i&gt;router" in page
    assert PHONE in agent.get(f"/desk/conversations/{conversation_id}").text
    call_id = stage(lambda _: db.session.query(CallBack).one().id)
    agent.post(f"/desk/calls/{call_id}/attempts", data={"result": "reached", "next": "list"})
    assert PHONE not in agent.get("/desk/calls").text
    assert "The number is forgotten" in agent.get(f"/desk/conversations/{conversation_id}").text
