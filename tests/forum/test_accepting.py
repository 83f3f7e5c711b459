"""Saying which answer solved it: who may, who may change whose choice, and what is kept of it."""

import pytest

from accounts.models import AuditEntry, User
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, NotAllowed
from core.outbox import Delivery, listens_to
from forum import answers, moderation, policy, queries
from forum.events import AcceptanceUndone, AnswerAccepted
from forum.models import Acceptance, Post, Topic
from tests.cast import World

MAY = {
    "alice": True,
    "bob": False,
    "charlie": False,
    "tina": True,
    "ada": True,
    "emil": True,
    "dora": True,
    "root": True,
}
TEAM = {"ada", "emil", "dora", "root"}


@pytest.fixture(autouse=True)
def _ears(own_listeners: None) -> None:
    """Have the two events delivered to somebody, whichever rooms listen."""
    listens_to(AnswerAccepted)(_hear_accepted)
    listens_to(AcceptanceUndone)(_hear_undone)


def _hear_accepted(_event: AnswerAccepted) -> None: ...


def _hear_undone(_event: AcceptanceUndone) -> None: ...


def told(event: str) -> list[int]:
    """Return the posts that an event of this name was published for, in order, each delivery's listeners folded."""
    here = {"AnswerAccepted": _hear_accepted, "AcceptanceUndone": _hear_undone}[event]
    name = f"{here.__module__}.{here.__qualname__}"
    rows = db.session.query(Delivery).filter_by(event=event, listener=name).order_by(Delivery.id)
    return [row.payload["post_id"] for row in rows]


def who(world: World, handle: str) -> User:
    person: User = getattr(world, handle)
    return person


def two_answers(world: World) -> tuple[Topic, Post, Post]:
    topic = world.ask()
    return topic, world.answer(topic), world.answer(topic, "Or buy another one.", by=world.charlie)


def test_the_asker_says_what_solved_it(world: World) -> None:
    topic, first, _ = two_answers(world)
    acceptance = answers.accept(first, by=world.alice)
    assert (acceptance.post, acceptance.by, topic.state) == (first, world.alice, "solved")
    assert acceptance.at.tzinfo is not None
    assert told("AnswerAccepted") == [first.id]


@pytest.mark.parametrize(("handle", "may"), MAY.items())
def test_asker_trusted_members_and_team_may_accept(world: World, handle: str, *, may: bool) -> None:
    topic, first, _ = two_answers(world)
    assert policy.may_accept_answer(who(world, handle), topic) is may
    if may:
        assert answers.accept(first, by=who(world, handle)).by == who(world, handle)
        return
    with pytest.raises(NotAllowed):
        answers.accept(first, by=who(world, handle))
    assert topic.acceptance is None


@pytest.mark.parametrize("second", MAY)
@pytest.mark.parametrize("first", [handle for handle, may in MAY.items() if may])
def test_a_choice_is_changed_and_undone_by_those_who_may_but_the_teams_only_by_the_team(
    world: World, first: str, second: str
) -> None:
    topic, one, other = two_answers(world)
    answers.accept(one, by=who(world, first))
    may = MAY[second] and (first not in TEAM or second in TEAM)
    assert policy.may_undo_acceptance(who(world, second), topic) is may
    if may:
        assert answers.accept(other, by=who(world, second)).post == other
        answers.undo_acceptance(topic, by=who(world, second))
        assert topic.state == "answered"
        return
    for deed in (lambda by: answers.accept(other, by=by), lambda by: answers.undo_acceptance(topic, by=by)):
        with pytest.raises(NotAllowed):
            deed(who(world, second))
    assert topic.acceptance is not None
    assert topic.acceptance.post == one


def test_a_guest_may_not_even_when_the_asker_is_gone(world: World) -> None:
    topic, first, _ = two_answers(world)
    topic.asker_id = None
    db.session.flush()
    assert not policy.may_accept_answer(AnonymousUser(), topic)
    with pytest.raises(NotAllowed):
        answers.accept(first, by=AnonymousUser())


def test_changing_moves_the_one_row_and_tells_of_both(world: World) -> None:
    topic, first, second = two_answers(world)
    before = answers.accept(first, by=world.alice)
    row_id, at = before.id, before.at
    after = answers.accept(second, by=world.tina)
    assert (after.id, after.post, after.by) == (row_id, second, world.tina)
    assert after.at > at
    assert db.session.query(Acceptance).filter_by(topic_id=topic.id).count() == 1
    assert told("AnswerAccepted") == [first.id, second.id]
    assert told("AcceptanceUndone") == [first.id]


def test_accepting_twice_is_accepting_once(world: World) -> None:
    _, first, _ = two_answers(world)
    before = answers.accept(first, by=world.alice)
    assert answers.accept(first, by=world.tina) is before
    assert before.by == world.alice
    assert told("AnswerAccepted") == [first.id]


def test_undoing_deletes_the_row_and_tells_of_it(world: World) -> None:
    topic, first, _ = two_answers(world)
    answers.accept(first, by=world.alice)
    answers.undo_acceptance(topic, by=world.alice)
    answers.undo_acceptance(topic, by=world.alice)
    assert topic.acceptance is None
    assert db.session.query(Acceptance).count() == 0
    assert told("AcceptanceUndone") == [first.id]


def test_only_answers_can_be_the_solution(world: World) -> None:
    topic, first, _ = two_answers(world)
    question = queries.visible_posts(topic, viewer=world.alice)[0]
    comment = answers.comment(first, source="That was it", by=world.alice)
    for post in (question, comment):
        with pytest.raises(Invalid):
            answers.accept(post, by=world.alice)


def test_a_muted_answer_cannot_be_the_solution(world: World) -> None:
    _, first, _ = two_answers(world)
    moderation.mute(first, by=world.ada, reason="Spam, plainly")
    with pytest.raises(Invalid):
        answers.accept(first, by=world.alice)


def test_in_a_muted_topic_only_the_team_chooses(world: World) -> None:
    topic, first, _ = two_answers(world)
    moderation.mute(topic, by=world.ada, reason="Spam, plainly")
    for person in (world.alice, world.tina):
        with pytest.raises(NotAllowed):
            answers.accept(first, by=person)
    assert answers.accept(first, by=world.dora).post == first


def test_the_team_deciding_for_others_is_in_the_log(world: World) -> None:
    topic, first, second = two_answers(world)
    answers.accept(first, by=world.alice)
    answers.accept(second, by=world.ada)
    answers.undo_acceptance(topic, by=world.ada)
    entries = db.session.query(AuditEntry).order_by(AuditEntry.id).all()
    assert [(entry.deed, entry.subject_id, entry.by, entry.before, entry.after) for entry in entries] == [
        ("forum.topic.accept", topic.id, world.ada, {"post_id": first.id}, {"post_id": second.id}),
        ("forum.topic.undo_acceptance", topic.id, world.ada, {"post_id": second.id}, {"post_id": None}),
    ]


def test_the_team_deciding_about_its_own_question_is_not(world: World) -> None:
    topic = world.ask(by=world.ada)
    answers.accept(world.answer(topic), by=world.ada)
    assert db.session.query(AuditEntry).count() == 0
