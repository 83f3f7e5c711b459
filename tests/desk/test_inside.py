"""The team among itself: notes, hand-overs, colleagues outside, and who else is there."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.mail import Mail
from desk import handing_over, notes, presence, replies, side_talks
from desk.inside import HandOver, Note, SideTalk
from desk.models import Conversation
from desk.objections import Objected
from forum.models import Notification
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
Browse = Callable[[str], Browser]


def begun(world: World) -> Conversation:
    assert world.dora
    world.person("dirk", "agent")
    return received(channel(world, endpoint="https://social.example/replies")).conversation


def dirk() -> User:
    return db.session.scalars(select(User).where(User.handle == "dirk")).one()


def told(kind: str) -> list[int]:
    return list(db.session.scalars(select(Notification.user_id).where(Notification.kind == kind)))


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    found: int = stage(lambda world: begun(world).id)
    return found


def test_agents_who_are_named_hear_of_a_note_and_nobody_else(world: World) -> None:
    conversation = begun(world)
    world.everybody()
    note = notes.write(conversation, text="@dirk and @alice, @dora: is this known? mail@dirk.example", by=world.dora)
    assert told("desk_mention") == [dirk().id], "alice does not work at the desk, dora wrote it"
    assert notes.of(conversation) == [note]
    with pytest.raises(NotAllowed):
        notes.write(conversation, text="Hello", by=world.emil)
    for text in ("", "   ", "x" * (notes.LONGEST + 1)):
        with pytest.raises(Invalid):
            notes.write(conversation, text=text, by=world.dora)


def test_only_its_writer_takes_a_note_back_with_the_news_of_it(world: World) -> None:
    conversation = begun(world)
    note = notes.write(conversation, text="@dirk the customer is my neighbour", by=world.dora)
    with pytest.raises(NotAllowed):
        notes.withdraw(note.id, by=dirk())
    with pytest.raises(NotFound):
        notes.withdraw(note.id + 1, by=world.dora)
    notes.withdraw(note.id, by=world.dora)
    notes.withdraw(note.id, by=world.dora)
    assert (note.text, told("desk_mention")) == ("", [])


def test_a_note_stands_where_it_was_written_and_never_leaves_the_house(
    stage: Stage, browser_of: Browse, conversation_id: int
) -> None:
    dora = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}"
    assert dora.post(f"{path}/notes", data={"note": "He wrote to us in May, too."}).status_code == 303
    page = dora.get(path).text
    assert "He wrote to us in May, too." in page
    assert "He wrote to us in May, too." in dora.get(f"{path}/exchange").text
    assert "He wrote to us in May, too." not in dora.get(f"/api/v1/conversations/{conversation_id}").text
    empty = dora.post(f"{path}/notes", data={"note": "  "})
    assert empty.status_code == 422
    long = dora.post(f"{path}/notes", data={"note": "y" * 5001})
    assert (long.status_code, "y" * 5001 in long.text) == (422, True)
    assert stage(lambda _: db.session.query(Note).count()) == 1


def test_notes_stand_between_messages_in_time(world: World) -> None:
    conversation = begun(world)
    note = notes.write(conversation, text="Before the answer", by=world.dora)
    later = received(conversation.channel, "And now?", id="m2", created_at=now() + timedelta(seconds=1))
    db.session.expire(conversation, ["messages"])
    later.created_at = now() + timedelta(minutes=1)
    last = notes.write(conversation, text="After it", by=world.dora)
    last.at = now() + timedelta(minutes=2)
    db.session.flush()
    messages = sorted(conversation.messages, key=lambda one: one.created_at)
    assert notes.between(notes.of(conversation), messages) == {later.id: [note], None: [last]}


def test_a_card_goes_along_and_stays_until_it_is_taken(world: World) -> None:
    conversation = begun(world)
    about = {"known": "Router R2", "promised": "", "next_step": "Call the depot", "due_at": now() + timedelta(hours=2)}
    card = handing_over.hand_over(conversation, to=dirk(), by=world.dora, **about)
    assert conversation.assignee_id == dirk().id
    assert told("desk_handed_over") == [dirk().id]
    assert handing_over.open_card(conversation) is card
    with pytest.raises(NotAllowed):
        handing_over.take(card, by=world.dora)
    handing_over.take(card, by=dirk())
    with pytest.raises(Conflict):
        handing_over.take(card, by=dirk())
    assert handing_over.open_card(conversation) is None
    other = received(conversation.channel, conversation="thread-2", id="other").conversation
    for card_id, of in ((card.id, other), (card.id + 1, conversation), (10**30, conversation), (0, conversation)):
        with pytest.raises(NotFound):
            handing_over.found(of, card_id)
    for wrong, field in (({"next_step": " "}, "next_step"), ({"due_at": now()}, "due_at"), ({"to": world.dora}, "to")):
        with pytest.raises(Invalid) as refused:
            handing_over.hand_over(conversation, **{"to": dirk(), "by": world.dora, **about, **wrong})
        assert list(refused.value.fields) == [field]
    assert db.session.query(HandOver).count() == 1


def test_a_newer_card_takes_the_place_of_one_that_nobody_took(world: World) -> None:
    conversation = begun(world)
    about = {"known": "", "promised": "", "due_at": None}
    first = handing_over.hand_over(conversation, to=dirk(), by=world.dora, next_step="One", **about)
    second = handing_over.hand_over(conversation, to=world.dora, by=dirk(), next_step="Two", **about)
    assert handing_over.open_card(conversation) is second
    with pytest.raises(Conflict):
        handing_over.take(first, by=dirk())


def test_the_form_of_a_hand_over_keeps_what_was_typed(browser_of: Browse, stage: Stage, conversation_id: int) -> None:
    dora = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/hand-over"
    assert "Dirk" in dora.get(path).text
    to = stage(lambda _: dirk().id)
    wrong = dora.post(path, data={"to": to, "next_step": "", "known": "He has an R2.", "due_at": "soon"})
    assert wrong.status_code == 422
    assert "He has an R2." in wrong.text
    assert "soon" in wrong.text
    assert dora.post(path, data={"to": 4711, "next_step": "x"}).status_code == 422
    assert dora.post(path, data={"to": to, "next_step": "Call the depot"}).status_code == 303
    page = browser_of("dirk").get(f"/desk/conversations/{conversation_id}").text
    assert "Call the depot" in page
    assert "I have it" in page
    assert "I have it" not in dora.get(f"/desk/conversations/{conversation_id}").text


def test_a_colleague_without_an_account_answers_behind_a_link(
    stage: Stage, browser_of: Browse, guest: Browser, conversation_id: int
) -> None:
    dora = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}"
    data = {"name": "Rosa from the depot", "address": "rosa@depot.example", "question": "Is R2 there?", "locale": "en"}
    assert dora.post(f"{path}/aside", data=data | {"address": "no address"}).status_code == 422
    assert dora.post(f"{path}/aside", data=data).status_code == 303
    assert stage(lambda _: db.session.query(Conversation).one().state) == "waiting_inside"
    mail = stage(lambda _: db.session.scalars(select(Mail.text).where(Mail.to == "rosa@depot.example")).one())
    assert "Is R2 there?" in mail
    assert "My router is offline" not in mail, "nothing of the customer goes along"
    link = re.search(r"/aside/\S+", mail)
    assert link is not None
    page = guest.get(link[0])
    assert (page.status_code, "noindex" in page.text) == (200, True)
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "My router is offline" not in page.text
    assert "Max" not in page.text
    assert guest.post(link[0], data={"answer": " "}).status_code == 422
    for _twice in range(2):
        assert guest.post(link[0], data={"answer": "Yes, on shelf 4.", "once": "the same"}).status_code == 303
    notes_now = stage(lambda _: [(note.text, note.by_id) for note in db.session.query(Note)])
    assert notes_now == [("Yes, on shelf 4.", None)]
    assert stage(lambda _: db.session.query(Conversation).one().state) == "open"
    assert stage(lambda world: told("desk_side_answer") == [world.dora.id])
    assert "Yes, on shelf 4." in dora.get(path).text
    talk_id = stage(lambda _: db.session.query(SideTalk).one().id)
    assert dora.post(f"{path}/aside/{talk_id}/end").status_code == 303
    assert guest.get(link[0]).status_code == 404
    assert guest.post(link[0], data={"answer": "Too late"}).status_code == 404


@pytest.mark.parametrize(
    "ticket", ["1-aaaaaaaaaaaaaaaaaaaa", "x", "1", "zzzzzzzzzzzzz-aaaaaaaaaaaaaaaaaaaa", "0-" + "a" * 20]
)
def test_nobody_guesses_a_link(guest: Browser, stage: Stage, conversation_id: int, ticket: str) -> None:
    def scene(world: World) -> None:
        side_talks.begin(
            db.session.get_one(Conversation, conversation_id),
            name="Rosa",
            address="rosa@depot.example",
            question="Well?",
            locale="de",
            by=world.dora,
        )

    stage(scene)
    assert guest.get(f"/aside/{ticket}").status_code == 404
    assert guest.post(f"/aside/{ticket}", data={"answer": "x"}).status_code == 404


def test_who_stays_silent_is_reminded_once(world: World) -> None:
    conversation = begun(world)
    talk = side_talks.begin(
        conversation, name="Rosa", address="rosa@depot.example", question="Well?", locale="de", by=world.dora
    )
    assert side_talks.remind_all() == 0
    talk.at -= timedelta(hours=5)
    db.session.commit()
    assert [side_talks.remind_all(), side_talks.remind_all()] == [1, 0]
    assert db.session.query(Mail).filter_by(to="rosa@depot.example").count() == 2
    assert told("desk_side_silent") == [world.dora.id]


def test_who_else_is_there_is_seen_and_asked_about_before_sending(
    browser_of: Browse, stage: Stage, conversation_id: int
) -> None:
    dora, other = browser_of("dora"), browser_of("dirk")
    path = f"/desk/conversations/{conversation_id}"
    assert "Dirk" not in dora.post(f"{path}/presence", data={"writing": "0"}).text
    other.post(f"{path}/presence", data={"writing": "0"})
    assert "Dirk is looking" in dora.post(f"{path}/presence", data={"writing": "0"}).text
    other.post(f"{path}/presence", data={"writing": "1"})
    assert "Dirk is writing" in dora.get(path).text
    assert "Dora" not in dora.get(path).text.split("data-presence-url")[1].split("</div>")[0]
    answer = dora.post(f"{path}/replies", data={"text": "Please restart it."})
    assert answer.status_code == 409
    assert "Dirk is writing here, too." in answer.text
    other.post(f"{path}/presence", data={"writing": "0"})
    assert dora.post(f"{path}/replies", data={"text": "Please restart it."}).status_code == 303


def test_presence_ends_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = begun(world)
    monkeypatch.setattr(presence, "LOOKING_SECONDS", 0)
    monkeypatch.setattr(presence, "WRITING_SECONDS", 0)
    presence.note(conversation, dirk(), is_writing=True)
    assert presence.others(conversation, world.dora, among=[dirk()]) == []
    assert replies.objections_to(conversation, "Hello", by=world.dora) == []


def test_programs_are_not_held_up_by_somebody_who_writes(world: World) -> None:
    conversation = begun(world)
    presence.note(conversation, dirk(), is_writing=True)
    assert replies.reply(conversation, text="Hello", by=world.dora).state == "queued"
    with pytest.raises(Objected):
        replies.reply(conversation, text="Hello again", by=world.dora, confirmed=())
    presence.note(conversation, dirk(), is_writing=False)
