"""Closing as a duplicate and for a reason: it always leads somewhere that readers can open."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed
from forum import answers, closing, counters, moderation, queries, targets
from forum.models import Closing, Duplicate, Notification, Topic
from kb import articles
from tests.cast import World
from tests.kb.shelf import Shelf

GUEST = AnonymousUser()


def lead(world: World, topic: Topic, target: Topic) -> None:
    closing.close_as_duplicate(topic, target=target, by=world.ada)


def end_of(topic: Topic) -> str | None:
    found = closing.target_of(topic, viewer=GUEST)
    return None if found is None else found.title


def test_a_duplicate_leads_to_its_target_and_takes_no_more_answers(world: World) -> None:
    first, again = world.solved(title="The router blinks red"), world.ask("Why does it blink in red?")
    post = queries.visible_posts(again, viewer=world.bob)[0]
    lead(world, again, first)
    assert end_of(again) == "The router blinks red"
    assert again.closed_as == "duplicate"
    with pytest.raises(NotAllowed, match="closed"):
        world.answer(again)
    with pytest.raises(NotAllowed, match="closed"):
        answers.comment(post, source="And here, too.", by=world.bob)
    assert world.answer(again, by=world.ada).topic_id == again.id, "the team may still add something"
    entry = db.session.query(AuditEntry).filter_by(deed="forum.topic.close_as_duplicate").one()
    assert (entry.by_id, entry.subject_id) == (world.ada.id, again.id)
    assert entry.before is not None
    assert entry.before["closed_as"] is None
    assert entry.after is not None
    assert entry.after["targets"] == [first.id]


def test_only_moderators_close_and_reopen(world: World) -> None:
    topic, other = world.ask("The light is red today"), world.ask("The light is green today")
    for person in (world.alice, world.bob, world.tina, world.emil, world.dora):
        with pytest.raises(NotAllowed):
            closing.close_as_duplicate(topic, target=other, by=person)
        with pytest.raises(NotAllowed):
            closing.close(topic, by=person, reason="settled")
        with pytest.raises(NotAllowed):
            closing.reopen(topic, by=person)
    closing.close(topic, by=world.root, reason="settled")


def test_closing_anew_replaces_the_target_and_reopening_forgets_it(world: World) -> None:
    one, two, topic = world.ask("The first question"), world.ask("The second question"), world.ask("The same again")
    lead(world, topic, one)
    lead(world, topic, two)
    assert end_of(topic) == "The second question"
    assert db.session.query(Duplicate).count() == db.session.query(Closing).count() == 1
    closing.reopen(topic, by=world.ada, reason="not the same after all")
    assert end_of(topic) is None
    assert not topic.is_closed
    assert db.session.query(Duplicate).count() == db.session.query(Closing).count() == 0
    closing.reopen(topic, by=world.ada)
    assert db.session.query(AuditEntry).filter_by(deed="forum.topic.reopen").count() == 1
    assert world.answer(topic).topic_id == topic.id


def test_closing_for_a_reason_says_it(world: World) -> None:
    topic = world.ask()
    with pytest.raises(Invalid):
        closing.close(topic, by=world.ada, reason=" ")
    closing.close(topic, by=world.ada, reason="The offer has ended.")
    found = closing.closing_of(topic)
    assert found is not None
    assert (found.reason, found.by_id, topic.closed_as) == ("The offer has ended.", world.ada.id, "closed")
    assert end_of(topic) is None


def test_chains_are_followed_to_their_end_and_never_close_a_circle(world: World) -> None:
    one, two, three = (world.ask(f"Question number {number}") for number in (1, 2, 3))
    lead(world, two, one)
    lead(world, three, two)
    assert end_of(three) == "Question number 1"
    for target in (one, two, three):
        with pytest.raises(Invalid) as refused:
            lead(world, one, target)
        assert "target" in refused.value.fields
    assert not one.is_closed
    db.session.add(Duplicate(topic_id=one.id, target_id=three.id))  # as an import may bring it
    db.session.flush()
    assert end_of(three) in {"Question number 1", "Question number 2"}


def test_nothing_leads_to_what_readers_cannot_see(world: World) -> None:
    topic, hidden = world.ask("The light is red today"), world.ask("The light is green today")
    moderation.mute(hidden, by=world.ada, reason="off topic")
    with pytest.raises(Invalid, match="muted"):
        lead(world, topic, hidden)
    article = Shelf(world).published(audience="team")
    with pytest.raises(Invalid, match="Not everybody"):
        targets.named(f"/kb/{article.id}-x", viewer=world.ada)


@pytest.mark.parametrize(
    "typed", ["{id}", "#{id}", "/t/{id}", "/t/{id}-any-slug", "http://localhost/t/{id}-x?answers=2#p1"]
)
def test_a_target_is_named_by_number_or_address(world: World, typed: str) -> None:
    topic = world.ask()
    assert targets.named(typed.format(id=topic.id), viewer=world.ada) is topic


def test_an_answer_names_its_topic_and_strangers_addresses_name_nothing(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    assert targets.named(f"/p/{answer.id}", viewer=world.ada) is topic
    for typed in (
        "",
        "router",
        "/t/99999",
        "/p/99999",
        "/ask",
        "https://elsewhere.example/t/1",
        "http://[",
        "/kb/99999-x",
    ):
        with pytest.raises(Invalid) as refused:
            targets.named(typed, viewer=world.ada)
        assert "target" in refused.value.fields


def test_an_article_is_a_target_under_its_present_title_until_it_is_withdrawn(world: World) -> None:
    topic = world.ask()
    article = Shelf(world).published(title="What the light says")
    place = targets.named(f"http://localhost/kb/{article.id}-old-title", viewer=world.ada)
    assert isinstance(place, targets.Target)
    closing.close_as_duplicate(topic, target=place, by=world.ada)
    later = world.ask("And once more the light")
    lead(world, later, topic)
    assert end_of(topic) == end_of(later) == "What the light says"
    assert closing.count_leading_to_place("article", article.id) == 1
    articles.withdraw(article, by=world.emil, reason="It is wrong.")
    assert not topic.is_closed
    assert end_of(topic) is None
    assert end_of(later) == topic.title


def test_a_target_is_not_muted_without_a_word(world: World) -> None:
    first, again = world.ask("The light is red today"), world.ask("The light is green today")
    lead(world, again, first)
    with pytest.raises(Invalid) as refused:
        moderation.mute(first, by=world.ada, reason="off topic")
    assert "release" in refused.value.fields
    assert not first.is_muted
    moderation.mute(first, by=world.ada, reason="off topic", release=True)
    assert first.is_muted
    assert not again.is_closed
    assert db.session.query(AuditEntry).filter_by(deed="forum.topic.reopen", subject_id=again.id).count() == 1


def test_a_duplicate_with_another_target_keeps_that_when_one_is_muted(world: World) -> None:
    first, other, again = (world.ask(f"Question number {number}") for number in (1, 2, 3))
    lead(world, again, first)
    db.session.add(Duplicate(topic_id=again.id, target_id=other.id))  # as an import may bring it
    db.session.flush()
    moderation.mute(first, by=world.ada, reason="off topic", release=True)
    assert end_of(again) == "Question number 2"
    assert again.is_closed


def test_a_link_of_an_import_that_closes_nothing_waits_until_its_target_is_back(world: World) -> None:
    first, again = world.ask("The light is red today"), world.ask("The light is green today")
    db.session.add(Duplicate(topic_id=again.id, target_id=first.id))
    db.session.flush()
    moderation.mute(first, by=world.ada, reason="off topic")
    assert end_of(again) is None
    moderation.unmute(first, by=world.ada)
    assert end_of(again) == first.title


def test_closed_ones_wait_for_nobody(world: World) -> None:
    first, again = world.ask("The light is red today"), world.ask("The light is green today")
    lead(world, again, first)
    assert queries.counts(GUEST) == {"all": 2, "unanswered": 1, "unsolved": 1, "solved": 0}
    unsolved = queries.visible_topics(GUEST).where(queries.in_state("unsolved"))
    assert list(db.session.scalars(unsolved).unique()) == [first]


def test_what_is_asked_most_often(world: World) -> None:
    first, second, third, other, hidden, by_itself = (world.ask(f"Question number {number}") for number in range(6))
    article = targets.named(f"/kb/{Shelf(world).published(title='All about it').id}", viewer=world.ada)
    lead(world, second, first)
    lead(world, third, second)
    closing.close_as_duplicate(other, target=article, by=world.ada)
    lead(world, hidden, first)
    moderation.mute(hidden, by=world.ada, reason="off topic")
    listed = [(target.title, count) for target, count in closing.most_asked(GUEST)]
    assert listed == [("Question number 0", 2), ("All about it", 1)]
    assert by_itself.title not in {title for title, _ in listed}
    assert closing.most_asked(GUEST, at_least=2)[0][0].title == first.title
    assert {target.title: count for target, count in closing.most_asked(world.ada)}[first.title] == 3


def test_the_asker_is_told_and_told_no_more(
    stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]
) -> None:
    def scene(world: World) -> int:
        first, again = world.ask("The light is red today", by=world.bob), world.ask("The light is green today")
        lead(world, again, first)
        return again.id

    topic_id = stage(scene)
    worker()
    told = lambda world: [n.kind for n in db.session.query(Notification).filter_by(user_id=world.alice.id)]  # noqa: E731
    assert stage(told) == ["topic_closed"]
    stage(lambda world: closing.reopen(db.session.get_one(Topic, topic_id), by=world.ada))
    worker()
    assert stage(told) == []


def test_two_who_close_at_once_make_no_circle(app: Flask, stage: Callable[[Callable[[World], Any]], Any]) -> None:
    ids = stage(lambda world: world.everybody() and [world.ask(f"Question number {n}").id for n in range(4)])
    edges = [(0, 1), (1, 2), (2, 3), (3, 0)]
    ready = threading.Barrier(len(edges))
    refused = []

    def work(start: int, end: int) -> None:
        with app.app_context():
            ready.wait(10)
            try:
                topic, target = (db.session.get_one(Topic, ids[it]) for it in (start, end))
                closing.close_as_duplicate(topic, target=target, by=World().ada)
                db.session.commit()
            except KlinkeError as error:
                db.session.rollback()
                refused.append(error)

    threads = [threading.Thread(target=work, args=edge) for edge in edges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert stage(lambda _: db.session.query(Duplicate).count()) == 3


def test_searching_prefers_the_target(
    stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]
) -> None:
    from search import query

    def scene(world: World) -> tuple[int, int]:
        first = world.ask("Wireless drops every night", "It comes back in the morning.")
        again = world.ask("My network is gone at midnight", "Every night the wireless drops.")
        lead(world, again, first)
        return first.id, again.id

    first_id, again_id = stage(scene)
    worker()
    found = stage(lambda _: [hit.found.ref.id for hit in query.find("network gone at midnight", viewer=GUEST).hits])
    assert found.index(first_id) < found.index(again_id)
    stage(lambda world: moderation.mute(db.session.get_one(Topic, again_id), by=world.ada, reason="off topic"))
    worker()
    assert stage(lambda _: query.find("network gone at midnight", viewer=GUEST).hits) == [], "muted words teach nothing"


def test_who_mutes_and_who_closes_at_once_lead_nobody_to_nothing(
    app: Flask, stage: Callable[[Callable[[World], Any]], Any]
) -> None:
    ids = stage(lambda world: world.everybody() and [world.ask(f"Question number {n}").id for n in range(2)])
    ready = threading.Barrier(2)

    def work(deed: Callable[[Topic, Topic], object]) -> None:
        with app.app_context():
            if db.engine.dialect.name == "postgresql":  # on SQLite whoever has begun keeps all others waiting
                db.session.get_one(Topic, ids[1])
            ready.wait(10)
            try:
                deed(*(db.session.get_one(Topic, it) for it in ids))
                db.session.commit()
            except Invalid:
                db.session.rollback()

    deeds: list[Callable[[Topic, Topic], object]] = [
        lambda topic, target: closing.close_as_duplicate(topic, target=target, by=World().ada),
        lambda _, target: moderation.mute(target, by=World().ada, reason="off topic"),
    ]
    threads = [threading.Thread(target=work, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    look = lambda _: [db.session.get_one(Topic, ids[0]).is_closed, db.session.get_one(Topic, ids[1]).is_muted]  # noqa: E731
    assert sorted(stage(look)) == [False, True], "one of them was first, and the other was told"


def test_the_doctor_sees_a_closing_that_is_not_true(world: World) -> None:
    topic, other, third = (world.ask(f"Question number {number}") for number in range(3))
    closing.close(topic, by=world.ada, reason="settled")
    closing.close_as_duplicate(third, target=other, by=world.ada)
    assert list(counters.complaints()) == []
    topic.closed_as, other.closed_as, third.closed_as = None, "closed", None
    db.session.flush()
    assert len(list(counters.complaints())) == 3
    assert counters.recount() == 3
    db.session.expire_all()
    assert [it.closed_as for it in (topic, other, third)] == ["closed", None, "duplicate"]
