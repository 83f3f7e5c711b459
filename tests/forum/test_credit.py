"""What became of somebody's answers: in articles, sent as replies, read; on the profile and once a month by mail."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts.people import AnonymousUser
from core.db import db
from desk import replies
from forum import answers, credit, moderation, notifications
from forum.models import Notification
from kb import addresses, articles, readings
from kb.models import Article
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage
from tests.forum.test_mailing import mails, text_of, with_mail
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
GUEST = AnonymousUser()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    monkeypatch.setattr(readings, "SECONDS", 0.0)
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def made(world: World, **about: Any) -> Article:
    """Have an answer of Bob become an article."""
    topic = world.ask()
    answer = world.answer(topic)
    answers.accept(answer, by=world.alice)
    return Shelf(world).published(sources=[answer], **about)


def sent(world: World, article: Article) -> None:
    channel = desk_stage.channel(world, endpoint="https://social.example/replies")
    message = desk_stage.received(channel)
    words = f"Please restart it: http://localhost{addresses.of_article(article)}"
    reply = replies.reply(message.conversation, text=words, by=world.dora, uses=[(article.id, None)])
    reply.state = "sent"
    db.session.flush()


def test_articles_replies_and_readings_are_counted(world: World) -> None:
    article = made(world)
    sent(world, article)
    for _reader in range(3):
        readings.note(article)
    assert credit.numbers(world.bob, viewer=GUEST) == {"articles": 1, "sent": 1, "read": 3}
    assert credit.numbers(world.alice, viewer=GUEST) == {"articles": 0, "sent": 0, "read": 0}
    (page,) = credit.pages(world.bob, viewer=GUEST)
    assert (page.title, page.read) == ("Wireless is gone after an update", 3)


def test_a_reply_that_did_not_go_out_does_not_count(world: World) -> None:
    article = made(world)
    sent(world, article)
    from desk.models import Message

    db.session.query(Message).filter_by(state="sent").update({"state": "failed"})
    assert credit.numbers(world.bob, viewer=GUEST)["sent"] == 0


def test_only_what_the_reader_may_see_counts_and_is_named(world: World) -> None:
    article = made(world, audience="signed_in")
    assert credit.numbers(world.bob, viewer=GUEST)["articles"] == 0
    assert credit.pages(world.bob, viewer=GUEST) == []
    assert credit.numbers(world.bob, viewer=world.charlie)["articles"] == 1
    moderation.mute(article.sources[0].post, by=world.ada, reason="Wrong and dangerous")
    assert credit.numbers(world.bob, viewer=world.charlie)["articles"] == 0
    assert credit.pages(world.bob, viewer=world.charlie) == []
    moderation.unmute(article.sources[0].post, by=world.ada)
    articles.withdraw(article, by=world.emil, reason="Not true any more")
    assert credit.numbers(world.bob, viewer=world.charlie)["articles"] == 0


def test_readings_are_gathered_before_they_are_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    article = made(world)
    readings.note(article)
    monkeypatch.setattr(readings, "SECONDS", 60.0)
    for _reader in range(5):
        readings.note(article)
    assert credit.numbers(world.bob, viewer=GUEST)["read"] == 1
    monkeypatch.setattr(readings, "SECONDS", 0.0)
    readings.note(article)
    assert credit.numbers(world.bob, viewer=GUEST)["read"] == 7


def test_the_page_of_an_article_tells_that_it_was_read_and_opening_it_writes_nothing(
    stage: Stage, guest: Browser
) -> None:
    article_id = stage(lambda world: made(world).id)
    page = guest.get(f"/kb/{article_id}", follow_redirects=True)
    assert f'data-reading-url="/kb/articles/{article_id}/reading"' in page.text
    assert stage(lambda world: credit.numbers(world.bob, viewer=GUEST)["read"]) == 0
    told = guest.post(f"/kb/articles/{article_id}/reading", without_csrf=True)
    assert told.status_code == 204
    assert "Set-Cookie" not in told.headers
    assert stage(lambda world: credit.numbers(world.bob, viewer=GUEST)["read"]) == 1
    assert guest.post("/kb/articles/987654/reading", without_csrf=True).status_code == 404


def test_the_profile_shows_it_and_lists_the_articles(stage: Stage, guest: Browser) -> None:
    article_id = stage(lambda world: [(article := made(world)).id, sent(world, article)][0])
    page = guest.get("/u/bob").text
    assert "In articles" in page
    assert "Sent as a reply" in page
    listed = guest.get("/u/bob?show=articles").text
    assert f"/kb/{article_id}-" in listed
    assert "Nothing here yet" in guest.get("/u/alice?show=articles").text
    assert "Sent as a reply" not in guest.get("/u/alice").text


def test_once_a_month_authors_are_told_by_mail_what_is_new_and_can_end_it_with_one_press(
    app: Flask, stage: Stage, worker: Callable[[], None], clock: time_machine.Traveller, guest: Browser
) -> None:
    def scene(world: World) -> None:
        with_mail(world)
        article = made(world)
        sent(world, article)
        for _reader in range(1200):
            readings.note(article)

    stage(scene)
    worker()
    assert not [one for one in mails(app, "bob@") if "1,200" in str(one["Subject"])], "first the month must end"

    def next_month(month: int) -> None:
        clock.move_to(datetime(2026, month, 2, 9, 0, tzinfo=UTC))
        worker()
        clock.move_to(datetime(2026, month, 2, 9, 30, tzinfo=UTC))
        worker()
        worker()

    next_month(4)
    (mail,) = [one for one in mails(app, "bob@") if "1,200" in str(one["Subject"])]
    sentence = "Your answers are in 1 article, were sent 1 time and read 1,200 times."
    assert sentence in str(mail["Subject"])
    assert sentence in text_of(mail)
    assert "/u/bob?show=articles" in text_of(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = str(mail["List-Unsubscribe"]).strip("<>")
    next_month(5)
    assert len([one for one in mails(app, "bob@") if "Your answers are in" in str(one["Subject"])]) == 1, "nothing new"
    guest.post(address.removeprefix("http://localhost"), data={"List-Unsubscribe": "One-Click"}, without_csrf=True)
    stage(lambda _world: [readings.note(db.session.get_one(Article, 1)) for _reader in range(9)] and None)
    next_month(6)
    assert len([one for one in mails(app, "bob@") if "Your answers are in" in str(one["Subject"])]) == 1
    newest = stage(
        lambda world: [
            row.kind for row in db.session.query(Notification).filter_by(user_id=world.bob.id, kind="credit")
        ]
    )
    assert newest == ["credit", "credit"], "it is in the bell all the same"
    stage(lambda world: notifications.choose(world.bob, {"credit": "off"}))
    stage(lambda _world: [readings.note(db.session.get_one(Article, 1)) for _reader in range(9)] and None)
    next_month(7)
    assert (
        stage(lambda world: db.session.query(Notification).filter_by(user_id=world.bob.id, kind="credit").count()) == 2
    )
