"""Muting: the team's deed, with a reason, an end if it has one, and a row in the log."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, counters, moderation, queries
from forum.models import Muting, Post, Topic
from tests.cast import World


def ids(topic: Topic, viewer: object) -> list[int]:
    return [post.id for post in queries.visible_posts(topic, viewer=viewer)]


def test_moderators_mute_and_nobody_else(world: World) -> None:
    topic = world.ask()
    for person in (world.alice, world.tina, world.dora, world.emil, AnonymousUser()):
        with pytest.raises(NotAllowed):
            moderation.mute(topic, by=person, reason="I do not like it")
        with pytest.raises(NotAllowed):
            moderation.unmute(topic, by=person)
    moderation.mute(topic, by=world.root, reason="Names a customer")
    assert topic.is_muted


@pytest.mark.parametrize("reason", ["", "  ", "ab", "x" * 501])
def test_a_muting_needs_a_reason(world: World, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        moderation.mute(world.ask(), by=world.ada, reason=reason)
    assert list(caught.value.fields) == ["reason"]


def test_a_muting_cannot_have_ended_already(world: World) -> None:
    with pytest.raises(Invalid) as caught:
        moderation.mute(world.ask(), by=world.ada, reason="Spam", until=now() - timedelta(seconds=1))
    assert list(caught.value.fields) == ["until"]


def test_the_log_says_who_why_and_until_when(world: World) -> None:
    topic, until = world.ask(), now() + timedelta(days=2)
    moderation.mute(topic, by=world.ada, reason="Names a customer", until=until)
    moderation.unmute(topic, by=world.root, reason="The name is gone")
    muted, unmuted = db.session.query(AuditEntry).order_by(AuditEntry.id)
    assert (muted.deed, muted.subject_id, muted.by) == ("forum.topic.mute", topic.id, world.ada)
    assert (muted.reason, muted.after) == ("Names a customer", {"until": until.isoformat(), "rule": "other"})
    assert (unmuted.deed, unmuted.by, unmuted.reason) == ("forum.topic.unmute", world.root, "The name is gone")
    assert unmuted.before == {"reason": "Names a customer", "until": until.isoformat()}


def test_unmuting_shows_it_to_everybody_again(world: World) -> None:
    topic = world.ask()
    moderation.mute(topic, by=world.ada, reason="Spam")
    moderation.unmute(topic, by=world.ada)
    moderation.unmute(topic, by=world.ada)
    assert not topic.is_muted
    assert queries.visible_topic(topic.id, viewer=AnonymousUser()) is topic


def test_muting_the_question_mutes_its_topic(world: World) -> None:
    topic = world.ask()
    question = queries.visible_posts(topic, viewer=world.ada)[0]
    assert moderation.mute(question, by=world.ada, reason="Spam").topic_id == topic.id
    moderation.unmute(question, by=world.ada)
    assert db.session.query(Muting).count() == 0


def test_muting_again_changes_reason_and_end(world: World) -> None:
    topic = world.ask()
    first = moderation.mute(topic, by=world.ada, reason="Spam", until=now() + timedelta(hours=1))
    second = moderation.mute(topic, by=world.root, reason="Worse than spam")
    assert first is second
    assert (second.reason, second.until, second.by) == ("Worse than spam", None, world.root)
    assert db.session.query(Muting).count() == 1


def test_a_muted_answer_leaves_the_count_and_comes_back(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(answer, by=world.ada, reason="Spam")
    assert (topic.answer_count, topic.state) == (0, "unanswered")
    moderation.unmute(answer, by=world.ada)
    assert (topic.answer_count, topic.state) == (1, "answered")


def test_muting_the_solution_undoes_it(world: World) -> None:
    topic = world.solved()
    assert topic.acceptance is not None
    answer = topic.acceptance.post
    moderation.mute(answer, by=world.ada, reason="Dangerous advice")
    assert (topic.acceptance, topic.state) == (None, "unanswered")
    (entry,) = db.session.query(AuditEntry).all()
    assert entry.before == {"accepted": True}
    moderation.unmute(answer, by=world.ada)
    assert topic.state == "answered"


def test_a_muted_answer_takes_its_comments_along(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    comment = answers.comment(answer, source="Thank you", by=world.alice)
    moderation.mute(answer, by=world.ada, reason="Spam")
    for viewer in (AnonymousUser(), world.alice, world.charlie):
        assert ids(topic, viewer) == [ids(topic, world.ada)[0]]
    for viewer in (world.bob, world.ada):
        assert ids(topic, viewer)[1:] == [answer.id, comment.id]


def test_a_muted_comment_goes_alone(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    comment = answers.comment(answer, source="Rude words", by=world.charlie)
    moderation.mute(comment, by=world.ada, reason="Rude words")
    assert comment.id not in ids(topic, world.bob)
    assert comment.id in ids(topic, world.charlie)
    assert topic.answer_count == 1


def test_what_is_muted_does_not_make_a_topic_lively(world: World) -> None:
    topic = world.ask()
    first = world.answer(topic)
    late = world.answer(topic, "And something rude.", by=world.charlie)
    comment = answers.comment(late, source="Rude indeed", by=world.bob)
    assert topic.last_activity_at == comment.created_at
    moderation.mute(late, by=world.ada, reason="Rude words")
    assert topic.last_activity_at == first.created_at
    moderation.unmute(late, by=world.ada)
    assert topic.last_activity_at == comment.created_at


def test_a_muting_whose_time_is_up_hides_nothing_and_is_lifted_by_the_worker(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    for subject in (topic, answer):
        moderation.mute(subject, by=world.ada, reason="To cool down", until=now() + timedelta(hours=1))
    assert moderation.lift_expired() == 0
    for muting in db.session.query(Muting):
        muting.until = now() - timedelta(seconds=1)
    db.session.commit()
    db.session.expire_all()
    assert answer.id in ids(queries.visible_topic(topic.id, viewer=AnonymousUser()), AnonymousUser())
    assert not answer.is_muted
    assert moderation.lift_expired() == 2
    assert db.session.query(Muting).count() == 0
    assert topic.answer_count == 1
    lifted = db.session.query(AuditEntry).filter(AuditEntry.deed.endswith("unmute")).all()
    assert {(entry.deed, entry.by_id) for entry in lifted} == {
        ("forum.topic.unmute", None),
        ("forum.post.unmute", None),
    }


def test_muting_after_the_time_was_up_is_a_new_muting(world: World) -> None:
    answer = world.answer(world.ask())
    first = moderation.mute(answer, by=world.ada, reason="To cool down", until=now() + timedelta(hours=1))
    first.until = now() - timedelta(seconds=1)
    db.session.flush()
    assert moderation.mute(answer, by=world.ada, reason="It did not help").reason == "It did not help"
    assert answer.topic.answer_count == 0
    assert list(counters.complaints()) == []


def test_the_kept_numbers_stay_right_through_everything(world: World) -> None:
    topic = world.solved()
    world.answer(topic, "A second opinion.", by=world.charlie)
    assert topic.acceptance is not None
    moderation.mute(topic.acceptance.post, by=world.ada, reason="Spam")
    assert list(counters.complaints()) == []


def test_wrong_numbers_are_found_and_repaired(world: World) -> None:
    topic = world.solved()
    topic.answer_count = 5
    answer = db.session.query(Post).filter_by(kind="answer").one()
    answer.helpful_count = -1
    db.session.flush()
    assert len(list(counters.complaints())) == 2
    assert counters.recount() == 2
    assert list(counters.complaints()) == []
    assert (topic.answer_count, answer.helpful_count) == (1, 0)
