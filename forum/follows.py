"""Following a topic: who follows is told of answers."""

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from core.unique import add_once
from forum import policy
from forum.models import Follow, Topic


def follow(topic: Topic, *, by: User) -> None:
    """Have `by` told of what happens in the topic; following twice is following."""
    if not policy.may_follow(by):
        raise NotAllowed(gettext("Please sign in to follow a question."))
    add_once(Follow, topic_id=topic.id, user_id=by.id, at=now())


def follow_by_id(topic: Topic, user_id: int) -> None:
    """Have somebody told of a topic that their own words were moved to."""
    add_once(Follow, topic_id=topic.id, user_id=user_id, at=now())


def unfollow(topic: Topic, *, by: User) -> None:
    """Tell `by` nothing more of the topic."""
    if not policy.may_follow(by):
        raise NotAllowed
    db.session.execute(delete(Follow).where(Follow.topic_id == topic.id, Follow.user_id == by.id))


def is_following(topic: Topic, viewer: Viewer) -> bool:
    """Tell whether the viewer follows the topic."""
    if viewer.id is None:
        return False
    return (
        db.session.scalar(select(Follow.at).where(Follow.topic_id == topic.id, Follow.user_id == viewer.id)) is not None
    )


def follower_ids(topic_id: int) -> list[int]:
    """Return who follows the topic."""
    return list(db.session.scalars(select(Follow.user_id).where(Follow.topic_id == topic_id).order_by(Follow.user_id)))
