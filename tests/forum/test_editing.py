"""Editing what was written."""

import pytest

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import moderation, posts, queries
from tests.cast import World


def test_an_edit_replaces_the_text_and_keeps_the_old_one(world: World) -> None:
    answer = world.answer(world.ask(), "Restart it.  ")
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


def test_a_muted_post_rests_for_its_author(world: World) -> None:
    answer = world.answer(world.ask())
    moderation.mute(answer, by=world.ada, reason="Names a customer")
    with pytest.raises(NotAllowed):
        posts.edit(answer, source="Without the name now.", by=world.bob, version=1)
    posts.edit(answer, source="Without the name now.", by=world.ada, version=1)


def test_an_edit_has_the_limits_of_its_kind(world: World) -> None:
    question = queries.visible_posts(world.ask(), viewer=world.alice)[0]
    with pytest.raises(Invalid) as caught:
        posts.edit(question, source="short", title="short", by=world.alice, version=1)
    assert set(caught.value.fields) == {"source", "title"}
