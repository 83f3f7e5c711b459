"""Personal data in public is covered at the desk, wherever the words are shown; each look at it is noted."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from accounts.models import AuditEntry
from core.db import db
from core.errors import NotAllowed, NotFound
from desk import conversations, masks, summing, timeline
from desk.models import Conversation, Message
from desk.order_models import MessageHiding
from forum import personal_data
from tests.cast import World
from tests.conftest import Browser
from tests.desk import orderly as there
from tests.desk import stage as props
from tests.desk.orderly import Orderly, orderly  # noqa: F401 -- a fixture
from tests.kb.shelf import fields_of

IBAN = "DE89 3704 0044 0532 0130 00"
PHONE = "0170 1234567"
SAID = f"Where is my refund? {IBAN}, or call me at {PHONE}. Thanks, Max Mustermann"
Stage = Callable[[Callable[[World], Any]], Any]


def message(world: World, text: str = SAID, **about: Any) -> Message:
    return props.received(props.channel(world, endpoint="https://social.example/replies"), text, **about)


def test_what_is_found_is_covered_in_its_place_and_the_rest_stays_readable(world: World) -> None:
    said = message(world)
    pieces = masks.of([said])[said.id]
    assert [(piece.text, piece.name) for piece in pieces] == [
        ("Where is my refund? ", ""),
        ("", "bank account"),
        (", or call me at ", ""),
        ("", "phone number"),
        (". Thanks, Max Mustermann", ""),
    ]
    assert (
        "".join(piece.text for piece in masks.of([said], {(said.id, 0)})[said.id][:2]) == f"Where is my refund? {IBAN}"
    )


@pytest.mark.parametrize(
    "value",
    ["customer number UF-204117", IBAN, PHONE, "max@example.net", "Lindenstraße 5, 50674 Köln", "born on 3 May 1980"],
)
def test_each_kind_of_it_is_covered(world: World, value: str) -> None:
    said = message(world, f"Hello, {value}, please.")
    shown = "".join(piece.text for piece in masks.of([said])[said.id])
    assert value.rsplit(maxsplit=1)[-1] not in shown
    assert masks.SIGN in masks.covered(said.text)


def test_private_messages_and_our_own_stay_as_they_are(world: World) -> None:
    private = message(world, is_public=False)
    assert masks.of([private]) == {}
    assert masks.said(private) == SAID
    private.direction, private.is_public = "out", True
    assert masks.of([private]) == {}


def test_what_the_house_allows_is_not_covered(world: World) -> None:
    said = message(world, f"I called {PHONE} for an hour.")
    assert masks.of([said]) != {}
    personal_data.add(PHONE, deed="allow", by=world.root)
    assert masks.of([said]) == {}
    assert masks.covered(said.text) == said.text


def test_changed_words_are_covered_as_they_are_now(world: World) -> None:
    said = message(world, "Where is my refund?")
    assert masks.of([said]) == {}
    said.text = SAID
    assert said.id in masks.of([said])


def test_each_look_is_noted_without_what_was_seen(world: World) -> None:
    said = message(world)
    masks.reveal(said, 1, by=world.dora)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.conversation.reveal")).one()
    assert (entry.by_id, entry.after) == (world.dora.id, {"message": said.id, "kind": "phone", "number": 1})
    for number in (-1, 2, 10**9):
        with pytest.raises(NotFound):
            masks.reveal(said, number, by=world.dora)
    with pytest.raises(NotAllowed):
        masks.reveal(said, 0, by=world.alice)


def test_lists_timelines_and_summaries_show_signs_instead(world: World) -> None:
    said = message(world)
    assert IBAN not in said.conversation.last_words
    assert masks.SIGN in said.conversation.last_words
    line = timeline.of([said.contact_id or 0], [], viewer=world.dora)
    assert [IBAN in item.words or PHONE in item.words for item in line.items] == [False]
    conversation = conversations.locked(said.conversation_id)
    summary = summing.of(conversation, {}, at_any_length=True)
    assert summary is not None
    assert all(IBAN not in point.passage and PHONE not in point.passage for point in summary.points)


@pytest.fixture
def said_id(stage: Stage) -> int:
    def scene(world: World) -> int:
        world.everybody()
        return message(world).id

    found: int = stage(scene)
    return found


def test_the_page_covers_it_and_a_click_shows_one_piece_and_keeps_what_was_typed(
    said_id: int, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    conversation_id = stage(lambda _world: db.session.get_one(Message, said_id).conversation_id)
    dora = browser_of("dora")
    for path in (f"/desk/conversations/{conversation_id}", f"/desk/conversations/{conversation_id}/exchange", "/desk"):
        page = dora.get(path)
        assert page.status_code == 200
        assert IBAN not in page.text
        assert PHONE not in page.text
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    fields = fields_of(page, f"/desk/conversations/{conversation_id}/replies")
    shown = dora.post(f"/desk/messages/{said_id}/reveal", data={**fields, "text": "Dear Max, I look.", "piece": "0"})
    assert shown.status_code == 200
    assert IBAN in shown.text
    assert PHONE not in shown.text
    assert "Dear Max, I look." in shown.text
    assert "data-refresh-seconds" not in shown.text, "it is not covered again while somebody reads"
    assert shown.headers["Cache-Control"] == "no-store"
    assert IBAN not in dora.get(f"/desk/conversations/{conversation_id}").text


@pytest.mark.parametrize("piece", ["", "-1", "7", "x", "9" * 30, "²"])
def test_a_piece_that_is_not_there_is_not_found(said_id: int, browser_of: Callable[[str], Browser], piece: str) -> None:
    assert browser_of("dora").post(f"/desk/messages/{said_id}/reveal", data={"piece": piece}).status_code == 404


@pytest.mark.usefixtures("orderly")
def test_hidden_there_and_answered_in_private_in_one_step(
    stage: Stage, browser_of: Callable[[str], Browser], worker: Callable[[], None]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return there.wrote(there.channel(), SAID).id

    message_id = stage(scene)
    dora = browser_of("dora")
    path = f"/desk/messages/{message_id}/protection"
    page = dora.get(path)
    assert IBAN not in page.text
    assert "It is folded away there." in page.text
    fields = fields_of(page.text, path)
    assert dora.post(path, data={**fields, "opening": ""}).status_code == 422
    for _ in range(2):  # a double click
        assert dora.post(path, data=fields).status_code == 303
    worker()
    assert Orderly.hidden == {"post-1"}
    assert len(Orderly.said) == 2
    states = stage(
        lambda _world: [
            (one.is_public, one.state)
            for one in db.session.scalars(select(Message).where(Message.direction == "out").order_by(Message.id))
        ]
    )
    assert states == [(True, "sent"), (False, "sent")]
    assert stage(lambda _world: [one.reason for one in db.session.scalars(select(MessageHiding))]) == [
        "personal data in public"
    ]


@pytest.mark.usefixtures("orderly")
def test_where_nothing_is_hidden_and_nobody_writes_in_private_the_counter_and_a_request_take_their_place(
    stage: Stage, browser_of: Callable[[str], Browser], worker: Callable[[], None]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return there.wrote(there.channel(), SAID, locale="en").id

    Orderly.can.update(hides=False, private=False, hiding="It knows no hiding.")
    message_id = stage(scene)
    dora = browser_of("dora")
    path = f"/desk/messages/{message_id}/protection"
    page = dora.get(path).text
    assert "It knows no hiding." in page
    assert dora.post(path, data=fields_of(page, path)).status_code == 303
    worker()
    assert Orderly.hidden == set()
    ((said,),) = [tuple(Orderly.said.values())]
    assert "please delete your post" in said
    assert "/counter/" in said


def test_covering_costs_no_statement_where_nothing_is_found_and_one_for_many(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> int:
        world.everybody()
        on = props.channel(world)
        for number in range(20):
            props.received(on, f"{SAID} {number}", id=f"post-{number}")
        return props.received(on, "Nothing here.", id="post-x", conversation="thread-2").conversation_id

    plain_id = stage(scene)
    with app.app_context():
        plain = list(db.session.get_one(Conversation, plain_id).messages)
        many = list(db.session.scalars(select(Message).where(Message.conversation_id != plain_id)))
        seen: list[str] = []
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- removed below
        event.listen(db.engine, "before_cursor_execute", note)
        assert masks.of(plain) == {}
        assert seen == []
        assert len(masks.of(many)) == 20
        event.remove(db.engine, "before_cursor_execute", note)
        assert len(seen) == 1, seen
