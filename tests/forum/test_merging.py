"""Merging: nothing that was written is lost, old addresses lead on, and what is said about solutions stays true."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed, NotFound
from forum import answers, arranging, closing, counters, drafts, follows, merging, moderation, queries, topics
from forum.models import Acceptance, Duplicate, Notification, Post, Topic, TopicRedirect
from tests.cast import World
from tests.conftest import Browser

GUEST = AnonymousUser()


def merge(world: World, topic: Topic, into: Topic) -> None:
    merging.merge(topic, into=into, by=world.ada, knowing=True)


def test_everything_moves(world: World) -> None:
    into = world.ask("The router blinks red")
    topic = world.ask("Why does it *blink* in red?", "And what does it mean?", by=world.charlie)
    old_id, question = topic.id, arranging.question_of(topic)
    answer = world.answer(topic, "It means that the line is dead.")
    remark = answers.comment(question, source="Which router is it?", by=world.tina)
    reply = answers.comment(answer, source="So it was, thank you.", by=world.charlie)
    topics.add_see_also(topic, title="Lights", url="/kb/1-lights")
    topics.add_see_also(into, title="Lights", url="/kb/1-lights")
    follows.follow(topic, by=world.dora)
    drafts.save(world.emil, f"answer:{old_id}", {"source": "I think it is"})
    merge(world, topic, into)
    above = arranging.question_of(into)
    assert (question.kind, question.topic_id, question.parent_id) == ("comment", into.id, above.id)
    assert question.source.startswith("**Why does it \\*blink\\* in red?**")
    assert (answer.kind, answer.topic_id) == ("answer", into.id)
    assert (remark.parent_id, reply.parent_id) == (above.id, answer.id)
    assert into.answer_count == 1
    assert into.last_activity_at == reply.created_at
    assert [person.handle for person in world.everybody() if follows.is_following(into, person)] == [
        "alice",
        "bob",
        "charlie",
        "dora",
    ]
    assert [link.title for link in queries.see_also(into)] == ["Lights"]
    assert drafts.find(world.emil, f"answer:{into.id}") is not None
    assert db.session.get(Topic, old_id) is None
    assert queries.visible_topic(old_id, viewer=GUEST) is into
    assert list(counters.complaints()) == []
    entry = db.session.query(AuditEntry).filter_by(deed="forum.topic.merge").one()
    assert entry.before is not None
    assert (entry.subject_id, entry.before["topic_id"], entry.before["asker_id"]) == (into.id, old_id, world.charlie.id)


def test_addresses_lead_on_for_ever(world: World) -> None:
    one, two, three = (world.ask(f"Question number {number}") for number in (1, 2, 3))
    ids = one.id, two.id
    merge(world, one, two)
    merge(world, two, three)
    assert [queries.visible_topic(it, viewer=GUEST) for it in ids] == [three, three]
    moderation.mute(three, by=world.ada, reason="off topic")
    for it in ids:
        with pytest.raises(NotFound):
            queries.visible_topic(it, viewer=GUEST)
        assert queries.visible_topic(it, viewer=world.alice) is three


def test_only_moderators_merge_and_only_knowingly(world: World) -> None:
    topic, into = world.ask("Question number 1"), world.ask("Question number 2")
    for person in (world.alice, world.tina, world.emil):
        with pytest.raises(NotAllowed):
            merging.merge(topic, into=into, by=person, knowing=True)
    with pytest.raises(Invalid) as refused:
        merging.merge(topic, into=into, by=world.ada, knowing=False)
    assert "knowing" in refused.value.fields
    with pytest.raises(Invalid):
        merge(world, topic, topic)
    moderation.mute(topic, by=world.ada, reason="off topic")
    with pytest.raises(Invalid, match="muted"):
        merge(world, topic, into)


def test_the_solution_of_the_only_solved_one_is_the_choice_of_the_team(world: World) -> None:
    topic, into = world.solved(by=world.charlie), world.ask("Another question here")
    assert topic.acceptance is not None
    post_id = topic.acceptance.post_id
    merge(world, topic, into)
    assert into.acceptance is not None
    assert (into.acceptance.post_id, into.acceptance.by_id) == (post_id, world.ada.id)
    assert into.state == "solved"


def test_of_two_solutions_the_one_that_is_there_stays(
    stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]
) -> None:
    ids = stage(lambda world: [world.solved(by=world.charlie).id, world.solved(title="Another question here").id])
    worker()

    def scene(world: World) -> tuple[int, int]:
        topic, into = (db.session.get_one(Topic, it) for it in ids)
        assert topic.acceptance is not None
        assert into.acceptance is not None
        both = topic.acceptance.post_id, into.acceptance.post_id
        merge(world, topic, into)
        return both

    dropped, kept = stage(scene)
    worker()
    assert stage(lambda _: [row.post_id for row in db.session.query(Acceptance)]) == [kept]
    keys = stage(lambda _: {note.key for note in db.session.query(Notification)})
    assert f"accepted:{kept}" in keys
    assert f"accepted:{dropped}" not in keys


def test_where_several_may_solve_it_every_solution_moves_that_has_another_label(world: World) -> None:
    one, two = world.ask(), world.ask(title="The same thing on another device")
    for topic in (one, two):
        topic.category.accepts_several = True
    kept = answers.accept(world.answer(two, "Hold the button on 4.2."), by=two.asker, label="4.2")
    moving = answers.accept(world.answer(one, "Press it twice on 5.0."), by=one.asker, label="5.0")
    dropped = answers.accept(world.answer(one, "Let go of it on 4.2."), by=one.asker, label="4.2")
    posts = [kept.post_id, moving.post_id, dropped.post_id]
    merging.merge(one, into=two, by=world.ada, knowing=True)
    assert [chosen.post_id for chosen in queries.solutions(two)] == posts[:2]
    assert db.session.get_one(Post, posts[2]).topic_id == two.id


def test_duplicates_lead_where_their_target_went(world: World) -> None:
    topic, into, one, two = (world.ask(f"Question number {number}") for number in range(4))
    for duplicate in (one, two):
        closing.close_as_duplicate(duplicate, target=topic, by=world.ada)
    db.session.add(Duplicate(topic_id=two.id, target_id=into.id))
    closing.close_as_duplicate(topic, target=into, by=world.ada)
    merge(world, topic, into)
    assert [(row.topic_id, row.target_id) for row in db.session.query(Duplicate).order_by(Duplicate.topic_id)] == [
        (one.id, into.id),
        (two.id, into.id),
    ]
    with pytest.raises(Invalid, match="other way"):
        merge(world, into, one)


def test_what_is_still_on_its_way_arrives_at_the_other_topic(
    stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]
) -> None:
    def scene(world: World) -> int:
        topic, into = world.ask("Question number 1"), world.ask("Question number 2", by=world.charlie)
        world.answer(topic)
        closing.close(topic, by=world.ada, reason="settled")
        merge(world, topic, into)
        return into.id

    into_id = stage(scene)
    worker()
    assert stage(lambda _: {n.topic_id for n in db.session.query(Notification)}) == {into_id}
    from core import outbox

    assert stage(lambda _: outbox.set_aside()) == []


def test_pages_and_calls_lead_on(
    stage: Callable[[Callable[[World], Any]], Any], guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> tuple[int, int, int]:
        topic, into = world.ask("The same question twice"), world.ask("The same question twice")
        answer = world.answer(topic)
        old_id = topic.id
        merge(world, topic, into)
        return old_id, into.id, answer.id

    old_id, into_id, answer_id = stage(scene)
    moved = guest.get(f"/t/{old_id}-the-same-question-twice")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"/t/{into_id}-the-same-question-twice")
    assert guest.get(f"/p/{answer_id}").headers["Location"].startswith(f"/t/{into_id}-")
    assert guest.get(f"/api/v1/topics/{old_id}").json["id"] == into_id
    sent = browser_of("bob").post(f"/topics/{old_id}/answers", data={"source": "Still open in a tab, sent now."})
    assert sent.status_code == 303
    assert stage(lambda _: db.session.query(Post).filter_by(topic_id=into_id, kind="answer").count()) == 2


def test_answers_that_come_while_merging_are_not_lost(
    app: Flask, stage: Callable[[Callable[[World], Any]], Any]
) -> None:
    ids = stage(
        lambda world: world.everybody() and [world.ask("Question number 1").id, world.ask("Question number 2").id]
    )
    ready = threading.Barrier(6)
    told: list[str] = []

    def answer(number: int) -> None:
        with app.app_context():
            if db.engine.dialect.name == "postgresql":  # on SQLite whoever has begun keeps all others waiting
                db.session.get_one(Topic, ids[0])
            ready.wait(10)
            try:
                bob = World().bob
                topic = db.session.get(Topic, ids[0]) or queries.visible_topic(ids[0], viewer=bob)
                answers.post(topic, source=f"This is answer number {number}", by=bob)
                db.session.commit()
                told.append("written")
            except KlinkeError as error:
                db.session.rollback()
                told.append(type(error).__name__)

    def arrange() -> None:
        with app.app_context():
            ready.wait(10)
            topic, into = (db.session.get_one(Topic, it) for it in ids)
            merge(World(), topic, into)
            db.session.commit()

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(5)]
    threads.append(threading.Thread(target=arrange))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(told) == 5
    assert set(told) <= {"written", "Conflict"}
    written = stage(lambda _: db.session.query(Post).filter_by(topic_id=ids[1], kind="answer").count())
    assert written == told.count("written")
    assert stage(lambda _: list(counters.complaints())) == []
    assert stage(lambda _: db.session.query(TopicRedirect).count()) == 1
