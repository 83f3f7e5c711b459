"""Asking the asker for more: the state, the one reminder by day, the kind closing, and the reply that ends it all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts import people
from accounts.models import AuditEntry
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, asking_back, closing, info_requests, merging, moderation, posts, reminding, words
from forum.events import CommentPosted, InfoWanted, TopicClosed, TopicReopened
from forum.listeners import take_the_closing_back, tell_whom_it_comments, tell_whose_question_is_closed
from forum.listeners import tell_whose_reply_is_wanted as tell
from forum.models import InfoRequest, Notification, Post, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.faults.test_once_only import at_once

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
NOON = datetime(2026, 6, 10, 10, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)
WORDS = "Which version does it say under Help?"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def asked_back(world: World, **kwargs: Any) -> Topic:
    topic = world.ask(**kwargs)
    asking_back.ask(topic, source=WORDS, by=world.tina)
    return topic


def told(kind: str) -> list[int]:
    return [row.user_id for row in db.session.query(Notification).filter_by(kind=kind).order_by(Notification.id)]


def test_a_question_back_is_a_comment_and_a_state(world: World) -> None:
    topic = world.ask()
    comment = asking_back.ask(topic, source=WORDS, by=world.tina)
    assert (comment.kind, comment.source, topic.waits_for_asker) == ("comment", WORDS, True)
    request = info_requests.of(topic)
    assert request is not None
    assert (request.post_id, request.by_id) == (comment.id, world.tina.id)
    again = asking_back.ask(topic, source="And which device is it?", by=world.ada)
    assert topic.info_post_id == again.id
    assert db.session.query(InfoRequest).count() == 1
    asking_back.withdraw(topic, by=world.ada)
    assert (topic.waits_for_asker, info_requests.of(topic)) == (False, None)


def test_only_trusted_members_and_the_team_ask_back_and_never_themselves(world: World) -> None:
    topic = world.ask()
    for person in (world.charlie, world.alice, world.bob):
        with pytest.raises(NotAllowed):
            asking_back.ask(topic, source=WORDS, by=person)
    own = world.ask("A question of Tina's own", by=world.tina)
    with pytest.raises(NotAllowed):
        asking_back.ask(own, source=WORDS, by=world.tina)
    solved = world.solved(title="A question that is solved")
    with pytest.raises(NotAllowed):
        asking_back.ask(solved, source=WORDS, by=world.tina)
    closing.close(topic, by=world.ada, reason="Nobody knows.")
    with pytest.raises(NotAllowed):
        asking_back.ask(topic, source=WORDS, by=world.ada)
    with pytest.raises(Invalid):
        asking_back.ask(world.ask("One more question here"), source="?", by=world.tina)


def test_the_asker_is_told_once_and_in_words_of_its_own(world: World) -> None:
    topic = asked_back(world)
    for _ in range(2):
        tell_whom_it_comments(CommentPosted(topic.id, topic.info_post_id or 0))
        tell(InfoWanted(topic.id, topic.info_post_id or 0))
    assert (told("info_wanted"), told("comment_posted")) == ([world.alice.id], [])
    assert db.session.query(Notification).filter_by(kind="info_wanted").one().way == "mail"


@pytest.mark.parametrize("way", ["comment", "answer", "edit"])
def test_whatever_the_asker_says_ends_it(world: World, way: str) -> None:
    topic = asked_back(world)
    question = db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()
    answers.comment(question, source="I have it, too.", by=world.charlie)
    assert topic.waits_for_asker, "somebody else’s words do not"
    if way == "comment":
        answers.comment(question, source="It says 4.2.", by=world.alice)
    elif way == "answer":
        answers.post(topic, source="I found it: it was 4.2.", by=world.alice)
    else:
        posts.edit(question, source=question.source + " It says 4.2.", by=world.alice, version=1)
    assert (topic.waits_for_asker, info_requests.of(topic)) == (False, None)


def test_an_acceptance_and_a_closing_end_it(world: World) -> None:
    solved, closed = asked_back(world), asked_back(world, title="Another question here")
    answers.accept(world.answer(solved), by=world.tina)
    closing.close(closed, by=world.ada, reason="Not ours.")
    assert [info_requests.of(topic) for topic in (solved, closed)] == [None, None]
    assert not closed.is_closed_for_silence
    with pytest.raises(NotAllowed):
        answers.post(closed, source="But I have more to say.", by=world.alice)


def test_a_comment_that_waits_for_the_team_asks_nobody(world: World) -> None:
    words.watch("version", deed="hold", by=world.root)
    trusted = asked_back(world)
    assert trusted.waits_for_asker, "trusted members are not held"
    moderation.mute(db.session.get_one(Post, trusted.info_post_id), by=world.ada, reason="rude")
    assert asking_back.remind_askers() == 0


def test_the_asker_is_reminded_once_and_by_day(world: World, clock: time_machine.Traveller) -> None:
    people.confirm_email(world.alice)
    topic = asked_back(world)
    assert asking_back.remind_askers() == 0
    clock.move_to(NOON + 3 * A_DAY + timedelta(hours=12))
    assert asking_back.remind_askers() == 0, "not at night"
    clock.move_to(NOON + 4 * A_DAY)
    assert (asking_back.remind_askers(), asking_back.remind_askers()) == (1, 0)
    row = db.session.query(Notification).filter_by(kind="info_reminder").one()
    assert (row.user_id, row.way, row.topic_id, row.post_id) == (world.alice.id, "mail", topic.id, topic.info_post_id)
    answers.comment(db.session.get_one(Post, topic.info_post_id).parent, source="It says 4.2.", by=world.alice)
    assert told("info_reminder") == [], "what is no longer true is taken back"


def test_nobody_is_reminded_of_what_is_muted_or_over_or_refused(world: World, clock: time_machine.Traveller) -> None:
    muted, over = asked_back(world), asked_back(world, title="Another question here")
    refused = asked_back(world, title="And a third question", by=world.bob)
    moderation.mute(muted, by=world.ada, reason="off topic")
    asking_back.withdraw(over, by=world.ada)
    reminding.refuse(world.bob)
    clock.move_to(NOON + 4 * A_DAY)
    assert asking_back.remind_askers() == 0
    clock.move_to(NOON + 11 * A_DAY)
    assert asking_back.close_silent() == 1, "who wants no reminders is told by the closing"
    assert refused.is_closed_for_silence
    assert [muted.is_closed, over.is_closed] == [False, False]


def test_what_waited_long_enough_is_closed_kindly_and_opened_by_a_word(
    world: World, clock: time_machine.Traveller
) -> None:
    topic = asked_back(world, locale="de")
    clock.move_to(NOON + 10 * A_DAY)
    assert asking_back.close_silent() == 0, "nobody reminded them yet"
    assert asking_back.remind_askers() == 1
    assert asking_back.close_silent() == 0, "and not on the same day"
    clock.move_to(NOON + 11 * A_DAY + timedelta(hours=12))
    assert asking_back.close_silent() == 0, "and not at night"
    clock.move_to(NOON + 12 * A_DAY)
    assert (asking_back.close_silent(), asking_back.close_silent()) == (1, 0)
    closed = closing.closing_of(topic)
    assert closed is not None
    assert (topic.closed_as, closed.by_id, "10" in closed.reason) == ("closed", None, True)
    tell_whose_question_is_closed(TopicClosed(topic.id))
    assert told("topic_closed_for_silence") == [world.alice.id]
    for person in (world.bob, world.tina):
        with pytest.raises(NotAllowed):
            answers.post(topic, source="I know something here.", by=person)
    answers.post(topic, source="It was version 4.2, sorry.", by=world.alice)
    assert (topic.is_closed, topic.info_post_id, closing.closing_of(topic)) == (False, None, None)
    take_the_closing_back(TopicReopened(topic.id))
    assert told("topic_closed_for_silence") == []
    deeds = [entry.deed for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert deeds == ["forum.topic.close_for_silence", "forum.topic.reopen"]
    answers.comment(db.session.query(Post).filter_by(kind="question").one(), source="Thank you!", by=world.bob)


def test_a_moderator_reopens_it_as_any_other(world: World, clock: time_machine.Traveller) -> None:
    topic = asked_back(world)
    clock.move_to(NOON + 4 * A_DAY)
    asking_back.remind_askers()
    clock.move_to(NOON + 11 * A_DAY)
    assert asking_back.close_silent() == 1
    closing.reopen(topic, by=world.ada)
    assert (topic.is_closed, topic.waits_for_asker) == (False, False)


def test_a_merged_question_waits_for_nobody(world: World) -> None:
    topic, into = asked_back(world), world.ask("The question that stays", by=world.bob)
    merging.merge(topic, into=into, by=world.ada, knowing=True)
    assert db.session.query(InfoRequest).count() == 0
    assert not into.waits_for_asker


def test_two_workers_remind_and_close_once(app: Flask, stage: Stage, clock: time_machine.Traveller) -> None:
    topic_id = stage(lambda world: asked_back(world).id)

    def run(chore: Callable[[], int]) -> list[int]:
        def one(_: int) -> int:
            with app.app_context():
                return chore()

        return sorted(at_once(one, 4))

    clock.move_to(NOON + 4 * A_DAY)
    assert run(asking_back.remind_askers) == [0, 0, 0, 1]
    clock.move_to(NOON + 11 * A_DAY)
    assert run(asking_back.close_silent) == [0, 0, 0, 1]
    with app.app_context():
        assert told("info_reminder") == [db.session.get_one(Topic, topic_id).asker_id]
        assert db.session.query(AuditEntry).count() == 1


def test_the_page_says_it_to_everybody_and_keeps_what_is_typed(stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> str:
        world.everybody()
        return f"/t/{world.ask().id}"

    path = stage(scene)
    form = path.replace("/t/", "/topics/") + "/questions-back"
    tina = browser_of("tina")
    wrong = tina.post(form, data={"source": "Hm?"})
    assert (wrong.status_code, "Hm?</textarea>" in wrong.text) == (422, True)
    assert browser_of("charlie").post(form, data={"source": WORDS}).status_code == 403
    assert tina.post(form, data={"source": WORDS}).status_code == 303
    pages = {who: browser_of(who).get(path, follow_redirects=True).text for who in ("alice", "charlie", "tina")}
    assert "Your reply is waited for" in pages["alice"]
    assert "More details are wanted" in pages["charlie"]
    assert "Wait no more" in pages["tina"]
    assert "Wait no more" not in pages["charlie"]
    assert "Details wanted" in browser_of("charlie").get("/").text
    assert browser_of("charlie").get("/api/v1/topics").json["topics"][0]["waits_for_asker"] is True
    assert tina.post(f"{form}/undo").status_code == 303
    assert "More details are wanted" not in browser_of("charlie").get(path, follow_redirects=True).text
