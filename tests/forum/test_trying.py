"""Whether a solution worked for others: it stands first until they contradict it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, counters, experiences, moderation, threads
from forum.models import Acceptance, Experience, Notification, Post
from tests.cast import World
from tests.conftest import Browser
from tests.faults.test_once_only import at_once

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


def solution(world: World) -> tuple[Post, Acceptance, Post]:
    """An accepted answer of Bob beside one of Tina that more people called helpful."""
    topic = world.ask()
    other = world.answer(topic, "Or buy another one.", by=world.tina)
    post = world.answer(topic)
    return post, answers.accept(post, by=world.alice), other


def fails(post: Post, *people: Any) -> None:
    for person in people:
        experiences.tell(post, has_worked=False, version="7.1", words="The light stays red.", by=person)


def works(post: Post, *people: Any) -> None:
    for person in people:
        experiences.tell(post, has_worked=True, by=person)


def first(world: World, post: Post) -> Post:
    thread = threads.read(post.topic, viewer=world.charlie)
    return [*thread.leading, *thread.answers][0]


def test_one_stranger_is_counted_and_moves_nothing(world: World) -> None:
    post, acceptance, _ = solution(world)
    fails(post, world.charlie)
    assert (acceptance.worked_count, acceptance.failed_count, acceptance.is_contradicted) == (0, 1, False)
    assert first(world, post) == post


def test_more_who_failed_than_succeeded_take_it_from_the_first_place(world: World) -> None:
    post, acceptance, other = solution(world)
    fails(post, world.charlie, world.dora)
    assert acceptance.is_contradicted
    assert first(world, post) == other
    assert post.topic.state == "solved", "it is still the solution that somebody chose"
    works(post, world.emil, world.ada)
    assert not acceptance.is_contradicted
    assert first(world, post) == post


def test_only_the_latest_count(world: World) -> None:
    post, acceptance, _ = solution(world)
    works(post, *(world.person(f"happy-{number}") for number in range(5)))
    fails(post, *(world.person(f"sad-{number}") for number in range(2)))
    assert not acceptance.is_contradicted, "two of the last five"
    fails(post, world.charlie)
    assert acceptance.is_contradicted, "three of the last five"
    assert (acceptance.worked_count, acceptance.failed_count) == (5, 3)


def test_the_asker_alone_contradicts(world: World) -> None:
    post, acceptance, other = solution(world)
    works(post, world.charlie, world.dora, world.emil)
    fails(post, world.alice)
    assert acceptance.is_contradicted
    assert first(world, post) == other


def test_what_the_asker_said_before_accepting_counts_like_anybodys(world: World) -> None:
    post, _, other = solution(world)
    fails(post, world.alice)
    answers.accept(other, by=world.alice)
    assert not answers.accept(post, by=world.alice).is_contradicted


def test_a_changed_mind_is_one_row_and_can_be_taken_back(world: World) -> None:
    post, acceptance, _ = solution(world)
    fails(post, world.charlie)
    works(post, world.charlie)
    assert (acceptance.worked_count, acceptance.failed_count) == (1, 0)
    assert db.session.query(Experience).count() == 1
    experiences.withdraw(post, by=world.charlie)
    experiences.withdraw(post, by=world.charlie)
    assert (acceptance.worked_count, acceptance.failed_count) == (0, 0)


def test_another_solution_has_its_own_numbers(world: World) -> None:
    post, acceptance, other = solution(world)
    fails(post, world.charlie, world.dora)
    answers.accept(other, by=world.alice)
    assert (acceptance.failed_count, acceptance.is_contradicted) == (0, False)
    answers.accept(post, by=world.alice)
    assert (acceptance.failed_count, acceptance.is_contradicted) == (2, True)
    assert list(counters.complaints()) == []


def test_wrong_numbers_are_found_and_repaired(world: World) -> None:
    post, acceptance, _ = solution(world)
    fails(post, world.charlie)
    acceptance.failed_count, acceptance.worked_count = 7, 3
    db.session.flush()
    assert len(list(counters.complaints())) == 2
    counters.recount()
    db.session.refresh(acceptance)
    assert (acceptance.worked_count, acceptance.failed_count) == (0, 1)


def test_neither_its_author_nor_guests_nor_about_what_is_no_solution(world: World) -> None:
    post, _, other = solution(world)
    for person in (world.bob, AnonymousUser()):
        with pytest.raises(NotAllowed):
            works(post, person)
    with pytest.raises(Invalid):
        works(other, world.charlie)
    moderation.mute(post.topic, by=world.ada, reason="off topic")
    with pytest.raises(NotAllowed):
        works(post, world.alice)


@pytest.mark.parametrize(
    ("version", "words", "field"),
    [("7", "", "words"), ("7", "x" * 201, "words"), ("x" * 61, "It stays red", "version"), ("7", "\0", "words")],
)
def test_what_cannot_be_taken_says_where(world: World, version: str, words: str, field: str) -> None:
    post, _, _ = solution(world)
    with pytest.raises(Invalid) as caught:
        experiences.tell(post, has_worked=False, version=version, words=words, by=world.charlie)
    assert set(caught.value.fields) == {field}


def test_moderators_remove_words_with_a_reason_that_is_logged(world: World) -> None:
    post, acceptance, _ = solution(world)
    fails(post, world.charlie)
    (said,) = db.session.query(Experience).all()
    for person in (world.alice, world.tina, world.dora, AnonymousUser()):
        with pytest.raises(NotAllowed):
            experiences.remove(said, by=person, reason="I do not like it")
    with pytest.raises(Invalid):
        experiences.remove(said, by=world.ada, reason="")
    experiences.remove(said, by=world.ada, reason="Names a customer")
    assert acceptance.failed_count == 0
    (entry,) = db.session.query(AuditEntry).all()
    assert (entry.deed, entry.reason) == ("forum.experience.remove", "Names a customer")
    assert entry.before is not None
    assert entry.before["words"] == "The light stays red."


def test_the_team_and_the_author_are_told_once(stage: Stage, app: Flask, worker: Callable[[], None]) -> None:
    def scene(world: World) -> None:
        world.everybody()
        post, _, _ = solution(world)
        fails(post, world.charlie, world.dora, world.emil)

    stage(scene)
    worker()
    worker()
    with app.app_context():
        told = db.session.query(Notification).filter_by(kind="answer_contradicted").all()
        assert sorted(World().person(handle).id for handle in ("ada", "bob", "root")) == sorted(
            note.user_id for note in told
        )


def test_forty_who_tell_at_once_are_all_counted(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> tuple[int, list[int]]:
        post, _, _ = solution(world)
        return post.id, [world.person(f"person-{number}").id for number in range(40)]

    post_id, people = stage(scene)

    def tell(number: int) -> None:
        from accounts.models import User

        with app.app_context():
            person = db.session.get_one(User, people[number])
            experiences.tell(
                db.session.get_one(Post, post_id), has_worked=number % 4 == 0, words="It stays red.", by=person
            )
            db.session.commit()

    at_once(tell, 40)
    with app.app_context():
        (acceptance,) = db.session.query(Acceptance).all()
        assert (acceptance.worked_count, acceptance.failed_count) == (10, 30)
        latest = db.session.query(Experience).order_by(Experience.at.desc(), Experience.id.desc()).limit(5).all()
        assert acceptance.is_contradicted == (sum(not one.has_worked for one in latest) > 2)
        assert list(counters.complaints()) == []


def test_the_page_has_the_form_the_numbers_and_the_words(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    def scene(world: World) -> tuple[int, str]:
        world.everybody()
        post, _, _ = solution(world)
        return post.id, f"/t/{post.topic_id}-{post.topic.slug}"

    post_id, path = stage(scene)
    charlie = browser_of("charlie")
    assert f'action="/posts/{post_id}/experience"' in charlie.get(path).text
    assert "/experience" not in browser_of("bob").get(path).text.replace("/experiences/", ""), "not for its author"
    empty = charlie.post(f"/posts/{post_id}/experience", data={"has_worked": "no", "version": "7.1 <b>"})
    assert empty.status_code == 422
    assert f'id="tried-{post_id}-error"' in empty.text
    assert 'value="7.1 &lt;b&gt;"' in empty.text, "what was typed stays"
    data = {"has_worked": "no", "version": "7.1 <b>", "words": "The light stays <i>red</i>."}
    for handle in ("charlie", "dora"):
        assert browser_of(handle).post(f"/posts/{post_id}/experience", data=data).status_code == 303
    page = guest.get(path).text
    assert "did not work for 2 people" in page
    assert "7.1 &lt;b&gt;" in page
    assert "The light stays &lt;i&gt;red&lt;/i&gt;." in page
    assert "Contradicted" in page
    assert "/experience" not in page.replace("/experiences/", ""), "a guest has no form"
    assert charlie.post(f"/posts/{post_id}/experience/undo").status_code == 303
    assert "Contradicted" not in guest.get(path).text
