"""The secure counter: once, for a while, without an account, encrypted, noted who read it, and gone in the end."""

import io
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, text

from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from desk import call_backs, conversations, counters, handing, replies
from desk.counters import Upload
from desk.models import Conversation, Message
from desk.objections import Objected
from desk.person_models import Counter, CounterFile, CounterLook
from forum.models import Notification
from tests.cast import World
from tests.conftest import RAW_CSRF, Browser
from tests.desk import stage as props
from tests.forum.test_images import picture
from tests.kb.shelf import fields_of

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
PDF = b"%PDF-1.7\n<script>alert(1)</script>\n%%EOF\n"
ASKS = list(counters.ASKS)


def conversation_of(world: World, **about: Any) -> Conversation:
    world.everybody()
    on = props.channel(world, endpoint="https://social.example/replies")
    return props.received(on, **about).conversation


def opened(world: World, **about: Any) -> Counter:
    return counters.open_for(conversation_of(world, **about), asks=ASKS, in_public=True, by=world.dora)


def ticket_of(counter: Counter) -> str:
    return counters.address_of(counter).rsplit("/", 1)[-1]


def test_what_is_left_is_read_once_it_is_noted_and_is_ciphertext_until_then(world: World) -> None:
    counter = opened(world)
    conversation = counter.conversation
    replies.reply(conversation, text="Please come to the counter.", by=world.dora)
    slot = counters.slots()[0].value
    files = counters.documents([Upload("Vertrag.pdf", PDF), Upload("../../foto.png", picture().content)])
    said = {"name": "Max Muster", "phone": "+49 30 1234567", "slot": slot, "text": "Please call.", "other": "x"}
    counters.submit(counter, said=said, files=files)
    assert conversation.state == "open"
    assert conversation.waiting_since is not None
    raw = db.session.execute(text("select content from counter")).scalar_one()
    assert "Muster" not in raw
    assert b"%PDF" not in bytes(db.session.execute(text("select content from counter_file order by id")).first()[0])
    with pytest.raises(NotAllowed):
        counters.read(counter, by=world.emil)
    left = counters.read(counter, by=world.dora)
    assert left["name"] == "Max Muster"
    assert counters.slot_of(left["slot"])
    assert "other" not in left
    kept = db.session.scalars(select(CounterFile).order_by(CounterFile.id)).all()
    assert [(each.kind, each.name) for each in kept] == [("pdf", "Vertrag.pdf"), ("png", "foto.png")]
    assert counters.take_document(kept[0].id, by=world.dora).content == PDF
    with pytest.raises(NotAllowed):
        counters.take_document(kept[0].id, by=world.alice)
    assert [(look.by_id, look.file_id) for look in counters.looks(counter)] == [
        (world.dora.id, kept[0].id),
        (world.dora.id, None),
    ]
    with pytest.raises(NotFound):
        counters.submit(counter, said=said, files=[])
    with pytest.raises(NotFound):
        counters.at(ticket_of(counter))


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00 a program",
        b"PK\x03\x04 an archive",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"",
        b"%PDF-1.7 that breaks off",
        b"xx%PDF-1.7\n%%EOF",
        b"\x89PNG\r\n\x1a\nand then nothing",
        b"GIF89a/*" + b"a" * 100,
        b"%PDF-" + b"x" * (5 * 1024 * 1024) + b"%%EOF",
    ],
)
def test_what_is_no_document_is_not_taken(world: World, content: bytes) -> None:
    world.everybody()
    with pytest.raises(Invalid) as refusal:
        counters.documents([Upload("invoice.pdf", content)])
    assert "documents" in refusal.value.fields


def test_what_is_wrong_is_said_at_its_field_and_uses_nothing_up(world: World) -> None:
    counter = opened(world)
    for said, field in (
        ({"slot": counters.slots()[0].value}, "phone"),
        ({"slot": "2020-01-01/9-12"}, "slot"),
        ({"name": "x" * 201}, "name"),
        ({"text": "x" * 20_000}, "text"),
    ):
        with pytest.raises(Invalid) as refusal:
            counters.submit(counter, said=said, files=[])
        assert set(refusal.value.fields) == {field}
    with pytest.raises(Invalid):
        counters.submit(counter, said={}, files=[])
    with pytest.raises(Invalid):
        counters.documents([Upload(f"{number}.pdf", PDF) for number in range(4)])
    assert counters.at(ticket_of(counter)).id == counter.id
    counters.submit(counter, said={"name": "\u202eMax 🎈"}, files=[])
    assert counters.read(counter, by=world.dora)["name"] == "Max 🎈"


def test_only_what_was_asked_for_is_taken(world: World) -> None:
    counter = counters.open_for(conversation_of(world), asks=["phone"], in_public=False, by=world.dora)
    with pytest.raises(Invalid):
        counters.submit(counter, said={"phone": "1"}, files=counters.documents([Upload("a.pdf", PDF)]))
    counters.submit(counter, said={"phone": "030 1", "name": "Max"}, files=[])
    assert counters.read(counter, by=world.dora) == {"phone": "030 1", "text": ""}
    with pytest.raises(Invalid):
        counters.open_for(counter.conversation, asks=["password"], in_public=False, by=world.dora)


def test_a_link_cannot_be_guessed_and_grows_old(world: World) -> None:
    counter = opened(world)
    ticket = ticket_of(counter)
    assert counters.at(ticket).id == counter.id
    for wrong in (
        ticket[:-1],
        ticket[:-1] + ("a" if ticket[-1] != "a" else "b"),
        f"zzzz-{ticket[-20:]}",
        "x",
        "1-" + "a" * 20,
    ):
        with pytest.raises(NotFound):
            counters.at(wrong)
    counter.expires_at = now()
    with pytest.raises(NotFound):
        counters.at(ticket)


def test_it_is_deleted_some_days_after_the_conversation_is_closed(world: World, settings: Callable[..., None]) -> None:
    counter = opened(world)
    counters.submit(counter, said={"text": "My number is 12."}, files=counters.documents([Upload("a.pdf", PDF)]))
    conversation = counter.conversation
    conversations.change_state(conversation, "solved", by=world.dora)
    assert counters.purge_due() == 0
    conversations.change_state(conversation, "open", by=world.dora)
    assert counters.purge_due() == 0
    assert db.session.get_one(Counter, counter.id).rests_since is None
    conversations.change_state(conversation, "solved", by=world.dora)
    counters.purge_due()
    counter.rests_since = now() - timedelta(days=13)
    assert counters.purge_due() == 0
    counter.rests_since = now() - timedelta(days=14)
    assert counters.purge_due() == 1
    assert db.session.query(CounterFile).count() == 0
    assert db.session.execute(text("select content from counter")).scalar_one() is None
    with pytest.raises(NotFound):
        counters.read(counter, by=world.dora)
    assert counters.purge_due() == 0
    settings(counter_longest_days=1)
    old = counters.open_for(conversation, asks=ASKS, in_public=False, by=world.dora)
    counters.submit(old, said={"text": "Nobody closes this."}, files=[])
    old.submitted_at = now() - timedelta(days=2)
    assert counters.purge_due() == 1


@pytest.fixture
def address(stage: Stage) -> str:
    found: str = stage(lambda world: counters.address_of(opened(world)))
    return found.removeprefix("http://localhost")


def leave(guest: Browser, address: str, **data: Any) -> Any:
    return guest.post(address, data={"text": "Here it is.", **data}, content_type="multipart/form-data")


def test_opening_it_changes_nothing_and_tells_nothing(address: str, guest: Browser, stage: Stage) -> None:
    for _ in range(5):
        page = guest.get(address)
        assert guest.head(address).status_code == 200
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]
    for private in ("Max", "router", "social.example", "@max"):
        assert private not in page.text
    assert "What happens with your data" in page.text
    assert stage(lambda _world: db.session.scalars(select(Counter)).one().submitted_at) is None
    assert stage(lambda _world: db.session.query(CounterLook).count()) == 0


def test_a_guest_hands_it_in_once_and_an_agent_reads_it(
    address: str, guest: Browser, browser_of: BrowserOf, stage: Stage, worker: Callable[[], None]
) -> None:
    refused = leave(guest, address, name="Max", phone="", slot="2020-01-01/9-12")
    assert refused.status_code == 422
    assert 'value="Max"' in refused.text
    done = leave(guest, address, name="Max <b>", documents=(io.BytesIO(PDF), 'x"\r\nSet-Cookie: a=b.pdf'))
    assert done.status_code == 200
    assert "It has arrived" in done.text
    assert leave(guest, address).status_code == 404
    assert guest.get(address).status_code == 404
    worker()
    assert stage(lambda _world: db.session.query(Notification).filter_by(kind="counter_used").count()) == 1
    dora = browser_of("dora")
    conversation_id = stage(lambda _world: db.session.scalars(select(Conversation.id)).one())
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Max <b>" not in page
    assert "Max &lt;b&gt;" not in page  # what was left is read on a page of its own
    read = dora.post(re.findall(r'action="(/desk/counters/\d+/reading)"', page)[0])
    assert read.status_code == 200
    assert read.headers["Cache-Control"] == "no-store"
    assert "Max &lt;b&gt;" in read.text
    taken = dora.post(re.findall(r'action="(/desk/counter-documents/\d+)"', read.text)[0])
    assert taken.get_data() == PDF
    assert taken.headers["Content-Type"] == "application/octet-stream"
    assert re.fullmatch(r'attachment; filename="document-\d+\.pdf"', taken.headers["Content-Disposition"])
    assert taken.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in taken.headers["Content-Security-Policy"]
    assert dora.get("/desk/counters/1/reading").status_code == 405
    for other in ("alice", "emil", "ada"):
        stranger = browser_of(other)
        assert stranger.post("/desk/counters/1/reading").status_code == 403
        assert stranger.post("/desk/counter-documents/1").status_code == 403
    assert stage(lambda _world: db.session.query(CounterLook).count()) == 2


def test_what_is_left_appears_nowhere_else(address: str, guest: Browser, browser_of: BrowserOf, stage: Stage) -> None:
    leave(guest, address, name="Quittenmus", text="Quittenmus", phone="Quittenmus")
    stage(lambda _world: None)
    dora, root = browser_of("dora"), browser_of("root")
    contact = stage(lambda _world: db.session.scalars(select(Conversation.contact_id)).one())
    for browser, path in (
        (dora, "/desk?view=all"),
        (dora, "/desk/conversations/1"),
        (dora, "/desk/conversations/1/why"),
        (dora, f"/desk/contacts/{contact}"),
        (root, "/admin/audit"),
        (guest, "/"),
    ):
        page = browser.get(path).text
        assert "Quittenmus" not in page, path


def test_ten_at_once_are_one(address: str, app: Flask, stage: Stage) -> None:
    def send(number: int) -> int:
        browser: Any = app.test_client()
        with browser.session_transaction() as session:
            session["csrf_token"] = RAW_CSRF
        return int(leave(browser, address, text=f"Number {number}").status_code)

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(send, range(6)))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 404}
    assert json.loads(stage(lambda _world: db.session.scalars(select(Counter.content)).one()))["text"]


def test_a_network_sends_only_so_often(address: str, guest: Browser) -> None:
    answers = [leave(guest, "/counter/1-" + "a" * 20).status_code for _ in range(21)]
    assert set(answers[:20]) == {404}
    assert answers[20] == 429
    assert guest.get(address).status_code == 200


def test_it_speaks_as_the_conversation_does(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> str:
        counter = opened(world, text="Mein Router geht nicht mehr, was nun?", locale="de")
        counter.conversation.is_informal = True
        return counters.address_of(counter).removeprefix("http://localhost")

    address = stage(scene)
    page = guest.get(address).text
    assert '<html lang="de"' in page
    assert "deinen Daten" in page
    assert "Ihren" not in page
    assert "Du brauchst" in page or "brauchst du" in page
    stage(lambda _world: setattr(db.session.scalars(select(Conversation)).one(), "is_informal", False))
    page = guest.get(address).text
    assert "Ihren Daten" in page
    assert "deinen" not in page


def test_one_key_moves_to_private_and_it_stays_one_conversation(stage: Stage, browser_of: BrowserOf) -> None:
    conversation_id = stage(lambda world: conversation_of(world).id)
    dora, where = browser_of("dora"), f"/desk/conversations/{conversation_id}/private"
    page = dora.get(where).text
    fields = fields_of(page, where)
    assert fields["pointer"] == "We have just sent you a private message."
    wrong = dora.post(where, data={**fields, "opening": "x" * 30_000})
    assert wrong.status_code == 422
    doubtful = dora.post(where, data={**fields, "pointer": "Call me: max@private.example", "opening": "Typed"})
    assert doubtful.status_code == 409
    assert "Typed" in doubtful.text
    assert stage(lambda _world: db.session.query(Message).filter_by(direction="out").count()) == 0
    assert dora.post(where, data=fields).status_code == 303
    assert dora.post(where, data=fields).status_code == 303
    sent = stage(
        lambda _world: [
            (message.is_public, message.conversation_id)
            for message in db.session.scalars(select(Message).where(Message.direction == "out").order_by(Message.id))
        ]
    )
    assert sent == [(True, conversation_id), (False, conversation_id)]


def test_where_there_is_no_private_message_it_says_why_and_offers_the_counter(
    stage: Stage, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = stage(lambda world: conversation_of(world).id)
    monkeypatch.setattr(handing, "why_not_private", lambda _conversation: "There are no private messages here.")
    dora, where = browser_of("dora"), f"/desk/conversations/{conversation_id}"
    page = dora.get(f"{where}/private").text
    assert "There are no private messages here." in page
    assert f'action="{where}/private"' not in page
    assert dora.post(f"{where}/counters", data={"identity": ""}).status_code == 422
    assert dora.post(f"{where}/counters", data={"phone": "y"}).status_code == 303
    page = dora.get(where).text
    assert "Put the link into the reply" in page
    fields = fields_of(page, f"{where}/replies")
    fields.pop("look", None)
    counter_id = re.findall(r'value="counter:(\d+)"', page)[0]
    typed = dora.post(f"{where}/replies", data={**fields, "text": "Hello,", "insert": f"counter:{counter_id}"}).text
    assert re.search(r"Hello, Please leave your details .*http://localhost/counter/", typed)
    assert dora.post(f"/desk/counters/{counter_id}/withdrawal").status_code == 303
    late = dora.post(f"{where}/replies", data={**fields, "text": "Hello,", "insert": f"counter:{counter_id}"})
    assert late.status_code == 422


def test_a_call_is_noted_and_its_words_are_ciphertext(stage: Stage, browser_of: BrowserOf) -> None:
    conversation_id = stage(lambda world: conversation_of(world).id)
    dora, where = browser_of("dora"), f"/desk/conversations/{conversation_id}/call"
    fields = fields_of(dora.get(where).text, where)
    said = {"caller": "Frau Muster", "number": "030 1234567", "text": "She <i>calls</i> again."}
    assert dora.post(where, data={**fields, "kind": "burglary"}).status_code == 422
    for _ in range(2):
        assert dora.post(where, data={**fields, **said, "result": "no_answer"}).status_code == 303
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert page.count("Frau Muster") == 1
    assert "She &lt;i&gt;calls&lt;/i&gt; again." in page
    raw = stage(lambda _world: tuple(db.session.execute(text("select caller, number, text from call_note")).one()))
    assert all(value.startswith("gAAAA") for value in raw)


def test_a_link_that_was_said_in_public_proves_nothing_unless_it_asks_for_a_code(world: World) -> None:
    conversation = conversation_of(world)
    counter = counters.open_for(conversation, asks=ASKS, in_public=False, by=world.dora)
    text_with_link = handing.words_for(counter)
    with pytest.raises(Objected) as refused:
        replies.reply(conversation, text=text_with_link, by=world.dora, is_public=True, confirmed=[])
    said = next(one for one in refused.value.objections if one.code == "open_counter")
    assert not said.is_final
    seals = [one.seal for one in refused.value.objections]
    replies.reply(conversation, text=text_with_link, by=world.dora, is_public=True, confirmed=seals)
    assert counter.is_unverified, "whatever was planned when it was opened"
    counters.ask_for_code(counter, by=world.dora)
    counters.ask_for_code(counter, by=world.dora)
    assert not counter.is_unverified
    assert "in private" in handing.words_for(counter)
    assert replies.objections_to(conversation, handing.words_for(counter), by=world.dora, is_public=True) == []
    with pytest.raises(NotAllowed):
        counters.ask_for_code(counter, by=world.alice)


def test_in_private_a_link_stays_what_it_is(world: World) -> None:
    conversation = conversation_of(world, is_public=False)
    counter = counters.open_for(conversation, asks=ASKS, in_public=False, by=world.dora)
    replies.reply(conversation, text=handing.words_for(counter), by=world.dora, confirmed=[])
    assert not counter.is_unverified


@pytest.mark.parametrize("written", ["{0}", "{0:.3} {1}", "{0:.3}-{1}"])
def test_the_code_never_goes_out_in_public(world: World, written: str) -> None:
    conversation = conversation_of(world)
    counter = counters.open_for(conversation, asks=ASKS, in_public=True, has_code=True, by=world.dora)
    code = counters.code_of(counter)
    with pytest.raises(Objected):
        replies.reply(conversation, text=f"Your code: {written.format(code, code[3:])}.", by=world.dora, is_public=True)
    assert replies.reply(conversation, text=f"Your code: {code}.", by=world.dora, is_public=False)


def test_the_code_stands_in_no_column_and_is_of_this_counter(world: World) -> None:
    first = counters.open_for(conversation_of(world), asks=ASKS, in_public=True, has_code=True, by=world.dora)
    code = counters.code_of(first)
    assert re.fullmatch(r"[0-9]{6}", code)
    assert code not in str(db.session.execute(text("select * from counter")).all())
    second = counters.open_for(first.conversation, asks=ASKS, in_public=True, has_code=True, by=world.dora)
    assert counters.code_of(second) != code


def test_a_few_wrong_codes_close_the_counter_and_a_right_one_costs_none(world: World) -> None:
    counter = counters.open_for(conversation_of(world), asks=ASKS, in_public=True, has_code=True, by=world.dora)
    code = counters.code_of(counter)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(4):
        assert not counters.prove(counter, wrong)
    for _ in range(3):
        assert counters.prove(counter, f"{code[:3]} {code[3:]}")
    assert not counters.prove(counter, wrong)
    assert not counter.is_open
    with pytest.raises(NotFound):
        counters.prove(counter, code)


def test_with_a_code_a_guest_comes_in_and_what_they_typed_stays(
    stage: Stage, guest: Browser, browser_of: BrowserOf
) -> None:
    def scene(world: World) -> tuple[int, str, str]:
        counter = counters.open_for(conversation_of(world), asks=ASKS, in_public=True, has_code=True, by=world.dora)
        return counter.conversation_id, f"/counter/{ticket_of(counter)}", counters.code_of(counter)

    conversation_id, path, code = stage(scene)
    assert 'name="code"' in guest.get(path).text
    refused = guest.post(path, data={"name": "Max Muster", "code": "12"})
    assert refused.status_code == 422
    assert "This is not the code" in refused.text
    assert "Max Muster" in refused.text
    shown = browser_of("dora").get(f"/desk/conversations/{conversation_id}").text
    assert code in shown
    assert guest.post(path, data={"name": "Max Muster", "code": code}).status_code == 200
    counter_id = stage(lambda _: db.session.scalar(select(Counter.id)))
    read = browser_of("dora").post(f"/desk/counters/{counter_id}/reading").text
    assert "Identity unverified" not in read
    assert "knew the code" in read


def test_a_public_counter_without_a_code_says_unverified_wherever_it_is_read(
    stage: Stage, guest: Browser, browser_of: BrowserOf
) -> None:
    def scene(world: World) -> tuple[int, str, str]:
        counter = opened(world)
        return counter.conversation_id, f"/counter/{ticket_of(counter)}", counters.slots()[3].value

    conversation_id, path, slot = stage(scene)
    assert guest.post(path, data={"phone": "+49 30 1234567", "slot": slot}).status_code == 200
    counter_id = stage(lambda _: db.session.scalar(select(Counter.id)))

    def hear(_world: World) -> None:
        for _ in range(2):  # the worker may hear of it twice
            call_backs.arrange_from_counter(counter_id)

    stage(hear)
    dora = browser_of("dora")
    assert "Identity unverified" in dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Identity unverified" in dora.post(f"/desk/counters/{counter_id}/reading").text
    calls = [dora.get(f"/desk/calls?view={view}").text for view in ("today", "later")]
    assert sum("Identity unverified" in page for page in calls) == 1
    assert sum("+49 30 1234567" in page for page in calls) == 1


def test_the_time_chosen_at_the_counter_becomes_a_call_back_and_goes_with_it(world: World) -> None:
    counter = opened(world)
    slot = counters.slots()[4]
    counters.submit(counter, said={"phone": "+49 30 1234567", "slot": slot.value}, files=[])
    call = call_backs.arrange_from_counter(counter.id)
    assert call is not None
    assert call_backs.arrange_from_counter(counter.id) == call
    assert (call.phone, call.owner, call.by_id) == ("+49 30 1234567", world.dora, None)
    local = call.since.astimezone(ZoneInfo("Europe/Berlin"))
    assert (local.date(), local.hour) == (slot.day, slot.begins)
    assert call.until - call.since == timedelta(hours=slot.ends - slot.begins)
    counters.withdraw(counter, by=world.dora)
    db.session.refresh(call)
    assert (call.state, call.phone) == ("cancelled", None)


@pytest.mark.parametrize("said", [{"phone": "+49 30 1234567"}, {"name": "Max"}, {"phone": "12", "slot": "now"}])
def test_without_a_time_or_a_number_nobody_is_called(world: World, said: dict[str, str]) -> None:
    counter = opened(world)
    if said.get("slot"):
        said = {**said, "slot": counters.slots()[4].value}
    counters.submit(counter, said=said, files=[])
    assert call_backs.arrange_from_counter(counter.id) is None
