"""What stands beside a conversation: marks, earlier talks, notes, cards, promises, questions, judgements and the like.

One statement asks what there is at all; only that is loaded. Most conversations have little of it and cost no more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar, get_args

from sqlalchemy import ColumnElement, Select, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from accounts.people import Viewer
from core.clock import now
from core.db import db
from desk import counters, notes_on_people, persons, shared_drafts, timeline, watching
from desk.block_models import ConversationArticle
from desk.channel_models import MessageFile
from desk.draft_models import SharedDraft
from desk.inside import HandOver, Note, SideTalk
from desk.models import Conversation, Message, MessageQuestion
from desk.person_models import CallNote, ContactJoin, ContactMark, Counter, ThreadPost
from desk.promise_models import CallBack, Promise
from desk.sending_models import HeldReply
from desk.triage.tables import MessageJudgement
from desk.watch_models import CaseWatch, CaseWatchHit
from kb.models import ArticleUse

Kind = Literal[
    "joined",
    "marks",
    "earlier",
    "calls",
    "thread",
    "counters",
    "uses",
    "articles",
    "notes",
    "questions",
    "held",
    "card",
    "talks",
    "promises",
    "call_backs",
    "judgement",
    "watch",
    "draft",
    "files",
]
T = TypeVar("T")
Nothing = TypeVar("Nothing")


@dataclass(frozen=True, slots=True)
class Beside:
    marks: Sequence[ContactMark] = ()
    earlier: Sequence[Conversation] = ()
    thread: Sequence[ThreadPost] = ()
    counters: Sequence[Counter] = field(default=())
    is_joined: bool = False
    """The person writes on several channels."""
    watch: watching.Beside = field(default_factory=watching.Beside)


@dataclass(frozen=True, slots=True)
class There:
    """Which kinds of things stand beside a conversation, at the moment when that was asked."""

    kinds: frozenset[Kind]

    def load(self, kind: Kind, load: Callable[[], T], nothing: Nothing) -> T | Nothing:
        """Return what `load` finds; `nothing` where nothing of the kind is there, without asking for it."""
        return load() if kind in self.kinds else nothing


def there(conversation: Conversation) -> There:
    """Return what stands beside a conversation, in one statement."""
    found = db.session.execute(
        _THERE,
        {
            "conversation": conversation.id,
            "contact": conversation.contact_id,
            "at": now(),
            "since": now() - shared_drafts.STAYS,
        },
    ).one()
    return There(frozenset(kind for kind, is_there in zip(_KINDS, found, strict=True) if is_there))


def of(conversation: Conversation, known: There, *, viewer: Viewer) -> Beside:
    """Return what stands there about the person; `known` is what there is at all."""
    contact_ids = [conversation.contact_id]
    is_joined = "joined" in known.kinds
    if is_joined and known.kinds & {"marks", "earlier"}:
        contact_ids = list(db.session.scalars(persons.ids_of(conversation.contact_id)))
    return Beside(
        marks=known.load("marks", lambda: notes_on_people.marks_on(contact_ids), ()),
        earlier=known.load("earlier", lambda: timeline.earlier(contact_ids, but=conversation.id, viewer=viewer), ()),
        thread=known.load("thread", lambda: _thread(conversation), ()),
        counters=known.load("counters", lambda: counters.of(conversation), ()),
        is_joined=is_joined,
        watch=known.load("watch", lambda: watching.beside(conversation, viewer=viewer), watching.Beside()),
    )


def _thread(conversation: Conversation) -> Sequence[ThreadPost]:
    return db.session.scalars(
        select(ThreadPost)
        .where(ThreadPost.conversation_id == conversation.id)
        .order_by(ThreadPost.created_at, ThreadPost.id)
    ).all()


def _what_is_there() -> Select[*tuple[Any, ...]]:
    """Put the statement together, once and for all conversations."""
    here, contact_id = (
        bindparam("conversation", type_=Conversation.id.type),
        bindparam("contact", type_=Conversation.id.type),
    )
    ids = persons.ids_of(contact_id)
    replies = select(Message.id).where(Message.conversation_id == here, Message.direction == "out")
    at = bindparam("at", type_=ContactMark.expires_at.type)
    since = bindparam("since", type_=SharedDraft.dropped_at.type)
    clauses: dict[Kind, ColumnElement[bool]] = {
        "joined": _any(ContactJoin.id, or_(ContactJoin.one_id == contact_id, ContactJoin.other_id == contact_id)),
        "marks": _any(ContactMark.id, ContactMark.contact_id.in_(ids), ContactMark.expires_at > at),
        "earlier": _any(Conversation.id, Conversation.contact_id.in_(ids), Conversation.id != here),
        "calls": _any(CallNote.id, CallNote.conversation_id == here),
        "thread": _any(ThreadPost.id, ThreadPost.conversation_id == here),
        "counters": _any(Counter.id, Counter.conversation_id == here),
        "uses": _any(ArticleUse.id, ArticleUse.where_kind == "message", ArticleUse.where_id.in_(replies)),
        "articles": _any(ConversationArticle.id, ConversationArticle.conversation_id == here),
        "notes": _any(Note.id, Note.conversation_id == here),
        "questions": _any(MessageQuestion.id, MessageQuestion.conversation_id == here),
        "held": _any(HeldReply.id, HeldReply.conversation_id == here),
        "card": _any(HandOver.id, HandOver.conversation_id == here, HandOver.taken_at.is_(None)),
        "talks": _any(SideTalk.id, SideTalk.conversation_id == here),
        "promises": _any(Promise.id, Promise.conversation_id == here, Promise.settled_at.is_(None)),
        "call_backs": _any(CallBack.id, CallBack.conversation_id == here),
        "judgement": _any(MessageJudgement.id, MessageJudgement.conversation_id == here),
        "watch": or_(
            _any(CaseWatch.id, watching.is_there(here)),
            _any(CaseWatchHit.id, CaseWatchHit.message_id == Message.id, Message.conversation_id == here),
        ),
        "files": _any(
            MessageFile.id, MessageFile.message_id.in_(select(Message.id).where(Message.conversation_id == here))
        ),
        "draft": _any(SharedDraft.id, shared_drafts.is_there(here, since=since)),
    }
    return select(*(clauses[kind].label(kind) for kind in _KINDS))


def _any(key: InstrumentedAttribute[int], *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(key).where(*where).exists()


_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_THERE: Final = _what_is_there()
