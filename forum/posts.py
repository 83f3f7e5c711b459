"""Editing what was written; nothing that was ever public is lost."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import markup, outbox, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, NotAllowed
from core.problems import Problems
from forum import fields, images, limits, policy
from forum.events import PostEdited
from forum.models import Post, PostRevision


def edit(
    post: Post,
    *,
    source: str,
    by: User,
    version: int,
    title: str | None = None,
    details: Mapping[str, str] | None = None,
) -> Post:
    """Replace a post's text, and with `title` and `details` a question's; the old ones stay as a `PostRevision`.

    Raises `Conflict` when somebody edited since `version`. The same text again changes nothing.
    """
    if not policy.may_edit(by, post):
        raise NotAllowed(gettext("Only its author and the team can edit this."))
    problems = Problems()
    source = problems.take("source", lambda: limits.source(post.kind, source), "")
    old_title = post.topic.title if post.kind == "question" else None
    new_title = old_title
    if title is not None and old_title is not None:
        new_title = problems.take("title", lambda: limits.title(title), old_title)
    said = post.details
    if details is not None and post.kind == "question":
        said = problems.take_all(lambda: _said(post, details), list[dict[str, Any]]()) or None
    problems.refuse()
    _lock(post)
    if post.version != version:
        raise Conflict(gettext("Somebody edited this meanwhile. Your text is still here; please look at both."))
    if (source, new_title, said) == (post.source, old_title, post.details):
        return post
    db.session.add(
        PostRevision(
            post_id=post.id,
            number=post.version,
            title=old_title,
            source=post.source,
            details=post.details,
            by_id=by.id,
            at=now(),
        )
    )
    if by.is_team and by.id != post.author_id:
        audit.record(
            "forum.post.edit",
            post,
            by=by,
            before={"title": old_title, "source": post.source},
            after={"title": new_title, "source": source},
        )
    post.source, post.html, post.renderer_version = source, markup.render(source), markup.RENDERER_VERSION
    post.details = said
    post.version += 1
    post.edited_at = now()
    if new_title is not None and new_title != old_title:
        post.topic.title, post.topic.slug = new_title, texts.slug(new_title, fallback="topic")
    db.session.flush()
    images.link(post, by=by)
    outbox.publish(PostEdited(post.topic_id, post.id))
    return post


def revisions(post: Post) -> list[PostRevision]:
    """Return what the post said before, oldest first."""
    return list(
        db.session.scalars(select(PostRevision).where(PostRevision.post_id == post.id).order_by(PostRevision.number))
    )


def _said(post: Post, details: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what the question says in the fields of its category now, and what it says in those that are gone."""
    asked = {field.key for field in fields.of(post.topic.category)}
    return fields.checked(post.topic.category, details) + [
        detail for detail in post.details or () if detail["key"] not in asked
    ]


def _lock(post: Post) -> None:
    db.session.execute(select(Post.id).where(Post.id == post.id).with_for_update(key_share=True))
    db.session.refresh(post, ["version", "source"])
