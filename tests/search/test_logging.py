"""What is kept of a search: no person, nothing private, and what the team and others may learn from it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from core.clock import now
from core.db import db
from core.errors import Invalid
from search import log
from search.documents import Ref
from search.log import Slip
from search.models import ClosedGap, LoggedSearch, NothingFound, NothingOpened, PopularSearch
from tests.cast import World
from tests.conftest import Browser
from tests.search.conftest import Shelf

ANNA, BEN, CLARA, DAVID = (letter * 32 for letter in "abcd")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def looked_for(text: str, *visitors: str, hits: int = 3, locale: str = "en") -> None:
    for visitor in visitors:
        log.note(Slip(text, locale, hits), visitor=visitor)


def kept() -> list[LoggedSearch]:
    return list(db.session.scalars(select(LoggedSearch).order_by(LoggedSearch.id)))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("  Router   Offline ", "router offline"),
        ("WLAN-Kabel?", "wlan kabel"),
        ("Straße", "strasse"),
        ('"no signal" -cable TAG:WLAN', '"no signal" -cable tag:wlan'),
        ("???", ""),
    ],
)
def test_equal_searches_have_one_spelling(typed: str, words: str) -> None:
    assert log.words_of(typed) == words


@pytest.mark.parametrize(
    "private",
    [
        "anna@example.org",
        "my mail is anna.b@example.co.uk",
        "0170 1234567",
        "+49 (170) 12-34-567",
        "call 030/123 45 67",
        "DE89 3704 0044 0532 0130 00",
        "gb29nwbk60161331926819",
        "invoice 20260301",
        "4111 1111 1111 1111",
        "sk-live-4f9a8b7c6d5e4f3a2b1c",
        "",
        "   ",
        "!!!",
    ],
)
def test_what_may_be_private_is_not_kept(world: World, private: str) -> None:
    assert not log.is_kept(private)
    assert log.note(Slip(private, "en", 1), visitor=ANNA) is None
    assert kept() == []


@pytest.mark.parametrize("harmless", ["error 10054", "Birke 7590 2.4 GHz", "HTTP 404", "Windows 11 24H2", "2026"])
def test_numbers_that_name_a_thing_are_kept(harmless: str) -> None:
    assert log.is_kept(harmless)


def test_a_search_is_kept_without_a_person(world: World) -> None:
    looked_for("Router  offline", ANNA, hits=7)
    (row,) = kept()
    assert (row.text, row.words, row.locale, row.hits) == ("Router  offline", "router offline", "en", 7)
    assert {column.name for column in LoggedSearch.__table__.columns}.isdisjoint({"user_id", "ip", "address"})


def test_the_same_search_again_is_one(world: World, clock: time_machine.Traveller) -> None:
    looked_for("router", ANNA)
    clock.shift(timedelta(minutes=9))
    looked_for("Router?", ANNA)
    assert len(kept()) == 1
    clock.shift(timedelta(minutes=2))
    looked_for("router", ANNA)
    assert [row.asked_again_at for row in kept()] == [None, None], "after ten minutes it is another search"


def test_other_words_soon_after_are_asked_again(world: World, clock: time_machine.Traveller) -> None:
    looked_for("wifi slow", ANNA)
    looked_for("weather", BEN)
    clock.shift(timedelta(minutes=3))
    looked_for("wireless is slow", ANNA)
    assert {row.text: row.asked_again_at is not None for row in kept()} == {
        "wifi slow": True,
        "weather": False,
        "wireless is slow": False,
    }


def test_who_opened_a_hit_and_looks_for_something_else_is_content(world: World) -> None:
    looked_for("wifi slow", ANNA)
    log.note_opened(Slip("wifi slow", "en", 3), visitor=ANNA, ref=Ref("topic", 5), position=1)
    looked_for("invoice", ANNA)
    assert kept()[0].asked_again_at is None
    log.note_opened(Slip("invoice", "en", 3), visitor=ANNA, ref=Ref("topic", 6), position=1)
    looked_for("invoice as pdf", ANNA)
    assert kept()[1].asked_again_at is not None, "the hit did not help: it is the same matter"


def test_the_first_hit_that_is_opened_counts(world: World) -> None:
    looked_for("router", ANNA)
    slip = Slip("router", "en", None)
    log.note_opened(slip, visitor=ANNA, ref=Ref("topic", 5), position=3)
    log.note_opened(slip, visitor=ANNA, ref=Ref("article", 6), position=1)
    log.note_opened(slip, visitor=BEN, ref=Ref("article", 6), position=1)
    log.note_asked_people(slip, visitor=ANNA)
    (row,) = kept()
    assert (row.opened_kind, row.opened_id, row.opened_position) == ("topic", 5, 3)
    assert row.opened_at is not None
    assert row.asked_people_at is not None


def test_a_page_that_does_not_count_is_not_a_search(world: World) -> None:
    assert log.note(Slip("router", "en", None), visitor=ANNA) is None
    assert kept() == []


def test_a_slip_is_sealed(world: World, clock: time_machine.Traveller) -> None:
    sealed = Slip("router", "de", 3).seal()
    assert Slip.unseal(sealed) == Slip("router", "de", 3)
    clock.shift(timedelta(hours=25))
    for wrong in (sealed, sealed[:-2], "", "x", sealed.upper()):
        with pytest.raises(Invalid):
            Slip.unseal(wrong)


@pytest.mark.parametrize("wrong", ["", "topic", "topic:", "topic:x", "nothing:1", "topic:-1", f"topic:{10**18}"])
def test_only_things_that_can_be_found_are_opened(world: World, wrong: str) -> None:
    with pytest.raises(Invalid):
        log.ref_of(wrong)
    assert log.ref_of("topic:12") == Ref("topic", 12)


@pytest.mark.parametrize("visitor", ["", "short", "x" * 41, "a b" * 8, "<script>alert(1)</script>"])
def test_a_visitor_is_a_random_mark_and_nothing_else(world: World, visitor: str) -> None:
    with pytest.raises(Invalid):
        log.note(Slip("router", "en", 3), visitor=visitor)


def test_three_visitors_make_a_search_popular(world: World) -> None:
    looked_for("router offline", ANNA, BEN, CLARA)
    looked_for("Router reset", ANNA, BEN)
    looked_for("router reset", ANNA)
    log.choose_popular()
    assert log.popular("en", "rout", limit=5) == ["router offline"], "one visitor three times is one visitor"
    assert log.popular("de", "rout", limit=5) == []
    assert log.popular("en", "off", limit=5) == [], "it does not begin so"
    assert log.popular("en", "???", limit=5) == []
    assert log.popular("en", limit=5) == ["router offline"]


@pytest.mark.parametrize(
    "text",
    [
        "author:anna",
        "why is https://example.org down",
        "@anna lies",
        "-cable",
        "<b>bold</b>",
        "ab",
        "404",
        "a very long search about what a router does at night and why nobody knows",
        "one two three four five six seven eight nine",
    ],
)
def test_what_is_no_plain_words_is_never_popular(world: World, text: str) -> None:
    looked_for(text, ANNA, BEN, CLARA, DAVID)
    log.choose_popular()
    assert log.popular("en", limit=5) == []


def test_what_finds_nothing_any_more_is_not_popular(world: World, clock: time_machine.Traveller) -> None:
    looked_for("magic lantern", ANNA, BEN, CLARA)
    log.choose_popular()
    assert log.popular("en", limit=5) == ["magic lantern"]
    clock.shift(timedelta(hours=1))
    looked_for("magic lantern", DAVID, hits=0)
    log.choose_popular()
    assert log.popular("en", limit=5) == []


def test_choosing_again_writes_nothing_where_nothing_changed(world: World) -> None:
    looked_for("router offline", ANNA, BEN, CLARA)
    log.choose_popular()
    first = db.session.scalar(select(PopularSearch.id))
    log.choose_popular()
    assert db.session.scalar(select(PopularSearch.id)) == first


def test_after_90_days_nothing_is_left(world: World, clock: time_machine.Traveller) -> None:
    looked_for("router", ANNA)
    for kind in ("nothing", "popular"):
        db.session.add(ClosedGap(kind=kind, words="x", locale="en", by_id=world.ada.id, at=now()))
    clock.shift(timedelta(days=89))
    looked_for("wifi", ANNA)
    log.forget()
    assert len(kept()) == 2
    clock.shift(timedelta(days=2))
    log.forget()
    assert [row.text for row in kept()] == ["wifi"]
    assert list(db.session.scalars(select(ClosedGap.kind))) == ["popular"], "what is hidden stays hidden"


@pytest.fixture
def stocked(shelves: dict[str, Shelf], indexed: Callable[[], None]) -> None:
    for number in range(25):
        shelves["topic"].put(number, f"Router number {number}")
    indexed()


def attributes(page: str) -> dict[str, str]:
    """Return what the page tells its script about the search."""
    return dict(re.findall(r'data-search-(\w+(?:-\w+)*)="([^"]*)"', page))


def told(guest: Browser, page: str, **more: str) -> Any:
    found = attributes(page)
    return guest.post(found["log-url"], data={"slip": found["slip"], "visitor": ANNA, **more})


def rows(app: Flask) -> list[tuple[str, int, str | None, int | None]]:
    with app.app_context():
        return [(row.text, row.hits, row.opened_kind, row.opened_position) for row in kept()]


def test_the_page_and_its_script_keep_a_search(app: Flask, stocked: None, guest: Browser) -> None:
    page = guest.get("/search?q=router").text
    assert rows(app) == [], "looking writes nothing"
    assert "data-search-counts" in page
    assert 'data-ref="topic:' in page
    assert told(guest, page).status_code == 204
    assert told(guest, page, opened="topic:3", position="2").status_code == 204
    assert told(guest, page, asks="1").status_code == 204
    assert rows(app) == [("router", 25, "topic", 2)]


def test_further_and_narrowed_pages_count_only_what_is_opened(app: Flask, stocked: None, guest: Browser) -> None:
    told(guest, guest.get("/search?q=router").text)
    for address in ("/search?q=router&page=2", "/search?q=router&kind=topic"):
        page = guest.get(address).text
        assert "data-search-counts" not in page
        assert told(guest, page).status_code == 204
    assert attributes(guest.get("/search?q=router&page=2").text)["first"] == "20"
    told(guest, guest.get("/search?q=router&page=2").text, opened="topic:3", position="21")
    assert rows(app) == [("router", 25, "topic", 21)]


def test_a_private_search_carries_no_slip(stocked: None, guest: Browser) -> None:
    assert "data-search-slip" not in guest.get("/search?q=anna@example.org").text
    assert "data-search-slip" not in guest.get("/search").text


def test_the_team_tries_searches_without_being_counted(
    stocked: None, stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.everybody() and None)
    assert "data-search-slip" in browser_of("tina").get("/search?q=router").text
    assert "data-search-slip" not in browser_of("emil").get("/search?q=router").text


def test_nobody_can_tell_of_searches_that_were_not_made(app: Flask, stocked: None, guest: Browser) -> None:
    page = guest.get("/search?q=router").text
    slip = attributes(page)["slip"]
    for wrong in (
        {},
        {"slip": "x", "visitor": ANNA},
        {"slip": slip},
        {"slip": slip, "visitor": "x"},
        {"slip": slip, "visitor": ANNA, "opened": "nothing:1"},
        {"slip": slip, "visitor": ANNA, "opened": "topic:1;--"},
    ):
        assert guest.post("/search/log", data=wrong).status_code == 422, wrong
    assert guest.post("/search/log", data={"slip": slip, "visitor": ANNA}, without_csrf=True).status_code == 400
    assert rows(app) == []


class Program:
    """A program that searches for people, with the token of one of them."""

    def __init__(self, client: Browser, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    def searches(self, **query: Any) -> Any:
        return self._client.get("/api/v1/search", query_string=query, headers=self._headers).json

    def tells(self, slip: str | None, visitor: str = ANNA, **more: Any) -> int:
        body = {"slip": slip, "visitor": visitor, **more}
        return int(self._client.post("/api/v1/searches", json=body, headers=self._headers).status_code)


@pytest.fixture
def program(
    stocked: None,
    stage: Callable[[Callable[[World], Any]], Any],
    token_of: Callable[..., str],
    guest: Browser,
) -> Program:
    stage(lambda world: world.everybody() and None)
    return Program(guest, token_of("tina", "read", "write"))


def test_a_program_tells_what_a_page_tells(app: Flask, program: Program) -> None:
    slip = program.searches(q="router")["slip"]
    assert rows(app) == [], "looking writes nothing"
    for _ in range(2):
        assert program.tells(slip) == 204
    assert program.tells(slip, opened="topic:3", position=2) == 204
    assert program.tells(slip, asks_people=True) == 204
    assert rows(app) == [("router", 25, "topic", 2)]
    with app.app_context():
        (row,) = kept()
        assert row.by_program
        assert row.asked_people_at is not None
        assert "tina" not in repr(row.__dict__)


def test_what_a_program_tells_is_a_gap_and_never_popular(app: Flask, program: Program) -> None:
    for visitor in (ANNA, BEN, CLARA, DAVID):
        assert program.tells(program.searches(q="green elephants", locale="en")["slip"], visitor) == 204
        assert program.tells(program.searches(q="router", locale="en")["slip"], visitor, opened="") == 204
    with app.app_context():
        log.choose_popular()
        assert log.popular("en", limit=5) == []
        nothing = db.session.scalars(select(NothingFound)).one()
        assert (nothing.words, nothing.times, nothing.visitors) == ("green elephants", 4, 4)
        with time_machine.travel(now() + timedelta(hours=1)):
            assert list(db.session.scalars(select(NothingOpened))) == [], "it need not tell what is opened"
        looked_for("router", ANNA, BEN)
        log.choose_popular()
        assert log.popular("en", limit=5) == [], "two people and four programs are two people"
        db.session.rollback()


def test_further_and_narrowed_answers_are_no_search_of_their_own(app: Flask, program: Program) -> None:
    for more in ({"page": 2}, {"kind": "topic"}, {"solved": "false"}, {"since": "2020-01-01"}, {"tag": "x"}):
        assert program.tells(program.searches(q="router", **more)["slip"]) == 204
    assert rows(app) == []
    program.tells(program.searches(q="router", locale="de")["slip"])
    assert rows(app) == [("router", 0, None, None)]


@pytest.mark.parametrize("private", ["anna@example.org", "0170 1234567", "", "???"])
def test_a_private_search_over_the_api_carries_no_slip(program: Program, private: str) -> None:
    assert program.searches(q=private)["slip"] is None


def test_the_team_tries_searches_over_the_api_without_being_counted(
    program: Program, token_of: Callable[..., str], guest: Browser
) -> None:
    assert Program(guest, token_of("emil")).searches(q="router")["slip"] is None


def test_programs_tell_only_of_what_they_searched_and_with_the_right_to_write(
    app: Flask, program: Program, token_of: Callable[..., str], guest: Browser
) -> None:
    slip = program.searches(q="router")["slip"]
    assert Program(guest, token_of("tina", "read")).tells(slip) == 403
    of_the_page = attributes(guest.get("/search?q=router").text)["slip"]
    for wrong in (None, "", "x", slip[:-2], of_the_page):
        assert program.tells(wrong) == 422, wrong
    for visitor in ("", "short", "x" * 41, "a b" * 8):
        assert program.tells(slip, visitor) == 422, visitor
    assert program.tells(slip, opened="nothing:1") == 422
    assert program.tells(slip, surprise=1) == 422
    assert guest.post("/search/log", data={"slip": slip, "visitor": ANNA}).status_code == 422, "no slip of a page"
    assert rows(app) == []
