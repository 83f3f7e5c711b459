"""Mail as it comes in: taken apart with limits, and told from what machines send. Whose it is, is not known here."""

from collections.abc import Iterator
from email import policy as policies
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import getaddresses
from typing import Final

from flask_babel import gettext

from core import markup
from core.errors import Invalid

LARGEST_MAIL: Final = 10 * 1024 * 1024
MOST_PARTS: Final = 100
MOST_HEADERS: Final = 200
LONGEST_HTML: Final = 100_000
LONGEST_TEXT: Final = 200_000


def parsed(raw: bytes) -> EmailMessage:
    """Return a mail; raise `Invalid` for what is none, or too large."""
    if len(raw) > LARGEST_MAIL:
        raise Invalid(gettext("This mail is too large. Please leave attachments out."))
    try:
        message = BytesParser(policy=policies.default).parsebytes(raw)
    except (MessageError, ValueError, RecursionError, LookupError):
        raise Invalid(gettext("This mail is damaged.")) from None
    if len(message.keys()) > MOST_HEADERS:
        raise Invalid(gettext("This mail is damaged."))
    return message


def is_automatic(message: EmailMessage) -> bool:
    """Tell whether a machine sent it: out of office, a returned mail, a list."""
    submitted = header(message, "Auto-Submitted").lower().split(";")[0].strip()
    if submitted not in {"", "no"}:
        return True
    if header(message, "Return-Path").replace(" ", "") == "<>" or message.get_content_type() == "multipart/report":
        return True
    if header(message, "Precedence").strip().lower() in {"bulk", "junk", "list", "auto_reply"}:
        return True
    marks = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "List-Id", "List-Unsubscribe", "Feedback-ID")
    if any(header(message, name) for name in marks):
        return True
    return sender(message).partition("@")[0] in {"mailer-daemon", "postmaster", "noreply", "no-reply"}


def text(message: EmailMessage) -> str:
    """Return what the mail says: its plain text, or its HTML made Markdown."""
    plain, html = "", ""
    for part in parts(message):
        if part.get_content_disposition() == "attachment":
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and not plain.strip():
            plain = _decoded(part)
        elif kind == "text/html" and not html:
            html = _decoded(part)
    if plain.strip():
        return plain[:LONGEST_TEXT]
    if len(html) > LONGEST_HTML:
        raise Invalid(gettext("This mail is too large. Please leave attachments out."))
    return markup.from_html(html) if html else ""


def parts(message: EmailMessage) -> Iterator[Message]:
    """Yield its parts; raise `Invalid` when they are too many."""
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            raise Invalid(gettext("This mail is damaged."))
        yield part


def header(message: Message, name: str) -> str:
    """Return the first header of this name; empty where there is none."""
    return next(headers(message, name), "")


def headers(message: Message, *names: str) -> Iterator[str]:
    """Yield the headers of these names."""
    for name in names:
        for found, value in message.raw_items():
            if found.lower() == name.lower():
                yield str(value)[:10_000]


def sender(message: EmailMessage) -> str:
    """Return the address it says to come from, in small letters; empty where it names none or several."""
    found = getaddresses([header(message, "From")])
    return found[0][1].strip().lower() if len(found) == 1 else ""


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a character set nobody knows
        return payload.decode("utf-8", "replace")
