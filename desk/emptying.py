"""Words of a conversation go, what is counted stays: when something was said, by whom, and how long it took.

For who is to be forgotten (`desk.erasing`) and for what is old (`desk.retention`). The caller decides what goes; nobody
else removes words that were said.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true, update

from accounts.models import AuditEntry
from core.clock import now
from core.db import Base, db
from core.once import Claim
from desk import deliveries
from desk.channel_models import MessageFile, MessageVersion
from desk.clock_models import Goodwill
from desk.inside import HandOver, Note, SideTalk
from desk.models import Conversation, Message
from desk.person_models import CallNote, CallNoteVersion, Counter, CounterFile, ThreadPost
from desk.promise_models import CallAttempt, CallBack, Promise
from desk.sending_models import Departure, HeldReply
from desk.triage.tables import IncidentCase, MessageJudgement
from desk.webhook_models import WebhookDelivery
from forum.models import Notification
from kb import uses

AT_ONCE: Final = 200
GONE: Final = ""


def batches(ids: Collection[int]) -> Iterator[list[int]]:
    """Yield ids in pieces that a statement can name."""
    rest = iter(ids)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def say_nothing(which: ColumnElement[bool]) -> int:
    """Take the words out of messages, and return how many had some; what is still queued does not leave any more."""
    emptied = 0
    while True:
        ids = db.session.scalars(
            select(Message.id).where(which, _has_words()).order_by(Message.id).limit(AT_ONCE)
        ).all()
        if not ids:
            return emptied
        mine = Message.id.in_(ids)
        unsent = db.session.scalars(select(Message.id).where(mine, Message.state == "queued")).all()
        if unsent:
            db.session.execute(update(Message).where(Message.id.in_(unsent)).values(state="failed"))
        db.session.execute(
            update(Message).where(mine).values(text=GONE, quoted=None, subject=None, url=None, failure=None)
        )
        for beside in (MessageFile, MessageVersion):
            db.session.execute(delete(beside).where(beside.message_id.in_(ids)))
        db.session.execute(
            update(Departure).where(Departure.message_id.in_(ids)).values(typed=GONE, is_scheduled=False)
        )
        db.session.execute(
            update(MessageJudgement).where(MessageJudgement.message_id.in_(ids)).values(reasons=[], private=[])
        )
        uses.forget_what_was_asked("message", ids)
        deliveries.forget_messages(ids)
        emptied += len(ids)


def begin_nothing(conversation_ids: Collection[int]) -> None:
    """Have lists say no longer how the last words began."""
    for some in batches(conversation_ids):
        db.session.execute(
            update(Conversation)
            .where(Conversation.id.in_(some), Conversation.last_words != GONE)
            .values(last_words=GONE)
        )


def forget_inside(conversation_ids: Sequence[int], *, settled_only: bool) -> dict[str, int]:
    """Take the words out of what the team wrote down beside conversations; return how many things of each kind it was.

    With `settled_only` what is still owed to the customer stays whole.
    """
    at = now()
    counted: dict[str, int] = {}
    for some in batches(conversation_ids):
        for model, has_words, values in _beside(at, settled_only=settled_only):
            table: Any = model
            touched = db.session.execute(
                update(model).where(table.conversation_id.in_(some), has_words).values(values).returning(table.id)
            ).all()
            counted[model.__tablename__] = counted.get(model.__tablename__, 0) + len(touched)
        calls = select(CallBack.id).where(CallBack.conversation_id.in_(some))
        db.session.execute(update(CallAttempt).where(CallAttempt.call_back_id.in_(calls)).values(note=GONE))
        notes = select(CallNote.id).where(CallNote.conversation_id.in_(some))
        db.session.execute(delete(CallNoteVersion).where(CallNoteVersion.call_note_id.in_(notes)))
        counters = select(Counter.id).where(Counter.conversation_id.in_(some))
        for key, statement in (
            ("counter_file", delete(CounterFile).where(CounterFile.counter_id.in_(counters)).returning(CounterFile.id)),
            ("held_reply", delete(HeldReply).where(HeldReply.conversation_id.in_(some)).returning(HeldReply.id)),
            ("thread_post", delete(ThreadPost).where(ThreadPost.conversation_id.in_(some)).returning(ThreadPost.id)),
        ):
            counted[key] = counted.get(key, 0) + len(db.session.execute(statement).all())
        db.session.execute(update(IncidentCase).where(IncidentCase.conversation_id.in_(some)).values(trouble=None))
    return counted


def count_inside(conversation_ids: Sequence[int], *, settled_only: bool) -> dict[str, int]:
    """Return what `forget_inside` would return; nothing is changed."""
    at = now()
    counted: dict[str, int] = {}
    for some in batches(conversation_ids):
        for model, has_words, _values in _beside(at, settled_only=settled_only):
            table: Any = model
            many = select(func.count()).select_from(model).where(table.conversation_id.in_(some), has_words)
            counted[model.__tablename__] = counted.get(model.__tablename__, 0) + (db.session.scalar(many) or 0)
        counters = select(Counter.id).where(Counter.conversation_id.in_(some))
        for key, many in (
            ("counter_file", select(func.count(CounterFile.id)).where(CounterFile.counter_id.in_(counters))),
            ("held_reply", select(func.count(HeldReply.id)).where(HeldReply.conversation_id.in_(some))),
            ("thread_post", select(func.count(ThreadPost.id)).where(ThreadPost.conversation_id.in_(some))),
        ):
            counted[key] = counted.get(key, 0) + (db.session.scalar(many) or 0)
    return counted


def forget_news(conversation_ids: Sequence[int]) -> None:
    """Take back what bells told of conversations, what the log says beside deeds, and answers for repeated calls."""
    for some in batches(conversation_ids):
        for conversation_id in some:
            place = f"/desk/conversations/{conversation_id}"
            is_about = or_(
                Notification.url == place, *(Notification.url.startswith(place + mark) for mark in ("#", "?", "/"))
            )
            db.session.execute(delete(Notification).where(is_about))
        db.session.execute(delete(WebhookDelivery).where(WebhookDelivery.conversation_id.in_(some)))
    forget_in_log("conversation", conversation_ids)
    for some in batches(conversation_ids):
        messages = db.session.scalars(select(Message.id).where(Message.conversation_id.in_(some))).all()
        forget_in_log("message", messages)
        for model in (Promise, CallBack, CallNote, Goodwill, SideTalk, HandOver, Counter):
            table: Any = model
            ids = db.session.scalars(select(table.id).where(table.conversation_id.in_(some))).all()
            forget_in_log(model.__tablename__, ids)
    # An answer that is kept for a repeat may quote anybody, and whose it quotes cannot be told.
    db.session.execute(update(Claim).where(Claim.owner.startswith("api:")).values(answer=None))


def forget_in_log(kind: str, ids: Collection[int]) -> None:
    """Leave in the log who did what when, and nothing of what was said."""
    for some in batches(ids):
        db.session.execute(
            update(AuditEntry)
            .where(AuditEntry.subject_kind == kind, AuditEntry.subject_id.in_(some))
            .values(reason=GONE, before=None, after=None)
        )


def _has_words() -> ColumnElement[bool]:
    may_be_there = (Message.quoted, Message.subject, Message.url, Message.failure)
    return or_(Message.text != GONE, *(column.is_not(None) for column in may_be_there))


def _beside(at: Any, *, settled_only: bool) -> Iterator[tuple[type[Base], ColumnElement[bool], dict[str, Any]]]:
    """Yield what stands beside conversations: whether it has words, and what takes their place."""
    kept = Promise.settled_at.is_not(None) if settled_only else true()
    over = CallBack.state != "open" if settled_only else true()
    yield Note, Note.text != GONE, {"text": GONE, "withdrawn_at": func.coalesce(Note.withdrawn_at, at)}
    yield (
        HandOver,
        or_(HandOver.known != GONE, HandOver.promised != GONE, HandOver.next_step != GONE),
        {"known": GONE, "promised": GONE, "next_step": GONE, "taken_at": func.coalesce(HandOver.taken_at, at)},
    )
    yield (
        SideTalk,
        or_(SideTalk.question != GONE, SideTalk.address != GONE),
        {"name": GONE, "address": GONE, "question": GONE, "closed_at": func.coalesce(SideTalk.closed_at, at)},
    )
    yield Goodwill, or_(Goodwill.reason != GONE, Goodwill.answer != GONE), {"reason": GONE, "answer": GONE}
    yield Promise, and_(kept, or_(Promise.what != GONE, Promise.reason != GONE)), {"what": GONE, "reason": GONE}
    yield CallBack, and_(over, or_(CallBack.phone.is_not(None), CallBack.about != GONE)), {"phone": None, "about": GONE}
    yield (
        CallNote,
        CallNote.emptied_at.is_(None),
        {"caller": GONE, "number": GONE, "text": GONE, "seal": GONE, "removed_why": None, "emptied_at": at},
    )
    yield (
        Counter,
        Counter.purged_at.is_(None),
        {"content": None, "purged_at": at, "expires_at": at},
    )
