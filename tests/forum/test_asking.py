"""Asking a question."""

from datetime import timedelta

import pytest
from flask import Flask

from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, TooSoon
from core.outbox import Delivery
from forum import drafts, follows, queries, topics
from forum.models import Post, SeeAlso, Tag, Topic
from tests.cast import World


@pytest.fixture
def paused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute pass between two posts of one member."""
    settings = app.extensions["klinke-settings"].model_copy(update={"post_pause_seconds": 60})
    monkeypatch.setitem(app.extensions, "klinke-settings", settings)


def test_a_question_is_a_topic_with_its_first_post(world: World) -> None:
    topic = world.ask(title="  Wireless gone after the update ", source="It *was* there yesterday evening.")
    (question,) = queries.visible_posts(topic, viewer=AnonymousUser())
    assert (topic.title, topic.slug) == ("Wireless gone after the update", "wireless-gone-after-the-update")
    assert (topic.asker, topic.category, topic.state) == (world.alice, world.router, "unanswered")
    assert (question.kind, question.author) == ("question", world.alice)
    assert question.source == "It *was* there yesterday evening."
    assert question.html == "<p>It <em>was</em> there yesterday evening.</p>"


def test_who_asks_follows(world: World) -> None:
    topic = world.ask()
    assert follows.is_following(topic, world.alice)
    assert not follows.is_following(topic, world.bob)
    assert not follows.is_following(topic, AnonymousUser())


def test_tags_are_tidied_and_keep_their_order(world: World) -> None:
    topic = world.ask(tags=["WLAN", "  Fritz Box ", "c++", "wlan", ""])
    assert topic.tag_names == ["wlan", "fritz-box", "c++"]
    topics.set_tags(topic, ["c++", "router"])
    assert topic.tag_names == ["c++", "router"]
    assert world.ask(title="Another one about routers", tags=["router"]).tag_names == ["router"]
    assert db.session.query(Tag).filter_by(name="router").count() == 1


@pytest.mark.parametrize("tags", [["a", "b", "c", "d", "e", "f"], ["x" * 41], ["<b>"], ["a/b"], ["a\x07b"]])
def test_a_wrong_tag_is_said_at_its_field(world: World, tags: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        world.ask(tags=tags)
    assert list(caught.value.fields) == ["tags"]


def test_everything_wrong_is_said_at_once(world: World) -> None:
    with pytest.raises(Invalid) as caught:
        topics.ask(title="Help", source="It broke", category=None, locale="fr", tags=["&"], by=world.alice)
    assert set(caught.value.fields) == {"title", "source", "category", "locale", "tags"}
    assert "10 characters" in caught.value.fields["title"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * 151),
        ("title", ""),
        ("title", "half a \ud83d in the title"),
        ("source", "x" * 32_001),
        ("source", "too short"),
        ("source", "   \n\n   \n         \n          "),
        ("source", "> " * 60 + "too deeply nested to be laid out"),
    ],
)
def test_texts_have_limits(world: World, field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        world.ask(**{field: value})
    assert list(caught.value.fields) == [field]


def test_guests_and_disabled_people_cannot_ask(world: World) -> None:
    world.charlie.disabled_at = now()
    for nobody in (AnonymousUser(), world.charlie):
        with pytest.raises(NotAllowed):
            world.ask(by=nobody)
    assert db.session.query(Topic).count() == 0


@pytest.mark.usefixtures("paused")
def test_a_second_post_waits_and_says_how_long(world: World) -> None:
    topic = world.ask()
    with pytest.raises(TooSoon) as caught:
        world.answer(topic, by=world.alice)
    assert 55 <= caught.value.seconds <= 60
    world.answer(topic, by=world.bob)
    db.session.query(Post).update({"created_at": now() - timedelta(seconds=61)})
    world.answer(topic, "Found it myself: channel 6 it is.", by=world.alice)


@pytest.mark.usefixtures("paused")
def test_the_same_text_is_taken_once_within_five_minutes(world: World) -> None:
    world.ask()
    with pytest.raises(Conflict):
        world.ask(title="The same under another title")
    db.session.query(Post).update({"created_at": now() - timedelta(minutes=6)})
    world.ask(title="The same, but six minutes later")


@pytest.mark.usefixtures("paused")
def test_the_team_is_never_held_up(world: World) -> None:
    topic = world.ask(by=world.ada)
    world.answer(topic, by=world.ada)
    again = world.ask(by=world.ada)
    assert (again.asker, again.title) == (topic.asker, topic.title)
    assert again.id != topic.id


@pytest.mark.usefixtures("paused")
def test_what_is_told_of_the_past_knows_no_pause(world: World) -> None:
    then = now() - timedelta(days=30)
    world.ask(created_at=then)
    assert world.ask(title="A second question then", created_at=then).last_activity_at == then


@pytest.mark.usefixtures("own_listeners")
def test_asking_is_told_in_the_same_transaction(world: World) -> None:
    from core.outbox import listens_to
    from forum.events import TopicAsked

    heard: list[TopicAsked] = []
    listens_to(TopicAsked)(heard.append)
    topic = world.ask()
    told = [row.payload for row in db.session.query(Delivery).filter_by(event="TopicAsked")]
    assert {"topic_id": topic.id} in told
    db.session.rollback()
    assert db.session.query(Delivery).count() == 0


def test_see_also_is_one_link_for_each_address(world: World) -> None:
    topic = world.ask()
    topics.add_see_also(topic, title="Wireless", url="/kb/1-wireless")
    topics.add_see_also(topic, title="Wireless, step by step", url="/kb/1-wireless")
    (link,) = queries.see_also(topic)
    assert (link.title, link.url) == ("Wireless, step by step", "/kb/1-wireless")
    topics.remove_see_also(topic, url="/kb/1-wireless")
    topics.remove_see_also(topic, url="/kb/1-wireless")
    assert db.session.query(SeeAlso).count() == 0


def test_a_draft_is_kept_found_and_thrown_away(world: World) -> None:
    drafts.save(world.alice, "ask", {"title": "Wirel", "source": ""})
    drafts.save(world.alice, "ask", {"title": "Wireless gone\0", "source": "since"})
    found = drafts.find(world.alice, "ask")
    assert found is not None
    assert found.fields == {"title": "Wireless gone", "source": "since"}
    assert drafts.find(world.bob, "ask") is None
    drafts.discard(world.alice, "ask")
    drafts.discard(world.alice, "ask")
    assert drafts.find(world.alice, "ask") is None


def test_drafts_have_limits(world: World) -> None:
    for key, fields in (
        ("../etc", {}),
        ("ask", {"source": "x" * 40_001}),
        ("ask", {str(number): "" for number in range(21)}),
        ("ask", {"n" * 41: ""}),
    ):
        with pytest.raises(Invalid):
            drafts.save(world.alice, key, fields)
    for number in range(1, 53):
        drafts.save(world.alice, f"answer:{number}", {"source": "…"})
    assert drafts.find(world.alice, "answer:2") is None
    assert drafts.find(world.alice, "answer:3") is not None
