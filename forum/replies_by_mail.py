"""Answers that come in by mail: whose they are says a signed ticket, never the sender's name."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage, Message
from typing import Final, Literal

from flask_babel import force_locale, gettext
from sqlalchemy import delete, func, select

from accounts import emails
from accounts.models import User
from core import mail
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from forum import answers, limits, notices, queries, questions_by_mail, quotes, received_mail, tickets
from forum.models import Post, ReceivedMail

Outcome = Literal["posted", "again", "automatic", "bounce", "asked", "waiting"]
MOST_AN_HOUR: Final = 5
"""Mails of one person to one question in an hour: two machines that answer each other stop here."""
KEPT: Final = timedelta(days=30)
"""How long it is remembered that a mail came in."""
ADDRESSED: Final = ("Delivered-To", "X-Original-To", "To", "Cc")
ANSWERED: Final = ("In-Reply-To", "References")


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a mail; `post` where it was written down.

    A question is `asked`, or `waiting` for a member's word.
    """

    outcome: Outcome
    post: Post | None = None


def receive(raw: bytes) -> Received:
    """Post what a person answered to a mail, once. Raises `Invalid` or `NotAllowed` with a sentence for the sender.

    What machines send (out of office, returned mail, lists) is never posted. A mail that came back counts against the
    address it was sent to.
    """
    message = received_mail.parsed(raw)
    ticket = _ticket(message)
    if received_mail.is_automatic(message):
        return Received(_take_automatic(message, ticket))
    if ticket is None:
        if not questions_by_mail.are_taken() or _answers_one_of_ours(message):
            raise NotAllowed(gettext("This mail answers none of ours. Please write on the page instead."))
        outcome, question = questions_by_mail.take(message)
        return Received(outcome, question)
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
    return Received("posted", _write(post, quotes.trimmed(received_mail.text(message)), by=user))


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


def _ticket(message: EmailMessage) -> tuple[User, int] | None:
    # First the address, which is meant for it; then the thread, for programs that answer to the sender.
    for names in (ADDRESSED, ANSWERED):
        for value in received_mail.headers(message, *names):
            found = next(tickets.replies_in(value), None)
            if found is not None:
                return found
    return None


def _answers_one_of_ours(message: EmailMessage) -> bool:
    """Tell whether it was meant as an answer, with a ticket that is old, forged or somebody else's."""
    name, _, domain = current_settings().mail_reply_to.partition("@")
    addressed = " ".join(received_mail.headers(message, *ADDRESSED)).lower()
    answered = " ".join(received_mail.headers(message, *ANSWERED)).lower()
    return (bool(name) and f"{name}+" in addressed and domain in addressed) or f"@{mail.host()}>" in answered


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
    for part in received_mail.parts(message):
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            actions += [received_mail.header(block, "Action") for block in blocks if isinstance(block, Message)]
    return " ".join(actions).lower()


def _is_from(message: EmailMessage, user: User) -> bool:
    return bool(user.email_key) and emails.key(received_mail.sender(message)) == user.email_key


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
    named = received_mail.header(message, "Message-ID") or received_mail.header(message, "Date")
    said = f"{named}\0{post_id}\0{received_mail.sender(message)}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
