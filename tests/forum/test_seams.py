"""Where one deed meets another: cases that a walk by chance (test_any_order.py) or a reader found, each by itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts import penalties
from accounts.people import AnonymousUser
from core import outbox
from core.db import db
from core.errors import Conflict, Invalid, NotFound
from forum import (
    answers,
    arranging,
    bulk,
    cases,
    closing,
    counters,
    experiences,
    flags,
    follows,
    me_too,
    merging,
    moderation,
    objections,
    official,
    queries,
    reviewing,
)
from forum.models import Acceptance, MeToo, Muting, Notification, Post, ReviewCase, Topic
from kb.models import Nomination
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
GUEST = AnonymousUser()
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
REASON = "Not for here."


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def split(world: World, topic: Topic, *posts: Post, knowing: bool = False) -> Topic:
    return arranging.split(
        topic,
        post_ids=[post.id for post in posts],
        title="A question of its own",
        category=world.router,
        by=world.ada,
        knowing=knowing,
    )


def test_what_is_hidden_does_not_appear_by_splitting(world: World) -> None:
    topic = world.ask()
    other, muted = world.answer(topic, "Another answer, for everybody."), world.answer(topic)
    below = answers.comment(muted, source="It stands below.", by=world.charlie)
    moderation.mute(muted, by=world.ada, reason=REASON)
    with pytest.raises(Invalid, match="below something muted"):
        split(world, topic, below)
    made = split(world, topic, other, muted)
    assert [post.id for post in queries.visible_posts(made, viewer=GUEST)] == [other.id]
    moderation.mute(topic, by=world.ada, reason=REASON)
    third = world.answer(topic, "The team writes on.", by=world.ada)
    with pytest.raises(Invalid, match="This question is muted"):
        split(world, topic, third)


def test_a_muting_whose_time_is_up_is_lifted_before_posts_are_split_off(
    world: World, clock: time_machine.Traveller
) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(answer, by=world.ada, reason=REASON, until=NOON + timedelta(hours=1))
    clock.shift(timedelta(hours=2))
    made = split(world, topic, answer)
    assert (topic.answer_count, made.answer_count, answer.kind) == (0, 0, "question")
    assert db.session.query(Muting).count() == 0
    assert moderation.lift_expired() == 0
    assert list(counters.complaints()) == []


def test_what_becomes_a_question_does_not_speak_for_the_house(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic, by=world.ada)
    official.declare(answer, by=world.ada)
    split(world, topic, answer)
    assert answer.official_at is None


def test_a_contradicted_solution_that_is_split_off_contradicts_nothing_more(
    world: World, settings: Callable[..., None]
) -> None:
    settings(contradictions_needed=1)
    topic = world.solved()
    answer = db.session.query(Acceptance).one().post
    experiences.tell(answer, has_worked=False, words="It blinks.", by=world.charlie)
    with pytest.raises(Invalid):
        split(world, topic, answer)
    made = split(world, topic, answer, knowing=True)
    assert db.session.query(Acceptance).count() == 0
    merging.merge(made, into=topic, by=world.ada, knowing=True)
    other = world.answer(topic, "Another answer, for everybody.")
    acceptance = answers.accept(other, by=world.alice)
    assert not acceptance.is_contradicted
    assert list(counters.complaints()) == []


def test_another_choice_is_not_contradicted_by_what_was_said_of_the_first(
    world: World, settings: Callable[..., None]
) -> None:
    settings(contradictions_needed=1)
    topic = world.ask()
    first, second = world.answer(topic), world.answer(topic, "Another answer, for everybody.")
    for answer in (first, second):
        answers.accept(answer, by=world.alice)
        experiences.tell(answer, has_worked=False, words="It blinks.", by=world.charlie)
        told = {
            delivery.payload["post_id"]
            for delivery in db.session.query(outbox.Delivery).filter_by(event="AnswerContradicted")
        }
        assert told == ({first.id} if answer is first else {first.id, second.id}), "each is told of"


def test_merging_counts_who_shares_the_problem_once_and_its_asker_not(world: World) -> None:
    into, topic = world.ask("The router blinks red"), world.ask("Why does it blink red?", by=world.bob)
    for person, one in ((world.charlie, into), (world.charlie, topic), (world.tina, topic), (world.alice, topic)):
        me_too.say(one, by=person)
    merging.merge(topic, into=into, by=world.ada, knowing=True)
    assert into.me_too_count == db.session.query(MeToo).count() == 2
    assert list(counters.complaints()) == []


def test_after_merging_nobody_is_told_of_one_question_twice(world: World, worker: Callable[[], None]) -> None:
    follows.watch(world.router, by=world.dora, level="first")
    into, topic = world.ask("The router blinks red"), world.ask("Why does it blink red?", by=world.bob)
    closing.close_as_duplicate(topic, target=into, by=world.ada)
    db.session.commit()
    worker()
    merging.merge(topic, into=into, by=world.ada, knowing=True)
    db.session.commit()
    worker()
    kinds = [note.kind for note in db.session.query(Notification).order_by(Notification.id)]
    assert kinds == ["topic_asked", "post_moved"]


def test_a_topic_with_held_posts_is_not_merged_into_a_muted_one_and_keeps_them_held_elsewhere(world: World) -> None:
    topic, muted, open_one = (
        world.ask("The router blinks red"),
        world.ask("It blinks all day"),
        world.ask("It is on all night"),
    )
    held = world.answer(topic, by=world.newcomer())
    moderation.mute(muted, by=world.ada, reason=REASON)
    for one, into in ((topic, muted), (muted, topic)):
        with pytest.raises(Invalid):
            merging.merge(one, into=into, by=world.ada, knowing=True)
    merging.merge(topic, into=open_one, by=world.ada, knowing=True)
    assert held.topic_id == open_one.id
    assert held.is_muted
    assert held.id not in [post.id for post in queries.visible_posts(open_one, viewer=GUEST)]
    reviewing.decide(db.session.query(ReviewCase).one(), "disagree", by=world.ada)
    assert (open_one.answer_count, held.is_muted) == (1, False)
    assert list(counters.complaints()) == []


def test_a_solution_hidden_by_mistake_comes_back_for_its_version_with_its_counts(world: World) -> None:
    world.router.accepts_several = True
    topic = world.ask()
    first, second = world.answer(topic), world.answer(topic, "Another answer, for everybody.")
    for answer, label in ((first, "7.1"), (second, "8.0")):
        answers.accept(answer, by=world.alice, label=label)
        experiences.tell(answer, has_worked=True, by=world.charlie)
    moderation.hide(second, cause="flags")
    assert [one.label for one in queries.solutions(topic)] == ["7.1"]
    reviewing.decide(cases.open_for(second, kind="flagged"), "disagree", by=world.ada)
    assert [(one.label, one.worked_count) for one in queries.solutions(topic)] == [("7.1", 1), ("8.0", 1)]
    moderation.hide(second, cause="flags")
    answers.accept(world.answer(topic, "A third one, for 8.0."), by=world.alice, label="8.0")
    moderation.unmute(second, by=world.ada)
    assert len(queries.solutions(topic)) == 2, "somebody chose another one for it meanwhile"


def test_when_the_topic_moves_to_where_one_solves_it_the_hidden_one_does_not_come_beside_it(world: World) -> None:
    world.router.accepts_several = True
    topic = world.ask()
    first, second = world.answer(topic), world.answer(topic, "Another answer, for everybody.")
    for answer, label in ((first, "7.1"), (second, "8.0")):
        answers.accept(answer, by=world.alice, label=label)
    moderation.hide(second, cause="flags")
    world.router.accepts_several = False
    moderation.unmute(second, by=world.ada)
    assert [one.post_id for one in queries.solutions(topic)] == [first.id]


def test_what_readers_report_and_leads_others_is_muted_only_knowingly(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        target, topic = world.ask("The router blinks red", by=world.bob), world.ask("Why does it blink red?")
        closing.close_as_duplicate(topic, target=target, by=world.ada)
        case = flags.flag(target.posts[0], reason="spam", by=world.charlie).case
        moderation.hide(target.posts[0], cause="flags")
        return case.id, topic.id

    case_id, topic_id = stage(scene)
    ada = browser_of("ada")
    data = {"deed": "agree", "reason": REASON}
    refused = ada.post(f"/moderation/cases/{case_id}/decision", data=data)
    assert refused.status_code == 422
    assert 'name="release"' in refused.text
    assert "leads here as a duplicate" in refused.text
    assert f"{REASON}</textarea>" in refused.text
    assert stage(lambda _: db.session.get_one(Topic, topic_id).closed_as) == "duplicate"
    done = ada.post(f"/moderation/cases/{case_id}/decision", data={**data, "release": "y"})
    assert done.status_code == 303
    assert stage(lambda _: db.session.get_one(Topic, topic_id).closed_as) is None


def test_a_decision_that_somebody_overtook_is_not_undone(world: World) -> None:
    topic = world.ask()
    held = world.answer(topic, by=world.newcomer())
    batch = reviewing.decide(db.session.query(ReviewCase).one(), "agree", by=world.ada, reason=REASON)
    moderation.unmute(held, by=world.root)
    with pytest.raises(Conflict):
        reviewing.undo(batch, by=world.ada)
    answer = world.answer(topic, "Another answer, for everybody.")
    batch = reviewing.decide(flags.flag(answer, reason="rude", by=world.tina).case, "disagree", by=world.ada)
    moderation.mute(answer, by=world.root, reason=REASON)
    with pytest.raises(Conflict):
        reviewing.undo(batch, by=world.ada)


def test_a_bulk_closing_is_undone_but_where_somebody_reopened_or_merged(world: World) -> None:
    topics = [world.ask(f"Question number {number}") for number in range(3)]
    done = bulk.do("close", topics, wanted=bulk.Wanted(reason="enough"), by=world.ada).deed
    assert done is not None
    closing.reopen(topics[0], by=world.ada)
    merging.merge(topics[1], into=topics[0], by=world.ada, knowing=True)
    outcome = bulk.undo(done, by=world.ada)
    assert (outcome.changed, list(outcome.refused)) == (1, [topics[0].id])
    assert topics[2].closed_as is None


def test_words_below_something_muted_lift_nothing_in_lists(world: World, clock: time_machine.Traveller) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(answer, by=world.ada, reason=REASON)
    before = topic.last_activity_at
    clock.shift(timedelta(hours=1))
    answers.comment(answer, source="We look into it.", by=world.ada)
    assert topic.last_activity_at == before
    moderation.unmute(answer, by=world.ada)
    assert topic.last_activity_at == NOON + timedelta(hours=1)


def test_an_objection_goes_with_its_post_when_the_topic_is_merged(world: World, worker: Callable[[], None]) -> None:
    into, topic = world.ask("The router blinks red"), world.ask("Why does it blink red?", by=world.charlie)
    answer = world.answer(topic)
    moderation.mute(answer, by=world.ada, reason=REASON)
    objection = objections.raise_against(answer, text="It belongs here.", by=world.bob)
    merging.merge(topic, into=into, by=world.ada, knowing=True)
    objections.answer(objection, text="You are right.", lifts=True, by=world.ada)
    db.session.commit()
    worker()
    assert not answer.is_muted
    assert into.answer_count == 1
    told = db.session.query(Notification).filter_by(kind="objection_answered").one()
    assert (told.user_id, told.topic_id) == (world.bob.id, into.id)


def test_what_a_suspended_person_had_waiting_is_decided_like_others(world: World) -> None:
    nora = world.newcomer()
    held = world.answer(world.ask(), by=nora)
    penalties.impose(nora, kind="suspension", days=7, reason="Shouts at people.", by=world.root)
    reviewing.decide(db.session.query(ReviewCase).one(), "disagree", by=world.ada)
    assert not held.is_muted
    assert held.topic.answer_count == 1


def test_what_was_solved_while_it_was_held_is_nominated_when_it_is_released(
    world: World, worker: Callable[[], None]
) -> None:
    topic = world.ask(by=world.newcomer())
    answers.accept(world.answer(topic, by=world.ada), by=world.ada)
    db.session.commit()
    worker()
    assert db.session.query(Nomination).count() == 0
    moderation.unmute(topic, by=world.ada)
    db.session.commit()
    worker()
    assert db.session.query(Nomination).count() == 1


def test_a_held_answer_solves_nothing(world: World) -> None:
    topic = world.ask()
    held = world.answer(topic, by=world.newcomer())
    with pytest.raises(NotFound):
        queries.visible_post(held.id, viewer=world.alice)
    for person in (world.alice, world.ada):
        with pytest.raises(Invalid):
            answers.accept(held, by=person)
