"""What was archived is found by the team that asks for the archive, and by nobody else anywhere."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup

from accounts.people import AnonymousUser
from core.db import db
from kb import articles, inserting, retiring
from kb.models import Article
from search import completing, indexer, query
from search.documents import Ref
from search.engines import SearchUnavailable
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
WORD = "Zimtsternlicht"
"""Stands in the archived article alone."""
UNTYPED = "Pfauenfeder"
"""The same, and no query has it."""
OUTSIDE = ("guest", "alice", "tina", "charlie")
TEAM = ("dora", "ada", "emil", "root")


@pytest.fixture
def ids(stage: Stage, worker: Callable[[], None]) -> tuple[int, int]:
    """An archived article and the one that took its place."""

    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        shelf = Shelf(world)
        old = shelf.published(title=f"The light blinks {WORD}", summary=f"Wait for the {UNTYPED}.", tags=["blinking"])
        new = shelf.published(title="The light blinks: what helps today")
        retiring.retire(old, by=world.emil, reason="There is a better one.", successor=new)
        return old.id, new.id

    made: tuple[int, int] = stage(scene)
    worker()
    return made


def found(browser: Browser, **args: str) -> list[str]:
    page = BeautifulSoup(browser.get("/search", query_string=args).text, "html.parser")
    return [str(link["data-ref"]) for link in page.select("main .row__title")]


@pytest.mark.parametrize("handle", TEAM)
def test_the_team_finds_it_where_it_asks_for_the_archive(
    browser_of: Callable[[str], Browser], ids: tuple[int, int], handle: str
) -> None:
    old, new = ids
    browser, archived = browser_of(handle), f"archived:{ids[0]}"
    assert found(browser, q=WORD) == []
    for asked in (f"{WORD} in:archive", f"is:archived {WORD}", "in:archive"):
        assert found(browser, q=asked) == [archived], asked
    assert found(browser, q=WORD, archived="only") == [archived]
    assert set(found(browser, q="light blinks", archived="too")) == {archived, f"article:{new}"}
    assert found(browser, q="light blinks") == [f"article:{new}"]
    page = browser.get("/search", query_string={"q": f"{WORD} in:archive"}).text
    row = BeautifulSoup(page, "html.parser").select_one("main li.row")
    assert row is not None
    assert "Archived article" in row.text
    assert "replaced by The light blinks: what helps today" in " ".join(row.text.split())
    led = [str(link["href"]) for link in row.select("a")]
    assert led == [f"/kb/{old}-the-light-blinks-zimtsternlicht", f"/kb/{new}-the-light-blinks-what-helps-today"]
    assert "With the archive" in page


@pytest.mark.parametrize("handle", OUTSIDE)
def test_nobody_else_finds_it_whatever_is_asked(
    guest: Browser, browser_of: Callable[[str], Browser], ids: tuple[int, int], handle: str
) -> None:
    browser = guest if handle == "guest" else browser_of(handle)
    for args in (
        {"q": WORD},
        {"q": f"{WORD} in:archive"},
        {"q": "is:archived"},
        {"q": "light blinks", "archived": "too"},
        {"q": "light blinks", "archived": "only"},
        {"q": "light", "kind": "archived"},
    ):
        assert f"archived:{ids[0]}" not in found(browser, **args), args
        page = browser.get("/search", query_string=args).text
        assert UNTYPED not in page, args
        assert "With the archive" not in page
    assert WORD not in browser.get("/search").text
    for path in (
        f"/search/complete?q={WORD[:6]}",
        f"/search/suggestions.json?q={'The light bl'}",
        f"/search/similar?title=The+light+blinks+{WORD}",
        f"/feeds/search.xml?q={WORD}+in:archive&archived=only",
        "/feeds/search.xml?q=blinks&archived=too",
        "/feeds/kb.xml",
        "/sitemaps/articles-1.xml",
        "/api/v1/articles",
        "/kb",
        "/kb/s/router",
        "/t/blinking",
    ):
        text = browser.get(path).text
        assert f"/kb/{ids[0]}" not in text, path
        assert UNTYPED not in text, path


@pytest.mark.parametrize(("handle", "is_let"), [("alice", False), ("dora", True), (None, False)])
def test_the_api_finds_it_for_the_team_alone(
    guest: Browser, token_of: Callable[..., str], ids: tuple[int, int], handle: str | None, *, is_let: bool
) -> None:
    header = {} if handle is None else {"Authorization": f"Bearer {token_of(handle)}"}
    for path in (f"/api/v1/search?q={WORD}&archived=only", f"/api/v1/search?q={WORD}%20in:archive"):
        answer = guest.get(path, headers=header).json
        assert [hit["kind"] for hit in answer["hits"]] == (["archived"] if is_let else [])
        assert answer["total"] == int(is_let)
        assert answer["near"] == []
    assert guest.get(f"/api/v1/search?q={WORD}", headers=header).json["total"] == 0
    assert guest.get(f"/api/v1/similar?title={WORD}", headers=header).json["total"] == 0
    assert guest.get("/api/v1/search?q=x&archived=perhaps", headers=header).status_code == 422


@pytest.mark.parametrize("name", ["guest", "alice", "dora", "emil"])
def test_it_is_never_suggested_not_even_to_the_team(stage: Stage, ids: tuple[int, int], name: str) -> None:
    def look(world: World) -> None:
        viewer: Any = AnonymousUser() if name == "guest" else world.person(name)
        archived = Ref("archived", ids[0])
        title = f"The light blinks {WORD}"
        suggested = [
            *query.similar(title, viewer=viewer),
            *query.closest(title, viewer=viewer, limit=20),
            *query.closest(title, viewer=viewer, limit=20, inside=True),
            *query.find("light", viewer=viewer).hits,
        ]
        assert archived not in {hit.found.ref for hit in suggested}
        assert archived not in {one.ref for one in completing.complete("The light bl", viewer=viewer)}
        topic = world.ask(title="The light blinks all night")
        shelf = inserting.Articles()
        assert ids[0] not in {one.id for one in shelf.find(WORD, topic, viewer=viewer)}
        assert shelf.take(ids[0], topic, viewer=viewer) is None

    stage(look)


def test_it_leaves_the_archive_as_it_came(stage: Stage, worker: Callable[[], None], browser_of: Any, ids: Any) -> None:
    stage(lambda world: retiring.revive(db.session.get_one(Article, ids[0]), by=world.emil))
    assert found(browser_of("dora"), q=WORD, archived="only") == [], "also before the worker hears of it"
    worker()
    assert found(browser_of("dora"), q=WORD, archived="only") == []
    assert found(browser_of("dora"), q=WORD) == [f"article:{ids[0]}"]


def test_a_draft_is_archived_and_found_as_it_was_written_last(world: World) -> None:
    draft = Shelf(world).article(title=f"Never published {WORD}")
    articles.revise(draft, by=world.emil, **{**articles.words_of(draft.revisions[0]), "title": f"Second {WORD}"})
    retiring.retire(draft, by=world.emil, reason="Not needed.")
    db.session.commit()
    while indexer.catch_up():
        pass
    world.everybody()
    (hit,) = query.find(f"{WORD} in:archive", viewer=world.dora).hits
    assert (hit.found.title, hit.found.meta) == (f"Second {WORD}", {})


def test_without_an_index_the_same_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.everybody()
    old = Shelf(world).published(title=f"The light blinks {WORD}")
    retiring.retire(old, by=world.emil, reason="Not needed.")
    db.session.commit()

    def is_gone(*_args: Any, **_more: Any) -> Any:
        raise SearchUnavailable

    monkeypatch.setattr(query, "_seen", is_gone)
    for viewer, asked, expected in (
        (world.dora, f"{WORD} in:archive", [old.id]),
        (world.dora, WORD, []),
        (world.alice, f"{WORD} in:archive", []),
        (AnonymousUser(), WORD, []),
    ):
        results = query.find(asked, viewer=viewer)
        assert results.degraded
        assert [hit.found.ref.id for hit in results.hits] == expected
