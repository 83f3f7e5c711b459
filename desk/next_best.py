"""The next best item: whoever asks gets the one that is most pressing, and no two get the same."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.orm import lazyload

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from desk import conversations, listing, policy
from desk.filters import IS_OPEN
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


def is_for(by: User, at: datetime) -> ColumnElement[bool]:
    """Return the clause for what this agent may be given: somebody waits, it is awake, and nobody else has it."""
    is_free = or_(Conversation.assignee_id.is_(None), Conversation.assignee_id == by.id)
    return and_(IS_OPEN, Conversation.due_at.is_not(None), is_free, listing.is_awake(at))


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
