"""Everything of one person becomes another's: what a staged account wrote, follows and got, when it is claimed."""

from sqlalchemy import delete, select, update

from accounts.models import User
from core.db import db
from forum import experiences, pointers
from forum.models import Acceptance, Experience, MeToo, Post, Topic, Vote
from search import tracking


def move(user: User, to: User) -> None:
    """Let everything that names one person name the other; nobody is left with a vote for their own words."""
    written = select(Post.topic_id).where(Post.author_id == user.id)
    asked = select(Topic.id).where(Topic.asker_id == user.id)
    topic_ids = set(db.session.scalars(written)) | set(db.session.scalars(asked))
    pointers.move(User, user.id, to.id, but={"user_role"})
    _take_back_own_praise(to)
    tracking.note("topic", sorted(topic_ids))
    db.session.expire_all()


def _take_back_own_praise(user: User) -> None:
    mine = select(Post.id).where(Post.author_id == user.id)
    votes = delete(Vote).where(Vote.user_id == user.id, Vote.post_id.in_(mine)).returning(Vote.post_id)
    for post_id in db.session.scalars(votes.execution_options(synchronize_session=False)).all():
        db.session.execute(update(Post).where(Post.id == post_id).values(helpful_count=Post.helpful_count - 1))
    asked = select(Topic.id).where(Topic.asker_id == user.id)
    shared = delete(MeToo).where(MeToo.user_id == user.id, MeToo.topic_id.in_(asked)).returning(MeToo.topic_id)
    for topic_id in db.session.scalars(shared.execution_options(synchronize_session=False)).all():
        db.session.execute(update(Topic).where(Topic.id == topic_id).values(me_too_count=Topic.me_too_count - 1))
    told = delete(Experience).where(Experience.user_id == user.id, Experience.post_id.in_(mine))
    post_ids = db.session.scalars(told.returning(Experience.post_id).execution_options(synchronize_session=False)).all()
    db.session.expire_all()
    for acceptance in db.session.scalars(select(Acceptance).where(Acceptance.post_id.in_(post_ids))).unique():
        experiences.count(acceptance)
