"""A second person reads a reply where a rule asks for it; nobody approves their own, and news comes first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import AuditEntry, User
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import approvals, approving, holding, replies, sending_settings
from desk.approvals import NeedsApproval
from desk.models import Conversation, Message
from desk.sending_models import HeldReply
from forum.models import Notification
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props


@pytest.fixture
def conversation(world: World) -> Conversation:
    world.everybody()
    return props.received(props.channel(world, endpoint="https://social.example/replies")).conversation


def rule(world: World, **conditions: Any) -> None:
    about: dict[str, Any] = {"channel": None, "of_trainees": False, "least_heat": None, "words": "", **conditions}
    approvals.add(about.pop("name", "legal"), **about, by=world.root)


def held(conversation: Conversation, by: User, text: str = "You may get a refund.") -> HeldReply:
    found = holding.keep(conversation, text=text, by=by, is_public=True, rule="legal")
    approvals.ask(found)
    return found


@pytest.mark.parametrize(
    ("conditions", "text", "asks"),
    [
        ({"words": "refund\nlawyer"}, "You may get a REFUND.", True),
        ({"words": "refund\nlawyer"}, "Restart it.", False),
        ({"of_trainees": True}, "Restart it.", True),
        ({"of_trainees": True, "words": "refund"}, "Restart it.", False),
        ({"least_heat": 50}, "You liars, this is bullshit!!!", True),
        ({"least_heat": 50}, "Restart it.", False),
    ],
)
def test_all_conditions_of_a_rule_must_hold(
    world: World, conversation: Conversation, conditions: dict[str, Any], text: str, asks: bool
) -> None:
    rule(world, **conditions)
    sending_settings.let_learn(world.dora, is_trainee=True, by=world.root)
    if asks:
        with pytest.raises(NeedsApproval):
            replies.reply(conversation, text=text, by=world.dora)
    else:
        assert replies.reply(conversation, text=text, by=world.dora).state == "queued"


def test_a_rule_for_a_channel_holds_there_only(world: World, conversation: Conversation) -> None:
    rule(world, channel=props.channel(world, "other"))
    assert replies.reply(conversation, text="Restart it.", by=world.dora)
    rule(world, name="here", channel=conversation.channel)
    with pytest.raises(NeedsApproval):
        replies.reply(conversation, text="Restart it.", by=world.dora)


def test_approved_it_goes_out_in_its_writers_name_and_the_log_says_who_read_it(
    world: World, conversation: Conversation
) -> None:
    rule(world, words="refund")
    waiting = held(conversation, world.dora)
    told = set(db.session.scalars(select(Notification.user_id)))
    assert told == {world.root.id}
    message = approving.approve(waiting, text="You will get a refund.", by=world.root)
    assert (message.by_id, message.text, message.is_public) == (world.dora.id, "You will get a refund.", True)
    assert db.session.scalars(select(HeldReply)).all() == []
    deed = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.reply.approve")).one()
    assert deed.after == {"author": world.dora.id, "rule": "legal", "is_edited": True}


def test_nobody_approves_their_own_and_learners_approve_nothing(world: World, conversation: Conversation) -> None:
    waiting = held(conversation, world.dora)
    learner = world.person("lina", "agent")
    sending_settings.let_learn(learner, is_trainee=True, by=world.root)
    for who in (world.dora, learner, world.alice, world.ada):
        with pytest.raises(NotAllowed):
            approving.approve(waiting, text="Yes", by=who)
        with pytest.raises(NotAllowed):
            approvals.give_back(waiting, note="", by=who)


def test_given_back_it_is_with_its_writer_and_the_note_too(world: World, conversation: Conversation) -> None:
    waiting = held(conversation, world.dora)
    approvals.give_back(waiting, note="Please without a promise.", by=world.root)
    mine = holding.of(conversation, viewer=world.dora).mine
    assert mine is not None
    assert (mine.reason, mine.note, mine.note_by) == ("returned", "Please without a promise.", world.root)
    with pytest.raises(Conflict):
        approvals.give_back(waiting, note="", by=world.root)


@pytest.mark.parametrize("news", ["new_message", "other_reply"])
def test_what_happens_meanwhile_comes_first(world: World, conversation: Conversation, news: str) -> None:
    waiting = held(conversation, world.dora)
    if news == "new_message":
        props.received(conversation.channel, "It works now", id="second")
    else:
        replies.reply(conversation, text="Restart it.", by=world.root)
    assert (waiting.state, waiting.reason) == ("back", news)
    with pytest.raises(Conflict):
        approving.approve(waiting, text="Yes", by=world.root)


def test_its_writer_takes_it_back(world: World, conversation: Conversation) -> None:
    waiting = held(conversation, world.dora)
    with pytest.raises(NotAllowed):
        holding.withdraw(waiting, by=world.root)
    holding.withdraw(waiting, by=world.dora)
    assert waiting.state == "back"


@pytest.mark.parametrize(
    ("about", "field"),
    [({"name": ""}, "name"), ({"words": ""}, "words"), ({"least_heat": 0}, "least_heat"), ({"name": "legal"}, "name")],
)
def test_a_rule_that_cannot_be_is_refused(world: World, about: dict[str, Any], field: str) -> None:
    rule(world, words="refund")
    with pytest.raises(Invalid) as refusal:
        rule(world, **{"name": "new", "words": "refund", **about})
    assert field in refusal.value.fields
    with pytest.raises(NotAllowed):
        approvals.remove(approvals.rules()[0], by=world.dora)


def test_of_two_who_approve_at_once_one_does(app: Flask, stage: Any, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> int:
        world.everybody()
        world.person("otto", "agent")
        conversation = props.received(props.channel(world, endpoint="https://social.example/replies")).conversation
        return held(conversation, world.dora).id

    held_id = stage(scene)
    browsers = [browser_of(handle) for handle in ("root", "otto")]
    with ThreadPoolExecutor(2) as pool:
        told = list(
            pool.map(lambda one: one.post(f"/desk/held/{held_id}/approval", data={"text": "Yes"}).status_code, browsers)
        )
    assert sorted(told) in ([303, 404], [303, 409])
    assert stage(lambda _: db.session.query(Message).filter_by(direction="out").count()) == 1


def test_on_the_pages_it_waits_is_read_and_goes_out(stage: Any, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> int:
        world.everybody()
        conversation = props.received(props.channel(world, endpoint="https://social.example/replies")).conversation
        rule(world, words="refund")
        return conversation.id

    conversation_id = stage(scene)
    dora, root = browser_of("dora"), browser_of("root")
    page = f"/desk/conversations/{conversation_id}"
    answer = dora.post(f"{page}/replies", data={"text": "A refund is possible.", "public": "yes"})
    assert answer.status_code == 303
    held_id = stage(lambda _: db.session.scalar(select(HeldReply.id)))
    assert "waits for a second person" in dora.get(page).text
    assert "A refund is possible." in dora.get("/desk/held").text
    assert dora.post(f"/desk/held/{held_id}/approval", data={"text": "Yes"}).status_code == 403
    assert "A refund is possible." in root.get(f"/desk/held/{held_id}").text
    answer = root.post(f"/desk/held/{held_id}/approval", data={"text": "Call 0171 5550123 for your refund."})
    assert answer.status_code == 409, "what speaks against it is shown to the second person, too"
    assert root.post(f"/desk/held/{held_id}/return", data={"note": "No figures, please."}).status_code == 303
    assert "No figures, please." in dora.get(page).text
    answer = dora.post(f"{page}/replies", data={"text": "A refund may be possible.", "held": held_id})
    again = stage(lambda _: db.session.scalar(select(HeldReply.id)))
    assert again != held_id
    assert root.post(f"/desk/held/{again}/approval", data={"text": "A refund may be possible."}).status_code == 303
    assert root.get(f"/desk/held/{again}").status_code == 404
    sent = stage(lambda _: db.session.scalars(select(Message).where(Message.direction == "out")).one().by_id)
    assert sent == stage(lambda world: world.dora.id)
