"""One article in two languages: joined, current, older, missing; and what readers and the team see of that."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from core import clock
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum.models import Notification
from kb import addresses, articles, families, index, parity, queries, transfer
from kb.models import Article, ArticleReading
from tests.cast import World
from tests.kb.shelf import Shelf, fields_of

GERMAN = {"locale": "de", "title": "Das WLAN ist weg", "summary": "Starten Sie neu.", "resolution": "Neu starten."}


def pair(world: World, shelf: Shelf) -> tuple[Article, Article]:
    """Return an English article and its German translation, both published."""
    english, german = shelf.published(), shelf.article(**GERMAN)
    families.join(german, english, by=world.emil, is_current=True)
    articles.publish(german, by=world.emil)
    return english, german


def revised(world: World, article: Article, summary: str = "Only restart it.", **how: Any) -> None:
    words = {**articles.words_of(queries.newest_revision(article)), "summary": summary}
    articles.revise(article, by=world.emil, **words)
    articles.publish(article, by=world.emil, **how)


def states(*some: Article) -> list[str]:
    for article in some:
        db.session.refresh(article)
    return [families.state_of(article, families.members(article)) for article in some]


def board(which: Any) -> list[tuple[int, str]]:
    return [(row.article_id, row.other_locale) for row in parity.rows(which)[0]]


def test_a_translation_is_current_until_the_original_changes(world: World, shelf: Shelf) -> None:
    english, german = pair(world, shelf)
    assert states(english, german) == ["current", "current"]
    revised(world, english, "A typo went.", significance="typo")
    assert states(english, german) == ["current", "current"]
    revised(world, english)
    assert states(english, german) == ["current", "older"]
    revised(world, german, "Nur neu starten.", is_matching=True)
    assert states(english, german) == ["current", "current"]


def test_the_original_can_be_the_older_one(world: World, shelf: Shelf) -> None:
    english, german = pair(world, shelf)
    revised(world, german, "Nur neu starten.", significance="instructions")
    assert states(english, german) == ["older", "current"]
    families.confirm(english, by=world.emil)
    assert states(english, german) == ["current", "current"]


def test_what_was_written_before_but_published_after_the_translation_counts(world: World, shelf: Shelf) -> None:
    english = shelf.published()
    words = {**articles.words_of(english.published), "summary": "Something else."}
    articles.revise(english, by=world.emil, **words)
    german = shelf.article(**GERMAN)
    families.join(german, english, by=world.emil, is_current=True)
    articles.publish(german, by=world.emil)
    articles.publish(english, by=world.emil)
    assert states(english, german) == ["current", "older"]


def test_a_change_while_the_translation_is_written_is_not_lost(world: World, shelf: Shelf) -> None:
    english, german = shelf.published(), shelf.article(**GERMAN)
    families.join(german, english, by=world.emil, is_current=True)
    revised(world, english)
    articles.publish(german, by=world.emil)
    assert states(english, german) == ["current", "older"]


def test_a_family_has_one_article_for_each_language(world: World, shelf: Shelf) -> None:
    english, german = pair(world, shelf)
    other = shelf.article(title="Another one")
    for article, wrong in ((other, english), (german, other), (other, german), (english, english)):
        if article is english:
            families.join(article, wrong, by=world.emil)  # it is its own family already: nothing happens
            continue
        with pytest.raises(Invalid) as refusal:
            families.join(article, wrong, by=world.emil)
        assert list(refusal.value.fields) == ["other"]
    with pytest.raises(Invalid) as refusal:
        articles.classify(german, section=german.section, locale="en", audience="public", tags=[], by=world.emil)
    assert list(refusal.value.fields) == ["locale"]


def test_who_leaves_stands_alone_again(world: World, shelf: Shelf) -> None:
    english, german = pair(world, shelf)
    families.leave(german, by=world.emil)
    families.leave(german, by=world.emil)
    assert (english.family_id, german.family_id) == (None, None)
    families.join(german, english, by=world.emil)
    assert english.family_id == german.family_id


@pytest.mark.parametrize("handle", ["alice", "tina", "dora", "ada"])
def test_only_editors_join_part_and_confirm(world: World, shelf: Shelf, handle: str) -> None:
    world.everybody()
    english, german = pair(world, shelf)
    somebody = world.person(handle)
    for deed in (
        lambda: families.join(german, english, by=somebody),
        lambda: families.leave(german, by=somebody),
        lambda: families.confirm(german, by=somebody),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_of_two_who_translate_at_once_one_is_told(app: Flask, stage: Any) -> None:
    def scene(world: World) -> tuple[int, list[int], int]:
        shelf = Shelf(world)
        drafts = [shelf.article(**GERMAN).id for _ in range(2)]
        return shelf.published().id, drafts, world.emil.id

    english_id, drafts, emil_id = stage(scene)
    start, outcomes = threading.Barrier(2), []

    def join(draft_id: int) -> None:
        with app.app_context():
            from accounts.models import User

            start.wait(10)
            try:
                english, draft = db.session.get_one(Article, english_id), db.session.get_one(Article, draft_id)
                families.join(draft, english, by=db.session.get_one(User, emil_id), is_current=True)
                db.session.commit()
                outcomes.append("joined")
            except (Invalid, Conflict):
                db.session.rollback()
                outcomes.append("refused")

    threads = [threading.Thread(target=join, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["joined", "refused"]


def test_the_board_shows_what_is_missing_older_and_current_by_what_is_read(world: World, shelf: Shelf) -> None:
    english, german = pair(world, shelf)
    quiet, read = shelf.published(title="Quiet one"), shelf.published(title="Much read")
    shelf.article(title="A draft")
    db.session.add(ArticleReading(article_id=read.id, day=clock.now().date(), count=7))
    db.session.flush()
    assert board("missing") == [(read.id, "de"), (quiet.id, "de")]
    assert board("current") == [(english.id, "de")]
    assert parity.counts() == {"missing": 2, "older": 0, "current": 1}
    revised(world, english)
    assert board("older") == [(english.id, "de")]
    assert board("current") == []
    articles.withdraw(german, by=world.emil, reason="It is wrong")
    assert (english.id, "de") in board("missing")
    assert parity.counts() == {"missing": 3, "older": 0, "current": 0}


def test_every_number_of_the_board_has_as_many_rows(world: World, shelf: Shelf) -> None:
    for number in range(parity.A_PAGE + 2):
        shelf.published(title=f"Article number {number}")
    first, has_more = parity.rows("missing")
    second, has_yet_more = parity.rows("missing", page=2)
    assert (len(first), has_more, len(second), has_yet_more) == (parity.A_PAGE, True, 2, False)
    assert parity.counts()["missing"] == len({row.article_id for row in (*first, *second)})


@pytest.mark.parametrize(("significance", "tells"), [("typo", 0), ("content", 1), ("instructions", 1)])
def test_the_owner_of_the_translation_hears_of_it(
    stage: Any, app: Flask, worker: Callable[[], None], significance: Any, tells: int
) -> None:
    def scene(world: World) -> None:
        english, german = pair(world, Shelf(world))
        german.owner = world.person("edda", "editor")
        revised(world, english, significance=significance)

    stage(scene)
    worker()
    with app.app_context():
        assert db.session.query(Notification).filter_by(kind="translation_behind").count() == tells


def test_readers_switch_and_learn_which_one_is_newer(stage: Any, guest: Any) -> None:
    def scene(world: World) -> tuple[str, str]:
        english, german = pair(world, Shelf(world))
        return addresses.of_article(english), addresses.of_article(german)

    english, german = stage(scene)
    assert f'href="{german}" hreflang="de"' in guest.get(english).text
    in_german = guest.get(german, headers={"Accept-Language": "en"}).text
    assert "This article is there in English, too" in in_german
    assert "is newer" not in in_german
    stage(lambda world: revised(world, db.session.get_one(Article, 1), significance="instructions"))
    in_german = guest.get(german, headers={"Accept-Language": "en"}).text
    assert "The English article is newer" in in_german
    assert "Its instructions were corrected" in in_german
    assert "is newer" not in guest.get(english).text


def test_a_translation_that_readers_may_not_see_is_not_told_of(stage: Any, guest: Any, browser_of: Any) -> None:
    def scene(world: World) -> str:
        world.everybody()
        shelf = Shelf(world)
        english, german = shelf.published(), shelf.article(**{**GERMAN, "audience": "team"})
        families.join(german, english, by=world.emil, is_current=True)
        articles.publish(german, by=world.emil)
        revised(world, german, "Geheim.")
        return addresses.of_article(english)

    path = stage(scene)
    for reader in (guest, browser_of("charlie")):
        page = reader.get(path).text
        assert "WLAN" not in page
        assert "is newer" not in page
    assert "is newer" in browser_of("dora").get(path).text


def test_lists_show_one_of_a_family_in_the_readers_language(stage: Any, guest: Any) -> None:
    def scene(world: World) -> None:
        shelf = Shelf(world)
        pair(world, shelf)
        shelf.published(locale="de", title="Nur auf Deutsch")

    stage(scene)
    for path in ("/kb", "/kb/s/router"):
        english = guest.get(path, headers={"Accept-Language": "en"}).text
        assert "Wireless is gone" in english
        assert "Das WLAN ist weg" not in english
        assert "Nur auf Deutsch" in english  # better than nothing
        assert "Wireless is gone" not in guest.get(path, headers={"Accept-Language": "de"}).text
    assert "Das WLAN ist weg" in guest.get("/kb/s/router?locale=de").text


def test_an_editor_translates_joins_confirms_and_parts(stage: Any, browser_of: Any, app: Flask) -> None:
    def scene(world: World) -> tuple[int, int]:
        shelf = Shelf(world)
        return shelf.published().id, shelf.article(**GERMAN).id

    english_id, german_id = stage(scene)
    emil = browser_of("emil")
    path = f"/kb/articles/{english_id}/translation/de"
    values = fields_of(emil.get(path).text, path)
    assert values["summary"] == "Restart the router, then choose channel 6."
    wrong = emil.post(path, data={**values, "title": "", "summary": "Von Hand getippt"})
    assert wrong.status_code == 422
    assert "Von Hand getippt" in wrong.text
    assert emil.post(path, data={**values, "title": "Kein WLAN"}).status_code == 303
    assert emil.get(path).status_code == 404
    assert emil.post(f"/kb/articles/{english_id}/languages/removal").status_code == 303
    languages = f"/kb/articles/{english_id}/languages"
    for typed in ("nonsense", "/kb/999999", "http://localhost/kb/99999999999999999999"):
        refused = emil.post(languages, data={"other": typed})
        assert refused.status_code == 422
        assert typed in refused.text
    assert emil.post(languages, data={"other": f"http://localhost/kb/{german_id}-das-wlan-ist-weg"}).status_code == 303
    assert emil.post(f"{languages}/confirmation").status_code == 303
    with app.app_context():
        articles_ = [db.session.get_one(Article, one) for one in (english_id, german_id)]
        assert articles_[0].family_id == articles_[1].family_id is not None
    assert "Das WLAN ist weg" in browser_of("emil").get(languages).text
    assert "Languages" in emil.get("/kb/languages?list=older&page=0").text


def test_families_travel(world: World, shelf: Shelf) -> None:
    english, _german = pair(world, shelf)
    revised(world, english)
    lines = [
        {**line, "id": f"x{number}", "author": None, "version": None, "history": []}
        for number, line in enumerate(transfer.dump())
    ]
    assert [line["family"] for line in lines] == [f"klinke:{english.id}"] * 2
    assert [line.get("is_behind", False) for line in lines] == [False, True]
    for line in lines:
        record = transfer.ArticleRecord.model_validate({**line, "family": "x0"})
        assert transfer.load(record) == "new"
    again = [transfer.ArticleRecord.model_validate({**line, "family": "x0"}) for line in lines]
    assert [transfer.load(record) for record in again] == ["unchanged", "unchanged"]
    copies = [db.session.query(Article).filter_by(source_id=name).one() for name in ("x0", "x1")]
    assert states(*copies) == ["current", "older"]
    with pytest.raises(Invalid):
        transfer.load(transfer.ArticleRecord.model_validate({**lines[1], "id": "x9", "family": "nobody"}))


def test_the_same_in_another_language_stands_beside_an_article_and_not_in_its_index(world: World, shelf: Shelf) -> None:
    english, german = pair(world, shelf)
    db.session.execute(update(Article).values(place=1))
    db.session.flush()
    beside = index.beside(english, viewer=world.alice)
    assert [sibling.id for sibling in beside.siblings] == [german.id]
    assert [entry.id for entry in beside.path[-1].entries] == [english.id]
