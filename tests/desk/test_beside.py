"""What stands beside a conversation: one statement says what there is at all, and the page loads only that."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, get_args

import pytest
from flask import Flask
from sqlalchemy import event, text

from core.clock import now
from core.db import db
from desk import beside, replies
from desk.block_models import ConversationArticle
from desk.channel_models import MessageFile
from desk.draft_models import SharedDraft
from desk.events import MessageReceived
from desk.inside import HandOver, Note, SideTalk
from desk.models import Contact, Conversation, Message, MessageQuestion
from desk.order_models import ContactStep, HeldArrival, MessageCorrection, MessageHiding
from desk.person_models import CallNote, ContactJoin, ContactMark, Counter, ThreadPost
from desk.promise_models import CallBack, Promise
from desk.sending_models import HeldReply
from desk.triage import receiving
from desk.watch_models import CaseWatch
from kb import uses
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
MOST = 37
"""Statements of a page beside which there is everything at once, each kind with its names."""


def conversation(world: World, name: str = "max") -> Conversation:
    on = props.channel(world, name, endpoint="https://social.example/replies")
    return props.received(on, "My router is offline", conversation=name, id=name, handle=f"@{name}").conversation


def _use(world: World, here: Conversation, number: int) -> None:
    reply = replies.reply(here, text=f"Please restart it, for the time number {number}.", by=world.dora)
    article = Shelf(world).published(title=f"Wireless is gone after update {number}")
    uses.record(article, face=None, where_kind="message", where_id=reply.id, by=world.dora, asked="")


def _judge(_world: World, here: Conversation, number: int) -> None:
    name = f"{here.external_id}-{number}"
    message = props.received(
        here.channel, "Still offline, please help!", conversation=here.external_id, id=name, handle=here.contact.handle
    )
    receiving.take_in(MessageReceived(here.id, message.id))


def _earlier(_world: World, here: Conversation, number: int) -> None:
    name = f"{here.external_id}-before-{number}"
    props.received(here.channel, "Before", conversation=name, id=name, handle=here.contact.handle)


def _link(world: World, here: Conversation, number: int) -> list[Any]:
    article = Shelf(world).published(title=f"Linked article with number {number}")
    return [ConversationArticle(conversation_id=here.id, article_id=article.id, relation="about")]


def _question(world: World, here: Conversation, number: int) -> list[Any]:
    topic = world.ask(title=f"Question number {number} of a customer", by=world.alice)
    message = Message(
        conversation_id=here.id,
        channel_id=here.channel_id,
        external_id=f"asked-{here.id}-{number}",
        direction="in",
        is_public=True,
        text="Asked",
        state="received",
    )
    db.session.add(message)
    db.session.flush()
    return [MessageQuestion(message_id=message.id, conversation_id=here.id, topic_id=topic.id, by_id=world.dora.id)]


def _file(_world: World, here: Conversation, number: int) -> list[Any]:
    message = Message(
        conversation_id=here.id,
        channel_id=here.channel_id,
        external_id=f"with-file-{here.id}-{number}",
        direction="in",
        is_public=True,
        text="See the picture",
        state="received",
    )
    db.session.add(message)
    db.session.flush()
    return [MessageFile(message_id=message.id, name="a.png", media_type="image/png", size=3, content=b"abc")]


def _reply(world: World, here: Conversation, number: int) -> Message:
    reply = Message(
        conversation_id=here.id,
        channel_id=here.channel_id,
        external_id=f"reply-{here.id}-{number}",
        direction="out",
        is_public=True,
        text="Please restart it",
        by_id=world.dora.id,
        state="sent",
    )
    db.session.add(reply)
    db.session.flush()
    return reply


def _written(here: Conversation, number: int) -> Message:
    message = Message(
        conversation_id=here.id,
        channel_id=here.channel_id,
        external_id=f"held-{here.id}-{number}",
        direction="in",
        is_public=True,
        text="Me again",
        state="received",
    )
    db.session.add(message)
    db.session.flush()
    return message


def _join(_world: World, here: Conversation, number: int) -> list[Any]:
    other = Contact(channel_id=here.channel_id, handle=f"@other-{here.id}-{number}", name="Max")
    db.session.add(other)
    db.session.flush()
    one, two = sorted((here.contact_id, other.id))
    return [ContactJoin(one_id=one, other_id=two, proof="claimed")]


def _soon() -> Any:
    return now() + timedelta(hours=1)


KINDS: dict[str, Callable[[World, Conversation, int], Sequence[Any] | None]] = {
    "joined": _join,
    "marks": lambda w, c, _n: [
        ContactMark(contact_id=c.contact_id, is_positive=True, note="Friendly", by_id=w.dora.id, expires_at=_soon())
    ],
    "earlier": _earlier,
    "calls": lambda w, c, _n: [
        CallNote(
            conversation_id=c.id, kind="call_in", result="reached", caller="Max", number="", text="Hi", by_id=w.dora.id
        )
    ],
    "thread": lambda _w, c, n: [
        ThreadPost(
            conversation_id=c.id, external_id=f"t{n}", handle="@eva", name="Eva", text="Me too", created_at=now()
        )
    ],
    "counters": lambda w, c, n: [
        Counter(
            conversation_id=c.id,
            seed=f"{n:032}",
            asks=["address"],
            is_shown_in_public=False,
            by_id=w.dora.id,
            expires_at=_soon(),
        )
    ],
    "uses": _use,
    "articles": _link,
    "hidings": lambda w, c, _n: [
        MessageHiding(message_id=c.messages[0].id, is_hidden=True, reason="Spam", by_id=w.dora.id, state="done")
    ],
    "corrections": lambda w, c, n: [
        MessageCorrection(message_id=_reply(w, c, n).id, text="Better", by_id=w.dora.id, state="failed")
    ],
    "ladder": lambda w, c, n: [
        ContactStep(
            contact_id=c.contact_id,
            step="mute",
            reason="Insults",
            by_id=w.dora.id,
            state="in_force" if n <= 2 else "over",
        )
    ],
    "arrivals": lambda _w, c, n: [HeldArrival(message_id=_written(c, n).id, conversation_id=c.id)],
    "notes": lambda w, c, n: [Note(conversation_id=c.id, by_id=w.dora.id, text=f"Note {n}")],
    "questions": _question,
    "held": lambda w, c, _n: [
        HeldReply(conversation_id=c.id, by_id=w.dora.id, state="approval", text="Held", is_public=True)
    ],
    "card": lambda w, c, _n: [
        HandOver(conversation_id=c.id, by_id=w.ada.id, to_id=w.dora.id, known="k", promised="p", next_step="Call")
    ],
    "talks": lambda w, c, n: [
        SideTalk(
            conversation_id=c.id, by_id=w.dora.id, name=f"Tom {n}", address="t@example.org", locale="en", question="?"
        )
    ],
    "promises": lambda w, c, n: [
        Promise(conversation_id=c.id, what=f"A call {n}", owner_id=w.dora.id, by_id=w.dora.id, due_at=_soon())
    ],
    "call_backs": lambda w, c, _n: [
        CallBack(conversation_id=c.id, phone="0", since=now(), until=_soon(), owner_id=w.dora.id, by_id=w.dora.id)
    ],
    "judgement": _judge,
    "files": _file,
    "watch": lambda _w, c, n: [
        CaseWatch(conversation_id=c.id, until=now() + timedelta(days=n), ended_at=None if n <= 2 else now())
    ],
    "draft": lambda w, c, n: [
        SharedDraft(conversation_id=c.id, text=f"Draft {n}", by_id=w.dora.id, dropped_at=None if n <= 2 else now())
    ],
}


def put(world: World, here: Conversation, kind: str, number: int = 1) -> None:
    rows = KINDS[kind](world, here, number)
    db.session.add_all(rows or [])
    db.session.flush()


def test_every_kind_is_known_here() -> None:
    assert set(KINDS) == set(get_args(beside.Kind))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_seen_beside_its_conversation_and_no_other(world: World, kind: str) -> None:
    here, elsewhere = conversation(world), conversation(world, "eva")
    assert beside.there(here).kinds == frozenset()
    put(world, here, kind)
    assert beside.there(here).kinds == {kind}
    assert beside.there(elsewhere).kinds == frozenset()


def test_no_table_is_read_through_to_know_what_is_there(world: World) -> None:
    here = conversation(world)
    seen: list[tuple[str, Any]] = []
    note = lambda _c, _cursor, statement, parameters, *_rest: seen.append((statement, parameters))  # noqa: E731 -- removed below
    event.listen(db.engine, "before_cursor_execute", note)
    beside.there(here)
    event.remove(db.engine, "before_cursor_execute", note)
    ((statement, parameters),) = seen
    is_sqlite = db.engine.dialect.name == "sqlite"
    if not is_sqlite:
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    prefix = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    plan = [str(row[-1]) for row in db.session.connection().exec_driver_sql(prefix + statement, parameters)]
    assert any("ix_article_use_where" in step for step in plan)
    through = [step for step in plan if step.strip(" ->").startswith(("SCAN", "Seq Scan"))]
    # The person is no table, but what the statement has found of it so far.
    assert [step for step in through if "person" not in step and "CONSTANT ROW" not in step] == []


def test_what_is_over_is_not_there(world: World) -> None:
    here = conversation(world)
    for kind in ("marks", "card", "promises"):
        put(world, here, kind)
    for row in [*db.session.scalars(db.select(ContactMark)), *db.session.scalars(db.select(HandOver))]:
        row.expires_at = row.taken_at = now() - timedelta(seconds=1)
    for promise in db.session.scalars(db.select(Promise)):
        promise.settled_at = now()
    db.session.flush()
    assert beside.there(here).kinds == frozenset()


def test_a_page_with_everything_beside_it_costs_the_same_with_many_of_each(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        few, many = conversation(world), conversation(world, "eva")
        for kind in KINDS:
            put(world, few, kind)
            for number in range(2, 6):
                put(world, many, kind, number)
        assert beside.there(few).kinds == beside.there(many).kinds == set(KINDS)
        return few.id, many.id

    few, many = stage(scene)
    dora = browser_of("dora")
    with app.app_context():
        engine = db.engine
    seen: list[str] = []
    note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below

    def asked(number: int) -> list[str]:
        dora.get(f"/desk/conversations/{number}")
        seen.clear()
        event.listen(engine, "before_cursor_execute", note)
        page = dora.get(f"/desk/conversations/{number}")
        event.remove(engine, "before_cursor_execute", note)
        for words in ("Me too", "Note ", "Friendly", "Linked article", "A call", "Tom "):
            assert words in page.text
        return [statement for statement in seen if statement.startswith(("SELECT", "WITH"))]

    once = asked(few)
    assert len(once) <= MOST, once
    assert len(asked(many)) == len(once)
