"""Answers that come in by mail: whose they are says a signed ticket, never the sender's name."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import policy as policies
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import getaddresses
from typing import Final, Literal

from flask_babel import force_locale, gettext
from sqlalchemy import delete, func, select

from accounts import emails
from accounts.models import User
from core import markup
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from forum import answers, limits, notices, queries, quotes, tickets
from forum.models import Post, ReceivedMail

Outcome = Literal["posted", "again", "automatic", "bounce"]
LARGEST_MAIL: Final = 10 * 1024 * 1024
MOST_PARTS: Final = 100
MOST_HEADERS: Final = 200
LONGEST_HTML: Final = 100_000
LONGEST_TEXT: Final = 200_000
MOST_AN_HOUR: Final = 5
"""Mails of one person to one question in an hour: two machines that answer each other stop here."""
KEPT: Final = timedelta(days=30)
"""How long it is remembered that a mail came in."""
ADDRESSED: Final = ("Delivered-To", "X-Original-To", "To", "Cc")
ANSWERED: Final = ("In-Reply-To", "References")


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a mail; `post` where it was written down."""

    outcome: Outcome
    post: Post | None = None


def receive(raw: bytes) -> Received:
    """Post what a person answered to a mail, once. Raises `Invalid` or `NotAllowed` with a sentence for the sender.

    What machines send (out of office, returned mail, lists) is never posted. A mail that came back counts against the
    address it was sent to.
    """
    message = _parsed(raw)
    ticket = _ticket(message)
    if _is_automatic(message):
        return Received(_take_automatic(message, ticket))
    if ticket is None:
        raise NotAllowed(gettext("This mail answers none of ours. Please write on the page instead."))
    user, post_id = ticket
    with force_locale(user.locale or current_settings().default_locale):
        return _take(message, user, post_id)


def _take(message: EmailMessage, user: User, post_id: int) -> Received:
    if not _is_from(message, user):
        raise NotAllowed(gettext("Please answer from the address that the mail was sent to."))
    post = queries.visible_post(post_id, viewer=user)
    if not _is_new(message, user, post):
        return Received("again")
    _stop_loops(user, post)
    return Received("posted", _write(post, quotes.trimmed(_text(message)), by=user))


@chore("forum.forget_received_mails", every=86_400)
def forget_old() -> None:
    """Forget which mails came in so long ago that none of them comes again."""
    db.session.execute(delete(ReceivedMail).where(ReceivedMail.at < now() - KEPT))
    db.session.commit()


def _write(post: Post, text: str, *, by: User) -> Post:
    if not text.strip():
        raise Invalid(gettext("There is nothing above the quotation in this mail."))
    # What is said to an answer belongs beneath it, as long as it is no longer than a comment may be.
    about = post.parent if post.parent is not None else post
    if about.kind == "answer" and len(text) <= limits.LONGEST_SOURCE["comment"]:
        return answers.comment(about, source=text, by=by)
    return answers.post(post.topic, source=text, by=by)


def _parsed(raw: bytes) -> EmailMessage:
    if len(raw) > LARGEST_MAIL:
        raise Invalid(gettext("This mail is too large. Please leave attachments out."))
    try:
        message = BytesParser(policy=policies.default).parsebytes(raw)
    except (MessageError, ValueError, RecursionError, LookupError):
        raise Invalid(gettext("This mail is damaged.")) from None
    if len(message.keys()) > MOST_HEADERS:
        raise Invalid(gettext("This mail is damaged."))
    return message


def _ticket(message: EmailMessage) -> tuple[User, int] | None:
    # First the address, which is meant for it; then the thread, for programs that answer to the sender.
    for names in (ADDRESSED, ANSWERED):
        for value in _headers(message, *names):
            found = next(tickets.replies_in(value), None)
            if found is not None:
                return found
    return None


def _is_automatic(message: EmailMessage) -> bool:
    submitted = _header(message, "Auto-Submitted").lower().split(";")[0].strip()
    if submitted not in {"", "no"}:
        return True
    if _header(message, "Return-Path").replace(" ", "") == "<>" or message.get_content_type() == "multipart/report":
        return True
    if _header(message, "Precedence").strip().lower() in {"bulk", "junk", "list", "auto_reply"}:
        return True
    marks = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "List-Id", "List-Unsubscribe", "Feedback-ID")
    if any(_header(message, name) for name in marks):
        return True
    return _sender(message).partition("@")[0] in {"mailer-daemon", "postmaster", "noreply", "no-reply"}


def _take_automatic(message: EmailMessage, ticket: tuple[User, int] | None) -> Outcome:
    is_failure = message.get_content_type() == "multipart/report" and "failed" in _delivery_status(message)
    if ticket is None or not is_failure:
        return "automatic"
    user, post_id = ticket
    if add_once(ReceivedMail, key=_key(message, post_id), user_id=user.id, topic_id=None, outcome="bounce", at=now()):
        notices.note_bounce(user)
    return "bounce"


def _delivery_status(message: EmailMessage) -> str:
    """Return the actions that a delivery report (RFC 3464) names."""
    actions: list[str] = []
    for part in _parts(message):
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            actions += [_header(block, "Action") for block in blocks if isinstance(block, Message)]
    return " ".join(actions).lower()


def _is_from(message: EmailMessage, user: User) -> bool:
    return bool(user.email_key) and emails.key(_sender(message)) == user.email_key


def _is_new(message: EmailMessage, user: User, post: Post) -> bool:
    key = _key(message, post.id)
    return add_once(ReceivedMail, key=key, user_id=user.id, topic_id=post.topic_id, outcome="posted", at=now())


def _stop_loops(user: User, post: Post) -> None:
    recent = select(func.count(ReceivedMail.id)).where(
        ReceivedMail.user_id == user.id,
        ReceivedMail.topic_id == post.topic_id,
        ReceivedMail.at > now() - timedelta(hours=1),
    )
    if (db.session.scalar(recent) or 0) > MOST_AN_HOUR:
        raise NotAllowed(gettext("These were many mails about one question. Please go on writing on the page."))


def _key(message: EmailMessage, post_id: int) -> str:
    said = f"{_header(message, 'Message-ID') or _header(message, 'Date')}\0{post_id}\0{_sender(message)}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()


def _text(message: EmailMessage) -> str:
    """Return what the mail says: its plain text, or its HTML made Markdown."""
    plain, html = "", ""
    for part in _parts(message):
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


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a character set nobody knows
        return payload.decode("utf-8", "replace")


def _parts(message: EmailMessage) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            raise Invalid(gettext("This mail is damaged."))
        yield part


def _header(message: Message, name: str) -> str:
    return next(_headers(message, name), "")


def _headers(message: Message, *names: str) -> Iterator[str]:
    for name in names:
        for found, value in message.raw_items():
            if found.lower() == name.lower():
                yield str(value)[:10_000]


def _sender(message: EmailMessage) -> str:
    found = getaddresses([_header(message, "From")])
    return found[0][1].strip().lower() if len(found) == 1 else ""
