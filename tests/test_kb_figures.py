"""The figures of the knowledge base: each is the length of a list, and drawn without style or script."""

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib import metadata
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import event

from core.clock import now
from core.db import db
from desk import replies
from kb import drawing, feedback, figures, judging, queries, readings, uses
from kb.models import ArticleFeedback, ArticleReading, ArticleUse
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage
from tests.kb.shelf import Shelf
from tests.test_gap_radar import searched

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


def a_quarter(world: World, many: int = 3) -> None:
    """Readings, feedback, uses, replies and failed searches, some of them long ago."""
    world.everybody()
    shelf = Shelf(world)
    channel = desk_stage.channel(world, endpoint="https://service.example/replies")
    for number in range(many):
        article = shelf.published(title=f"Article number {number} here", locale="de" if number % 2 else "en")
        db.session.add(ArticleReading(article_id=article.id, day=now().date(), count=10 + number))
        db.session.add(ArticleReading(article_id=article.id, day=(now() - timedelta(days=400)).date(), count=99))
        feedback.give(article, reader=f"user:{number}", helped=number != 1, comment="It is too short.")
        given = feedback.give(article, reader="user:900", helped=True)
        given.at -= timedelta(days=7)
        feedback.give(article, reader="user:901", helped=False).at -= timedelta(days=200)
        answer = world.answer(world.ask(title=f"Question number {number} here"))
        uses.record(article, face=None, where_kind="post", where_id=answer.id, by=world.bob)
        article.published.at -= timedelta(days=number * 100)
        message = desk_stage.received(
            channel, f"Question {number} of a customer", conversation=f"t{number}", id=f"m{number}"
        )
        text, used = (f"See http://localhost/kb/{article.id}", [(article.id, None)]) if number else ("No idea.", [])
        replies.reply(message.conversation, text=text, by=world.dora, uses=used)
    searched("no such thing", visitors=2)
    searched("another thing")


def numbers_of(page: str) -> dict[str, list[tuple[str, int]]]:
    """Return by part of the page where each number leads, and the number; every number must lead somewhere."""
    soup = BeautifulSoup(page, "html.parser")
    found = {}
    for section in soup.select("section.plot"):
        cells = section.select("td.num")
        assert all(cell.a for cell in cells)
        assert len(section.select("td.num a, p .num")) == len(cells) + len(section.select("p > span > a"))
        links = section.select("td a, p > span > a")
        found[str(section.h2["id"])] = [(str(link["href"]), int(link.text)) for link in links]
    return found


def rows_of(editor: Browser, url: str) -> tuple[int, int]:
    """Return how many rows all the pages of a list have, and how many it says there are."""
    seen, said, onward = 0, -1, url
    while onward:
        opened = editor.get(onward)
        assert opened.status_code == 200, onward
        soup = BeautifulSoup(opened.text, "html.parser")
        seen += len(soup.select("main ul.rows > li"))
        lead = soup.select_one(".page__lead .num")
        said = int(lead.text.split()[0]) if lead else seen
        older = soup.find("a", rel="next")
        onward = str(older["href"]) if older else ""
    return seen, said


@pytest.mark.parametrize("a_page", [3, 50])
def test_every_number_opens_a_list_with_so_many_rows(
    stage: Stage, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch, a_page: int
) -> None:
    monkeypatch.setattr(figures, "A_PAGE", a_page)
    stage(a_quarter)
    for handle in ("emil", "root"):
        editor = browser_of(handle)
        found = numbers_of(editor.get("/kb/figures").text)
        assert set(found) == {"views", "helped", "uses", "replies", "solved", "searches", "ages", "languages"}
        for part, numbers in found.items():
            assert any(number for _url, number in numbers), part
            for url, number in numbers:
                assert rows_of(editor, url) == (number, number), url


def test_readings_are_one_row_each_on_their_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "A_PAGE", 4)
    shelf = Shelf(world)
    one, two = shelf.published(title="The first one"), shelf.published(title="The second one")
    for article, days, count in ((one, 0, 3), (two, 0, 2), (one, 1, 4)):
        db.session.add(ArticleReading(article_id=article.id, day=(now() - timedelta(days=days)).date(), count=count))
    db.session.flush()
    pages = [[(row.title, row.said) for row in figures.readings(world.emil, number=number)] for number in range(1, 5)]
    assert [len(page) for page in pages] == [4, 4, 1, 0]
    assert pages[0][2:] == [
        ("The first one", "reading 3 of 3 on this day"),
        ("The second one", "reading 1 of 2 on this day"),
    ]
    assert pages[2] == [("The first one", "reading 4 of 4 on this day")]


def test_the_numbers_are_those_of_the_last_weeks(world: World) -> None:
    a_quarter(world)
    db.session.flush()
    assert figures.views()[-1] == 10 + 11 + 12
    assert sum(figures.views()) == figures.views()[-1]
    assert figures.count_read() == 3
    helped, not_helped, used = figures.lists("helped", "not-helped", "uses")
    assert helped.weekly()[-2:] == [3, 2]
    assert not_helped.weekly()[-2:] == [0, 1]
    assert (helped.count(), not_helped.count()) == (5, 1), "half a year ago is another matter"
    assert figures.rate(5, 1) == 83
    assert figures.rate(0, 0) is None
    assert used.count() == 3 + 2, "answers and replies"
    with_one, without = figures.lists("replies-with", "replies-without")
    assert (with_one.count(), without.count()) == (2, 1)
    assert [figures.listed(f"age-{place}").count() for place in range(4)] == [1, 1, 1, 0]
    assert [figures.listed(key).count() for key in ("in-de", "in-en")] == [1, 2]
    assert figures.failed_searches()["nothing"] == 2


def test_the_share_of_replies_that_solved_it_stands_beside_the_share_with_an_article(
    stage: Stage, browser_of: BrowserOf
) -> None:
    def scene(world: World) -> None:
        a_quarter(world, 6)
        sent = db.session.query(ArticleUse).filter_by(where_kind="message").order_by(ArticleUse.id).all()
        for use, outcome in zip(sent, ("helped", "helped", "not", "other"), strict=False):
            judging.note_outcome(use, outcome, by=world.dora)
        judging.hear_outcome(sent[0], "helped")
        sent[1].outcome_at = now() - timedelta(days=200)

    stage(scene)
    editor = browser_of("emil")
    page = editor.get("/kb/figures").text
    assert "50 % of the replies with an article whose customers said something solved it." in page
    keys = ("solved", "unsolved", "beside", "untold")
    assert [len(shown_rows(editor.get(f"/kb/figures/{key}").text)) for key in keys] == [1, 1, 1, 1]
    assert browser_of("dora").get("/kb/figures/solved").status_code == 403


def shown_rows(page: str) -> list[Any]:
    return list(BeautifulSoup(page, "html.parser").select("main ul.rows > li"))


def test_many_rows_are_paged_and_none_is_shown_twice(
    stage: Stage, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "A_PAGE", 2)
    stage(lambda world: a_quarter(world, 5))
    editor = browser_of("emil")
    for key, count in (("helped", 9), ("read", 5), ("in-en", 3)):
        seen, url = 0, f"/kb/figures/{key}"
        while url:
            soup = BeautifulSoup(editor.get(url).text, "html.parser")
            seen += len(soup.select("main ul.rows > li"))
            older = soup.find("a", rel="next")
            url = str(older["href"]) if older else ""
        assert seen == count, key


def test_a_page_of_figures_costs_as_many_statements_for_many_as_for_few(
    app: Flask, stage: Stage, browser_of: BrowserOf
) -> None:
    stage(lambda world: a_quarter(world, 1))
    editor, sent = browser_of("emil"), []
    with app.app_context():
        engine = db.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    costs = []
    for _time in range(2):
        cost = []
        for path in ("", "/helped", "/uses", "/read", "/readings", "/replies-with", "/in-en", "/untold"):
            sent.clear()
            assert editor.get(f"/kb/figures{path}").status_code == 200
            cost.append(len([one for one in sent if one.startswith("SELECT")]))
        costs.append(cost)
        if not _time:
            stage(more)
    event.remove(engine, "before_cursor_execute", note)
    assert costs[0] == costs[1]


def more(world: World) -> None:
    article = next(iter(db.session.scalars(queries.readable_articles(world.emil)).unique()))
    for number in range(20):
        feedback.give(article, reader=f"user:{2000 + number}", helped=True)
        uses.record(article, face=None, where_kind="post", where_id=5000 + number, by=world.bob)
        other = Shelf(world).published(title=f"One more article, number {number}")
        db.session.add(ArticleReading(article_id=other.id, day=now().date(), count=1))


def test_figures_are_for_editors_and_private_replies_for_agents(
    stage: Stage, browser_of: BrowserOf, guest: Browser
) -> None:
    def scene(world: World) -> None:
        world.everybody()
        channel = desk_stage.channel(world, endpoint="https://service.example/replies")
        message = desk_stage.received(channel, "Where is my parcel now?", is_public=False)
        replies.reply(message.conversation, text="PRIVATE words of ours.", by=world.dora)

    stage(scene)
    for handle, status in (("alice", 403), ("dora", 403), ("ada", 403), ("emil", 200), ("root", 200)):
        for path in ("/kb/figures", "/kb/figures/helped", "/kb/figures/replies-without"):
            assert browser_of(handle).get(path).status_code == status, (handle, path)
    page = browser_of("emil").get("/kb/figures/replies-without").text
    assert "PRIVATE" not in page
    assert "A private reply" in page
    assert guest.get("/kb/figures").status_code in {302, 303}


@pytest.mark.parametrize(
    "path", ["nothing", "helped?week=2020-01-06", "helped?week=x", "read?week=2020-01-06", "readings?week=x"]
)
def test_lists_that_do_not_exist_are_missing(stage: Stage, browser_of: BrowserOf, path: str) -> None:
    stage(lambda world: world.everybody() and None)
    assert browser_of("emil").get(f"/kb/figures/{path}").status_code == 404


def test_strange_pages_of_a_list_are_pages(stage: Stage, browser_of: BrowserOf) -> None:
    stage(a_quarter)
    for page in ("0", "-1", "999999999999999999999", "x", "%00"):
        for key in ("read", "readings", "helped"):
            assert browser_of("emil").get(f"/kb/figures/{key}?page={page}").status_code == 200, (key, page)


def test_nothing_is_not_drawn() -> None:
    assert drawing.bars(["a", "b"], [("", [0, 0]), ("two", [0, 0])]) == ""


@pytest.mark.parametrize("values", [[0, 0, 1], [1, 2, 3], [0, 10**9, 5]])
def test_a_drawing_brings_no_style_no_script_and_no_colour(values: list[int]) -> None:
    drawn = drawing.bars(["<b>", "&", "c"], [("", values), ("two", values)])
    root = ET.fromstring(drawn)  # noqa: S314 -- what our own code has drawn
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in {
            "svg",
            "g",
            "rect",
            "path",
            "text",
            "circle",
        }
        assert not {"style", "fill", "id", "href"} & set(element.attrib)
        assert not any(name.startswith("on") or "xlink" in name for name in element.attrib)
    assert root.get("aria-hidden") == "true"
    assert "<b>" not in drawn


def test_a_reading_is_counted_without_anybody_in_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "SECONDS", 0.0)
    readings.note(Shelf(world).published())
    assert figures.views()[-1] == 1
    assert set(ArticleReading.__table__.c.keys()) == {"article_id", "day", "count"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", figures.week_names()[-1])
    assert db.session.query(ArticleFeedback).count() == 0


def test_drawing_leaves_nothing_behind_that_other_imports_meet() -> None:
    drawing.bars(["a"], [("b", [1])])
    assert [finder for finder in sys.meta_path if not hasattr(finder, "find_spec")] == []
    assert metadata.version("pyspellchecker")
