"""Articles are followed by the same form as questions; who may not read one hears nothing of it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from core.db import db
from core.errors import NotAllowed, NotFound
from forum import notifications
from forum.models import Notification
from kb import articles, following
from kb.models import Article, ArticleFollow
from tests.cast import World
from tests.conftest import Browser
from tests.forum.test_mailing import mails, with_mail
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


def told(world: World, handle: str) -> list[str]:
    rows = db.session.query(Notification).filter_by(user_id=world.person(handle).id, kind="article_revised")
    return [notifications.sentence(row) for row in rows]


def published(world: World) -> int:
    with_mail(world)
    return Shelf(world).published().id


def revised(article_id: int, **words: Any) -> Callable[[World], None]:
    def scene(world: World) -> None:
        article = db.session.get_one(Article, article_id)
        assert article.published is not None
        said = articles.words_of(article.published)
        articles.revise(article, by=world.emil, comment="for the team only", **(said | words))  # type: ignore[misc]
        articles.publish(article, by=world.emil)

    return scene


def press(browser: Browser, article_id: int, choice: str = "everything") -> int:
    return int(
        browser.post("/following", data={"kind": "article", "id": str(article_id), "choice": choice}).status_code
    )


def test_followers_hear_of_a_new_version_by_bell_and_mail_once(
    app: Flask, stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Browser], settings: Any
) -> None:
    settings(mail_delay_minutes=0)
    article_id = stage(published)
    worker()
    browser = browser_of("charlie")
    assert "Follow this article" in browser.get(f"/kb/{article_id}", follow_redirects=True).text
    for _ in range(2):
        assert press(browser, article_id) == 303
    assert stage(lambda _: db.session.query(ArticleFollow).count()) == 1
    assert "Stop following" in browser.get(f"/kb/{article_id}", follow_redirects=True).text
    assert "Wireless is gone after an update" in browser.get("/following").text
    stage(revised(article_id, summary="Choose channel 11."))
    worker()
    assert stage(lambda world: told(world, "charlie")) == ["“Wireless is gone after an update” has changed."]
    assert stage(lambda world: told(world, "emil") + told(world, "bob")) == []
    (mail,) = mails(app, "charlie")
    assert "has changed" in str(mail["Subject"])
    assert "List-Unsubscribe" in mail
    assert "for the team only" not in str(mail)
    press(browser, article_id, "none")
    stage(revised(article_id, summary="Choose channel 13."))
    worker()
    assert len(stage(lambda world: told(world, "charlie"))) == 1
    assert "Wireless is gone" not in browser.get("/following").text


@pytest.mark.parametrize("how", ["withdrawn", "internal"])
def test_who_may_not_read_it_any_more_hears_nothing(
    how: str, app: Flask, stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Browser]
) -> None:
    article_id = stage(published)
    browser = browser_of("charlie")
    press(browser, article_id)
    press(browser_of("dora"), article_id)
    stage(revised(article_id, title="Zauberlaterne: a new title"))
    worker()
    assert len(stage(lambda world: told(world, "charlie"))) == 1

    def scene(world: World) -> None:
        article = db.session.get_one(Article, article_id)
        if how == "withdrawn":
            articles.withdraw(article, by=world.emil, reason="wrong")
        else:
            articles.classify(article, section=article.section, locale="en", audience="team", tags=[], by=world.emil)

    stage(scene)
    for page in ("/notifications", "/following"):
        assert "Zauberlaterne" not in browser.get(page).text
    worker()
    assert mails(app, "charlie") == []
    assert press(browser, article_id, "none") == 404
    if how == "internal":
        stage(revised(article_id, title="Zauberlaterne: newer still"))
        worker()
        assert stage(lambda world: told(world, "charlie")) == []
        assert len(stage(lambda world: told(world, "dora"))) == 1, "the team reads on"


def test_nobody_follows_what_they_cannot_see(world: World) -> None:
    world.everybody()
    draft = Shelf(world).article()
    for name in (str(draft.id), "x", "", str(10**30), "987654321"):
        with pytest.raises(NotFound):
            following.Articles().choose(name, is_followed=True, by=world.charlie)
    following.Articles().choose(str(draft.id), is_followed=True, by=world.dora)
    world.charlie.disabled_at = world.charlie.created_at
    with pytest.raises(NotAllowed):
        following.follow(draft, by=world.charlie)


def test_who_follows_a_draft_hears_of_its_publication(stage: Stage, worker: Callable[[], None]) -> None:
    def scene(world: World) -> None:
        world.everybody()
        draft = Shelf(world).article()
        following.follow(draft, by=world.dora)
        articles.publish(draft, by=world.emil)

    stage(scene)
    worker()
    assert stage(lambda world: told(world, "dora")) == ["“Wireless is gone after an update” is published."]
