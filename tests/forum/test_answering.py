"""Answering and commenting."""

from datetime import timedelta

import pytest

from accounts.people import AnonymousUser
from core.clock import now
from core.errors import Invalid, NotAllowed
from forum import answers, follows, moderation, queries
from tests.cast import World


def test_an_answer_counts_and_its_author_follows(world: World) -> None:
    topic = world.ask()
    before = topic.last_activity_at
    answer = world.answer(topic)
    assert (answer.kind, answer.author, answer.topic) == ("answer", world.bob, topic)
    assert (topic.answer_count, topic.state) == (1, "answered")
    assert topic.last_activity_at > before
    assert follows.is_following(topic, world.bob)


def test_an_old_answer_does_not_make_a_topic_lively(world: World) -> None:
    topic = world.ask()
    before = topic.last_activity_at
    answers.post(topic, source="This was said a month ago.", by=world.bob, created_at=now() - timedelta(days=30))
    assert topic.last_activity_at == before


def test_comments_stand_below_questions_and_answers_but_not_below_comments(world: World) -> None:
    topic = world.ask()
    question = queries.visible_posts(topic, viewer=world.alice)[0]
    answer = world.answer(topic)
    below_question = answers.comment(question, source="Which model?", by=world.charlie)
    below_answer = answers.comment(answer, source="Thank you", by=world.alice)
    assert (below_question.parent, below_answer.parent) == (question, answer)
    assert topic.answer_count == 1
    with pytest.raises(NotAllowed):
        answers.comment(below_answer, source="And me too", by=world.bob)


def test_people_may_answer_their_own_question(world: World) -> None:
    topic = world.ask()
    assert world.answer(topic, by=world.alice).author == world.alice


def test_guests_cannot_write(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    with pytest.raises(NotAllowed):
        answers.post(topic, source="A guest would like to help.", by=AnonymousUser())
    with pytest.raises(NotAllowed):
        answers.comment(answer, source="A guest agrees.", by=AnonymousUser())


def test_in_a_muted_topic_only_the_team_writes_on(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(topic, by=world.ada, reason="Names a customer")
    for person in (world.alice, world.bob, world.tina):
        with pytest.raises(NotAllowed):
            answers.post(topic, source="But this must be said.", by=person)
        with pytest.raises(NotAllowed):
            answers.comment(answer, source="And this as well.", by=person)
    assert world.answer(topic, "Please remove the name, then we unmute.", by=world.dora).author == world.dora


def test_a_muted_answer_takes_no_comments_but_from_the_team(world: World) -> None:
    answer = world.answer(world.ask())
    moderation.mute(answer, by=world.ada, reason="Advertising")
    with pytest.raises(NotAllowed):
        answers.comment(answer, source="It was meant well.", by=world.bob)
    assert answers.comment(answer, source="No doubt. Still.", by=world.ada).parent == answer


@pytest.mark.parametrize("source", ["", "short", "x" * 32_001])
def test_an_answer_has_limits(world: World, source: str) -> None:
    topic = world.ask()
    with pytest.raises(Invalid) as caught:
        world.answer(topic, source)
    assert list(caught.value.fields) == ["source"]


@pytest.mark.parametrize("source", ["", "ok", "x" * 2001])
def test_a_comment_has_limits(world: World, source: str) -> None:
    answer = world.answer(world.ask())
    with pytest.raises(Invalid) as caught:
        answers.comment(answer, source=source, by=world.alice)
    assert list(caught.value.fields) == ["source"]
