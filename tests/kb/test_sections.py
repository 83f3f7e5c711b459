"""The tree of sections, old addresses, and the index that is made of them."""

import threading
from typing import Any

import pytest
from flask import Flask

from accounts.models import User
from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed
from kb import addresses, articles, index, queries, sections, transfer
from kb.models import Article, Section
from tests.cast import World
from tests.kb.shelf import Shelf, fields_of


def section(world: World, name: str, parent: Section | None = None) -> Section:
    return sections.create(names={"en": name, "de": name}, by=world.emil, parent=parent)


def tree(branches: Any) -> list[Any]:
    return [(branch.slug, tree(branch.branches)) if branch.branches else branch.slug for branch in branches]


def ids(statement: Any) -> list[int]:
    return [article.id for article in db.session.scalars(statement.order_by(Article.id)).unique()]


def test_sections_stand_in_sections_three_deep(world: World, shelf: Shelf) -> None:
    top = section(world, "Router")
    inner = section(world, "Wireless", top)
    innermost = section(world, "Channels", inner)
    assert [(depth, one.slug) for depth, one in sections.in_order(queries.all_sections())] == [
        (0, "router"),
        (1, "wireless"),
        (2, "channels"),
    ]
    assert sections.full_names(queries.all_sections())[innermost.id] == "Router › Wireless › Channels"
    other = section(world, "Other")
    for one, parent in ((other, innermost), (top, other), (top, innermost), (top, top), (inner, inner)):
        with pytest.raises(Invalid) as refusal:
            sections.move(one, parent=parent, by=world.emil)
        assert list(refusal.value.fields) == ["parent"]
    sections.move(innermost, parent=None, by=world.emil)
    sections.move(other, parent=inner, by=world.emil)
    assert other.parent_id == inner.id


def test_two_who_move_at_once_make_no_circle(app: Flask, stage: Any) -> None:
    def scene(world: World) -> tuple[int, int, int]:
        return section(world, "One").id, section(world, "Two").id, world.emil.id

    one_id, two_id, emil_id = stage(scene)
    start = threading.Barrier(2)

    def move(section_id: int, parent_id: int) -> None:
        with app.app_context():
            start.wait(10)
            try:
                mine, parent = db.session.get_one(Section, section_id), db.session.get_one(Section, parent_id)
                sections.move(mine, parent=parent, by=db.session.get_one(User, emil_id))
                db.session.commit()
            except KlinkeError:
                db.session.rollback()

    threads = [threading.Thread(target=move, args=pair) for pair in ((one_id, two_id), (two_id, one_id))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with app.app_context():
        assert len(list(sections.in_order(queries.all_sections()))) == 2
        assert sum(one.parent_id is not None for one in queries.all_sections()) == 1


@pytest.mark.parametrize("handle", ["alice", "tina", "dora", "ada"])
def test_only_editors_arrange(world: World, shelf: Shelf, handle: str) -> None:
    world.everybody()
    one, two, somebody = section(world, "One"), section(world, "Two"), world.person(handle)
    article = shelf.published()
    for deed in (
        lambda: sections.move(one, parent=two, by=somebody),
        lambda: sections.readdress(one, slug="else", by=somebody),
        lambda: sections.dissolve(one, into=two, by=somebody),
        lambda: articles.place(article, 1, by=somebody),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_an_old_address_leads_on_for_good(stage: Any, guest: Any, app: Flask) -> None:
    def scene(world: World) -> None:
        shelf = Shelf(world)
        shelf.published()
        sections.readdress(shelf.section, slug="Routers & more", by=world.emil)

    stage(scene)
    moved = guest.get("/kb/s/router?locale=en")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/kb/s/routers-more?locale=en")

    def again(world: World) -> None:
        other = section(world, "Other")
        sections.dissolve(sections.find("routers-more"), into=other, by=world.emil)

    stage(again)
    for slug in ("router", "routers-more"):
        assert guest.get(f"/kb/s/{slug}").headers["Location"] == "/kb/s/other"
    assert "Wireless is gone" in guest.get("/kb/s/other").text
    assert guest.get("/kb/s/nowhere").status_code == 404
    # A new section takes its own address back; an import that names the old one finds the present one.
    stage(lambda world: section(world, "Router").id)
    with app.app_context():
        assert sections.named("routers-more").slug == "other"
        assert sections.moved_to("router") is None


def test_an_address_belongs_to_one_section(world: World, shelf: Shelf) -> None:
    one, _two = section(world, "One"), section(world, "Two")
    for slug in ("two", "!!!"):
        with pytest.raises(Invalid) as refusal:
            sections.readdress(one, slug=slug, by=world.emil)
        assert list(refusal.value.fields) == ["slug"]


def test_a_section_is_not_dissolved_into_what_stands_in_it(world: World, shelf: Shelf) -> None:
    top = section(world, "Top")
    inner = section(world, "Inner", top)
    for into in (top, inner):
        with pytest.raises(Invalid) as refusal:
            sections.dissolve(top, into=into, by=world.emil)
        assert list(refusal.value.fields) == ["into"]


def test_the_index_is_made_of_what_the_viewer_may_read(world: World, shelf: Shelf) -> None:
    router = shelf.section
    wireless, secret = section(world, "Wireless", router), section(world, "Secret", router)
    section(world, "Empty")
    first, second = shelf.published(section=wireless), shelf.published(section=wireless, title="Another one")
    hidden = shelf.published(section=wireless, title="For the team", audience="team")
    shelf.published(section=secret, audience="team")
    for place, article in enumerate((second, first, hidden)):
        articles.place(article, place, by=world.emil)
    beside = index.beside(first, viewer=world.alice)
    assert tree(beside.branches) == [("router", ["wireless"])]
    assert [branch.slug for branch in beside.path] == ["router", "wireless"]
    assert [entry.id for entry in beside.path[-1].entries] == [second.id, first.id]
    team = index.beside(first, viewer=world.ada)
    assert tree(team.branches) == [("router", ["wireless", "secret"])]
    assert len(team.path[-1].entries) == 3


def test_the_report_names_what_the_index_leaves_out_and_what_is_dead(world: World, shelf: Shelf) -> None:
    listed, unlisted, dead = shelf.published(), shelf.published(title="Unlisted"), shelf.published(title="Dead")
    for article in (listed, dead):
        articles.place(article, 0, by=world.emil)
    articles.withdraw(dead, by=world.emil, reason="It is wrong")
    shelf.article(title="A draft")
    top = section(world, "Top")
    shelf.published(section=section(world, "Inner", top), title="Inner one")
    empty = section(world, "Empty")
    assert ids(index.dead_entries()) == [dead.id]
    assert unlisted.id in ids(index.unlisted())
    assert listed.id not in ids(index.unlisted())
    assert [one.slug for one in index.empty_sections()] == [empty.slug]
    assert index.counts() == {"unlisted": len(ids(index.unlisted())), "dead": 1, "empty": 1}


def test_a_section_is_there_for_who_finds_something_below_it(stage: Any, guest: Any) -> None:
    def scene(world: World) -> None:
        top = section(world, "Top")
        inner = section(world, "Inner", section(world, "Middle", top))
        Shelf(world).published(section=inner)
        Shelf(world).published(section=section(world, "Secret"), audience="team", title="A secret")

    stage(scene)
    for slug in ("top", "middle", "inner"):
        assert guest.get(f"/kb/s/{slug}").status_code == 200
    assert guest.get("/kb/s/secret").status_code == 404
    home = guest.get("/kb").text
    assert all(name in home for name in ("Top", "Middle", "Inner"))
    assert "Secret" not in home
    assert "Secret" not in guest.get("/kb/s/inner").text


def test_editors_arrange_on_pages(stage: Any, browser_of: Any, app: Flask) -> None:
    def scene(world: World) -> int:
        section(world, "Top")
        section(world, "Other")
        return Shelf(world).published().id

    article_id = stage(scene)
    emil = browser_of("emil")
    values = fields_of(emil.get("/kb/s/router/edit").text, "/kb/s/router/edit")
    assert emil.post("/kb/s/router/edit", data={**values, "parent": "top", "slug": "wlan"}).status_code == 303
    page = emil.get("/kb/s/top/edit").text
    values = fields_of(page, "/kb/s/top/edit")
    refused = emil.post("/kb/s/top/edit", data={**values, "name_en": "Typed", "parent": "wlan"})
    assert refused.status_code == 422
    assert "Typed" in refused.text
    assert emil.post("/kb/s/wlan/dissolution", data={"into": "nowhere"}).status_code == 422
    assert emil.post("/kb/s/wlan/dissolution", data={"into": "other"}).status_code == 303
    placed = emil.post(f"/kb/articles/{article_id}/place", data={"place": "3", "next": "/kb/index"})
    assert placed.headers["Location"] == "/kb/index"
    emil.post(f"/kb/articles/{article_id}/place", data={"place": "x"})
    with app.app_context():
        article = db.session.get_one(Article, article_id)
        assert (article.place, article.section.slug) == (3, "other")
        path = addresses.of_article(article)
    assert 'aria-current="page"' in emil.get(path).text
    for which in ("unlisted", "dead", "empty", "nonsense"):
        assert emil.get(f"/kb/index?list={which}").status_code == 200
    emil.post(f"/kb/articles/{article_id}/place", data={"place": ""})
    with app.app_context():
        assert db.session.get_one(Article, article_id).place is None


def test_the_tree_travels(world: World, shelf: Shelf) -> None:
    top = section(world, "Top")
    section(world, "Inner", top)
    lines = list(transfer.dump_sections())
    assert [(line["id"], line.get("parent")) for line in lines] == [("top", None), ("inner", "top")]
    records = [
        transfer.SectionRecord.model_validate(
            {**line, "id": "x-" + line["id"], **({"parent": "x-top"} if "parent" in line else {})}
        )
        for line in lines
    ]
    assert [transfer.load_section(record) for record in records] == ["new", "new"]
    assert [transfer.load_section(record) for record in records] == ["unchanged", "unchanged"]
    assert sections.find("x-inner").parent_id == sections.find("x-top").id
    with pytest.raises(Invalid):
        transfer.load_section(transfer.SectionRecord(id="y", names={"en": "Y"}, parent="nowhere"))
