"""Articles as JSON lines, in and out."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core import transfer
from core.db import db
from core.outbox import Delivery
from forum import queries as forum_queries
from forum.models import Post
from kb import articles, faces, queries
from kb.models import Article, Face, Nomination, Revision, Section
from search import synonyms
from search.models import StaleNote
from tests.cast import World
from tests.kb.shelf import Shelf

USER = {
    "type": "user",
    "id": "u1",
    "handle": "anna",
    "name": "Anna",
    "roles": ["member"],
    "created": "2026-01-05T10:00:00Z",
}
TOPIC = {
    "type": "topic",
    "id": "t1",
    "category": "router",
    "author": "u1",
    "title": "Kein WLAN nach Update",
    "body": "Seit heute früh geht nichts.",
    "locale": "de",
    "tags": ["wlan"],
    "created": "2026-01-05T10:00:00Z",
    "answers": [
        {
            "id": "p2",
            "author": "u1",
            "body": "Kanal 6 wählen.",
            "created": "2026-01-05T11:00:00Z",
            "accepted": True,
            "comments": [],
        }
    ],
}
ARTICLE = {
    "type": "article",
    "id": "a1",
    "section": "wlan",
    "locale": "de",
    "title": "WLAN einrichten – ganz schnell",
    "summary": "Kanal 6 wählen.",
    "body": "Erst **ausschalten**.  \n\n1. Warten\n2. Einschalten\n",
    "keywords": ["wlan", "router"],
    "author": "u1",
    "created": "2026-01-05T10:00:00Z",
    "status": "published",
    "audience": "public",
    "source_post": "p2",
    "faces": {"280": "Kanal 6 hilft. 😀", "300": "Kanal 6 hilft wirklich. 👩‍👩‍👧‍👦"},
}
PLAIN = {
    "type": "article",
    "id": "a2",
    "section": "wlan",
    "locale": "en",
    "title": "Where the plug is",
    "body": "Behind it.",
    "created": "2026-02-05T10:00:00.250000Z",
    "status": "draft",
    "audience": "team",
}
RICH = {
    **ARTICLE,
    "id": "a3",
    "symptoms": "- rote Lampe\n",
    "environment": "R2",
    "tags": ["funk", "wlan"],
    "confidence": "validated",
    "audience": "signed_in",
    "faces": {"mail": "Sehr geehrte Damen,\n\nKanal 6."},
}
FILE = [USER, TOPIC, ARTICLE, PLAIN, RICH]


def imported(tmp_path: Path, *records: dict[str, Any]) -> transfer.Report:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return transfer.read_jsonl(path)


def exported(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "out.jsonl"
    transfer.write_jsonl(path)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def counts(report: transfer.Report) -> dict[str, int]:
    return {outcome: number for (name, outcome), number in report.counts.items() if name == "article"}


def test_an_export_of_an_import_equals_it(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        report = imported(tmp_path, *FILE)
        assert report.skipped == []
        assert [record for record in exported(tmp_path) if record["type"] == "article"] == [ARTICLE, PLAIN, RICH]


def test_a_second_import_changes_nothing(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        assert counts(imported(tmp_path, *FILE)) == {"new": 3}
        before = db.session.query(Revision).count()
        assert counts(imported(tmp_path, *FILE)) == {"unchanged": 3}
        assert db.session.query(Revision).count() == before


def test_an_imported_article_is_there_for_readers_search_and_its_thread(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        imported(tmp_path, *FILE)
        article = db.session.scalars(select(Article).where(Article.source_id == "a1")).unique().one()
        assert (article.is_published, article.confidence) == (True, "not_validated")
        assert article.published_at == article.created_at == article.published.at
        assert article.published.by.handle == article.owner.handle == "anna"
        assert "<strong>ausschalten</strong>" in article.published.resolution_html
        assert article.section.name == "Wlan"
        topic = article.sources[0].post.topic
        assert [link.url for link in forum_queries.see_also(topic)] == [
            f"/kb/{article.id}-wlan-einrichten-ganz-schnell"
        ]
        assert db.session.query(StaleNote).filter_by(kind="article", ref_id=article.id).count() > 0


def test_an_import_tells_and_nominates_nobody(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        imported(tmp_path, *FILE)
        assert db.session.query(Delivery).count() == 0
        assert db.session.query(Nomination).count() == 0


def test_faces_that_were_not_given_are_not_stored_and_drafted_when_they_are_needed(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        imported(tmp_path, *FILE)
        article = db.session.scalars(select(Article).where(Article.source_id == "a1")).unique().one()
        assert {face.kind for face in db.session.query(Face).filter_by(article_id=article.id)} == {"280", "300"}
        url = "https://x.example/kb/1"
        assert faces.text_for(article, limit=45, url=url) == ("280", f"Kanal 6 hilft. 😀 {url}")
        assert faces.text_for(article, limit=500, url=url)[0] == "300"
        kind, text = faces.text_for(article, limit=None, url=url)
        assert kind == "mail"
        assert "1. Warten\n2. Einschalten" in text


def test_a_changed_record_makes_a_new_version(app: Any, tmp_path: Path) -> None:
    changed = {
        **ARTICLE,
        "title": "WLAN wieder einrichten",
        "faces": {"280": "Neu."},
        "tags": ["neu"],
        "section": "funk",
    }
    with app.app_context():
        imported(tmp_path, *FILE)
        assert counts(imported(tmp_path, USER, TOPIC, changed)) == {"changed": 1}
        article = db.session.scalars(select(Article).where(Article.source_id == "a1")).unique().one()
        assert (article.published.number, article.published.title) == (2, "WLAN wieder einrichten")
        assert {face.kind: face.text for face in article.faces} == {"280": "Neu."}
        topic = article.sources[0].post.topic
        assert [(link.title, link.url) for link in forum_queries.see_also(topic)] == [
            ("WLAN wieder einrichten", f"/kb/{article.id}-wlan-wieder-einrichten")
        ]
        assert counts(imported(tmp_path, changed)) == {"unchanged": 1}


def test_a_record_that_became_a_draft_is_taken_from_readers(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        imported(tmp_path, *FILE)
        imported(tmp_path, {**ARTICLE, "status": "draft"})
        article = db.session.scalars(select(Article).where(Article.source_id == "a1")).unique().one()
        assert not article.is_published
        assert forum_queries.see_also(article.sources[0].post.topic) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"author": "nobody"}, "nobody"),
        ({"source_post": "p99"}, "p99"),
        ({"locale": "fr"}, "locale"),
        ({"body": " \n"}, "body"),
        ({"body": "x" * 32_001}, "body"),
        ({"body": "a\0b"}, "body"),
        ({"title": "x" * 301}, "title"),
        ({"title": ""}, "title"),
        ({"status": "maybe"}, "status"),
        ({"faces": {"140": "x"}}, "faces"),
        ({"faces": {"280": " "}}, "faces"),
        ({"created": "yesterday"}, "created"),
        ({"created": "2026-01-05T10:00:00"}, "created"),
        ({"keywords": "wlan"}, "keywords"),
        ({"body": "> " * 40 + "deep"}, "nested|deep|simplify"),
    ],
)
def test_a_record_that_cannot_be_taken_is_reported_and_the_rest_goes_in(
    app: Any, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with app.app_context():
        report = imported(tmp_path, USER, TOPIC, {**ARTICLE, **change}, PLAIN)
        (line, reason), *others = report.skipped
        assert (line, others) == (3, [])
        assert any(word in reason for word in words.split("|")), reason
        assert counts(report) == {"new": 1}
        assert [record["id"] for record in exported(tmp_path) if record["type"] == "article"] == ["a2"]


def test_what_was_written_here_goes_out_too(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        shelf = Shelf(World())
        article = shelf.published(sources=[shelf.world.solved().acceptance.post])
        faces.write(article, kind="280", text="My own words.", by=shelf.world.emil)
        db.session.commit()
        post = db.session.query(Post).filter_by(kind="answer").one()
        (record,) = (record for record in exported(tmp_path) if record["type"] == "article")
        assert record["id"] == f"klinke:{article.id}"
        assert record["author"] == f"klinke:{shelf.world.emil.id}"
        assert record["source_post"] == f"klinke:{post.id}"
        assert record["confidence"] == "validated"
        assert record["faces"] == {"280": "My own words."}


def test_sections_with_names_of_their_own_go_along(app: Any, tmp_path: Path) -> None:
    section = {"type": "section", "id": "wlan", "names": {"de": "WLAN", "en": "Wireless"}, "position": 3}
    with app.app_context():
        assert imported(tmp_path, section, *FILE).skipped == []
        assert [record for record in exported(tmp_path) if record["type"] == "section"] == [section]
        assert imported(tmp_path, section).counts["section", "unchanged"] == 1
        assert imported(tmp_path, {**section, "position": 4}).counts["section", "changed"] == 1
        assert db.session.query(Section).one().position == 4


def test_words_that_mean_the_same_go_along(app: Any, tmp_path: Path) -> None:
    groups = [
        {"type": "synonym", "words": ["Birke 3", "Router"], "locale": "de", "one_way": True},
        {"type": "synonym", "words": ["Wi-Fi", "WLAN"]},
    ]
    with app.app_context():
        assert imported(tmp_path, *groups).skipped == []
        assert [record for record in exported(tmp_path) if record["type"] == "synonym"] == groups
        assert imported(tmp_path, *groups).counts["synonym", "unchanged"] == 2
        assert imported(tmp_path, {"type": "synonym", "words": ["Wi-Fi", "wi fi"]}).skipped != []
        assert synonyms.expansions("router", "de") == ()
        assert synonyms.expansions("birke 3", "de") == ("Router",)


def test_what_was_edited_here_since_is_kept_in_the_history(app: Any, tmp_path: Path) -> None:
    with app.app_context():
        imported(tmp_path, *FILE)
        article = db.session.scalars(select(Article).where(Article.source_id == "a1")).unique().one()
        world = World()
        words = {**articles.words_of(article.published), "summary": "Von Emil."}
        articles.revise(article, by=world.emil, **words)
        articles.publish(article, by=world.emil)
        db.session.commit()
        assert counts(imported(tmp_path, ARTICLE)) == {"changed": 1}
        article = db.session.scalars(select(Article).where(Article.source_id == "a1")).unique().one()
        assert [revision.summary for revision in queries.revisions_of(article)] == [
            "Kanal 6 wählen.",
            "Von Emil.",
            "Kanal 6 wählen.",
        ]
