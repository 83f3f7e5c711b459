"""What people look for in vain, for those who can write what is missing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from sqlalchemy import select

from accounts.models import AuditEntry
from core.db import db
from core.errors import NotAllowed, NotFound
from kb import gaps
from search import log
from search.documents import Ref
from search.log import Slip
from search.models import GAPS, ClosedGap, GapKind
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def looked_for(text: str, *visitors: str, hits: int = 0, locale: str = "en") -> None:
    for visitor in visitors:
        log.note(Slip(text, locale, hits), visitor=visitor * 32)


def listed(kind: GapKind) -> list[tuple[str, str, int, int]]:
    view = GAPS[kind]
    rows = db.session.scalars(select(view).order_by(view.times.desc(), view.last_id.desc()))
    return [(row.words, row.locale, row.times, row.visitors) for row in rows]


def test_searches_without_a_hit_are_counted_by_words_and_language(world: World, clock: time_machine.Traveller) -> None:
    looked_for("Invoice as PDF", "a", "b")
    looked_for("invoice as  pdf?", "c")
    looked_for("invoice as pdf", "d", locale="de")
    looked_for("router", "d", hits=4)
    clock.shift(timedelta(hours=1))
    looked_for("invoice as pdf", "a")
    assert listed("nothing") == [("invoice as pdf", "en", 4, 3), ("invoice as pdf", "de", 1, 1)]


def test_hits_that_nobody_opens_are_a_gap_after_a_while(world: World, clock: time_machine.Traveller) -> None:
    looked_for("router", "a", "b", hits=4)
    log.note_opened(Slip("router", "en", 4), visitor="b" * 32, ref=Ref("topic", 1), position=1)
    assert listed("unopened") == [], "they may still be reading"
    clock.shift(timedelta(minutes=11))
    assert listed("unopened") == [("router", "en", 1, 1)]


def test_what_is_asked_again_in_other_words_is_a_gap(world: World) -> None:
    looked_for("wifi slow", "a", hits=4)
    looked_for("wireless slow", "a", hits=4)
    assert listed("again") == [("wifi slow", "en", 1, 1)]


def test_a_closed_gap_comes_back_when_it_happens_again(world: World, clock: time_machine.Traveller) -> None:
    looked_for("invoice", "a", "b")
    gaps.close("nothing", words="invoice", locale="en", by=world.emil)
    assert listed("nothing") == []
    closed = db.session.scalars(select(ClosedGap)).one()
    assert closed.by_id == world.emil.id
    clock.shift(timedelta(days=1))
    looked_for("invoice", "c")
    assert listed("nothing") == [("invoice", "en", 1, 1)]
    gaps.close("nothing", words="invoice", locale="en", by=world.ada)
    assert listed("nothing") == []
    assert [entry.deed for entry in db.session.scalars(select(AuditEntry))] == ["kb.search.close"] * 2


def test_closing_twice_is_closing_once_and_what_is_not_there_cannot_be_closed(world: World) -> None:
    looked_for("invoice", "a")
    for _ in range(2):
        gaps.close("nothing", words="invoice", locale="en", by=world.emil)
    assert len(db.session.scalars(select(AuditEntry)).all()) == 1
    with pytest.raises(NotFound):
        gaps.close("nothing", words="elephants", locale="en", by=world.emil)


def test_a_popular_search_can_be_hidden_for_good(world: World) -> None:
    looked_for("the boss is mean", "a", "b", "c", hits=2)
    log.choose_popular()
    assert gaps.counts()["popular"] == 1
    gaps.close("popular", words="the boss is mean", locale="en", by=world.ada)
    assert log.popular("en", limit=5) == []
    log.choose_popular()
    assert log.popular("en", limit=5) == []


@pytest.mark.parametrize("who", ["alice", "tina", "dora"])
def test_others_close_no_gaps(world: World, who: str) -> None:
    looked_for("invoice", "a")
    with pytest.raises(NotAllowed):
        gaps.close("nothing", words="invoice", locale="en", by=getattr(world, who))


def many(world: World) -> None:
    world.everybody()
    for number in range(30):
        looked_for(f"missing thing {chr(97 + number % 26)}{number // 26}", *"abcdef"[: 1 + number % 3])
    looked_for("<b>bold</b> question", *"abcdef")


def test_the_page_lists_pages_and_closes(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(many)
    emil = browser_of("emil")
    page = emil.get("/admin/searches").text
    assert page.count('class="row__title"') == 25
    assert page.index("&lt;b&gt;bold") < page.index("missing thing"), "the most frequent first"
    assert "6 times" in page
    assert "/search?q=missing" in page
    assert "/kb/articles/new" in page
    older = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert emil.get(older).text.count('class="row__title"') == 6
    form = {"list": "nothing", "words": "<b>bold</b> question", "locale": "en", "next": "/admin/searches?list=nothing"}
    for _ in range(2):
        answer = emil.post("/admin/searches/closings", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/searches?list=nothing")
    assert "&lt;b&gt;bold" not in emil.get("/admin/searches").text


def in_vain(world: World) -> None:
    world.everybody()
    looked_for('tag:wlan "no signal" <b>&amp; router -cable', "a", locale="de")


def test_an_article_begins_with_what_was_looked_for(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(in_vain)
    emil = browser_of("emil")
    link = BeautifulSoup(emil.get("/admin/searches").text, "html.parser").select_one("a[href*='/kb/articles/new']")
    assert link is not None
    form = BeautifulSoup(emil.get(str(link["href"])).text, "html.parser")
    assert form.select_one("input[name=title]")["value"] == "no signal <b>&amp; router"  # type: ignore[index]
    assert form.select_one("select[name=locale] option[selected]")["value"] == "de"  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("Router", "Router"),
        ("", ""),
        ("  two\nlines  ", "two lines"),
        ("x" * 5000, "x" * 200),
        ('"><script>alert(1)</script>', '"><script>alert(1)</script>'),
        ("a\0b", ""),
        ("right\u202eleft", "rightleft"),
    ],
)
def test_what_an_address_brings_along_is_a_clean_line(
    stage: Stage, browser_of: Callable[[str], Browser], given: str, title: str
) -> None:
    stage(lambda world: world.everybody() and None)
    answer = browser_of("emil").get("/kb/articles/new", query_string={"title": given, "locale": "xx"})
    assert answer.status_code == 200
    field = BeautifulSoup(answer.text, "html.parser").select_one("input[name=title]")
    assert field is not None
    assert field.get("value", "") == title
    assert not BeautifulSoup(answer.text, "html.parser").select("script:not([src])")


@pytest.mark.parametrize("kind", ["nothing", "unopened", "again", "popular", "elsewhere"])
def test_an_empty_list_says_what_it_would_hold(stage: Stage, browser_of: Callable[[str], Browser], kind: str) -> None:
    stage(lambda world: world.everybody() and None)
    page = browser_of("ada").get(f"/admin/searches?list={kind}&page=nonsense")
    assert page.status_code == 200
    assert 'class="empty"' in page.text
    assert "/kb/articles/new" not in page.text, "a moderator does not write articles"


def test_a_moderator_reaches_the_page_from_the_menu(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.everybody() and None)
    assert "/admin/searches" in browser_of("ada").get("/about").text
    assert "/admin/searches" not in browser_of("dora").get("/about").text
    assert "/admin/searches" in browser_of("root").get("/admin").text


def test_an_odd_form_closes_nothing(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(many)
    emil = browser_of("emil")
    for form in ({}, {"list": "x"}, {"list": "nothing"}, {"list": "nothing", "words": "x" * 5000, "locale": "xx"}):
        assert emil.post("/admin/searches/closings", data=form).status_code == 404
