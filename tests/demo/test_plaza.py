"""The Marktplatz: a post reaches the desk as a signed delivery, the reply comes back once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import create_app
from core.clock import now
from core.db import db
from demo import channel as channels
from demo import plaza
from demo.models import PlazaPost
from desk import replies
from desk.channels.base import ChannelFailed, OutgoingReply, adapter_of
from desk.models import Conversation, Message
from tests.cast import World
from tests.conftest import Browser

Post = Callable[..., None]


def posts() -> list[PlazaPost]:
    return list(db.session.scalars(select(PlazaPost).order_by(PlazaPost.id)))


def test_a_post_arrives_at_the_desk(app: Flask, post_on_plaza: Post) -> None:
    post_on_plaza("@lena", "Mein Router blinkt gelb 🟡. Was heißt das, bitte schön?")
    with app.app_context():
        message = db.session.scalars(select(Message)).one()
        assert message.text == "Mein Router blinkt gelb 🟡. Was heißt das, bitte schön?"
        assert message.is_public
        assert message.external_id == posts()[0].external_id
        assert message.url == f"http://localhost/demo/plaza#p{posts()[0].id}"
        assert message.conversation.contact.handle == "@lena@marktplatz.example"
        assert message.conversation.channel.slug == channels.SLUG
        assert message.conversation.waiting_since is not None
        assert message.conversation.locale == "de"


def test_the_reply_comes_back_once(
    app: Flask, guest: Browser, post_on_plaza: Post, stage: Callable[[Callable[[World], Any]], Any], worker: Any
) -> None:
    post_on_plaza("lena", "Does the ring have to be yellow?")

    def answer(world: World) -> int:
        conversation = db.session.scalars(select(Conversation)).one()
        return replies.reply(conversation, text="White is better. See http://localhost/kb.", by=world.dora).id

    message_id = stage(answer)
    worker()
    worker()
    with app.app_context():
        message = db.session.get_one(Message, message_id)
        assert message.state == "sent"
        assert [post.is_official for post in posts()] == [False, True]
        assert posts()[1].thread == posts()[0].thread
    page = guest.get("/demo/plaza").text
    assert page.count("White is better.") == 1
    assert '<a href="http://localhost/kb">http://localhost/kb</a>.' in page


def test_a_reply_that_is_handed_over_twice_is_one_post(app: Flask) -> None:
    with app.app_context():
        adapter = adapter_of(channels.open_once())
        reply = OutgoingReply(id=1, key="k1", conversation="thread-1", in_reply_to=None, text="Hello", is_public=True)
        assert adapter.send(reply) == adapter.send(reply)
        assert [post.text for post in posts()] == ["Hello"]


def test_there_are_no_private_messages(app: Flask) -> None:
    with app.app_context():
        adapter = adapter_of(channels.open_once())
        reply = OutgoingReply(id=1, key="k1", conversation="thread-1", in_reply_to=None, text="Hello", is_public=False)
        with pytest.raises(ChannelFailed) as failure:
            adapter.send(reply)
        assert failure.value.permanent
        assert posts() == []


def test_who_answers_in_an_exchange_stays_in_the_same_conversation(app: Flask, post_on_plaza: Post) -> None:
    post_on_plaza("lena", "Is it on?")
    with app.app_context():
        thread = posts()[0].thread
    post_on_plaza("max", "Mine is off, too.", thread=thread)
    with app.app_context():
        assert len(db.session.scalars(select(Conversation)).all()) == 1
        assert len(db.session.scalars(select(Message)).all()) == 2


def test_a_double_click_is_one_post(app: Flask) -> None:
    browser = app.test_client()
    data = {"handle": "lena", "text": "Once is enough.", "once": "abc"}
    first, second = (browser.post("/demo/plaza", data=data) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    with app.app_context():
        assert len(posts()) == 1


@pytest.mark.parametrize(
    ("handle", "text", "said"),
    [
        ("lena", "x" * 281, "Too long by 1 characters; 280 fit."),
        ("lena", "", "This is still empty."),
        ("", "Hello", "This is still empty."),
        ("len a", "Hello", "Letters, digits, dashes, dots and underscores, please."),
        ("UImenfunk", "Hello", "This name belongs to the house."),
        ("lena", "half a \x00 text", "invisible control characters"),
    ],
)
def test_what_cannot_be_posted_is_said_and_kept(app: Flask, guest: Browser, handle: str, text: str, said: str) -> None:
    answer = guest.post("/demo/plaza", data={"handle": handle, "text": text})
    assert answer.status_code == 422
    assert answer.text.count(said) == 2  # above the form and at the field
    kept = text.replace("\x00", "")
    assert kept in answer.text.replace("\x00", "")
    with app.app_context():
        assert posts() == []
        assert db.session.scalars(select(Message)).all() == []


def test_an_exchange_that_is_gone_cannot_be_joined(guest: Browser) -> None:
    answer = guest.post("/demo/plaza", data={"handle": "lena", "text": "Hello there", "thread": "thread-x"})
    assert answer.status_code == 422
    assert "This exchange is not here any more." in answer.text
    assert "Hello there" in answer.text


def test_a_pause_between_two_posts_of_one_handle(app: Flask, guest: Browser, post_on_plaza: Post) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        post_on_plaza("lena", "First")
        post_on_plaza("max", "Somebody else may")
        answer = guest.post("/demo/plaza", data={"handle": "lena", "text": "Second"})
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "5"
        assert "Second" in answer.text
        clock.shift(6)
        post_on_plaza("lena", "Second")
    with app.app_context():
        assert [post.text for post in posts()] == ["First", "Somebody else may", "Second"]


def test_a_post_needs_the_page_it_came_from(guest: Browser) -> None:
    answer = guest.open("/demo/plaza", method="POST", data={"handle": "lena", "text": "Hello"}, without_csrf=True)
    assert answer.status_code == 400


def test_a_channel_that_is_switched_off_says_so(app: Flask, guest: Browser) -> None:
    with app.app_context():
        channels.open_once().disabled_at = now()
        db.session.commit()
    answer = guest.post("/demo/plaza", data={"handle": "lena", "text": "Anybody home?"})
    assert answer.status_code == 409
    assert "Anybody home?" in answer.text
    with app.app_context():
        assert posts() == []


def test_what_is_posted_cannot_become_markup_or_a_foreign_link(guest: Browser, post_on_plaza: Post) -> None:
    post_on_plaza("lena", '<script src="//evil.example"></script> https://evil.example http://localhost.evil.example/')
    page = guest.get("/demo/plaza").text
    assert "&lt;script src=" in page
    assert not re.search(r'href="[^"]*evil', page)


def test_addresses_of_this_installation_become_links(app: Flask) -> None:
    with app.app_context():
        found = list(plaza.parts("Siehe http://localhost/kb/1-x, http://localhost/t/2. Danke"))
    assert [part.url for part in found if part.url] == ["http://localhost/kb/1-x", "http://localhost/t/2"]
    assert "".join(part.text for part in found) == "Siehe http://localhost/kb/1-x, http://localhost/t/2. Danke"


def test_there_is_no_plaza_without_the_demonstration(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("plain")
    plain = create_app({"KLINKE_DATA_DIR": str(folder), "KLINKE_SECRET_KEY": "tests " * 8})
    assert not [rule for rule in plain.url_map.iter_rules() if rule.endpoint.startswith("demo.")]
