"""Mail: queued in the transaction that causes it, sent by the worker, to SMTP or into a folder."""

import dataclasses
import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, Model, UtcDateTime, db
from core.outbox import Event, listens_to, publish
from core.settings import Settings, current_settings

TIMEOUT_SECONDS = 10


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


@dataclasses.dataclass(frozen=True, slots=True)
class MailQueued(Event):
    mail_id: int


def queue(to: str, *, subject: str, text: str, html: str | None = None) -> Mail:
    """Queue a mail in the current transaction; it leaves after the commit."""
    mail = Mail(message_id=make_msgid(domain="klinke"), to=to, subject=" ".join(subject.split()), text=text, html=html)
    db.session.add(mail)
    db.session.flush()
    publish(MailQueued(mail.id))
    return mail


@listens_to(MailQueued)
def send(event: MailQueued) -> None:
    """Send a queued mail, once."""
    mail = db.session.get(Mail, event.mail_id, with_for_update=True)
    if mail is None or mail.sent_at is not None:
        return
    settings = current_settings()
    _hand_over(_composed(mail, settings), settings)
    mail.sent_at = now()


def _composed(mail: Mail, settings: Settings) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.mail_from
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message


def _hand_over(message: EmailMessage, settings: Settings) -> None:
    if "://" not in settings.mail_url:
        folder = Path(settings.mail_url)
        folder.mkdir(parents=True, exist_ok=True)
        name = str(message["Message-ID"]).strip("<>").replace("/", "_")
        (folder / f"{name}.eml").write_bytes(message.as_bytes())
        return
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
        server.send_message(message)
