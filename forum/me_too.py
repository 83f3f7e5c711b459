"""Having the same problem: counted, and told of the solution."""

from flask_babel import gettext
from sqlalchemy import CursorResult, delete

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from core.unique import add_once
from forum import follows, policy
from forum.models import Follow, MeToo, Topic


def say(topic: Topic, *, by: User) -> None:
    """Say that one has the same problem; from then on one is told of the solution. A second time changes nothing."""
    if not policy.may_say_me_too(by, topic):
        raise _refusal(topic, by)
    if add_once(MeToo, topic_id=topic.id, user_id=by.id, at=now()):
        topic.me_too_count = Topic.me_too_count + 1
        db.session.flush()
        if not follows.stance_on_topic(topic, by).level:
            follows.follow(topic, by=by, level="solution")


def take_back(topic: Topic, *, by: User) -> None:
    """Take it back; one follows for the solution no longer, but for everything still where one chose that."""
    if not policy.may_say_me_too(by, topic):
        raise _refusal(topic, by)
    if forget(topic, by=by):
        mine = (Follow.topic_id == topic.id, Follow.user_id == by.id, Follow.level == "solution")
        db.session.execute(delete(Follow).where(*mine))
        db.session.flush()


def forget(topic: Topic, *, by: User) -> bool:
    """Take somebody's word back and tell whether there was one; who calls has asked the policy."""
    gone = db.session.execute(delete(MeToo).where(MeToo.topic_id == topic.id, MeToo.user_id == by.id))
    assert isinstance(gone, CursorResult)  # noqa: S101 -- for the type checker: a DELETE counts its rows
    if gone.rowcount:
        topic.me_too_count = Topic.me_too_count - 1
        db.session.flush()
    return bool(gone.rowcount)


def _refusal(topic: Topic, by: User) -> NotAllowed:
    if by.id == topic.asker_id:
        return NotAllowed(gettext("It is your own question; you are told of everything here."))
    return NotAllowed(gettext("Please sign in to say so."))
