"""Writing in a topic: answers, comments, edits; nothing typed is lost and nothing is written twice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.db import db
from forum import answers, moderation, posts
from forum.models import Draft, Post, PostRevision, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]

ANSWER = {"source": "Choose **channel 6** and restart.", "once": "one-form"}


@pytest.fixture
def topic_id(stage: Stage) -> int:
    return stage(lambda world: (world.everybody(), world.ask())[1].id)


@pytest.fixture
def path(stage: Stage, topic_id: int) -> str:
    return stage(lambda _: f"/t/{topic_id}-{db.session.get_one(Topic, topic_id).slug}")


@pytest.fixture
def bob(topic_id: int, browser_of: BrowserOf) -> Browser:
    return browser_of("bob")


def question_id(stage: Stage, topic_id: int) -> int:
    return stage(lambda _: db.session.query(Post).filter_by(topic_id=topic_id, kind="question").one().id)


def count(stage: Stage, kind: str) -> int:
    return stage(lambda _: db.session.query(Post).filter_by(kind=kind).count())


def test_an_answer_is_posted_and_shown(stage: Stage, bob: Browser, topic_id: int, path: str) -> None:
    answer = bob.post(f"/topics/{topic_id}/answers", data=ANSWER)
    assert answer.status_code == 303
    assert answer.location.startswith(f"{path}#p")
    assert "<strong>channel 6</strong>" in bob.get(path).text


def test_a_double_click_answers_once(stage: Stage, bob: Browser, topic_id: int) -> None:
    first, second = (bob.post(f"/topics/{topic_id}/answers", data=ANSWER) for _ in range(2))
    assert first.location == second.location
    assert count(stage, "answer") == 1
    bob.post(f"/topics/{topic_id}/answers", data={**ANSWER, "source": "Something quite different."})
    assert count(stage, "answer") == 2


@pytest.mark.parametrize("source", ["", "short", "x" * 32_001, "with \x07 bell in it"])
def test_an_answer_that_cannot_be_taken_stays_in_its_box(
    stage: Stage, bob: Browser, topic_id: int, source: str
) -> None:
    answer = bob.post(f"/topics/{topic_id}/answers", data={"source": source})
    assert answer.status_code == 422
    assert 'id="source-error"' in answer.text
    assert source[:100] in answer.text
    assert count(stage, "answer") == 0


def test_an_answer_too_soon_stays_in_its_box(app: Flask, stage: Stage, bob: Browser, topic_id: int) -> None:
    settings = app.extensions["klinke-settings"]
    app.extensions["klinke-settings"] = settings.model_copy(update={"post_pause_seconds": 30})
    try:
        bob.post(f"/topics/{topic_id}/answers", data=ANSWER)
        answer = bob.post(f"/topics/{topic_id}/answers", data={"source": "Another thing comes to my mind."})
        comment = bob.post(f"/posts/{question_id(stage, topic_id)}/comments", data={"source": "And a remark as well."})
    finally:
        app.extensions["klinke-settings"] = settings
    for refused, words in ((answer, "Another thing comes to my mind."), (comment, "And a remark as well.")):
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert "then you can write again" in refused.text
        assert words in refused.text
    assert count(stage, "answer") == 1


def test_a_preview_of_an_answer_posts_nothing(stage: Stage, bob: Browser, topic_id: int) -> None:
    page = bob.post(f"/topics/{topic_id}/answers", data={**ANSWER, "do": "preview"})
    assert page.status_code == 200
    assert "<strong>channel 6</strong>" in page.text
    assert "Choose **channel 6** and restart." in page.text
    assert count(stage, "answer") == 0


def test_guests_neither_answer_nor_comment(stage: Stage, guest: Browser, topic_id: int) -> None:
    assert guest.post(f"/topics/{topic_id}/answers", data=ANSWER).status_code == 401
    assert guest.post(f"/posts/{question_id(stage, topic_id)}/comments", data=ANSWER).status_code == 401
    assert guest.post(f"/posts/{question_id(stage, topic_id)}/edit", data=ANSWER).status_code == 401
    assert guest.get(f"/posts/{question_id(stage, topic_id)}/edit").status_code == 303


def test_a_topic_one_may_not_see_takes_no_answer_and_says_nothing(stage: Stage, bob: Browser, topic_id: int) -> None:
    post_id = question_id(stage, topic_id)
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="personal data").id)
    for address in (f"/topics/{topic_id}/answers", f"/posts/{post_id}/comments", f"/posts/{post_id}/edit"):
        answer = bob.post(address, data=ANSWER)
        assert answer.status_code == 404
        assert "Wireless" not in answer.text


def test_a_draft_of_an_answer_comes_back_and_goes_with_the_answer(
    stage: Stage, bob: Browser, topic_id: int, path: str
) -> None:
    assert bob.post(f"/drafts/answer:{topic_id}", data={"source": "A thought that is not"}).status_code == 204
    page = bob.get(path).text
    assert "A thought that is not" in page
    assert "Your draft is back." in page
    location = bob.post(f"/topics/{topic_id}/answers", data=ANSWER).location
    page = bob.get(location).text
    assert f'data-draft-done="answer:{topic_id}-' in page
    assert "A thought that is not" not in page
    assert stage(lambda _: db.session.query(Draft).count()) == 0


def test_a_comment_is_posted_below_its_answer_once(stage: Stage, bob: Browser, topic_id: int, path: str) -> None:
    answer_id = stage(lambda world: world.answer(db.session.get_one(Topic, topic_id)).id)
    for _ in range(2):
        answer = bob.post(f"/posts/{answer_id}/comments", data={"source": "Which **channel**?", "once": "c"})
        assert answer.status_code == 303
    page = bob.get(answer.location).text
    assert "<strong>channel</strong>" in page
    assert count(stage, "comment") == 1


@pytest.mark.parametrize("source", ["", "no", "x" * 2_001])
def test_a_comment_that_cannot_be_taken_stays_in_its_own_box(
    stage: Stage, bob: Browser, topic_id: int, source: str
) -> None:
    answer_id = stage(lambda world: world.answer(db.session.get_one(Topic, topic_id)).id)
    refused = bob.post(f"/posts/{answer_id}/comments", data={"source": source})
    assert refused.status_code == 422
    assert f'id="comment-{answer_id}-error"' in refused.text
    assert f'id="comment-{question_id(stage, topic_id)}-error"' not in refused.text
    assert source in refused.text
    assert 'id="source-error"' not in refused.text


def test_a_comment_takes_no_comment(stage: Stage, bob: Browser, topic_id: int) -> None:
    def scene(world: World) -> int:
        answer = world.answer(db.session.get_one(Topic, topic_id))
        return answers.comment(answer, source="A remark on it.", by=world.charlie).id

    assert bob.post(f"/posts/{stage(scene)}/comments", data={"source": "A remark on the remark."}).status_code == 403


def test_an_edit_shows_the_new_text_and_keeps_the_old_one(stage: Stage, browser_of: BrowserOf, topic_id: int) -> None:
    alice, post_id = browser_of("alice"), question_id(stage, topic_id)
    stage(lambda world: world.settled(db.session.get_one(Post, post_id)) and None)
    page = alice.get(f"/posts/{post_id}/edit").text
    assert "You can edit it until" in page
    assert 'value="Wireless gone after the update"' in page
    assert "Since this morning. What now?" in page
    form = {"title": "Wireless gone after update 7.1", "source": "Since this morning it is *gone*.", "version": "1"}
    form["reason"] = "I know the version now"
    answer = alice.post(f"/posts/{post_id}/edit", data=form)
    assert answer.location == f"/t/{topic_id}-wireless-gone-after-update-7-1#p{post_id}"
    page = alice.get(answer.location).text
    assert "<em>gone</em>" in page
    assert f'href="/posts/{post_id}/history"' in page
    assert stage(lambda _: db.session.query(PostRevision).one().source) == "Since this morning. What now?"
    assert "I know the version now" in alice.get(f"/posts/{post_id}/history").text


def test_after_a_day_a_member_reads_why_nothing_can_be_edited(
    stage: Stage, browser_of: BrowserOf, topic_id: int
) -> None:
    alice, post_id = browser_of("alice"), question_id(stage, topic_id)

    def scene(world: World) -> None:
        db.session.get_one(Post, post_id).created_at -= timedelta(days=2)

    stage(scene)
    for refused in (alice.get(f"/posts/{post_id}/edit"), alice.post(f"/posts/{post_id}/edit", data={"source": "x"})):
        assert refused.status_code == 403
        assert "can be edited for 24 hours" in refused.text
    assert f"/posts/{post_id}/edit" not in alice.get(f"/t/{topic_id}", follow_redirects=True).text


def test_an_answer_has_no_title_to_edit(stage: Stage, bob: Browser, topic_id: int) -> None:
    answer_id = stage(lambda world: world.answer(db.session.get_one(Topic, topic_id)).id)
    assert 'name="title"' not in bob.get(f"/posts/{answer_id}/edit").text
    form = {"title": "A title that is not asked for", "source": "Restart it twice, then wait.", "version": "1"}
    assert bob.post(f"/posts/{answer_id}/edit", data=form).status_code == 303
    assert stage(lambda _: db.session.get_one(Topic, topic_id).title) == "Wireless gone after the update"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"title": "", "source": "Long enough for a question."}, "title"),
        ({"title": "A title of good length", "source": "x"}, "source"),
    ],
)
def test_an_edit_that_cannot_be_taken_keeps_both_fields(
    stage: Stage, browser_of: BrowserOf, topic_id: int, data: dict[str, str], field: str
) -> None:
    refused = browser_of("alice").post(f"/posts/{question_id(stage, topic_id)}/edit", data={**data, "version": "1"})
    assert refused.status_code == 422
    assert f'id="{field}-error"' in refused.text
    assert data["source"] in refused.text
    assert data["title"] in refused.text


def test_the_second_of_two_editors_sees_both_texts_and_may_then_save(
    stage: Stage, browser_of: BrowserOf, topic_id: int
) -> None:
    post_id = question_id(stage, topic_id)
    stage(
        lambda world: (
            posts.edit(
                db.session.get_one(Post, post_id), source="The text of the first editor.", by=world.dora, version=1
            ).id
        )
    )
    alice = browser_of("alice")
    form = {"title": "Wireless gone after the update", "source": "The text of the second editor.", "version": "1"}
    refused = alice.post(f"/posts/{post_id}/edit", data=form)
    assert refused.status_code == 409
    assert "<p>The text of the first editor.</p>" in refused.text
    assert "The text of the second editor.</textarea>" in refused.text
    assert "<del>first</del><ins>second</ins>" in refused.text
    assert 'name="version" type="hidden" value="2"' in refused.text
    assert alice.post(f"/posts/{post_id}/edit", data={**form, "version": "2"}).status_code == 303
    assert stage(lambda _: db.session.get_one(Post, post_id).source) == "The text of the second editor."


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_an_edit_without_a_true_version_overwrites_nothing(
    stage: Stage, browser_of: BrowserOf, topic_id: int, version: str
) -> None:
    post_id = question_id(stage, topic_id)
    form = {"title": "Wireless gone after the update", "source": "The text of a stranger.", "version": version}
    assert browser_of("alice").post(f"/posts/{post_id}/edit", data=form).status_code in {409, 422}
    assert stage(lambda _: db.session.get_one(Post, post_id).source) == "Since this morning. What now?"


def test_strangers_do_not_edit(stage: Stage, browser_of: BrowserOf, topic_id: int) -> None:
    charlie, post_id = browser_of("charlie"), question_id(stage, topic_id)
    assert charlie.get(f"/posts/{post_id}/edit").status_code == 403
    form = {"title": "Wireless gone after the update", "source": "The text of a stranger.", "version": "1"}
    assert charlie.post(f"/posts/{post_id}/edit", data=form).status_code == 403


def test_a_preview_of_an_edit_saves_nothing(stage: Stage, browser_of: BrowserOf, topic_id: int) -> None:
    post_id = question_id(stage, topic_id)
    form = {
        "title": "Wireless gone after the update",
        "source": "Since **noon**, what now?",
        "version": "1",
        "do": "preview",
    }
    page = browser_of("alice").post(f"/posts/{post_id}/edit", data=form)
    assert page.status_code == 200
    assert "<strong>noon</strong>" in page.text
    assert stage(lambda _: db.session.get_one(Post, post_id).version) == 1


def test_whoever_changes_their_mind_gets_back_to_the_post(
    stage: Stage, topic_id: int, path: str, browser_of: BrowserOf
) -> None:
    post_id = question_id(stage, topic_id)
    alice = browser_of("alice")
    assert f'href="{path}#p{post_id}">Leave it as it is' in alice.get(f"/posts/{post_id}/edit").text
    muting = browser_of("ada").get(f"/topics/{topic_id}/mute").text
    assert f'href="{path}">Leave it as it is' in muting


def test_the_form_for_a_comment_comes_when_it_is_wanted(
    browser_of: Callable[[str], Browser], guest: Browser, stage: Stage, topic_id: int
) -> None:
    def scene(world: World) -> int:
        topic = db.session.get_one(Topic, topic_id)
        return [answers.post(topic, source=f"Answer number {n}, at length.", by=world.bob).id for n in range(35)][-1]

    answer_id = stage(scene)
    bob = browser_of("charlie")
    address = f"/posts/{answer_id}/comments/new"
    page = bob.get(f"/t/{topic_id}", follow_redirects=True).text
    assert page.count('/comments"') == 0
    assert "/comments/new" in page
    whole = bob.get(address)  # the answer stands on the second page
    assert (whole.status_code, whole.text.count(f'action="/posts/{answer_id}/comments"')) == (200, 1)
    assert f'id="p{answer_id}"' in whole.text
    part = bob.get(f"{address}?part=form").text
    assert "<html" not in part
    assert part.count("<form") == 1
    assert guest.get(address).status_code in {302, 303, 401}
    refused = bob.post(f"/posts/{answer_id}/comments", data={"source": "x" * 2001})
    assert f'id="p{answer_id}"' in refused.text
    assert "x" * 2001 in refused.text


def test_where_no_comment_may_be_written_there_is_no_form(
    browser_of: Callable[[str], Browser], stage: Stage, topic_id: int
) -> None:
    def scene(world: World) -> tuple[int, int]:
        topic = db.session.get_one(Topic, topic_id)
        answer = answers.post(topic, source="An answer that says enough.", by=world.bob)
        remark = answers.comment(answer, source="A remark on it.", by=world.charlie)
        hidden = answers.post(topic, source="Another answer that says enough.", by=world.bob)
        moderation.mute(hidden, by=world.ada, reason="Not kind")
        return remark.id, hidden.id

    remark, hidden = stage(scene)
    charlie = browser_of("charlie")
    assert charlie.get(f"/posts/{remark}/comments/new").status_code == 403
    assert charlie.get(f"/posts/{hidden}/comments/new?part=form").status_code == 404
