"""What a page costs the database: a number of statements that does not grow with what is on it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from core.db import db
from forum import follows, votes
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
Statements = list[str]
READ = ("SELECT", "WITH")


@pytest.fixture
def statements(app: Flask) -> Iterator[Statements]:
    """What is sent to the database, without the beginnings and ends of transactions."""
    sent: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def topic_with(world: World, answers: int) -> str:
    """A solved question with so many answers, each with a comment of another person; its path."""
    from forum import addresses
    from forum.answers import accept, comment

    topic = world.ask(title="The router forgets its name at night")
    for number in range(answers):
        author = world.person(f"author-{number}")
        answer = world.answer(topic, f"Answer number {number}, at length.", by=author)
        comment(answer, source=f"Comment number {number}", by=world.person(f"reader-{number}"))
        votes.vote(answer, by=world.charlie)
        if not number:
            accept(answer, by=world.alice)
    follows.follow(topic, by=world.charlie)
    return addresses.of_topic(topic)


def lists_with(world: World, topics: int) -> None:
    for number in range(topics):
        asker = world.person(f"asker-{number}")
        topic = world.ask(title=f"Question number {number} about routers", by=asker, tags=("wifi", f"tag-{number}"))
        if number % 2:
            from forum.answers import accept

            accept(world.answer(topic), by=asker)


def article_with(world: World, sources: int) -> str:
    from kb import addresses
    from tests.kb.shelf import accepted

    posts = [
        accepted(world.solved(title=f"Question {number} about routers", by=world.person(f"asker-{number}")))
        for number in range(sources)
    ]
    return addresses.of_article(Shelf(world).published(sources=posts, tags=[f"tag-{n}" for n in range(min(sources, 5))]))


def searchable(world: World, things: int) -> str:
    for number in range(things):
        world.solved(title=f"Wireless question number {number}", by=world.person(f"asker-{number}"))
        Shelf(world).published(title=f"Wireless article number {number}")
    return "/search?q=wireless"



def topic_with_(world, n): topic_with(world, n)
def article_with_(world, n): article_with(world, n)
def article_with_many(world, many):
    for n in range(many):
        Shelf(world).published(title=f"Wireless article number {n}", by=world.person(f"editor-{n}","editor"), tags=[f"tag-{n}"])
def mine(world, many):
    for n in range(many):
        topic=world.ask(title=f"Question number {n} of mine", tags=[f"t-{n}"])
        from forum.answers import accept
        a=world.answer(topic, f"An answer with number {n}")
        accept(a, by=world.alice)
def muted(world, many):
    from forum import moderation
    for n in range(many):
        topic=world.ask(title=f"Question number {n} of somebody", by=world.person(f"asker-{n}"))
        a=world.answer(topic, f"An answer with number {n}", by=world.person(f"author-{n}"))
        moderation.mute(topic, by=world.person(f"mod-{n}","moderator"), reason="because of this")
        moderation.mute(a, by=world.ada, reason="because of this")
def nominated(world, many):
    for n in range(many): Shelf(world).nominated(title=f"Question number {n} of somebody", by=world.person(f"asker-{n}"))
PAGES: dict[str, tuple[Callable[[World, int], Any], int, int]] = {
    "/": (lists_with, 0, 0),
    "/c/router": (lists_with, 0, 0),
    "/tags/wifi": (lists_with, 0, 0),
    "topic": (topic_with, 0, 0),
    "article": (article_with, 0, 0),
    "search": (searchable, 0, 0),
    "/kb": (article_with_many, 0, 0),
    "/kb/s/router": (article_with_many, 0, 0),
    "/feeds/kb.atom": (article_with_many, 0, 0),
    "/u/alice": (mine, 0, 0),
    "/u/bob?show=answers": (mine, 0, 0),
    "/feeds/topics.atom": (lists_with, 0, 0),
    "/api/v1/topics": (lists_with, 0, 0),
    "/api/v1/articles": (article_with_many, 0, 0),
    "/api/v1/topics/1": (topic_with_, 0, 0),
    "/api/v1/articles/1": (article_with_, 0, 0),
    "/sitemap.xml": (lists_with, 0, 0),
    "/notifications": (mine, 0, 0),
    "/moderation": (muted, 0, 0),
    "/kb/nominations": (nominated, 0, 0),
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("handle", ["", "alice", "ada", "emil", "root"])
def test_measure(page, handle, stage, app, guest, browser_of, statements):
    scene = PAGES[page][0]
    counts = []
    for many in (1,20):
        def play(world: World) -> Any:
            world.everybody()
            return scene(world, many)
        from tests.conftest import limiter
        path = stage(play) or page
        if page == "search":
            from core import worker
            stage(lambda _w: indexer.catch_up())
        b = browser_of(handle) if handle else guest
        assert b.get(path).status_code in (200,303,403,404)
        statements.clear()
        st= b.get(path).status_code
        counts.append(len(statements))
        got = list(statements)
    print("RES", page, handle, st, counts)
    for s in got: print("   ", " ".join(s.split())[:60], "...FROM", " ".join(s.split("FROM",1)[-1].split())[:150])
    assert 0
