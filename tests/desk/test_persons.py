"""Contacts of several channels that are one person: joined with a proof, taken apart exactly, and never by mistake."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from accounts.attempts import TooManyAttempts
from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.mail import Mail
from desk import calls, codes, elsewhere, notes_on_people, persons, replies, timeline
from desk.models import Contact, Message
from desk.objections import Draft
from desk.person_models import ContactCode, ContactJoin, ContactMark
from forum import moderation
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import fields_of

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
WORDS = "The number of my contract begins with seven and ends with nine."


def contact_on(world: World, slug: str, handle: str, name: str = "Max", **about: Any) -> Contact:
    world.everybody()
    on = props.channel(world, slug, endpoint="https://social.example/replies")
    message = props.received(on, about.pop("text", f"Hello from {slug}"), handle=handle, name=name, **about)
    assert message.contact is not None
    return message.contact


def pair(world: World) -> tuple[Contact, Contact]:
    return contact_on(world, "social", "@max@social.example"), contact_on(world, "letters", "max@example.org")


def ids_of(contact: Contact) -> set[int]:
    return {each.id for each in persons.contacts_of(contact)}


def test_joining_follows_all_ways_and_parting_leaves_everything_as_it_was(world: World) -> None:
    one, two = pair(world)
    three = contact_on(world, "chat", "maxi")
    persons.join(two, three, proof="claimed", by=world.dora)
    before = {each.id: ids_of(each) for each in (one, two, three)}
    persons.join(one, two, proof="claimed", by=world.dora)
    persons.join(two, one, proof="claimed", by=world.dora)
    assert ids_of(one) == ids_of(three) == {one.id, two.id, three.id}
    joins = [each for each in persons.joins_among(ids_of(one)) if one.id in {each.one_id, each.other_id}]
    assert len(joins) == 1
    persons.part(joins[0].id, by=world.dora)
    persons.part(joins[0].id, by=world.dora)
    assert {each.id: ids_of(each) for each in (one, two, three)} == before
    deeds = db.session.scalars(select(AuditEntry.deed).where(AuditEntry.subject_kind == "contact")).all()
    assert deeds.count("desk.contact.join") == 2
    assert deeds.count("desk.contact.part") == 1


def test_only_who_works_at_the_desk_joins(world: World) -> None:
    one, two = pair(world)
    for by in (world.alice, world.emil, world.ada):
        with pytest.raises(NotAllowed):
            persons.join(one, two, proof="claimed", by=by)
        with pytest.raises(NotAllowed):
            codes.send_to_contact(one, two, by=by)
        with pytest.raises(NotAllowed):
            notes_on_people.mark(one, is_positive=True, note="Kind", by=by)
    with pytest.raises(Invalid):
        persons.join(one, one, proof="claimed", by=world.dora)


def test_the_same_mail_is_a_proof_only_where_it_is_the_same(world: World) -> None:
    one, two = pair(world)
    with pytest.raises(Invalid):
        persons.join(one, two, proof="matched_by_mail", by=world.dora)
    other = contact_on(world, "post", "MAX@example.org", name="")
    assert [each.why for each in persons.suggested([two], [])] == ["same_mail"]
    persons.join(two, other, proof="matched_by_mail", by=world.dora)
    assert persons.joins_among([two.id, other.id])[0].proof == "matched_by_mail"


def test_a_handle_with_another_name_is_nobody(world: World) -> None:
    one = contact_on(world, "social", "@lena@social.example", name="Lena")
    same = contact_on(world, "chat", "lena", name=" lena ")
    contact_on(world, "talk", "Lena", name="Somebody Else")
    nameless = contact_on(world, "post", "@LENA", name="")
    assert [each.contact and each.contact.id for each in persons.suggested([one], [])] == [same.id]
    assert persons.suggested([nameless], []) == []
    assert db.session.query(ContactJoin).count() == 0


def test_a_code_over_one_channel_said_on_the_other_verifies(world: World) -> None:
    one, two = pair(world)
    persons.join(one, two, proof="claimed", by=world.dora)
    message = codes.send_to_contact(one, two, by=world.dora)
    assert not message.is_public
    assert one.handle not in message.text
    code = re.findall(r"\d{6}", message.text)[0]
    stored = db.session.get_one(ContactCode, one.id).code_hash
    assert code not in stored
    assert not codes.say(one, "000000" if code != "000000" else "111111", by=world.dora)
    assert codes.say(one, f" {code[:3]} {code[3:]} ", by=world.dora)
    assert [each.proof for each in persons.joins_among([one.id, two.id])] == ["verified"]
    with pytest.raises(Conflict):
        codes.say(one, code, by=world.dora)


def test_a_code_dies_of_age_and_of_guesses(world: World) -> None:
    one, two = pair(world)
    code = re.findall(r"\d{6}", codes.send_to_contact(one, two, by=world.dora).text)[0]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(codes.MOST_ATTEMPTS):
        assert not codes.say(one, wrong, by=world.dora)
    with pytest.raises(Conflict):
        codes.say(one, code, by=world.dora)
    code = re.findall(r"\d{6}", codes.send_to_contact(one, two, by=world.dora).text)[0]
    db.session.get_one(ContactCode, one.id).expires_at = now() - timedelta(seconds=1)
    with pytest.raises(Conflict):
        codes.say(one, code, by=world.dora)
    codes.forget_old()
    assert db.session.query(ContactCode).count() == 0
    codes.send_to_contact(one, two, by=world.dora)
    with pytest.raises(TooManyAttempts):
        codes.send_to_contact(one, two, by=world.dora)


def test_a_code_goes_only_where_one_can_write_in_private(world: World) -> None:
    one, two = pair(world)
    two.channel.settings = {}
    with pytest.raises(Conflict):
        codes.send_to_contact(one, two, by=world.dora)
    assert db.session.query(ContactCode).count() == 0


def test_a_member_is_known_by_a_confirmed_address_or_a_code_and_by_nobodys_word(world: World) -> None:
    one, two = pair(world)
    member = world.person("max")
    assert persons.suggested([two], []) == []
    with pytest.raises(Invalid):
        persons.join_member(two, member, proof="matched_by_mail", by=world.dora)
    with pytest.raises(Conflict):
        codes.send_to_member(one, member, by=world.dora)
    member.email_confirmed_at = now()
    with pytest.raises(Invalid):
        persons.join_member(one, member, proof="claimed", by=world.dora)
    assert [each.member and each.member.id for each in persons.suggested([two], [])] == [member.id]
    persons.join_member(two, member, proof="matched_by_mail", by=world.dora)
    codes.send_to_member(one, member, by=world.dora)
    mail = db.session.scalars(select(Mail).order_by(Mail.id.desc())).first()
    assert mail is not None
    assert mail.to == "max@example.org"
    assert codes.say(one, re.findall(r"\d{6}", mail.text)[0], by=world.dora)
    assert [(link.contact_id, link.proof) for link in persons.members_of([one.id, two.id])] == [
        (two.id, "matched_by_mail"),
        (one.id, "verified"),
    ]


def test_one_line_through_every_channel_page_by_page(world: World) -> None:
    one, two = pair(world)
    member = world.person("max")
    member.email_confirmed_at = now()
    persons.join(one, two, proof="claimed", by=world.dora)
    persons.join_member(two, member, proof="matched_by_mail", by=world.dora)
    topic = world.ask("Where is the reset button", by=member)
    muted = world.ask("Something about Zauberlaternen", by=member)
    moderation.mute(muted, by=world.ada, reason="off topic")
    mine = db.session.scalars(select(Message).where(Message.contact_id == one.id)).one().conversation
    for number in range(5):
        props.received(one.channel, f"Private {number}", is_public=False, id=f"private-{number}")
    props.received(one.channel, "I join in", handle="@eve@social.example", name="Eve", id="eve-1")
    replies.reply(mine, text="Please restart it.", by=world.dora, is_public=True)
    calls.note(mine, calls.Said(kind="call_in", result="reached", caller="Max", text="He called."), by=world.dora)
    ids, members = ids_of(one), [member.id]
    seen: list[tuple[str, int]] = []
    cursor: str | None = ""
    while cursor is not None:
        line = timeline.of(ids, members, viewer=world.dora, cursor=cursor, size=3)
        seen += [(item.source, item.id) for item in line.items]
        cursor = line.next
    whole = timeline.of(ids, members, viewer=world.dora)
    assert seen == [(item.source, item.id) for item in whole.items]
    assert len(seen) == len(set(seen))
    assert {item.kind for item in whole.items} == {"public", "private", "calls", "forum"}
    words = " ".join(item.words for item in whole.items)
    assert "I join in" not in words
    assert "Zauberlaternen" not in words
    assert "He called." in words
    assert any(item.where == topic.title for item in whole.items)
    assert whole.items == sorted(whole.items, key=lambda item: item.at, reverse=True)
    for kind in timeline.KINDS:
        assert {item.kind for item in timeline.of(ids, members, viewer=world.dora, kind=kind).items} <= {kind}
    assert timeline.of(ids, members, viewer=world.alice, kind="private").items == []
    for nonsense in ("x", "W10", "e30", "[" * 300, "null", "WyIyMDI2LTAxLTAxIiwgIm1lc3NhZ2UiLCAxXQ"):
        assert timeline.of(ids, members, viewer=world.dora, cursor=nonsense).items == whole.items


def test_marks_are_seen_on_every_channel_and_end_by_themselves(world: World) -> None:
    one, two = pair(world)
    persons.join(one, two, proof="claimed", by=world.dora)
    kind = notes_on_people.mark(one, is_positive=True, note="Sent us a cake", by=world.dora)
    hard = notes_on_people.mark(two, is_positive=False, note="Shouted", by=world.dora, days=1)
    assert [mark.note for mark in notes_on_people.marks_on(ids_of(two))] == ["Shouted", "Sent us a cake"]
    assert kind.expires_at > now() + timedelta(days=179)
    hard.expires_at = now()
    assert [mark.note for mark in notes_on_people.marks_on(ids_of(two))] == ["Sent us a cake"]
    notes_on_people.end_marks()
    assert db.session.query(ContactMark).count() == 1
    assert notes_on_people.remove_mark(kind.id, by=world.dora) == one.id
    assert notes_on_people.remove_mark(kind.id, by=world.dora) is None
    for wrong in ({"note": ""}, {"note": "x" * 301}, {"note": "Fine", "days": 0}):
        with pytest.raises(Invalid):
            notes_on_people.mark(one, is_positive=True, by=world.dora, **{"note": "Fine", **wrong})


def test_private_words_of_one_channel_are_not_quoted_on_the_other(world: World) -> None:
    one, two = pair(world)
    message = props.received(two.channel, WORDS, handle=two.handle, is_public=False, id="secret", conversation="letter")
    there = db.session.scalars(select(Message).where(Message.contact_id == one.id)).one().conversation

    def objected(text: str, *, is_public: bool = False, where: Any = there) -> list[str]:
        draft = Draft(conversation=where, text=text, by=world.dora, is_public=is_public, asked=None)
        return [found.said for found in elsewhere.quotes_private_words(draft)]

    quoted = "You wrote: THE NUMBER of my contract  begins with seven, right?"
    assert objected(quoted) == []  # nobody said that they are one person
    persons.join(one, two, proof="claimed", by=world.dora)
    assert objected(quoted) == ["THE NUMBER of my contract  begins"]
    assert objected("The number of my contract") == []
    assert objected(quoted, where=message.conversation) == []
    assert objected(quoted, where=message.conversation, is_public=True) != []
    assert objected("ß " * 9000 + quoted) != []


@pytest.fixture
def contact_id(stage: Stage) -> int:
    def scene(world: World) -> int:
        one, two = pair(world)
        persons.join(one, two, proof="claimed", by=world.dora)
        return one.id

    found: int = stage(scene)
    return found


def test_the_page_of_a_person_shows_and_does_it_all(contact_id: int, browser_of: BrowserOf) -> None:
    dora = browser_of("dora")
    where = f"/desk/contacts/{contact_id}"
    page = dora.get(where).text
    assert "Hello from social" in page
    assert "Hello from letters" in page
    assert dora.post(f"{where}/marks", data={"kind": "negative", "note": "<b>Loud</b>", "days": "3"}).status_code == 303
    wrong = dora.post(f"{where}/marks", data={"kind": "negative", "note": "Typed", "days": "99999"})
    assert wrong.status_code == 422
    assert "Typed" in wrong.text
    page = dora.get(where).text
    assert "&lt;b&gt;Loud&lt;/b&gt;" in page
    action = re.findall(rf'action="({where}/joins/\d+/undo)', page)[0]
    assert dora.post(action, data=fields_of(page, action)).status_code == 303
    assert "Hello from letters" not in dora.get(where).text
    assert dora.post(f"{where}/joins", data={"whom": "contact:999999"}).status_code == 404
    assert dora.post(f"{where}/joins", data={"whom": f"contact:{contact_id}"}).status_code == 422
    assert dora.post(f"{where}/joins", data={"whom": "member:1", "proof": "claimed"}).status_code == 422
    assert dora.post(f"{where}/code/said", data={"code": "123456"}).status_code == 409
    assert dora.get("/desk/contacts/99999999999999999999").status_code == 404


def test_the_mark_stands_where_the_next_one_answers(contact_id: int, stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> int:
        two = db.session.scalars(select(Contact).where(Contact.id != contact_id)).one()
        notes_on_people.mark(two, is_positive=False, note="Ask for the tall router", by=world.dora)
        return db.session.scalars(select(Message).where(Message.contact_id == contact_id)).one().conversation_id

    conversation_id = stage(scene)
    page = browser_of("dora").get(f"/desk/conversations/{conversation_id}").text
    assert "Ask for the tall router" in page
    assert "Earlier with us" in page
    assert "To <bdi>@max@social.example</bdi> on Social" in page


def test_more_of_everything_takes_no_more_statements(
    contact_id: int, stage: Stage, browser_of: BrowserOf, app: Any
) -> None:
    dora = browser_of("dora")

    def statements(path: str) -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
        event.listen(engine, "before_cursor_execute", note)
        assert dora.get(path).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return len([statement for statement in seen if statement.startswith(("SELECT", "WITH"))])

    def more(world: World) -> int:
        one = db.session.get_one(Contact, contact_id)
        for number in range(4):
            message = props.received(one.channel, f"Again {number}", id=f"again-{number}", conversation=f"t{number}")
            notes_on_people.mark(one, is_positive=True, note=f"Kind {number}", by=world.dora)
            calls.note(message.conversation, calls.Said(kind="visit", result="reached"), by=world.dora)
        return message.conversation_id

    conversation_id = stage(more)
    paths = [f"/desk/contacts/{contact_id}", f"/desk/conversations/{conversation_id}"]
    for path in paths:
        dora.get(path)
    few = [statements(path) for path in paths]
    stage(lambda world: [more_again(world, contact_id, number) for number in range(6)])
    assert [statements(path) for path in paths] == few
    assert few[0] <= 16


def more_again(world: World, contact_id: int, number: int) -> None:
    one = db.session.get_one(Contact, contact_id)
    message = props.received(one.channel, f"Once more {number}", id=f"more-{number}", conversation=f"u{number}")
    notes_on_people.mark(one, is_positive=True, note=f"Kinder {number}", by=world.dora)
    calls.note(message.conversation, calls.Said(kind="visit", result="reached"), by=world.dora)
