"""How long the words of closed conversations are kept: the worker takes out what is older, some at a time.

Public words and private ones each have a time of their own; what the team wrote down inside goes with the private ones.
What is counted stays, and so does what is still owed to a customer: an open promise, a call that somebody waits for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, delete, exists, false, func, or_, select

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.unique import add_or_change
from core.worker import chore
from desk import conversations, emptying, policy
from desk.inside import HandOver, Note, SideTalk
from desk.models import Conversation, Message
from desk.person_models import CallNote
from desk.retention_models import RetentionRule, RetentionRun

LONGEST_DAYS: Final = 36_500
AT_ONCE: Final = 100
"""So many conversations are done in one transaction."""
MOST_IN_A_TURN: Final = 2000
RUNS_KEPT: Final = timedelta(days=365)
RUNS_SHOWN: Final = 20
_ONLY: Final = 1


@dataclass(frozen=True, slots=True)
class Old:
    """How much is older than it may be."""

    conversations: int
    messages: int


def rule() -> RetentionRule | None:
    """Return what an admin chose; None where everything is kept."""
    return db.session.get(RetentionRule, _ONLY)


def choose(*, public_days: int | None, private_days: int | None, by: User) -> None:
    """Say for how many days words are kept; None for as long as the installation stands."""
    if not policy.may_erase(by):
        raise NotAllowed
    check(public_days=public_days, private_days=private_days)
    known = rule()
    before = None if known is None else {"public_days": known.public_days, "private_days": known.private_days}
    after = {"public_days": public_days, "private_days": private_days}
    if before == after:
        return
    changes = {**after, "by_id": by.id, "at": now()}
    add_or_change(RetentionRule, by="id", changes=changes, id=_ONLY, **changes)
    subject = db.session.get_one(RetentionRule, _ONLY, populate_existing=True)
    audit.record("desk.retention.choose", subject, by=by, before=before, after=after)


def check(*, public_days: int | None, private_days: int | None) -> None:
    """Raise `Invalid` where a number of days is none that can be chosen."""
    wrong = {
        name: gettext("From 1 to %(most)s days, please, or nothing for ever.", most=LONGEST_DAYS)
        for name, days in (("public_days", public_days), ("private_days", private_days))
        if days is not None and not 0 < days <= LONGEST_DAYS
    }
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)


def old(*, public_days: int | None, private_days: int | None) -> Old:
    """Return how much would go if this were the rule; nothing is changed."""
    at = now()
    is_old = and_(_is_closed(), _is_told(at, public_days, private_days))
    rows = select(func.count(func.distinct(Message.conversation_id)), func.count(Message.id))
    many, words = db.session.execute(
        rows.select_from(Message).join(Conversation, Conversation.id == Message.conversation_id).where(is_old)
    ).one()
    return Old(many, words)


def runs() -> Sequence[RetentionRun]:
    """Return what went lately, the newest first."""
    return db.session.scalars(select(RetentionRun).order_by(RetentionRun.id.desc()).limit(RUNS_SHOWN)).all()


@chore("desk.retention", every=3600)
def purge() -> int:
    """Take the words out of what is older than it may be; return how many messages that were."""
    known = rule()
    if known is None or (known.public_days is None and known.private_days is None):
        return 0
    public_days, private_days = known.public_days, known.private_days
    done = RetentionRun(conversations=0, messages=0, beside=0)
    while done.conversations < MOST_IN_A_TURN:
        at = now()
        ids = _next(at, public_days, private_days)
        if not ids:
            break
        done.messages += emptying.say_nothing(Message.id.in_(_messages(ids, at, public_days, private_days)))
        private = _older(ids, at, private_days)
        if private:
            done.beside += sum(emptying.forget_inside(private, settled_only=True).values())
        emptying.begin_nothing(ids)
        emptying.forget_news(ids)
        done.conversations += len(ids)
        db.session.commit()
    if done.conversations:
        db.session.add(done)
    db.session.execute(delete(RetentionRun).where(RetentionRun.at < now() - RUNS_KEPT))
    db.session.commit()
    return done.messages


def _next(at: datetime, public_days: int | None, private_days: int | None) -> Sequence[int]:
    """Return the next conversations that have something to lose, the oldest first."""
    has_words = exists().where(Message.conversation_id == Conversation.id, _is_told(at, public_days, private_days))
    found = select(Conversation.id).where(_is_closed(), _is_before(at, _shortest(public_days, private_days)))
    has_inside = and_(_is_before(at, private_days), _has_inside())
    return db.session.scalars(
        found.where(or_(has_words, has_inside)).order_by(Conversation.last_message_at, Conversation.id).limit(AT_ONCE)
    ).all()


def _messages(ids: Sequence[int], at: datetime, public_days: int | None, private_days: int | None) -> Sequence[int]:
    return db.session.scalars(
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.conversation_id.in_(ids), _is_told(at, public_days, private_days))
    ).all()


def _older(ids: Sequence[int], at: datetime, days: int | None) -> Sequence[int]:
    return db.session.scalars(select(Conversation.id).where(Conversation.id.in_(ids), _is_before(at, days))).all()


def _is_closed() -> ColumnElement[bool]:
    return Conversation.state.in_(conversations.DONE)


def _is_told(at: datetime, public_days: int | None, private_days: int | None) -> ColumnElement[bool]:
    """Return whether a message still has words, and is old."""
    return and_(
        Message.text != emptying.GONE,
        Message.state != "queued",
        or_(
            and_(Message.is_public, _is_before(at, public_days)),
            and_(~Message.is_public, _is_before(at, private_days)),
        ),
    )


def _is_before(at: datetime, days: int | None) -> ColumnElement[bool]:
    return false() if days is None else Conversation.last_message_at < at - timedelta(days=days)


def _shortest(*days: int | None) -> int | None:
    return min((some for some in days if some is not None), default=None)


def _has_inside() -> ColumnElement[bool]:
    """Return whether the team wrote down something that is still there."""
    return or_(
        exists().where(Note.conversation_id == Conversation.id, Note.text != emptying.GONE),
        exists().where(HandOver.conversation_id == Conversation.id, HandOver.known != emptying.GONE),
        exists().where(CallNote.conversation_id == Conversation.id, CallNote.emptied_at.is_(None)),
        exists().where(SideTalk.conversation_id == Conversation.id, SideTalk.question != emptying.GONE),
    )
