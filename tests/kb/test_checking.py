"""When an article is to be checked again: rules, three clocks, the overdue list; nothing is unpublished by that."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import alarms
from forum.models import Notification
from kb import articles, checking, queries, standing, uses
from kb.models import Article, VerifyRule
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def article_id(stage: Stage, worker: Callable[[], None]) -> int:
    made: int = stage(lambda world: (world.everybody(), Shelf(world).published().id)[1])
    worker()
    return made


def state(article_id: int) -> Callable[[World], Any]:
    def look(_: World) -> Any:
        article = db.session.get_one(Article, article_id)
        return article.verified_at, article.verify_by, article.is_published

    return look


def test_the_first_publication_is_a_check_and_a_later_one_is_none(
    stage: Stage, worker: Callable[[], None], clock: Any, article_id: int
) -> None:
    assert stage(state(article_id)) == (NOW, NOW + timedelta(days=365), True)
    clock.shift(timedelta(days=10))

    def revise(world: World) -> None:
        article = db.session.get_one(Article, article_id)
        articles.revise(article, by=world.emil, title="Another title", resolution="Wait.")
        articles.publish(article, by=world.emil)

    stage(revise)
    worker()
    assert stage(state(article_id)) == (NOW, NOW + timedelta(days=365), True), "edited is not verified"


def test_three_clocks_run_by_themselves(world: World, clock: Any) -> None:
    world.everybody()
    article = Shelf(world).published()
    checking.verify(article, by=world.emil)
    clock.shift(timedelta(days=3))
    uses.record(article, face=None, where_kind="message", where_id=1, by=world.dora)
    clock.shift(timedelta(days=3))
    articles.revise(article, by=world.emil, title="Another title", resolution="Wait.")
    articles.publish(article, by=world.emil)
    assert article.published is not None
    stands = standing.of(article, viewer=world.emil, reader="")
    seen = checking.clocks(article, article.published, used_at=stands.used_at, uses=stands.uses)
    assert (seen.edited_at, seen.verified_at, seen.used_at) == (
        NOW + timedelta(days=6),
        NOW,
        NOW + timedelta(days=3),
    )
    assert (seen.uses, seen.verified_by is not None and seen.verified_by.id == world.emil.id) == (1, True)
    assert not seen.is_overdue


def test_the_more_exact_rule_wins_and_holds_for_what_is_published_already(world: World) -> None:
    world.everybody()
    shelf = Shelf(world)
    article = shelf.published()
    checking.verify(article, by=world.emil)
    section = shelf.section

    def due() -> int | None:
        db.session.refresh(article, ["verify_by"])
        return None if article.verify_by is None else (article.verify_by - NOW).days

    for place, days in (
        ((None, ""), 300),
        ((None, "validated"), 200),
        ((section, ""), 100),
        ((section, "validated"), 0),
    ):
        checking.set_rule(*place, days, by=world.root)
        assert due() == (days or None)
    for rule in sorted(checking.all_rules(), key=lambda one: one.days):
        checking.drop_rule(rule, by=world.root)
    assert due() == 365
    for deed in (
        lambda: checking.set_rule(None, "", 5, by=world.emil),
        lambda: checking.verify(article, by=world.dora),
        lambda: checking.verify_many([article.id], by=world.ada),
    ):
        with pytest.raises(NotAllowed):
            deed()
    for days in (-1, 3651):
        with pytest.raises(Invalid):
            checking.set_rule(None, "", days, by=world.root)
    assert db.session.query(VerifyRule).count() == 0
    assert db.session.query(AuditEntry).filter_by(deed="kb.rule.set").count() == 4


def test_what_is_overdue_stays_published_and_is_checked_in_bulk(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], clock: Any, article_id: int
) -> None:
    emil, dora = browser_of("emil"), browser_of("dora")
    assert "Nothing is due" in emil.get("/kb/overdue").text
    clock.shift(timedelta(days=366))
    emil, dora = browser_of("emil"), browser_of("dora")
    for browser, may in ((emil, True), (dora, False)):
        page = browser.get("/kb/overdue").text
        assert "Wireless is gone after an update" in page
        assert ("The ticked ones are right" in page) is may
    assert guest.get(f"/kb/{article_id}", follow_redirects=True).status_code == 200
    assert "(overdue)" in emil.get(f"/kb/{article_id}", follow_redirects=True).text
    assert "(overdue)" not in guest.get(f"/kb/{article_id}", follow_redirects=True).text
    assert dora.post("/kb/verifications", data={"article": article_id}).status_code == 403
    assert emil.post("/kb/verifications", data={}).status_code == 422
    done = emil.post("/kb/verifications", data={"article": [article_id, "4711", "x"]}, follow_redirects=True).text
    assert "1 article is checked" in done
    assert "Nothing is due" in done
    assert stage(state(article_id)) == (
        NOW + timedelta(days=366),
        NOW + timedelta(days=366 + 365),
        True,
    )


def test_the_owner_is_reminded_once_a_week_and_editors_are_alarmed_later(
    stage: Stage, clock: Any, article_id: int
) -> None:
    def rung(_: World) -> list[str]:
        return [row.kind for row in db.session.query(Notification).order_by(Notification.id)]

    for _ in range(2):
        stage(lambda _: checking.plan_anew())
    assert stage(rung) == []
    clock.shift(timedelta(days=365, hours=1))
    for _ in range(3):
        stage(lambda _: checking.plan_anew())
        stage(lambda _: alarms.raise_alarms())
    assert stage(rung) == ["articles_due"]
    clock.shift(timedelta(hours=49))
    for _ in range(2):
        stage(lambda _: alarms.raise_alarms())
    assert stage(rung) == ["articles_due", "articles_overdue"]
    clock.shift(timedelta(days=7))
    stage(lambda _: checking.plan_anew())
    assert stage(rung).count("articles_due") == 2
    assert stage(state(article_id))[2] is True


def test_what_no_event_told_of_gets_its_date_daily(stage: Stage, article_id: int, settings: Any) -> None:
    def forget(_: World) -> None:
        db.session.get_one(Article, article_id).verify_by = None

    stage(forget)
    assert stage(lambda _: checking.plan_anew()) == 1
    assert stage(lambda _: checking.plan_anew()) == 0
    settings(verify_days=0)
    assert stage(lambda _: checking.plan_anew()) == 1
    assert stage(state(article_id))[1] is None


def test_an_admin_sets_rules_on_a_page(stage: Stage, browser_of: Callable[[str], Browser], article_id: int) -> None:
    root = browser_of("root")
    wrong = root.post("/admin/checks", data={"section": "router", "confidence": "", "days": "99999"})
    assert wrong.status_code == 422
    assert root.post("/admin/checks", data={"section": "router", "confidence": "", "days": "30"}).status_code == 303
    assert stage(state(article_id))[1] == NOW + timedelta(days=30)
    page = root.get("/admin/checks").text
    (rule_id,) = stage(lambda _: [rule.id for rule in checking.all_rules()])
    assert f"/admin/checks/{rule_id}/removal" in page
    assert root.post(f"/admin/checks/{rule_id}/removal").status_code == 303
    assert root.post(f"/admin/checks/{rule_id}/removal").status_code == 404
    assert stage(state(article_id))[1] == NOW + timedelta(days=365)


def test_a_draft_is_not_checked(world: World) -> None:
    world.everybody()
    draft = Shelf(world).article()
    with pytest.raises(Invalid):
        checking.verify(draft, by=world.emil)
    assert checking.verify_many([draft.id], by=world.emil) == 0
    assert list(db.session.scalars(checking.overdue_articles(world.emil)).unique()) == []
    assert queries.newest_revision(draft).number == 1


def test_an_editor_gives_an_article_to_another_who_is_told(
    stage: Stage, browser_of: Callable[[str], Browser], article_id: int
) -> None:
    stage(lambda world: world.person("edda", "editor") and None)
    emil, path = browser_of("emil"), f"/kb/articles/{article_id}/owner"
    assert path in emil.get(f"/kb/{article_id}", follow_redirects=True).text
    assert browser_of("dora").get(path).status_code == 403
    for wrong in ("charlie", "nobody"):
        assert emil.post(path, data={"owner": wrong}).status_code == 422

    def owner(_: World) -> tuple[str | None, list[str]]:
        article = db.session.get_one(Article, article_id)
        told = [row.kind for row in db.session.query(Notification)]
        return None if article.owner is None else article.owner.handle, told

    for _ in range(2):
        assert emil.post(path, data={"owner": "edda"}).status_code == 303
    assert stage(owner) == ("edda", ["article_given"])
    assert "from now on" in browser_of("edda").get("/notifications").text
    assert emil.post(path, data={"owner": ""}).status_code == 303
    assert stage(owner)[0] is None


def test_only_editors_look_after_articles(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    with pytest.raises(NotAllowed):
        checking.give(article, world.emil, by=world.dora)
    with pytest.raises(Invalid):
        checking.give(article, world.charlie, by=world.emil)
