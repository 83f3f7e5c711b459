"""A category may let a question have several solutions, each for a version; everywhere else there is exactly one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, categories, moderation, queries, threads, transfer
from forum.models import Acceptance, Post, Topic
from forum.source import Topics
from kb.models import Nomination
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]


def open_category(world: World) -> None:
    categories.set_rules(world.router, accepts_several=True, closes_after_hours=None, by=world.root)


def three_answers(world: World) -> tuple[Topic, Post, Post, Post]:
    topic = world.ask()
    words = ("Restart it twice.", "Choose channel 6.", "Buy another one.")
    first, second, third = (world.answer(topic, source) for source in words)
    return topic, first, second, third


def labels(topic: Topic) -> list[tuple[int, str]]:
    return [(one.post_id, one.label) for one in queries.solutions(topic)]


def test_several_stand_side_by_side_each_for_a_version(world: World) -> None:
    open_category(world)
    topic, first, second, _ = three_answers(world)
    answers.accept(first, by=world.alice, label="Android")
    answers.accept(second, by=world.alice, label="iPhone")
    assert labels(topic) == [(first.id, "Android"), (second.id, "iPhone")]
    thread = threads.read(topic, viewer=AnonymousUser())
    assert list(thread.leading) == [first, second]
    assert thread.answer_count == 3
    assert queries.counts(AnonymousUser())["solved"] == 1, "one topic, however many solutions"
    assert [tally.counts["solved"] for tally in queries.tallies(AnonymousUser())] == [1]
    (document,) = Topics().documents([topic.id])
    assert document.solved
    assert Topics().visible([topic.id], AnonymousUser())[topic.id].meta["accepted_post_id"] == first.id


def test_one_for_the_same_version_takes_the_place_of_the_one_before(world: World) -> None:
    open_category(world)
    topic, first, second, third = three_answers(world)
    answers.accept(first, by=world.alice, label="Android")
    answers.accept(second, by=world.alice, label="iPhone")
    answers.accept(third, by=world.alice, label="android")
    assert labels(topic) == [(third.id, "android"), (second.id, "iPhone")]
    answers.accept(second, by=world.alice, label="iPhone 15")
    answers.accept(second, by=world.alice, label="iPhone 15")
    assert labels(topic) == [(third.id, "android"), (second.id, "iPhone 15")]


def test_when_the_first_is_taken_back_the_next_one_is_first(world: World) -> None:
    open_category(world)
    topic, first, second, third = three_answers(world)
    for post, label in ((first, "A"), (second, "B"), (third, "C")):
        answers.accept(post, by=world.alice, label=label)
    answers.undo_acceptance(topic, by=world.alice, post=first)
    assert labels(topic) == [(second.id, "B"), (third.id, "C")]
    assert topic.acceptance is not None
    assert (topic.acceptance.post_id, topic.acceptance.position) == (second.id, 0)
    moderation.mute(second, by=world.ada, reason="off topic")
    assert topic.acceptance.post_id == third.id
    answers.undo_acceptance(topic, by=world.alice)
    assert topic.state == "answered"


def test_beside_the_teams_choice_the_asker_may_choose_but_not_take_it_back(world: World) -> None:
    open_category(world)
    topic, first, second, third = three_answers(world)
    answers.accept(first, by=world.ada, label="Android")
    answers.accept(second, by=world.alice, label="iPhone")
    for refused in (
        lambda: answers.accept(third, by=world.alice, label="Android"),
        lambda: answers.accept(first, by=world.alice, label="Windows"),
        lambda: answers.undo_acceptance(topic, by=world.alice, post=first),
        lambda: answers.undo_acceptance(topic, by=world.alice),
    ):
        with pytest.raises(NotAllowed):
            refused()
    assert labels(topic) == [(first.id, "Android"), (second.id, "iPhone")]
    answers.undo_acceptance(topic, by=world.alice, post=second)
    assert labels(topic) == [(first.id, "Android")]


def test_a_label_has_an_end(world: World) -> None:
    open_category(world)
    _, first, _, _ = three_answers(world)
    with pytest.raises(Invalid) as caught:
        answers.accept(first, by=world.alice, label="x" * 61)
    assert set(caught.value.fields) == {"label"}


def test_elsewhere_a_label_is_nothing_and_there_is_one_solution(world: World) -> None:
    topic, first, second, _ = three_answers(world)
    answers.accept(first, by=world.alice, label="Android")
    answers.accept(second, by=world.alice, label="iPhone")
    assert labels(topic) == [(second.id, "")]
    db.session.add(Acceptance(topic_id=topic.id, post_id=first.id))
    with pytest.raises(IntegrityError):
        db.session.flush()


def test_when_the_category_takes_one_again_the_next_choice_clears_up(world: World) -> None:
    open_category(world)
    topic, first, second, third = three_answers(world)
    answers.accept(first, by=world.alice, label="A")
    answers.accept(second, by=world.alice, label="B")
    categories.set_rules(world.router, accepts_several=False, closes_after_hours=None, by=world.root)
    answers.accept(third, by=world.alice)
    assert labels(topic) == [(third.id, "")]


def test_only_admins_change_the_rules_and_it_is_logged(world: World) -> None:
    for person in (world.alice, world.tina, world.ada, world.emil, AnonymousUser()):
        with pytest.raises(NotAllowed):
            categories.set_rules(world.router, accepts_several=True, closes_after_hours=3, by=person)
    for hours in (0, -1, 87_601):
        with pytest.raises(Invalid):
            categories.set_rules(world.router, accepts_several=True, closes_after_hours=hours, by=world.root)
    open_category(world)
    open_category(world)
    (entry,) = db.session.query(AuditEntry).all()
    assert entry.after == {"accepts_several": True, "closes_after_hours": None}


def test_each_of_them_is_nominated(stage: Stage, app: Flask, worker: Callable[[], None]) -> None:
    def scene(world: World) -> list[int]:
        open_category(world)
        _, first, second, _ = three_answers(world)
        answers.accept(first, by=world.alice, label="Android")
        answers.accept(second, by=world.alice, label="iPhone")
        return [first.id, second.id]

    post_ids = stage(scene)
    worker()
    with app.app_context():
        assert sorted(one.post_id for one in db.session.query(Nomination)) == post_ids


def test_an_export_brings_them_back(world: World) -> None:
    open_category(world)
    topic, first, second, _ = three_answers(world)
    answers.accept(first, by=world.alice, label="Android")
    answers.accept(second, by=world.ada, label="iPhone")
    first.official_at = first.created_at
    (record,) = transfer.dump()
    assert [answer.get("accepted_for") for answer in record["answers"]] == ["Android", "iPhone", None]
    (category,) = transfer.dump_categories()
    assert category["several_solutions"] is True
    for person in (world.alice, world.ada, world.bob):
        person.source_id = f"klinke:{person.id}"
    topic.source_id, topic.acceptance.post.source_id = record["id"], None
    copy = {**record, "id": "copy", "answers": [{**one, "id": f"copy-{one['id']}"} for one in record["answers"]]}
    assert transfer.load(transfer.TopicRecord(**copy)) == "new"
    assert transfer.load(transfer.TopicRecord(**copy)) == "unchanged"
    other = db.session.query(Topic).filter_by(source_id="copy").one()
    assert [(one.label, one.position, one.by_id) for one in queries.solutions(other)] == [
        ("Android", 0, world.alice.id),
        ("iPhone", 1, world.ada.id),
    ]
    assert [post.official_at is not None for post in other.posts if post.kind == "answer"] == [True, False, False]


def test_two_that_are_accepted_without_saying_for_what_contradict_each_other(world: World) -> None:
    world.alice.source_id = "a"
    answer = {"author": "a", "body": "Restart it.", "created": "2026-01-05T10:00:00Z", "accepted": True}
    record = {
        "id": "t1",
        "category": "router",
        "author": "a",
        "title": "Wireless gone",
        "body": "Since this morning.",
        "locale": "en",
        "created": "2026-01-05T10:00:00Z",
    }
    for labels_given in (("", ""), ("7", "7"), ("7", "")):
        given = [{**answer, "id": f"p{number}", "accepted_for": label} for number, label in enumerate(labels_given)]
        with pytest.raises(Invalid):
            transfer.load(transfer.TopicRecord(**{**record, "answers": given}))


def test_the_page_asks_for_the_version_and_shows_it(
    stage: Stage, browser_of: Callable[[str], Browser], guest: Browser, token_of: Callable[..., str]
) -> None:
    def scene(world: World) -> tuple[str, int, int, int]:
        open_category(world)
        topic, first, second, third = three_answers(world)
        return f"/t/{topic.id}-{topic.slug}", first.id, second.id, third.id

    path, first_id, second_id, third_id = stage(scene)
    alice = browser_of("alice")
    assert 'name="label"' in alice.get(path).text
    refused = alice.post(f"/posts/{first_id}/acceptance", data={"label": "x" * 61})
    assert refused.status_code == 422
    assert f'id="label-{first_id}-error"' in refused.text
    for post_id, label in ((first_id, "Android <b>"), (second_id, "iPhone")):
        assert alice.post(f"/posts/{post_id}/acceptance", data={"label": label}).status_code == 303
    page = guest.get(path).text
    assert page.count("Accepted answer") == 2
    assert "for Android &lt;b&gt;" in page
    assert page.index(f'id="p{second_id}"') < page.index(f'id="p{third_id}"')
    assert alice.post(f"/posts/{first_id}/acceptance/undo").status_code == 303
    assert guest.get(path).text.count("Accepted answer") == 1
    headers = {"Authorization": f"Bearer {token_of('alice')}"}
    call = guest.post(f"/api/v1/posts/{third_id}/acceptance?label=Windows", headers=headers)
    assert (call.status_code, call.json["label"]) == (201, "Windows")
    topic = guest.get(path.replace("/t/", "/api/v1/topics/").split("-")[0]).json
    assert [answer["id"] for answer in topic["answers"]] == [second_id, third_id, first_id]
    assert guest.delete(f"/api/v1/posts/{third_id}/acceptance", headers=headers).status_code == 204
    assert guest.delete(f"/api/v1/posts/{third_id}/acceptance", headers=headers).status_code == 404
