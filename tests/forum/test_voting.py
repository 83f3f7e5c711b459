"""Calling a post helpful."""

import pytest

from accounts.people import AnonymousUser
from core.db import db
from core.errors import NotAllowed
from forum import answers, moderation, queries, votes
from forum.models import Vote
from tests.cast import World


def test_one_person_is_one_vote(world: World) -> None:
    answer = world.answer(world.ask())
    votes.vote(answer, by=world.alice)
    votes.vote(answer, by=world.alice)
    votes.vote(answer, by=world.charlie)
    assert answer.helpful_count == 2
    assert votes.voted_by(world.alice, [answer]) == {answer.id}
    assert votes.voted_by(world.tina, [answer]) == set()
    assert votes.voted_by(AnonymousUser(), [answer]) == set()


def test_a_vote_can_be_taken_back_once(world: World) -> None:
    answer = world.answer(world.ask())
    votes.vote(answer, by=world.alice)
    votes.withdraw(answer, by=world.alice)
    votes.withdraw(answer, by=world.alice)
    assert answer.helpful_count == 0
    assert db.session.query(Vote).count() == 0


def test_votes_count_from_the_imported_score_on(world: World) -> None:
    answer = world.answer(world.ask())
    answer.imported_score = answer.helpful_count = 7
    votes.vote(answer, by=world.alice)
    assert answer.helpful_count == 8


def test_questions_can_be_helpful_and_comments_cannot(world: World) -> None:
    topic = world.ask()
    question = queries.visible_posts(topic, viewer=world.bob)[0]
    comment = answers.comment(question, source="Same here", by=world.charlie)
    votes.vote(question, by=world.bob)
    assert question.helpful_count == 1
    with pytest.raises(NotAllowed):
        votes.vote(comment, by=world.bob)


def test_nobody_votes_for_themselves_and_guests_do_not_vote(world: World) -> None:
    answer = world.answer(world.ask())
    for person in (world.bob, AnonymousUser()):
        with pytest.raises(NotAllowed):
            votes.vote(answer, by=person)
        with pytest.raises(NotAllowed):
            votes.withdraw(answer, by=person)
    assert answer.helpful_count == 0


def test_what_is_muted_is_not_voted_on(world: World) -> None:
    answer = world.answer(world.ask())
    moderation.mute(answer.topic, by=world.ada, reason="Off topic")
    with pytest.raises(NotAllowed):
        votes.vote(answer, by=world.alice)
