"""Blocks: pieces of text that stand in several articles, and are mended everywhere at once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum.models import Notification
from kb import (
    articles,
    blocks,
    confirming,
    face_debts,
    faces,
    families,
    planning,
    queries,
    recall,
    redaction,
    transfer,
    uses,
)
from kb.models import Article, ArticleRecall, TextBlock, TextBlockKept
from kb.redaction import Decisions
from search import indexer, query
from tests.cast import World
from tests.kb.shelf import Shelf

MENU = {"de": "System → Zeitschaltung", "en": "System → Timer"}
REFERRING = "Open {{block:menu}} and choose *off*."


def block(world: World, name: str = "menu", *, audience: Any = "public", **words: str) -> TextBlock:
    return blocks.create(name=name, words=words or MENU, audience=audience, by=world.emil)


def change(world: World, of: TextBlock, significance: Any = "content", **words: str) -> None:
    said = {**of.words, **words}
    blocks.revise(of, words=said, audience=of.audience, significance=significance, by=world.emil)


def test_a_reference_shows_the_words_in_the_language_of_the_article(world: World, shelf: Shelf) -> None:
    block(world)
    english = shelf.published(resolution=REFERRING)
    german = shelf.published(locale="de", resolution="Öffnen Sie {{ block:menu }}.")
    assert "System → Timer and choose <em>off</em>" in english.published.resolution_html
    assert "System → Zeitschaltung" in german.published.resolution_html
    assert "System → Timer" in english.published.plain
    assert any("System → Timer" in face.text for face in english.faces)
    assert english.published.resolution == REFERRING


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("1. {{block:steps}}\n2. Done.", "<li>"),
        (r"Write \{{block:steps}} for it.", "{{block:steps}}"),
        ("{{ block.super }} is Django", "{{ block.super }}"),
        ("> {{block:steps}}", "<blockquote>"),
    ],
)
def test_where_it_stands_its_lines_stand_as_well(world: World, shelf: Shelf, source: str, shown: str) -> None:
    block(world, "steps", en="First\n\n- one\n- two")
    html = shelf.article(resolution=source).revisions[0].resolution_html
    assert shown in html
    if "2. Done" in source:
        assert html.count("<ol>") == 1
        assert html.count("<ul>") == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{block:nowhere}}", "no block called “nowhere”"),
        ("{{block:}}", "not complete"),
        ("{{block:menu}", "not complete"),
        ("{{block:only-german}}", "nothing in English"),
    ],
)
def test_what_cannot_be_shown_is_refused_at_its_field(world: World, shelf: Shelf, source: str, words: str) -> None:
    block(world)
    block(world, "only-german", de="Nur so.")
    for field in ("symptoms", "resolution"):
        with pytest.raises(Invalid) as refusal:
            shelf.article(**{field: source})
        assert words in refusal.value.fields[field]
    for field in ("title", "summary", "cause", "environment"):
        with pytest.raises(Invalid) as refusal:
            shelf.article(**{field: f"Open {source}"})
        assert field in refusal.value.fields


def test_no_circle_and_no_tower_of_blocks(world: World, shelf: Shelf) -> None:
    block(world, "a", en="A")
    block(world, "b", en="B {{block:a}}")
    for letter, inner in zip("cdef", "bcde", strict=True):
        if letter == "f":
            with pytest.raises(Invalid, match="deep"):
                block(world, letter, en=f"{{{{block:{inner}}}}}")
        else:
            block(world, letter, en=f"{{{{block:{inner}}}}}")
    db.session.rollback()


def test_no_block_has_itself_in_it(world: World) -> None:
    first = block(world, "a", en="A")
    block(world, "b", en="B {{block:a}}")
    with pytest.raises(Invalid) as refusal:
        change(world, first, en="A {{block:b}}")
    assert "a → b → a" in refusal.value.fields["words_en"]


def test_not_even_at_its_birth(world: World) -> None:
    with pytest.raises(Invalid, match="itself"):
        block(world, "self", en="{{block:self}}")


def test_many_blocks_in_blocks_end_where_a_text_is_too_long(world: World, shelf: Shelf) -> None:
    block(world, "a", en="x" * 7000)
    with pytest.raises(Invalid):
        block(world, "b", en="{{block:a}} " * 600)
    with pytest.raises(Invalid) as refusal:
        shelf.article(resolution="{{block:a}} " * 2000)
    assert "too long" in refusal.value.fields["resolution"].lower()


def test_a_wording_is_mended_everywhere_and_nobody_hears_of_it(world: World, shelf: Shelf) -> None:
    menu = block(world)
    article = shelf.published(resolution=REFERRING)
    faces.write(article, kind="280", text="Open the timer.", by=world.emil)
    change(world, menu, "typo", en="System › Timer")
    assert "System › Timer" in article.published.resolution_html
    assert "System › Timer" in article.published.plain
    assert article.published.number == 1
    assert any("System › Timer" in face.text for face in article.faces)
    assert not any(debt.state == "older" for debt in face_debts.debts_of([article]).get(article.id, ()))


def test_what_it_says_anew_is_a_new_version_and_a_debt_of_short_texts(world: World, shelf: Shelf) -> None:
    menu = block(world)
    article = shelf.published(resolution=REFERRING)
    other = shelf.published(resolution="Nothing of the kind.", title="Another one")
    faces.write(article, kind="280", text="Open the timer.", by=world.emil)
    blocks.revise(
        menu,
        words={**MENU, "en": "Home → Rest"},
        audience="public",
        significance="content",
        by=world.emil,
        comment="8.0",
    )
    assert article.published.number == 2
    assert (article.published.significance, article.published.comment) == ("content", "Block “menu”: 8.0")
    assert "Home → Rest" in article.published.resolution_html
    assert "System → Timer" in queries.revision_of(article, 1).resolution_html
    owed = face_debts.debts_of([article])[article.id]
    assert [debt.kind for debt in owed if debt.state == "older"] == ["280"]
    assert other.published.number == 1


def test_wrong_instructions_in_a_block_are_recalled(world: World, shelf: Shelf) -> None:
    menu = block(world)
    article = shelf.published(resolution=REFERRING)
    answer = world.answer(world.ask(), "See there.")
    uses.record(article, face=None, where_kind="post", where_id=answer.id, by=world.tina)
    change(world, menu, "instructions", en="Home → Rest")
    recall.begin(article, article.published)
    row = db.session.scalars(select(ArticleRecall)).one()
    assert (row.where_kind, row.where_id, row.revision_id) == ("post", answer.id, article.published_id)


def test_what_is_not_published_yet_stays_the_newest_and_planned(world: World, shelf: Shelf) -> None:
    menu = block(world)
    article = shelf.published(resolution=REFERRING)
    words = articles.words_of(queries.newest_revision(article))
    articles.revise(article, by=world.emil, comment="Mine", **{**words, "summary": "Soon."})
    plan = planning.plan(article, due_at=now() + timedelta(days=1), by=world.emil)
    assert plan.revision.number == 2
    change(world, menu, en="Home → Rest")
    newest = queries.newest_revision(article)
    assert (article.published.number, newest.number, newest.summary, newest.comment) == (3, 4, "Soon.", "Mine")
    assert article.published.summary != "Soon."
    assert "Home → Rest" in newest.resolution_html
    kept = planning.planned(article)
    assert kept is not None
    assert kept.revision_id == newest.id
    articles.revise(
        article, by=world.emil, based_on=2, **{**words, "summary": "Sooner."}
    )  # no conflict: a block did it


def test_a_language_that_changed_alone_leaves_the_other_behind(world: World, shelf: Shelf) -> None:
    menu = block(world)
    english = shelf.published(resolution=REFERRING)
    german = shelf.published(locale="de", resolution="Öffnen Sie {{block:menu}}.")
    families.join(english, german, by=world.emil, is_current=True)
    change(world, menu, en="Home → Rest", de="Start → Ruhe")
    assert [families.state_of(one, [english, german]) for one in (english, german)] == ["current", "current"]
    change(world, menu, en="Home → Sleep")
    assert families.state_of(german, [english, german]) == "older"
    assert german.published.number == 2


def test_the_search_finds_the_new_words_and_not_the_old(world: World, shelf: Shelf) -> None:
    menu = block(world, en="Snorkel menu")
    article = shelf.published(resolution=REFERRING)
    for significance, word, old in (("typo", "Periscope", "Snorkel"), ("content", "Lighthouse", "Periscope")):
        change(world, menu, significance, en=f"{word} menu")
        db.session.commit()
        while indexer.catch_up():
            pass
        assert [hit.found.ref.id for hit in query.find(word, viewer=world.charlie, locale="en").hits] == [article.id]
        assert not query.find(old, viewer=world.charlie, locale="en").hits


def test_a_block_for_few_is_in_no_article_for_many(world: World, shelf: Shelf) -> None:
    inner = block(world, "inner", audience="team", en="The secret menu")
    with pytest.raises(Invalid) as refusal:
        shelf.article(resolution="{{block:inner}}")
    assert "inner" in refusal.value.fields["audience"]
    article = shelf.published(resolution="{{block:inner}}", audience="team")
    with pytest.raises(Invalid):
        articles.classify(article, section=article.section, locale="en", audience="public", tags=[], by=world.emil)
    db.session.refresh(article)
    with pytest.raises(Invalid) as refusal:
        block(world, "outer", en="{{block:inner}}")
    assert "fewer" in refusal.value.fields["words_en"]
    menu = block(world)
    shelf.published(resolution=REFERRING, title="For everybody")
    with pytest.raises(Invalid) as refusal:
        blocks.revise(menu, words=menu.words, audience="team", significance="typo", by=world.emil)
    assert "For everybody" in refusal.value.fields["audience"]
    assert inner.audience == "team"


def test_a_draft_that_got_a_narrow_block_is_not_published_for_many(world: World, shelf: Shelf) -> None:
    block(world, "inner", audience="team", en="The secret menu")
    article = shelf.published()
    words = articles.words_of(queries.newest_revision(article))
    articles.revise(article, by=world.emil, **{**words, "resolution": "{{block:inner}}"})
    with pytest.raises(Invalid):
        articles.publish(article, by=world.emil)
    assert article.published.number == 1


def test_a_used_block_cannot_go_but_its_words_can_take_its_place(world: World, shelf: Shelf) -> None:
    menu = block(world)
    outer = block(world, "outer", en="Look: {{block:menu}}")
    article = shelf.published(resolution=REFERRING)
    draft = shelf.article(resolution="1. {{block:outer}}", title="Only a draft")
    assert {one.id for one in db.session.scalars(blocks.using(menu)).unique()} == {article.id, draft.id}
    assert blocks.counts() == {menu.id: 2, outer.id: 1}
    assert blocks.outer_of(menu) == [outer]
    with pytest.raises(Conflict):
        blocks.remove(menu, by=world.emil)
    assert blocks.dissolve(menu, by=world.emil) == 2
    assert article.published.resolution == "Open System → Timer and choose *off*."
    assert outer.words == {"en": "Look: System → Timer"}
    assert queries.newest_revision(draft).resolution == "1. {{block:outer}}"
    assert blocks.named("menu") is None
    assert "System → Timer" in queries.newest_revision(draft).resolution_html
    with pytest.raises(Invalid, match="menu"):
        articles.restore(article, 1, by=world.emil)


def test_an_unused_block_goes(world: World, shelf: Shelf) -> None:
    menu = block(world)
    shelf.published()
    blocks.remove(menu, by=world.emil)
    assert blocks.named("menu") is None


def test_a_language_that_is_used_cannot_be_emptied(world: World, shelf: Shelf) -> None:
    menu = block(world)
    shelf.published(resolution=REFERRING)
    with pytest.raises(Invalid, match="Wireless is gone after an update"):
        blocks.revise(menu, words={"de": "Nur so"}, audience="public", significance="typo", by=world.emil)


def test_versions_are_kept_and_brought_back(world: World, shelf: Shelf) -> None:
    menu = block(world)
    article = shelf.published(resolution=REFERRING)
    change(world, menu, en="Home → Rest")
    blocks.restore(menu, 1, significance="content", by=world.emil)
    assert [one.number for one in blocks.revisions_of(menu)] == [3, 2, 1]
    assert menu.words == MENU
    assert "System → Timer" in article.published.resolution_html
    change(world, menu)  # nothing new
    assert menu.number == 3
    with pytest.raises(Conflict):
        blocks.revise(menu, words=MENU, audience="public", significance="typo", by=world.emil, based_on=1)


def test_only_editors_change_blocks(world: World) -> None:
    menu = block(world)
    for stranger in (world.charlie, world.dora, world.ada):
        with pytest.raises(NotAllowed):
            blocks.create(name="x", words=MENU, audience="public", by=stranger)
        with pytest.raises(NotAllowed):
            blocks.revise(menu, words=MENU, audience="public", significance="typo", by=stranger)
        for deed in (blocks.remove, blocks.dissolve):
            with pytest.raises(NotAllowed):
                deed(menu, by=stranger)


@pytest.mark.parametrize("name", ["", "Menu", "a b", "a}", "-a", "x" * 61, "menu"])
def test_a_name_is_simple_and_its_own(world: World, name: str) -> None:
    block(world)
    with pytest.raises(Invalid) as refusal:
        block(world, name)
    assert "name" in refusal.value.fields


def test_what_looks_personal_in_a_block_waits_for_a_decision(world: World, shelf: Shelf) -> None:
    words = {"en": "Call 0711 5566770."}
    with pytest.raises(Invalid) as refusal:
        block(world, "hotline", **words)
    assert "personal" in refusal.value.fields["words_en"]
    (one,) = blocks.found(None, words)
    with pytest.raises(Invalid) as refusal:
        blocks.create(
            name="hotline", words=words, audience="public", by=world.emil, decided=Decisions(kept={one.digest: ""})
        )
    assert f"why-{one.digest}" in refusal.value.fields
    kept = Decisions(kept={one.digest: "Our hotline."})
    hotline = blocks.create(name="hotline", words=words, audience="public", by=world.emil, decided=kept)
    assert db.session.scalars(select(TextBlockKept.reason)).all() == ["Our hotline."]
    article = shelf.published(resolution="{{block:hotline}}")  # not asked again
    change(world, hotline, en="Please call 0711 5566770.")
    assert "Please call" in article.published.resolution_html
    gone = Decisions(removed=frozenset({one.digest}), kept={})
    other = blocks.create(name="other", words=words, audience="public", by=world.emil, decided=gone)
    assert other.words == {"en": "Call [phone number]."}


def test_names_of_the_thread_are_found_in_a_block_as_well(world: World, shelf: Shelf) -> None:
    thanks = block(world, "thanks", en="Thanks to Bob for this.")
    post = world.solved().acceptance.post
    article = shelf.article(resolution="{{block:thanks}}", sources=[post])
    with pytest.raises(redaction.Unconfirmed):
        articles.publish(article, by=world.emil)
    found = redaction.unconfirmed(article, redaction.texts_of(article, queries.newest_revision(article)))
    assert [one.blocks for one in found] == [["thanks"]]
    kept = Decisions(kept={found[0].digest: "He agreed."})
    assert confirming.confirm(article, kept, by=world.emil, seen=1) == []
    articles.publish(article, by=world.emil)
    with pytest.raises(Invalid):
        change(world, thanks, en="Thanks to Bob and Alice.")


def test_an_article_in_another_language_has_the_words_of_that_language(world: World, shelf: Shelf) -> None:
    block(world)
    article = shelf.published(resolution="{{block:menu}}")
    articles.classify(article, section=article.section, locale="de", audience="public", tags=[], by=world.emil)
    assert "Zeitschaltung" in article.published.resolution_html


def test_blocks_go_out_and_come_in_before_the_articles(world: World, shelf: Shelf) -> None:
    block(world)
    block(world, "an-outer", en="Look: {{block:menu}}")
    article = shelf.published(resolution="{{block:an-outer}}")
    records = list(transfer.dump_blocks())
    assert [record["id"] for record in records] == ["menu", "an-outer"]
    read = [transfer.BlockRecord.model_validate(record) for record in records]
    assert [transfer.load_block(one) for one in read] == ["unchanged", "unchanged"]
    read[0].words["en"] = "Home → Rest"
    assert transfer.load_block(read[0]) == "changed"
    assert "Look: Home → Rest" in article.published.resolution_html
    assert next(record for record in transfer.dump())["body"] == "{{block:an-outer}}"
    for one in db.session.scalars(select(Article)).unique():
        assert one.published.number == 1


def test_an_import_does_not_widen_what_few_may_read(world: World, shelf: Shelf) -> None:
    block(world, "inner", audience="team", en="The secret menu")
    record = {"id": "x", "section": "router", "locale": "en", "title": "Leak", "body": "{{block:inner}}"}
    with pytest.raises(Invalid):
        transfer.load(transfer.ArticleRecord.model_validate(record))
    db.session.rollback()


def test_of_two_who_change_it_at_once_both_are_kept_or_one_is_told(app: Flask, stage: Any) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        menu = block(world)
        return menu.id, Shelf(world).published(resolution=REFERRING).id

    block_id, article_id = stage(scene)
    begin, told = threading.Barrier(2), list[str]()

    def save(word: str) -> None:
        with app.app_context():
            begin.wait()
            world = World()
            menu, article = blocks.block(block_id), db.session.get_one(Article, article_id)
            words = articles.words_of(queries.newest_revision(article))
            try:
                if word == "article":
                    articles.revise(article, by=world.emil, **{**words, "summary": "Anew."})
                else:
                    change(world, menu, en=word)
                db.session.commit()
            except Conflict as error:
                told.append(error.sentence)
                db.session.rollback()

    threads = [threading.Thread(target=save, args=(word,)) for word in ("article", "Home → Rest")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not told

    def shown(_world: World) -> tuple[str, str, str]:
        article = db.session.get_one(Article, article_id)
        newest = queries.newest_revision(article)
        return article.published.resolution_html, newest.resolution_html, newest.summary

    published, newest, summary = stage(shown)
    assert "Home → Rest" in published
    assert "Home → Rest" in newest
    assert summary == "Anew."


def test_followers_hear_of_it_once_where_it_says_something_else(world: World, shelf: Shelf) -> None:
    menu = block(world)
    shelf.published(resolution=REFERRING)
    change(world, menu, "typo", en="System › Timer")
    assert db.session.scalars(select(Notification)).all() == []
