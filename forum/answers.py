"""Answering, commenting, and saying which answer solved it."""

from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import markup, outbox, problems
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import fields, follows, images, limits, policy
from forum.events import AcceptanceUndone, AnswerAccepted, AnswerPosted, CommentPosted
from forum.models import Acceptance, Post, PostKind, Topic


def post(topic: Topic, *, source: str, by: User, version: str = "", created_at: datetime | None = None) -> Post:
    """Answer a question; who answers follows it from then on.

    `version` says what it holds for, where the question was asked for one.
    """
    if not policy.may_answer(by, topic):
        raise _refusal(by, topic)
    with problems.at("version"):
        details = fields.for_version(_question_of(topic), version) if version.strip() else []
    written = _write(topic, "answer", source, by, parent=None, created_at=created_at)
    written.details = details or None
    topic.answer_count = Topic.answer_count + 1
    db.session.flush()
    follows.follow(topic, by=by)
    outbox.publish(AnswerPosted(topic.id, written.id))
    return written


def comment(post: Post, *, source: str, by: User, created_at: datetime | None = None) -> Post:
    """Comment on a question or an answer."""
    if not policy.may_comment(by, post):
        raise _refusal(by, post.topic)
    written = _write(post.topic, "comment", source, by, parent=post, created_at=created_at)
    outbox.publish(CommentPosted(post.topic_id, written.id))
    return written


def accept(post: Post, *, by: User) -> Acceptance:
    """Say that an answer solved the question; an earlier choice moves here. Choosing the same again changes nothing."""
    topic = _locked(post.topic_id)
    if not policy.may_accept_answer(by, topic):
        raise _refusal_to_accept(topic)
    if post.kind != "answer":
        raise Invalid(gettext("Only an answer can be the solution."))
    if post.is_muted:
        raise Invalid(gettext("This answer is muted. Unmute it first, then it can be the solution."))
    acceptance = topic.acceptance
    if acceptance is not None and acceptance.post_id == post.id:
        return acceptance
    before = None if acceptance is None else acceptance.post_id
    if acceptance is None:
        acceptance = Acceptance(topic=topic, post_id=post.id, by_id=by.id, at=now())
        db.session.add(acceptance)
    else:
        acceptance.post_id, acceptance.by_id, acceptance.at = post.id, by.id, now()
    db.session.flush()
    db.session.expire(acceptance, ["post", "by"])
    _record("forum.topic.accept", topic, by=by, before=before, after=post.id)
    if before is not None:
        outbox.publish(AcceptanceUndone(topic.id, before, by.id))
    outbox.publish(AnswerAccepted(topic.id, post.id, by.id))
    return acceptance


def undo_acceptance(topic: Topic, *, by: User) -> None:
    """Say that the question is not solved after all; where nothing was accepted, nothing happens."""
    topic = _locked(topic.id)
    if not policy.may_accept_answer(by, topic):
        raise _refusal_to_accept(topic)
    if topic.acceptance is not None:
        before = drop_acceptance(topic.acceptance, by=by)
        _record("forum.topic.undo_acceptance", topic, by=by, before=before, after=None)


def drop_acceptance(acceptance: Acceptance, *, by: User) -> int:
    """Delete an acceptance and tell of it; return the id of the answer. Whoever calls has asked the policy."""
    topic, post_id = acceptance.topic, acceptance.post_id
    db.session.delete(acceptance)
    db.session.flush()
    db.session.expire(topic, ["acceptance"])
    outbox.publish(AcceptanceUndone(topic.id, post_id, by.id))
    return post_id


def _write(
    topic: Topic, kind: PostKind, source: str, by: User, *, parent: Post | None, created_at: datetime | None
) -> Post:
    source = limits.post_source(kind, source)
    if created_at is None:
        limits.rest(by, kind, source, *([Post.parent_id == parent.id] if parent is not None else []))
    at = created_at or now()
    written = Post(
        topic_id=topic.id,
        kind=kind,
        parent_id=None if parent is None else parent.id,
        author_id=by.id,
        source=source,
        html=markup.render(source),
        renderer_version=markup.RENDERER_VERSION,
        created_at=at,
    )
    db.session.add(written)
    topic.last_activity_at = max(topic.last_activity_at, at)
    db.session.flush()
    images.link(written, by=by)
    return written


def _question_of(topic: Topic) -> Post:
    return db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()


def _locked(topic_id: int) -> Topic:
    # First the lock, then the reading: a statement that does both would show the acceptance as it was before the wait.
    db.session.flush()
    db.session.execute(select(Topic.id).where(Topic.id == topic_id).with_for_update(key_share=True))
    fresh = select(Topic).where(Topic.id == topic_id).execution_options(populate_existing=True)
    return db.session.scalars(fresh).unique().one()


def _refusal(by: User, topic: Topic) -> NotAllowed:
    if not by.is_authenticated:
        return NotAllowed(gettext("Please sign in to write."))
    if topic.is_muted:
        return NotAllowed(gettext("This question is muted; while it is, only the team writes here."))
    return NotAllowed(gettext("Nothing can be added here."))


def _refusal_to_accept(topic: Topic) -> NotAllowed:
    if topic.acceptance is not None and topic.acceptance.by is not None and topic.acceptance.by.is_team:
        return NotAllowed(gettext("The team chose this solution. Only the team can change it."))
    return NotAllowed(gettext("Who asked decides what solved it, and for them the team and trusted members."))


def _record(deed: str, topic: Topic, *, by: User, before: int | None, after: int | None) -> None:
    if by.is_team and by.id != topic.asker_id:
        audit.record(deed, topic, by=by, before={"post_id": before}, after={"post_id": after})
