"""Who sees what: one clause for topics, one for posts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from accounts.people import AnonymousUser, Viewer
from core.db import db
from core.errors import NotFound
from forum import answers, moderation, queries, votes
from forum.models import Category, Post, Topic
from tests.cast import World

GUEST = AnonymousUser()


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that go to the database meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def sees(viewer: Viewer, topic_id: int) -> bool:
    try:
        queries.visible_topic(topic_id, viewer=viewer)
    except NotFound:
        return False
    return True


def test_a_muted_topic_is_seen_by_its_asker_and_the_team(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(topic, by=world.ada, reason="Spam")
    viewers = {person.handle: person for person in world.everybody()} | {"guest": GUEST}
    assert {name for name, viewer in viewers.items() if sees(viewer, topic.id)} == {
        "alice",
        "ada",
        "emil",
        "dora",
        "root",
    }
    for name, viewer in viewers.items():
        posts = queries.visible_posts(topic, viewer=viewer)
        assert bool(posts) is (name in {"alice", "ada", "emil", "dora", "root"}), name
    with pytest.raises(NotFound):
        queries.visible_post(answer.id, viewer=world.bob)  # his own answer, in a topic that is hidden from him


def test_a_muted_answer_is_seen_by_its_author_and_the_team(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(answer, by=world.ada, reason="Spam")
    viewers = {person.handle: person for person in world.everybody()} | {"guest": GUEST}
    seen = {name for name, viewer in viewers.items() if answer in queries.visible_posts(topic, viewer=viewer)}
    assert seen == {"bob", "ada", "emil", "dora", "root"}
    assert all(sees(viewer, topic.id) for viewer in viewers.values())


def test_own_comments_below_a_hidden_answer_are_hidden_with_it(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    comment = answers.comment(answer, source="I said this", by=world.charlie)
    moderation.mute(answer, by=world.ada, reason="Spam")
    with pytest.raises(NotFound):
        queries.visible_post(comment.id, viewer=world.charlie)
    assert queries.visible_post(comment.id, viewer=world.bob) is comment


def test_a_guest_is_not_the_author_whose_account_is_gone(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    topic.asker_id = answer.author_id = None
    moderation.mute(answer, by=world.ada, reason="Spam")
    assert answer not in queries.visible_posts(topic, viewer=GUEST)
    moderation.mute(topic, by=world.ada, reason="Spam")
    assert not sees(GUEST, topic.id)
    assert queries.visible_posts(topic, viewer=GUEST) == []


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30, 4711])
def test_what_is_not_there_is_not_found(world: World, number: int) -> None:
    with pytest.raises(NotFound):
        queries.visible_topic(number, viewer=world.ada)
    with pytest.raises(NotFound):
        queries.visible_post(number, viewer=world.ada)


def test_lists_and_counts_never_count_the_hidden(world: World) -> None:
    open_one, solved = world.ask(), world.solved(title="Solved and in the open")
    hidden = world.solved(title="Solved and hidden away")
    moderation.mute(hidden, by=world.ada, reason="Spam")
    assert queries.counts(GUEST) == {"all": 2, "unanswered": 1, "unsolved": 1, "solved": 1}
    assert queries.counts(world.ada) == {"all": 3, "unanswered": 1, "unsolved": 1, "solved": 2}
    assert [(tally.category_id, tally.locale, tally.counts["all"]) for tally in queries.tallies(GUEST)] == [
        (world.router.id, "en", 2)
    ]
    for statement, expected in (
        (queries.visible_topics(GUEST), {open_one, solved}),
        (queries.visible_topics(GUEST).where(queries.in_state("unanswered")), {open_one}),
        (queries.visible_topics(GUEST).where(queries.in_state("solved")), {solved}),
        (queries.with_tag(GUEST, "wifi"), {open_one, solved}),
        (queries.with_tag(GUEST, "no-such-tag"), set()),
        (queries.visible_topics(GUEST).where(queries.in_state("unsolved")), {open_one}),
    ):
        assert set(db.session.scalars(statement).unique()) == expected


def test_what_a_person_wrote_is_shown_without_the_hidden(world: World) -> None:
    shown, hidden = world.ask(), world.ask(title="A muted question here")
    moderation.mute(hidden, by=world.ada, reason="Spam")
    by_alice = queries.visible_posts_by(world.alice, viewer=world.bob)
    assert [post.topic for post in db.session.scalars(by_alice).unique()] == [shown]
    own = queries.visible_posts_by(world.alice, viewer=world.alice)
    assert {post.topic for post in db.session.scalars(own).unique()} == {shown, hidden}


def test_posts_of_many_topics_come_in_one_statement(world: World) -> None:
    topics = [world.ask(title=f"Question number {number}") for number in range(3)]
    hidden = world.answer(topics[0])
    moderation.mute(hidden, by=world.ada, reason="Spam")
    found = queries.posts_in([topic.id for topic in topics], viewer=GUEST)
    assert {topic_id: len(posts) for topic_id, posts in found.items()} == {topic.id: 1 for topic in topics}


def test_the_clause_for_posts_needs_no_topic_in_the_statement(world: World) -> None:
    answer = world.answer(world.ask())
    other = world.ask(title="An innocent other question")
    moderation.mute(answer.topic, by=world.ada, reason="Spam")
    visible = set(db.session.scalars(select(Post.topic_id).where(queries.posts_visible_to(GUEST))))
    assert visible == {other.id}


def test_a_topic_page_needs_few_statements_however_many_people_wrote(world: World) -> None:
    topic = world.ask()
    helpers = [world.person(f"helper{number}") for number in range(12)]
    given = [world.answer(topic, f"Answer number {number}.", by=helper) for number, helper in enumerate(helpers)]
    for number, answer in enumerate(given):
        answers.comment(answer, source="Thanks for that", by=helpers[number - 1])
        votes.vote(answer, by=world.alice)
    answers.accept(given[3], by=world.tina)
    moderation.mute(given[4], by=world.ada, reason="Spam")
    topic_id, alice_id = topic.id, world.alice.id
    db.session.commit()
    db.session.expunge_all()
    viewer = db.session.get_one(type(helpers[0]), alice_id)
    assert viewer.role_names  # who looks is loaded at the door
    with counted() as statements:
        found = queries.visible_topic(topic_id, viewer=viewer)
        posts = queries.visible_posts(found, viewer=viewer)
        voted = votes.voted_by(viewer, posts)
        for post in posts:
            assert post.author is not None
            assert post.author.role_names == {"member"}
            assert not post.is_muted
        assert (found.state, found.category.slug, found.tag_names) == ("solved", "router", ["wifi"])
    assert (len(posts), len(voted)) == (1 + 2 * 11, 11)
    assert len(statements) <= 8, "\n\n".join(statements)


def test_categories_have_their_order_and_slugs(world: World) -> None:
    db.session.add(Category(slug="heating", names={"en": "Heating"}, descriptions={}, position=0))
    router = world.router
    db.session.flush()
    assert [category.slug for category in queries.categories()] == ["heating", "router"]
    assert queries.category("router") is router
    with pytest.raises(NotFound):
        queries.category("nowhere")


def test_a_duplicate_leads_only_to_what_may_be_seen(world: World) -> None:
    from forum.models import Duplicate

    first, second = world.ask(), world.ask(title="The same question again")
    db.session.add(Duplicate(topic_id=second.id, target_id=first.id))
    db.session.flush()
    assert queries.duplicate_of(second, viewer=GUEST) is first
    moderation.mute(first, by=world.ada, reason="Spam")
    assert queries.duplicate_of(second, viewer=GUEST) is None
    assert isinstance(queries.duplicate_of(second, viewer=world.alice), Topic)
