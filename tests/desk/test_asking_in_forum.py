"""An agent asks in the forum for a customer: once, without personal data, and the answer comes back."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from accounts import staged
from accounts.models import StagedIdentity, User
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import questions, replies
from desk.models import Message, MessageQuestion
from forum import answers, experiences, moderation
from forum.models import Note, Notification, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage

Stage = Callable[[Callable[[World], Any]], Any]
SAID = {
    "title": "Offline since the update: what now?",
    "source": "My router is offline since the update, what now?",
    "category": "router",
    "locale": "en",
}


def message_for(world: World, text: str = "My router is offline since the update, what now?", **about: Any) -> Message:
    world.everybody()
    assert world.router
    found = db.session.query(Message).first()
    channel = found.channel if found else desk_stage.channel(world, endpoint="https://social.example/replies")
    return desk_stage.received(channel, text, **about)


def asked(world: World, message: Message, **changes: Any) -> Topic:
    values = {
        "title": SAID["title"],
        "source": SAID["source"],
        "category": world.router,
        "locale": "en",
        "by": world.dora,
    }
    return questions.ask_in_forum(message, **(values | changes))


def test_a_message_becomes_a_question_of_somebody_on_that_channel(world: World) -> None:
    message = message_for(world)
    topic = asked(world, message)
    asker = topic.asker
    assert asker is not None
    assert (asker.is_staged, asker.email, asker.name) == (True, None, "Somebody on Social")
    assert "max" not in (asker.handle + asker.name).lower()
    assert not topic.is_muted
    note = db.session.scalars(select(Note).where(Note.topic_id == topic.id)).unique().one()
    assert f"/desk/conversations/{message.conversation_id}" in note.text
    linked = questions.linked(message.conversation, viewer=world.dora)
    assert linked[message.id].topic.id == topic.id


def test_twice_makes_one_and_one_handle_is_one_person(world: World) -> None:
    message = message_for(world)
    first = asked(world, message)
    assert asked(world, message, title="Asked a second time, in other words").id == first.id
    again = asked(world, message_for(world, "And the light blinks red now.", conversation="thread-2"))
    assert again.id != first.id
    assert again.asker_id == first.asker_id
    other = asked(world, message_for(world, "Mine blinks, too, since then.", handle="@eva@social.example", name="Eva"))
    assert other.asker_id != first.asker_id
    assert db.session.query(StagedIdentity).count() == 2


def test_twice_at_once_makes_one(app: Flask, stage: Stage) -> None:
    message_id = stage(lambda world: message_for(world).id)
    ids: list[int] = []

    def turn() -> None:
        with app.app_context():
            ids.append(asked(World(), db.session.get_one(Message, message_id)).id)
            db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ids) == 4
    assert len(set(ids)) == 1
    assert stage(lambda _: db.session.query(Topic).count()) == 1


@pytest.mark.parametrize("handle", ["alice", "tina", "ada", "emil"])
def test_only_agents_ask_for_customers(world: World, handle: str) -> None:
    message = message_for(world)
    with pytest.raises(NotAllowed):
        asked(world, message, by=world.person(handle))
    asked(world, message)
    with pytest.raises(NotAllowed):
        questions.send_claim(message.conversation, by=world.person(handle))


def test_personal_data_is_taken_out_and_does_not_pass(world: World) -> None:
    message = message_for(world, "I am offline. My order number is AB-112233, call 0170 1234567 or a@example.net.")
    proposal = questions.propose(message)
    for private in ("AB-112233", "1234567", "a@example.net"):
        assert private not in proposal.title + proposal.source
    assert proposal.caught == ["e-mail address", "customer or order number", "phone number"]
    with pytest.raises(Invalid) as refusal:
        asked(world, message, title="Call me at 0170 1234567 please", source=message.text)
    assert set(refusal.value.fields) == {"title", "source"}
    with pytest.raises(Invalid):
        asked(world, message, category=None)
    with pytest.raises(Invalid):
        asked(world, message, title="x")
    assert db.session.query(Topic).count() == 0


def test_what_the_team_wrote_is_no_question(world: World) -> None:
    message = message_for(world)
    sent = replies.reply(message.conversation, text="Please restart it, and wait.", by=world.dora)
    with pytest.raises(Invalid):
        asked(world, sent)


def test_the_answer_is_told_and_suggested_first_while_it_stands(
    stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> tuple[int, int, int]:
        message = message_for(world)
        topic = asked(world, message)
        answer = world.answer(topic, "Hold the button for ten seconds.")
        answers.accept(answer, by=world.ada)
        return message.conversation_id, topic.id, answer.id

    conversation_id, topic_id, answer_id = stage(scene)
    worker()
    told = stage(
        lambda world: [
            one.url
            for one in db.session.query(Notification).filter_by(user_id=world.dora.id, kind="answer_for_customer")
        ]
    )
    assert told == [f"/desk/conversations/{conversation_id}"]
    browser = browser_of("dora")
    page = browser.get(f"/desk/conversations/{conversation_id}").text
    assert f"/t/{topic_id}-" in page
    assert "Hold the button for ten seconds." in page
    assert "The answer to what was asked for this customer" in page
    assert f"/p/{answer_id}" in page

    def contradicted(world: World) -> None:
        answer = db.session.get_one(Topic, topic_id).acceptance
        assert answer is not None
        for who in (world.charlie, world.tina):
            experiences.tell(answer.post, has_worked=False, words="Not here.", by=who)

    stage(contradicted)
    assert "The answer to what was asked" not in browser.get(f"/desk/conversations/{conversation_id}").text
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="off topic"))
    assert browser.get(f"/desk/conversations/{conversation_id}").status_code == 200


def test_the_pages_ask_once_and_keep_what_was_typed(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, int]:
        message = message_for(world, "It is off. Call 0170 1234567.", is_public=False)
        return message.conversation_id, message.id

    conversation_id, message_id = stage(scene)
    browser = browser_of("dora")
    path = f"/desk/messages/{message_id}/question"
    assert path in browser.get(f"/desk/conversations/{conversation_id}").text
    page = browser.get(path).text
    assert "0170 1234567" not in page
    assert "phone number" in page
    assert "wrote this in private" in page
    wrong = browser.post(path, data=SAID | {"title": "x", "category": ""})
    assert wrong.status_code == 422
    assert SAID["source"] in wrong.text
    assert browser.post(path, data=SAID | {"source": "Call 0170 1234567 for the router."}).status_code == 422
    assert browser.post(path, data=SAID | {"category": ""}).status_code == 422
    for _ in range(2):
        assert browser.post(path, data=SAID).status_code == 303
    assert stage(lambda _: db.session.query(Topic).count()) == 1
    assert browser.get(path).status_code == 303
    assert browser_of("charlie").get(path).status_code == 403
    assert browser_of("charlie").post(path, data=SAID).status_code == 403


def test_the_link_to_claim_goes_in_private_and_only_to_whose_conversation_it_is(world: World) -> None:
    message = message_for(world)
    with pytest.raises(Conflict):
        questions.send_claim(message.conversation, by=world.dora)
    topic = asked(world, message)
    sent = questions.send_claim(message.conversation, by=world.dora)
    assert (sent.is_public, sent.direction) == (False, "out")
    found = re.search(r"/claim/([\w-]{43})", sent.text)
    assert found is not None
    claimed = staged.become_member(
        found[1], handle="max-muster", name="Max", email="max@example.net", password_hash="x", locale="en"
    )
    assert claimed.id == topic.asker_id
    assert claimed.email_confirmed_at is None, "an address that nobody proved"
    with pytest.raises(Conflict):
        questions.send_claim(message.conversation, by=world.dora)
    later = asked(world, message_for(world, "And now it is slow since Monday.", conversation="thread-3"))
    assert later.asker_id != claimed.id, "nobody asks in a member's name"


def test_who_joined_in_is_not_sent_the_link_of_somebody_else(world: World) -> None:
    message_for(world)
    joined = message_for(world, "Mine, too, since the update.", handle="@eva@social.example", name="Eva")
    asked(world, joined)
    with pytest.raises(Conflict):
        questions.send_claim(joined.conversation, by=world.dora)


def test_nothing_of_it_is_left_when_the_person_is_erased(world: World) -> None:
    message = message_for(world)
    topic = asked(world, message)
    asker = topic.asker
    assert asker is not None
    db.session.delete(asker)
    db.session.flush()
    db.session.expire_all()
    assert db.session.query(StagedIdentity).count() == 0
    assert questions.claimant(message.conversation) is None
    again = asked(world, message_for(world, "And now it is slow since Monday.", conversation="thread-3"))
    assert again.asker_id != asker.id if again.asker_id else False
    assert db.session.query(User).filter_by(is_staged=True).count() == 1
    assert db.session.query(MessageQuestion).count() == 2
