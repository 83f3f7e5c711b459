"""Editing what was written."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import answers, moderation, posts, queries, votes
from forum.models import Post
from tests.cast import World


def test_an_edit_replaces_the_text_and_keeps_the_old_one(world: World) -> None:
    answer = world.settled(world.answer(world.ask(), "Restart it.  "))
    posts.edit(answer, source="Restart it **twice**.", by=world.bob, version=1)
    posts.edit(answer, source="Restart it three times.", by=world.bob, version=2)
    assert answer.html == "<p>Restart it three times.</p>"
    assert (answer.version, answer.edited_at is not None) == (3, True)
    kept = [(old.number, old.source, old.title, old.by) for old in posts.revisions(answer)]
    assert kept == [(1, "Restart it.", None, world.bob), (2, "Restart it **twice**.", None, world.bob)]


def test_the_second_of_two_editors_learns_of_the_first(world: World) -> None:
    answer = world.answer(world.ask())
    posts.edit(answer, source="What Bob says now.", by=world.bob, version=1)
    with pytest.raises(Conflict):
        posts.edit(answer, source="What Ada says now.", by=world.ada, version=1)
    assert answer.source == "What Bob says now."


def test_the_same_text_again_changes_nothing(world: World) -> None:
    answer = world.answer(world.ask())
    posts.edit(answer, source=answer.source, by=world.bob, version=1)
    assert (answer.version, answer.edited_at, posts.revisions(answer)) == (1, None, [])


def test_a_question_has_a_title_to_edit(world: World) -> None:
    topic = world.ask()
    question = queries.visible_posts(topic, viewer=world.alice)[0]
    world.settled(question)
    posts.edit(question, source=question.source, title="Wireless gone for good", by=world.alice, version=1)
    assert (topic.title, topic.slug) == ("Wireless gone for good", "wireless-gone-for-good")
    (old,) = posts.revisions(question)
    assert old.title == "Wireless gone after the update"


def test_a_title_at_an_answer_is_nobodys_title(world: World) -> None:
    topic = world.ask()
    posts.edit(
        world.answer(topic), source="Another text here.", title="A title it cannot have", by=world.bob, version=1
    )
    assert topic.title == "Wireless gone after the update"


def test_authors_and_team_edit_and_nobody_else(world: World) -> None:
    answer = world.answer(world.ask())
    for person in (world.alice, world.charlie, world.tina, AnonymousUser()):
        with pytest.raises(NotAllowed):
            posts.edit(answer, source="Not what Bob said.", by=person, version=1)
    posts.edit(answer, source="As the agent knows it.", by=world.dora, version=1)
    (entry,) = db.session.query(AuditEntry).all()
    assert (entry.deed, entry.subject_id, entry.by) == ("forum.post.edit", answer.id, world.dora)
    assert entry.after == {"title": None, "source": "As the agent knows it."}


def test_what_is_muted_its_author_may_mend_and_the_team_sees_what_changed(world: World) -> None:
    answer = world.answer(world.ask())
    moderation.mute(answer, by=world.ada, reason="Names a customer")
    posts.edit(answer, source="Without the name now.", by=world.bob, version=1)
    assert [old.source for old in posts.revisions(answer)] == ["Restart it, then choose channel 6."], "not in grace"
    answer.created_at -= timedelta(days=9)
    posts.edit(answer, source="Without any name now.", by=world.bob, version=2)
    posts.edit(answer, source="Without the name now.", by=world.ada, version=3)


def test_what_stands_below_something_muted_rests(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    comment = answers.comment(answer, source="Does that help?", by=world.charlie)
    own = world.answer(topic, "I found it out myself.", by=world.alice)
    moderation.mute(answer, by=world.ada, reason="Names a customer")
    with pytest.raises(NotAllowed):
        posts.edit(comment, source="Or does it not?", by=world.charlie, version=1)
    moderation.mute(topic, by=world.ada, reason="Names a customer")
    with pytest.raises(NotAllowed):
        posts.edit(own, source="I did not find it out.", by=world.alice, version=1)
    question = queries.visible_posts(topic, viewer=world.alice)[0]
    posts.edit(question, source="Now without the name of anybody.", by=world.alice, version=1)


def test_in_the_first_minutes_an_author_mends_without_history(world: World) -> None:
    answer = world.answer(world.ask(), "Restrat it.")
    posts.edit(answer, source="Restart it.", by=world.bob, version=1)
    posts.edit(answer, source="Restart it now.", by=world.bob, version=2)
    assert (answer.version, answer.edited_at, posts.revisions(answer)) == (3, None, [])
    world.settled(answer)
    posts.edit(answer, source="Restart it twice.", by=world.bob, version=3, reason="  Once is not\nenough ")
    (old,) = posts.revisions(answer)
    assert (old.source, old.reason, answer.edited_at is not None) == ("Restart it now.", "Once is not enough", True)
    posts.edit(answer, source="Restart it three times.", by=world.bob, version=4)
    assert len(posts.revisions(answer)) == 2


def test_the_team_mends_nobodys_text_without_history(world: World) -> None:
    answer = world.answer(world.ask())
    posts.edit(answer, source="As the agent knows it.", by=world.dora, version=1, reason="Was wrong")
    assert [old.reason for old in posts.revisions(answer)] == ["Was wrong"]
    (entry,) = db.session.query(AuditEntry).all()
    assert entry.reason == "Was wrong"


def commented(world: World, post: Post) -> None:
    answers.comment(post, source="Does that help?", by=world.charlie)


def voted(world: World, post: Post) -> None:
    votes.vote(post, by=world.charlie)


def accepted(world: World, post: Post) -> None:
    answers.accept(post, by=world.alice)


@pytest.mark.parametrize("react", [commented, voted, accepted])
def test_what_somebody_reacted_to_changes_visibly_from_the_first_minute(
    world: World, react: Callable[[World, Post], None]
) -> None:
    answer = world.answer(world.ask())
    react(world, answer)
    posts.edit(answer, source="Something quite different.", by=world.bob, version=1)
    assert len(posts.revisions(answer)) == 1


def test_an_answered_question_changes_visibly_from_the_first_minute(world: World) -> None:
    topic = world.ask()
    question = queries.visible_posts(topic, viewer=world.alice)[0]
    world.answer(topic, "I found it out myself.", by=world.alice)
    posts.edit(question, source="Something a little different.", by=world.alice, version=1)
    assert posts.revisions(question) == []
    world.answer(topic)
    posts.edit(question, source="Something quite different.", by=world.alice, version=2)
    assert len(posts.revisions(question)) == 1


@pytest.mark.parametrize(("handle", "may"), [("bob", False), ("tina", True), ("ada", True)])
def test_members_edit_for_a_day_and_trusted_members_and_the_team_always(
    world: World, handle: str, *, may: bool
) -> None:
    person = getattr(world, handle)
    answer = world.answer(world.ask(), by=person)
    answer.created_at -= timedelta(hours=23, minutes=59)
    posts.edit(answer, source="Something quite different.", by=person, version=1)
    answer.created_at -= timedelta(minutes=1)
    if may:
        posts.edit(answer, source="Something new again.", by=person, version=2)
        return
    with pytest.raises(NotAllowed) as caught:
        posts.edit(answer, source="Something new again.", by=person, version=2)
    assert "24 hours" in caught.value.sentence


def test_a_reason_has_an_end(world: World) -> None:
    answer = world.answer(world.ask())
    with pytest.raises(Invalid) as caught:
        posts.edit(answer, source="Something new again.", by=world.bob, version=1, reason="x" * 201)
    assert set(caught.value.fields) == {"reason"}


def test_an_edit_has_the_limits_of_its_kind(world: World) -> None:
    question = queries.visible_posts(world.ask(), viewer=world.alice)[0]
    with pytest.raises(Invalid) as caught:
        posts.edit(question, source="short", title="short", by=world.alice, version=1)
    assert set(caught.value.fields) == {"source", "title"}
