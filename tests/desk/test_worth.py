"""What a customer is worth comes from the customer card; what the card says stands in blocks for who looked at it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from core.db import db
from core.errors import Invalid, NotAllowed
from core.outbox import deliver_due
from desk import blocks, card_words, cards, finding, persons, replies, wordings, worth
from desk.models import Contact, Conversation
from desk.objections import Objected
from desk.person_models import CardAnswer, CardLook, CardSource, ContactWorth
from desk.triage import priority
from desk.triage.tables import ConversationStanding
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.desk.test_cards import System, says, source_at, system

__all__ = ["system"]  # the fixture

Stage = Callable[[Callable[[World], Any]], Any]
FIELDS = "Contract: contract\nAgent: manager\nÜber (alt): old"
BANDS = "1000: 40\n5000: 80\nGold: 100"


def tells(system: System, **told: Any) -> None:
    system.answer = says(200, json.dumps(told).encode())


def deliver() -> None:
    db.session.commit()
    while deliver_due():
        pass
    db.session.rollback()


def waiting(world: World, text: str = "My router is broken, what now?", **about: Any) -> Conversation:
    world.everybody()
    on = props.channel(world, about.pop("slug", "social"), endpoint="https://social.example/replies")
    conversation_id = props.received(on, text, **about).conversation_id
    deliver()
    return db.session.get_one(Conversation, conversation_id)


def source(world: World, system: System, *, path: str = "revenue", bands: str = BANDS) -> CardSource:
    made = source_at(world, system.port, fields=FIELDS)
    worth.choose(made, path=path, bands=bands, by=world.root)
    return made


@pytest.mark.parametrize(
    ("value", "percent"),
    [(999, 0), (1000, 40), ("4999.99", 40), (5000, 80), (1e9, 80), ("gold", 100), ("Silver", 0), (None, 0), ([], 0)],
)
def test_a_value_falls_into_its_band(value: Any, percent: int) -> None:
    told = {"customer": {"revenue": value}}
    assert worth.percent_of(told, {"path": "customer.revenue", "bands": worth.read_bands(BANDS)}) == percent


def test_who_waits_is_asked_about_ahead_and_gets_another_place(world: World, system: System) -> None:
    source(world, system)
    conversation = waiting(world)
    assert system.asked == [], "nobody is asked while a message is received"
    before = conversation.priority
    tells(system, revenue=7000, contract="Home L")
    assert worth.ask_ahead() == 1
    assert worth.ask_ahead() == 0, "and once for some time"
    conversation = db.session.get_one(Conversation, conversation.id)
    assert conversation.priority > before
    assert db.session.get_one(ConversationStanding, conversation.id).value == pytest.approx(0.8)
    place = priority.why(conversation)
    assert place is not None
    assert next(part.percent for part in place.parts if part.name == "value") == 80
    look = db.session.scalars(select(CardLook)).one()
    assert (look.by_id, look.failure) == (None, "")
    assert db.session.scalars(select(CardAnswer)).all() == [], "only the band is kept"
    props.received(conversation.channel, "Hello, is there anybody?", id="second")
    deliver()
    assert len(system.asked) == 1


def test_a_person_is_worth_the_same_on_every_channel(world: World, system: System) -> None:
    made = source(world, system)
    one, other = waiting(world), waiting(world, slug="photos", id="x", handle="@max2")
    db.session.add(ContactWorth(contact_id=one.contact_id, source_id=made.id, percent=80))
    db.session.flush()
    assert worth.worth_of([other.contact_id]) == {}
    persons.join(one.contact, db.session.get_one(Contact, other.contact_id), proof="claimed", by=world.dora)
    assert worth.worth_of([other.contact_id]) == {other.contact_id: 0.8}


def test_what_an_agent_looks_up_is_taken_over(world: World, system: System) -> None:
    made = source(world, system)
    conversation = waiting(world)
    tells(system, revenue="Gold")
    cards.look_up(made, conversation.contact, reason="They ask for a refund", by=world.dora)
    assert db.session.scalars(select(ContactWorth.percent)).all() == [100]
    assert worth.ask_ahead() == 0


def test_a_system_that_does_not_answer_is_left_alone_and_nothing_known_is_lost(world: World, system: System) -> None:
    made = source(world, system)
    on = props.channel(world, endpoint="https://social.example/replies")
    world.everybody()
    for number in range(3):
        props.received(on, "My router is broken", conversation=f"c{number}", id=f"c{number}", handle=f"@c{number}")
    deliver()
    system.answer = says(500, b"no")
    assert worth.ask_ahead() == 1, "the others are not kept waiting for it"
    first = db.session.scalars(select(ContactWorth)).one()
    assert first.percent == 0
    looks = db.session.scalars(select(CardLook.failure)).all()
    assert looks == ["the other side answered 500"]
    tells(system, revenue=5000)
    assert worth.ask_ahead() == 2
    worth._keep(made.id, first.contact_id, 80)
    worth._keep(made.id, first.contact_id, None)
    assert db.session.get_one(ContactWorth, (first.contact_id, made.id)).percent == 80


@pytest.mark.parametrize(
    ("path", "bands", "field"),
    [
        ("revenue", "", "bands"),
        ("revenue", "5000", "bands"),
        ("revenue", "5000: 101", "bands"),
        ("revenue", "\n".join(f"{n}: 1" for n in range(21)), "bands"),
        ("a b", "5000: 80", "path"),
    ],
)
def test_what_an_admin_mistypes_is_said_at_its_field(
    world: World, system: System, path: str, bands: str, field: str
) -> None:
    made = source_at(world, system.port, fields=FIELDS)
    with pytest.raises(Invalid) as refusal:
        worth.choose(made, path=path, bands=bands, by=world.root)
    assert field in refusal.value.fields
    with pytest.raises(NotAllowed):
        worth.choose(made, path="revenue", bands=BANDS, by=world.dora)


def test_admins_say_it_by_form(stage: Stage, browser_of: Callable[[str], Browser], system: System) -> None:
    source_id = stage(lambda world: (world.everybody(), source_at(world, system.port, fields=FIELDS).id)[1])
    root, path = browser_of("root"), f"/admin/cards/{source_id}/worth"
    wrong = root.post(path, data={f"worth-{source_id}-path": "revenue", f"worth-{source_id}-bands": "many"})
    assert wrong.status_code == 422
    assert "many" in wrong.text
    given = {f"worth-{source_id}-path": "revenue", f"worth-{source_id}-bands": BANDS}
    assert root.post(path, data=given).status_code == 303
    assert "5000: 80" in root.get("/admin/cards").text
    assert browser_of("dora").post(path, data=given).status_code == 403
    assert root.post(path, data={}).status_code == 303
    assert stage(lambda _: db.session.scalars(select(CardSource.worth)).all()) == [{}]


def test_a_block_knows_the_card_for_who_looked_at_it_and_for_nobody_else(world: World, system: System) -> None:
    made = source_at(world, system.port, fields=FIELDS)
    conversation = waiting(world)
    assert set(card_words.names()) == {"contract", "cardagent", "ueberalt"}
    block = blocks.create(
        blocks.Words(title="Contract", words={"en": "Your contract is {contract}, {cardagent|we} look after it."}),
        by=world.dora,
    )
    other = world.person("max", "agent")

    def said(by: Any) -> str:
        text = finding.block_text(conversation, block.id, by=by, wording=wordings.of(conversation, by=by))
        return text or ""

    assert said(world.dora) == "Your contract is {contract}, we look after it."
    assert wordings.left_open(said(world.dora)) == ["{contract}"]
    tells(system, contract="Home {agent} L", manager="Mia")
    cards.look_up(made, conversation.contact, reason="They ask for their contract", by=world.dora)
    assert said(world.dora) == "Your contract is Home {agent} L, Mia look after it."
    assert "{contract}" in said(other), "who did not look does not see it"
    assert "{contract}" in said(world.root)


def test_what_the_card_says_is_asked_about_before_everybody_reads_it(world: World, system: System) -> None:
    made = source_at(world, system.port, fields=FIELDS)
    conversation = waiting(world)
    tells(system, contract="Home Quitte L", manager="Mi")
    cards.look_up(made, conversation.contact, reason="They ask for their contract", by=world.dora)
    with pytest.raises(Objected) as refused:
        replies.reply(conversation, text="Your Home Quitte L, Mi.", by=world.dora, is_public=True, confirmed=[])
    assert [(one.code, one.said) for one in refused.value.objections] == [("card_value", "Home Quitte L")]
    assert replies.reply(conversation, text="Your Home Quitte L.", by=world.dora, is_public=False, confirmed=[])
