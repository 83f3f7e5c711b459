"""What the team says: official answers for everybody, notes for itself."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import notes, official, posts, queries, threads
from forum.models import Note, Post
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]


def test_the_team_marks_answers_of_the_team(world: World) -> None:
    topic = world.ask()
    popular, ours = world.answer(topic), world.answer(topic, "This is how it is meant.", by=world.dora)
    popular.helpful_count = 9
    official.declare(ours, by=world.ada)
    official.declare(ours, by=world.ada)
    thread = threads.read(topic, viewer=AnonymousUser())
    assert (list(thread.answers), thread.official) == ([ours, popular], ours)
    official.withdraw(ours, by=world.emil)
    official.withdraw(ours, by=world.emil)
    assert threads.read(topic, viewer=AnonymousUser()).official is None
    deeds = [(entry.deed, entry.by_id) for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert deeds == [("forum.post.make_official", world.ada.id), ("forum.post.unmake_official", world.emil.id)]


def test_nobody_else_and_nothing_else_is_official(world: World) -> None:
    topic = world.ask(by=world.dora)
    ours, theirs = world.answer(topic, by=world.dora), world.answer(topic, "My two cents.")
    question = queries.visible_posts(topic, viewer=world.dora)[0]
    for person in (world.alice, world.tina, AnonymousUser()):
        with pytest.raises(NotAllowed):
            official.declare(ours, by=person)
    for post in (theirs, question):
        with pytest.raises(NotAllowed):
            official.declare(post, by=world.ada)


def test_who_has_left_the_team_does_not_speak_for_the_house_any_more(world: World) -> None:
    ours = world.answer(world.ask(), by=world.dora)
    official.declare(ours, by=world.dora)
    posts.edit(ours, source="The team may edit it.", by=world.ada, version=1)
    assert ours.official_at is not None
    world.dora.roles = []
    db.session.flush()
    posts.edit(ours, source="Now I say what I like.", by=world.dora, version=2)
    assert ours.official_at is None


def test_the_page_says_it_in_words(stage: Stage, guest: Browser, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, str]:
        world.everybody()
        topic = world.ask()
        world.answer(topic)
        return world.answer(topic, "This is how it is meant.", by=world.dora).id, f"/t/{topic.id}-{topic.slug}"

    post_id, path = stage(scene)
    page = guest.get(path).text
    assert ">Team</span>" in page
    assert "Official" not in page
    assert browser_of("ada").post(f"/posts/{post_id}/official").status_code == 303
    page = guest.get(path).text
    assert "<strong>Official answer</strong>" in page
    assert f'<a href="/p/{post_id}">official answer</a>' in page
    assert "/official" not in browser_of("tina").get(path).text
    api = guest.get(path.replace("/t/", "/api/v1/topics/").split("-")[0]).json
    assert [answer["official"] for answer in api["answers"]] == [False, True]
    assert browser_of("dora").post(f"/posts/{post_id}/official/undo").status_code == 303
    assert "Official" not in guest.get(path).text


def test_notes_are_written_and_read_by_the_team_only(world: World) -> None:
    topic = world.ask()
    for person in (world.alice, world.tina, AnonymousUser()):
        with pytest.raises(NotAllowed):
            notes.write(topic, text="Between you and me.", by=person)
        assert queries.notes_on(topic, viewer=person) == []
    for text in ("", "  ", "ab", "x" * 2001):
        with pytest.raises(Invalid):
            notes.write(topic, text=text, by=world.dora)
    moved = topic.last_activity_at
    note = notes.write(topic, text="Called twice today.", by=world.dora)
    assert queries.notes_on(topic, viewer=world.emil) == [note]
    assert topic.last_activity_at == moved
    assert db.session.query(Post).count() == 1


def test_a_note_stands_on_the_teams_page(stage: Stage, guest: Browser, browser_of: Callable[[str], Browser]) -> None:
    path, topic_id = stage(
        lambda world: (world.everybody(), topic := world.ask(), (f"/t/{topic.id}-{topic.slug}", topic.id))[2]
    )
    dora = browser_of("dora")
    empty = dora.post(f"/topics/{topic_id}/notes", data={"text": ""})
    assert (empty.status_code, 'id="note-error"' in empty.text) == (422, True)
    assert dora.post(f"/topics/{topic_id}/notes", data={"text": "Called <b>twice</b>."}).status_code == 303
    assert "Called &lt;b&gt;twice&lt;/b&gt;." in browser_of("ada").get(path).text
    for reader in (guest, browser_of("alice"), browser_of("tina")):
        page = reader.get(path).text
        assert "twice" not in page
        assert "notes" not in page
    assert browser_of("alice").post(f"/topics/{topic_id}/notes", data={"text": "Me, too."}).status_code == 403
    assert stage(lambda _: db.session.query(Note).count()) == 1
