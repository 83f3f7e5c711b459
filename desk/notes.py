"""Notes: what the team writes to itself beside a conversation. Whoever is named with @ hears of it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeVar

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit, people
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import NotAllowed, NotFound
from desk import policy
from desk.inside import Note, SideTalk
from desk.models import Conversation, Message
from forum import notifications
from forum.models import Notification

LONGEST: Final = 5000
MOST_MENTIONS: Final = 10
LONGEST_EXCERPT: Final = 100

_HANDLE: Final = re.compile(r"(?<![\w@./])@([\w][\w.-]{1,29})")


class Dated(Protocol):
    """What has its moment, as notes and calls."""

    @property
    def at(self) -> datetime: ...


N = TypeVar("N", bound=Dated)


def write(conversation: Conversation, *, text: str, by: User) -> Note:
    """Add a note; raise `Invalid` when it is empty or too long."""
    if not policy.may_work(by):
        raise NotAllowed
    with problems.at("note"):
        text = texts.block(text, longest=LONGEST, shortest=1)
    note = Note(conversation_id=conversation.id, by=by, text=text)
    db.session.add(note)
    db.session.flush()
    notifications.notify_each(
        [person.id for person in mentioned(text) if person.id != by.id],
        kind="desk_mention",
        key=_key(note),
        url=f"/desk/conversations/{conversation.id}#n{note.id}",
        data={"name": by.name, "words": text[:LONGEST_EXCERPT]},
    )
    return note


def add_answer(talk: SideTalk, text: str) -> Note:
    """Add what a colleague outside answered."""
    note = Note(conversation_id=talk.conversation_id, text=text, side_talk=talk)
    db.session.add(note)
    db.session.flush()
    return note


def withdraw(note_id: int, *, by: User) -> Note:
    """Take a note back, with its words and the news of it; only its writer can."""
    note = db.session.get(Note, note_id) if 0 < note_id <= LARGEST_ID else None
    if note is None or not policy.may_work(by):
        raise NotFound(gettext("There is no such note."))
    if note.by_id != by.id:
        raise NotAllowed
    if note.withdrawn_at is None:
        note.withdrawn_at, note.text = now(), ""
        notifications.retract_with(_key(note))
        db.session.flush()
        audit.record("desk.note.withdraw", note, by=by)
    return note


def mentioned(text: str) -> list[User]:
    """Return the agents that a note names with their handle; nobody else has anything to read here."""
    names = [name.rstrip(".-") for name in _HANDLE.findall(text)]
    found = (people.by_handle(name) for name in list(dict.fromkeys(names))[:MOST_MENTIONS])
    return [person for person in found if person is not None and person.is_active and policy.may_work(person)]


def of(conversation: Conversation) -> list[Note]:
    """Return the notes of a conversation, the earliest first."""
    return list(db.session.scalars(select(Note).where(Note.conversation_id == conversation.id).order_by(Note.id)))


def between(notes: Sequence[N], messages: Sequence[Message]) -> Mapping[int | None, list[N]]:
    """Return what has its moment by the message that it stands before, in time; by None what comes after all."""
    placed: dict[int | None, list[N]] = {}
    for note in notes:
        later = next((message.id for message in messages if message.created_at > note.at), None)
        placed.setdefault(later, []).append(note)
    return placed


@notifications.kind("desk_mention", group="mentions")
def _mentioned(notification: Notification) -> str:
    data = notification.data
    return str(gettext("%(name)s writes to you at the desk: “%(words)s”", name=data["name"], words=data["words"]))


def _key(note: Note) -> str:
    return f"desk_note:{note.id}:"
