"""Publishing with a word on what changed, and publications that are planned."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from core import clock
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import Delivery
from forum.models import Notification
from kb import articles, planning, queries
from kb.models import Article, ArticleFollow, PlannedPublication
from kb.publishing_forms import PublicationForm
from tests.cast import World
from tests.kb.shelf import Shelf, fields_of

SOON = timedelta(minutes=5)


def revised(world: World, article: Article, summary: str = "Only restart it.") -> None:
    words = articles.words_of(queries.newest_revision(article))
    articles.revise(article, by=world.emil, **{**words, "summary": summary})


def pass_time() -> None:
    """Have everything that is planned be due."""
    db.session.execute(update(PlannedPublication).values(due_at=clock.now() - SOON))
    db.session.commit()


def test_what_is_planned_is_published_once_at_its_time(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
    db.session.commit()
    assert planning.publish_due() == 0
    assert not article.is_published
    pass_time()
    assert planning.publish_due() == 1
    assert planning.publish_due() == 0
    assert article.is_published
    assert planning.planned(article) is None
    events = db.session.scalars(select(Delivery).where(Delivery.event == "ArticlePublished")).all()
    assert len({delivery.listener for delivery in events}) == len(events)


def test_of_several_workers_at_once_one_publishes(app: Flask, stage: Any) -> None:
    def scene(world: World) -> int:
        article = Shelf(world).article()
        planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
        pass_time()
        return article.id

    article_id = stage(scene)
    start, published = threading.Barrier(4), []

    def work() -> None:
        with app.app_context():
            start.wait(10)
            published.append(planning.publish_due())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(published) == [0, 0, 0, 1]
    with app.app_context():
        assert db.session.get_one(Article, article_id).is_published


def test_a_crash_before_the_commit_leaves_the_plan(world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    article = shelf.article()
    planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
    pass_time()

    def die(*_args: Any, **_values: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(articles, "publish", die)
        with pytest.raises(RuntimeError):
            planning.publish_due()
    db.session.rollback()
    assert planning.planned(article) is not None
    assert planning.publish_due() == 1


def test_a_plan_is_moved_and_cancelled(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
    later = clock.now() + timedelta(days=3)
    planning.plan(article, due_at=later, by=world.emil)
    assert planning.planned(article).due_at == later
    planning.cancel(article, by=world.emil)
    planning.cancel(article, by=world.emil)
    assert planning.planned(article) is None


@pytest.mark.parametrize("ahead", [timedelta(seconds=-1), timedelta(days=400)])
def test_a_plan_lies_ahead_but_not_too_far(world: World, shelf: Shelf, ahead: timedelta) -> None:
    with pytest.raises(Invalid) as refusal:
        planning.plan(shelf.article(), due_at=clock.now() + ahead, by=world.emil)
    assert list(refusal.value.fields) == ["due_at"]


@pytest.mark.parametrize("handle", ["alice", "tina", "dora", "ada"])
def test_only_who_may_publish_plans(world: World, shelf: Shelf, handle: str) -> None:
    world.everybody()
    article, somebody = shelf.article(), world.person(handle)
    for deed in (
        lambda: planning.plan(article, due_at=clock.now() + SOON, by=somebody),
        lambda: planning.cancel(article, by=somebody),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_the_planned_version_is_published_not_a_later_draft(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
    revised(world, article)
    pass_time()
    planning.publish_due()
    assert article.published.number == 1
    assert queries.newest_revision(article).number == 2


def test_publishing_by_hand_ends_the_plan_and_so_does_withdrawing(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
    articles.publish(article, by=world.emil)
    assert planning.planned(article) is None
    revised(world, article)
    planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
    articles.withdraw(article, by=world.emil, reason="It is wrong")
    assert planning.planned(article) is None


def test_what_cannot_be_published_waits_and_its_planner_is_told(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
    world.emil.roles.clear()
    pass_time()
    assert planning.publish_due() == 0
    assert planning.publish_due() == 0
    assert not article.is_published
    assert planning.planned(article).failure
    told = db.session.scalars(select(Notification).where(Notification.kind == "publication_failed")).all()
    assert [notification.user_id for notification in told] == [world.emil.id]


def test_an_older_version_than_readers_see_is_not_published(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    revised(world, article)
    articles.publish(article, by=world.emil)
    with pytest.raises(Conflict):
        articles.publish(article, by=world.emil, number=1)
    with pytest.raises(Conflict):
        planning.plan(article, due_at=clock.now() + SOON, by=world.emil)


@pytest.mark.parametrize(("significance", "hears"), [("typo", 0), ("content", 1), ("instructions", 1)])
def test_the_significance_is_kept_and_followers_hear_of_no_typo(
    stage: Any, app: Flask, worker: Callable[[], None], significance: Any, hears: int
) -> None:
    def scene(world: World) -> int:
        article = Shelf(world).published()
        db.session.add(ArticleFollow(article_id=article.id, user_id=world.charlie.id))
        revised(world, article)
        db.session.query(Delivery).delete()
        articles.publish(article, by=world.emil, significance=significance)
        assert article.published.significance == significance
        first = article.revisions[0]
        assert first.significance is None
        changed = article.published_id if hears else first.id
        assert article.changed_id == changed
        return article.id

    stage(scene)
    worker()
    with app.app_context():
        assert db.session.query(Notification).filter_by(kind="article_revised").count() == hears


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2027-01-05T09:30", datetime(2027, 1, 5, 8, 30, tzinfo=UTC)),
        ("2027-07-05T09:30", datetime(2027, 7, 5, 7, 30, tzinfo=UTC)),
        ("2027-07-05T09:30+00:00", datetime(2027, 7, 5, 9, 30, tzinfo=UTC)),
        ("2027-03-28T02:30", None),  # the clocks skip this hour
        ("2027-10-31T02:30", None),  # and this one comes twice
        ("tomorrow", None),
        ("0001-01-01T00:00+14:00", None),
    ],
)
def test_a_moment_is_meant_by_the_clock_of_who_plans(app: Flask, typed: str, expected: datetime | None) -> None:
    with app.test_request_context(method="POST", data={"due_at": typed, "significance": "content"}):
        form = PublicationForm()
        form.zone = "Europe/Berlin"
        form.validate()
        assert form.due_at.moment == expected
        assert bool(form.due_at.errors) == (expected is None)


def test_the_page_plans_moves_cancels_and_keeps_what_was_typed(stage: Any, browser_of: Any, app: Flask) -> None:
    def scene(world: World) -> int:
        article = Shelf(world).published()
        revised(world, article)
        return article.id

    article_id = stage(scene)
    emil = browser_of("emil")
    page = emil.get(f"/kb/articles/{article_id}/publication").text
    values = fields_of(page, f"/kb/articles/{article_id}/publication")
    wrong = emil.post(f"/kb/articles/{article_id}/plan", data={**values, "due_at": "then", "significance": "typo"})
    assert wrong.status_code == 422
    assert 'value="then"' in wrong.text
    at = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    sent = emil.post(f"/kb/articles/{article_id}/plan", data={**values, "due_at": at, "significance": "typo"})
    assert sent.status_code == 303
    assert "Plan nothing" in emil.get(sent.headers["Location"]).text
    assert emil.post(f"/kb/articles/{article_id}/plan/removal").status_code == 303
    with app.app_context():
        assert db.session.query(PlannedPublication).count() == 0


def test_what_was_not_seen_is_not_published(stage: Any, browser_of: Any, app: Flask) -> None:
    article_id = stage(lambda world: Shelf(world).article().id)
    emil = browser_of("emil")
    values = fields_of(
        emil.get(f"/kb/{article_id}-wireless-is-gone-after-an-update").text, f"/kb/articles/{article_id}/publication"
    )
    stage(lambda world: revised(world, db.session.get_one(Article, article_id)))
    emil.post(f"/kb/articles/{article_id}/publication", data=values)
    with app.app_context():
        assert db.session.get_one(Article, article_id).published.number == 1


def test_readers_see_nothing_of_a_plan(stage: Any, guest: Any, browser_of: Any) -> None:
    def scene(world: World) -> int:
        world.everybody()
        article = Shelf(world).published()
        revised(world, article, "A secret summary.")
        planning.plan(article, due_at=clock.now() + SOON, by=world.emil)
        return article.id

    article_id = stage(scene)
    for reader in (guest, browser_of("charlie")):
        page = reader.get(f"/kb/{article_id}-wireless-is-gone-after-an-update").text
        assert "A secret summary." not in page
        assert "is planned" not in page
