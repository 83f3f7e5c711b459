"""What stands beside a conversation about the person: marks, earlier talks, calls, the thread before it, the counter.

One statement asks what there is at all; only that is loaded. Most conversations take this one and no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from accounts.people import Viewer
from core.clock import now
from core.db import db
from desk import counters, notes_on_people, persons, shared_drafts, timeline, watching
from desk.draft_models import SharedDraft
from desk.models import Conversation, Message
from desk.person_models import CallNote, ContactJoin, ContactMark, Counter, ThreadPost
from desk.watch_models import CaseWatch, CaseWatchHit


@dataclass(frozen=True, slots=True)
class Beside:
    marks: Sequence[ContactMark] = ()
    earlier: Sequence[Conversation] = ()
    calls: Sequence[CallNote] = ()
    thread: Sequence[ThreadPost] = ()
    counters: Sequence[Counter] = field(default=())
    is_joined: bool = False
    """The person writes on several channels."""
    watch: watching.Beside = field(default_factory=watching.Beside)
    is_drafted: bool = False
    """There is a draft of the team, or was a moment ago."""


def of(conversation: Conversation, *, viewer: Viewer) -> Beside:
    contact_id = conversation.contact_id
    is_joined = _any(ContactJoin.id, or_(ContactJoin.one_id == contact_id, ContactJoin.other_id == contact_id))
    ids = persons.ids_of(contact_id)
    found = db.session.execute(
        select(
            is_joined,
            _any(ContactMark.id, ContactMark.contact_id.in_(ids), ContactMark.expires_at > now()),
            _any(Conversation.id, Conversation.contact_id.in_(ids), Conversation.id != conversation.id),
            _any(CallNote.id, CallNote.conversation_id == conversation.id),
            _any(ThreadPost.id, ThreadPost.conversation_id == conversation.id),
            _any(Counter.id, Counter.conversation_id == conversation.id),
            _any(CaseWatch.id, watching.is_there(conversation.id)),
            _any(
                CaseWatchHit.id,
                CaseWatchHit.message_id == Message.id,
                Message.conversation_id == conversation.id,
            ),
            _any(SharedDraft.id, shared_drafts.is_there(conversation.id)),
        )
    ).one()
    joined, marked, before, called, threaded, countered, watched, caught, drafted = map(bool, found)
    contact_ids = [contact_id]
    if joined and (marked or before):
        contact_ids = list(db.session.scalars(ids))
    return Beside(
        marks=notes_on_people.marks_on(contact_ids) if marked else (),
        earlier=timeline.earlier(contact_ids, but=conversation.id, viewer=viewer) if before else (),
        calls=notes_on_people.calls_of(conversation) if called else (),
        thread=_thread(conversation) if threaded else (),
        counters=counters.of(conversation) if countered else (),
        is_joined=joined,
        watch=watching.beside(conversation, viewer=viewer) if watched or caught else watching.Beside(),
        is_drafted=drafted,
    )


def _thread(conversation: Conversation) -> Sequence[ThreadPost]:
    return db.session.scalars(
        select(ThreadPost)
        .where(ThreadPost.conversation_id == conversation.id)
        .order_by(ThreadPost.created_at, ThreadPost.id)
    ).all()


def _any(key: InstrumentedAttribute[int], *where: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).select_from(select(key).where(*where).limit(1).subquery()).scalar_subquery()
