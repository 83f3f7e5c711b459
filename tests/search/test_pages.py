"""The page of results, the fragment of the ask page, the description for browsers, the API."""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree
from flask import Flask

from search.engines import SearchUnavailable
from search.engines.whoosh import WhooshEngine
from search.grammar import LONGEST_QUERY, MOST_TERMS
from tests.search.conftest import Shelf
from tests.search.samples import ODD_QUERIES


@pytest.fixture
def stocked(shelves: dict[str, Shelf], indexed: Callable[[], None]) -> dict[str, Shelf]:
    shelves["topic"].put(1, "Router <b>offline</b>", "The router lost its <i>connection</i>.", solved=True)
    shelves["topic"].put(2, "Router startet neu", "Der Router startet neu.", locale="de")
    shelves["article"].put(1, "Set up a router", "Plug it in.")
    indexed()
    return shelves


def test_the_page_shows_what_was_found(stocked: dict[str, Shelf], guest: Any) -> None:
    page = guest.get("/search?q=routers").text
    assert "3 results" in page
    assert 'href="/topic/1"' in page
    assert 'href="/article/1"' in page
    assert "Router &lt;b&gt;offline&lt;/b&gt;" in page
    assert "The <mark>router</mark> lost its &lt;i&gt;connection" in page
    assert "Solved" in page


def test_the_page_can_be_narrowed(stocked: dict[str, Shelf], guest: Any) -> None:
    page = guest.get("/search?q=router&kind=article").text
    assert "1 result<" in page
    assert 'href="/topic/1"' not in page
    page = guest.get("/search?q=router&locale=de").text
    assert "1 result<" in page
    assert 'href="/topic/2"' in page


def test_an_empty_page_leads_to_asking(stocked: dict[str, Shelf], guest: Any) -> None:
    page = guest.get("/search?q=green+elephants").text
    assert "Nothing found" in page
    assert "/ask?title=green+elephants" in page


def test_without_a_query_there_is_a_box(stocked: dict[str, Shelf], guest: Any) -> None:
    page = guest.get("/search")
    assert page.status_code == 200
    assert "Nothing found" not in page.text


def test_results_are_paged(shelves: dict[str, Shelf], indexed: Callable[[], None], guest: Any) -> None:
    for number in range(45):
        shelves["topic"].put(number, "router")
    indexed()
    pages = [guest.get(f"/search?q=router&page={page}").text for page in ("1", "2", "3", "99")]
    assert [page.count('class="row__title"') for page in pages] == [20, 20, 5, 5]
    assert "page=2" in pages[0]
    assert 'rel="prev"' not in pages[0]
    assert 'rel="next"' not in pages[2]


def test_what_was_cut_is_said(stocked: dict[str, Shelf], guest: Any) -> None:
    assert f"first {LONGEST_QUERY} characters" in guest.get("/search?q=" + "a" * (LONGEST_QUERY + 1)).text
    assert f"{MOST_TERMS} words" in guest.get("/search?q=" + "+".join(f"w{n}" for n in range(MOST_TERMS + 5))).text


def test_a_resting_index_is_said_and_no_error(
    stocked: dict[str, Shelf], guest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_args: object, **_more: object) -> None:
        raise SearchUnavailable("no")

    monkeypatch.setattr(WhooshEngine, "find", unreadable)
    page = guest.get("/search?q=router")
    assert page.status_code == 200
    assert "being put in order" in page.text
    assert guest.get("/search/similar?title=router").status_code == 200
    assert guest.get("/api/v1/search?q=router").json["degraded"] is True


@pytest.mark.parametrize("value", ODD_QUERIES)
def test_odd_values_are_answered(stocked: dict[str, Shelf], guest: Any, value: str) -> None:
    value = value.encode("utf-8", "replace").decode()[:3000]
    odd = {"q": value, "kind": value, "locale": value, "page": value, "title": value, "body": value}
    assert guest.get("/search", query_string=odd).status_code == 200
    assert guest.get("/search/similar", query_string=odd).status_code == 200
    assert guest.get("/api/v1/search", query_string={"q": value}).status_code == 200
    assert guest.get("/api/v1/similar", query_string={"title": value, "body": value}).status_code == 200


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", "1.5"])
def test_odd_page_numbers_mean_a_page_there_is(stocked: dict[str, Shelf], guest: Any, page: str) -> None:
    assert "3 results" in guest.get("/search", query_string={"q": "router", "page": page}).text


def test_the_fragment_has_matches_with_a_way_out(stocked: dict[str, Shelf], guest: Any) -> None:
    fragment = guest.get("/search/similar?title=my+router+is+offline").text
    assert "<html" not in fragment
    assert "Router &lt;b&gt;offline" in fragment
    assert 'method="post"' in fragment
    assert "This solves my problem" in fragment


def test_the_fragment_is_empty_where_nothing_is_similar(stocked: dict[str, Shelf], guest: Any) -> None:
    assert guest.get("/search/similar?title=green+elephants").text.strip() == ""
    assert guest.get("/search/similar").text.strip() == ""


def test_browsers_learn_how_to_search(app: Flask, guest: Any) -> None:
    answer = guest.get("/opensearch.xml")
    assert answer.content_type.startswith("application/opensearchdescription+xml")
    root: Element = ElementTree.fromstring(answer.data)
    addresses = [url.get("template") for url in root.iter("{http://a9.com/-/spec/opensearch/1.1/}Url")]
    assert f"{app.extensions['klinke-settings'].base_url}/search?q={{searchTerms}}" in addresses


def test_the_api_answers_in_the_promised_shape(stocked: dict[str, Shelf], guest: Any) -> None:
    answer = guest.get("/api/v1/search?q=routers&kind=topic,article&locale=&limit=2&page=1").json
    assert answer["total"] == 3
    assert len(answer["hits"]) == 2
    by_ref = {(hit["kind"], hit["id"]): hit for hit in guest.get("/api/v1/search?q=routers").json["hits"]}
    hit = by_ref["topic", 1]
    assert hit.pop("score") > 0
    assert hit == {
        "kind": "topic",
        "id": 1,
        "source_id": None,
        "title": "Router <b>offline</b>",
        "url": "/topic/1",
        "locale": "en",
        "excerpt": "The router lost its <i>connection</i>.",
        "solved": True,
        "why": ["In the title: routers", "Solved"],
    }


def test_the_api_narrows(stocked: dict[str, Shelf], guest: Any) -> None:
    assert [hit["kind"] for hit in guest.get("/api/v1/search?q=router&kind=article").json["hits"]] == ["article"]
    assert [hit["id"] for hit in guest.get("/api/v1/search?q=router&locale=de").json["hits"]] == [2]
    assert guest.get("/api/v1/search?q=router&kind=nothing").json["total"] == 0


def test_the_api_knows_similar_things(stocked: dict[str, Shelf], guest: Any) -> None:
    hits = guest.get("/api/v1/similar?title=Router+startet+neu&limit=1").json["hits"]
    assert [(hit["kind"], hit["id"]) for hit in hits] == [("topic", 2)]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "page=0", "locale=xx", "unknown=1", "q=" + "a" * 20_001, "kind=" + "a" * 201],
)
def test_the_api_says_which_value_is_wrong(stocked: dict[str, Shelf], guest: Any, query: str) -> None:
    answer = guest.get(f"/api/v1/search?{query}")
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [query.split("=", maxsplit=1)[0]]
