"""Topics as search finds them."""

from collections.abc import Callable

import pytest

from accounts.people import AnonymousUser
from core.db import db
from forum import answers, moderation, posts, queries, topics
from forum.models import Topic
from forum.source import Topics
from search.documents import Document
from search.models import StaleNote
from tests.cast import World

SOURCE = Topics()
GUEST = AnonymousUser()


def document(topic: Topic) -> Document:
    (found,) = SOURCE.documents([topic.id])
    return found


def test_a_document_has_the_words_of_the_whole_thread(world: World) -> None:
    topic = world.ask(tags=["wifi", "router"], locale="en")
    answers.comment(world.answer(topic), source="Channel *eleven* for me", by=world.alice)
    found = document(topic)
    assert (found.title, found.locale, found.author, found.category) == (topic.title, "en", "alice", "router")
    assert (found.tags, found.solved) == (("wifi", "router"), False)
    assert found.body.split("\n") == [
        "Since this morning. What now?",
        "Restart it, then choose channel 6.",
        "Channel eleven for me",
    ]


def test_a_solved_question_counts_more(world: World) -> None:
    open_one, solved = document(world.ask()), document(world.solved(title="This one is solved"))
    assert solved.solved
    assert solved.weight > open_one.weight == 1.0


def test_the_muted_is_not_indexed(world: World) -> None:
    topic, muted = world.ask(), world.ask(title="This one is muted")
    answer = world.answer(topic)
    answers.comment(answer, source="A comment below it", by=world.alice)
    moderation.mute(answer, by=world.ada, reason="Spam")
    moderation.mute(muted, by=world.ada, reason="Spam")
    assert list(SOURCE.ids()) == [topic.id]
    assert [found.ref.id for found in SOURCE.documents([topic.id, muted.id])] == [topic.id]
    assert document(topic).body == "Since this morning. What now?"


def test_a_hit_says_what_a_list_of_results_shows(world: World) -> None:
    topic = world.solved()
    topic.source_id = "t1"
    db.session.flush()
    assert topic.acceptance is not None
    answer = topic.acceptance.post
    found = SOURCE.visible([topic.id, 4711], GUEST)[topic.id]
    assert (found.title, found.url) == (topic.title, f"/t/{topic.id}-{topic.slug}")
    assert (found.source_id, found.solved, found.locale) == ("t1", True, "en")
    assert found.text == "Since this morning. What now?\nRestart it, then choose channel 6."
    assert dict(found.meta) == {
        "state": "solved",
        "answer_count": 1,
        "category": "Routers",
        "tags": ("wifi",),
        "obsolete": False,
        "accepted_post_id": answer.id,
        "accepted_text": "Restart it, then choose channel 6.",
        "accepted_url": f"/p/{answer.id}",
    }


def test_a_hit_is_shown_to_those_who_may_see_it(world: World) -> None:
    topic = world.ask()
    moderation.mute(topic, by=world.ada, reason="Spam")
    for viewer, may in ((GUEST, False), (world.charlie, False), (world.alice, True), (world.ada, True)):
        assert (topic.id in SOURCE.visible([topic.id], viewer)) is may
    moderation.unmute(topic, by=world.ada)
    answer = world.answer(topic, "Something muted, xylophone.")
    moderation.mute(answer, by=world.ada, reason="Spam")
    assert "xylophone" not in SOURCE.visible([topic.id], GUEST)[topic.id].text
    assert "xylophone" in SOURCE.visible([topic.id], world.bob)[topic.id].text


Deed = Callable[[World, Topic], object]


@pytest.mark.parametrize(
    "deed",
    [
        lambda world, topic: world.answer(topic),
        lambda world, topic: answers.comment(
            queries.visible_posts(topic, viewer=world.ada)[0], source="Same here", by=world.charlie
        ),
        lambda world, topic: answers.accept(queries.visible_posts(topic, viewer=world.ada)[1], by=world.alice),
        lambda world, topic: posts.edit(
            queries.visible_posts(topic, viewer=world.ada)[1], source="Other words now", by=world.bob, version=1
        ),
        lambda world, topic: moderation.mute(topic, by=world.ada, reason="Spam"),
        lambda world, topic: moderation.mute(
            queries.visible_posts(topic, viewer=world.ada)[1], by=world.ada, reason="Spam"
        ),
        lambda _world, topic: topics.set_tags(topic, ["other"]),
        lambda _world, topic: setattr(topics.tagged(topic.tag_names)[0], "name", "wlan"),
        lambda _world, topic: setattr(topic.category, "slug", "routers"),
        lambda world, _topic: setattr(world.alice, "handle", "alicia"),
    ],
    ids=["answer", "comment", "accept", "edit", "mute", "mute_post", "tags", "tag", "category", "handle"],
)
def test_search_hears_of_every_change(world: World, deed: Deed) -> None:
    topic = world.ask()
    world.answer(topic)
    world.ask(title="A topic that nobody touches", tags=[], by=world.charlie, category=_elsewhere())
    db.session.query(StaleNote).delete()
    deed(world, topic)
    db.session.flush()
    assert {(note.kind, note.ref_id) for note in db.session.query(StaleNote)} == {("topic", topic.id)}


def _elsewhere() -> object:
    from forum.models import Category

    category = Category(slug="heating", names={"en": "Heating"}, descriptions={}, position=2)
    db.session.add(category)
    db.session.flush()
    return category


def test_search_hears_of_undoing_too(world: World) -> None:
    topic = world.solved()
    moderation.mute(topic, by=world.ada, reason="Spam")
    for deed in (
        lambda: answers.undo_acceptance(topic, by=world.ada),
        lambda: moderation.unmute(topic, by=world.ada),
    ):
        db.session.query(StaleNote).delete()
        deed()
        assert {(note.kind, note.ref_id) for note in db.session.query(StaleNote)} == {("topic", topic.id)}


def test_a_person_who_only_changes_their_theme_is_no_news(world: World) -> None:
    world.ask()
    db.session.query(StaleNote).delete()
    world.alice.theme = "dark"
    db.session.flush()
    assert db.session.query(StaleNote).count() == 0
