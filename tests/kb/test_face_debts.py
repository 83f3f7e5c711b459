"""Faces with du, the arithmetic of channels, and what articles owe."""

from typing import Any

import pytest

from core.db import db
from core.errors import Invalid
from kb import articles, face_debts, faces, queries, transfer
from kb.models import FACE_KINDS, Article, Face
from tests.cast import World
from tests.kb.shelf import Shelf, fields_of

GERMAN = {
    "locale": "de",
    "title": "Das WLAN ist weg",
    "summary": "Starten Sie den Router neu.",
    "resolution": "1. Ziehen Sie den Stecker.\n2. Stecken Sie ihn ein.",
}
UNSURE = {**GERMAN, "summary": "Haben Sie den Router schon neu gestartet?"}


def informal_of(article: Article) -> dict[str, str]:
    db.session.expire(article, ["informal_faces"])
    return {face.kind: face.text for face in article.informal_faces}


def revised(world: World, article: Article, significance: Any = "content", **changes: Any) -> None:
    words = {**articles.words_of(queries.newest_revision(article)), **changes}
    articles.revise(article, by=world.emil, **words)
    articles.publish(article, by=world.emil, significance=significance)


def owing(which: Any) -> list[int]:
    return [article.id for article in db.session.scalars(face_debts.owing(which)).unique()]


def test_a_german_article_gets_faces_with_du_where_that_is_sure(shelf: Shelf) -> None:
    article = shelf.published(**GERMAN)
    assert informal_of(article).keys() == set(FACE_KINDS)
    assert informal_of(article)["sentence"] == "Starte den Router neu."
    assert informal_of(article)["280"].endswith("1. Ziehe den Stecker.\n2. Stecke ihn ein.")
    assert {face.kind for face in article.faces} == set(FACE_KINDS)
    assert owing("missing") == []


def test_what_the_rules_cannot_say_is_missing_and_counted(world: World, shelf: Shelf) -> None:
    article = shelf.published(**UNSURE)
    english = shelf.published()
    assert "sentence" not in informal_of(article)
    assert owing("missing") == [article.id]
    assert face_debts.counts() == {"missing": 1, "older": 0}
    debts = face_debts.debts_of([article, english])
    assert english.id not in debts
    assert all(debt.is_informal and debt.state == "missing" for debt in debts[article.id])
    for kind in FACE_KINDS:
        faces.write(article, kind=kind, text="Hast du neu gestartet?", by=world.emil, is_informal=True)
    assert owing("missing") == []


def test_what_people_wrote_is_older_after_a_change_but_not_after_a_typo(world: World, shelf: Shelf) -> None:
    article = shelf.published(**GERMAN)
    faces.write(article, kind="280", text="Ein Mensch sagt es besser.", by=world.emil)
    revised(world, article, "typo", title="Das W-LAN ist weg")
    assert owing("older") == []
    revised(world, article, summary="Warten Sie.")
    assert owing("older") == [article.id]
    debts = [(debt.kind, debt.is_informal, debt.state) for debt in face_debts.debts_of([article])[article.id]]
    # What was drafted of the older text is older, too.
    assert debts == [("280", False, "older"), ("280", True, "older")]
    faces.write(article, kind="280", text="Warten Sie.", by=world.emil)
    assert owing("older") == []
    assert informal_of(article)["280"] == "Warte."


def test_a_face_with_du_that_a_person_wrote_stays_until_it_is_emptied(world: World, shelf: Shelf) -> None:
    article = shelf.published(**GERMAN)
    faces.write(article, kind="sentence", text="Start doch neu.", by=world.emil, is_informal=True)
    revised(world, article, summary="Warten Sie.")
    assert informal_of(article)["sentence"] == "Start doch neu."
    faces.write(article, kind="sentence", text="", by=world.emil, is_informal=True)
    assert informal_of(article)["sentence"] == "Warte."


def test_an_article_that_is_german_no_more_has_none_with_du(world: World, shelf: Shelf) -> None:
    article = shelf.published(**GERMAN)
    articles.classify(article, section=article.section, locale="en", audience="public", tags=[], by=world.emil)
    revised(world, article, summary="Wait.")
    assert informal_of(article) == {}
    assert owing("missing") == []


def test_each_channel_counts_its_own_way(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    family = "👩‍👩‍👧‍👦"
    faces.write(article, kind="280", text=family * 120, by=world.emil)  # X: two for each emoji however long
    faces.write(article, kind="300", text=family * 100, by=world.emil)  # Bluesky: one for each, 2,500 bytes
    for kind, text in (("280", family * 130), ("300", family * 120), ("280", "語" * 140)):
        with pytest.raises(Invalid) as refusal:
            faces.write(article, kind=kind, text=text, by=world.emil)  # type: ignore[arg-type]
        assert list(refusal.value.fields) == [f"face_{kind}"]


def test_what_came_without_faces_gets_them_from_the_worker(shelf: Shelf) -> None:
    article = shelf.published(**GERMAN)
    db.session.query(Face).delete()
    db.session.expire(article)
    assert owing("missing") == []
    assert face_debts.draw_missing() == 1
    assert face_debts.draw_missing() == 0
    assert len(informal_of(article)) == len(FACE_KINDS)


def test_faces_with_du_travel(world: World, shelf: Shelf) -> None:
    article = shelf.published(**GERMAN)
    faces.write(article, kind="280", text="Start doch neu.", by=world.emil, is_informal=True)
    [line] = transfer.dump()
    assert line["faces_du"] == {"280": "Start doch neu."}
    assert "faces" not in line
    record = transfer.ArticleRecord.model_validate({**line, "id": "other", "author": None, "version": None})
    assert transfer.load(record) == "new"
    assert transfer.load(record) == "unchanged"


def test_the_form_shows_both_keeps_what_was_typed_and_says_what_does_not_fit(
    stage: Any, browser_of: Any, app: Any
) -> None:
    article_id = stage(lambda world: Shelf(world).published(**UNSURE).id)
    emil, path = browser_of("emil"), f"/kb/articles/{article_id}/edit"
    page = emil.get(path).text
    assert "the rules cannot tell how this is said with du" in page
    values = fields_of(page, path)
    wrong = emil.post(path, data={**values, "face_du_280": "x" * 300})
    assert wrong.status_code == 422
    assert "x" * 300 in wrong.text
    assert emil.post(path, data={**values, "face_du_280": "Hast du neu gestartet?"}).status_code == 303
    with app.app_context():
        article = db.session.get_one(Article, article_id)
        assert informal_of(article)["280"] == "Hast du neu gestartet?"
    without = {name: value for name, value in fields_of(emil.get(path).text, path).items() if "face_du" not in name}
    assert emil.post(path, data=without).status_code == 303
    with app.app_context():
        assert informal_of(db.session.get_one(Article, article_id))["280"] == "Hast du neu gestartet?"


def test_the_list_shows_what_is_owed_to_the_team_only(stage: Any, browser_of: Any, guest: Any) -> None:
    def scene(world: World) -> None:
        world.everybody()
        Shelf(world).published(**UNSURE)

    stage(scene)
    page = browser_of("emil").get("/kb/faces").text
    assert "Das WLAN ist weg" in page
    assert "One sentence, with du" in page
    assert "Nothing is owed" in browser_of("dora").get("/kb/faces?list=older").text
    assert browser_of("charlie").get("/kb/faces").status_code == 403
    assert guest.get("/kb/faces").status_code == 303
