"""A mail as the desk takes it in."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Final

from flask_babel import gettext
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from desk.channels.base import LONGEST_QUOTED, LONGEST_TEXT, Arrival, IncomingFile, IncomingMessage, Returned, tidied
from desk.channels.mail import machines, parts, tokens
from desk.channels.mail.account import Account
from desk.models import Channel, Contact
from desk.models import Message as Known
from forum import quotes

LONGEST_SUBJECT: Final = 250
LONGEST_NAME: Final = 200
LONGEST_ID: Final = 250
MOST_ANSWERED: Final = 60
ON_ITS_WAY: Final = timedelta(days=2)
"""A mail that says to be older than this when it arrives is taken to be from when it arrived."""
SAME_SUBJECT: Final = timedelta(days=90)
MEANS_THE_SAME: Final = 0.9
LONGEST_COMPARED: Final = 2000
WHOLE_NAME: Final = "mail.txt"
RAW_NAME: Final = "mail.eml"
LARGEST_RAW: Final = 5 * 1024 * 1024
_ANSWER: Final = re.compile(
    r"^\s*(?:(?:re|aw|antw|antwort|sv|vs|ref|wg|fwd?|tr)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE
)
_REPLY: Final = re.compile(r"^\s*(?:re|aw|antw|antwort|sv|vs|ref)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as it lies in the mailbox."""

    raw: bytes
    arrived_at: datetime
    is_cut: bool = False
    """It was too large, and this is only its beginning."""


def arrivals(channel: Channel, account: Account, fetched: list[Fetched]) -> list[Arrival]:
    """Return what mails tell, in their order; each is something, however broken it is."""
    found = [_read(channel, account, each) for each in fetched]
    told = _distinct(channel, account, [each for each in found if isinstance(each, _Mail)])
    db.session.rollback()  # nothing in the database waits for the network
    return [told[id(each)] if isinstance(each, _Mail) else each for each in found]


def base_subject(subject: str) -> str:
    """Return a subject without what answering and passing on put before it, for comparing."""
    return " ".join(_ANSWER.sub("", subject).split()).casefold()


@dataclass(slots=True)
class _Mail:
    incoming: IncomingMessage
    seal: str
    """Of its body, which tells it from another with the same Message-ID."""


def _read(channel: Channel, account: Account, fetched: Fetched) -> "_Mail | Arrival":
    message = parts.parsed(fetched.raw)
    returned = machines.bounce(message, account, channel.id)
    if returned is not None:
        return Returned(id=returned.message_id, reason=returned.reason)
    content = parts.content(message)
    sender, name = _sender(message)
    seal = hashlib.sha256(_body(fetched.raw)).hexdigest()
    own_id = _own_id(message, fetched.raw)
    whole = content.text
    said, rest = quotes.parted(whole)
    if not said.strip():
        said, rest = whole, ""
    text, is_shortened = _words(said, content, fetched)
    files = list(content.files)
    quoted = rest if len(rest) <= LONGEST_QUOTED else rest[: LONGEST_QUOTED - 1].rstrip() + "…"
    if is_shortened or quoted != rest:
        # Who reads on wants to see all of it.
        files.insert(
            0, IncomingFile(name=WHOLE_NAME, media_type="text/plain", content=whole.encode("utf-8", "replace"))
        )
    if not whole.strip() and not content.files and len(fetched.raw) <= LARGEST_RAW:
        files.append(IncomingFile(name=RAW_NAME, media_type="message/rfc822", content=fetched.raw))
    subject = parts.header(message, "Subject")[:LONGEST_SUBJECT]
    answers = _answers(channel, account, message)
    if is_automatic := machines.is_automatic(message, account):
        # A note that a mail is late, or that its reader is away, names it somewhere.
        answers += tokens.ours_in(channel.id, machines.everything(message), account.address)
    root = (parts.ids(message, "References") or parts.ids(message, "In-Reply-To") or [own_id])[0]
    proof = machines.proof(message, account, _from(message))
    incoming = IncomingMessage(
        conversation=_thread_id(root, sender),
        id=own_id,
        text=text,
        quoted=quoted,
        created_at=_written_at(message, fetched.arrived_at),
        is_public=False,
        handle=sender,
        name=name,
        kind="mail",
        subject=subject,
        answers=tuple(each for each in dict.fromkeys(answers) if each != own_id)[:MOST_ANSWERED],
        files=tuple(files),
        answered_by_machine=is_automatic,
        capabilities={"sender": proof, "reply": "@" in sender} if proof or "@" not in sender else None,
    )
    return _Mail(incoming, seal)


def _words(said: str, content: parts.Content, fetched: Fetched) -> tuple[str, bool]:
    """Return the message's text, never empty, and whether something of it was left out."""
    text = tidied(said)
    notes = []
    if content.left_out:
        names = ", ".join(content.left_out)
        notes.append(gettext("Files that were too many or too large were left in the mailbox: %(names)s", names=names))
    if fetched.is_cut:
        notes.append(gettext("The mail is too large; only its beginning was taken in."))
    if not text:
        if content.files:
            text = gettext("(No words, only files.)")
        else:
            text = gettext("(An empty mail, or one that cannot be read.)")
    end = "".join(f"\n\n[{note}]" for note in notes)[:2000]
    room = LONGEST_TEXT - len(end) - 1
    return text[:room].rstrip() + ("…" if len(text) > room else "") + end, len(text) > room


def _sender(message: Message) -> tuple[str, str]:
    """Return where an answer goes, and the name of who wrote."""
    found = parts.addresses(message, "From") or parts.addresses(message, "Sender", "Return-Path")
    name, address = found[0] if found else ("", "")
    replies = parts.addresses(message, "Reply-To")
    if len({each[1] for each in replies}) == 1 and replies[0][1] != address:
        name, address = replies[0][0] or name, replies[0][1]
    return (address[:LONGEST_NAME] or gettext("unknown sender")), name[:LONGEST_NAME]


def _from(message: Message) -> str:
    found = parts.addresses(message, "From")
    return found[0][1] if len(found) == 1 else ""


def _own_id(message: Message, raw: bytes) -> str:
    found = parts.ids(message, "Message-ID")
    if found and len(found[0]) <= LONGEST_ID and found[0].isprintable():
        return found[0]
    # Without one it is known by everything that does not change on its way.
    names = [parts.header(message, name) for name in ("From", "To", "Date", "Subject")]
    said = "\0".join(names).encode("utf-8", "replace") + b"\0" + _body(raw)
    return f"no-id:{hashlib.sha256(said).hexdigest()}"


def _body(raw: bytes) -> bytes:
    for mark in (b"\r\n\r\n", b"\n\n"):
        if mark in raw:
            return raw.partition(mark)[2].replace(b"\r\n", b"\n").rstrip()
    return b""


def _thread_id(root: str, sender: str) -> str:
    # With the sender: two people who answer one newsletter are in no conversation with each other.
    said = f"{root}\0{sender}".encode("utf-8", "replace")
    return f"mail:{hashlib.sha256(said).hexdigest()[:40]}"


def _answers(channel: Channel, account: Account, message: Message) -> list[str]:
    """Return the ids that it answers, nearest first: as it says itself, then by our token in an address."""
    said = parts.ids(message, "In-Reply-To")
    said += reversed(parts.ids(message, "References"))
    for value in parts.headers(message, "To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "In-Reply-To"):
        said += tokens.ours_in(channel.id, value, account.address)
    return list(dict.fromkeys(said))


def _written_at(message: Message, arrived_at: datetime) -> datetime:
    try:
        written = parsedate_to_datetime(parts.header(message, "Date"))
        written = written.replace(tzinfo=UTC) if written.tzinfo is None else written.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return arrived_at
    return written if arrived_at - ON_ITS_WAY <= written <= arrived_at else arrived_at


# What is here already: a Message-ID may be used again for another mail, and an answer may name nothing it answers.


@dataclass(frozen=True, slots=True)
class _Before:
    text: str
    created_at: datetime
    is_ours: bool


def _distinct(channel: Channel, account: Account, mails: list[_Mail]) -> dict[int, IncomingMessage]:
    """Return the messages by mail, those that only share their Message-ID with another told apart by their body."""
    here = _known(channel, [each.incoming.id for each in mails])
    seals: dict[str, str] = {}
    told: dict[int, IncomingMessage] = {}
    for mail in mails:
        incoming = mail.incoming
        before, seal = here.get(incoming.id), seals.get(incoming.id)
        is_other = (before is not None and not _is_same(before, incoming)) or (seal is not None and seal != mail.seal)
        if is_other:
            incoming = replace(incoming, id=f"{incoming.id[:LONGEST_ID]}#{mail.seal[:16]}")
        else:
            seals[incoming.id] = mail.seal
        if before is None and not incoming.answered_by_machine:
            incoming = _placed(channel, incoming)
        told[id(mail)] = incoming
    _quiet_loops(channel, account.most_an_hour, mails, told, here)
    return told


def _known(channel: Channel, ids: list[str]) -> dict[str, _Before]:
    rows = db.session.execute(
        select(Known.external_id, Known.text, Known.created_at, Known.direction).where(
            Known.channel_id == channel.id, Known.external_id.in_(ids)
        )
    )
    return {str(row[0]): _Before(row[1], row[2], row[3] == "out") for row in rows}


def _is_same(before: _Before, incoming: IncomingMessage) -> bool:
    if before.is_ours or not before.text or before.text == incoming.text:
        return True
    if abs(before.created_at - incoming.created_at) > timedelta(seconds=1):
        return False
    pair = before.text[:LONGEST_COMPARED], incoming.text[:LONGEST_COMPARED]
    return SequenceMatcher(None, *pair).ratio() >= MEANS_THE_SAME


def _placed(channel: Channel, incoming: IncomingMessage) -> IncomingMessage:
    """Let an answer that names nothing we know belong to the last mail of the same sender about the same thing."""
    if not _REPLY.match(incoming.subject) or not (wanted := base_subject(incoming.subject)):
        return incoming
    if incoming.answers and _known(channel, list(incoming.answers)):
        return incoming
    rows = db.session.execute(
        select(Known.external_id, Known.subject)
        .join(Contact, Contact.id == Known.contact_id)
        .where(
            Contact.channel_id == channel.id,
            Contact.handle == incoming.handle,
            Known.direction == "in",
            Known.subject.is_not(None),
            Known.created_at > incoming.created_at - SAME_SUBJECT,
            Known.created_at <= incoming.created_at,
        )
        .order_by(Known.created_at.desc(), Known.id.desc())
        .limit(50)
    )
    found = next((str(row[0]) for row in rows if base_subject(str(row[1])) == wanted), None)
    return incoming if found is None else replace(incoming, answers=(*incoming.answers[: MOST_ANSWERED - 1], found))


def _quiet_loops(
    channel: Channel, most: int, mails: list[_Mail], told: dict[int, IncomingMessage], here: dict[str, _Before]
) -> None:
    """Take what an address sends too much of in an hour for a machine's."""
    if not most:
        return
    senders = {each.incoming.handle for each in mails}
    since = now() - timedelta(hours=1)
    rows = db.session.execute(
        select(Contact.handle, func.count(Known.id))
        .select_from(Known)
        .join(Contact, Contact.id == Known.contact_id)
        .where(
            Contact.channel_id == channel.id,
            Contact.handle.in_(senders),
            Known.direction == "in",
            Known.created_at > since,
        )
        .group_by(Contact.handle)
    )
    counted = {row[0]: row[1] for row in rows}
    for mail in mails:
        incoming = told[id(mail)]
        if incoming.id in here or incoming.created_at <= since:
            continue
        counted[incoming.handle] = counted.get(incoming.handle, 0) + 1
        if counted[incoming.handle] > most:
            told[id(mail)] = replace(incoming, answered_by_machine=True)
