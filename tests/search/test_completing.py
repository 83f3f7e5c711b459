"""What is suggested while somebody types, to the page's script and to browsers."""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from bs4 import BeautifulSoup
from defusedxml import ElementTree
from flask import Flask
from sqlalchemy import event

from core.db import db
from search import log
from search.log import Slip
from tests.cast import World
from tests.search.conftest import Shelf
from tests.search.samples import ODD_QUERIES

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def stocked(shelves: dict[str, Shelf], indexed: Callable[[], None], stage: Stage) -> dict[str, Shelf]:
    shelves["topic"].put(1, "Router <b>offline</b>", solved=True)
    shelves["article"].put(1, "Set up a router")
    indexed()
    stage(popular)
    return shelves


def popular(_world: World) -> None:
    for text in ("Router reset", "router", "wifi <b>", "wifi slow"):
        for visitor in "abc":
            log.note(Slip(text, "en", 3), visitor=visitor * 32)
    log.choose_popular()


def options(fragment: str) -> list[tuple[str, str]]:
    found = BeautifulSoup(fragment, "html.parser").select("[role=group] > [role=option]")
    return [(str(one.get("data-fill") or one.get("data-open")), one.get_text(" ", strip=True)) for one in found]


def test_popular_searches_come_first_then_what_fits(stocked: dict[str, Shelf], guest: Any) -> None:
    fragment = guest.get("/search/complete?q=router").text
    assert "<html" not in fragment
    found = options(fragment)
    assert found[0] == ("Router reset", "Router reset")
    assert ("/topic/1", "Router <b>offline</b> Question") in found
    assert ("/article/1", "Set up a router Article") in found
    assert len(found) == 3
    assert ("router", "router") not in found, "what is typed already need not be suggested"


def test_five_titles_are_enough(stocked: dict[str, Shelf], indexed: Callable[[], None], guest: Any) -> None:
    for number in range(2, 12):
        stocked["topic"].put(number, f"Router number {number}")
    indexed()
    assert len(options(guest.get("/search/complete?q=router").text)) == 1 + 5


def test_two_letters_fit_too_many_titles(stocked: dict[str, Shelf], guest: Any) -> None:
    assert options(guest.get("/search/complete?q=ro").text) == [
        ("router", "router"),
        ("Router reset", "Router reset"),
    ]


def test_an_empty_box_shows_what_is_popular(stocked: dict[str, Shelf], guest: Any) -> None:
    assert [fill for fill, _ in options(guest.get("/search/complete").text)] == ["router", "Router reset", "wifi slow"]
    assert "wifi slow" in guest.get("/search").text


def test_where_nothing_fits_nothing_is_shown(stocked: dict[str, Shelf], guest: Any) -> None:
    assert guest.get("/search/complete?q=green+elephants").text.strip() == ""


def test_what_is_hidden_is_not_suggested(stocked: dict[str, Shelf], guest: Any) -> None:
    stocked["topic"].hidden.add(1)
    assert "offline" not in guest.get("/search/complete?q=router+offline").text
    assert "offline" not in " ".join(guest.get("/search/suggestions.json?q=router+offline").json[1])


def test_suggesting_asks_the_database_little(app: Flask, stocked: dict[str, Shelf], guest: Any) -> None:
    sent: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            sent.append(statement)

    guest.get("/search/complete?q=router")  # the synonyms are read once in a while
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert guest.get("/search/complete?q=router").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(sent) == 1, "besides what the rooms ask for the titles"


def test_browsers_get_suggestions_in_their_own_shape(app: Flask, stocked: dict[str, Shelf], guest: Any) -> None:
    answer = guest.get("/search/suggestions.json?q=router")
    assert answer.content_type.startswith("application/x-suggestions+json")
    typed, texts, descriptions, addresses = answer.json
    assert typed == "router"
    assert texts[0] == "Router reset"
    assert "Router <b>offline</b>" in texts
    assert len(texts) == len(descriptions) == len(addresses)
    base = app.extensions["klinke-settings"].base_url
    assert addresses[0] == f"{base}/search?q=Router+reset"
    assert all(address.startswith(f"{base}/") for address in addresses)


def test_the_description_names_both_addresses_and_languages(app: Flask, guest: Any) -> None:
    space = "{http://a9.com/-/spec/opensearch/1.1/}"
    english, german = (
        ElementTree.fromstring(guest.get("/opensearch.xml", headers={"Accept-Language": language}).data)
        for language in ("en", "de")
    )
    root: Element = english
    by_type = {url.get("type"): url.get("template") for url in root.iter(f"{space}Url")}
    base = app.extensions["klinke-settings"].base_url
    assert by_type["application/x-suggestions+json"] == f"{base}/search/suggestions.json?q={{searchTerms}}"
    assert by_type["text/html"] == f"{base}/search?q={{searchTerms}}"
    assert [one.text for one in root.iter(f"{space}Language")] == ["de", "en"]
    assert root.findtext(f"{space}Image", "").endswith(".svg") or "klinke.svg" in root.findtext(f"{space}Image", "")
    assert german.findtext(f"{space}Description") != root.findtext(f"{space}Description")
    assert 'rel="search"' in guest.get("/search").text


@pytest.mark.parametrize("value", ODD_QUERIES)
def test_odd_beginnings_are_answered(stocked: dict[str, Shelf], guest: Any, value: str) -> None:
    value = value.encode("utf-8", "replace").decode()[:3000]
    for address in ("/search/complete", "/search/suggestions.json"):
        assert guest.get(address, query_string={"q": value}).status_code == 200
