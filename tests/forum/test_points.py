"""The ledger of points: what helped brings some, exactly once, and what is taken back takes exactly those back."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from accounts.models import User
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from forum import answers, arranging, crediting, merging, moderation, points, votes
from forum.events import AnswerAccepted, VoteChanged
from forum.models import PointEntry, Post, Topic, Vote
from tests.cast import World

GUEST = AnonymousUser()
Stage = Callable[[Callable[[World], Any]], Any]


def of(user: User, viewer: Any = GUEST) -> int:
    return int(db.session.scalar(select(points.total(user, viewer=viewer))) or 0)


def rows(user: User) -> list[tuple[str, int]]:
    found = db.session.execute(
        select(PointEntry.kind, PointEntry.points).where(PointEntry.user_id == user.id).order_by(PointEntry.id)
    )
    return [tuple(row) for row in found]  # type: ignore[misc]  # two columns, two parts


def settle(*posts: Post) -> None:
    points.settle([post.id for post in posts])


def test_a_solution_brings_points_once(world: World) -> None:
    answer = world.answer(world.ask())
    answers.accept(answer, by=world.alice)
    for _twice in range(2):
        crediting.settle_solution(AnswerAccepted(answer.topic_id, answer.id, world.alice.id))
    assert rows(world.bob) == [("solution", 15)]
    assert of(world.bob) == 15


def test_an_answer_to_oneself_is_accepted_without_points(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic, by=world.alice)
    answers.accept(answer, by=world.alice)
    settle(answer)
    assert topic.is_solved
    assert rows(world.alice) == []


def test_nobody_gets_points_for_accepting_their_own_answer(world: World) -> None:
    answer = world.answer(world.ask(), by=world.tina)
    answers.accept(answer, by=world.tina)
    settle(answer)
    assert rows(world.tina) == []
    answers.undo_acceptance(answer.topic, by=world.alice)
    answers.accept(answer, by=world.alice)
    settle(answer)
    assert rows(world.tina) == [("solution", 15)]


def test_taking_it_back_is_a_row_of_its_own(world: World) -> None:
    answer = world.answer(world.ask())
    answers.accept(answer, by=world.alice)
    votes.vote(answer, by=world.charlie)
    settle(answer)
    answers.undo_acceptance(answer.topic, by=world.alice)
    votes.withdraw(answer, by=world.charlie)
    settle(answer)
    assert rows(world.bob) == [("helpful", 5), ("solution", 15), ("helpful", -5), ("solution", -15)]
    taken = db.session.scalars(select(PointEntry).where(PointEntry.points < 0)).all()
    assert all(db.session.get_one(PointEntry, row.reverses_id).points == -row.points for row in taken)


def test_another_choice_moves_the_points(world: World) -> None:
    topic = world.ask()
    first, second = world.answer(topic), world.answer(topic, "Change the cable, that is all.", by=world.charlie)
    answers.accept(first, by=world.alice)
    settle(first, second)
    answers.accept(second, by=world.alice)
    settle(first, second)
    assert (of(world.bob), of(world.charlie)) == (0, 15)


def test_a_helpful_question_brings_as_much_as_a_helpful_answer(world: World) -> None:
    topic = world.ask()
    votes.vote(topic.posts[0], by=world.bob)
    settle(topic.posts[0])
    assert rows(world.alice) == [("helpful", 5)]


def test_votes_of_a_day_bring_so_much_and_solutions_come_on_top(world: World, settings: Callable[..., None]) -> None:
    settings(points_a_day=12)
    answer = world.answer(world.ask())
    for number in range(4):
        votes.vote(answer, by=world.person(f"reader-{number}"))
    answers.accept(answer, by=world.alice)
    settle(answer)
    assert of(world.bob) == 12 + 15
    votes.withdraw(answer, by=world.person("reader-0"))
    settle(answer)
    assert of(world.bob) == 12 + 15, "three votes are still more than the day brings"
    votes.withdraw(answer, by=world.person("reader-1"))
    settle(answer)
    assert of(world.bob) == 10 + 15


def test_each_day_has_its_own_limit_and_a_late_withdrawal_is_of_the_day_of_the_vote(
    world: World, settings: Callable[..., None]
) -> None:
    settings(points_a_day=5)
    answer = world.answer(world.ask())
    tomorrow = now() + timedelta(days=1)
    votes.vote(answer, by=world.alice)
    votes.vote(answer, by=world.charlie)
    settle(answer)
    assert of(world.bob) == 5
    with time_machine.travel(tomorrow, tick=False):
        votes.vote(answer, by=world.tina)
        settle(answer)
        assert of(world.bob) == 10
        votes.withdraw(answer, by=world.alice)
        votes.vote(answer, by=world.dora)
        settle(answer)
        assert of(world.bob) == 10


def test_muting_an_answer_takes_the_points_and_lifting_gives_them_back(world: World) -> None:
    answer = world.answer(world.ask())
    votes.vote(answer, by=world.charlie)
    settle(answer)
    moderation.mute(answer, by=world.ada, reason="Wrong and dangerous")
    assert of(world.bob) == 0, "at once, before the worker hears of it"
    settle(answer)
    assert of(world.bob) == of(world.bob, viewer=world.bob) == 0
    moderation.unmute(answer, by=world.ada)
    settle(answer)
    assert of(world.bob) == 5


def test_muting_a_topic_takes_the_points_of_its_solution_and_lifting_gives_them_back(world: World) -> None:
    topic = world.solved()
    points.settle_topic(topic.id)
    assert of(world.bob) == 15
    moderation.mute(topic, by=world.ada, reason="Off topic here")
    points.settle_topic(topic.id)
    assert of(world.bob, viewer=world.bob) == 0
    moderation.unmute(topic, by=world.ada)
    points.settle_topic(topic.id)
    assert of(world.bob) == 15


def test_whoever_is_muted_silently_finds_no_difference_and_nobody_else_sees_the_points(world: World) -> None:
    answer = world.answer(world.ask())
    votes.vote(answer, by=world.charlie)
    settle(answer)
    moderation.mute(answer, by=world.ada, reason="Spam for a shop", rule="spam", is_silent=True)
    settle(answer)
    assert (of(world.bob, viewer=world.bob), of(world.bob)) == (5, 0)


def test_a_merged_and_a_split_topic_keep_them(world: World) -> None:
    topic, other = world.ask(), world.ask("Another one about channels", by=world.charlie)
    answer, question = world.answer(topic), topic.posts[0]
    answers.accept(answer, by=world.alice)
    votes.vote(answer, by=world.tina)
    votes.vote(question, by=world.tina)
    settle(answer, question)
    merging.merge(topic, into=other, by=world.ada, knowing=True)
    settle(answer, question)
    assert (of(world.bob), of(world.alice)) == (20, 5)
    title = "Split off: which channel is best"
    made = arranging.split(other, post_ids=[answer.id], title=title, category=world.router, by=world.ada, knowing=True)
    settle(answer)
    assert of(world.bob) == 5, "it solves nothing any more, and helped all the same"
    arranging.move(made, category=world.router, by=world.ada)
    settle(answer)
    assert points.wrong_posts() == []


def test_who_becomes_the_author_has_the_points(world: World) -> None:
    answer = world.answer(world.ask())
    answers.accept(answer, by=world.alice)
    votes.vote(answer, by=world.tina)
    settle(answer)
    arranging.give(answer, to=world.charlie, by=world.ada)
    settle(answer)
    assert (of(world.bob), of(world.charlie)) == (0, 20)
    arranging.give(answer.topic.posts[0], to=world.charlie, by=world.ada)
    settle(answer)
    assert of(world.charlie) == 5, "it is an answer to oneself now"


def test_erasing_a_person_leaves_no_orphan(world: World) -> None:
    answer = world.answer(world.ask())
    answers.accept(answer, by=world.alice)
    votes.vote(answer, by=world.charlie)
    votes.vote(answer, by=world.tina)
    settle(answer)
    db.session.flush()
    db.session.delete(world.charlie)
    db.session.flush()
    settle(answer)
    assert of(world.bob) == 20
    assert points.wrong_posts() == []
    db.session.expire_all()
    db.session.delete(world.bob)
    db.session.flush()
    settle(db.session.get_one(Post, answer.id))
    assert db.session.scalar(select(func.count(PointEntry.id))) == 0


def test_what_no_deed_told_of_is_settled_in_time(world: World, settings: Callable[..., None]) -> None:
    answer = world.answer(world.ask())
    answers.accept(answer, by=world.alice)
    for number in range(3):
        db.session.add(Vote(post_id=answer.id, user_id=world.person(f"reader-{number}").id, at=now()))
    db.session.commit()
    assert points.wrong_posts() == [answer.id]
    assert crediting.settle_all() == 1
    assert of(world.bob) == 30
    assert crediting.settle_all() == 0
    settings(points_a_day=10)
    assert crediting.settle_all() == 1
    assert of(world.bob) == 25
    assert crediting.settle_all() == 0


def test_the_worker_settles_what_the_deeds_tell(stage: Stage, worker: Callable[[], None], app: Flask) -> None:
    def scene(world: World) -> None:
        answer = world.answer(world.ask())
        answers.accept(answer, by=world.alice)
        votes.vote(answer, by=world.charlie)

    stage(scene)
    worker()
    assert stage(lambda world: of(world.bob)) == 20
    stage(lambda world: moderation.mute(db.session.get_one(Topic, 1), by=world.ada, reason="Off topic") and None)
    worker()
    assert stage(lambda world: of(world.bob, viewer=world.bob)) == 0
    stage(lambda world: moderation.unmute(db.session.get_one(Topic, 1), by=world.ada))
    worker()
    assert stage(lambda world: of(world.bob)) == 20


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_the_points_are_what_is_true_and_every_row_is_taken_back_once(
    seed: int, world: World, settings: Callable[..., None]
) -> None:
    chance = random.Random(seed)  # noqa: S311 -- the same steps at every run, not a secret
    settings(points_a_day=15)
    people = [world.alice, world.bob, world.charlie, world.tina, world.person("zoe"), world.person("yan")]
    topics = [world.ask(f"Question number {number} about routers", by=people[number]) for number in range(3)]
    posts = [
        world.answer(topic, f"Answer number {number} at length.", by=chance.choice(people))
        for topic in topics
        for number in range(4)
    ]
    moment = now()
    for _step in range(60):
        moment += timedelta(hours=chance.choice((0, 0, 1, 9)))
        post, person = chance.choice(posts), chance.choice(people)
        with time_machine.travel(moment, tick=False):
            deed = chance.choice(("vote", "vote", "vote", "withdraw", "accept", "undo", "mute", "lift", "mute topic"))
            _do(deed, post, person, world)
            if chance.random() < 0.6:
                settle(post) if deed != "mute topic" else points.settle_topic(post.topic_id)
    settle(*posts)
    assert points.wrong_posts() == []
    assert points.wrong_days() == []
    for person in people:
        assert of(person) == of(person, viewer=world.ada) == expected(person, posts), person.handle
    for row in db.session.scalars(select(PointEntry).where(PointEntry.reverses_id.is_not(None))):
        reversed_row = db.session.get_one(PointEntry, row.reverses_id)
        assert (reversed_row.points, reversed_row.user_id, reversed_row.day) == (-row.points, row.user_id, row.day)
        assert reversed_row.number == row.number - 1
    for post in posts:
        for voter in db.session.scalars(select(Vote).where(Vote.post_id == post.id)).all():
            db.session.delete(voter)
        answers.undo_acceptance(post.topic, by=world.ada)
    settle(*posts)
    assert {person.handle: of(person) for person in people} == {person.handle: 0 for person in people}


def _do(deed: str, post: Post, person: User, world: World) -> None:
    db.session.refresh(post)
    is_hidden = post.is_muted or post.topic.is_muted
    if deed in {"vote", "withdraw"} and person.id != post.author_id and not is_hidden:
        (votes.vote if deed == "vote" else votes.withdraw)(post, by=person)
    elif deed == "accept" and not is_hidden:
        answers.accept(post, by=world.ada)
    elif deed == "undo":
        answers.undo_acceptance(post.topic, by=world.ada)
    elif deed == "mute":
        moderation.mute(post, by=world.ada, reason="Not kind at all")
    elif deed == "mute topic":
        moderation.mute(post.topic, by=world.ada, reason="Not kind at all")
    elif deed == "lift":
        moderation.unmute(chance_of(post), by=world.ada)


def chance_of(post: Post) -> Post | Topic:
    return post.topic if post.topic.is_muted else post


def expected(person: User, posts: list[Post]) -> int:
    """Count anew what a person has, from what is there."""
    solved, days = 0, {}
    for post in posts:
        db.session.refresh(post)
        db.session.expire(post.topic)
        if post.author_id != person.id or post.is_muted or post.topic.is_muted:
            continue
        chosen = post.topic.acceptance
        if chosen is not None and chosen.post_id == post.id and post.topic.asker_id != person.id:
            solved += 1
        for vote in db.session.scalars(select(Vote).where(Vote.post_id == post.id)):
            days.setdefault(vote.at.date(), []).append(5)
    return solved * 15 + sum(min(15, sum(votes)) for votes in days.values())


def test_many_workers_at_once_give_every_point_once(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> list[int]:
        topic = world.ask()
        answer = world.answer(topic)
        answers.accept(answer, by=world.alice)
        readers = [world.person(f"reader-{number}") for number in range(30)]
        for reader in readers:
            votes.vote(answer, by=reader)
        return [answer.id, *(reader.id for reader in readers)]

    answer_id, *reader_ids = stage(scene)
    events: list[Any] = [VoteChanged(answer_id, reader_id) for reader_id in reader_ids] * 3
    events += [AnswerAccepted(1, answer_id, 1)] * 10
    random.Random(1).shuffle(events)  # noqa: S311 -- the same order at every run
    wrong: list[BaseException] = []

    def work(mine: list[Any]) -> None:
        with app.app_context():
            for event in mine:
                listener = crediting.settle_vote if isinstance(event, VoteChanged) else crediting.settle_solution
                try:
                    listener(event)
                    db.session.commit()
                except BaseException as error:  # noqa: BLE001 -- shown below, in the test's own thread
                    db.session.rollback()
                    wrong.append(error)

    threads = [threading.Thread(target=work, args=(events[number::5],)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert stage(lambda world: of(world.bob)) == 100 + 15
    assert stage(lambda _world: points.wrong_posts() + points.wrong_days()) == []
