"""The pages of blocks, as an editor's browser without script sees them."""

from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from kb import blocks, queries
from kb.models import Article
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf, fields_of

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def ids(stage: Stage) -> tuple[int, int]:
    """A block, and a published article that has it."""

    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        words = {"de": "System → Zeitschaltung", "en": "System → Timer"}
        made = blocks.create(name="menu", words=words, audience="public", by=world.emil)
        return made.id, Shelf(world).published(resolution="Open {{block:menu}}.").id

    found: tuple[int, int] = stage(scene)
    return found


@pytest.fixture
def emil(ids: tuple[int, int], browser_of: Callable[[str], Browser]) -> Browser:
    return browser_of("emil")


def test_the_list_and_the_page_say_where_a_block_stands(emil: Browser, ids: tuple[int, int]) -> None:
    page = emil.get("/kb/blocks").text
    assert "{{block:menu}}" in page
    assert "In 1 article" in page
    page = emil.get(f"/kb/blocks/{ids[0]}").text
    assert "Wireless is gone after an update" in page
    assert "Put its words in its place" in page
    assert emil.get("/kb/blocks/4711").status_code == 404


def test_readers_get_the_words_on_every_surface(guest: Browser, emil: Browser, ids: tuple[int, int]) -> None:
    path = f"/kb/{ids[1]}-wireless-is-gone-after-an-update"
    for address in (path, "/feeds/kb.xml", f"/api/v1/articles/{ids[1]}"):
        said = guest.get(address)
        text = said.json["body"] if said.is_json else said.text
        assert "System → Timer" in text, address
        assert "{{block" not in said.text, address
    form = fields_of(emil.get(f"/kb/blocks/{ids[0]}/edit").text, f"/kb/blocks/{ids[0]}/edit")
    changed = {**form, "words_en": "Home → Rest", "significance": "typo", "comment": "As in 8.0"}
    assert emil.post(f"/kb/blocks/{ids[0]}/edit", data=changed).status_code == 303
    for address in (path, "/feeds/kb.xml", f"/api/v1/articles/{ids[1]}"):
        said = guest.get(address)
        assert "Home → Rest" in (said.json["body"] if said.is_json else said.text), address
    assert "As in 8.0" in emil.get(f"/kb/blocks/{ids[0]}").text
    stale = emil.post(f"/kb/blocks/{ids[0]}/edit", data={**changed, "words_en": "Other"})
    assert stale.status_code == 409
    assert "Other" in stale.text
    restored = emil.post(f"/kb/blocks/{ids[0]}/revisions/1/restoration", data={"significance": "content"})
    assert restored.status_code == 303
    assert "System → Timer" in guest.get(path).text


def test_a_new_block_keeps_what_was_typed_until_it_is_right(emil: Browser, stage: Stage) -> None:
    fields = fields_of(emil.get("/kb/blocks").text, "/kb/blocks")
    typed = {**fields, "name": "Hot line", "words_de": "Rufen Sie an: 0711 5566770."}
    refused = emil.post("/kb/blocks", data=typed)
    assert refused.status_code == 422
    assert "Hot line" in refused.text
    refused = emil.post("/kb/blocks", data={**typed, "name": "hotline"})
    assert refused.status_code == 422
    again = fields_of(refused.text, "/kb/blocks")
    digest = next(name for name in again if name.startswith("find-")).removeprefix("find-")
    again |= {f"find-{digest}": "keep", f"why-{digest}": "Our hotline."}
    assert emil.post("/kb/blocks", data=again).status_code == 303
    assert stage(lambda _world: blocks.named("hotline") is not None)
    empty = emil.post("/kb/blocks", data={**fields, "name": "nothing"})
    assert empty.status_code == 422
    assert "one language at least" in empty.text


def test_an_unknown_block_is_said_at_the_field_of_the_article(emil: Browser, ids: tuple[int, int]) -> None:
    path = f"/kb/articles/{ids[1]}/edit"
    page = emil.get(path).text
    assert 'data-insert-text="{{block:menu}}"' in page
    fields = fields_of(page, path)
    assert fields["resolution"] == "Open {{block:menu}}."
    refused = emil.post(path, data={**fields, "resolution": "Open {{block:nowhere}}."})
    assert refused.status_code == 422
    assert "There is no block called “nowhere”." in refused.text
    assert "Open {{block:nowhere}}." in refused.text


def test_a_used_block_is_not_removed_but_dissolved(
    emil: Browser, guest: Browser, ids: tuple[int, int], stage: Stage
) -> None:
    assert emil.post(f"/kb/blocks/{ids[0]}/removal").status_code == 409
    assert emil.post(f"/kb/blocks/{ids[0]}/dissolution").status_code == 303
    assert emil.get(f"/kb/blocks/{ids[0]}").status_code == 404

    def said(_world: World) -> str:
        return str(queries.newest_revision(db.session.get_one(Article, ids[1])).resolution)

    assert stage(said) == "Open System → Timer."
    assert "System → Timer" in guest.get(f"/kb/{ids[1]}-wireless-is-gone-after-an-update").text


def test_a_block_for_the_team_is_on_no_page_of_others(
    emil: Browser, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    fields = fields_of(emil.get("/kb/blocks").text, "/kb/blocks")
    secret = {**fields, "name": "inside", "words_en": "The hidden lever", "audience": "team"}
    assert emil.post("/kb/blocks", data=secret).status_code == 303
    path = "/kb/articles/new"
    form = fields_of(emil.get(path).text, "/kb/articles")
    typed = {**form, "title": "The lever", "resolution": "{{block:inside}}", "section": "router", "locale": "en"}
    refused = emil.post("/kb/articles", data=typed)
    assert refused.status_code == 422
    assert "fewer people" in refused.text
    for browser in (guest, browser_of("charlie")):
        for address in ("/kb", "/kb/blocks", "/feeds/kb.xml", "/search?q=lever"):
            assert "hidden lever" not in browser.get(address).text
