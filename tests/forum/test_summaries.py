"""A long thread in short: what matters in its own words, with the way there, and nothing its reader may not see."""

from collections.abc import Callable
from typing import Any

from accounts.people import AnonymousUser
from core.db import db
from forum import aging, answers, experiences, follows, moderation, official, summaries, threads, votes
from forum.models import Post, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
GUEST = AnonymousUser()


def long_thread(world: World, many: int = 20) -> tuple[Topic, list[Post]]:
    topic = world.ask(title="The router forgets its name at night")
    given = [
        world.answer(topic, f"Hello. Number {number} gives the router its name again. Good night.")
        for number in range(many)
    ]
    return topic, given


def said(topic: Topic, viewer: Any = GUEST) -> list[tuple[str, int]]:
    summary = threads.read(topic, viewer=viewer).summary
    return [] if summary is None else [(point.kind, point.post.id) for point in summary.points]


def test_it_names_solution_official_helpful_and_what_does_not_hold(world: World) -> None:
    topic, given = long_thread(world)
    assert said(topic) == [], "nothing stands out yet"
    answers.accept(given[3], by=world.alice)
    house = world.answer(topic, "The house says: reset the router by night.", by=world.ada)
    official.declare(house, by=world.ada)
    for post, voters in ((given[5], 3), (given[6], 2), (given[7], 1), (given[3], 2)):
        for number in range(voters):
            votes.vote(post, by=world.person(f"voter-{number}"))
    db.session.expire_all()
    assert said(topic) == [
        ("solution", given[3].id),
        ("official", house.id),
        ("helpful", given[5].id),
        ("helpful", given[6].id),
    ]
    aging.declare(given[3], reason="Since version 5 it is not there.", by=world.ada)
    assert said(topic)[-1] == ("obsolete", given[3].id)
    aging.lift(given[3], by=world.ada)
    for number in range(3):
        experiences.tell(given[3], has_worked=False, words="Still forgets.", by=world.person(f"voter-{number}"))
    db.session.expire_all()
    assert said(topic)[-1] == ("contradicted", given[3].id)


def test_short_threads_have_none_and_later_pages_neither(world: World) -> None:
    topic, given = long_thread(world, 19)
    answers.accept(given[0], by=world.alice)
    assert threads.read(topic, viewer=GUEST).summary is None
    answers.comment(given[0], source="Works here.", by=world.charlie)
    summary = threads.read(topic, viewer=GUEST).summary
    assert summary is not None
    assert summary.count == 20
    for number in range(threads.ANSWERS_A_PAGE):
        world.answer(topic, f"One more answer, number {number}.", by=world.charlie)
    assert threads.read(topic, viewer=GUEST, page=2).summary is None


def test_the_passage_is_the_sentence_about_the_question_word_for_word(world: World) -> None:
    html = "<p>Hello there. You should all drink more water. Give the <em>router</em> a name by night. Bye.</p>"
    assert summaries.passage(html, {"router", "night"}) == "Give the router a name by night."
    assert summaries.passage("<p>Reset it.</p>", {"router"}) == "Reset it."
    assert summaries.passage("", {"router"}) == ""
    long = summaries.passage("<p>" + "endless words without an end " * 500 + "</p>", set())
    assert len(long) <= summaries.LONGEST_PASSAGE
    assert world


def test_nobody_reads_there_what_they_may_not_or_will_not(world: World) -> None:
    topic, given = long_thread(world, 22)
    for post in (given[1], given[2]):
        for number in range(2):
            votes.vote(post, by=world.person(f"voter-{number}"))
    given[2].author_id = world.charlie.id
    db.session.flush()
    db.session.expire_all()
    moderation.mute(given[1], by=world.ada, reason="off topic")
    for viewer in (GUEST, world.bob, world.ada):
        assert said(topic, viewer) == [("helpful", given[2].id)], "not even to those who still see it"
    follows.silence(world.charlie, by=world.tina)
    assert said(topic, world.tina) == []


def test_the_page_leads_to_each_and_says_how_it_was_made(stage: Stage, guest: Browser) -> None:
    many = threads.ANSWERS_A_PAGE + 5

    def scene(world: World) -> tuple[int, int, int]:
        topic, given = long_thread(world, many)
        for number in range(3):
            votes.vote(given[0], by=world.person(f"voter-{number}"))
        answers.accept(given[-1], by=world.alice)
        return topic.id, given[0].id, given[-1].id

    topic_id, helpful_id, solution_id = stage(scene)
    page = guest.get(f"/t/{topic_id}", follow_redirects=True).text
    assert f"Chosen by rules from {many} answers and comments" in page
    assert f'<a href="#p{solution_id}"><strong>Solution</strong></a>' in page
    assert f'<a href="#p{helpful_id}"><strong>Helped 3 people</strong></a>' in page
    assert f"Number {many - 1} gives the router its name again.</span>" in page
    assert "Chosen by rules" not in guest.get(f"/t/{topic_id}?answers=2", follow_redirects=True).text
