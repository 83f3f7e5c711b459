"""Answers by mail: of the right person, once, without the quotation; nothing of machines, and no loop."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed, NotFound
from core.settings import Settings
from forum import moderation, notices, received_mail, replies_by_mail, tickets
from forum.models import MailStanding, Post, ReceivedMail, Topic
from tests.cast import World
from tests.forum.test_mailing import asked_and_answered, mails, with_mail

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def reply_address(app: Flask) -> Iterator[None]:
    before: Settings = app.extensions["klinke-settings"]
    app.extensions["klinke-settings"] = before.model_copy(update={"mail_reply_to": "reply@help.example.org"})
    yield
    app.extensions["klinke-settings"] = before


def reply(world: World, post: Post, text: str = "Channel 11 works better here.", **headers: str) -> bytes:
    """Return a mail in which Alice answers what was mailed about a post."""
    message = EmailMessage()
    about = {
        "From": "Alice <alice@example.org>",
        "To": f"reply+{tickets.for_reply(world.alice, post.id)}@help.example.org",
        "Subject": "Re: [Klinke] Wireless gone after the update",
        "Message-ID": "<1@example.org>",
        **headers,
    }
    for name, value in about.items():
        if value:
            message[name.replace("_", "-")] = value
    message.set_content(f"{text}\n\nAm Mo., 2. März 2026 um 10:00 Uhr schrieb Klinke <k@x.org>:\n\n> Bob answered.\n")
    return message.as_bytes()


def scene(world: World) -> Post:
    with_mail(world)
    return world.answer(world.ask())


def test_an_answer_to_an_answer_becomes_a_comment_beneath_it(world: World) -> None:
    answer = scene(world)
    received = replies_by_mail.receive(reply(world, answer))
    assert received.outcome == "posted"
    written = received.post
    assert written is not None
    assert (written.kind, written.parent_id, written.author_id) == ("comment", answer.id, world.alice.id)
    assert written.source == "Channel 11 works better here."


def test_an_answer_to_a_question_becomes_an_answer_and_so_does_a_long_one(world: World) -> None:
    answer = scene(world)
    written = replies_by_mail.receive(reply(world, answer.topic.posts[0])).post
    assert written is not None
    assert (written.kind, written.topic_id) == ("answer", answer.topic_id)
    long = "\n".join(f"Line {number} of what I found out." for number in range(90))
    written = replies_by_mail.receive(
        reply(world, answer, long, Message_ID="<2@example.org>", **{"Message-ID": ""})
    ).post
    assert written is not None
    assert (written.kind, written.source) == ("answer", long)


def test_the_same_mail_twice_is_one_post(world: World) -> None:
    answer = scene(world)
    assert replies_by_mail.receive(reply(world, answer)).outcome == "posted"
    assert replies_by_mail.receive(reply(world, answer)).outcome == "again"
    assert db.session.query(Post).filter_by(kind="comment").count() == 1


def test_the_ticket_in_the_thread_serves_where_the_address_was_not_kept(world: World) -> None:
    answer = scene(world)
    ticket = tickets.for_reply(world.alice, answer.id)
    for number, name in enumerate(("In-Reply-To", "References")):
        headers = {"To": "klinke@localhost", name: f"<{ticket}.177.1@localhost>", "Message-ID": f"<{number}@x.org>"}
        assert replies_by_mail.receive(reply(world, answer, f"Answer number {number}.", **headers)).outcome == "posted"


def test_nobody_posts_in_anothers_name(world: World) -> None:
    answer = scene(world)
    ticket = tickets.for_reply(world.alice, answer.id)
    forged = ticket[:-1] + ("a" if ticket[-1] != "a" else "b")
    bobs = tickets.for_reply(world.bob, answer.id).split("-")
    swapped = "-".join([*ticket.split("-")[:2], bobs[2]])
    for to, sender in (
        ("reply@help.example.org", "alice@example.org"),
        (f"reply+{forged}@help.example.org", "alice@example.org"),
        (f"reply+{swapped}@help.example.org", "alice@example.org"),
        (f"reply+{ticket}@help.example.org", "eve@example.org"),
        (f"reply+{ticket}@help.example.org", "bob@example.org"),
        (f"reply+{ticket}@help.example.org", "eve@example.org, alice@example.org"),
        (f"reply+{ticket}@help.example.org", ""),
    ):
        with pytest.raises(NotAllowed):
            replies_by_mail.receive(reply(world, answer, To=to, From=sender))
    assert db.session.query(Post).filter_by(kind="comment").count() == 0


def test_who_may_not_write_or_see_it_cannot_by_mail_either(world: World) -> None:
    answer = scene(world)
    raw = reply(world, answer)
    moderation.mute(answer, by=world.ada, reason="off topic")
    with pytest.raises(NotFound):
        replies_by_mail.receive(raw)
    moderation.unmute(answer, by=world.ada)
    world.alice.disabled_at = NOW
    with pytest.raises(NotAllowed):
        replies_by_mail.receive(raw)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Auto-Submitted": "auto-generated; x=y"},
        {"Return-Path": "<>"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X-Autoreply": "yes"},
        {"List-Id": "<a.example.org>"},
        {"From": "MAILER-DAEMON@example.org"},
    ],
)
def test_what_machines_send_is_dropped(headers: dict[str, str], world: World) -> None:
    answer = scene(world)
    assert replies_by_mail.receive(reply(world, answer, **headers)).outcome == "automatic"
    assert db.session.query(Post).filter_by(kind="comment").count() == 0


def bounce(world: World, post: Post, action: str = "failed", number: int = 1) -> bytes:
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@example.org\n"
        f"To: reply+{tickets.for_reply(world.alice, post.id)}@help.example.org\nMessage-ID: <b{number}@example.org>\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\nMIME-Version: 1.0\n\n'
        "--x\nContent-Type: text/plain\n\nNo such mailbox.\n"
        "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        f"Final-Recipient: rfc822; alice@example.org\nAction: {action}\nStatus: 5.1.1\n\n--x--\n"
    ).encode()


def test_mail_that_comes_back_counts_once_each_and_ends_mails(world: World) -> None:
    answer = scene(world)
    assert replies_by_mail.receive(bounce(world, answer, "delayed")).outcome == "automatic"
    assert notices.bounces(world.alice) == 0
    for number in (1, 1, 2, 3):
        assert notices.may_mail(world.alice)
        assert replies_by_mail.receive(bounce(world, answer, number=number)).outcome == "bounce"
    assert notices.bounces(world.alice) == 3
    assert not notices.may_mail(world.alice)
    assert db.session.query(MailStanding).count() == 1


def test_two_machines_stop_after_five_mails(world: World, clock: time_machine.Traveller) -> None:
    answer = scene(world)
    for number in range(5):
        raw = reply(world, answer, f"I am out, says message {number}.", **{"Message-ID": f"<{number}@example.org>"})
        assert replies_by_mail.receive(raw).outcome == "posted"
    raw = reply(world, answer, "I am out, says message 5.", **{"Message-ID": "<5@example.org>"})
    with pytest.raises(NotAllowed):
        replies_by_mail.receive(raw)
    db.session.rollback()


@pytest.mark.parametrize("text", ["", "   ", "> Bob answered.", "-- \nAlice"])
def test_an_empty_answer_goes_back(text: str, world: World) -> None:
    answer = scene(world)
    with pytest.raises(Invalid):
        replies_by_mail.receive(reply(world, answer, text))


def test_html_alone_becomes_markdown_without_what_runs(world: World) -> None:
    answer = scene(world)
    message = EmailMessage()
    message["From"], message["Message-ID"] = "alice@example.org", "<1@example.org>"
    message["To"] = f"reply+{tickets.for_reply(world.alice, answer.id)}@help.example.org"
    message.set_content("<p>It is <b>green</b> now.</p><script>alert(1)</script>", subtype="html")
    written = replies_by_mail.receive(message.as_bytes()).post
    assert written is not None
    assert written.source.startswith("It is **green** now.")
    assert "<script" not in written.html


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"From: a\n" * 500,
        b"Content-Type: text/plain; charset=nonsense\n\nHello",
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 500,
        b"To: " + b"reply+1-1-" + b"a" * 26 + b"@x\nFrom: =?utf-8?q?=00?= <>\n\n\x00",
        b"A" * 200_000,
    ],
)
def test_damaged_mails_are_refused_with_a_sentence(raw: bytes, world: World) -> None:
    with pytest.raises(KlinkeError) as refused:
        replies_by_mail.receive(raw)
    assert refused.value.sentence


def test_hostile_parts_end_soon(world: World) -> None:
    answer = scene(world)
    db.session.commit()
    head, _, _ = reply(world, answer).partition(b"\n\n")
    head = b"\n".join(line for line in head.split(b"\n") if not line.lower().startswith((b"content", b"mime")))
    many = b"--x\nContent-Type: text/html\n\na\n" * 500
    with pytest.raises(Invalid):
        replies_by_mail.receive(head + b"\nContent-Type: multipart/mixed; boundary=x\n\n" + many)
    db.session.rollback()
    huge = b"\nContent-Type: text/html\n\n" + b"<div>" * 30_000
    with pytest.raises(Invalid):
        replies_by_mail.receive(head + huge)
    with pytest.raises(Invalid):
        replies_by_mail.receive(b"A" * (received_mail.LARGEST_MAIL + 1))


def test_mails_carry_the_address_and_a_thread(
    app: Flask,
    stage: Callable[[Callable[[World], Any]], Any],
    worker: Callable[[], None],
    clock: time_machine.Traveller,
) -> None:
    ids = stage(asked_and_answered)
    worker()
    clock.shift(timedelta(minutes=6))
    worker()
    worker()
    (mail,) = mails(app, "alice")
    ticket = stage(lambda world: tickets.for_reply(world.alice, ids["answer"]))
    assert str(mail["Reply-To"]) == f"reply+{ticket}@help.example.org"
    assert str(mail["Message-ID"]).startswith(f"<{ticket}.")
    assert str(mail["In-Reply-To"]) == f"<topic-{ids['topic']}@localhost>"
    raw = (
        f"From: alice@example.org\nTo: klinke@localhost\nMessage-ID: <9@x.org>\nIn-Reply-To: {mail['Message-ID']}\n\n"
        "It works now, thank you.\n"
    )
    assert stage(lambda _: replies_by_mail.receive(raw.encode()).outcome) == "posted"
    # What it sends itself never becomes a post.
    assert stage(lambda _: replies_by_mail.receive(mail.as_bytes()).outcome) == "automatic"


def test_what_came_in_is_forgotten_after_a_month(world: World, clock: time_machine.Traveller) -> None:
    replies_by_mail.receive(reply(world, scene(world)))
    db.session.commit()
    replies_by_mail.forget_old()
    assert db.session.query(ReceivedMail).count() == 1
    clock.shift(timedelta(days=31))
    replies_by_mail.forget_old()
    assert db.session.query(ReceivedMail).count() == 0
    assert db.session.scalar(select(Topic.answer_count)) == 1


def test_the_command_reads_one_mail_and_says_what_became_of_it(
    app: Flask, stage: Callable[[Callable[[World], Any]], Any]
) -> None:
    settings: Settings = app.extensions["klinke-settings"]
    raw = stage(lambda world: reply(world, scene(world)))
    environ = {
        "KLINKE_DATABASE_URL": settings.database_url,
        "KLINKE_DATA_DIR": str(settings.data_dir),
        "KLINKE_SECRET_KEY": settings.secret_key,
        "KLINKE_MAIL_REPLY_TO": settings.mail_reply_to,
        "KLINKE_POST_PAUSE_SECONDS": "0",
        "PATH": "/usr/bin:/bin",
    }

    def receive(mail: bytes) -> tuple[int, str]:
        run = [sys.executable, "-m", "flask", "--app", "wsgi", "mail", "receive"]
        done = subprocess.run(run, input=mail, cwd=ROOT, env=environ, capture_output=True, timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    status, said = receive(raw)
    assert (status, said.startswith("1 post: /p/")) == (0, True), said
    assert receive(raw)[0] == 0
    status, said = receive(raw.replace(b"alice@example.org", b"eve@example.org"))
    assert status == 65
    assert "the address that the mail was sent to" in said
    assert receive(b"Auto-Submitted: auto-replied\n" + raw)[0] == 0
