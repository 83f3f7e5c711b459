"""What speaks against a draft is shown before it goes out, and the writer decides."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.db import db
from desk import objections, replies
from desk.models import Conversation, Message
from desk.objections import Draft, Objected, Objection, WayOut
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
PRIVATE = "Your number 0171 5550123 is right, so we look together."


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    def scene(world: World) -> int:
        assert world.dora
        return received(channel(world, endpoint="https://social.example/replies")).conversation_id

    found: int = stage(scene)
    return found


@pytest.fixture
def final() -> Iterator[None]:
    """A check that cannot be overruled."""

    def never(draft: Draft) -> Iterator[Objection]:
        if "password" in draft.text:
            yield Objection(code="never", words="Never ask for this.", said="password", is_final=True)

    objections.register(never)
    yield
    objections._checks.remove(never)


def sent(stage: Stage) -> int:
    count: int = stage(lambda _: db.session.query(Message).filter_by(direction="out").count())
    return count


def test_personal_data_in_a_public_reply_is_shown_first_and_sent_when_it_is_meant(
    stage: Stage, browser_of: Callable[[str], Browser], conversation_id: int
) -> None:
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/replies"
    answer = agent.post(path, data={"text": PRIVATE})
    assert answer.status_code == 409
    assert PRIVATE in answer.text, "nothing typed is lost"
    assert "Please look at this before it goes out" in answer.text
    assert sent(stage) == 0
    seals = re.search(r'name="confirmed" value="([0-9a-f ]+)"', answer.text)
    assert seals is not None
    changed = agent.post(path, data={"text": PRIVATE.replace("0171 5550123", "030 901820"), "confirmed": seals[1]})
    assert changed.status_code == 409, "another number is another decision"
    assert agent.post(path, data={"text": PRIVATE, "confirmed": seals[1]}).status_code == 303
    assert sent(stage) == 1


def test_the_way_out_is_a_button(browser_of: Callable[[str], Browser], conversation_id: int) -> None:
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/replies"
    way = re.search(r'name="mend" value="([^"]+)"', agent.post(path, data={"text": PRIVATE}).text)
    assert way is not None
    page = agent.post(path, data={"text": PRIVATE, "mend": way[1]}).text
    assert "0171 5550123" not in page
    assert "so we look together." in page
    for nonsense in ("", "x", f"{way[1]}9", "0123:0", way[1].split(":")[0]):
        assert PRIVATE in agent.post(path, data={"text": PRIVATE, "mend": nonsense}).text


def test_in_private_nobody_objects_to_what_the_customer_may_know(world: World) -> None:
    world.everybody()
    conversation = received(channel(world, endpoint="https://social.example/replies"), is_public=False).conversation
    assert replies.objections_to(conversation, PRIVATE, by=world.dora) == []
    assert [one.code for one in replies.objections_to(conversation, PRIVATE, by=world.dora, is_public=True)] == [
        "pii_out",
        "goes_public",
    ]


@pytest.mark.usefixtures("final")
def test_what_is_final_stops_programs_too(world: World) -> None:
    world.everybody()
    agent = world.dora
    conversation = received(channel(world, endpoint="https://social.example/replies")).conversation
    with pytest.raises(Objected) as refused:
        replies.reply(conversation, text="Your password and your number 0171 5550123 are right.", by=agent)
    assert [one.code for one in refused.value.objections] == ["never", "pii_out"]
    seals = [one.seal for one in refused.value.objections]
    with pytest.raises(Objected):
        replies.reply(
            conversation, text="Your password and your number 0171 5550123 are right.", by=agent, confirmed=seals
        )
    assert replies.reply(conversation, text="You have 0171 5550123.", by=agent).state == "queued"
    assert db.session.query(Conversation).one().state == "waiting_customer"


def test_a_way_out_takes_the_place_of_what_was_said() -> None:
    one = Objection(code="x", words="…", said="bad", ways_out=(WayOut(label="Good", instead="good"),))
    assert objections.mended("a bad, bad day", one, 0) == "a good, bad day"


def test_no_way_out_leads_where_the_service_has_no_way(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    conversation = received(on, "Mein Router ist aus.", locale="de").conversation

    def ways() -> int:
        found = replies.objections_to(conversation, "Bitte rufen Sie unsere Hotline an.", by=world.dora)
        return sum(len(one.ways_out) for one in found)

    with_private = ways()
    conversation.capabilities = {"private": False}
    assert 0 < ways() < with_private
