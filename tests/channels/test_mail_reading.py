"""What mails say, however they were written: words, quotations, files, senders, machines, and mails that came back."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from core.clock import now
from desk.channels.base import LONGEST_QUOTED, ChannelFailed, IncomingMessage, OutgoingReply, Returned
from desk.channels.mail import account as accounts
from desk.channels.mail import machines, parts, plain, reading, tokens, writing
from desk.channels.mail.account import Account
from desk.models import Channel
from tests.cast import World

ADDRESS = "help@desk.example"


@pytest.fixture
def channel(world: World) -> Channel:
    settings = {"address": ADDRESS, "imap_host": "i.example", "smtp_host": "s.example", "authority": "mx.desk.example"}
    return Channel(id=7, slug="post", kind="mail", name="Post", settings=settings, credentials={})


def account() -> Account:
    return accounts.of(Channel(slug="post", kind="mail", name="Post", settings={"address": ADDRESS}))


def read(channel: Channel, raw: bytes) -> Any:
    (found,) = reading.arrivals(channel, accounts.of(channel), [reading.Fetched(raw, now())])
    return found


def mail(body: str = "Hello.", **headers: str) -> bytes:
    told = {"From": "Max <max@c.example>", "To": ADDRESS, "Subject": "Router", "Message_ID": "<a@c.example>", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return (head + "\r\n" + body).encode("utf-8", "surrogateescape")


# Words


@pytest.mark.parametrize(
    ("charset", "said"),
    [
        ("utf-8", "Größe 10 € 🙈".encode()),
        ("iso-8859-1", "Größe".encode("latin-1")),
        ("windows-1252", "10 € „gut“".encode("cp1252")),
        ("koi8-r", "привет".encode("koi8-r")),
        ("iso-2022-jp", "こんにちは".encode("iso-2022-jp")),
    ],
)
def test_words_are_read_in_the_character_set_they_say(channel: Channel, charset: str, said: bytes) -> None:
    raw = mail("", Content_Type=f"text/plain; charset={charset}", Content_Transfer_Encoding="8bit") + said
    assert read(channel, raw).text == said.decode(charset)


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-8", "us-ascii", "", '"utf-8'])
def test_words_in_a_character_set_that_is_wrong_or_unknown_are_still_read(channel: Channel, charset: str) -> None:
    raw = mail("", Content_Type=f"text/plain; charset={charset}") + "Größe".encode("latin-1")
    assert read(channel, raw).text == "Größe"


def test_encoded_headers_are_read(channel: Channel) -> None:
    found = read(
        channel,
        mail(
            From="=?utf-8?q?M=C3=BCller=2C_Max?= <MAX@c.example>",
            Subject="=?iso-8859-1?q?Gr=F6=DFe?= =?utf-8?b?8J+ZiA==?=",
        ),
    )
    assert (found.name, found.handle, found.subject) == ("Müller, Max", "max@c.example", "Größe🙈")


def test_lines_that_a_program_broke_are_joined(channel: Channel) -> None:
    found = read(
        channel, mail("This is \r\none line.\r\n> quoted \r\n> on\r\n", Content_Type="text/plain; format=flowed")
    )
    assert found.text == "This is one line."


def test_html_becomes_the_text_that_a_person_reads() -> None:
    html = """<html><head><title>No</title><style>p{}</style></head><body><p>Guten Tag,<br>es <b>geht</b> nicht.</p>
    <script>alert(1)</script><ul><li>Router</li><li>Kabel</li></ul><p>Siehe <a href="https://a.example/x">hier</a>,
    <a href="https://b.example/">https://b.example</a> <a href="javascript:alert(1)">böse</a>.</p>
    <img src="https://spy.example/pixel.gif" alt="Bild vom Router"><blockquote>Wie war<br>das?</blockquote>
    <table><tr><td>Seriennummer</td><td>42</td></tr></table></body></html>"""
    assert plain.text_of(html).split("\n") == [
        "Guten Tag,",
        "es geht nicht.",
        "",
        "- Router",
        "- Kabel",
        "",
        "Siehe hier <https://a.example/x>, https://b.example böse.",
        "",
        "[Bild vom Router]",
        "> Wie war",
        "> das?",
        "Seriennummer 42",
    ]


@pytest.mark.parametrize("html", ["<div>" * 20_000, "<!--" * 20_000, "<a href=" * 10_000, "<b" * 30_000, "\x00<p>x"])
def test_hostile_html_is_read_in_bounded_time(html: str) -> None:
    assert isinstance(plain.text_of(html), str)


@pytest.mark.parametrize(
    "quoted",
    [
        "Am 26.11.2026 um 04:00 schrieb Klinke Hilfe <help@desk.example>:\r\n> Bitte neu starten.\r\n",
        "Am Do., 26. Nov. 2026 um 04:00 Uhr schrieb Klinke Hilfe <\r\nhelp@desk.example>:\r\n> Bitte neu starten.\r\n",
        "On Thu, Nov 26, 2026 at 4:00 AM Klinke <help@desk.example> wrote:\r\n> Please restart.\r\n",
        "-----Ursprüngliche Nachricht-----\r\nVon: Klinke <help@desk.example>\r\nBitte neu starten.\r\n",
        "________________________________\r\nFrom: Klinke <help@desk.example>\r\nSent: Thursday\r\nPlease restart.\r\n",
        "> Bitte neu starten.\r\n",
        "Gesendet von meinem iPhone\r\n\r\n> Am 26.11.2026 um 04:00 schrieb Klinke:\r\n> Bitte neu starten.\r\n",
        "-- \r\nMax Muster\r\nMusterweg 1\r\n",
    ],
)
def test_what_was_quoted_is_kept_beside_what_was_written(channel: Channel, quoted: str) -> None:
    found = read(channel, mail(f"Das hat geholfen!\r\n\r\n{quoted}", Content_Type="text/plain; charset=utf-8"))
    assert found.text == "Das hat geholfen!"
    lines = [line.strip() for line in quoted.split("\r\n") if line.strip()]
    assert [line.strip() for line in found.quoted.split("\n") if line.strip()] == lines
    assert found.files == ()


def test_a_quotation_that_is_longer_than_fits_is_whole_in_a_file(channel: Channel) -> None:
    quoted = "".join(f"> Zeile {number} von gestern\r\n" for number in range(900))
    found = read(channel, mail(f"Das hat geholfen!\r\n\r\n{quoted}", Content_Type="text/plain; charset=utf-8"))
    assert found.text == "Das hat geholfen!"
    assert found.quoted.startswith("> Zeile 0 von gestern\n> Zeile 1 ")
    assert found.quoted.endswith("…")
    assert len(found.quoted) <= LONGEST_QUOTED
    (whole,) = found.files
    assert (whole.name, whole.media_type) == ("mail.txt", "text/plain")
    assert "> Zeile 899 von gestern" in whole.content.decode()


def test_what_stands_after_hundreds_of_lines_is_not_lost(channel: Channel) -> None:
    written = "".join(f"{number}\r\n" for number in range(700))
    found = read(channel, mail(written, Content_Type="text/plain; charset=utf-8"))
    assert f"{found.text}\n{found.quoted}".split("\n") == [str(number) for number in range(700)]


def test_a_mail_that_is_nothing_but_a_quotation_keeps_it(channel: Channel) -> None:
    found = read(channel, mail("> Did you restart it?\r\n"))
    assert (found.text, found.quoted) == ("> Did you restart it?", "")


# Files


def test_files_come_along_within_limits(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGEST_FILE", 1000)
    monkeypatch.setattr(parts, "MOST_FILES", 2)
    message = EmailMessage()
    message["From"], message["Message-ID"] = "max@c.example", "<a@c.example>"
    message.set_content("See these.")
    message.add_attachment(b"x" * 500, maintype="image", subtype="png", filename="../../etc/Bild größe.png")
    message.add_attachment(b"x" * 2000, maintype="image", subtype="png", filename="large.png")
    message.add_attachment("text", filename="notes.txt")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="third.pdf")
    found = read(channel, message.as_bytes())
    assert [(file.name, file.media_type, len(file.content)) for file in found.files] == [
        ("Bild größe.png", "image/png", 500),
        ("notes.txt", "text/plain", 5),
    ]
    assert found.text.startswith("See these.")
    assert "large.png, third.pdf" in found.text


# Broken mails


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"no headers at all",
        b"From: \r\nMessage-ID: <>\r\n\r\n",
        b"From: a: b <c>, d;\r\nTo: :;\r\nDate: not a day\r\nSubject: =?x?q?=FF?=\r\n\r\nx",
        b"Content-Type: multipart/mixed\r\n\r\nwithout a boundary",
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n',
        b"Content-Type: text/plain; charset*=utf-8''%ff\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\n" * 1500 + b"x",
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
        + b'--x\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n' * 1500,
        b"Content-Disposition: attachment; filename*0*=x''%; filename*1=y\r\n\r\nx",
        b"Content-Transfer-Encoding: uuencode\r\n\r\nbegin 644 x\r\n\xff\r\nend",
        b"Subject: " + b"x" * 100_000 + b"\r\n\r\nx",
        b"X: y\r\n" * 5000 + b"\r\nx",
        b"From: =?utf-8?b?" + b"////" * 1000 + b"?= <a@b.example>\r\n\r\nx",
        b"References: " + b"<a@b> " * 20_000 + b"\r\n\r\nx",
    ],
)
def test_a_mail_however_broken_is_taken_in(channel: Channel, raw: bytes) -> None:
    found = read(channel, raw)
    assert isinstance(found, IncomingMessage)
    assert found.text
    assert found.handle
    assert 0 < len(found.id) <= 300
    assert len(found.subject) <= 250
    found.text.encode()
    assert read(channel, raw).id == found.id


def test_a_mail_without_an_id_is_known_by_what_it_says(channel: Channel) -> None:
    raw = mail(Message_ID="")
    assert read(channel, raw).id == read(channel, b"Received: by another way\r\n" + raw).id
    assert read(channel, raw).id != read(channel, raw + b" More.").id


def test_a_date_that_cannot_be_is_the_moment_of_arrival(channel: Channel) -> None:
    arrived = datetime(2026, 11, 26, 4, tzinfo=UTC)
    for said, expected in (
        ("Thu, 26 Nov 2026 04:30:00 +0100", arrived - timedelta(minutes=30)),
        ("Thu, 26 Nov 2037 04:30:00 +0100", arrived),
        ("Thu, 1 Jan 1970 00:00:00 +0000", arrived),
        ("yesterday", arrived),
    ):
        (found,) = reading.arrivals(channel, accounts.of(channel), [reading.Fetched(mail(Date=said), arrived)])
        assert isinstance(found, IncomingMessage)
        assert found.created_at == expected


# Senders


def test_an_answer_goes_where_its_sender_wants_it(channel: Channel) -> None:
    found = read(channel, mail(From="Form <noreply@site.example>", Reply_To="Erika <erika@c.example>"))
    assert (found.handle, found.name) == ("erika@c.example", "Erika")


def test_nobody_can_be_answered_who_has_no_address(channel: Channel) -> None:
    found = read(channel, mail(From="Somebody"))
    assert found.handle == "unknown sender"
    assert found.capabilities["reply"] is False


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["mx.desk.example; dmarc=pass (p=reject) header.from=c.example"], "proven"),
        (["mx.desk.example 1; spf=pass smtp.mailfrom=max@c.example; dkim=none"], "proven"),
        (["mx.desk.example; dkim=pass header.d=c.example; dmarc=none"], "proven"),
        (["mx.desk.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=x@evil.example"], "unproven"),
        (["mx.desk.example; dkim=pass header.d=c.example; dmarc=fail"], "failed"),
        (["mx.desk.example; none (dmarc=pass)"], "unproven"),
        (["mx.evil.example; dmarc=pass"], "unproven"),
        (["mx.desk.example; dmarc=fail", "mx.desk.example; dmarc=pass"], "failed"),
        ([], "unproven"),
    ],
)
def test_only_the_own_mail_server_says_whether_a_sender_is_real(
    channel: Channel, headers: list[str], expected: str
) -> None:
    head = "".join(f"Authentication-Results: {value}\r\n" for value in headers).encode()
    message = parts.parsed(head + mail())
    assert machines.proof(message, accounts.of(channel), "max@c.example") == expected


# Machines


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"Auto_Submitted": "no"}, False),
        ({"Auto_Submitted": "auto-generated; owner-email=x"}, True),
        ({"Precedence": "junk"}, True),
        ({"Precedence": "list"}, True),
        ({"Precedence": "list", "List_Post": "<mailto:help@desk.example>"}, False),
        ({"Return_Path": "<>"}, True),
        ({"Return_Path": "<max@c.example>"}, False),
        ({"X_Autoreply": "yes"}, True),
        ({"From": "Help <help+x@desk.example>"}, True),
        ({"From": "postmaster@c.example"}, True),
    ],
)
def test_what_machines_send_is_known(headers: dict[str, str], expected: bool) -> None:
    assert machines.is_automatic(parts.parsed(mail(**headers)), account()) is expected


# What came back


def test_a_mail_that_came_back_is_known_however_it_is_told(channel: Channel) -> None:
    ours = tokens.message_id(7, "reply_1", ADDRESS)
    report = (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n',
        (
            "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            "Reporting-MTA: dns; mx.c.example\r\n\r\nFinal-Recipient: rfc822; max@c.example\r\nAction: {action}\r\n"
            "Status: {status}\r\nDiagnostic-Code: smtp; 550 {status} said the server\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ours}\r\nSubject: x\r\n\r\n--b--\r\n"
        ),
    )
    head = "From: MAILER-DAEMON@c.example\r\nSubject: Undelivered Mail\r\nMessage-ID: <b@c.example>\r\n"
    for status, words in {
        "5.1.1": "There is no mailbox with this address. (550 5.1.1 said the server)",
        "5.2.2": "The mailbox is full. (550 5.2.2 said the server)",
        "5.7.26": "The other mail server refused it by its rules. (550 5.7.26 said the server)",
        "5.9.9": "It came back. (550 5.9.9 said the server)",
    }.items():
        raw = (head + report[0] + "\r\n" + report[1].format(action="failed", status=status)).encode()
        assert read(channel, raw) == Returned(id=ours, reason=words)
    delayed = (head + report[0] + "\r\n" + report[1].format(action="delayed", status="4.4.1")).encode()
    found = read(channel, delayed)
    assert isinstance(found, IncomingMessage)
    assert found.answered_by_machine
    assert found.answers == (ours,)


@pytest.mark.parametrize(
    "body",
    [
        (
            "Hi. This is the qmail-send program at c.example.\r\nI'm afraid I wasn't able to deliver your message. "
            "This is a permanent error; I've given up.\r\n<max@c.example>:\r\n550 5.1.1 no such user\r\n\r\n"
            "--- Below this line is a copy of the message.\r\n\r\nMessage-ID: {ours}\r\n"
        ),
        (
            "A message that you sent could not be delivered.\r\n  max@c.example\r\n    SMTP error: 550 Unknown user\r\n"
            "------ This is a copy of your message ------\r\nMessage-Id: {ours}\r\n"
        ),
        "Ihre Nachricht konnte nicht zugestellt werden.\r\n554 5.7.1 abgelehnt\r\nMessage-ID: {ours}\r\n",
    ],
)
def test_a_plain_note_that_a_mail_came_back_is_known_as_well(channel: Channel, body: str) -> None:
    ours = tokens.message_id(7, "reply_1", ADDRESS)
    raw = mail(body.replace("{ours}", ours), From="MAILER-DAEMON@c.example", Subject="failure notice")
    found = read(channel, raw)
    assert isinstance(found, Returned)
    assert found.id == ours
    assert any(code in found.reason for code in ("550", "554"))


def test_nobody_else_can_say_that_a_mail_came_back(channel: Channel) -> None:
    forged = "<k" + "a" * 36 + "@desk.example>"
    raw = mail(
        f"550 5.1.1 no such user\r\nMessage-ID: {forged}\r\n", From="MAILER-DAEMON@c.example", Subject="failure notice"
    )
    assert isinstance(read(channel, raw), IncomingMessage)
    ours = tokens.message_id(7, "reply_1", ADDRESS)
    other = Channel(id=8, slug="other", kind="mail", name="Other", settings=channel.settings, credentials={})
    raw = mail(f"550 5.1.1 no\r\nMessage-ID: {ours}\r\n", From="MAILER-DAEMON@c.example", Subject="failure notice")
    assert isinstance(read(other, raw), IncomingMessage)


# Tokens and what leaves


def test_a_token_is_always_the_same_and_fits_into_an_address(world: World) -> None:
    token = tokens.token_of(7, "reply_1")
    assert token == tokens.token_of(7, "reply_1")
    assert token != tokens.token_of(8, "reply_1")
    address = tokens.reply_address(7, "reply_1", ADDRESS)
    assert len(address.partition("@")[0]) <= 64
    assert list(tokens.ours_in(7, f"<{address.upper()}>", ADDRESS)) == [tokens.message_id(7, "reply_1", ADDRESS)]
    assert list(tokens.ours_in(7, address[:10] + "a" + address[11:], ADDRESS)) == []
    long = "a-very-long-name-for-a-mailbox-of-a-desk@desk.example"
    assert tokens.reply_address(7, "reply_1", long) == long


def test_an_address_with_letters_of_its_country_is_written_as_servers_take_it(world: World) -> None:
    assert writing.in_ascii("max@müller.example") == "max@xn--mller-kva.example"
    with pytest.raises(ChannelFailed) as refused:
        writing.in_ascii("müller@c.example")
    assert refused.value.permanent


def test_a_long_thread_is_named_by_its_beginning_and_its_end(world: World) -> None:
    thread = tuple(f"<{number:03d}{'x' * 60}@c.example>" for number in range(50))
    reply = OutgoingReply(
        id=1,
        key="reply_1",
        conversation="x",
        in_reply_to=thread[-1],
        text="Line\r\nBcc: x@evil.example\n.\nEnd",
        is_public=False,
        handle="max@c.example",
        thread=("no-id:abc", *thread, "<twice@c.example>#0123"),
        subject="Router\r\nBcc: x@evil.example",
    )
    raw = writing.composed(reply, account(), 7)
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    found = parts.parsed(raw)
    references = parts.ids(found, "References")
    assert references[0] == thread[0]
    assert references[-2:] == ["<twice@c.example>", thread[-1]]
    assert found["Bcc"] is None
    assert found["Subject"] == "Re: Router Bcc: x@evil.example"
