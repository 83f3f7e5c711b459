"""What the house says: an answer of the team that speaks for all of it."""

from flask_babel import gettext

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from forum import policy
from forum.models import Post


def declare(post: Post, *, by: User) -> None:
    """Mark an answer of the team as what the house says; a second time changes nothing."""
    _refuse(post, by)
    if post.official_at is None:
        post.official_at = now()
        audit.record("forum.post.make_official", post, by=by)


def withdraw(post: Post, *, by: User) -> None:
    """Make it an answer like others again."""
    _refuse(post, by)
    if post.official_at is not None:
        before = {"official_at": post.official_at.isoformat()}
        post.official_at = None
        audit.record("forum.post.unmake_official", post, by=by, before=before)
    db.session.flush()


def _refuse(post: Post, by: User) -> None:
    if not policy.may_make_official(by, post):
        raise NotAllowed(gettext("Only the team says which of its answers speak for the house."))
