"""Who sees which article, on every way to it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select

from accounts.people import AnonymousUser
from core.db import db
from core.errors import NotFound
from forum import moderation
from kb import articles, queries
from kb.models import Article
from kb.source import Articles
from search import indexer, query, registry
from search.models import StaleNote
from tests.cast import World
from tests.kb.shelf import Shelf

SECRET = "zinnoberrot"


def every_kind(shelf: Shelf) -> dict[str, Article]:
    archived = shelf.published(title=f"Archived {SECRET}")
    archived.confidence = "archived"
    withdrawn = shelf.published(title=f"Withdrawn {SECRET}")
    articles.withdraw(withdrawn, by=shelf.world.emil, reason="It was wrong.")
    return {
        "public": shelf.published(title=f"Public {SECRET}"),
        "signed_in": shelf.published(title=f"Members {SECRET}", audience="signed_in"),
        "team": shelf.published(title=f"Team {SECRET}", audience="team"),
        "draft": shelf.article(title=f"Draft {SECRET}"),
        "archived": archived,
        "withdrawn": withdrawn,
    }


SEEN = {
    "guest": {"public"},
    "alice": {"public", "signed_in"},
    "dora": {"public", "signed_in", "team", "draft", "archived", "withdrawn"},
    "emil": {"public", "signed_in", "team", "draft", "archived", "withdrawn"},
}
LISTED = {
    "guest": {"public"},
    "alice": {"public", "signed_in"},
    "dora": {"public", "signed_in", "team"},
    "emil": {"public", "signed_in", "team"},
}


def viewer(world: World, name: str) -> Any:
    world.everybody()
    return AnonymousUser() if name == "guest" else world.person(name)


@pytest.mark.parametrize("name", SEEN)
def test_each_viewer_sees_what_is_for_them(world: World, shelf: Shelf, name: str) -> None:
    kinds = every_kind(shelf)
    who = viewer(world, name)
    for kind, article in kinds.items():
        if kind in SEEN[name]:
            assert queries.visible_article(article.id, viewer=who) is article
        else:
            with pytest.raises(NotFound):
                queries.visible_article(article.id, viewer=who)


@pytest.mark.parametrize("name", LISTED)
def test_lists_and_counts_show_what_is_published_for_the_viewer(world: World, shelf: Shelf, name: str) -> None:
    kinds = every_kind(shelf)
    who = viewer(world, name)
    expected = {kinds[kind].id for kind in LISTED[name]}
    assert {article.id for article in db.session.scalars(queries.readable_articles(who)).unique()} == expected
    shelves = queries.shelves(who)
    assert [(one.count, {article.id for article in one.articles}) for one in shelves] == [(len(expected), expected)]


@pytest.mark.parametrize("name", LISTED)
def test_search_finds_what_is_published_for_the_viewer(world: World, shelf: Shelf, name: str) -> None:
    kinds = every_kind(shelf)
    who = viewer(world, name)
    db.session.commit()
    while indexer.catch_up():
        pass
    results = query.find(SECRET, viewer=who, kinds={"article"})
    assert {hit.found.ref.id for hit in results.hits} == {kinds[kind].id for kind in LISTED[name]}
    assert results.total == len(LISTED[name])


@pytest.mark.parametrize("name", ["guest", "alice", "dora", "emil"])
def test_the_pages_show_what_the_viewer_may_see(
    stage: Any, browser_of: Callable[[str], Any], guest: Any, name: str
) -> None:
    def scene(world: World) -> Any:
        world.everybody()
        return {kind: article.id for kind, article in every_kind(Shelf(world)).items()}

    ids = stage(scene)
    browser = guest if name == "guest" else browser_of(name)
    for kind, article_id in ids.items():
        answer = browser.get(f"/kb/{article_id}", follow_redirects=True)
        assert answer.status_code == (200 if kind in SEEN[name] else 404), kind
        assert (SECRET in answer.text) == (kind in SEEN[name]), kind
        called = browser.get(f"/api/v1/articles/{article_id}")
        assert called.status_code == (200 if kind == "public" else 404), kind  # a cookie signs no API call in
    for path in ("/kb", "/kb/s/router"):
        page = browser.get(path).text
        shown = {kind for kind in ids if f"/kb/{ids[kind]}-" in page}
        assert shown == LISTED[name], path
    for path in ("/feeds/kb.xml", "/sitemaps/articles-1.xml", "/api/v1/articles"):
        page = browser.get(path).text
        assert {kind for kind in ids if f"/kb/{ids[kind]}" in page} == {"public"}, path


def test_a_section_without_anything_for_the_viewer_is_not_there(
    stage: Any, browser_of: Callable[[str], Any], guest: Any
) -> None:
    def scene(world: World) -> None:
        world.everybody()
        Shelf(world).published(audience="team")

    stage(scene)
    assert guest.get("/kb/s/router").status_code == 404
    assert browser_of("alice").get("/kb/s/router").status_code == 404
    assert browser_of("dora").get("/kb/s/router").status_code == 200
    assert "router" not in guest.get("/kb").text.split("<main")[1]


def test_a_version_on_demand_is_for_the_team(stage: Any, browser_of: Callable[[str], Any], guest: Any) -> None:
    def scene(world: World) -> int:
        world.everybody()
        article = Shelf(world).published()
        words = articles.words_of(queries.newest_revision(article))
        articles.revise(article, by=world.emil, **{**words, "summary": SECRET})
        return article.id

    article_id = stage(scene)
    path = f"/kb/{article_id}-wireless-is-gone-after-an-update?version=2"
    assert SECRET not in guest.get(path, follow_redirects=True).text
    assert SECRET not in browser_of("alice").get(path, follow_redirects=True).text
    assert SECRET in browser_of("dora").get(path).text


def test_search_hands_over_what_a_hit_shows(world: World, shelf: Shelf) -> None:
    topic = world.solved()
    article = shelf.published(sources=[topic.acceptance.post])
    source = Articles()
    (document,) = source.documents([article.id, 999])
    assert (document.title, document.author, document.tags) == ("Wireless is gone after an update", "bob", ("wifi",))
    assert document.keywords == "wifi wlan"
    assert "Router R2" in document.body
    assert "Choose channel 6" in document.body
    assert document.weight > 1
    found = source.visible([article.id], AnonymousUser())[article.id]
    assert found.url == f"/kb/{article.id}-wireless-is-gone-after-an-update"
    assert found.meta["section"] == "Router"
    assert found.meta["confidence"] == "validated"
    assert found.meta["helpful_share"] is None
    assert found.meta["uses"] == 0
    assert list(source.ids()) == [article.id]
    assert list(source.stale(article)) == [article.id]
    assert list(source.stale(article.tags[0])) == [article.id]
    assert list(source.stale(topic)) == []


def test_a_muted_topic_teaches_nobody_how_its_article_is_found(world: World) -> None:
    topic = world.ask(title="The router hums at night")
    answer = world.answer(topic)
    article = Shelf(world).published(sources=[answer])
    source = registry.source("article")
    assert source is not None
    (before,) = source.documents([article.id])
    assert before.asked == ("The router hums at night",)
    db.session.execute(delete(StaleNote))
    moderation.mute(topic, by=world.ada, reason="Not kind")
    noted = db.session.execute(select(StaleNote.kind, StaleNote.ref_id)).all()
    assert ("article", article.id) in [tuple(row) for row in noted]
    (after,) = source.documents([article.id])
    assert after.asked == ()
