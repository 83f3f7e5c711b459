"""E-mail does what every channel must, with a real Dovecot and a real OpenSMTPD."""

import email
import email.policy
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import undefer

from core.db import db
from desk import connections, deafness, polling, replies
from desk.channel_models import ChannelCourse, MessageFile
from desk.channels.base import adapter_of
from desk.channels.mail import account as accounts
from desk.channels.mail import imap, sign_in, smtp
from desk.models import Channel, Conversation, Message
from forum import notifications
from forum.models import Notification
from tests.cast import World
from tests.channels import mail_servers
from tests.channels.conformance import Conformance, Rig, Seen, Stage, Trouble, answer, at_once, poll_now, sent, texts
from tests.channels.mail_servers import PASSWORD, Post, Provider, eventually
from tests.channels.mail_wire import ImapWire, SecureSmtpWire, SmtpWire


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
        found = eventually(self._delivered_to_customer)
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
    retry_after = 30  # we wait for longer, as mail servers want it

    @pytest.fixture
    def rig(self, post: Post) -> Iterator[MailRig]:
        rig = MailRig(post)
        yield rig
        rig.close()


@pytest.fixture
def on(app: Flask, rig: MailRig, stage: Stage, settings: Callable[..., None]) -> int:
    """The channel, connected."""
    settings(**rig.settings())
    channel_id: int = stage(lambda world: rig.connect(world).id)
    return channel_id


def mail(rig: MailRig, text: str = "My router is offline.", **headers: str) -> EmailMessage:
    """A mail to the desk; header names have `_` for `-`."""
    found = EmailMessage()
    told = {"From": f"Max <{rig.customer}>", "To": rig.own, "Subject": "Router", "Message_ID": "<a@c.example>"}
    for name, value in {**told, **headers}.items():
        if value:
            found[name.replace("_", "-")] = value
    found.set_content(text)
    return found


def course(app: Flask) -> ChannelCourse:
    with app.app_context():
        found = db.session.scalars(select(ChannelCourse)).one()
        db.session.expunge(found)
        return found


def change(stage: Stage, on: int, **values: str) -> None:
    def scene(world: World) -> None:
        channel = db.session.get_one(Channel, on)
        kept = {name: "y" if value is True else str(value) for name, value in channel.settings.items()}
        connections.change(channel, name="Post", values={**kept, **values}, by=world.root)

    stage(scene)


def reply(stage: Stage, text: str = "Please restart it once.") -> None:
    def scene(world: World) -> None:
        conversation = db.session.scalars(select(Conversation).order_by(Conversation.id)).first()
        assert conversation is not None
        replies.reply(conversation, text=text, by=world.dora, is_public=False)

    stage(scene)


def quiet(app: Flask) -> tuple[list[str], int]:
    """The texts that nobody waits with, and how many conversations there are."""
    with app.app_context():
        found = db.session.scalars(select(Conversation)).all()
        return [one.messages[-1].text for one in found if one.waiting_since is None], len(found)


# Out, and back again


def test_an_answer_names_what_it_answers_and_its_answer_finds_back(
    app: Flask, rig: MailRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.deliver(mail(rig, Subject="Größe des Routers").as_bytes())
    rig.poll(app)
    reply(stage)
    worker()
    (got,) = rig.received()
    assert got["In-Reply-To"] == "<a@c.example>"
    assert got["References"] == "<a@c.example>"
    assert got["Subject"] == "Re: Größe des Routers"
    assert got["From"] == f"Klinke Hilfe <{rig.own}>"
    assert got["Auto-Submitted"] is None
    assert got["Bcc"] is None
    with app.app_context():
        assert sent(app).external_id == got["Message-ID"]
    rig.deliver(
        mail(
            rig,
            "That helped!\n\nAm 26.11.2026 um 04:00 schrieb Klinke Hilfe:\n> Please restart it once.\n",
            Subject="AW: Größe des Routers",
            Message_ID="<b@c.example>",
            In_Reply_To=got["Message-ID"],
        ).as_bytes()
    )
    rig.poll(app)
    with app.app_context():
        (conversation,) = db.session.scalars(select(Conversation)).all()
        assert [one.text for one in conversation.messages] == [
            "My router is offline.",
            "Please restart it once.",
            "That helped!",
        ]
        assert "> Please restart it once." in (conversation.messages[-1].quoted or "")
        assert db.session.scalar(select(func.count(MessageFile.id))) == 0


def test_the_sent_folder_has_each_answer_once_and_not_as_a_draft(
    app: Flask, rig: MailRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    answer(app, rig, stage, "Please restart it once.")
    rig.trouble("500", "429")
    for _ in range(3):
        worker()
        at_once(app)
    rig.received()
    copies = list(rig.post.maildir(f"help{rig.number}").glob(".Sent/[cn][ue][rw]/*"))
    assert len(copies) == 1
    assert "D" not in copies[0].name.rpartition(",")[2]


@pytest.mark.parametrize("names_us", ["To", "Cc"])
def test_an_answer_that_names_nothing_finds_back_by_its_address(
    app: Flask, rig: MailRig, on: int, stage: Stage, worker: Callable[[], None], names_us: str
) -> None:
    change(stage, on, suffixes="y")
    rig.deliver(mail(rig).as_bytes())
    rig.poll(app)
    reply(stage)
    worker()
    (got,) = rig.received()
    address = got["Reply-To"].addresses[0].addr_spec
    assert address.startswith(f"help{rig.number}+k")
    told = {"To": "x@y.example", names_us: address.upper()}
    rig.deliver(mail(rig, "Thanks.", Message_ID="<b@c.example>", Subject="Something else", **told).as_bytes())
    forged = address.replace(address[-20 - len("@desk.example") : -len("@desk.example")], "a" * 20)
    rig.deliver(mail(rig, "Mine, too.", Message_ID="<c@c.example>", Subject="Another", To=forged).as_bytes())
    rig.poll(app)
    with app.app_context():
        found = [sorted(one.text for one in each.messages) for each in db.session.scalars(select(Conversation))]
        assert sorted(found) == [
            ["Mine, too."],
            ["My router is offline.", "Please restart it once.", "Thanks."],
        ]


def test_the_subject_counts_last_and_only_from_the_same_sender(app: Flask, rig: MailRig, on: int) -> None:
    rig.deliver(mail(rig, "First.", Message_ID="<1@c.example>").as_bytes())
    rig.poll(app)
    rig.deliver(mail(rig, "Second.", Message_ID="<2@c.example>", Subject="AW: Re: router").as_bytes())
    rig.deliver(mail(rig, "A new one.", Message_ID="<3@c.example>", Subject="Router").as_bytes())
    other = "Bob <bob@other.example>"
    rig.deliver(mail(rig, "Not his.", Message_ID="<4@c.example>", Subject="Re: Router", From=other).as_bytes())
    rig.poll(app)
    with app.app_context():
        found = [sorted(one.text for one in each.messages) for each in db.session.scalars(select(Conversation))]
    assert sorted(found) == [["A new one."], ["First.", "Second."], ["Not his."]]


def test_two_who_answer_one_newsletter_do_not_meet(app: Flask, rig: MailRig, on: int) -> None:
    for number, who in enumerate(("max@a.example", "bob@b.example")):
        rig.deliver(
            mail(rig, From=who, Message_ID=f"<{number}@c.example>", In_Reply_To="<news@shop.example>").as_bytes()
        )
    rig.poll(app)
    with app.app_context():
        assert len(db.session.scalars(select(Conversation)).all()) == 2


def test_what_the_server_refuses_for_good_fails_and_leaves_no_copy(
    app: Flask, rig: MailRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    answer(app, rig, stage, "Please restart it once.")
    rig.trouble("unknown")
    worker()
    with app.app_context():
        assert sent(app).state == "failed"
        assert "No such mailbox" in (sent(app).failure or "")
    assert rig.post.mails_of(f"help{rig.number}", folder=".Sent") == []


def test_a_mail_that_was_cut_before_its_end_is_never_sent_twice_and_a_person_looks(
    app: Flask,
    rig: MailRig,
    on: int,
    stage: Stage,
    worker: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("desk.channels.mail.adapter.LOOK_SECONDS", 0.1)
    answer(app, rig, stage, "Please restart it once.")
    rig.trouble("cut before the end")
    for _ in range(replies.MOST_ATTEMPTS + 1):
        worker()
        at_once(app)
    with app.app_context():
        assert sent(app).state == "unsure"
    assert rig.smtp.attempts == 1


def test_a_mail_that_was_taken_in_silence_is_found_by_the_copy_that_came_round(
    app: Flask, rig: MailRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    answer(app, rig, stage, "Please restart it once.")
    rig.trouble("silence at the end")
    worker()
    with app.app_context():
        assert sent(app).state == "queued"
    at_once(app)
    worker()
    with app.app_context():
        assert sent(app).state == "sent"
    assert len(rig.seen()) == 1
    assert rig.smtp.attempts == 1


def test_a_mail_that_came_back_says_why(
    app: Flask, rig: MailRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.deliver(mail(rig, From="Gone <gone@bounce.example>").as_bytes())
    rig.poll(app)
    reply(stage)
    before = rig.arrived()
    worker()
    with app.app_context():
        assert sent(app).state == "sent"
    eventually(lambda: rig.arrived() >= before + 2)  # our copy, and the mail that came back
    rig.poll(app)
    with app.app_context():
        assert sent(app).state == "failed"
        assert (sent(app).failure or "").startswith("The other mail server could not deliver it.")
        assert sent(app).conversation.waiting_since is not None
        assert db.session.scalars(select(Message).where(Message.direction == "in")).all()[1:] == []


# In


def test_whether_somebody_has_read_it_does_not_matter(app: Flask, rig: MailRig, on: int) -> None:
    rig.deliver(mail(rig).as_bytes())
    new = next((rig.post.maildir(f"help{rig.number}") / "new").iterdir())
    read = rig.post.maildir(f"help{rig.number}") / "cur" / f"{new.name}:2,S"
    read.parent.mkdir(exist_ok=True)
    new.rename(read)
    rig.deliver(mail(rig, "Another.", Message_ID="<b@c.example>").as_bytes())
    rig.poll(app)
    assert sorted(texts(app)) == ["Another.", "My router is offline."]
    unread = [
        each for each in rig.post.maildir(f"help{rig.number}").glob("[cn][ue][rw]/*") if "S" not in each.name[-3:]
    ]
    assert len(unread) == 1


def test_when_uidvalidity_changes_nothing_comes_twice_and_nothing_is_lost(app: Flask, rig: MailRig, on: int) -> None:
    for number in range(3):
        rig.deliver(mail(rig, f"Mail {number}.", Message_ID=f"<{number}@c.example>").as_bytes())
    rig.poll(app)
    before = course(app).cursor
    rig.deliver(mail(rig, "Mail 3.", Message_ID="<3@c.example>").as_bytes())
    anew(rig)
    rig.poll(app)
    after = course(app).cursor
    assert before is not None
    assert after is not None
    assert before["folders"]["INBOX"]["validity"] != after["folders"]["INBOX"]["validity"]
    assert sorted(texts(app)) == ["Mail 0.", "Mail 1.", "Mail 2.", "Mail 3."]
    rig.deliver(mail(rig, "Mail 4.", Message_ID="<4@c.example>").as_bytes())
    rig.poll(app)
    assert len(texts(app)) == 5


def anew(rig: MailRig) -> None:
    """Have the server number the mails of the inbox anew."""
    folder = rig.post.maildir(f"help{rig.number}")
    numbers = folder / "dovecot-uidlist"
    first, _, _ = numbers.read_text().partition("\n")
    version, validity, *_ = first.split()
    numbers.write_text(f"{version} V{int(validity[1:]) + 1} N1\n")
    for index in folder.glob("dovecot.index*"):
        index.unlink()


def test_a_mail_that_uses_the_id_of_another_is_kept_and_the_same_mail_in_two_folders_is_one(
    app: Flask, rig: MailRig, on: int, stage: Stage
) -> None:
    change(stage, on, folders="INBOX\nOther")
    rig.deliver(mail(rig, "Room 1 is cold.", Message_ID="<1@device>").as_bytes())
    rig.poll(app)
    rig.deliver(mail(rig, "The pump in the cellar has stopped.", Message_ID="<1@device>").as_bytes())
    rig.deliver(mail(rig, "And now it burns, too.", Message_ID="<1@device>").as_bytes())
    folder = rig.post.maildir(f"help{rig.number}")
    other = folder / ".Other" / "new"
    for kind in ("new", "cur", "tmp"):
        (other.parent / kind).mkdir(parents=True)
    for each in folder.glob("[cn][ue][rw]/*"):
        (other / f"copy-{each.name.partition(':')[0]}").write_bytes(each.read_bytes())
    for each in (other.parent, *other.parent.iterdir()):
        mail_servers.give_away(each)
    for _ in range(2):
        rig.poll(app)
        rig.bring_again(app)
    assert sorted(texts(app)) == [
        "And now it burns, too.",
        "Room 1 is cold.",
        "The pump in the cellar has stopped.",
    ]


def test_a_folder_that_is_missing_is_told_and_the_others_are_read(
    app: Flask, rig: MailRig, on: int, stage: Stage
) -> None:
    change(stage, on, folders="Gone\nINBOX")
    rig.deliver(mail(rig).as_bytes())
    rig.poll(app)
    assert texts(app) == ["My router is offline."]
    assert course(app).failure == "There is no folder called Gone."
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert [one.words for one in found if not one.is_well] == ["There is no folder called Gone."]


def test_with_no_days_to_look_back_only_what_is_new_is_taken_in(
    app: Flask, rig: MailRig, on: int, stage: Stage
) -> None:
    change(stage, on, days="0")
    rig.deliver(mail(rig, "Old.").as_bytes())
    rig.poll(app)
    rig.deliver(mail(rig, "New.", Message_ID="<b@c.example>").as_bytes())
    rig.poll(app)
    assert texts(app) == ["New."]


def test_a_very_large_mail_is_taken_in_by_its_beginning(
    app: Flask, rig: MailRig, on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.channels.mail.folders.LARGEST_MAIL", 20_000)
    monkeypatch.setattr("desk.channels.mail.folders.OF_A_LARGE_ONE", 5000)
    large = mail(rig, "See the picture.")
    large.add_attachment(b"x" * 50_000, maintype="image", subtype="png", filename="big.png")
    rig.deliver(large.as_bytes())
    rig.deliver(mail(rig, "Small.", Message_ID="<b@c.example>").as_bytes())
    rig.poll(app)
    found = sorted(texts(app))
    assert found[0].startswith("See the picture.")
    assert "only its beginning" in found[0]
    assert found[1] == "Small."


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"From": "Mail Delivery System <MAILER-DAEMON@x.example>"},
    ],
)
def test_what_a_machine_sends_is_kept_and_nobody_is_called(
    app: Flask, rig: MailRig, on: int, headers: dict[str, str]
) -> None:
    rig.deliver(mail(rig, "I am away until Monday.", **headers).as_bytes())
    rig.poll(app)
    assert quiet(app) == (["I am away until Monday."], 1)


def test_what_one_address_sends_beyond_measure_calls_nobody(app: Flask, rig: MailRig, on: int, stage: Stage) -> None:
    change(stage, on, most_an_hour="2")
    for number in range(4):
        rig.deliver(mail(rig, f"Mail {number}.", Message_ID=f"<{number}@c.example>").as_bytes())
    rig.poll(app)
    found, conversations = quiet(app)
    assert (len(found), conversations) == (2, 4)


def test_what_leaves_by_itself_says_so_and_stops_before_it_is_too_much(
    app: Flask, rig: MailRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.deliver(mail(rig).as_bytes())
    rig.poll(app)
    for _ in range(4):
        reply(stage, "Did it help?")
        with app.app_context():
            db.session.execute(update(Message).where(Message.direction == "out").values(by_id=None))
            db.session.commit()
        worker()
    with app.app_context():
        found = db.session.scalars(select(Message).where(Message.direction == "out").order_by(Message.id)).all()
        assert [one.state for one in found] == ["sent", "sent", "sent", "failed"]
    assert [got["Auto-Submitted"] for got in rig.received()] == ["auto-replied"] * 3


def test_a_sender_whom_the_own_mail_server_did_not_find_true_is_marked(
    app: Flask, rig: MailRig, on: int, stage: Stage
) -> None:
    change(stage, on, authority="mx.desk.example")
    said = "mx.desk.example; dmarc={} header.from=customer.example"
    for number, result in enumerate(("pass", "fail", "")):
        told = {"Authentication_Results": said.format(result)} if result else {}
        rig.deliver(mail(rig, Message_ID=f"<{number}@c.example>", **told).as_bytes())
        rig.poll(app)
    with app.app_context():
        found = db.session.scalars(select(Conversation).order_by(Conversation.id)).all()
        assert [adapter_of(one.channel).means(one).doubt for one in found] == [
            "",
            "The sender’s address is forged, says your mail server.",
            "Nothing proves that the sender’s address is real.",
        ]


# The connection


def test_something_new_wakes_the_desk_within_seconds_also_after_the_server_was_restarted(
    app: Flask, rig: MailRig, on: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    woken: list[float] = []
    stopping = threading.Event()
    monkeypatch.setattr(polling, "wake", lambda _channel_id: woken.append(time.monotonic()))
    monkeypatch.setattr(polling, "RECONNECT_SECONDS", 0.0)
    thread = threading.Thread(target=polling._listen_in, args=(app, on, stopping))
    thread.start()
    try:
        eventually(lambda: len(woken) == 1)  # it looks what came while nobody listened
        rig.deliver(mail(rig).as_bytes())
        eventually(lambda: len(woken) == 2, seconds=5)
        rig.post.stop_dovecot()
        rig.post.start_dovecot()
        eventually(lambda: len(woken) == 3)
        rig.deliver(mail(rig, Message_ID="<b@c.example>").as_bytes())
        eventually(lambda: len(woken) == 4, seconds=5)
    finally:
        stopping.set()
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert caplog.records == []


def test_a_server_that_is_away_is_noted_and_everything_comes_when_it_is_back(app: Flask, rig: MailRig, on: int) -> None:
    rig.poll(app)
    rig.post.stop_dovecot()
    try:
        rig.deliver(mail(rig).as_bytes())
        rig.poll(app)
        assert course(app).failures == 1
        assert course(app).failure
    finally:
        rig.post.start_dovecot()
    rig.poll(app)
    assert course(app).failures == 0
    assert texts(app) == ["My router is offline."]


def test_a_wrong_password_is_said_and_not_tried_again(app: Flask, rig: MailRig, on: int, stage: Stage) -> None:
    change(stage, on, password="a wrong one")
    rig.poll(app)
    assert course(app).next_at is None
    assert "does not accept user name and password" in course(app).failure
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert ["app password" in one.words for one in found if not one.is_well] == [True]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_both_kinds_of_encryption_are_checked_and_used(
    app: Flask,
    rig: MailRig,
    on: int,
    stage: Stage,
    worker: Callable[[], None],
    settings: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    security: str,
) -> None:
    post, is_tls = rig.post, security == "tls"
    wire = SecureSmtpWire(post.smtp_port, post.certificates, is_from_the_start=is_tls, user=rig.own, password=PASSWORD)
    ports = (post.imaps_port if is_tls else post.imap_port, wire.port)
    settings(private_endpoints=",".join(f"localhost:{port}" for port in ports))
    told = {"imap_host": "localhost", "smtp_host": "localhost", "imap_port": str(ports[0]), "smtp_port": str(ports[1])}
    change(stage, on, imap_security=security, smtp_security=security, **told)
    rig.deliver(mail(rig).as_bytes())
    rig.poll(app)
    assert "no secure connection" in course(app).failure  # nobody knows who made its certificate
    assert texts(app) == []
    monkeypatch.setenv("SSL_CERT_FILE", str(post.certificates.certificate))
    rig.poll(app)
    assert texts(app) == ["My router is offline."]
    reply(stage)
    worker()
    with app.app_context():
        assert (sent(app).state, sent(app).failure) == ("sent", None)
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert all(one.is_well for one in found)
    change(stage, on, password="a wrong one")
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert [one.is_well for one in found] == [False, False]
    assert all("user name and password" in one.words for one in found)
    assert eventually(lambda: len(post.mails_of(f"max{rig.number}")) == 1)
    wire.close()


def test_without_encryption_nothing_is_said_to_a_server_elsewhere(
    app: Flask, rig: MailRig, on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.http.may_be_plain", lambda *_args: False)
    rig.poll(app)
    assert course(app).failure == "Without encryption only a server on this machine is used."


def test_an_access_token_opens_the_mailbox_and_a_renewed_refresh_token_is_kept(
    app: Flask, rig: MailRig, on: int, stage: Stage, settings: Callable[..., None]
) -> None:
    provider = rig.post.provider
    endpoint = f"127.0.0.1:{provider.port}"
    settings(private_endpoints=f"{rig.settings()['private_endpoints']},{endpoint}")
    provider.refresh_tokens = {"refresh-1": rig.own}
    provider.renewed = "refresh-2"
    told = {"token_endpoint": f"http://{endpoint}/token", "client_id": provider.CLIENT[0]}
    change(stage, on, client_secret=provider.CLIENT[1], refresh_token="refresh-1", **told)
    rig.deliver(mail(rig).as_bytes())
    rig.poll(app)
    assert course(app).failure == ""
    assert texts(app) == ["My router is offline."]
    with app.app_context():
        assert (db.session.get_one(Channel, on).credentials or {})["refresh_token"] == "refresh-2"
    rig.poll(app)
    asked = provider.asked
    rig.poll(app)
    assert provider.asked == asked  # the token is good for an hour
    change(stage, on, refresh_token="refresh-9")
    rig.poll(app)
    assert course(app).next_at is None
    assert "invalid_grant" in course(app).failure


@pytest.fixture
def with_tokens(app: Flask, rig: MailRig, on: int, stage: Stage, settings: Callable[..., None]) -> Iterator[Provider]:
    """The provider that gives the access tokens with which the channel signs in, at both servers."""
    sign_in._fresh.clear()
    provider, submission = rig.post.provider, rig.post.submission_port
    endpoint = f"127.0.0.1:{provider.port}"
    settings(private_endpoints=f"{rig.settings()['private_endpoints']},{endpoint},127.0.0.1:{submission}")
    provider.refresh_tokens = {"refresh-1": rig.own}
    told = {"token_endpoint": f"http://{endpoint}/token", "client_id": provider.CLIENT[0]}
    secrets = {"client_secret": provider.CLIENT[1], "refresh_token": "refresh-1", "password": "of no use"}
    change(stage, on, smtp_port=str(submission), **secrets, **told)
    yield provider
    provider.life, provider.renewed = 3600, ""


def got(rig: MailRig) -> list[bytes]:
    return rig.post.mails_of(f"max{rig.number}")


def test_a_reply_leaves_with_an_access_token(
    app: Flask, rig: MailRig, on: int, with_tokens: Provider, stage: Stage, worker: Callable[[], None]
) -> None:
    before = with_tokens.asked
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert [one.words for one in found if not one.is_well] == []
    assert "The server for sending lets us in." in [one.words for one in found]
    answer(app, rig, stage, "Please restart it once.")
    worker()
    with app.app_context():
        assert (sent(app).state, sent(app).failure) == ("sent", None)
    eventually(lambda: len(got(rig)) == 1)
    assert with_tokens.asked == before + 1, "one token opens both doors"


def test_a_token_that_expires_is_followed_by_a_fresh_one(
    app: Flask, rig: MailRig, on: int, with_tokens: Provider, stage: Stage, worker: Callable[[], None]
) -> None:
    with_tokens.life, before = 30, with_tokens.asked
    for number in range(3):
        rig.poll(app)
        assert course(app).failure == ""
        with_tokens.withdraw()
        assert with_tokens.asked == before + number + 1


def test_a_token_that_is_withdrawn_before_its_time_is_followed_by_a_fresh_one(
    app: Flask, rig: MailRig, on: int, with_tokens: Provider, stage: Stage, worker: Callable[[], None]
) -> None:
    answer(app, rig, stage, "Please restart it once.")
    assert course(app).failure == ""
    with_tokens.withdraw()
    rig.poll(app)
    assert course(app).failure == ""
    with_tokens.withdraw()
    worker()
    with app.app_context():
        assert (sent(app).state, sent(app).failure) == ("sent", None)
    eventually(lambda: len(got(rig)) == 1)


def test_a_refused_refresh_is_said_in_words_and_alarms(
    app: Flask, rig: MailRig, on: int, with_tokens: Provider, stage: Stage, worker: Callable[[], None]
) -> None:
    answer(app, rig, stage, "Please restart it once.")
    with_tokens.withdraw()
    with_tokens.refresh_tokens = {}
    worker()
    with app.app_context():
        assert sent(app).state == "failed"
        assert sent(app).failure == "The provider gives no access token any more (invalid_grant)."
    rig.poll(app)
    assert course(app).next_at is None
    assert course(app).failure == "The provider gives no access token any more (invalid_grant)."
    stage(lambda world: world.everybody())
    with app.app_context():
        assert deafness.tell() == 1
        told = db.session.scalars(select(Notification).where(Notification.kind == "channel_deaf")).one()
        assert notifications.sentence(told) == (
            "Post does not answer: The provider gives no access token any more (invalid_grant)."
        )
    assert got(rig) == []


def test_who_was_too_slow_for_a_renewed_refresh_token_takes_the_one_that_was_kept(
    app: Flask, rig: MailRig, on: int, with_tokens: Provider
) -> None:
    with app.app_context():
        late = db.session.get_one(Channel, on, options=[undefer(Channel.credentials)])
        db.session.expunge(late)
        db.session.rollback()
        with_tokens.renewed = "refresh-2"
        rig.poll(app)
        with_tokens.withdraw()
        assert course(app).failure == ""
        mine = accounts.of(late)
        assert mine.oauth is not None
        assert mine.oauth.refresh_token == "refresh-1"
        token = sign_in.access_token(late, mine)
        assert with_tokens.whose(token) == rig.own
