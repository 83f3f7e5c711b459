"""The list of who helps: solutions and articles, never how much somebody writes, and nobody who does not want it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from accounts.models import User
from core.db import db
from core.settings import WrongSetting, read
from forum import answers, crediting, leaders, moderation, points, votes
from forum.models import Category, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


def solve(world: World, by: User, times: int = 1, **about: Any) -> list[Topic]:
    topics = []
    for number in range(times):
        topic = world.ask(f"Question {number} that {by.handle} answers", **about)
        answers.accept(world.answer(topic, by=by), by=topic.asker)  # type: ignore[arg-type]  # somebody asked it
        points.settle_topic(topic.id)
        topics.append(topic)
    return topics


def listed(period: leaders.Period = "all", category: Category | None = None) -> list[tuple[str, int, int]]:
    found = leaders.leading(period, category=category)
    return [(one.person.handle, one.solutions, one.articles) for one in found]


def test_solutions_count_and_not_how_much_or_how_liked(world: World) -> None:
    solve(world, world.bob, 2)
    solve(world, world.charlie)
    topic = world.ask()
    for number in range(9):
        post = world.answer(topic, f"Answer number {number} of many.", by=world.tina)
        votes.vote(post, by=world.alice)
        points.settle([post.id])
    assert listed() == [("bob", 2, 0), ("charlie", 1, 0)]


def test_a_period_has_what_was_solved_in_it(world: World) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        clock.shift(timedelta(days=-200))
        solve(world, world.bob)
        clock.move_to(NOW - timedelta(days=40))
        solve(world, world.charlie)
        clock.move_to(NOW)
        solve(world, world.tina)
        assert listed("month") == [("tina", 1, 0)]
        assert {one[0] for one in listed("quarter")} == {"tina", "charlie"}
        assert {one[0] for one in listed()} == {"tina", "charlie", "bob"}


def test_a_category_has_its_own_list(world: World) -> None:
    other = Category(slug="phone", names={"en": "Phones"}, descriptions={}, position=2)
    db.session.add(other)
    db.session.flush()
    solve(world, world.bob)
    solve(world, world.charlie, category=other)
    assert listed(category=other) == [("charlie", 1, 0)]
    assert listed(category=world.router) == [("bob", 1, 0)]


def test_what_is_muted_or_taken_back_does_not_count_at_once(world: World) -> None:
    first, second = solve(world, world.bob, 2)
    moderation.mute(first, by=world.ada, reason="Off topic here")
    assert listed() == [("bob", 1, 0)]
    answers.undo_acceptance(second, by=world.alice)
    points.settle_topic(second.id)
    assert listed() == []
    moderation.unmute(first, by=world.ada)
    assert listed() == [("bob", 1, 0)]


def test_articles_count_while_everybody_may_read_them(stage: Stage, worker: Callable[[], None]) -> None:
    def scene(world: World) -> int:
        (topic,) = solve(world, world.bob)
        assert topic.acceptance is not None
        return Shelf(world).published(sources=[topic.acceptance.post]).id

    article_id = stage(scene)
    worker()
    assert stage(lambda _world: listed()) == [("bob", 1, 1)]
    assert stage(lambda world: db.session.scalar(select(points.total(world.bob, viewer=world.alice)))) == 35

    from kb import articles
    from kb.models import Article

    def withdraw(world: World) -> None:
        articles.withdraw(db.session.get_one(Article, article_id), by=world.emil, reason="Not true any more")

    stage(withdraw)
    worker()
    assert stage(lambda _world: listed()) == [("bob", 1, 0)]
    assert stage(lambda _world: crediting.settle_all()) == 0


def test_the_team_and_who_does_not_want_it_are_not_listed(world: World) -> None:
    for person in (world.bob, world.dora, world.tina):
        solve(world, person)
    leaders.list_person(world.bob, is_listed=False)
    assert listed() == [("tina", 1, 0)]
    leaders.list_person(world.bob, is_listed=True)
    assert {one[0] for one in listed()} == {"tina", "bob"}


def test_titles_come_with_so_many(world: World, settings: Callable[..., None]) -> None:
    settings(titles_solutions="2,4,8", titles_articles="1,2,3")
    assert [str(one) for one in leaders.titles(1, 0)] == []
    assert [str(one) for one in leaders.titles(2, 1)] == ["Helping hand", "Source of knowledge"]
    assert [str(one) for one in leaders.titles(7, 0)] == ["Problem solver"]
    assert [str(one) for one in leaders.titles(99, 99)] == ["Pillar of the house", "Living manual"]


@pytest.mark.parametrize("steps", ["1,2", "3,2,1", "0,1,2", "one,two,three", "1,1,2", "1,2,99999999999"])
def test_titles_that_make_no_sense_stop_the_start(steps: str, tmp_path: Any) -> None:
    with pytest.raises(WrongSetting, match="KLINKE_TITLES_SOLUTIONS"):
        read({"KLINKE_TITLES_SOLUTIONS": steps, "KLINKE_DATA_DIR": str(tmp_path)})


def test_the_page_lists_by_time_and_category_and_leads_to_the_people(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: len([*solve(world, world.bob, 2), *solve(world, world.charlie)]))
    page = guest.get("/who-helps")
    assert page.text.index("/u/bob") < page.text.index("/u/charlie")
    assert guest.get("/who-helps?category=router&period=quarter").text.count("/u/bob") == 1
    assert "Helping hand" in guest.get("/who-helps?period=all").text
    assert guest.get("/who-helps?category=nowhere&period=never").status_code == 200
    assert "Helping hand" in guest.get("/u/bob").text
    bob = browser_of("bob")
    bob.post("/trust/listing", data={"listed": "no"})
    assert "/u/bob" not in guest.get("/who-helps").text
    assert "You are not named there" in bob.get("/trust").text
    bob.post("/trust/listing", data={"listed": "yes"})
    assert "/u/bob" in guest.get("/who-helps").text


def test_the_empty_list_invites(stage: Stage, guest: Browser) -> None:
    stage(lambda world: world.router and None)
    assert "Nobody yet in this time" in guest.get("/who-helps").text
