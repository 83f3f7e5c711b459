"""What a category asks beside the text: made by admins, written down with the question, shown, found, kept."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from forum import answers, fields, posts, words
from forum.models import Category, Post
from search import indexer, query
from tests.cast import World


def device(world: World, *, required: bool = False, kind: str = "line", name: str = "Device") -> fields.AskedField:
    names = {"de": f"{name} (de)", "en": name}
    return fields.add(
        world.router, names=names, hints={"en": "On the back"}, kind=kind, required=required, by=world.root
    )


def router_with_all(world: World) -> None:
    device(world)
    device(world, kind="version", name="Version")
    device(world, kind="text", name="Error text")


def told(post: Post) -> dict[str, str]:
    return {detail.key: detail.value for detail in fields.of_post(post)}


def test_an_admin_says_what_is_asked_and_in_which_order(world: World) -> None:
    router_with_all(world)
    assert [field.key for field in fields.of(world.router)] == ["device", "version", "error_text"]
    fields.revise(
        world.router,
        "error_text",
        names={"de": "Meldung", "en": ""},
        hints={"de": "Genau", "en": " "},
        kind="text",
        required=True,
        position=1,
        by=world.root,
    )
    first = fields.of(world.router)[0]
    assert (first.key, first.names, first.hints, first.required) == (
        "error_text",
        {"de": "Meldung", "en": "Meldung"},
        {"de": "Genau"},
        True,
    )
    fields.remove(world.router, "device", by=world.root)
    fields.remove(world.router, "device", by=world.root)
    assert [field.key for field in fields.of(world.router)] == ["error_text", "version"]


@pytest.mark.parametrize("who", ["alice", "tina", "ada", "emil", "dora"])
def test_nobody_else_does(world: World, who: str) -> None:
    device(world)
    by = getattr(world, who)
    about: dict[str, Any] = {"names": {"en": "X"}, "hints": {}, "kind": "line", "required": False, "by": by}
    for deed in (
        lambda: fields.add(world.router, **about),
        lambda: fields.revise(world.router, "device", position=1, **about),
        lambda: fields.remove(world.router, "device", by=by),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_a_field_needs_a_name_a_known_kind_and_room(world: World) -> None:
    device(world)
    with pytest.raises(Invalid, match="empty"):
        fields.add(world.router, names={}, hints={}, kind="line", required=False, by=world.root)
    for wrong, field in (({"kind": "colour"}, "kind"), ({}, "name_en")):
        with pytest.raises(Invalid) as refusal:
            device(world, **wrong)
        assert field in refusal.value.fields
    for number in range(fields.MOST - 1):
        device(world, name=f"Field {number}")
    with pytest.raises(Invalid, match="fields fit"):
        device(world, name="One more")
    with pytest.raises(NotFound):
        fields.find(world.router, "nothing")


def test_what_is_written_into_them_is_kept_with_the_question(world: World) -> None:
    router_with_all(world)
    topic = world.ask(details={"device": " Birke 3 ", "error_text": "E 1203\nno address", "version": ""})
    question = topic.posts[0]
    assert told(question) == {"device": "Birke 3", "error_text": "E 1203\nno address"}
    fields.remove(world.router, "device", by=world.root)
    assert [detail.name for detail in fields.of_post(question)] == ["Device", "Error text"]


def test_without_fields_nothing_is_kept(world: World) -> None:
    assert world.ask().posts[0].details is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"version": "1"}, "detail_device"),
        ({"device": "  "}, "detail_device"),
        ({"device": "x" * 201}, "detail_device"),
        ({"device": "x", "error_text": "x" * 4001}, "detail_error_text"),
        ({"device": "x", "error_text": "\x00"}, "detail_error_text"),
        ({"device": "x", "colour": "red"}, "details"),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field(world: World, given: dict[str, str], field: str) -> None:
    device(world, required=True)
    device(world, kind="version", name="Version")
    device(world, kind="text", name="Error text")
    with pytest.raises(Invalid) as refusal:
        world.ask("Why", details=given)
    assert {field, "title"} <= set(refusal.value.fields)


def test_an_edit_changes_them_and_the_history_has_what_they_were(world: World) -> None:
    router_with_all(world)
    with time_machine.travel(now() - timedelta(minutes=30)):
        question = world.ask(details={"device": "Birke 2", "version": "4.1"}).posts[0]
    fields.remove(world.router, "version", by=world.root)
    posts.edit(question, source=question.source, by=world.alice, version=1, details={"device": "Birke 3"})
    assert told(question) == {"device": "Birke 3", "version": "4.1"}, "what is asked no more is not lost"
    before = posts.revisions(question)[0]
    assert before.details is not None
    assert before.details[0]["value"] == "Birke 2"
    posts.edit(question, source=question.source, by=world.alice, version=2, details={"device": "Birke 3"})
    assert question.version == 2, "the same again is no edit"
    posts.edit(question, source="Other words, nothing about the fields.", by=world.alice, version=2)
    assert told(question) == {"device": "Birke 3", "version": "4.1"}


def test_watched_words_are_looked_for_in_the_fields_too(world: World) -> None:
    router_with_all(world)
    words.watch("Zaubermittel", deed="block", by=world.root)
    words.watch("Birch", deed="replace", into="Birke", by=world.root)
    words.watch("lantern*", deed="hold", by=world.root)
    with pytest.raises(Invalid) as refusal:
        world.ask(details={"device": "Zaubermittel", "version": "4.1"})
    assert list(refusal.value.fields) == ["detail_device"]
    asked = world.ask(details={"device": "Birch 2", "version": "4.1"})
    question = asked.posts[0]
    assert told(question)["device"] == "Birke 2"
    with pytest.raises(Invalid) as refusal:
        answers.post(asked, source="Update it, then it works.", version="Zaubermittel", by=world.bob)
    assert list(refusal.value.fields) == ["version"]
    answer = answers.post(asked, source="Update it, then it works.", version="lantern 3", by=world.bob)
    assert answer.muting is not None

    def edit(device: str) -> None:
        posts.edit(
            question, source=question.source, by=world.alice, version=question.version, details={"device": device}
        )

    with pytest.raises(Invalid) as refusal:
        edit("Zaubermittel")
    assert list(refusal.value.fields) == ["detail_device"]
    edit("Birch 3")
    assert told(question)["device"] == "Birke 3"
    edit("Lanterns")
    assert asked.is_muted


def test_an_answer_says_which_version_it_holds_for_where_the_question_was_asked_for_one(world: World) -> None:
    router_with_all(world)
    asked = world.ask(details={"version": "4.1"})
    answer = answers.post(asked, source="Update it, then it works.", version=" 4.2 ", by=world.bob)
    version = fields.version_of(answer)
    assert version is not None
    assert (version.name, version.value) == ("Version", "4.2")
    assert world.answer(asked, "Restart it twice.", by=world.tina).details is None
    with pytest.raises(Invalid) as refusal:
        answers.post(asked, source="Update it, then it works.", version="x" * 61, by=world.bob)
    assert "version" in refusal.value.fields
    other = world.ask("Why is the light so bright")
    assert answers.post(other, source="Nobody knows that.", version="4.2", by=world.bob).details is None


def test_search_finds_what_is_written_into_them(world: World) -> None:
    router_with_all(world)
    topic = world.ask(details={"device": "Quittenbirke", "error_text": "Zauberlaterne 1203"})
    world.ask("Why is the light so bright")
    db.session.commit()
    indexer.catch_up()
    for said in ("Quittenbirke", "Zauberlaterne"):
        found = query.find(said, viewer=world.charlie, kinds=["topic"])
        assert [hit.found.ref.id for hit in found.hits] == [topic.id]


def test_export_and_import_keep_fields_and_what_is_written_into_them(world: World) -> None:
    from forum import transfer as forum_transfer

    router_with_all(world)
    topic = world.ask(details={"device": "Birke 3", "version": "4.1"})
    answers.post(topic, source="Update it, then it works.", version="4.2", by=world.bob)
    category = next(iter(forum_transfer.dump_categories()))
    record = next(iter(forum_transfer.dump()))
    assert [field["key"] for field in category["fields"]] == ["device", "version", "error_text"]
    assert [detail["value"] for detail in record["details"]] == ["Birke 3", "4.1"]
    assert record["answers"][0]["details"][0]["value"] == "4.2"
    taken = forum_transfer.TopicRecord.model_validate({**record, "id": "again", "author": None})
    for answer in taken.answers:
        answer.id, answer.author = "again-1", None
    assert forum_transfer.load(taken) == "new"
    assert forum_transfer.load(taken) == "unchanged"
    again = db.session.scalars(select(Post).where(Post.source_id == "again-1")).unique().one()
    assert told(again) == {"version": "4.2"}
    assert told(again.topic.posts[0]) == {"device": "Birke 3", "version": "4.1"}
    wanted = forum_transfer.CategoryRecord.model_validate(category)
    assert forum_transfer.load_category(wanted) == "unchanged"
    world.router.fields = None
    assert forum_transfer.load_category(wanted) == "changed"
    assert len(fields.of(world.router)) == 3


def test_two_admins_at_once_lose_nothing(app: Flask, stage: Callable[..., Any]) -> None:
    category_id, root_id = stage(lambda world: (world.router.id, world.root.id))

    def add(number: int) -> None:
        with app.app_context():
            fields.add(
                db.session.get_one(Category, category_id),
                names={"en": f"Field {number}"},
                hints={},
                kind="line",
                required=False,
                by=db.session.get_one(User, root_id),
            )
            db.session.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    with app.app_context():
        assert len(fields.of(db.session.get_one(Category, category_id))) == 6
