"""Mail: queued in the transaction that causes it, sent by the worker, to SMTP or into a folder.

A mail is either written when it is queued, or a *letter*: then only what it is about is kept, and its words are made
when it is sent, of what its reader may read at that moment.
"""

import dataclasses
import html as entities
import re
import smtplib
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, Model, UtcDateTime, before_waiting, db
from core.outbox import Event, listens_to, publish
from core.settings import Settings, current_settings

TIMEOUT_SECONDS = 10
LONGEST_SUBJECT = 200
LONGEST_HEADER = 900
"""RFC 5322 lets a line have 998 characters."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Mail(Model):
    """A mail on its way; its Message-ID is chosen before the first attempt, so that a repeat can be recognised."""

    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    to: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    letter: Mapped[str | None] = mapped_column(String(60))
    """The name of the function that writes it when it is sent; then it has no text here."""
    about: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What that function is given: ids."""
    dropped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When there was nothing left that its reader might read, or nobody to read it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail that is written as it leaves."""

    to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Besides those that every mail has."""
    return_path: str | None = None
    """Where it comes back to when it cannot be delivered."""


class Unfolded(EmailPolicy):
    """Leaves plain headers on one line: folding would encode a long address, and then no program finds it there."""

    def fold(self, name: str, value: Any) -> str:
        if str(value).isascii() and len(name) + len(str(value)) < LONGEST_HEADER:
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        if str(value).isascii() and len(name) + len(str(value)) < LONGEST_HEADER:
            return f"{name}: {value}{self.linesep}".encode()
        return bytes(super().fold_binary(name, value))


Writer = Callable[[dict[str, Any]], Letter | None]

_writers: dict[str, Writer] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class MailQueued(Event):
    mail_id: int


def queue(to: str, *, subject: str, text: str, html: str | None = None) -> Mail:
    """Queue a mail in the current transaction; it leaves after the commit."""
    mail = Mail(message_id=make_msgid(domain="klinke"), to=to, subject=one_line(subject), text=text, html=html)
    db.session.add(mail)
    db.session.flush()
    publish(MailQueued(mail.id))
    return mail


def letter(name: str) -> Callable[[Writer], Writer]:
    """Register the function that writes letters of a kind; it returns None when there is nothing to say any more."""

    def register(writer: Writer) -> Writer:
        _writers[name] = writer
        return writer

    return register


def queue_letter(to: str, *, letter: str, about: dict[str, Any], message_id: str) -> Mail:
    """Queue a mail whose words are made when it leaves."""
    mail = Mail(message_id=message_id, to=to, subject="", text="", letter=letter, about=about)
    db.session.add(mail)
    db.session.flush()
    publish(MailQueued(mail.id))
    return mail


def written(folder: str, *, locale: str, **values: Any) -> tuple[str, str, str]:
    """Return subject, text and HTML of the mail whose three templates lie in this folder, in a language."""
    values |= {"site_name": current_settings().site_name, "locale": locale}

    def rendered(name: str) -> str:
        # Not flask.render_template: the worker has no page being made, and what pages share is of no use in a mail.
        return current_app.jinja_env.get_template(f"{folder}/{name}").render(values)

    with force_locale(locale):
        return _plain(rendered("subject.txt")), _plain(rendered("body.txt")) + "\n", rendered("body.html")


def host() -> str:
    """Return the host in Message-IDs and list names: that of the address people reach this installation by."""
    return urlsplit(current_settings().base_url).hostname or "localhost"


def one_line(value: str, longest: int = LONGEST_SUBJECT) -> str:
    """Return a value for a header: no line end or other control can begin another one."""
    return " ".join(_CONTROLS.sub(" ", value).split())[:longest]


@listens_to(MailQueued)
def send(event: MailQueued) -> None:
    """Send a queued mail, once."""
    mail = db.session.get(Mail, event.mail_id, with_for_update=True)
    if mail is None or mail.sent_at is not None or mail.dropped_at is not None:
        return
    settings = current_settings()
    written: Letter | None
    if mail.letter is None:
        written = Letter(to=mail.to, subject=mail.subject, text=mail.text, html=mail.html or "")
    else:
        written = _writers[mail.letter](mail.about or {})
    if written is None:
        mail.dropped_at = now()
        return
    message = _composed(mail, written, settings)
    # Nothing in the database waits for the network; the delivery's lease keeps others away. What was written down
    # while the letter was (its links are good for something once) must be there before somebody reads it.
    db.session.commit()
    _hand_over(message, settings, return_path=written.return_path)
    mail = db.session.get(Mail, event.mail_id, with_for_update=True, populate_existing=True)
    if mail is not None:
        mail.sent_at = now()


def _composed(mail: Mail, written: Letter, settings: Settings) -> EmailMessage:
    message = EmailMessage(policy=Unfolded(linesep="\r\n"))
    message["From"] = settings.mail_from
    message["To"] = written.to
    message["Subject"] = one_line(written.subject)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    for name, value in written.headers.items():
        message[name] = one_line(value, longest=LONGEST_HEADER)
    message.set_content(written.text)
    if written.html:
        message.add_alternative(written.html, subtype="html")
    return message


def _plain(rendered: str) -> str:
    # Escaping is on in every template; a plain text takes it back exactly.
    return entities.unescape(rendered).strip()


def _hand_over(message: EmailMessage, settings: Settings, *, return_path: str | None) -> None:
    if "://" not in settings.mail_url:
        folder = Path(settings.mail_url)
        folder.mkdir(parents=True, exist_ok=True)
        name = str(message["Message-ID"]).strip("<>").replace("/", "_")
        (folder / f"{name}.eml").write_bytes(message.as_bytes())
        return
    before_waiting()
    url = urlsplit(settings.mail_url)
    host, context = url.hostname or "localhost", ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_SECONDS)
    with server:
        if url.scheme == "smtp+starttls":
            server.starttls(context=context)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message, from_addr=return_path)
