"""Rules: what they go by, what they do, once, in their order; and what they would have done."""

import time
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core.db import db
from core.errors import Invalid, NotAllowed
from desk.events import MessageReceived
from desk.models import Channel, Message
from desk.triage import priority, receiving, rules
from desk.triage.rules import Facts
from desk.triage.tables import ConversationMute, ConversationStanding, ConversationTag, DeskRule, DeskRuleHit
from forum.models import Notification
from tests.cast import World
from tests.desk import stage as props

FACTS = Facts("My Router is broken", "@max@social.example Max", "social", "en", 1200, "implicit", is_public=True)


@pytest.fixture
def on(world: World) -> Channel:
    return props.channel(world)


def rule(world: World, conditions: dict[str, Any], deeds: dict[str, Any], *, stops: bool = False) -> DeskRule:
    made = rules.write(None, name="A rule", conditions=conditions, deeds=deeds, stops=stops, by=world.root)
    rules.switch(made, on=True, by=world.root)
    return made


def arrived(on: Channel, text: str = "My router is broken.", **about: Any) -> Message:
    message = props.received(on, text, **about)
    receiving.take_in(MessageReceived(message.conversation_id, message.id))
    return message


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({"words": ["router", "lamp"]}, True),
        ({"words": ["lamp"]}, False),
        ({"author": "max"}, True),
        ({"channel": "social", "locale": "en"}, True),
        ({"channel": "other"}, False),
        ({"intents": ["implicit"], "reach_from": 1000}, True),
        ({"intents": ["implicit"], "reach_from": 5000}, False),
        ({"reach_to": 1200}, True),
        ({"public": False}, False),
        ({}, False),
    ],
)
def test_all_that_is_set_must_hold(conditions: dict[str, Any], holds: bool) -> None:
    assert rules.matches(conditions, FACTS) is holds


def test_a_rule_does_what_it_says_once_and_it_is_audited(world: World, on: Channel) -> None:
    dora = world.dora
    deeds = {"tag": "Hardware", "assign": dora.id, "lift": 2, "alert": True}
    made = rule(world, {"words": "broken, kaputt"}, deeds)
    message = arrived(on)
    before = message.conversation.priority
    receiving.take_in(MessageReceived(message.conversation_id, message.id))
    assert message.conversation.assignee_id == dora.id
    assert db.session.scalars(select(ConversationTag.tag)).all() == ["hardware"]
    assert db.session.get_one(ConversationStanding, message.conversation_id).lift == 2
    assert message.conversation.priority == before
    assert before // priority.BAND >= 2
    assert db.session.scalars(select(Notification.kind).where(Notification.user_id == dora.id)).all() == ["desk_rule"]
    hit = db.session.scalars(select(DeskRuleHit)).one()
    assert (hit.rule_id, hit.did) == (made.id, ["tag", "assign", "lift", "alert"])
    assert db.session.scalar(select(AuditEntry.deed).where(AuditEntry.deed == "desk.rule.apply"))


def test_a_rule_may_mute_and_the_clock_stops(world: World, on: Channel) -> None:
    rule(world, {"words": "win a prize"}, {"mute": True})
    message = arrived(on, "Click here and WIN A PRIZE!")
    assert (message.conversation.state, message.conversation.waiting_since) == ("no_answer", None)
    assert db.session.scalar(select(ConversationMute.reason)) == "rule"


def test_rules_are_asked_in_their_order_and_one_may_be_the_last(world: World, on: Channel) -> None:
    first = rule(world, {"words": "router"}, {"tag": "one"})
    second = rule(world, {"words": "router"}, {"tag": "two"}, stops=True)
    rules.move(second, up=True, by=world.root)
    assert [one.id for one in rules.rules()] == [second.id, first.id]
    arrived(on)
    assert db.session.scalars(select(ConversationTag.tag)).all() == ["two"]
    rules.switch(second, on=False, by=world.root)
    arrived(on, conversation="other", id="other")
    assert set(db.session.scalars(select(ConversationTag.tag))) == {"one", "two"}


def test_trying_out_changes_nothing(world: World, on: Channel) -> None:
    message = arrived(on)
    arrived(on, "Thank you, all is well!", conversation="c2", id="p2", handle="@other")
    trial = rules.try_out({"words": ["router"]}, {"tag": "hardware", "mute": True})
    assert (trial.looked_at, trial.matched) == (2, 1)
    assert [(one.id, done) for one, done in trial.changes] == [(message.id, ["tag", "mute", "complete"])]
    assert db.session.scalar(select(ConversationTag.id)) is None
    assert message.conversation.state == "new"


def test_only_admins_write_rules_and_only_whole_ones(world: World) -> None:
    with pytest.raises(NotAllowed):
        rules.write(None, name="x", conditions={"words": "a"}, deeds={"tag": "b"}, stops=False, by=world.dora)
    for conditions, deeds in (({}, {"tag": "x"}), ({"words": "a"}, {}), ({"words": "a"}, {"assign": 10**9})):
        with pytest.raises(Invalid):
            rules.write(None, name="x", conditions=conditions, deeds=deeds, stops=False, by=world.root)


def test_no_rule_takes_long() -> None:
    facts = Facts("a" * 20_000, "b" * 400, "social", "en", None, "none", is_public=True)
    words = ["a" * 900 + "b", "(a+)+$", "[[[", "\\"] * 8
    began = time.perf_counter()
    for _ in range(100):
        rules.matches({"words": words}, facts)
    assert time.perf_counter() - began < 3
