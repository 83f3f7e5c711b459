"""A person is forgotten: no word is left anywhere, what is counted stays, and an import brings nothing back."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import current_app
from sqlalchemy import func, select

from accounts.models import AuditEntry
from core import transfer
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import disclosure, erasing
from desk.channel_models import MessageFile, MessageVersion
from desk.clock_models import ClockEvent
from desk.models import Contact, Conversation, Message
from desk.promise_models import CallBack, Promise
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.desk.test_moving_house import NUMBER, house

Stage = Callable[[Callable[[World], Any]], Any]
PRIVATE = (
    "max@social.example", "max@example.org", "Max Moon", NUMBER, "Where is my parcel", "We look for it", "in Kassel",
    "friendly", "A parcel", "Kind", "Carla", "carla@", "not left the house", "Wait for it", "three weeks late",
    "Mine is late, too", "To see the contract", "Engaged", "thread-1",
)  # fmt: skip
"""What stands in the scene about one person, on both of their channels."""
LOOKED_UP_ELSEWHERE = {"card_source", "incident", "text_block", "article", "revision", "face"}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 4, 1, 9, 0, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def everything() -> str:
    """Return what stands in the database, ciphertext opened, as one text."""
    found = []
    for mapper in db.Model.registry.mappers:
        table = mapper.local_table
        if table.name in LOOKED_UP_ELSEWHERE:
            continue
        rows = db.session.execute(select(*table.columns))
        found.extend(f"{table.name}: " + " | ".join(str(value) for value in row) for row in rows)
    return "\n".join(found)


def traces() -> dict[str, list[str]]:
    text = everything()
    return {
        word: [line[:160] for line in text.splitlines() if word.casefold() in line.casefold()]
        for word in PRIVATE
        if word.casefold() in text.casefold()
    }


def max_of(world: World) -> Contact:
    return db.session.scalars(select(Contact).where(Contact.handle == "@max@social.example")).one()


def test_no_word_is_left_and_what_is_counted_stays(world: World, clock: time_machine.Traveller, tmp_path: Path) -> None:
    house(world, clock, tmp_path)
    db.session.commit()
    assert set(PRIVATE) - traces().keys() == set(), "the scene has them all"
    counted = {
        model: db.session.scalar(select(func.count()).select_from(model)) for model in (Message, Promise, CallBack)
    }
    answered = db.session.scalar(select(func.count()).where(ClockEvent.kind == "answered"))
    contact = max_of(world)
    seen = erasing.preview(contact, viewer=world.root)
    went = erasing.erase(contact, by=world.root, typed="@max@social.example")
    db.session.commit()
    assert dict(went) == dict(seen.counts)
    assert went["contact"] == 2, "the person on all their channels"
    assert traces() == {}
    assert counted == {model: db.session.scalar(select(func.count()).select_from(model)) for model in counted}
    assert db.session.scalar(select(func.count()).where(ClockEvent.kind == "answered")) == answered
    assert db.session.scalars(select(Promise)).one().state == "withdrawn"
    assert db.session.scalars(select(CallBack)).one().phone is None
    assert {one.state for one in db.session.scalars(select(Conversation))} == {"no_answer"}
    assert "queued" not in set(db.session.scalars(select(Message.state)))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.contact.erase")).one()
    assert (entry.by_id, entry.after) == (world.root.id, dict(went))


def test_an_export_from_before_brings_nothing_back(world: World, clock: time_machine.Traveller, tmp_path: Path) -> None:
    house(world, clock, tmp_path)
    for conversation in db.session.scalars(select(Conversation)):
        conversation.source_id = f"klinke:{conversation.id}"
    for person in world.everybody():
        person.source_id = f"klinke:{person.id}"
    db.session.commit()
    transfer.write_jsonl(tmp_path / "before.jsonl")
    erasing.erase(max_of(world), by=world.root, typed="@max@social.example")
    db.session.commit()
    transfer.read_jsonl(tmp_path / "before.jsonl")
    found = traces()
    assert "max@social.example" not in found
    assert "Where is my parcel" not in found
    assert "We look for it" not in found


def test_who_writes_again_is_somebody_new(world: World) -> None:
    channel = props.channel(world)
    first = props.received(channel)
    erasing.erase(first.contact, by=world.root, typed=first.contact.handle)
    second = props.received(channel, "Hello again", id="another")
    assert second.conversation_id != first.conversation_id
    assert second.contact_id != first.contact_id
    assert second.contact.handle == "@max@social.example"


def test_what_came_with_messages_goes_as_well(world: World) -> None:
    first = props.received(props.channel(world))
    first.quoted, first.subject = "> Dear Max, in Kassel", "The parcel to Kassel"
    db.session.add(MessageFile(message_id=first.id, name="Kassel.png", media_type="image/png", size=3, content=b"abc"))
    db.session.add(MessageVersion(message_id=first.id, text="I live in Kassel"))
    db.session.flush()
    told = "".join(disclosure.of(first.contact, by=world.root))
    assert "> Dear Max, in Kassel" in told
    erasing.erase(first.contact, by=world.root, typed=first.contact.handle)
    db.session.commit()
    assert "Kassel" not in everything()


def test_others_keep_what_they_said(world: World) -> None:
    channel = props.channel(world)
    first = props.received(channel)
    other = props.received(channel, "I am somebody else", handle="@eva@social.example", name="Eva", id="eva-1")
    assert other.conversation_id == first.conversation_id
    erasing.erase(first.contact, by=world.root, typed=first.contact.handle)
    db.session.refresh(other)
    assert other.text == "I am somebody else"
    assert other.contact.name == "Eva"
    db.session.refresh(first)
    assert first.text == ""


def test_only_admins_forget_and_only_once(world: World) -> None:
    contact = props.received(props.channel(world)).contact
    for somebody in (world.dora, world.lena, world.ada, world.emil, world.charlie):
        with pytest.raises(NotAllowed):
            erasing.preview(contact, viewer=somebody)
        with pytest.raises(NotAllowed):
            erasing.erase(contact, by=somebody, typed=contact.handle)
        with pytest.raises(NotAllowed):
            disclosure.of(contact, by=somebody)
    with pytest.raises(Invalid):
        erasing.erase(contact, by=world.root, typed="@maxi")
    erasing.erase(contact, by=world.root, typed=contact.handle)
    with pytest.raises(Conflict):
        erasing.erase(contact, by=world.root, typed=contact.handle)


def test_the_file_for_the_person_has_everything_in_clear(
    world: World, clock: time_machine.Traveller, tmp_path: Path
) -> None:
    house(world, clock, tmp_path)
    db.session.commit()
    told = "".join(disclosure.of(max_of(world), by=world.root))
    found = json.loads(told)
    for word in (
        "Where is my parcel",
        "We look for it",
        NUMBER,
        "friendly",
        "Kind",
        "in Kassel",
        "A parcel",
        "not left",
    ):
        assert word in told, word
    assert [one["handle"] for one in found["contacts"]] == ["@max@social.example", "max@example.org"]
    assert len(found["conversations"]) == 2
    assert found["call_back"][0]["phone"] == NUMBER
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.contact.disclose")).one()


def test_the_page_shows_what_would_go_and_wants_the_handle(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    contact_id = stage(lambda world: (world.everybody(), props.received(props.channel(world)).contact_id)[1])
    admin = browser_of("root")
    assert f"/desk/contacts/{contact_id}/erasure" in admin.get(f"/desk/contacts/{contact_id}").text
    assert f"/desk/contacts/{contact_id}/erasure" not in browser_of("dora").get(f"/desk/contacts/{contact_id}").text
    page = admin.get(f"/desk/contacts/{contact_id}/erasure").text
    assert "1 message" in page
    wrong = admin.post(f"/desk/contacts/{contact_id}/erasure", data={"handle": "@mix"})
    assert wrong.status_code == 422
    assert "@mix" in wrong.text, "what was typed stays"
    taken = admin.post(f"/desk/contacts/{contact_id}/data")
    assert (taken.status_code, taken.headers["Cache-Control"]) == (200, "no-store")
    assert json.loads(taken.text)["contacts"][0]["handle"] == "@max@social.example"
    done = admin.post(f"/desk/contacts/{contact_id}/erasure", data={"handle": "@max@social.example"})
    assert done.status_code == 303
    again = admin.post(f"/desk/contacts/{contact_id}/erasure", data={"handle": "@max@social.example"})
    assert again.status_code == 409
    assert "@max" not in admin.get(f"/desk/contacts/{contact_id}").text
    assert "@max" not in admin.get("/admin/log").text


def test_commands_say_what_they_do(world: World, tmp_path: Path) -> None:
    contact = props.received(props.channel(world)).contact
    contact_id = str(contact.id)
    world.everybody()
    db.session.commit()
    run = current_app.test_cli_runner().invoke
    assert run(args=["contacts", "erase", contact_id, "--as", "dora", "--yes"]).exit_code == 1
    told = run(args=["contacts", "export", contact_id, str(tmp_path / "one.json"), "--as", "root"])
    assert told.exit_code == 0
    assert json.loads((tmp_path / "one.json").read_text())["contacts"][0]["name"] == "Max"
    assert run(args=["contacts", "erase", contact_id, "--as", "root"], input="n\n").exit_code == 1
    done = run(args=["contacts", "erase", contact_id, "--as", "root", "--yes"])
    assert (done.exit_code, "message: 1" in done.output) == (0, True)
    assert run(args=["contacts", "erase", contact_id, "--as", "root", "--yes"]).exit_code == 1
    assert run(args=["retention", "preview", "--public-days", "1"]).output == "0 messages in 0 conversations\n"
    assert run(args=["retention", "run"]).exit_code == 0
