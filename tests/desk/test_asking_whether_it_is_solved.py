"""After a reply without an article the customer is asked once, by one click, whether it is solved; where we may."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from desk import asking, conversations, figures, gaps, replies, solving, wordings
from desk.figure_models import SolvedQuestion
from desk.models import Channel, Conversation, FollowUp, Message
from kb import figures as kb_figures
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
LINK = re.compile(r"http://localhost(/solved/[0-9a-z]{1,13}-[a-z2-7]{20})")


def replied(world: World, *, is_public: bool = False, limit: int | None = None, on: Channel | None = None) -> Message:
    """A reply without an article that left 25 hours ago, on a channel that asks."""
    channel = on or props.channel(world, endpoint="https://social.example/replies", limit=limit)
    solving.choose(channel, is_on=True, by=world.root)
    asked = props.received(channel, is_public=is_public, created_at=now() - timedelta(days=2))
    asked.conversation.locale = "en"
    message = replies.reply(asked.conversation, text="Please restart it.", by=world.dora)
    message.state, message.sent_at = "sent", now() - timedelta(hours=25)
    message.created_at = message.conversation.last_message_at = message.sent_at
    db.session.flush()
    return message


def asked_of(message: Message) -> Message | None:
    assert solving.ask_all() in {0, 1}
    question = db.session.get(SolvedQuestion, message.conversation_id)
    return None if question is None else db.session.get(Message, question.message_id)


def link_of(message: Message) -> str:
    found = LINK.findall(solving.text_with_links(message))
    assert len(found) == 1
    return str(found[0])


def test_a_day_later_the_customer_is_asked_once(world: World) -> None:
    reply = replied(world)
    message = asked_of(reply)
    assert message is not None
    assert message.text == "Is this solved for you? One click tells us: http://localhost/solved"
    assert LINK.search(solving.text_with_links(message))
    assert replies._outgoing(message).text == solving.text_with_links(message)
    assert (message.by_id, message.is_public, message.state) == (None, False, "queued")
    assert solving.ask_all() == 0
    assert solving.ask(reply.id) is False
    message.state, message.sent_at = "sent", now()
    later = replies.reply(reply.conversation, text="One thing more.", by=world.dora)
    later.state, later.sent_at = "sent", now() - timedelta(hours=25)
    assert solving.ask_all() == 0, "once in a conversation, whatever comes after"


@pytest.mark.parametrize(
    ("locale", "is_informal", "begins"),
    [("de", False, "Ist Ihr Anliegen"), ("de", True, "Ist dein Anliegen"), ("en", False, "Is this solved")],
)
def test_it_is_asked_in_the_customers_language_and_with_du_or_sie(
    stage: Stage, guest: Browser, locale: str, is_informal: bool, begins: str
) -> None:
    def scene(world: World) -> tuple[str, str]:
        world.everybody()
        reply = replied(world)
        reply.conversation.locale = locale
        wordings.address_on(reply.channel, is_informal=is_informal, by=world.root)
        db.session.flush()
        message = asked_of(reply)
        assert message is not None
        return message.text, link_of(message)

    text, link = stage(scene)
    assert text.startswith(begins)
    page = guest.get(link, headers={"Accept-Language": "fr"})
    assert f'<html lang="{locale}"' in page.text
    told = guest.post(link, data={"answer": "no"}, follow_redirects=True).text
    assert {"de": "Sie haben" if not is_informal else "Du hast", "en": "You said"}[locale] in told


def by_customer(world: World, reply: Message) -> None:
    props.received(reply.channel, id="more", is_public=reply.is_public)


def with_an_article(world: World, reply: Message) -> None:
    article = Shelf(world).published()
    sent = replies.reply(reply.conversation, text=f"http://localhost/kb/{article.id}", by=world.dora)
    sent.state, sent.sent_at = "sent", now() - timedelta(hours=25)


def asked_before(world: World, reply: Message) -> None:
    db.session.add(FollowUp(reply_id=reply.id, message_id=reply.id))
    db.session.flush()


def not_sent(_world: World, reply: Message) -> None:
    reply.state = "failed"


def imported(_world: World, reply: Message) -> None:
    reply.idempotency_key = None


def too_late(_world: World, reply: Message) -> None:
    reply.sent_at = now() - timedelta(days=9)


def at_work(_world: World, reply: Message) -> None:
    reply.conversation.state = "open"


def switched_off(world: World, reply: Message) -> None:
    solving.choose(reply.channel, is_on=False, by=world.root)


def never_asks(world: World, reply: Message) -> None:
    asking.choose(reply.channel, "never", by=world.root)


@pytest.mark.parametrize(
    "what",
    [by_customer, with_an_article, asked_before, not_sent, imported, too_late, at_work, switched_off, never_asks],
)
def test_nobody_is_asked(world: World, what: Callable[[World, Message], None]) -> None:
    reply = replied(world)
    what(world, reply)
    db.session.flush()
    assert solving.ask_all() == 0
    assert db.session.query(SolvedQuestion).count() == 0


def test_by_itself_a_channel_does_not_ask(world: World) -> None:
    assert solving.is_on(props.channel(world)) is False


@pytest.mark.parametrize("joined", [False, True])
def test_in_public_only_where_the_channel_says_so_and_nobody_joined_in(world: World, joined: bool) -> None:
    channel = props.channel(world, endpoint="https://social.example/replies")
    props.received(channel, created_at=now() - timedelta(days=3))
    if joined:
        props.received(channel, id="other", handle="@moritz@social.example", created_at=now() - timedelta(days=3))
    reply = replied(world, is_public=True, on=channel)
    assert reply.conversation.contact.handle == "@max@social.example"
    assert solving.ask_all() == 0
    asking.choose(channel, "public", by=world.root)
    assert solving.ask_all() == int(not joined)


def test_what_does_not_fit_is_not_asked(world: World) -> None:
    replied(world, limit=60)
    assert solving.ask_all() == 0


def test_after_the_question_no_article_asks_again(world: World) -> None:
    reply = replied(world)
    assert asked_of(reply) is not None
    with_an_article(world, reply)
    db.session.query(Message).filter(Message.by_id.is_(None)).update({"sent_at": now() - timedelta(hours=26)})
    assert asking.ask_all() == 0


def test_a_click_is_kept_can_be_changed_and_needs_no_cookie(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> str:
        world.everybody()
        message = asked_of(replied(world))
        assert message is not None
        return link_of(message)

    link = stage(scene)
    page = guest.get(link)
    assert "Set-Cookie" not in page.headers
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    for secret in ("Max", "@max", "social.example", "what now?", "Dora", "restart"):
        assert secret not in page.text
    for answer, state in (("yes", "waiting_customer"), ("no", "open"), ("no", "open"), ("yes", "open")):
        told = guest.post(link, data={"answer": answer}, without_csrf=True)
        assert (told.status_code, told.headers["Location"]) == (303, link)

        def look(_: World) -> tuple[Any, ...]:
            question = db.session.query(SolvedQuestion).one()
            return question.answer, question.conversation.state

        assert stage(look) == (answer, state)
    assert stage(lambda _: db.session.query(AuditEntry).filter_by(reason="not solved").count()) == 1


def test_a_wrong_choice_or_address_says_so_and_keeps_nothing(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> str:
        world.everybody()
        message = asked_of(replied(world))
        assert message is not None
        return link_of(message)

    link = stage(scene)
    for form in ({}, {"answer": "perhaps"}, {"answer": "x" * 10_000}):
        answer = guest.post(link, data=form)
        assert answer.status_code == 422
        assert "Please choose one of these." in answer.text
    turned = link[:-1] + ("a" if link[-1] != "a" else "b")
    for address in (link[:-1], turned, "/solved/x", f"/solved/zzzzzzzzzzzzz-{'a' * 20}"):
        assert guest.get(address).status_code == 404
        assert guest.post(address, data={"answer": "no"}).status_code == 404
    assert guest.get("/solved").status_code == 200, "so it stands in what the desk keeps"
    assert stage(lambda _: db.session.query(SolvedQuestion).one().answer) is None


def test_after_a_while_the_address_asks_nothing(world: World) -> None:
    message = asked_of(replied(world))
    assert message is not None
    ticket = link_of(message).rsplit("/", 1)[1]
    db.session.query(SolvedQuestion).one().asked_at -= timedelta(days=91)
    with pytest.raises(NotFound):
        solving.say(ticket, "no")


def test_ten_clicks_at_once_are_one(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> str:
        message = asked_of(replied(world))
        assert message is not None
        return link_of(message)

    link = stage(scene)
    with ThreadPoolExecutor(10) as pool:
        post = lambda _: app.test_client().post(link, data={"answer": "no"}).status_code  # noqa: E731
        assert list(pool.map(post, range(10))) == [303] * 10
    assert stage(lambda _: db.session.query(AuditEntry).filter_by(reason="not solved").count()) == 1
    assert stage(lambda _: db.session.query(Conversation).one().state) == "open"


def test_two_workers_at_once_ask_once(app: Flask, stage: Stage) -> None:
    reply_id = stage(lambda world: replied(world).id)

    def work(_: int) -> bool:
        with app.app_context():
            asked = solving.ask(reply_id)
            db.session.commit()
            return asked

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, range(2))) == [False, True]
    assert stage(lambda _: db.session.query(SolvedQuestion).count()) == 1


def test_the_question_is_no_reply_in_the_figures_and_no_gap(world: World) -> None:
    reply = replied(world)
    assert asked_of(reply) is not None
    without = kb_figures.listed("replies-without").count()
    assert (without, figures.__name__) == (1, "desk.figures")
    found = list(gaps.free_texts(world.dora, "en", 10))
    assert len(found) == 1


def test_only_admins_choose(world: World) -> None:
    with pytest.raises(NotAllowed):
        solving.choose(props.channel(world), is_on=True, by=world.dora)


def test_a_case_that_was_closed_is_asked_about_and_an_answer_must_be_one(world: World) -> None:
    reply = replied(world)
    conversations.change_state(reply.conversation, "solved", by=world.dora)
    message = asked_of(reply)
    assert message is not None
    with pytest.raises(Invalid):
        solving.say(link_of(message).rsplit("/", 1)[1], "maybe")


def test_the_channels_page_switches_it(stage: Stage, browser_of: BrowserOf) -> None:
    number = stage(lambda world: (world.everybody(), props.channel(world, endpoint="https://social.example/r").id)[1])
    root = browser_of("root")
    assert "After replies without an article, too: no" in root.get("/admin/channels").text
    assert root.post(f"/admin/channels/{number}/solved", data={"to": "on"}).status_code == 303
    assert "After replies without an article, too: yes" in root.get("/admin/channels").text
    assert browser_of("dora").post(f"/admin/channels/{number}/solved", data={"to": "off"}).status_code == 403
