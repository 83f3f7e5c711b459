"""The next best item: whoever asks gets the one that is most pressing, and no two get the same."""

from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update
from sqlalchemy.orm import lazyload

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, NotAllowed
from core.settings import current_settings
from core.unique import add_once
from desk import conversations, listing, policy
from desk.filters import IS_OPEN
from desk.inbox_models import LONGEST_ITEM, PassedOver
from desk.models import Conversation


def take(*, by: User, after: Conversation | None = None) -> Conversation | None:
    """Give the agent what is most pressing among what is theirs and what is nobody's; None when nobody waits.

    That is what has the highest place (`desk.triage.priority`); of equals, what is due first.

    From a conversation that still waits it goes on `after` that one, and from the last one back to the first. Of
    several who ask at the same moment each gets another: a row that somebody else holds is passed over.
    """
    if not policy.may_work(by):
        raise NotAllowed
    found = None
    if after is not None and after.due_at is not None:
        is_later = tuple_(Conversation.due_at, Conversation.id) > tuple_(after.due_at, after.id)
        is_lower = Conversation.priority < after.priority
        found = _held(by, or_(is_lower, and_(Conversation.priority == after.priority, is_later)))
    if found is None:
        found = _held(by, *([] if after is None else [Conversation.id != after.id]))
    if found is not None:
        conversations.take(found, by=by)
    return found


def pass_over(conversation: Conversation, *, reason: str, by: User) -> None:
    """Give a conversation back into the queue, with a reason; it is not offered to this agent again for some time.

    Raise `Conflict` where a colleague has it, or nobody waits in it.
    """
    if not policy.may_work(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_ITEM, shortest=3)
    conversations.locked(conversation.id)
    if conversation.assignee_id not in {None, by.id} or conversation.due_at is None:
        raise Conflict(gettext("A colleague has it by now, or nobody waits here any more."))
    at = now()
    changes = {"until": at + timedelta(minutes=current_settings().pass_minutes), "reason": reason, "at": at}
    if not add_once(PassedOver, conversation_id=conversation.id, user_id=by.id, **changes):
        db.session.execute(
            update(PassedOver)
            .where(PassedOver.conversation_id == conversation.id, PassedOver.user_id == by.id)
            .values(**changes)
        )
    conversations.assign(conversation, None, by=by)
    audit.record("desk.conversation.pass_over", conversation, by=by, reason=reason)


def is_for(by: User, at: datetime) -> ColumnElement[bool]:
    """Return the clause for what this agent may be given: somebody waits, it is awake, and nobody else has it."""
    is_free = or_(Conversation.assignee_id.is_(None), Conversation.assignee_id == by.id)
    passed = select(PassedOver.id).where(
        PassedOver.conversation_id == Conversation.id, PassedOver.user_id == by.id, PassedOver.until > at
    )
    # What was given to somebody by a colleague is theirs again, whatever they passed over.
    is_offered = or_(Conversation.assignee_id == by.id, ~passed.exists())
    return and_(IS_OPEN, Conversation.due_at.is_not(None), is_free, is_offered, listing.is_awake(at))


def _held(by: User, *more: Any) -> Conversation | None:
    # On PostgreSQL the lock passes over rows that others hold; on SQLite whoever writes is alone.
    return db.session.scalars(
        select(Conversation)
        .where(is_for(by, now()), *more)
        .order_by(Conversation.priority.desc(), Conversation.due_at, Conversation.id)
        .limit(1)
        .with_for_update(of=Conversation, skip_locked=True)
        .options(lazyload(Conversation.assignee))
        .execution_options(populate_existing=True)
    ).first()
