"""The rows that say that an asker was asked for more; the deeds on them are in `forum.asking_back`."""

from sqlalchemy import delete, select

from accounts.models import User
from core.clock import now
from core.db import db
from core.unique import add_once
from forum import notifications
from forum.models import InfoRequest, Post, Topic


def note(topic: Topic, post: Post, *, by: User) -> None:
    """Have the topic wait for its asker; who is asked once more has their time anew."""
    _lock(topic)
    forget(topic)
    add_once(InfoRequest, topic_id=topic.id, post_id=post.id, by_id=by.id, at=now())
    topic.info_post_id = post.id
    db.session.flush()


def forget(topic: Topic) -> None:
    """Have the topic wait no more; what reminds its asker is taken back."""
    if topic.info_post_id is None:
        return
    _lock(topic)
    if topic.asker_id is not None:
        notifications.retract(topic.asker_id, reminder_key(topic.info_post_id))
    db.session.execute(delete(InfoRequest).where(InfoRequest.topic_id == topic.id))
    topic.info_post_id = None
    db.session.flush()


def of(topic: Topic) -> InfoRequest | None:
    """Return who asked, when and with which words."""
    return db.session.scalars(select(InfoRequest).where(InfoRequest.topic_id == topic.id)).first()


def is_one(post: Post) -> bool:
    """Tell whether this comment asks the asker of its topic for more."""
    return db.session.scalar(select(InfoRequest.topic_id).where(InfoRequest.post_id == post.id)) is not None


def reminder_key(post_id: int) -> str:
    """Return the key under which an asker is reminded of a question back."""
    return f"info_reminder:{post_id}"


def _lock(topic: Topic) -> None:
    # The topic first, always: who accepts an answer holds it and comes here, too.
    db.session.execute(select(Topic.id).where(Topic.id == topic.id).with_for_update(key_share=True))
