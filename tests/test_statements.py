"""What a page costs the database: a number of statements that does not grow with what stands on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from core import ready
from core.db import db
from desk import webmentions
from forum import addresses as forum_addresses
from forum import answers, closing, flags, moderation, reviewing, votes
from kb import addresses, families, sections
from kb import articles as kb_articles
from search import indexer, synonyms
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
Scene = Callable[[World, int], str | None]
FEW, MANY = 1, 20
SOME = (25, 45)
"""More than are loaded at once: fewer results take one statement less."""


@pytest.fixture
def statements(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is sent to the database, without the beginnings and ends of transactions."""
    sent: list[str] = []
    # Now and then a process asks whether the synonyms changed; here it always asks: a page costs the same twice.
    monkeypatch.setattr(synonyms, "CHECK_SECONDS", 0.0)

    # The same of who takes webmentions, which costs one statement a minute: here nobody does.
    monkeypatch.setattr(webmentions, "_known", webmentions._Known(until=float("inf")))

    # A page that was made before is not made again: here it always is.
    monkeypatch.setattr(ready, "SECONDS", -1.0)

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        # Whether anything was committed: SQLite is asked beside the pool, PostgreSQL by a statement that reads nothing.
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")) and "pg_current_snapshot" not in statement:
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def questions(world: World, many: int) -> None:
    """Questions of different people with different tags, some of them solved by different people."""
    for number in range(many):
        asker = world.person(f"asker-{number}")
        topic = world.ask(title=f"Question number {number} about routers", by=asker, tags=("wifi", f"tag-{number}"))
        answer = world.answer(topic, by=world.person(f"author-{number}"))
        if number % 2 == 0:
            answers.accept(answer, by=asker)


def asked_again(world: World, many: int) -> None:
    """A question that was asked again so many times."""
    target = world.ask(title="The router forgets its name at night")
    for number in range(many):
        again = world.ask(title=f"Question number {number} again", by=world.person(f"asker-{number}"))
        closing.close_as_duplicate(again, target=db.session.get_one(type(target), 1), by=world.ada)


def thread(world: World, many: int) -> str:
    """A solved question with so many answers, each with a comment, all by different people; its path."""
    topic = world.ask(title="The router forgets its name at night")
    for number in range(many):
        answer = world.answer(topic, f"Answer number {number}, at length.", by=world.person(f"author-{number}"))
        answers.comment(answer, source=f"Comment number {number}", by=world.person(f"reader-{number}"))
        votes.vote(answer, by=world.charlie)
    answers.accept(answer, by=world.alice)
    return forum_addresses.of_topic(topic)


def thread_call(world: World, many: int) -> str:
    return f"/api/v1/topics/{thread(world, many).removeprefix('/t/').split('-')[0]}"


def article(world: World, many: int) -> str:
    """An article made from so many answers of different people; its path."""
    posts = []
    for number in range(many):
        topic = world.ask(title=f"Question number {number} about routers", by=world.person(f"asker-{number}"))
        answer = world.answer(topic, by=world.person(f"author-{number}"))
        answers.accept(answer, by=topic.asker)
        posts.append(answer)
    return addresses.of_article(Shelf(world).published(sources=posts, tags=["wifi", "night"]))


def translated(world: World, many: int) -> str:
    """An article in two languages, in a section within a section, whose index has so many entries; its path."""
    shelf = Shelf(world)
    inner = sections.create(names={"en": f"Wireless {many}"}, by=world.emil, parent=shelf.section)
    for number in range(many):
        kb_articles.place(shelf.published(section=inner, title=f"Article number {number}"), number, by=world.emil)
        sections.create(names={"en": f"Section number {many}-{number}"}, by=world.emil)
    article = shelf.published(section=inner)
    german = shelf.article(locale="de", title="Das WLAN ist weg")
    families.join(german, article, by=world.emil, is_current=True)
    kb_articles.publish(german, by=world.emil)
    return addresses.of_article(article)


def article_call(world: World, many: int) -> str:
    return f"/api/v1/articles/{article(world, many).removeprefix('/kb/').split('-')[0]}"


def articles(world: World, many: int) -> None:
    for number in range(many):
        editor = world.person(f"editor-{number}", "editor")
        Shelf(world).published(title=f"Article number {number}", by=editor, tags=[f"tag-{number}"])


def things_to_find(world: World, many: int) -> None:
    questions(world, many)
    articles(world, many)
    db.session.flush()
    indexer.catch_up()


def what_bob_wrote(world: World, many: int) -> None:
    for number in range(many):
        world.ask(title=f"Question number {number} of Bob", by=world.bob)
        world.answer(world.ask(by=world.person(f"asker-{number}")))


def muted(world: World, many: int) -> None:
    for number in range(many):
        topic = world.ask(title=f"Question number {number} about routers", by=world.person(f"asker-{number}"))
        answer = world.answer(topic, by=world.person(f"author-{number}"))
        by = world.person(f"moderator-{number}", "moderator")
        moderation.mute(answer, by=by, reason="Not kind")
        moderation.mute(topic, by=by, reason="Not kind")


def queue(world: World, many: int) -> None:
    """What is muted, flagged and held, each by different people."""
    muted(world, many)
    for number in range(many):
        topic = world.ask(title=f"Question number {number} to report", by=world.person(f"asker-{number}"))
        answer = world.answer(topic, by=world.person(f"author-{number}"))
        flags.flag(answer, reason="spam", by=world.person(f"reader-{number}"))
        world.ask(title=f"Held question number {number}", by=world.newcomer(f"newcomer-{number}"))
        reviewing.claim(flags.flag(answer, reason="rude", by=world.tina).case, by=world.ada)


def case(world: World, many: int) -> str:
    """A case with so many flags; its path."""
    answer = world.answer(world.ask())
    for number in range(many):
        flag = flags.flag(answer, reason="off_topic", by=world.newcomer(f"reader-{number}"))
    return f"/moderation/cases/{flag.case_id}"


def nominations(world: World, many: int) -> None:
    for number in range(many):
        Shelf(world).nominated(title=f"Question number {number} here", by=world.person(f"asker-{number}"))


@dataclass(frozen=True, slots=True)
class Page:
    """A page, what is on it, and how many statements it may take for whom (`""` is a guest)."""

    path: str
    """Empty where the scene says it."""
    scene: Scene
    most: dict[str, int]
    again: int | None = None
    """How many for a guest when nobody committed anything since."""
    rows: tuple[int, int] = (FEW, MANY)


PAGES = [
    Page("/", questions, {"": 3, "charlie": 6, "ada": 6}, again=2),
    Page("/most-asked", asked_again, {"": 6, "charlie": 8}),
    Page("/topics/1/arrangement", asked_again, {"ada": 24}),
    Page("/moderation/questions", questions, {"ada": 9}),
    Page("/admin/tags", questions, {"root": 6}),
    Page("/c/router", questions, {"": 3, "charlie": 6, "ada": 6}, again=2),
    Page("/tags/wifi", questions, {"": 2, "charlie": 5, "ada": 5}, again=1),
    Page("/feeds/latest.xml", questions, {"": 5}),
    Page("/api/v1/topics", questions, {"": 2}),
    Page("", thread, {"": 2, "charlie": 8, "ada": 10}),
    Page("", thread_call, {"": 4}),
    Page("", article, {"": 5, "charlie": 8, "emil": 8}),
    Page("", translated, {"": 4, "charlie": 7, "emil": 7}),
    Page("/kb/languages", articles, {"emil": 6}),
    Page("/kb/faces", articles, {"emil": 8}),
    Page("/kb/index", articles, {"emil": 8}),
    Page("", article_call, {"": 7}),
    Page("/kb", articles, {"": 4, "charlie": 6, "emil": 7}),
    Page("/kb/s/router", articles, {"": 4, "charlie": 6, "emil": 6}),
    Page("/feeds/kb.xml", articles, {"": 2}),
    Page("/api/v1/articles", articles, {"": 3}),
    # Of these one asks whether the synonyms changed, which a process does every few seconds only.
    Page("/search?q=router&kind=topic", things_to_find, {"": 6, "charlie": 8, "ada": 8}, again=4, rows=SOME),
    Page("/search?q=router&kind=article", things_to_find, {"": 5, "charlie": 7, "ada": 7}, again=3, rows=SOME),
    Page("/search/complete?q=number+rou", things_to_find, {"": 2, "charlie": 4, "ada": 4}),
    Page("/search/suggestions.json?q=number+rou", things_to_find, {"": 2}),
    Page("/u/bob", what_bob_wrote, {"": 7, "charlie": 10}),
    Page("/u/bob?show=answers", what_bob_wrote, {"": 8, "charlie": 11}),
    Page("/moderation", queue, {"ada": 18, "root": 19}),
    Page("", case, {"ada": 9}),
    Page("/kb/nominations", nominations, {"emil": 6}),
]
CASES = [(page, handle) for page in PAGES for handle in page.most]


@pytest.mark.parametrize(
    ("page", "handle"), CASES, ids=[f"{p.path or p.scene.__name__}-{who or 'guest'}" for p, who in CASES]
)
def test_a_page_takes_as_many_statements_for_many_rows_as_for_few_and_writes_nothing(
    page: Page, handle: str, stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], statements: list[str]
) -> None:
    stage(lambda world: world.everybody() and None)
    browser = browser_of(handle) if handle else guest
    taken = []
    for rows in page.rows:
        path = stage(lambda world, rows=rows: page.scene(world, rows)) or page.path
        statements.clear()
        assert browser.get(path).status_code == 200
        read = [statement for statement in statements if statement.startswith("SELECT")]
        taken.append(len(read))
        # What a signed-in person has read is noted, after the page is made; guests leave no trace.
        written = [statement for statement in statements if statement not in read]
        noted = ("INSERT INTO read_mark", "UPDATE notification") if handle and page.scene is thread else ()
        assert [statement for statement in written if not statement.startswith(noted or "nothing")] == []
    few, many = taken
    assert few == many <= page.most[handle], "\n\n".join(statements)
    if page.again is not None and not handle:
        for _attempt in range(30):  # of PostgreSQL the commits of other databases count, too
            statements.clear()
            assert guest.get(path).status_code == 200
            if len(statements) == page.again:
                break
        assert len(statements) == page.again, "\n\n".join(statements)
