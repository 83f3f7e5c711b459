"""Suggested edits: who may not edit a text says what it should say, and whose text it is, or a moderator, decides."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts.models import AuditEntry
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import answers, cases, moderation, policy, posts, queries, reviewing, suggested_edits, words
from forum.models import Notification, Post, PostRevision, SuggestedEdit
from tests.cast import World
from tests.conftest import Browser
from tests.faults.test_once_only import at_once

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
BETTER = "Restart it, then choose channel 11."
WHY = "Channel 6 is crowded."


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def suggest(world: World, post: Post, source: str = BETTER, **kwargs: Any) -> SuggestedEdit:
    about = {"by": world.charlie, "version": post.version, "reason": WHY, **kwargs}
    return suggested_edits.suggest(post, source=source, **about)


def test_what_is_taken_is_an_edit_that_names_both(world: World) -> None:
    answer = world.answer(world.ask())
    suggestion = suggest(world, answer)
    assert (answer.source, answer.version) == ("Restart it, then choose channel 6.", 1), "until somebody decides"
    suggested_edits.take(suggestion, version=1, by=world.bob)
    assert (answer.source, answer.version, answer.author_id) == (BETTER, 2, world.bob.id)
    (revision,) = posts.revisions(answer)
    assert (revision.by_id, revision.suggested_by_id, revision.reason) == (world.bob.id, world.charlie.id, WHY)
    assert (suggestion.outcome, suggestion.decided_by_id) == ("taken", world.bob.id)
    entry = db.session.query(AuditEntry).filter_by(deed="forum.suggestion.take").one()
    assert (entry.subject_id, entry.by_id) == (answer.id, world.bob.id)
    with pytest.raises(Conflict, match="Bob has decided"):
        suggested_edits.take(suggestion, version=2, by=world.ada)


def test_of_a_question_the_title_may_be_better_too(world: World) -> None:
    topic = world.ask()
    question = topic.posts[0]
    suggestion = suggest(world, question, question.source, title="Wireless gone after update 7.1")
    suggested_edits.take(suggestion, version=1, by=world.ada)
    assert (topic.title, topic.slug) == ("Wireless gone after update 7.1", "wireless-gone-after-update-7-1")


def test_who_may_suggest_and_who_decides(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    comment = answers.comment(answer, source="Which channel?", by=world.alice)
    may = {person.handle for person in world.everybody() if policy.may_suggest(person, answer)}
    assert may == {"alice", "charlie", "tina"}, "the others edit it"
    assert not policy.may_suggest(world.charlie, comment)
    suggestion = suggest(world, answer)
    assert {one.handle for one in world.everybody() if policy.may_decide_suggestion(one, suggestion)} == {
        "bob",
        "ada",
        "root",
    }
    assert {one.handle for one in world.everybody() if policy.may_see_suggestion(one, suggestion)} == {
        "bob",
        "charlie",
        "ada",
        "emil",
        "dora",
        "root",
    }
    for deed in (
        lambda: suggested_edits.take(suggestion, version=1, by=world.charlie),
        lambda: suggested_edits.decline(suggestion, words="Not so", by=world.tina),
        lambda: suggested_edits.withdraw(suggestion, by=world.ada),
        lambda: suggested_edits.undo(suggestion, by=world.charlie),
        lambda: suggest(world, answer, by=world.bob),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_whose_time_to_edit_is_over_suggests_and_does_not_decide(world: World, clock: time_machine.Traveller) -> None:
    answer = world.answer(world.ask())
    clock.shift(timedelta(days=3))
    mine = suggest(world, answer, by=world.bob)
    with pytest.raises(NotAllowed):
        suggested_edits.take(mine, version=1, by=world.bob)
    other = suggest(world, answer, "Choose channel 13, please.")
    suggested_edits.take(other, version=1, by=world.bob)
    assert answer.source == "Choose channel 13, please."


@pytest.mark.parametrize("way", ["muted", "topic muted", "held"])
def test_what_is_hidden_takes_no_suggestions_and_none_is_decided(world: World, way: str) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    suggestion = suggest(world, answer)
    if way == "held":
        moderation.hide(answer, cause="flags")
    else:
        moderation.mute(answer if way == "muted" else topic, by=world.ada, reason="off topic")
    assert not policy.may_suggest(world.tina, answer)
    with pytest.raises(NotAllowed):
        suggested_edits.take(suggestion, version=1, by=world.ada)
    assert list(suggested_edits.waiting(world.ada)) == []
    moderation.unmute(topic if way == "topic muted" else answer, by=world.ada)
    assert [one.url for one in suggested_edits.waiting(world.ada)] == [f"/suggestions/{suggestion.id}"]


def test_what_changed_meanwhile_is_a_conflict(world: World) -> None:
    answer = world.settled(world.answer(world.ask()))
    suggestion = suggest(world, answer)
    posts.edit(answer, source="Restart it, then wait a minute.", by=world.bob, version=1)
    with pytest.raises(Conflict):
        suggested_edits.take(suggestion, version=1, by=world.ada)
    with pytest.raises(Conflict):
        suggest(world, answer, by=world.tina, version=1)
    assert suggestion.outcome is None
    suggested_edits.take(suggestion, version=2, source="Restart it, wait, choose channel 11.", by=world.ada)
    assert answer.source == "Restart it, wait, choose channel 11."


def test_what_a_suggestion_needs(world: World) -> None:
    answer = world.answer(world.ask())
    for source, reason, field in ((answer.source, WHY, "source"), (BETTER, " ", "reason"), ("x", WHY, "source")):
        with pytest.raises(Invalid) as caught:
            suggest(world, answer, source, reason=reason)
        assert list(caught.value.fields) == [field]
    words.watch("pear", deed="block", by=world.root)
    for source, reason, field in (("A pear on channel 11.", WHY, "source"), (BETTER, "A pear.", "reason")):
        with pytest.raises(Invalid) as caught:
            suggest(world, answer, source, reason=reason)
        assert list(caught.value.fields) == [field]
        assert "pear" in caught.value.fields[field]


def test_only_so_many_wait(world: World, settings: Callable[..., None]) -> None:
    settings(suggestions_waiting=2)
    first, second, third = (world.answer(world.ask(f"Question number {number}")) for number in range(3))
    kept = suggest(world, first)
    with pytest.raises(Conflict):
        suggest(world, first, "Choose channel 12 instead.")
    suggest(world, second)
    with pytest.raises(Invalid, match="2 changes by you"):
        suggest(world, third)
    suggested_edits.withdraw(kept, by=world.charlie)
    suggest(world, third)
    for handle in ("dave", "erin"):
        suggest(world, third, f"Choose what {handle} says.", by=world.person(handle))
    with pytest.raises(Invalid, match="of this text"):
        suggest(world, third, "Choose what frank says.", by=world.person("frank"))


def test_a_refused_text_is_in_no_history_and_its_author_reads_why(world: World, worker: Callable[[], None]) -> None:
    answer = world.answer(world.ask())
    suggestion = suggest(world, answer)
    with pytest.raises(Invalid) as caught:
        suggested_edits.decline(suggestion, words=" ", by=world.ada)
    assert list(caught.value.fields) == ["words"]
    suggested_edits.decline(suggestion, words="Channel 11 is for the fire brigade.", by=world.ada)
    assert (answer.version, posts.revisions(answer)) == (1, [])
    db.session.commit()
    worker()
    told = {note.kind: note for note in db.session.query(Notification).filter(Notification.kind.contains("sugg"))}
    assert set(told) == {"suggestion_declined"}, "what is decided before the worker comes is no news to the author"
    assert told["suggestion_declined"].user_id == world.charlie.id
    assert told["suggestion_declined"].data == {"words": "Channel 11 is for the fire brigade."}


def test_the_author_is_told_and_who_suggested_hears_what_became_of_it(
    world: World, worker: Callable[[], None], clock: time_machine.Traveller
) -> None:
    answer = world.answer(world.ask())
    suggestion = suggest(world, answer)
    db.session.commit()
    worker()
    note = db.session.query(Notification).filter_by(kind="edit_suggested").one()
    assert (note.user_id, note.url) == (world.bob.id, f"/suggestions/{suggestion.id}")
    suggested_edits.take(suggestion, version=1, by=world.bob)
    db.session.commit()
    worker()
    assert db.session.query(Notification).filter_by(kind="suggestion_taken").one().user_id == world.charlie.id
    suggested_edits.undo(suggestion, by=world.bob)
    assert db.session.query(Notification).filter_by(kind="suggestion_taken").count() == 0
    assert (answer.source, answer.version) == ("Restart it, then choose channel 6.", 3)
    assert suggestion.outcome is None
    suggested_edits.decline(suggestion, words="After all not.", by=world.bob)
    suggested_edits.undo(suggestion, by=world.ada)
    suggested_edits.take(suggestion, version=3, by=world.ada)
    clock.shift(cases.UNDO + timedelta(seconds=1))
    with pytest.raises(Conflict):
        suggested_edits.undo(suggestion, by=world.ada)


def test_what_was_edited_since_is_not_undone(world: World) -> None:
    answer = world.answer(world.ask())
    suggestion = suggest(world, answer)
    suggested_edits.take(suggestion, version=1, by=world.ada)
    posts.edit(answer, source="Restart it three times.", by=world.ada, version=2)
    with pytest.raises(Conflict, match="edited this since"):
        suggested_edits.undo(suggestion, by=world.ada)
    assert answer.source == "Restart it three times."


def test_ten_who_decide_at_once_decide_once(app: Flask, stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return suggest(world, world.answer(world.ask())).id

    suggestion_id = stage(scene)
    browsers = [browser_of(("ada", "bob")[number % 2]) for number in range(10)]

    def take(number: int) -> int:
        data = {"source": f"{BETTER} {number}", "version": "1"}
        return int(browsers[number].post(f"/suggestions/{suggestion_id}/taking", data=data).status_code)

    assert sorted(at_once(take, 10)) == [303] + [409] * 9
    assert stage(lambda _: db.session.query(PostRevision).count()) == 1


def test_the_pages_from_suggesting_to_the_history(
    stage: Stage, browser_of: BrowserOf, guest: Browser, worker: Callable[[], None]
) -> None:
    def scene(world: World) -> tuple[int, str]:
        world.everybody()
        topic = world.ask()
        return world.answer(topic).id, f"/t/{topic.id}-{topic.slug}"

    post_id, path = stage(scene)
    charlie, bob, ada = browser_of("charlie"), browser_of("bob"), browser_of("ada")
    form = f"/posts/{post_id}/suggestion"
    assert f'href="{form}"' in charlie.get(path).text
    assert f'href="{form}"' not in guest.get(path).text
    assert f'href="{form}"' not in bob.get(path).text
    assert bob.get(form).location.endswith(f"/posts/{post_id}/edit")
    assert "choose channel 6." in charlie.get(form).text
    wrong = charlie.post(form, data={"source": BETTER, "reason": "", "version": "1"})
    assert wrong.status_code == 422
    assert BETTER in wrong.text
    assert 'id="reason-error"' in wrong.text
    sent = charlie.post(form, data={"source": BETTER, "reason": WHY, "version": "1"})
    assert sent.status_code == 303
    assert "Your change waits" in charlie.get(sent.location).text
    assert "still waits" in charlie.get(form).text
    suggestion_id = stage(lambda _: db.session.query(SuggestedEdit).one().id)
    place = f"/suggestions/{suggestion_id}"
    assert place in ada.get("/moderation").text
    worker()
    assert "Charlie suggests a change" in bob.get("/notifications").text
    page = ada.get(place).text
    assert "<del>6</del><ins>11</ins>" in page
    assert WHY in page
    assert "Take it back" in charlie.get(place).text
    for stranger, status in ((browser_of("tina"), 403), (guest, 303)):
        assert stranger.get(place).status_code == status
    assert WHY not in guest.get(f"/posts/{post_id}/history").text
    bob.post(f"/posts/{post_id}/edit", data={"source": "Restart it, then wait.", "version": "1"})
    late = bob.post(f"{place}/taking", data={"source": BETTER, "version": "1"})
    assert late.status_code == 409
    assert "Restart it, then wait." in late.text, "what it says now"
    assert f"{BETTER}</textarea>" in late.text, "and what was suggested"
    assert 'name="version" type="hidden" value="2"' in late.text
    assert "declining" not in bob.post(f"{place}/declining", data={"words": ""}).headers.get("Location", "")
    assert bob.post(f"{place}/taking", data={"source": BETTER, "version": "2"}).status_code == 303
    history = guest.get(f"/posts/{post_id}/history").text
    assert "suggested by" in history
    assert "@charlie" in history or "Charlie" in history
    assert "took a suggested change" in ada.get("/moderation").text
    assert "Undo" in bob.get(place).text
    assert bob.post(f"{place}/undo").status_code == 303
    assert "Restart it, then wait." in guest.get(path).text
    assert bob.post(f"{place}/declining", data={"words": "Not that one."}).status_code == 303
    assert "Not that one." in charlie.get(place).text
    worker()
    assert "was not taken: Not that one." in charlie.get("/notifications").text
    assert BETTER not in guest.get(path).text


def test_what_waits_stands_in_the_one_queue(world: World) -> None:
    suggestion = suggest(world, world.answer(world.ask()))
    assert [one.url for one in reviewing.elsewhere(world.ada)] == [f"/suggestions/{suggestion.id}"]
    assert reviewing.elsewhere(world.dora) == []
    assert queries.visible_post(suggestion.post_id, viewer=world.charlie).source != suggestion.source
