"""Editing what was written; nothing that was ever public is lost."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask_babel import gettext, ngettext
from sqlalchemy import and_, exists, or_, select

from accounts import audit
from accounts.models import User
from core import markup, outbox, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, NotAllowed
from core.problems import Problems
from core.settings import current_settings
from forum import closing, fields, holding, images, limits, moderation, policy
from forum.events import PostEdited
from forum.models import Acceptance, Post, PostRevision, SuggestedEdit, Vote


def edit(
    post: Post,
    *,
    source: str,
    by: User,
    version: int,
    title: str | None = None,
    details: Mapping[str, str] | None = None,
    reason: str = "",
    suggestion: SuggestedEdit | None = None,
) -> Post:
    """Replace a post's text, and with `title` and `details` a question's; the old ones stay as a `PostRevision`.

    What its author mends in the first minutes, before anybody reacted to it, leaves no revision. Raises `Conflict` when
    somebody edited since `version`. The same text again changes nothing. Whose `suggestion` it was the history names.
    """
    if not (policy.may_edit(by, post) or (suggestion is not None and policy.may_decide_suggestion(by, suggestion))):
        raise refusal(by, post)
    problems = Problems()
    reason = problems.take("reason", lambda: limits.public_line(reason, longest=limits.LONGEST_EDIT_REASON, by=by), "")
    source = problems.take("source", lambda: limits.source(post.kind, source), "")
    old_title = post.topic.title if post.kind == "question" else None
    new_title = old_title
    if title is not None and old_title is not None:
        new_title = problems.take("title", lambda: limits.title(title), old_title)
    said = post.details
    if details is not None and post.kind == "question":
        said = problems.take_all(lambda: _said(post, details), list[dict[str, Any]]()) or None
    problems.refuse()
    _hear(post, source, by)
    _lock(post)
    if post.version != version:
        raise Conflict(gettext("Somebody edited this meanwhile. Your text is still here; please look at both."))
    if (source, new_title, said) == (post.source, old_title, post.details):
        return post
    fresh = [detail for detail in said or () if detail not in (post.details or ())]
    looked = holding.look_at(title=new_title or "", source=source, details=fresh, by=by, is_edit=True)
    said = [next((new for new in looked.details if new["key"] == one["key"]), one) for one in said or ()] or None
    source = limits.post_source(post.kind, looked.source)
    new_title = None if new_title is None else limits.post_title(looked.title)
    if suggestion is not None or not _is_in_grace(post, by):
        db.session.add(
            PostRevision(
                post_id=post.id,
                number=post.version,
                title=old_title,
                source=post.source,
                details=post.details,
                reason=reason,
                by_id=by.id,
                suggested_by_id=None if suggestion is None else suggestion.by_id,
                at=now(),
            )
        )
        post.edited_at = now()
    if by.is_team and by.id != post.author_id:
        audit.record(
            "forum.post.edit",
            post,
            by=by,
            reason=reason,
            before={"title": old_title, "source": post.source},
            after={"title": new_title, "source": source},
        )
    post.source, post.html, post.renderer_version = source, markup.render(source), markup.RENDERER_VERSION
    post.details = said
    post.version += 1
    post.official_at = post.official_at if by.is_team else None  # only the team speaks for the house
    if new_title is not None and new_title != old_title:
        post.topic.title, post.topic.slug = new_title, texts.slug(new_title, fallback="topic")
    db.session.flush()
    images.link(post, by=by)
    outbox.publish(PostEdited(post.topic_id, post.id))
    if looked.cause is not None:
        moderation.hide(post, cause=looked.cause)
    moderation.note_edit(post, by=by)
    return post


def revisions(post: Post) -> list[PostRevision]:
    """Return what the post said before, oldest first."""
    return list(
        db.session.scalars(select(PostRevision).where(PostRevision.post_id == post.id).order_by(PostRevision.number))
    )


def refusal(by: User, post: Post) -> NotAllowed:
    """Return why this person may not edit the post."""
    closed_at = policy.edit_window_end(by, post)
    if by.id == post.author_id and closed_at is not None and closed_at <= now():
        hours = current_settings().edit_window_hours
        return NotAllowed(
            ngettext(
                "What you wrote can be edited for %(num)s hour. A comment below it can still say what has changed.",
                "What you wrote can be edited for %(num)s hours. A comment below it can still say what has changed.",
                hours,
            )
        )
    return NotAllowed(gettext("Only its author and the team can edit this."))


def _is_in_grace(post: Post, by: User) -> bool:
    grace = timedelta(minutes=current_settings().edit_grace_minutes)
    is_fresh = now() < post.created_at + grace and post.edited_at is None
    if by.id != post.author_id or not is_fresh or post.is_muted or post.topic.is_muted:
        return False
    below = Post.parent_id == post.id
    if post.kind == "question":
        below = or_(below, and_(Post.topic_id == post.topic_id, Post.kind == "answer"))
    has_reaction = or_(
        exists().where(below, Post.author_id.is_distinct_from(by.id)),
        exists().where(Vote.post_id == post.id),
        exists().where(Acceptance.post_id == post.id),
    )
    return not db.session.scalar(select(has_reaction))


def _said(post: Post, details: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what the question says in the fields of its category now, and what it says in those that are gone."""
    asked = {field.key for field in fields.of(post.topic.category)}
    return fields.checked(post.topic.category, details) + [
        detail for detail in post.details or () if detail["key"] not in asked
    ]


def _hear(post: Post, source: str, by: User) -> None:
    """Take a question that says something else now as the reply of its asker; before the lock, for it takes a turn."""
    if post.kind == "question" and source != post.source:
        closing.hear_asker(post.topic, by=by)


def _lock(post: Post) -> None:
    db.session.execute(select(Post.id).where(Post.id == post.id).with_for_update(key_share=True))
    db.session.refresh(post, ["version", "source"])
