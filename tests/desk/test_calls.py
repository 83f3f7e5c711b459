"""Calls and visits are noted from anywhere, belong to somebody's conversation, and are found by their number."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, func, select, text

from accounts.models import AuditEntry
from core import transfer
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import call_backs, calls, connections, conversations, disclosure, erasing, persons, retention, timeline
from desk.calls import Again, Said, SeveralPeople
from desk.channel_models import MessageVersion
from desk.clock_models import ClockEvent
from desk.models import Channel, Contact, Conversation, Message
from desk.person_models import CallNote, CallNoteVersion, ContactJoin
from desk.promise_models import CallBack
from search import synonyms
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.desk.test_moving_house import empty
from tests.kb.shelf import fields_of

Stage = Callable[[Callable[[World], Any]], Any]
NUMBER = "0171 5550123"
NEW = "/desk/call-notes/new"


def phone(world: World, slug: str = "phone", **values: str) -> Channel:
    return connections.connect("phone", slug=slug, name=slug.title(), values=values, by=world.root)


def called(world: World, on: Channel, **about: Any) -> CallNote:
    said = {"kind": "call_in", "result": "reached", "caller": "Max", "number": NUMBER, "text": "My router is dead."}
    more = {name: about.pop(name) for name in ("contact", "is_somebody_new", "begins", "again") if name in about}
    return calls.note_new(Said(**{**said, **about}), channel=on, by=world.dora, **more)


def elsewhere(world: World, handle: str = "@max@social.example", **about: Any) -> Conversation:
    """A conversation on a channel that writes."""
    known = db.session.scalars(select(Channel).where(Channel.slug == "social")).one_or_none()
    on = known or props.channel(world)
    return props.received(on, handle=handle, conversation=f"with-{handle}", id=f"of-{handle}", **about).conversation


# Whose call it was


def test_a_first_call_opens_a_conversation_that_waits_like_any_other(world: World, worker: Callable[[], None]) -> None:
    call = called(world, phone(world))
    conversation = call.conversation
    assert (conversation.state, conversation.contact.name, conversation.last_words) == (
        "new",
        "Max",
        "My router is dead.",
    )
    assert conversation.waiting_since is not None
    assert conversation.due_at is not None
    assert call.message is not None
    assert (call.message.direction, call.message.kind, call.message.is_public) == ("in", "call", False)
    assert call.text == "", "the words stand in one place"
    db.session.commit()
    worker()
    judged = db.session.execute(text("select count(*) from message_judgement")).scalar_one()
    assert judged == 1, "triage reads it"


def test_the_next_call_from_a_number_finds_the_same_person_however_it_is_written(world: World) -> None:
    on = phone(world)
    one = called(world, on)
    two = called(world, on, number="+49 (0) 171/555 0123", caller="", text="Me again.")
    assert two.conversation_id == one.conversation_id
    assert db.session.scalar(select(func.count(Contact.id))) == 1
    conversations.change_state(one.conversation, "solved", by=world.dora)
    three = called(world, on, text="Another thing.")
    assert three.conversation_id != one.conversation_id, "what is solved is not opened by another matter"
    assert three.conversation.contact_id == one.conversation.contact_id


def test_who_writes_elsewhere_stays_one_person(world: World) -> None:
    on, mailed = phone(world), elsewhere(world)
    call = called(world, on, contact=mailed.contact, begins=True)
    assert call.conversation.channel_id == on.id
    assert {one.id for one in persons.contacts_of(mailed.contact)} == {mailed.contact_id, call.conversation.contact_id}
    assert db.session.scalars(select(ContactJoin)).one().proof == "claimed"
    again = called(world, on, contact=mailed.contact, begins=True)
    assert again.conversation.contact_id == call.conversation.contact_id, "one contact on this channel is enough"


def test_of_several_people_with_one_number_somebody_says_who_it_was(world: World) -> None:
    on = phone(world)
    one = called(world, on)
    other = called(world, on, caller="Eva", is_somebody_new=True, begins=True)
    assert other.conversation.contact_id != one.conversation.contact_id
    with pytest.raises(SeveralPeople) as asked:
        called(world, on)
    assert list(asked.value.fields) == ["where"]
    chosen = called(world, on, contact=other.conversation.contact)
    assert chosen.conversation_id == other.conversation_id


def test_a_wrong_number_finds_nobody_any_more(world: World) -> None:
    on = phone(world)
    one = called(world, on)
    conversation = one.conversation
    calls.note(conversation, Said(kind="call_out", result="wrong_number"), by=world.dora)
    assert conversation.state == "new", "who waits for us still waits"
    two = called(world, on, caller="Eva")
    assert two.conversation.contact_id != conversation.contact_id


def test_who_dialled_us_by_mistake_waits_for_nothing(world: World) -> None:
    call = called(world, phone(world), result="wrong_number", text="Wanted the pizza place.")
    assert call.conversation.state == "no_answer"
    assert call.conversation.waiting_since is None
    assert call.seal == ""


def test_a_missed_call_needs_no_words_and_another_does(world: World) -> None:
    on = phone(world)
    missed = called(world, on, result="no_answer", text="")
    assert missed.conversation.last_words == "A missed call."
    with pytest.raises(Invalid) as refused:
        called(world, on, text="  ")
    assert list(refused.value.fields) == ["text"]


def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        called(world, phone(world), kind="burglary", result="lost", number="12", caller="x" * 121, text="x" * 2001)
    assert set(refused.value.fields) == {"kind", "result", "number", "caller", "text"}
    assert db.session.scalar(select(func.count(Conversation.id))) == 0


def test_without_a_channel_for_calls_no_conversation_begins(world: World) -> None:
    on = phone(world)
    for channel in (None, props.channel(world)):
        with pytest.raises(Invalid) as refused:
            calls.note_new(Said(kind="call_in", result="reached", text="Hello"), channel=channel, by=world.dora)
        assert list(refused.value.fields) == ["channel"]
    connections.switch_off(on, by=world.root)
    assert calls.channels() == []
    with pytest.raises(Invalid):
        called(world, on)


def test_only_who_works_at_the_desk_notes_and_reads_calls(world: World) -> None:
    on = phone(world)
    call = called(world, on)
    for stranger in (world.alice, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            calls.note_new(Said(kind="call_in", result="reached", text="Hi"), channel=on, by=stranger)
        with pytest.raises(NotAllowed):
            calls.reveal(call, by=stranger)
        assert calls.places("Max", NUMBER, viewer=stranger) == []


# What it does


def test_a_call_back_to_a_caller_is_the_answer_where_the_agent_says_so(world: World) -> None:
    conversation = called(world, phone(world)).conversation
    talked = calls.note(conversation, Said(kind="call_out", result="reached", text="He looks."), by=world.dora)
    assert conversation.waiting_since is not None, "a talk alone is no answer"
    assert talked.number == NUMBER, "the number that is known"
    told = Said(kind="call_out", result="reached", text="It is fixed.", is_answer=True)
    answer = calls.note(conversation, told, by=world.dora)
    assert (conversation.state, conversation.waiting_since) == ("waiting_customer", None)
    assert answer.message is not None
    assert (answer.message.direction, answer.message.state) == ("out", "sent")
    happened = db.session.scalars(select(ClockEvent).where(ClockEvent.kind == "answered")).one()
    assert (happened.promise, happened.by_id) == ("first", world.dora.id)


def test_whoever_solves_it_in_the_call_has_answered_and_solved(world: World) -> None:
    call = called(world, phone(world), result="solved")
    assert call.is_answer
    assert call.conversation.state == "solved"
    kinds = db.session.scalars(select(ClockEvent.kind).order_by(ClockEvent.id)).all()
    assert {"answered", "solved"} <= set(kinds)


@pytest.mark.parametrize("result", ["no_answer", "message_left", "call_again", "wrong_number"])
def test_where_nobody_was_reached_the_clock_runs_on_whatever_was_ticked(world: World, result: str) -> None:
    conversation = elsewhere(world)
    since = conversation.waiting_since
    call = calls.note(conversation, Said(kind="call_out", result=result, is_answer=True), by=world.dora)
    assert not call.is_answer
    assert conversation.waiting_since == since
    assert db.session.scalar(select(func.count(ClockEvent.id)).where(ClockEvent.kind == "answered")) == 0


def test_beside_a_conversation_elsewhere_a_note_is_no_message_and_answers_all_the_same(world: World) -> None:
    conversation = elsewhere(world)
    before = db.session.scalar(select(func.count(Message.id)))
    said = Said(kind="call_out", result="reached", text="She knows now.", is_answer=True, number=NUMBER)
    call = calls.note(conversation, said, by=world.dora)
    assert db.session.scalar(select(func.count(Message.id))) == before
    assert call.message_id is None
    assert (conversation.state, conversation.waiting_since) == ("waiting_customer", None)
    raw = db.session.execute(text("select caller, number, text from call_note")).one()
    assert all(value.startswith("gAAAA") for value in raw)


def test_attempts_are_counted_until_they_are_reached(world: World) -> None:
    conversation = called(world, phone(world)).conversation
    for _ in range(3):
        calls.attempt_again(conversation, by=world.dora)
    found = calls.attempts_since_reached(calls.of(conversation))
    assert [(one.result, one.number, one.by_id) for one in found] == [("no_answer", NUMBER, world.dora.id)] * 3
    assert db.session.scalar(select(func.count(Message.id))) == 1, "who was not reached was told nothing"
    calls.note(conversation, Said(kind="call_out", result="reached", text="At last."), by=world.dora)
    assert calls.attempts_since_reached(calls.of(conversation)) == []


def test_who_rings_somebody_first_has_it_in_hand(world: World) -> None:
    call = called(world, phone(world), kind="call_out", result="no_answer", text="")
    conversation = call.conversation
    assert (conversation.state, conversation.assignee_id, conversation.waiting_since) == ("open", world.dora.id, None)
    assert conversation.messages == []


# Call-backs


def test_being_called_again_in_a_window_is_a_call_back_and_attempts_count_there(world: World) -> None:
    on = phone(world)
    window = Again(since=now(), until=now() + timedelta(hours=2), owner=world.dora)
    conversation = called(world, on, result="call_again", again=window).conversation
    call = db.session.scalars(select(CallBack)).one()
    assert (call.phone, call.state, call.owner_id) == (NUMBER, "open", world.dora.id)
    calls.attempt_again(conversation, by=world.dora)
    assert [one.result for one in call.attempts] == ["no_answer"]
    later = Again(since=now(), until=now() + timedelta(hours=5), owner=world.dora)
    again = Said(kind="call_out", result="call_again", text="Tonight.")
    calls.note(conversation, again, by=world.dora, again=later)
    states = db.session.scalars(select(CallBack.state).order_by(CallBack.id)).all()
    assert states == ["cancelled", "open"], "a new promise takes the place of the old one"
    calls.note(conversation, Said(kind="call_out", result="solved", text="Done."), by=world.dora)
    assert db.session.scalars(select(CallBack.state).order_by(CallBack.id)).all() == ["cancelled", "reached"]


def test_a_call_from_the_list_of_call_backs_stands_in_the_line_too(world: World) -> None:
    conversation = elsewhere(world)
    soon = now() + timedelta(hours=1)
    call = call_backs.arrange(conversation, phone=NUMBER, since=now(), until=soon, owner=world.dora, by=world.dora)
    noted = calls.rang(call, "busy", by=world.dora, words="Engaged")
    assert (noted.kind, noted.result, noted.number, noted.text) == ("call_out", "no_answer", NUMBER, "Engaged")
    calls.rang(call, "reached", by=world.dora)
    assert call.phone is None, "the call-back forgets its number"
    assert [one.result for one in calls.of(conversation)] == ["no_answer", "reached"]
    with pytest.raises(Invalid):
        calls.rang(
            call_backs.arrange(conversation, phone=NUMBER, since=now(), until=soon, owner=world.dora, by=world.dora),
            "nonsense",
            by=world.dora,
        )


def test_a_call_back_without_a_number_says_what_is_missing(world: World) -> None:
    window = Again(since=now(), until=now() + timedelta(hours=2), owner=world.dora)
    with pytest.raises(Invalid) as refused:
        called(world, phone(world), number="", result="call_again", again=window)
    assert list(refused.value.fields) == ["number"]


# Mending and taking away


def test_who_noted_a_call_mends_it_for_a_day_and_what_it_said_is_kept(world: World) -> None:
    call = called(world, phone(world))
    said = Said(kind="call_in", result="reached", caller="Max Moon", number=NUMBER, text="My router is red.")
    calls.change(call, said, seen=1, by=world.dora)
    assert call.message is not None
    assert (call.version, call.caller, call.message.text) == (2, "Max Moon", "My router is red.")
    assert call.conversation.last_words == "My router is red."
    assert [one.text for one in db.session.scalars(select(MessageVersion))] == ["My router is dead."]
    kept = db.session.scalars(select(CallNoteVersion)).one()
    assert "My router is dead." in kept.said
    raw = db.session.execute(text("select said from call_note_version")).scalar_one()
    assert raw.startswith("gAAAA")
    with pytest.raises(Conflict):
        calls.change(call, said, seen=1, by=world.dora)
    with pytest.raises(NotAllowed):
        calls.change(call, said, seen=2, by=world.lena)
    with time_machine.travel(now() + timedelta(hours=25)), pytest.raises(Conflict):
        calls.change(call, said, seen=2, by=world.dora)


@pytest.mark.parametrize("result", ["no_answer", "solved", "wrong_number"])
def test_a_change_that_would_turn_everything_is_another_call(world: World, result: str) -> None:
    call = called(world, phone(world))
    said = Said(kind="call_in", result=result, number=NUMBER, text="My router is red.")
    with pytest.raises(Invalid) as refused:
        calls.change(call, said, seen=1, by=world.dora)
    assert list(refused.value.fields) == ["result"]
    assert call.version == 1


def test_a_mended_number_finds_who_it_is_now(world: World) -> None:
    on = phone(world)
    call = called(world, on)
    said = Said(kind="call_in", result="reached", number="030 9018200", text="My router is dead.")
    calls.change(call, said, seen=1, by=world.dora)
    assert called(world, on, number="030/9018200").conversation.contact_id == call.conversation.contact_id
    assert called(world, on, caller="Eva").conversation.contact_id != call.conversation.contact_id


def test_a_lead_takes_a_note_away_with_a_reason_and_who_had_an_answer_waits_again(world: World) -> None:
    conversation = elsewhere(world)
    since = conversation.waiting_since
    call = calls.note(
        conversation,
        Said(kind="call_out", result="reached", caller="Max", number=NUMBER, text="Told.", is_answer=True),
        by=world.dora,
    )
    assert conversation.waiting_since is None
    with pytest.raises(NotAllowed):
        calls.remove(call, reason="Wrong customer", by=world.dora)
    with pytest.raises(Invalid):
        calls.remove(call, reason=" ", by=world.lena)
    for _ in range(2):
        calls.remove(call, reason="Wrong customer", by=world.lena)
    assert (call.caller, call.number, call.text, call.seal) == ("", "", "", "")
    assert (call.removed_by_id, call.removed_why) == (world.lena.id, "Wrong customer")
    assert (conversation.state, conversation.waiting_since) == ("open", since)
    assert db.session.scalar(select(func.count(ClockEvent.id)).where(ClockEvent.kind == "answered")) == 0
    with pytest.raises(Conflict):
        calls.change(call, Said(kind="call_out", result="reached"), seen=1, by=world.dora)


# Numbers, forgetting, disclosing


def test_a_number_is_shown_to_who_asks_and_that_is_written_down(world: World) -> None:
    call = called(world, phone(world))
    assert calls.reveal(call, by=world.lena) == NUMBER
    assert [look.by_id for look in calls.looks(call)] == [world.lena.id]
    told = db.session.scalars(select(AuditEntry)).all()
    assert not [entry for entry in told if "5550123" in str((entry.reason, entry.before, entry.after))]


def test_who_is_forgotten_is_found_by_no_number_and_starts_anew(world: World) -> None:
    on = phone(world)
    call = called(world, on)
    contact, calls_made = call.conversation.contact, call.conversation
    calls.change(
        call, Said(kind="call_in", result="reached", number=NUMBER, text="Something else."), seen=1, by=world.dora
    )
    erasing.erase(contact, by=world.root, typed=contact.handle)
    db.session.expire_all()
    assert (call.caller, call.number, call.text, call.seal) == ("", "", "", "")
    assert call.emptied_at is not None
    assert db.session.scalar(select(func.count(CallNoteVersion.id))) == 0
    again = called(world, on)
    assert again.conversation.contact_id != contact.id
    with pytest.raises(Conflict):
        calls.note(calls_made, Said(kind="call_in", result="reached", text="Hi"), by=world.dora)


def test_what_is_old_goes_from_calls_that_nobody_answered_too(world: World) -> None:
    call = called(world, phone(world), kind="call_out", result="no_answer", text="")
    conversations.change_state(call.conversation, "no_answer", by=world.dora)
    retention.choose(public_days=None, private_days=30, by=world.root)
    db.session.commit()
    with time_machine.travel(now() + timedelta(days=31), tick=False):
        retention.purge()
        retention.purge()
    db.session.refresh(call)
    assert (call.number, call.seal) == ("", "")
    assert call.emptied_at is not None


def test_notes_from_before_are_made_findable_by_the_worker(world: World) -> None:
    on = phone(world)
    call = called(world, on)
    db.session.execute(text("update call_note set seal = null"))
    db.session.commit()
    assert calls.seal_numbers() == 1
    assert calls.seal_numbers() == 0
    assert called(world, on).conversation_id == call.conversation_id


def test_what_is_known_of_a_person_has_their_calls_in_clear(world: World) -> None:
    call = called(world, phone(world))
    file = "".join(disclosure.of(call.conversation.contact, by=world.root))
    assert NUMBER in file
    assert "My router is dead." in file


def test_one_line_has_what_was_said_aloud_once(world: World) -> None:
    on, written = phone(world), elsewhere(world)
    call = called(world, on, contact=written.contact, begins=True)
    calls.note(written, Said(kind="visit", result="reached", text="Came by."), by=world.dora)
    calls.attempt_again(call.conversation, by=world.dora)
    ids = [one.id for one in persons.contacts_of(written.contact)]
    whole = timeline.of(ids, [], viewer=world.dora)
    assert sorted(item.words for item in whole.items if item.kind == "calls") == ["", "Came by.", "My router is dead."]
    only = timeline.of(ids, [], viewer=world.dora, kind="calls")
    assert {item.kind for item in only.items} == {"calls"}
    assert len(only.items) == 3
    assert timeline.of(ids, [], viewer=world.dora, kind="private").items == []


def test_calls_move_house_with_their_messages_and_are_found_there(world: World, tmp_path: Path) -> None:
    on = phone(world)
    call = called(world, on)
    calls.attempt_again(call.conversation, by=world.dora)
    db.session.commit()
    transfer.write_jsonl(tmp_path / "out.jsonl")
    assert "5550123" not in (tmp_path / "out.jsonl").read_text()
    empty()
    assert transfer.read_jsonl(tmp_path / "out.jsonl").skipped == []
    came, attempt = db.session.scalars(select(CallNote).order_by(CallNote.id)).all()
    assert came.message is not None
    assert (came.message.kind, came.number, attempt.message_id) == ("call", NUMBER, None)
    contact = came.conversation.contact
    line = timeline.of([contact.id], [], viewer=World().dora)
    assert [item.kind for item in line.items] == ["calls", "calls"]
    assert calls.seal_numbers() == 2
    assert calls.places("", NUMBER, viewer=World().dora)[0].contact == contact


# The pages


def test_the_walk_of_a_day(app: Flask, stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: (phone(world).id, world.dora.id, world.lena.id, elsewhere(world, name="Max Moon").id))
    dora = browser_of("dora")
    inbox = dora.get("/desk").text
    assert f'href="{NEW}"' in inbox
    assert 'data-key="c"' in inbox
    fields = fields_of(dora.get(NEW).text, NEW)
    # Who may it be? Nothing is kept, nothing typed is lost.
    typed = {**fields, "caller": "moon", "number": NUMBER, "text": "Where is my lamp?"}
    looked = dora.post(NEW, data={**typed, "look": "1"}).text
    assert "Where is my lamp?" in looked
    assert "Max Moon" in looked
    assert "Somebody new" in looked
    # A new one; twice is once.
    noted = [dora.post(NEW, data={**typed, "caller": "Frau Muster", "where": "new"}) for _ in range(2)]
    assert [answer.status_code for answer in noted] == [303, 303]
    assert noted[0].location == noted[1].location
    page = dora.get(noted[0].location).text
    assert "Where is my lamp?" in page
    assert "••• 123" in page
    assert NUMBER not in page
    assert "call them, and note what was said" in page
    # Nobody answers, twice; the button is there as soon as there is an attempt.
    where = noted[0].location.partition("#")[0]
    call = f"{where}/call"
    fields = fields_of(dora.get(call).text, call)
    assert dora.post(call, data={**fields, "kind": "call_out", "result": "no_answer"}).status_code == 303
    page = dora.get(where).text
    assert "Rang 1 time" in page
    attempt = f"{where}/call/attempt"
    fields = fields_of(page, attempt)
    assert {dora.post(attempt, data=fields).status_code for _ in range(2)} == {303}
    page = dora.get(where).text
    assert "Rang 2 times" in page
    # The number, on demand.
    with app.app_context():
        first = db.session.scalars(select(CallNote).order_by(CallNote.id)).first()
        assert first is not None
        note_id = first.id
    shown = dora.post(f"/desk/call-notes/{note_id}/number")
    assert NUMBER in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert "Dora" in shown.text
    # Reached, and solved.
    fields = fields_of(dora.get(call).text, call)
    done = {**fields, "kind": "call_out", "result": "solved", "text": "The lamp is on its way."}
    assert dora.post(call, data=done).status_code == 303
    with app.app_context():
        conversation = db.session.scalars(select(Conversation).order_by(Conversation.id.desc())).first()
        assert conversation is not None
        assert conversation.state == "solved"


def test_a_refusal_keeps_what_was_typed(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: (phone(world).id, world.dora.id))
    dora = browser_of("dora")
    fields = fields_of(dora.get(NEW).text, NEW)
    typed = {**fields, "caller": "Frau Muster", "text": "Where is my <b>lamp</b>?", "result": "call_again"}
    for wrong in (
        {"number": "12"},
        {"number": NUMBER, "since": "2020-01-01T10:00"},
        {"number": NUMBER, "channel": "99"},
    ):
        page = dora.post(NEW, data={**typed, **wrong})
        assert page.status_code == 422, wrong
        assert "Frau Muster" in page.text
        assert "Where is my &lt;b&gt;lamp&lt;/b&gt;?" in page.text
        assert wrong["number"] in page.text
    assert dora.post(NEW, data={**typed, "number": "", "where": "contact:999"}).status_code == 404


def test_from_the_page_of_a_person_it_is_theirs(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    contact_id = stage(lambda world: (phone(world), elsewhere(world, name="Max Moon").contact_id, world.dora)[1])
    dora = browser_of("dora")
    page = dora.get(f"/desk/contacts/{contact_id}").text
    assert f"{NEW}?contact={contact_id}" in page
    page = dora.get(f"{NEW}?contact={contact_id}").text
    fields = fields_of(page, NEW)
    assert fields["caller"] == "Max Moon"
    (chosen,) = re.findall(r'name="where"[^>]*value="([^"]*)" checked', page)
    assert chosen.startswith("conversation:"), "their open conversation is the one that is meant"
    noted = dora.post(NEW, data={**fields, "where": chosen, "text": "Asked about it."})
    assert noted.status_code == 303
    assert "Asked about it." in dora.get(noted.location).text
    assert dora.get(f"{NEW}?contact=999999").status_code == 200
    assert dora.get(f"{NEW}?contact=nobody").status_code == 200


def test_of_two_changes_the_second_sees_the_first_and_loses_nothing(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    note_id = stage(lambda world: (called(world, phone(world)).id, world.lena)[0])
    dora, lena = browser_of("dora"), browser_of("lena")
    where = f"/desk/call-notes/{note_id}/change"
    fields = fields_of(dora.get(where).text, where)
    other = fields_of(dora.get(where).text, where)
    assert dora.post(where, data={**fields, "text": "First change."}).status_code == 303
    late = dora.post(where, data={**other, "text": "Second change."})
    assert late.status_code == 409
    assert "First change." in late.text
    assert "Second change." in late.text
    mended = fields_of(late.text, where)
    assert dora.post(where, data={**mended, "text": "Both changes."}).status_code == 303
    page = lena.get(where).text
    assert "Only who noted a call can change the note." in page
    assert NUMBER not in page
    assert dora.get(f"/desk/call-notes/{note_id}/removal").status_code == 403
    removal = f"/desk/call-notes/{note_id}/removal"
    fields = fields_of(lena.get(removal).text, removal)
    assert lena.post(removal, data={**fields, "reason": ""}).status_code == 422
    gone = lena.post(removal, data={**fields, "reason": "Somebody else's call"})
    assert gone.status_code == 303
    page = lena.get(gone.location).text
    assert "Both changes." not in page
    assert "Somebody else&#39;s call" in page


def test_ten_at_once_from_a_new_number_are_one_person_and_one_form_is_one_note(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: (phone(world).id, world.dora.id))
    browsers = [browser_of("dora") for _ in range(10)]
    one = {**fields_of(browsers[0].get(NEW).text, NEW), "number": NUMBER, "text": "The same form."}
    own = [{**fields_of(browser.get(NEW).text, NEW), "number": NUMBER, "text": "Its own form."} for browser in browsers]
    codes: list[int] = []

    def send(browser: Browser, data: dict[str, str]) -> None:
        codes.append(browser.post(NEW, data=data).status_code)

    for wanted in ([one] * 10, own):
        threads = [threading.Thread(target=send, args=pair) for pair in zip(browsers, wanted, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert codes == [303] * 20
    with app.app_context():
        assert db.session.scalar(select(func.count(Contact.id))) == 1
        assert db.session.scalar(select(func.count(Conversation.id))) == 1
        assert db.session.scalar(select(func.count(CallNote.id))) == 11


def test_pages_cost_the_same_with_one_call_and_with_many(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synonyms, "CHECK_SECONDS", 0.0)  # otherwise asked now and then only
    conversation_id = stage(lambda world: (called(world, phone(world)).conversation_id, world.dora)[0])
    dora = browser_of("dora")

    def look() -> Any:
        fields = fields_of(dora.get(NEW).text, NEW)
        return dora.post(NEW, data={**fields, "caller": "Max", "number": NUMBER, "look": "1"})

    def statements(visit: Callable[[], Any]) -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
        event.listen(engine, "before_cursor_execute", note)
        assert visit().status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return len([statement for statement in seen if statement.startswith(("SELECT", "WITH"))])

    visits = [lambda: dora.get(f"/desk/conversations/{conversation_id}"), look]
    stage(lambda world: more(world, conversation_id, 1))
    for visit in visits:
        visit()
    few = [statements(visit) for visit in visits]
    stage(lambda world: more(world, conversation_id, 8))
    assert [statements(visit) for visit in visits] == few
    assert few[1] <= 22


def more(world: World, conversation_id: int, many: int) -> None:
    on = db.session.scalars(select(Channel).where(Channel.slug == "phone")).one()
    here = db.session.get_one(Conversation, conversation_id)
    for number in range(many):
        calls.attempt_again(here, by=world.dora)
        calls.note(here, Said(kind="call_in", result="reached", text=f"Call {number}"), by=world.dora)
        called(world, on, caller=f"Max {number}", is_somebody_new=True, begins=True)
