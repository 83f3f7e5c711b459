"""Names, categories, owners, tags, pins, and posts that get a topic of their own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import answers, arranging, counters, follows, moderation, posts, queries, votes
from forum.models import Category, Notification, Pin, Post, Topic
from tests.cast import World
from tests.kb.shelf import Shelf

GUEST = AnonymousUser()


def other_category() -> Category:
    made = Category(slug="phone", names={"de": "Telefon", "en": "Phone"}, descriptions={}, position=2)
    db.session.add(made)
    db.session.flush()
    return made


def logged(deed: str) -> tuple[Any, Any]:
    entry = db.session.query(AuditEntry).filter_by(deed=deed).one()
    return entry.before, entry.after


def test_only_moderators_arrange(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    deeds: list[Callable[[Any], object]] = [
        lambda by: arranging.rename(topic, title="Another title here", by=by),
        lambda by: arranging.move(topic, category=world.router, by=by),
        lambda by: arranging.give(answer, to=world.tina, by=by),
        lambda by: arranging.pin(topic, by=by),
        lambda by: arranging.unpin(topic, by=by),
        lambda by: arranging.retag(topic, names=["lan"], by=by),
        lambda by: arranging.split(
            topic, post_ids=[answer.id], title="Another title here", category=world.router, by=by, knowing=True
        ),
    ]
    for person in (world.alice, world.tina, world.emil, world.dora):
        for deed in deeds:
            with pytest.raises(NotAllowed):
                deed(person)


def test_a_new_name_keeps_the_old_one_in_the_history(world: World) -> None:
    topic = world.ask("It does not work")
    arranging.rename(topic, title="The router does not start", by=world.ada)
    assert (topic.title, topic.slug) == ("The router does not start", "the-router-does-not-start")
    question = arranging.question_of(topic)
    assert [revision.title for revision in posts.revisions(question)] == ["It does not work"]
    assert logged("forum.topic.rename") == ({"title": "It does not work"}, {"title": "The router does not start"})
    arranging.rename(topic, title="The router does not start", by=world.ada)
    assert question.version == 2
    with pytest.raises(Invalid) as refused:
        arranging.rename(topic, title="short", by=world.ada)
    assert "title" in refused.value.fields
    with pytest.raises(Conflict):
        posts.edit(question, source="Since this morning, again.", by=world.alice, version=1)


def test_moving_takes_the_pin_off(world: World) -> None:
    topic, phone = world.ask(), other_category()
    arranging.pin(topic, by=world.ada)
    arranging.move(topic, category=phone, by=world.ada)
    assert topic.category.slug == "phone"
    assert arranging.pin_of(topic) is None
    assert logged("forum.topic.move") == (
        {"category": "router", "pinned": True},
        {"category": "phone", "pinned": False},
    )
    arranging.move(topic, category=phone, by=world.ada)
    assert db.session.query(AuditEntry).filter_by(deed="forum.topic.move").count() == 1


def test_a_question_given_away_belongs_to_and_is_followed_by_the_other(world: World) -> None:
    topic = world.ask()
    question = arranging.question_of(topic)
    votes.vote(question, by=world.bob)
    votes.vote(question, by=world.charlie)
    arranging.give(question, to=world.bob, by=world.ada)
    assert topic.asker_id == question.author_id == world.bob.id
    assert follows.is_following(topic, world.bob)
    db.session.refresh(question)
    assert question.helpful_count == 1, "nobody finds the own question helpful"
    assert logged("forum.post.give") == ({"author_id": world.alice.id}, {"author_id": world.bob.id})
    assert list(counters.complaints()) == []


def test_pins_are_for_a_time_and_for_their_category(world: World) -> None:
    topic, other = world.ask("The oldest question here"), world.ask("A newer question here")
    assert queries.category_with_pins("router", viewer=GUEST)[1] == []
    arranging.pin(topic, by=world.ada, until=now() + timedelta(days=1))
    assert queries.category_with_pins("router", viewer=GUEST)[1] == [topic]
    with pytest.raises(Invalid):
        arranging.pin(other, by=world.ada, until=now() - timedelta(seconds=1))
    db.session.query(Pin).one().until = now() - timedelta(seconds=1)
    db.session.flush()
    assert queries.category_with_pins("router", viewer=GUEST)[1] == []
    arranging.pin(topic, by=world.ada)
    moderation.mute(topic, by=world.ada, reason="off topic")
    assert queries.category_with_pins("router", viewer=GUEST)[1] == []
    arranging.unpin(topic, by=world.ada)
    arranging.unpin(topic, by=world.ada)
    assert db.session.query(AuditEntry).filter_by(deed="forum.topic.unpin").count() == 1


def test_other_tags(world: World) -> None:
    topic = world.ask(tags=("wifi", "lan"))
    arranging.retag(topic, names=["LAN", "dsl"], by=world.ada)
    assert topic.tag_names == ["lan", "dsl"]
    assert logged("forum.topic.retag") == ({"tags": ["wifi", "lan"]}, {"tags": ["lan", "dsl"]})
    with pytest.raises(Invalid):
        arranging.retag(topic, names=["a", "b", "c", "d", "e", "f"], by=world.ada)


def split(world: World, topic: Topic, *chosen: Post, knowing: bool = False) -> Topic:
    return arranging.split(
        topic,
        post_ids=[post.id for post in chosen],
        title="Something else entirely",
        category=world.router,
        by=world.ada,
        knowing=knowing,
    )


def test_posts_split_off_are_a_topic_with_a_question_answers_and_comments(world: World) -> None:
    topic = world.ask(tags=("wifi", "lan"))
    stays = world.answer(topic, "Restart it and wait a minute.")
    first = world.answer(topic, "I have another problem: no telephone.", by=world.charlie)
    remark = answers.comment(first, source="Since when exactly?", by=world.tina)
    reply = answers.comment(stays, source="That is for the telephone.", by=world.tina)
    made = split(world, topic, first, reply)
    assert (first.kind, first.topic_id, first.parent_id) == ("question", made.id, None)
    assert (remark.kind, remark.topic_id, remark.parent_id) == ("comment", made.id, first.id)
    assert (reply.kind, reply.topic_id, reply.parent_id) == ("answer", made.id, None)
    assert (stays.topic_id, topic.answer_count, made.answer_count) == (topic.id, 1, 1)
    assert made.asker_id == world.charlie.id
    assert made.tag_names == ["wifi", "lan"]
    assert made.last_activity_at == reply.created_at
    assert topic.last_activity_at == stays.created_at
    assert follows.is_following(made, world.charlie)
    assert list(counters.complaints()) == []
    before, after = logged("forum.topic.split")
    assert sorted(before["post_ids"]) == sorted([first.id, remark.id, reply.id])
    assert after["topic_id"] == made.id


def test_a_solution_is_split_off_only_knowingly_and_leaves_an_unsolved_question(world: World) -> None:
    topic = world.solved()
    assert topic.acceptance is not None
    solution = topic.acceptance.post
    with pytest.raises(Invalid) as refused:
        split(world, topic, solution)
    assert "knowing" in refused.value.fields
    assert topic.is_solved
    made = split(world, topic, solution, knowing=True)
    db.session.expire_all()
    assert not topic.is_solved
    assert not made.is_solved
    assert made.state == topic.state == "unanswered"


def test_what_cannot_be_split_off(world: World) -> None:
    topic, other = world.ask(), world.ask("Another question here")
    question, foreign, muted = arranging.question_of(topic), world.answer(other), world.answer(topic)
    moderation.mute(muted, by=world.ada, reason="off topic")
    for chosen in ((), (question,), (foreign,), (muted,)):
        with pytest.raises(Invalid) as refused:
            split(world, topic, *chosen)
        assert "posts" in refused.value.fields
    mine = world.answer(topic, by=world.tina)
    split(world, topic, mine)
    with pytest.raises(Invalid, match="moved them already"):
        split(world, topic, mine)


def test_who_wrote_what_moved_is_told_and_the_article_is_linked_there(
    stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        topic = world.solved()
        assert topic.acceptance is not None
        answer = topic.acceptance.post
        Shelf(world).published(title="What the light says", sources=[answer])
        made = split(world, topic, answer, knowing=True)
        return topic.id, made.id

    old_id, new_id = stage(scene)
    worker()

    def look(world: World) -> tuple[list[str], list[str], list[str]]:
        told = [note.kind for note in db.session.query(Notification).filter_by(user_id=world.bob.id)]
        old, new = (queries.see_also(db.session.get_one(Topic, it)) for it in (old_id, new_id))
        return told, [link.title for link in old], [link.title for link in new]

    told, old, new = stage(look)
    assert "post_moved" in told
    assert "answer_accepted" not in told
    assert (old, new) == ([], ["What the light says"])
