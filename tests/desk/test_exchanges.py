"""A solved public exchange becomes a question of the forum with its answer: once, without anything personal."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed
from desk import conversations, exchanges, greetings, replies
from desk.block_models import ReplyTopic
from desk.models import Message, MessageQuestion
from forum.models import Notification, SeeAlso, Topic
from tests.cast import World
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
ASKED = "Hello there, my router has been offline since the update. Mail me at max@example.org please. What now?"
ANSWERED = "Hi Max, please hold the button for ten seconds, then it starts anew.\n\nKind regards\nDora"


def solved(world: World, **about: Any) -> Message:
    on = props.channel(world, endpoint="https://a.example/r")
    asked = props.received(on, about.pop("asked", ASKED), locale="en", url="https://social.example/@max/1", **about)
    reply = replies.reply(asked.conversation, text=ANSWERED, by=world.dora)
    reply.state = "sent"
    conversations.change_state(asked.conversation, "solved", by=world.dora)
    return reply


def publish(world: World, reply: Message, **changes: Any) -> Topic:
    proposal = exchanges.propose(reply)
    about: dict[str, Any] = {
        "title": proposal.title,
        "question": proposal.question,
        "answer": proposal.answer,
        "category": world.router,
        "locale": proposal.locale,
        "has_consent": False,
        "by": world.dora,
        **changes,
    }
    return exchanges.publish(reply, **about)


def test_greetings_names_and_what_is_personal_are_taken_out(world: World) -> None:
    proposal = exchanges.propose(solved(world))
    assert proposal.answer == "Please hold the button for ten seconds, then it starts anew."
    assert proposal.question.startswith("My router has been offline since the update.")
    assert "max@example.org" not in proposal.question
    assert proposal.title == "My router has been offline since the update."
    assert proposal.caught


def test_it_becomes_a_question_with_an_accepted_answer(world: World) -> None:
    reply = solved(world)
    topic = publish(world, reply)
    db.session.refresh(topic)
    assert topic.acceptance is not None
    assert topic.acceptance.post.author_id == world.dora.id
    assert topic.asker is not None
    assert topic.asker.is_staged
    assert "max" not in f"{topic.title} {topic.asker.name} {topic.asker.handle}".lower()
    assert db.session.scalars(select(MessageQuestion.topic_id)).all() == [topic.id]
    assert db.session.scalars(select(SeeAlso)).all() == []


def test_with_consent_it_leads_to_where_it_was_asked(world: World) -> None:
    topic = publish(world, solved(world), has_consent=True)
    assert db.session.scalars(select(SeeAlso.url).where(SeeAlso.topic_id == topic.id)).all() == [
        "https://social.example/@max/1"
    ]


def test_twice_is_once(world: World) -> None:
    reply = solved(world)
    first = publish(world, reply)
    assert publish(world, reply, title="Another title altogether").id == first.id
    assert db.session.scalar(select(func.count(Topic.id))) == 1


def test_a_name_or_anything_personal_is_refused_at_its_field(world: World) -> None:
    reply = solved(world)
    for field, value in (
        ("title", "Max has a router that is offline"),
        ("answer", "Please write to dora@example.org about it."),
        ("question", "I am @max and my router is offline."),
    ):
        with pytest.raises(Invalid) as refused:
            publish(world, reply, **{field: value})
        assert list(refused.value.fields) == [field]
    with pytest.raises(Invalid):
        publish(world, reply, category=None)


@pytest.mark.parametrize("what", ["private", "open", "unsent", "incoming", "silent"])
def test_only_what_is_public_sent_and_solved(world: World, what: str) -> None:
    reply = solved(world, is_public=what != "private", asked="  " if what == "silent" else ASKED)
    if what == "open":
        conversations.change_state(reply.conversation, "open", by=world.dora)
    if what == "unsent":
        reply.state = "queued"
    if what == "incoming":
        reply = db.session.scalars(select(Message).where(Message.direction == "in")).one()
    with pytest.raises(Conflict):
        exchanges.propose(reply)
    with pytest.raises(Conflict):
        exchanges.publish(
            reply,
            title="A title that is long enough",
            question="A question that is long enough.",
            answer="An answer.",
            category=world.router,
            locale="en",
            has_consent=False,
            by=world.dora,
        )


def test_only_agents_do_it_and_nobody_is_told_to_send_the_answer(world: World, worker: Callable[[], None]) -> None:
    reply = solved(world)
    with pytest.raises(NotAllowed):
        publish(world, reply, by=world.emil)
    publish(world, reply)
    reply.conversation.assignee = world.dora
    db.session.commit()
    worker()
    kinds = db.session.scalars(select(Notification.kind)).all()
    assert "answer_for_customer" not in kinds


def test_two_at_once_make_one(app: Flask, stage: Stage) -> None:
    reply_id = stage(lambda world: (world.everybody(), world.router, solved(world))[-1].id)
    problems: list[BaseException] = []

    def press() -> None:
        try:
            with app.app_context():
                world = World()
                publish(world, db.session.get_one(Message, reply_id))
                db.session.commit()
        except KlinkeError:
            pass  # the other one was faster, and this one is told
        except BaseException as problem:  # noqa: BLE001 -- a thread's failure must reach the test
            problems.append(problem)

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with app.app_context():
        assert db.session.scalar(select(func.count(ReplyTopic.reply_id))) == 1
        assert db.session.scalar(select(func.count(Topic.id))) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hallo Max, das geht so.", "Das geht so."),
        ("Sehr geehrte Frau Muster,\n\nbitte warten.\n\nMit freundlichen Grüßen\nIhr Team", "Bitte warten."),
        ("Das hat Max gesagt.", "Das hat … gesagt."),
        ("@max@social.example ja", "… ja"),
        ("Halloween ist morgen.", "Halloween ist morgen."),
        ("", ""),
        ("Maximal drei.", "Maximal drei."),
    ],
)
def test_greetings_go_and_the_rest_stays(text: str, expected: str) -> None:
    assert greetings.without(text, names=["Max", "@max@social.example", ""]) == expected
    assert len(greetings.without("hallo " * 20_000, names=["x" * 50])) <= 120_000
