"""The rows that say who answers a question; the deeds on them are in `forum.assigning`."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload, lazyload

from accounts.models import User
from core.clock import now
from core.db import db
from core.unique import add_once
from forum.models import Assignment, Topic


def of(topic: Topic) -> Assignment | None:
    """Return who has a question, when their time is not up; asks nothing where nobody took it."""
    if not topic.is_taken:
        return None
    lean = joinedload(Assignment.user).lazyload(User.roles)
    statement = select(Assignment).where(Assignment.topic_id == topic.id).options(lean, lazyload(Assignment.topic))
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def note(topic: Topic, *, to: User, by: User, until: datetime) -> Assignment:
    """Have the question be this person's, whoever had it before."""
    forget(topic)
    add_once(Assignment, topic_id=topic.id, user_id=to.id, by_id=by.id, at=now(), until=until)
    topic.taken_until = until
    db.session.flush()
    return db.session.scalars(select(Assignment).where(Assignment.topic_id == topic.id)).one()


def forget(topic: Topic, *, of: User | None = None) -> None:
    """Have the question be nobody's, or only no longer this person's."""
    if topic.taken_until is None:
        return
    # The topic first, always: who takes it holds it and comes here, too.
    db.session.execute(select(Topic.id).where(Topic.id == topic.id).with_for_update(key_share=True))
    gone = delete(Assignment).where(Assignment.topic_id == topic.id)
    if of is not None:
        gone = gone.where(Assignment.user_id == of.id)
    if db.session.execute(gone.returning(Assignment.topic_id)).first() is not None:
        topic.taken_until = None
    db.session.flush()
