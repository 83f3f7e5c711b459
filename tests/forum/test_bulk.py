"""One deed for many topics, and the way back."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import arranging, bulk, closing, moderation
from forum.models import Category, Duplicate, Topic
from tests.cast import World


def many(world: World, count: int = 3) -> list[Topic]:
    return [world.ask(f"Question number {number}") for number in range(count)]


def do(world: World, deed: str, topics: list[Topic], **wanted: object) -> bulk.Outcome:
    return bulk.do(deed, topics, wanted=bulk.Wanted(**wanted), by=world.ada)  # type: ignore[arg-type]  # a table of cases


@pytest.mark.parametrize(
    ("deed", "wanted"),
    [
        ("duplicate", {"target": "1", "reason": "Asked every week."}),
        ("close", {"reason": "The offer has ended."}),
        ("move", {"category": "phone"}),
        ("tag", {"tag": "Offer"}),
        ("untag", {"tag": "wifi"}),
        ("pin", {}),
    ],
)
def test_what_is_done_to_many_is_undone(world: World, deed: str, wanted: dict[str, object]) -> None:
    first, *topics = many(world, 4)
    assert first.id == 1
    if "category" in wanted:
        wanted = {"category": Category(slug="phone", names={"en": "Phone"}, position=2)}
        db.session.add(wanted["category"])
        db.session.flush()
    before = [bulk.state(topic) for topic in topics]
    outcome = do(world, deed, topics, **wanted)
    assert (outcome.changed, outcome.refused) == (3, {})
    assert all(bulk.state(topic) != was for topic, was in zip(topics, before, strict=True))
    assert outcome.deed is not None
    undone = bulk.undo(outcome.deed, by=world.ada)
    assert (undone.changed, undone.refused) == (3, {})
    assert [bulk.state(topic) for topic in topics] == before
    with pytest.raises(Conflict):
        bulk.undo(outcome.deed, by=world.ada)
    assert db.session.query(AuditEntry).filter(AuditEntry.deed.like("forum.bulk.%")).count() == 2
    assert db.session.query(AuditEntry).filter_by(subject_kind="topic").count() >= 6


def test_reopening_and_unpinning_bring_back_what_was(world: World) -> None:
    target, closed, linked, pinned, open_one = many(world, 5)
    closing.close(closed, by=world.ada, reason="settled")
    closing.close_as_duplicate(linked, target=target, by=world.ada)
    arranging.pin(pinned, by=world.ada, until=now() + timedelta(days=2))
    topics = [closed, linked, pinned, open_one]
    before = [bulk.state(topic) for topic in topics]
    reopened, unpinned = do(world, "reopen", topics), do(world, "unpin", topics)
    assert (reopened.changed, unpinned.changed) == (2, 1)
    assert reopened.deed is not None
    assert unpinned.deed is not None
    bulk.undo(unpinned.deed, by=world.ada)
    bulk.undo(reopened.deed, by=world.ada)
    assert [bulk.state(topic) for topic in topics] == before


def test_links_of_an_import_come_back(world: World) -> None:
    one, two, topic = many(world)
    db.session.add_all(Duplicate(topic_id=topic.id, target_id=it.id) for it in (one, two))
    db.session.flush()
    before = bulk.state(topic)
    outcome = do(world, "close", [topic], reason="settled")
    assert outcome.deed is not None
    bulk.undo(outcome.deed, by=world.ada)
    assert bulk.state(topic) == before


def test_what_changed_since_stays_as_it_is(world: World) -> None:
    topics = many(world)
    outcome = do(world, "close", topics, reason="settled")
    assert outcome.deed is not None
    closing.reopen(topics[0], by=world.ada)
    undone = bulk.undo(outcome.deed, by=world.ada)
    assert undone.changed == 2
    assert set(undone.refused) == {topics[0].id}


def test_one_that_cannot_be_changed_keeps_none_from_it(world: World) -> None:
    topics = many(world)
    outcome = do(world, "duplicate", topics, target=f"/t/{topics[1].id}")
    assert outcome.changed == 2
    assert set(outcome.refused) == {topics[1].id}
    assert not topics[1].is_closed


def test_a_target_that_is_muted_since_is_not_led_to_again(world: World) -> None:
    target, topic = many(world, 2)
    closing.close_as_duplicate(topic, target=target, by=world.ada)
    outcome = do(world, "reopen", [topic])
    moderation.mute(target, by=world.ada, reason="off topic")
    assert outcome.deed is not None
    undone = bulk.undo(outcome.deed, by=world.ada)
    assert (undone.changed, set(undone.refused)) == (0, {topic.id})
    assert not topic.is_closed


@pytest.mark.parametrize(
    ("deed", "wanted", "field"),
    [
        ("explode", {}, "deed"),
        ("close", {"reason": " "}, "reason"),
        ("move", {}, "category"),
        ("tag", {"tag": ""}, "tag"),
        ("tag", {"tag": "?!"}, "tag"),
        ("duplicate", {"target": "nothing"}, "target"),
    ],
)
def test_a_deed_says_what_it_needs(world: World, deed: str, wanted: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        do(world, deed, many(world), **wanted)
    assert field in refused.value.fields


def test_no_topic_too_many_and_nobody_else(world: World) -> None:
    topics = many(world)
    with pytest.raises(Invalid) as refused:
        do(world, "pin", [])
    assert "topics" in refused.value.fields
    with pytest.raises(Invalid):
        do(world, "pin", topics * 50)
    for person in (world.alice, world.tina, world.emil):
        with pytest.raises(NotAllowed):
            bulk.do("pin", topics, wanted=bulk.Wanted(), by=person)
    done = do(world, "pin", topics).deed
    assert done is not None
    with pytest.raises(NotAllowed):
        bulk.undo(done, by=world.emil)
