"""E-mail does what every channel must, with a real Dovecot and a real OpenSMTPD."""

import email
import email.policy
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from core.clock import now
from core.db import db
from desk import connections, polling, replies
from desk.channel_models import ChannelCourse, MessageFile
from desk.channels.base import adapter_of
from desk.channels.mail import imap, smtp
from desk.models import Channel, Conversation, Message
from tests.cast import World
from tests.channels import mail_servers
from tests.channels.conformance import Conformance, Rig, Seen, Stage, Trouble, answer, at_once, poll_now, sent, texts
from tests.channels.mail_servers import PASSWORD, Post, eventually
from tests.channels.mail_wire import ImapWire, SmtpWire


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    mail_servers.require()
    servers = Post()
    yield servers
    servers.close()


class MailRig(Rig):
    kind = "mail"
    is_public = False
    edits = False
    removes = False
    secrets = (PASSWORD,)

    def __init__(self, post: Post) -> None:
        self.post = post
        self.number = post.next_number()
        self.own, self.customer = f"help{self.number}@desk.example", f"max{self.number}@customer.example"
        self.imap, self.smtp = ImapWire(post.imap_port), SmtpWire(post.smtp_port)
        self.written: dict[str, bytes] = {}
        self.delivered: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def close(self) -> None:
        self.imap.close()
        self.smtp.close()

    def settings(self) -> dict[str, Any]:
        return {"private_endpoints": f"127.0.0.1:{self.imap.port},127.0.0.1:{self.smtp.port}"}

    def values(self) -> dict[str, str]:
        return {
            "address": self.own,
            "sender_name": "Klinke Hilfe",
            "imap_host": "127.0.0.1",
            "imap_port": str(self.imap.port),
            "imap_security": "plain",
            "smtp_host": "127.0.0.1",
            "smtp_port": str(self.smtp.port),
            "smtp_security": "plain",
            "password": PASSWORD,
            "folders": "INBOX",
            "copy_to_self": "y",
            "days": "7",
        }

    def connect(self, world: World, **changes: str) -> Channel:
        return connections.connect("mail", slug="post", name="Post", values={**self.values(), **changes}, by=world.root)

    def write(self, text: str, *, id: str, answers: str | None = None, by: str = "max") -> None:  # noqa: A002
        mail = EmailMessage()
        mail["From"] = f"{by.title()} <{by}{self.number}@customer.example>"
        mail["To"] = self.own
        mail["Subject"] = "Re: Router offline" if answers else "Router offline"
        mail["Message-ID"] = self.external_id(id)
        if answers:
            mail["In-Reply-To"] = self.external_id(answers)
            before = email.message_from_bytes(self.written[answers])
            mail["References"] = f"{before['References'] or ''} {before['Message-ID']}".strip()
        mail.set_content(text)
        self.written[id] = mail.as_bytes()

    def edit(self, id: str, text: str) -> None:  # noqa: A002
        raise NotImplementedError

    def remove(self, id: str) -> None:  # noqa: A002
        raise NotImplementedError

    def external_id(self, id: str) -> str:  # noqa: A002
        return f"<{id}@customer.example>"

    def deliver(self, raw: bytes) -> None:
        """Send a mail to the desk over SMTP, and wait until it lies in the mailbox."""
        before = self.arrived()
        with smtplib.SMTP("127.0.0.1", self.post.smtp_port) as server:
            server.sendmail(self.customer, [self.own], raw)
        eventually(lambda: self.arrived() > before)

    def arrived(self) -> int:
        return len(self.post.mails_of(f"help{self.number}"))

    def bring(self, app: Flask, only: Sequence[str] | None = None) -> None:
        with self._one_at_a_time:
            for name in self.written if only is None else only:
                if name not in self.delivered:
                    self.deliver(self.written[name])
                    self.delivered.add(name)
        self.poll(app)

    def bring_again(self, app: Flask) -> None:
        with app.app_context():
            db.session.execute(update(ChannelCourse).values(cursor=None))
            db.session.commit()
        self.bring(app)

    def poll(self, app: Flask) -> None:
        with app.app_context():
            channel_id = db.session.scalars(select(Channel.id)).one()
        poll_now(app, channel_id)

    def trouble(self, *what: Trouble) -> None:
        self.smtp.troubles += what

    def trouble_reading(self, what: Trouble) -> None:
        self.imap.troubles.append(what)

    def received(self) -> list[EmailMessage]:
        """Return what the customer has got, when everything that was taken has been delivered."""
        found = eventually(lambda: self._delivered_to_customer())
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in found[1:]]  # type: ignore[misc]

    def _delivered_to_customer(self) -> list[bytes]:
        found = self.post.mails_of(f"max{self.number}")
        return [b"", *found] if len(found) >= self.smtp.mails else []

    def seen(self) -> list[Seen]:
        return [
            Seen(str(mail["Message-ID"]), mail.get_content(), mail["In-Reply-To"] and str(mail["In-Reply-To"]))
            for mail in self.received()
        ]

    def requests(self) -> int:
        return self.imap.connections + self.smtp.connections

    def attempts(self) -> int:
        return self.smtp.attempts


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a silent server for a second, not for twenty."""
    monkeypatch.setattr(imap, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(smtp, "SILENCE_SECONDS", 1.0)


@pytest.fixture
def rig(post: Post) -> Iterator[MailRig]:
    rig = MailRig(post)
    yield rig
    rig.close()


class TestMail(Conformance):
    retry_after = 60

    @pytest.fixture
    def rig(self, post: Post) -> Iterator[MailRig]:
        rig = MailRig(post)
        yield rig
        rig.close()
