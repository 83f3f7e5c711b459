"""Feeds and the sitemap: well-formed, absolute, and never more than a guest may see."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from core.db import db
from forum import moderation, sitemaps
from forum.models import Post, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def parsed(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314 -- what our own server has just made


@pytest.fixture
def topic_id(stage: Stage) -> int:
    title = 'A title with <tags> & "quotes" and 𝄞'
    return stage(lambda world: world.ask(title=title, source="Some **bold** text & more.", tags=("wifi",)).id)


@pytest.mark.parametrize("path", ["/feeds/latest.xml", "/feeds/c/router.xml", "/feeds/tag/wifi.xml"])
def test_a_feed_is_atom_with_absolute_addresses(guest: Browser, topic_id: int, path: str) -> None:
    answer = guest.get(path)
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    feed = parsed(answer.data)
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}id") == f"http://localhost{path}"
    entry = feed.find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == 'A title with <tags> & "quotes" and 𝄞'
    assert entry.findtext(f"{ATOM}id") == f"http://localhost/t/{topic_id}"
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Alice"
    assert "<strong>bold</strong>" in (entry.findtext(f"{ATOM}content") or "")
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == f"http://localhost{path}"
    assert links["alternate"].startswith("http://localhost/")
    for element in (feed, entry):
        assert (element.findtext(f"{ATOM}updated") or "").endswith("Z")


def test_a_search_has_a_feed_with_its_words_and_filters(
    guest: Browser, stage: Stage, worker: Callable[[], None], browser_of: BrowserOf
) -> None:
    def scene(world: World) -> None:
        world.everybody()
        world.ask("The lantern blinks at night")
        world.solved(title="The lantern blinks by day", source="It is bright outside already.", by=world.tina)
        moderation.mute(world.ask("A lantern nobody may see"), by=world.ada, reason="off topic")

    stage(scene)
    worker()

    def titles(path: str, reader: Browser = guest) -> set[str | None]:
        answer = reader.get(path)
        assert answer.content_type == "application/atom+xml; charset=utf-8"
        return {entry.findtext(f"{ATOM}title") for entry in parsed(answer.data).findall(f"{ATOM}entry")}

    assert titles("/feeds/search.xml?q=lantern") == {"The lantern blinks at night", "The lantern blinks by day"}
    assert titles("/feeds/search.xml?q=lantern", browser_of("ada")) == titles("/feeds/search.xml?q=lantern")
    assert titles("/feeds/search.xml?q=lantern&solved=solved") == {"The lantern blinks by day"}
    assert titles("/feeds/search.xml?q=nothinglikethat") == set()
    assert guest.get("/feeds/search.xml").status_code == guest.get("/feeds/search.xml?q=+").status_code == 404
    assert "/feeds/search.xml?q=lantern&amp;solved=solved" in guest.get("/search?q=lantern&solved=solved").text


def test_a_feed_that_did_not_change_is_not_sent_again(guest: Browser, stage: Stage, topic_id: int) -> None:
    first = guest.get("/feeds/latest.xml")
    again = guest.get("/feeds/latest.xml", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    stage(lambda world: world.ask(title="Something new has been asked").id)
    assert guest.get("/feeds/latest.xml", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_characters_that_xml_does_not_know_break_no_feed(stage: Stage, guest: Browser, topic_id: int) -> None:
    def damage(_world: World) -> None:
        db.session.get_one(Topic, topic_id).title = "A bell \x07 and a \ufffe in it"

    stage(damage)
    entry = parsed(guest.get("/feeds/latest.xml").data).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == "A bell  and a  in it"


def test_feeds_of_what_does_not_exist_are_missing(stage: Stage, guest: Browser) -> None:
    stage(lambda world: world.router.id)
    assert guest.get("/feeds/c/nowhere.xml").status_code == 404
    assert guest.get("/feeds/tag/never.xml").status_code == 404
    assert parsed(guest.get("/feeds/latest.xml").data).find(f"{ATOM}entry") is None
    assert guest.get("/feeds/c/router.xml").status_code == 200


@pytest.mark.parametrize("path", ["/feeds/latest.xml", "/feeds/c/router.xml", "/sitemaps/topics-1.xml"])
def test_even_the_team_gets_in_a_feed_only_what_guests_see(
    stage: Stage, browser_of: BrowserOf, topic_id: int, path: str
) -> None:
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="personal data").id)
    for handle in ("ada", "alice"):
        text = browser_of(handle).get(path).text
        assert "quotes" not in text
        assert f"/t/{topic_id}" not in text


def test_a_question_without_its_author_still_stands_in_the_feed(stage: Stage, guest: Browser, topic_id: int) -> None:
    def erase(_world: World) -> None:
        db.session.get_one(Topic, topic_id).asker_id = None
        db.session.query(Post).filter_by(topic_id=topic_id).one().author_id = None

    stage(erase)
    assert "Somebody who has left" in guest.get("/feeds/latest.xml").text
    assert "Deleted account" in guest.get("/c/router").text


def test_the_sitemap_lists_topics_and_what_other_rooms_contribute(
    guest: Browser, stage: Stage, topic_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "_few", dict(sitemaps._few))
    sitemaps.contribute("tests", lambda: [("/somewhere/else", None)])
    stage(lambda world: world.answer(db.session.get_one(Topic, topic_id)))
    answer = guest.get("/sitemap.xml")
    assert answer.content_type == "application/xml; charset=utf-8"
    index = parsed(answer.data)
    assert index.tag == f"{SITEMAP}sitemapindex"
    parts = [(element.findtext(f"{SITEMAP}loc") or "").removeprefix("http://localhost") for element in index]
    roots = [parsed(guest.get(part).data) for part in parts]
    addresses = [element.findtext(f"{SITEMAP}loc") for root in roots for element in root]
    assert "http://localhost/" in addresses
    assert "http://localhost/c/router" in addresses
    assert f"http://localhost/t/{topic_id}-a-title-with-tags-quotes-and" in addresses
    assert "http://localhost/somewhere/else" in addresses
    assert {root.tag for root in roots} == {f"{SITEMAP}urlset"}


def test_pages_announce_their_feeds(guest: Browser, topic_id: int) -> None:
    for page, feed in (
        ("/", "/feeds/latest.xml"),
        ("/c/router", "/feeds/c/router.xml"),
        ("/tags/wifi", "/feeds/tag/wifi.xml"),
    ):
        assert 'type="application/atom+xml" title="' in guest.get(page).text
        assert f'href="{feed}"' in guest.get(page).text
