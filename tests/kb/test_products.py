"""Products with versions: what articles apply to, lists and search by product, and what a release asks for."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from accounts.models import User
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed, NotFound
from forum.models import Notification
from kb import articles, checking, decay, families, products, retiring, tasks, transfer
from kb.models import Article, ArticleProduct, ArticleTask, Product
from search import indexer, query
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf, fields_of

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GUEST = AnonymousUser()


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def listed(world: World) -> tuple[Product, Product]:
    """Return two products, the first with two versions."""
    r2 = products.create(name="Router R2", aliases=["the black box", "R-2"], by=world.emil)
    products.add_version(r2, name="7.0", released_on=date(2025, 1, 1), by=world.emil)
    products.add_version(r2, name="7.1", released_on=None, by=world.emil)
    return r2, products.create(name="Router R2 Plus", by=world.emil)


def applying(world: World, to: str = "Router R2", **about: Any) -> Article:
    article = Shelf(world).article(**about)
    products.assign(article, to, by=world.emil)
    articles.publish(article, by=world.emil)
    return article


def needs() -> list[tuple[int, str]]:
    rows = db.session.scalars(select(ArticleTask).where(ArticleTask.kind == "release").order_by(ArticleTask.id))
    return [(row.article_id, row.words) for row in rows.unique() if row.done_at is None]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Router R2", "Router R2"),
        ("router  r2 7.0", "Router R2 7.0"),
        ("THE BLACK BOX 7.1, r-2 7.0; Router R2 Plus", "Router R2 7.1, Router R2 7.0, Router R2 Plus"),
        ("router-r2, Router R2, ,", "Router R2"),
        ("", ""),
    ],
)
def test_a_line_names_products_by_any_name(world: World, typed: str, said: str) -> None:
    listed(world)
    article = applying(world, typed)
    assert products.in_words(article.applies) == said
    products.assign(article, said, by=world.emil)
    assert products.in_words(article.applies) == said, "what the form shows means the same"


@pytest.mark.parametrize("typed", ["Router R3", "Router R2 9.9", "Router R2 Plus 7.0", "7.0", "x" * 1000])
def test_what_is_on_no_list_is_named(world: World, typed: str) -> None:
    listed(world)
    with pytest.raises(Invalid) as refusal:
        applying(world, f"Router R2, {typed}")
    assert typed in refusal.value.fields["products"]
    names = [products.create(name=f"Number {number}", by=world.emil).name for number in range(21)]
    with pytest.raises(Invalid):
        applying(world, ",".join(names))


@pytest.mark.parametrize("handle", ["alice", "tina", "ada", "dora"])
def test_only_editors_keep_the_list(world: World, handle: str) -> None:
    world.everybody()
    r2, _plus = listed(world)
    article, who = applying(world), world.person(handle)
    deeds: tuple[Callable[[], Any], ...] = (
        lambda: products.create(name="Another", by=who),
        lambda: products.change(r2, name="Another", aliases=(), by=who),
        lambda: products.remove(r2, by=who),
        lambda: products.add_version(r2, name="8", released_on=None, by=who),
        lambda: products.release(r2.versions[0], released_on=None, by=who),
        lambda: products.remove_version(r2.versions[1], by=who),
        lambda: products.assign(article, "", by=who),
    )
    for deed in deeds:
        with pytest.raises(NotAllowed):
            deed()


def test_a_name_means_one_product(world: World) -> None:
    r2, plus = listed(world)
    for name, other, field in (
        ("router r2", (), "name"),
        ("The Black Box", (), "name"),
        ("New", ("R-2",), "aliases"),
        ("A, B", (), "name"),
        ("", (), "name"),
        ("x" * 81, (), "name"),
        ("New", [f"alias {number}" for number in range(21)], "aliases"),
    ):
        with pytest.raises(Invalid) as refusal:
            products.create(name=name, aliases=other, by=world.emil)
        assert list(refusal.value.fields) == [field], name
    with pytest.raises(Invalid):
        products.change(plus, name="Router R2", aliases=(), by=world.emil)
    products.change(r2, name="Router R2", aliases=["R-2"], by=world.emil)
    for name in ("7.0", "", "x" * 41):
        with pytest.raises(Invalid) as refusal:
            products.add_version(r2, name=name, released_on=None, by=world.emil)
        assert list(refusal.value.fields) == ["version"]


def test_what_articles_name_stays_and_a_new_name_reaches_them(world: World) -> None:
    r2, plus = listed(world)
    article = applying(world, "Router R2 7.0")
    for deed in (
        lambda: products.remove(r2, by=world.emil),
        lambda: products.remove_version(r2.versions[0], by=world.emil),
    ):
        with pytest.raises(Invalid, match="1 article names it"):
            deed()
    products.change(r2, name="Router Two", aliases=["Router R2"], by=world.emil)
    assert products.in_words(article.applies) == "Router Two 7.0"
    assert r2.slug == "router-r2"
    products.remove_version(r2.versions[1], by=world.emil)
    products.remove(plus, by=world.emil)
    products.assign(article, "", by=world.emil)
    products.remove(r2, by=world.emil)
    assert (products.everything(), article.applies) == ([], None)
    assert db.session.scalars(select(ArticleProduct)).all() == []


def test_two_who_add_the_same_at_once_make_one(app: Flask, stage: Stage) -> None:
    emil_id = stage(lambda world: world.emil.id)
    start, refused = threading.Barrier(2), []

    def work() -> None:
        with app.app_context():
            start.wait(timeout=10)
            try:
                products.create(name="Router R2", by=db.session.get_one(User, emil_id))
                db.session.commit()
            except KlinkeError as error:
                db.session.rollback()
                refused.append(type(error).__name__)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["Invalid"]
    assert stage(lambda _world: len(products.everything())) == 1


def test_a_release_asks_once_what_was_checked_before(world: World, clock: time_machine.Traveller) -> None:
    r2, _plus = listed(world)
    old, draft = applying(world), Shelf(world).article()
    other, gone = applying(world, "Router R2 Plus"), applying(world)
    products.assign(draft, "Router R2", by=world.emil)
    retiring.retire(gone, by=world.emil, reason="It is old.")
    assert decay.look() == 0, "7.0 was there before"
    clock.shift(timedelta(days=10))
    fresh, knows = applying(world), applying(world, "Router R2 7.1")
    products.release(r2.versions[1], released_on=date(2026, 3, 20), by=world.emil)
    assert needs() == [], "it is not released yet"
    clock.shift(timedelta(days=9))
    checking.verify(fresh, by=world.emil)
    for _ in range(2):
        decay.look()
    assert needs() == [(old.id, "Router R2 7.1")], "one was checked since, one names the version already"
    assert all(article.is_published for article in (old, other, fresh, knows)), "nothing is taken back"
    for task in db.session.scalars(select(ArticleTask)).unique().all():
        tasks.settle(task, "not_needed", by=world.emil)
    products.change(r2, name="Router Two", aliases=(), by=world.emil)
    products.release(r2.versions[1], released_on=date(2026, 3, 19), by=world.emil)
    decay.look()
    assert needs() == [], "once for each release, whatever was said"
    products.add_version(r2, name="8", released_on=date(2026, 3, 21), by=world.emil)
    assert {words for _id, words in needs()} == {"Router Two 8"}
    assert {article_id for article_id, _words in needs()} == {old.id, knows.id}
    products.release(r2.versions[2], released_on=date(2026, 12, 1), by=world.emil)
    assert needs() == [], "it was a mistake"


def test_only_the_newest_of_many_releases_asks(world: World, clock: time_machine.Traveller) -> None:
    r2, _plus = listed(world)
    article = applying(world)
    clock.shift(timedelta(days=40))
    for number in (3, 1, 2):
        r2.versions.append(type(r2.versions[0])(product=r2, name=f"8.{number}", released_on=date(2026, 4, number)))
    db.session.flush()
    decay.look()
    assert needs() == [(article.id, "Router R2 8.3")]


def test_the_owner_is_told(world: World, clock: time_machine.Traveller) -> None:
    world.everybody()
    r2, _plus = listed(world)
    article = applying(world)
    checking.give(article, world.person("edda", "editor"), by=world.emil)
    clock.shift(timedelta(days=10))
    products.release(r2.versions[1], released_on=date(2026, 3, 10), by=world.emil)
    told = db.session.scalars(select(Notification).where(Notification.kind == "article_needs")).all()
    assert [one.user_id for one in told] == [world.person("edda").id]


def test_lists_and_names_are_for_who_finds_something(world: World) -> None:
    world.everybody()
    _r2, plus = listed(world)
    applying(world)
    applying(world, "Router R2 Plus", audience="team")
    for viewer, known in ((GUEST, ["Router R2"]), (world.alice, ["Router R2"]), (world.dora, ["Router R2", plus.name])):
        assert [one.name for one, _count in products.shelf(viewer)] == known
        assert sorted(products.names(["router-r2", "router-r2-plus"], viewer).values()) == known
    with pytest.raises(NotFound):
        products.visible("router-r2-plus", viewer=GUEST)
    assert products.visible("router-r2-plus", viewer=world.emil).id == plus.id


def test_a_list_by_product_shows_each_thing_once_in_the_readers_language(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> None:
        listed(world)
        english = applying(world)
        german = Shelf(world).article(locale="de", title="Das WLAN ist weg", resolution="Neu starten.")
        products.assign(german, "Router R2", by=world.emil)
        families.join(german, english, by=world.emil, is_current=True)
        articles.publish(german, by=world.emil)
        applying(world, title="Only in English")

    stage(scene)
    for language, expected in (
        ("de", {"Das WLAN ist weg", "Only in English"}),
        ("en", {"Wireless is gone after an update", "Only in English"}),
    ):
        header = {"Accept-Language": language}
        page = BeautifulSoup(guest.get("/kb/p/router-r2", headers=header).text, "html.parser")
        assert {title.text.strip() for title in page.select("main .row__title")} == expected
        shelf = BeautifulSoup(guest.get("/kb/products", headers=header).text, "html.parser")
        (row,) = shelf.select("main li.row")
        assert "2 " in row.text
    assert "/kb/products" in guest.get("/kb").text


def test_the_search_narrows_to_a_product_by_any_name(world: World) -> None:
    r2, _plus = listed(world)
    one, other = applying(world), applying(world, "Router R2 Plus", title="Wireless is slow", audience="signed_in")
    db.session.commit()

    def catch_up() -> None:
        db.session.commit()
        while indexer.catch_up():
            pass

    catch_up()
    for asked in ("product:router-r2", 'product:"Router R2"', 'wireless product:"the black box"', "product:R-2"):
        results = query.find(asked, viewer=GUEST, counted=True)
        assert [hit.found.ref.id for hit in results.hits] == [one.id], asked
        assert dict(results.facets["product"]) == {"router-r2": 1}
        assert all(not tag.startswith("product") for tag, _count in results.facets["tag"])
    assert query.find("product:router-r2-plus", viewer=GUEST).total == 0
    world.everybody()
    assert [hit.found.ref.id for hit in query.find("product:router-r2-plus", viewer=world.alice).hits] == [other.id]
    assert query.find("product:nothing", viewer=world.alice).total == 0
    assert [hit.found.ref.id for hit in query.find("black box", viewer=GUEST).hits][:1] == [one.id]
    products.change(r2, name="Router R2", aliases=["zeppelin"], by=world.emil)
    catch_up()
    assert [hit.found.ref.id for hit in query.find("zeppelin", viewer=GUEST).hits] == [one.id]


def test_an_editor_keeps_the_list_and_names_products_in_an_article(
    stage: Stage, browser_of: Callable[[str], Browser], guest: Browser
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return Shelf(world).published().id

    article_id = stage(scene)
    emil = browser_of("emil")
    edit = f"/kb/articles/{article_id}/edit"
    assert 'name="products"' not in emil.get(edit).text, "there is no list yet"
    page = emil.get("/kb/products").text
    made = emil.post("/kb/products", data={**fields_of(page, "/kb/products"), "name": "Router R2", "aliases": "R-2"})
    assert made.location == "/kb/p/router-r2/edit"
    twice = emil.post("/kb/products", data={**fields_of(emil.get("/kb/products").text, "/kb/products"), "name": "R-2"})
    assert twice.status_code == 422
    assert 'value="R-2"' in twice.text
    versions = "/kb/p/router-r2/versions"
    assert emil.post(versions, data={"version": "7.0", "released_on": "2026-02-01"}).status_code == 303
    for wrong in ({"version": "7.0"}, {"version": ""}, {"version": "8", "released_on": "tomorrow"}):
        assert emil.post(versions, data=wrong).status_code == 422
    form = fields_of(emil.get(edit).text, edit)
    refused = emil.post(edit, data={**form, "products": "Router R9"})
    assert refused.status_code == 422
    assert "Router R9" in refused.text
    assert emil.post(edit, data={**form, "products": "r-2 7.0"}).status_code == 303
    assert 'value="Router R2 7.0"' in emil.get(edit).text
    shown = guest.get(f"/kb/{article_id}", follow_redirects=True).text
    applies = BeautifulSoup(shown, "html.parser").select_one(".applies-to")
    assert applies is not None
    assert " ".join(applies.text.split()) == "Applies to Router R2 7.0 · Router R2"
    assert guest.get(f"/api/v1/articles/{article_id}").json["products"] == [
        {"slug": "router-r2", "name": "Router R2", "versions": ["7.0"]}
    ]
    for path, total in (("router-r2", 1), ("nothing", None)):
        answer = guest.get(f"/api/v1/articles?product={path}")
        assert (len(answer.json["articles"]) if answer.status_code == 200 else None) == total
    (version_id,) = stage(lambda _world: [one.id for one in products.found("router-r2").versions])
    for path in (f"{versions}/{version_id}/removal", "/kb/p/router-r2/removal"):
        kept = emil.post(path)
        assert kept.status_code == 422
        assert "1 article names it" in kept.text
    assert emil.post(f"{versions}/{version_id}", data={"released_on": "soon"}).status_code == 422
    assert emil.post(f"{versions}/{version_id}", data={"released_on": ""}).status_code == 303
    for path in (f"{versions}/99999999", f"{versions}/{10**20}/removal"):
        assert emil.post(path).status_code == 404
    assert guest.get("/kb/p/nothing").status_code == 404


def test_products_travel_with_their_articles(world: World) -> None:
    r2, _plus = listed(world)
    world.emil.source_id = "crm:8"
    article = applying(world, "Router R2 7.0, Router R2 Plus")
    article.source_id = "old:1"
    db.session.flush()
    told, words = list(transfer.dump_products()), next(transfer.dump())
    assert told[0] == {
        "id": "router-r2",
        "name": "Router R2",
        "aliases": ["the black box", "R-2"],
        "versions": [{"name": "7.0", "released": "2025-01-01"}, {"name": "7.1"}],
    }
    assert words["products"] == [{"id": "router-r2", "versions": ["7.0"]}, {"id": "router-r2-plus", "versions": []}]
    assert [transfer.load_product(transfer.ProductRecord(**one)) for one in told] == ["unchanged", "unchanged"]
    assert transfer.load(transfer.ArticleRecord(**words)) == "unchanged"
    products.keep(article, [])
    products.remove(r2, by=world.emil)
    db.session.expire_all()
    with pytest.raises(Invalid):
        transfer.load(transfer.ArticleRecord(**words))
    assert [transfer.load_product(transfer.ProductRecord(**one)) for one in told] == ["new", "unchanged"]
    assert transfer.load(transfer.ArticleRecord(**words)) == "changed"
    assert products.in_words(article.applies) == "Router R2 7.0, Router R2 Plus"
    assert next(iter(transfer.dump_products())) == told[0]
    without = {name: value for name, value in words.items() if name != "products"}
    assert transfer.load(transfer.ArticleRecord(**without)) == "unchanged"
