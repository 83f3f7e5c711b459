"""Links in replies carry a token: opened, solved, came back; no cookie, nothing of anybody, gone after some days."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from core.clock import now
from core.counting import Measure
from core.db import db
from core.errors import Invalid
from desk import asking, measures, persons, proven, replies, returning, suggestions
from desk.channels.base import adapter_of
from desk.events import MessageReceived
from desk.measures import Of
from desk.models import Channel, Message
from desk.proven import Evidence
from kb import sent_links
from kb.models import Article, ArticleUse, SentLink
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
TOKEN = re.compile(r"http://localhost(/kb/[0-9]+/[2-7][a-z2-7]{9})(?![\w/-])")
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def replied(world: World, *, is_public: bool = True, slug: str = "social", limit: int | None = None) -> Message:
    """A reply with an article that left the house an hour ago."""
    article = Shelf(world).published(title="My router is offline since the update")
    on = props.channel(world, slug, endpoint="https://social.example/replies", limit=limit)
    asked = props.received(on, is_public=is_public, created_at=now() - timedelta(hours=2))
    text = f"See http://localhost/kb/{article.id}-my-router-is-offline-since-the-update"
    message = replies.reply(asked.conversation, text=text, by=world.dora, uses=[(article.id, None)])
    message.state, message.sent_at = "sent", now() - timedelta(hours=1)
    db.session.flush()
    return message


def link_of(message: Message) -> SentLink:
    found = select(SentLink).join(ArticleUse, ArticleUse.id == SentLink.use_id).where(ArticleUse.where_id == message.id)
    return db.session.scalars(found).one()


def path_of(message: Message) -> str:
    found = TOKEN.findall(asking.text_with_links(message))
    assert len(found) == 1
    return str(found[0])


def opened(world: World) -> Any:
    return db.session.scalars(select(SentLink.opened_at)).one()


def test_what_leaves_carries_a_token_of_its_own_and_what_is_kept_does_not(world: World) -> None:
    message = replied(world)
    sent = asking.text_with_links(message)
    assert sent == f"See http://localhost{path_of(message)}"
    assert sent == asking.text_with_links(message), "the same each time it is tried"
    assert not TOKEN.search(message.text)
    again = replies.reply(message.conversation, text=message.text, by=world.dora)
    assert path_of(again) != path_of(message)


def test_an_address_that_was_only_pasted_is_a_link_too(world: World) -> None:
    message = replied(world)
    text = f"Look: http://localhost/kb/{link_of(message).use.article_id}."
    pasted = replies.reply(message.conversation, text=text, by=world.dora)
    assert asking.text_with_links(pasted) == f"Look: http://localhost{path_of(pasted)}."
    assert link_of(pasted).use.way == "link"


def test_the_link_opens_the_article_without_a_question_a_cookie_or_a_trace(stage: Stage, guest: Browser) -> None:
    path = stage(lambda world: (world.everybody(), path_of(replied(world)))[1])
    answer = guest.get(path)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.h1 is not None
    assert page.h1.text == "My router is offline since the update"
    assert page.select_one("#asked") is None
    article = page.select_one("article")
    assert article is not None
    assert article["data-opened-url"] == f"{path}/opened"
    assert str(article["data-own-url"]).startswith("/kb/1-")
    for secret in ("Max", "@max", "social.example", "Dora"):
        assert secret not in answer.text
    assert stage(opened) is None, "asking for it does not open it: programs do that"


def test_the_articles_own_page_knows_nothing_of_links(stage: Stage, guest: Browser) -> None:
    number = stage(lambda world: (world.everybody(), link_of(replied(world)).use.article_id)[1])
    page = guest.get(f"/kb/{number}", follow_redirects=True)
    assert "data-opened-url" not in page.text


def test_a_reader_opens_it_once_and_programs_and_the_team_never_do(
    stage: Stage, guest: Browser, browser_of: BrowserOf
) -> None:
    path = stage(lambda world: (world.everybody(), path_of(replied(world)))[1])
    for program in ("", "Mastodon/4.5 (http.rb; Bot)", "Twitterbot/1.0", "facebookexternalhit preview", "curl/8.9"):
        assert guest.post(f"{path}/opened", headers={"User-Agent": program}).status_code == 204
    assert browser_of("dora").post(f"{path}/opened", headers=BROWSER).status_code == 204
    assert stage(opened) is None
    assert guest.post(f"{path}/opened", headers=BROWSER, without_csrf=True).status_code == 204
    first = stage(opened)
    assert first is not None
    guest.post(f"{path}/opened", headers=BROWSER)
    assert stage(opened) == first


def test_ten_at_once_open_it_once(app: Flask, stage: Stage) -> None:
    path = stage(lambda world: (world.everybody(), path_of(replied(world)))[1])
    with ThreadPoolExecutor(10) as pool:
        post = lambda _: app.test_client().post(f"{path}/opened", headers=BROWSER).status_code  # noqa: E731
        assert list(pool.map(post, range(10))) == [204] * 10
    assert stage(opened) is not None


def test_what_was_made_up_or_belongs_to_another_article_opens_nothing(stage: Stage, guest: Browser) -> None:
    path = stage(lambda world: (world.everybody(), path_of(replied(world)))[1])
    token = path.rsplit("/", 1)[1]
    for other in (f"/kb/1/{'2' * 10}", f"/kb/99/{token}", f"/kb/1/{token[:-1]}", f"/kb/1/{token}a"):
        assert guest.post(f"{other}/opened", headers=BROWSER).status_code == 404
    assert guest.get(f"/kb/1/{token[:-1]}").headers["Location"] == "/kb/1", "what was cut short still leads on"
    assert stage(opened) is None


def test_after_its_days_the_token_is_gone_and_the_link_leads_to_the_article(
    stage: Stage, guest: Browser, settings: Callable[..., None]
) -> None:
    def scene(world: World) -> str:
        world.everybody()
        message = replied(world)
        path = path_of(message)
        link_of(message).opened_at = now()
        link_of(message).made_at -= timedelta(days=91)
        db.session.flush()
        assert sent_links.forget() == 1
        assert sent_links.forget() == 0
        return path

    path = stage(scene)
    assert stage(lambda _: db.session.scalars(select(SentLink.token)).one()) is None
    assert stage(opened) is not None, "what was counted stays"
    assert guest.get(path).headers["Location"] == "/kb/1"
    assert guest.post(f"{path}/opened", headers=BROWSER).status_code == 404


def test_switched_off_there_is_no_token(world: World, settings: Callable[..., None]) -> None:
    settings(link_proof=False)
    message = replied(world)
    assert asking.text_with_links(message) == message.text
    assert db.session.query(SentLink).count() == 0
    assert adapter_of(message.channel).measure.own == ""


def test_it_is_counted_as_it_leaves(world: World) -> None:
    message = replied(world)
    measure = adapter_of(message.channel).measure
    assert measure.counting == "characters"
    assert measure.count(message.text) == len(asking.text_with_links(message))
    assert Measure(500, "mastodon", own="http://localhost/kb/", token=10).count(message.text) == len("See ") + 23
    for text in ("http://localhost/kb/1/history", "http://localhost/kbx/1", "http://other/kb/1-x"):
        assert measure.leaving(text) == text


def test_what_fits_as_it_leaves_is_taken_and_what_does_not_is_refused(world: World) -> None:
    room = len("See http://localhost/kb/1/2345678901")
    message = replied(world, limit=room)
    assert len(message.text) > room, "the name of the article is longer than its token"
    assert len(asking.text_with_links(message)) == room
    on = props.channel(world, "other", endpoint="https://social.example/replies", limit=room - 1)
    with pytest.raises(Invalid):
        replies.reply(props.received(on).conversation, text=message.text, by=world.dora)


def test_what_lost_its_token_on_the_way_still_fits(world: World, settings: Callable[..., None]) -> None:
    message = replied(world, limit=len("See http://localhost/kb/1/2345678901"))
    settings(link_proof=False)
    assert asking.text_with_links(message) == "See http://localhost/kb/1"


def test_a_reply_that_is_taken_back_takes_its_link_along(world: World) -> None:
    message = replied(world)
    db.session.execute(ArticleUse.__table__.delete().where(ArticleUse.where_id == message.id))
    assert db.session.query(SentLink).count() == 0


def wrote(on: Channel, text: str, **about: Any) -> None:
    message = props.received(on, text, **{"created_at": now(), **about})
    returning.note_return(MessageReceived(message.conversation_id, message.id))


@pytest.mark.parametrize(
    ("text", "days", "handle", "is_back"),
    [
        ("It is still broken, what now?", 0, "@max@social.example", True),
        ("Thank you so much, great support!", 0, "@max@social.example", False),
        ("It is still broken, what now?", 6, "@max@social.example", True),
        ("It is still broken, what now?", 8, "@max@social.example", False),
        ("Mine is broken too, what now?", 0, "@moritz@social.example", False),
    ],
)
def test_who_writes_again_within_seven_days_came_back(
    world: World, text: str, days: int, handle: str, is_back: bool
) -> None:
    message = replied(world)
    message.sent_at = now() - timedelta(days=days, hours=1)
    wrote(message.channel, text, handle=handle, conversation="another")
    db.session.expire_all()
    assert (link_of(message).came_back_at is not None) is is_back


def test_they_come_back_on_any_channel_on_which_we_know_them(world: World) -> None:
    message = replied(world)
    shop = props.channel(world, "shop", endpoint="https://social.example/replies")
    known = props.received(shop, conversation="s", handle="max.m", created_at=now() - timedelta(days=3))
    wrote(shop, "It is still broken, what now?", handle="max.m", conversation="s", id="s2")
    db.session.expire_all()
    assert link_of(message).came_back_at is None
    persons.join(message.conversation.contact, known.conversation.contact, proof="claimed", by=world.dora)
    wrote(shop, "And it is still broken, what now?", handle="max.m", conversation="s", id="s3")
    db.session.expire_all()
    assert link_of(message).came_back_at is not None


@pytest.mark.parametrize(
    ("fate", "group"),
    [
        ({}, "running"),
        ({"days": 8}, "unopened"),
        ({"days": 8, "opened": True}, "quiet"),
        ({"days": 8, "opened": True, "back": True}, "back"),
        ({"outcome": "helped", "back": True}, "helped"),
        ({"outcome": "other", "days": 8, "opened": True}, "failed"),
    ],
)
def test_each_link_is_in_one_group(world: World, fate: dict[str, Any], group: str) -> None:
    message = replied(world)
    link = link_of(message)
    message.sent_at = now() - timedelta(days=fate.get("days", 0), hours=1)
    link.opened_at = now() if fate.get("opened") else None
    link.came_back_at = now() if fate.get("back") else None
    link.use.outcome = fate.get("outcome")
    db.session.flush()
    groups = ("helped", "quiet", "back", "failed", "unopened", "running")
    counted = {one: measures.listed(f"links-{one}", Of(me_id=1)).count() for one in groups}
    assert counted == {one: int(one == group) for one in groups}
    assert measures.listed("links-spared", Of(me_id=1)).count() == (group in {"helped", "quiet"})
    known = proven.evidence([link.use.article_id])
    assert (link.use.article_id in known) is (group in {"helped", "quiet", "back", "failed"})


def test_a_lift_is_small_and_says_nothing_of_few() -> None:
    assert Evidence(4, 4).lift == 1.0
    assert 1.0 < Evidence(5, 5).lift < Evidence(50, 50).lift <= 1.0 + proven.MOST_LIFT
    assert 1.0 - proven.MOST_LIFT <= Evidence(0, 1000).lift < Evidence(500, 1000).lift == 1.0


def test_what_is_proven_rises_over_what_is_nearly_as_good_and_says_why(world: World) -> None:
    shelf = Shelf(world)
    made = [shelf.published(title="My router is offline since the update") for _ in range(2)]
    db.session.flush()
    indexer.catch_up()
    on = props.channel(world, endpoint="https://social.example/replies")

    def suggested() -> list[suggestions.Suggestion]:
        found = suggestions.suggest_for("My router is offline since the update", channel=on, viewer=world.dora)
        return [one for one in found if one.kind == "article"]

    last = suggested()[-1]
    article = next(one for one in made if one.id == last.id)
    prove(world, on, article, helped=40)
    now_first = suggested()[0]
    assert now_first.id == last.id
    assert "Proven: it was enough for 40 of 40 customers" in now_first.why
    prove(world, on, next(one for one in made if one.id != last.id), helped=4)
    assert not any("Proven" in reason for reason in suggested()[1].why), "of so few nothing is said"


def prove(world: World, on: Channel, article: Article, *, helped: int) -> None:
    for number in range(helped):
        asked = props.received(on, conversation=f"{article.id}-{number}", id=f"{article.id}-{number}")
        reply = replies.reply(asked.conversation, text=f"http://localhost/kb/{article.id}", by=world.dora)
        reply.state, reply.sent_at = "sent", now()
        use = db.session.scalars(select(ArticleUse).where(ArticleUse.where_id == reply.id)).one()
        use.outcome = "helped"
    db.session.flush()
