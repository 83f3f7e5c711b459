"""Tags: other words, those of the team, those that a category wants, and two that become one."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import categories, queries, tags
from forum.models import Tag, TagSynonym, Topic
from kb.models import Article
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

GUEST = AnonymousUser()


def names(topic: Topic) -> list[str]:
    db.session.expire(topic, ["tag_line"])
    return topic.tag_names


def test_only_admins_arrange_tags(world: World) -> None:
    tag, other = tags.make("wlan", by=world.root), tags.make("lan", by=world.root)
    for person in (world.alice, world.tina, world.emil, world.ada):
        for deed in (
            lambda by: tags.make("dsl", by=by),
            lambda by: tags.add_synonym(tag, word="wifi", by=by),
            lambda by: tags.remove_synonym(tag, word="wifi", by=by),
            lambda by: tags.reserve(tag, is_reserved=True, by=by),
            lambda by: tags.merge(tag, into=other, by=by),
        ):
            with pytest.raises(NotAllowed):
                deed(person)


def test_another_word_means_the_tag(world: World) -> None:
    tag = tags.make("wlan", by=world.root)
    tags.add_synonym(tag, word="Wifi", by=world.root)
    assert names(world.ask(tags=("wifi", "wlan", "lan"))) == ["wlan", "lan"]
    assert db.session.query(Topic).filter(queries.has_tag("wifi")).count() == 1
    article = Shelf(world).published(tags=["wifi"])
    assert [found.name for found in article.tags] == ["wlan"]
    assert tags.make("wifi", by=world.root) is tag
    tags.remove_synonym(tag, word="wifi", by=world.root)
    assert names(world.ask(tags=("wifi",))) == ["wifi"]
    assert {entry.deed for entry in db.session.query(AuditEntry)} >= {
        "forum.tag.create",
        "forum.tag.add_synonym",
        "forum.tag.remove_synonym",
    }


@pytest.mark.parametrize("word", ["wlan", "lan", "wifi", "?!", " "])
def test_a_word_that_cannot_be_another_word(world: World, word: str) -> None:
    tag = tags.make("wlan", by=world.root)
    tags.make("lan", by=world.root)
    tags.add_synonym(tag, word="wifi", by=world.root)
    with pytest.raises(Invalid) as refused:
        tags.add_synonym(tag, word=word, by=world.root)
    assert "word" in refused.value.fields


def test_merging_loses_no_topic_no_article_and_no_word(world: World) -> None:
    one, both = world.ask(tags=("wifi", "lan")), world.ask("Another question here", tags=("wifi", "wlan"))
    article = Shelf(world).published(tags=["wifi"])
    old, new = tags.by_name("wifi"), tags.by_name("wlan")
    assert old is not None
    assert new is not None
    tags.add_synonym(old, word="wi-fi", by=world.root)
    tags.merge(old, into=new, by=world.root)
    assert names(one) == ["wlan", "lan"]
    assert names(both) == ["wlan"]
    assert [tag.name for tag in db.session.get_one(Article, article.id).tags] == ["wlan"]
    assert tags.words_of(new) == ["wi-fi", "wifi"]
    assert tags.by_name("wifi") is None
    entry = db.session.query(AuditEntry).filter_by(deed="forum.tag.merge").one()
    assert (entry.before, entry.after) == ({"tag": "wifi", "topics": 2}, {"tag": "wlan"})
    with pytest.raises(Invalid):
        tags.merge(new, into=new, by=world.root)


def test_search_follows_a_merged_tag(
    stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]
) -> None:
    from search import query

    def scene(world: World) -> None:
        world.ask("Everything is slow today", tags=("drahtlos",))
        world.ask("Another question here", tags=("funknetz",))
        Shelf(world).published(tags=["drahtlos"])

    stage(scene)
    worker()

    def merge(world: World) -> None:
        old, new = tags.by_name("drahtlos"), tags.by_name("funknetz")
        assert old is not None
        assert new is not None
        tags.merge(old, into=new, by=world.root)

    stage(merge)
    worker()
    kinds = stage(lambda _: sorted(hit.found.ref.kind for hit in query.find("tag:funknetz", viewer=GUEST).hits))
    assert kinds == ["article", "topic", "topic"]


def test_only_the_team_gives_a_reserved_tag(world: World) -> None:
    tag = tags.make("official", by=world.root)
    tags.reserve(tag, is_reserved=True, by=world.root)
    tags.add_synonym(tag, word="offiziell", by=world.root)
    for word in ("official", "Offiziell"):
        with pytest.raises(Invalid) as refused:
            world.ask(tags=(word,))
        assert "official" in refused.value.fields["tags"]
    assert names(world.ask(tags=("official",), by=world.ada)) == ["official"]
    tags.reserve(tag, is_reserved=False, by=world.root)
    assert names(world.ask(tags=("official",))) == ["official"]


def test_a_category_wants_a_tag(world: World) -> None:
    about: dict[str, Any] = {"names": {"en": "Routers"}, "descriptions": {}, "position": 1, "by": world.root}
    categories.revise(world.router, needs_tag=True, **about)
    with pytest.raises(Invalid) as refused:
        world.ask(tags=())
    assert "tags" in refused.value.fields
    world.ask(tags=("anything",))
    wlan = tags.make("wlan", by=world.root)
    tags.add_synonym(wlan, word="wifi", by=world.root)
    categories.revise(world.router, wanted_tags=["Wifi", "lan"], **about)
    assert (world.router.needs_tag, world.router.wanted_tags) == (True, ["wlan", "lan"])
    with pytest.raises(Invalid, match="wlan, lan"):
        world.ask(tags=("anything",))
    assert names(world.ask(tags=("wifi",))) == ["wlan"]
    assert names(world.ask(tags=(), by=world.ada)) == [], "the team may leave it out"
    with pytest.raises(Invalid) as refused:
        categories.revise(world.router, wanted_tags=["?!"], **about)
    assert "wanted_tags" in refused.value.fields


def test_the_pages_for_tags(
    stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser], guest: Browser
) -> None:
    stage(lambda world: world.everybody() and world.ask(tags=("wifi", "lan")).id)
    root = browser_of("root")
    assert "wifi" in root.get("/admin/tags").text
    assert "lan" not in root.get("/admin/tags?q=wif").text.split("<table")[1].split("</table")[0]
    assert root.post("/admin/tags", data={"word": "WLAN"}).headers["Location"] == "/admin/tags/wlan"
    assert root.post("/admin/tags/wlan/synonyms", data={"word": "lan"}).status_code == 422
    assert root.post("/admin/tags/wlan/synonyms", data={"word": "funk"}).status_code == 303
    assert "funk" in root.get("/admin/tags/wlan").text
    assert root.post("/admin/tags/wlan/synonyms/undo", data={"word": "funk"}).status_code == 303
    assert stage(lambda _: db.session.query(TagSynonym).count()) == 0
    assert root.post("/admin/tags/wlan/reservation").status_code == 303
    assert stage(lambda _: db.session.query(Tag).filter_by(is_reserved=True).count()) == 1
    assert root.post("/admin/tags/wlan/reservation/undo").status_code == 303
    page = root.post("/admin/tags/wifi/merge", data={"into": "nothing"})
    assert page.status_code == 422
    assert "There is no such tag" in page.text
    assert root.post("/admin/tags/wifi/merge", data={"into": "WLAN"}).headers["Location"] == "/admin/tags/wlan"
    assert root.get("/admin/tags/wifi").status_code == 404
    moved = guest.get("/tags/wifi")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/tags/wlan")
    assert guest.get("/tags/wlan").status_code == 200
