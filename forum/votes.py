"""Calling a question or an answer helpful."""

from collections.abc import Collection

from flask_babel import gettext
from sqlalchemy import CursorResult, delete, select

from accounts.models import User
from accounts.people import Viewer
from core import outbox
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from core.unique import add_once
from forum import policy
from forum.events import VoteChanged
from forum.models import Post, Vote


def vote(post: Post, *, by: User) -> None:
    """Call a post helpful; a second time changes nothing."""
    if not policy.may_vote(by, post):
        raise _refusal(post, by)
    if add_once(Vote, post_id=post.id, user_id=by.id, at=now()):
        post.helpful_count = Post.helpful_count + 1
        outbox.publish(VoteChanged(post.id, by.id))


def withdraw(post: Post, *, by: User) -> None:
    """Take it back; who never voted changes nothing."""
    if not policy.may_vote(by, post):
        raise _refusal(post, by)
    gone = db.session.execute(delete(Vote).where(Vote.post_id == post.id, Vote.user_id == by.id))
    assert isinstance(gone, CursorResult)  # noqa: S101 -- for the type checker: a DELETE counts its rows
    if gone.rowcount:
        post.helpful_count = Post.helpful_count - 1
        outbox.publish(VoteChanged(post.id, by.id))


def voted_by(viewer: Viewer, posts: Collection[Post]) -> set[int]:
    """Return the ids of those posts that the viewer called helpful."""
    if viewer.id is None or not posts:
        return set()
    mine = select(Vote.post_id).where(Vote.user_id == viewer.id, Vote.post_id.in_([post.id for post in posts]))
    return set(db.session.scalars(mine))


def _refusal(post: Post, by: User) -> NotAllowed:
    if by.id == post.author_id:
        return NotAllowed(gettext("Only others can mark your post as helpful."))
    return NotAllowed(gettext("This cannot be voted on."))
