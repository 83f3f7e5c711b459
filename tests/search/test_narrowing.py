"""Filters, chips and their addresses, and what else the page of results can say."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from core.clock import now
from search import grammar, labels, query
from search.narrowing import Narrowing
from tests.cast import World
from tests.conftest import Browser
from tests.search.conftest import Shelf
from tests.search.samples import ODD_QUERIES

Stage = Callable[[Callable[[World], Any]], Any]
FACETS = {
    "kind": (("topic", 2), ("article", 1)),
    "locale": (("en", 3),),
    "category": (("router", 2), ("nowhere", 1)),
    "solved": (("solved", 1), ("unsolved", 1)),
    "tag": (("wlan", 2), ("c++", 1)),
}


class Finder:
    """A search that notes what it was asked and answers as it is told."""

    def __init__(self, hits: list[query.Hit]) -> None:
        self.asked: dict[str, Any] = {}
        self.answer = SimpleNamespace(
            hits=hits, total=len(hits), did_you_mean=None, degraded=False, facets=FACETS, near=[]
        )

    def find(
        self,
        text: str,
        *,
        viewer: Any,
        kinds: Any = None,
        locale: str | None = None,
        only_locale: str | None = None,
        category: str | None = None,
        solved: bool | None = None,
        tag: str | None = None,
        product: str | None = None,
        archived: str | None = None,
        author: str | None = None,
        since: Any = None,
        limit: int = 20,
        page: int = 1,
        counted: bool = False,
    ) -> Any:
        self.asked = {name: value for name, value in locals().items() if name not in {"self", "viewer"}}
        return SimpleNamespace(**vars(self.answer), query=grammar.parse(text))


@pytest.fixture
def finder(
    app: Flask, shelves: dict[str, Shelf], indexed: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> Finder:
    shelves["topic"].put(1, "Router offline", "The router is offline.", solved=True)
    indexed()
    with app.test_request_context():
        hits = query.find("router", viewer=None).hits
    finder = Finder(hits)
    monkeypatch.setattr(query, "find", finder.find)
    return finder


def beside(page: str) -> BeautifulSoup:
    found = BeautifulSoup(page, "html.parser").select_one(".filters--beside")
    assert found is not None
    return BeautifulSoup(str(found), "html.parser")


def links(page: BeautifulSoup, selector: str) -> dict[str, str]:
    return {one.get_text(" ", strip=True): str(one["href"]) for one in page.select(selector)}


def test_filters_are_links_with_counts(finder: Finder, guest: Browser, stage: Stage) -> None:
    stage(lambda world: world.router and None)
    found = links(beside(guest.get("/search?q=router").text), ".filters__choice")
    assert found["Questions 2"] == "/search?q=router&kind=topic"
    assert found["English 3"] == "/search?q=router&locale=en"
    assert "Deutsch" not in " ".join(found), "what has no hits is not offered"
    assert found["Solved 1"] == "/search?q=router&solved=solved"
    assert found["c++ 1"] == "/search?q=router&tag=c%2B%2B"
    assert found["Routers 2"] == "/search?q=router&category=router", "the forum says what its category is called"
    assert found["nowhere 1"] == "/search?q=router&category=nowhere"
    assert found["Past month"] == "/search?q=router&since=month"
    assert finder.asked["counted"] is True


def test_without_counts_the_filters_are_there_all_the_same(finder: Finder, guest: Browser) -> None:
    finder.answer.facets = {}
    found = links(beside(guest.get("/search?q=router").text), ".filters__choice")
    assert {"Questions", "Articles", "Deutsch", "English", "Solved", "Unsolved"} <= set(found)


def test_the_same_filters_unfold_on_a_phone(finder: Finder, guest: Browser) -> None:
    page = BeautifulSoup(guest.get("/search?q=router").text, "html.parser")
    folded = page.select_one("details.filters--folded")
    assert folded is not None
    assert not folded.has_attr("open")
    assert links(page, ".filters--folded .filters__choice") == links(page, ".filters--beside .filters__choice")
    assert page.select_one("form.filters__group input[name=author]") is not None


def test_every_filter_reaches_the_query(finder: Finder, guest: Browser) -> None:
    guest.get("/search?q=router&kind=topic&locale=de&category=router&solved=unsolved&tag=wlan&since=week&author=@anna")
    asked = finder.asked
    assert asked["kinds"] == ("topic",)
    assert asked["only_locale"] == "de"
    assert (asked["category"], asked["solved"], asked["tag"], asked["author"]) == ("router", False, "wlan", "anna")
    assert now() - asked["since"] - timedelta(days=7) < timedelta(minutes=1)


def test_what_is_chosen_stands_above_the_results_and_can_be_removed(finder: Finder, guest: Browser) -> None:
    page = BeautifulSoup(guest.get("/search?q=router&kind=topic&author=anna&since=year").text, "html.parser")
    assert links(page, ".chip") == {
        "Questions × remove": "/search?q=router&since=year&author=anna",
        "Past year × remove": "/search?q=router&kind=topic&author=anna",
        "By @anna × remove": "/search?q=router&kind=topic&since=year",
    }
    assert links(page, ".chips .button") == {"Remove all": "/search?q=router"}
    current = [one.get_text(" ", strip=True) for one in page.select(".filters--beside [aria-current]")]
    assert current[0] == "Questions 2"
    hidden = {(one["name"], one["value"]) for one in page.select(".filters--beside form input[type=hidden]")}
    assert hidden == {("q", "router"), ("kind", "topic"), ("since", "year")}, "the form keeps what else is chosen"


def test_a_filter_that_finds_nothing_can_be_taken_away(finder: Finder, guest: Browser) -> None:
    finder.answer.hits, finder.answer.total, finder.answer.facets = [], 0, {"kind": ()}
    page = guest.get("/search?q=router&kind=article").text
    assert "Nothing found with these filters" in page
    assert 'href="/search?q=router"' in page
    assert "Ask this question" not in page


def test_a_further_page_keeps_the_filters(finder: Finder, guest: Browser) -> None:
    finder.answer.total = 45
    page = guest.get("/search?q=router&tag=wlan&page=2").text
    assert 'href="/search?q=router&amp;tag=wlan&amp;page=3"' in page
    assert 'href="/search?q=router&amp;tag=wlan"' in page
    assert finder.asked["page"] == 2


def test_a_better_spelling_is_a_link(finder: Finder, guest: Browser) -> None:
    finder.answer.did_you_mean = "router <offline>"
    page = guest.get("/search?q=routr&kind=topic").text
    assert "Did you mean:" in page
    assert 'href="/search?q=router+%3Coffline%3E&amp;kind=topic"' in page
    assert "router &lt;offline&gt;" in page


def test_what_is_close_in_meaning_is_shown_before_asking(finder: Finder, guest: Browser) -> None:
    finder.answer.near, finder.answer.hits, finder.answer.total = finder.answer.hits, [], 0
    page = guest.get("/search?q=no+connection").text
    assert page.index("<h2>Similar</h2>") < page.index("Router offline") < page.index("Ask this question")
    assert "/ask?title=no+connection" in page


def test_a_search_without_its_index_shows_what_it_has(finder: Finder, guest: Browser) -> None:
    finder.answer.degraded = True
    page = guest.get("/search?q=router").text
    assert "more slowly and less completely" in page
    assert "Router offline" in page
    assert "data-search-slip" not in page, "what it does not find now is no gap"


def test_the_team_is_led_to_the_reasons_and_nobody_else(
    finder: Finder, guest: Browser, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.everybody() and None)
    assert "/search/explain?q=router" in browser_of("dora").get("/search?q=router").text
    assert "/search/explain" not in browser_of("tina").get("/search?q=router").text
    assert "/search/explain" not in guest.get("/search?q=router").text


@pytest.mark.parametrize("value", ODD_QUERIES)
def test_odd_values_narrow_nothing_or_something_harmless(finder: Finder, guest: Browser, value: str) -> None:
    value = value.encode("utf-8", "replace").decode()[:2000]
    names = ("kind", "locale", "category", "solved", "tag", "since", "author")
    answer = guest.get("/search", query_string={"q": "router", **dict.fromkeys(names, value)})
    assert answer.status_code == 200
    asked = finder.asked
    assert (asked["kinds"], asked["only_locale"], asked["solved"], asked["since"]) == (None, None, None, None)
    assert len(asked["tag"] or "") <= 80


def test_an_address_is_read_as_it_was_written(app: Flask) -> None:
    chosen = Narrowing(kind="topic", solved="solved", tag="c++", since="week")
    with app.test_request_context():
        address = chosen.address("router & more", page=3)
        with app.test_request_context(address):
            from flask import request

            assert Narrowing.read(request.args) == chosen
            assert (request.args["q"], request.args["page"]) == ("router & more", "3")
    assert chosen.changed("tag", None) == replace(chosen, tag=None)


def test_a_section_without_anything_to_read_keeps_its_name(app: Flask, guest: Browser, stage: Stage) -> None:
    stage(empty_section)
    assert "Plans for next year" not in guest.get("/search?q=router&category=plans").text
    with app.app_context():
        emil = World().emil
        assert labels.names("category", ["plans"], viewer=emil) == {"plans": "Plans for next year"}


def empty_section(world: World) -> None:
    from kb import sections

    sections.create(names={"en": "Plans", "de": "Pläne"}, by=world.emil)
    section = sections.find("plans")
    assert section is not None
    section.names = {"en": "Plans for next year", "de": "Pläne"}


def test_the_api_narrows_and_counts_like_the_page(finder: Finder, guest: Browser) -> None:
    finder.answer.did_you_mean = "router"
    answer = guest.get(
        "/api/v1/search?q=routr&category=router&solved=true&tag=wlan&author=@anna"
        "&since=2026-01-05T10:00:00&counted=true"
    ).json
    asked = finder.asked
    assert (asked["category"], asked["solved"], asked["tag"], asked["author"]) == ("router", True, "wlan", "anna")
    assert asked["since"].isoformat() == "2026-01-05T10:00:00+00:00"
    assert answer["facets"]["tag"] == {"wlan": 2, "c++": 1}
    assert answer["did_you_mean"] == "router"
    assert answer["near"] == []
    assert guest.get("/api/v1/search?q=x&solved=perhaps").status_code == 422
    assert guest.get("/api/v1/search?q=x&since=yesterday").status_code == 422
