"""The community comes in whole, once, at the present day, and its people are awake."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts import people
from accounts.people import AnonymousUser
from core import transfer
from core.clock import now
from core.commands import STARTERS
from core.db import db
from core.outbox import Delivery
from demo import channel as channels
from demo import load
from demo.models import PlazaPost
from desk import suggestions
from desk.models import Conversation, Message
from forum import queries
from forum.models import Category, Follow, Post, ReviewCase, Topic, Vote
from kb import products, promotion, recall
from kb.models import Article, ArticleSource, ArticleTask, ArticleUse, Section
from search import query
from tests.conftest import Browser
from tests.demo.conftest import MOMENT

COUNTED = (Topic, Post, Article, Conversation, Message, PlazaPost, Follow, Vote, Delivery)


def rows() -> dict[str, int | None]:
    return {table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) for table in COUNTED}


def topic(name: str) -> Topic:
    return db.session.scalars(select(Topic).where(Topic.source_id == load.PREFIX + name)).unique().one()


def test_everything_comes_in(app: Flask) -> None:
    with app.app_context():
        report = load.load(MOMENT)
        assert report.skipped == []
        expected = {"user": 17, "category": 6, "topic": 34, "duplicate": 1, "section": 6, "block": 1, "article": 13}
        assert {name: count for (name, _outcome), count in report.counts.items()} == {**expected, "conversation": 8}
        assert report.count("new") == sum(report.counts.values())
        assert {category.names["de"] != category.names["en"] for category in db.session.scalars(select(Category))} == {
            True
        }
        assert all(category.descriptions.keys() == {"de", "en"} for category in db.session.scalars(select(Category)))
        assert all(section.names.keys() == {"de", "en"} for section in db.session.scalars(select(Section)))


def test_a_second_load_changes_nothing(app: Flask) -> None:
    with app.app_context():
        load.load(MOMENT)
        before = rows()
        report = load.load(MOMENT)
        assert report.skipped == []
        assert report.count("new") == report.count("changed") == 0
        assert rows() == before


def test_starting_again_loads_nothing_and_shows_the_accounts(community: Flask) -> None:
    with community.app_context():
        before, moment = rows(), topic("t01").created_at
        lines = STARTERS["demo"]()
        assert rows() == before
        assert topic("t01").created_at == moment
    for handle in load.ACCOUNTS:
        assert any(handle in line for line in lines)
    assert any(load.PASSWORD in line for line in lines)
    assert any("/demo/plaza" in line for line in lines)


def test_a_load_that_was_interrupted_is_finished_by_the_next_start(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        monkeypatch.setattr(load, "_wake_up", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            load.start()
        db.session.rollback()
        assert not load.is_loaded()
        monkeypatch.undo()
        assert load.start() == load.accounts_table()
        assert load.is_loaded()
        assert rows()["topic"] == 35  # one came by mail


def test_the_newest_is_minutes_old_and_nothing_is_from_tomorrow(community: Flask) -> None:
    with community.app_context():
        moments = [
            db.session.scalar(select(func.max(column)))
            for column in (Post.created_at, Article.published_at, Message.created_at, PlazaPost.created_at)
        ]
        newest = max(moment for moment in moments if moment is not None)
        assert timedelta(minutes=5) < now() - newest < timedelta(minutes=15)
        oldest = db.session.scalar(select(func.min(Topic.created_at)))
        assert oldest is not None
        assert timedelta(days=40) < now() - oldest < timedelta(days=90)


def test_the_accounts_can_sign_in_and_the_others_cannot(community: Flask) -> None:
    for handle, (role, _what) in load.ACCOUNTS.items():
        browser = community.test_client()
        answer = browser.post("/sign-in", data={"handle": handle, "password": load.PASSWORD})
        assert answer.status_code == 303, handle
        assert browser.get("/settings").status_code == 200, handle
        with community.app_context():
            user = people.by_handle(handle)
            assert user is not None
            assert user.has_role(role)
    for password in (load.PASSWORD, ""):
        answer = community.test_client().post("/sign-in", data={"handle": "bettina", "password": password})
        assert answer.status_code == 422


def test_something_waits_in_the_queue(community: Flask) -> None:
    with community.app_context():
        kinds = sorted(db.session.scalars(select(ReviewCase.kind).where(ReviewCase.decided_at.is_(None))))
        assert kinds == ["flagged", "held", "held"]


def test_the_loop_has_something_at_every_station(community: Flask, worker: Callable[[], None]) -> None:
    worker()
    with community.app_context():
        counts = promotion.counts()
        assert counts["pending"] >= len(load.ACCEPTED)
        assert counts["drafted"] == counts["declined"] == 1
        muted = topic(load.MUTED)
        assert muted.muting is not None
        assert "Anschrift" in muted.muting.reason
        shown = set(db.session.scalars(queries.visible_topics(AnonymousUser())).unique())
        assert muted not in shown
        assert len(shown) == 33
        assert db.session.scalar(select(func.count()).select_from(ArticleSource)) == 12  # eleven, and the draft's
        assert db.session.scalar(select(func.count()).select_from(ArticleUse)) == 4
        waiting = db.session.scalars(select(Conversation).where(Conversation.waiting_since.is_not(None))).all()
        assert {conversation.channel.slug for conversation in waiting} == {channels.SLUG, "telefon"}
        assert len(waiting) == 9
        assert db.session.scalar(select(func.count()).where(Delivery.set_aside_at.is_not(None))) == 0


def test_two_articles_were_wrong_and_the_replies_that_carried_it_are_listed(
    community: Flask, worker: Callable[[], None]
) -> None:
    worker()
    with community.app_context():
        for source_id, language, was in (("a03", "de", "5 Sekunden"), ("a08", "en", "a yellow port")):
            article = (
                db.session.scalars(select(Article).where(Article.source_id == load.PREFIX + source_id)).unique().one()
            )
            assert article.locale == language
            assert article.published is not None
            assert (article.published.number, article.published.significance) == (2, "instructions")
            rows = {row.where_kind: row for row in db.session.scalars(recall.of(article))}
            reply = db.session.get_one(Message, rows["message"].where_id)
            assert was in reply.text
            assert rows["message"].state == "todo"
            assert rows["message"].carried_id != article.published_id
            assert rows["post"].carried_id is None
        assert rows["post"].state == "not_needed"
        address = f"/kb/articles/{article.id}/recall"
    ada = community.test_client()
    assert ada.post("/sign-in", data={"handle": "ada", "password": load.PASSWORD}).status_code == 303
    assert "Ines" in ada.get(address).text


def test_search_finds_what_is_known_by_other_forms_of_the_words(community: Flask, worker: Callable[[], None]) -> None:
    known = {
        "Rechnungsadressen": "Rechnungsadresse ändern",
        "routers": "Use a second router as an access point",
        "Thermostate Ventilstifte": "Der Kiesel zeigt F3: den Ventilstift gängig machen",
    }
    worker()
    with community.app_context():
        for words, title in known.items():
            found = query.find(words, viewer=AnonymousUser(), kinds={"article"})
            assert title in [hit.found.title for hit in found.hits], words


def test_the_desk_is_offered_what_the_community_knows(community: Flask, worker: Callable[[], None]) -> None:
    worker()
    with community.app_context():
        ada = people.by_handle("ada")
        assert ada is not None
        for name, title in {
            "c01": "WLAN schaltet sich nachts ab: die Nachtruhe prüfen",
            "c02": "Batterien im Kiesel wechseln und länger nutzen",
        }.items():
            source_id = load.PREFIX + name
            asked = db.session.scalars(select(Conversation).where(Conversation.source_id == source_id)).one()
            found = suggestions.suggest_for(
                asked.messages[0].text, locale=asked.locale, channel=asked.channel, viewer=ada
            )
            assert title in [each.title for each in found][:3], name
            assert all(each.length <= channels.LIMIT for each in found if each.fits)


def test_the_community_can_be_exported(community: Flask, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("export") / "community.jsonl"
    with community.app_context():
        counts = transfer.write_jsonl(path)
    assert counts["topic"] == 35  # one came by mail
    assert counts["article"] == 15  # with the editor's draft, a translation, and what was replaced
    assert counts["conversation"] == 15


def test_pages_of_the_community_open_in_both_languages(community: Flask, worker: Callable[[], None]) -> None:
    worker()
    with community.app_context():
        paths = ["/", "/kb", "/c/router", "/demo/plaza", *(f"/t/{topic(name).id}" for name in ("t01", "t14", "t22"))]
    browser: Browser = community.test_client()  # type: ignore[assignment]
    for path in paths:
        for locale in ("de", "en"):
            answer = browser.get(path, headers={"Accept-Language": locale}, follow_redirects=True)
            assert answer.status_code == 200, path
            assert f'<html lang="{locale}"' in answer.text, path


def test_products_are_named_and_a_release_asks_for_a_look(community: Flask) -> None:
    with community.app_context():
        assert [one.name for one in products.everything()] == ["Birke 2", "Birke 3", "Kiesel", "Ulmenfunk App"]
        asked = db.session.scalars(select(ArticleTask).where(ArticleTask.kind == "release")).unique().all()
        assert {task.words for task in asked} == {"Birke 3 7.50"}
    page = community.test_client().get("/kb/p/birke-3", headers={"Accept-Language": "de"}).text
    assert "WLAN schaltet sich nachts ab" in page
