"""A reply as the mail that leaves."""

import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Final

from core import mail
from core.clock import now
from core.phrases import phrase
from desk.channels.base import ChannelFailed, OutgoingReply
from desk.channels.mail import tokens
from desk.channels.mail.account import Account

LONGEST_REFERENCES: Final = 850
_ID: Final = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_ANSWERS: Final = re.compile(r"^\s*(?:re|aw|antw|antwort|sv)\s*:", re.IGNORECASE)


def composed(reply: OutgoingReply, account: Account, channel_id: int) -> bytes:
    """Return the mail; the same on every attempt but for its date."""
    message = EmailMessage(policy=mail.Unfolded(linesep="\r\n"))
    message["From"] = formataddr((mail.one_line(account.sender_name), account.address))
    message["To"] = reply.handle
    message["Subject"] = _subject(reply, account)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = reply.own_id or tokens.message_id(channel_id, reply.key, account.address)
    if account.has_suffixes:
        message["Reply-To"] = formataddr(
            (mail.one_line(account.sender_name), tokens.reply_address(channel_id, reply.key, account.address))
        )
    answered = _real(reply.in_reply_to or "")
    if answered:
        message["In-Reply-To"] = answered
    if references := _references([_real(each) for each in reply.thread], answered):
        message["References"] = references
    if reply.is_automatic:
        message["Auto-Submitted"] = "auto-replied" if answered else "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    message.set_content(reply.text.rstrip() + "\n", cte="quoted-printable")
    return message.as_bytes()


def in_ascii(address: str) -> str:
    """Return an address as every mail server takes it; raise `ChannelFailed` where there is no such form."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}".encode("ascii").decode()
    except UnicodeError:
        reason = phrase("This address has letters that mail servers do not take everywhere.")
        raise ChannelFailed(reason, permanent=True) from None


def _subject(reply: OutgoingReply, account: Account) -> str:
    subject = mail.one_line(reply.subject) or mail.one_line(account.sender_name)
    return subject if _ANSWERS.match(subject) else f"Re: {subject}"


def _real(external_id: str) -> str:
    """Return the Message-ID that a message has outside; empty where it has none."""
    found = _ID.match(external_id)
    return "" if found is None else found[0]


def _references(before: Sequence[str], answered: str) -> str:
    """Return the first of the thread and as many of the last as fit, what is answered at the end."""
    thread = list(
        dict.fromkeys([each for each in before if each and each != answered] + ([answered] if answered else []))
    )
    if not thread:
        return ""
    first, others = thread[0], thread[1:]
    kept: list[str] = []
    size = len(first)
    for each in reversed(others):
        if size + len(each) + 1 > LONGEST_REFERENCES:
            break
        kept.insert(0, each)
        size += len(each) + 1
    return " ".join([first, *kept])
