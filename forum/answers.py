"""Answering, commenting, and saying which answer solved it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import markup, outbox, problems
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import (
    assignments,
    closing,
    experiences,
    fields,
    follows,
    holding,
    images,
    info_requests,
    limits,
    policy,
    queries,
)
from forum.events import AcceptanceUndone, AnswerAccepted, AnswerPosted, CommentPosted
from forum.models import Acceptance, Post, PostKind, Topic


def post(
    topic: Topic,
    *,
    source: str,
    by: User,
    version: str = "",
    created_at: datetime | None = None,
    typed_in: float | None = None,
    with_question: bool = False,
) -> Post:
    """Answer a question; who answers follows it from then on. What must wait is told to nobody yet.

    `version` says what it holds for, where the question was asked for one. `with_question` says that it came in one
    form with the question: no pause lies between them, and where the question waits for the team, so does the answer.
    """
    if not policy.may_answer(by, topic) and not (with_question and policy.may_answer_along(by, topic)):
        raise _refusal(by, topic)
    with problems.at("version"):
        details = fields.for_version(_question_of(topic), version) if version.strip() else []
    with problems.renamed(**{fields.PREFIX + detail["key"]: "version" for detail in details}):
        written, is_held = _write(
            topic,
            "answer",
            source,
            by,
            details=details,
            created_at=created_at,
            typed_in=typed_in,
            rests=not with_question,
        )
    assignments.forget(topic, of=by)
    if not is_held:
        topic.answer_count = Topic.answer_count + 1
        db.session.flush()
        outbox.publish(AnswerPosted(topic.id, written.id))
    follows.follow(topic, by=by)
    return written


def comment(
    post: Post, *, source: str, by: User, created_at: datetime | None = None, typed_in: float | None = None
) -> Post:
    """Comment on a question or an answer."""
    if not policy.may_comment(by, post):
        raise _refusal(by, post.topic)
    written, is_held = _write(post.topic, "comment", source, by, parent=post, created_at=created_at, typed_in=typed_in)
    if not is_held:
        outbox.publish(CommentPosted(post.topic_id, written.id))
    return written


def accept(post: Post, *, by: User, label: str = "") -> Acceptance:
    """Say that an answer solved the question; an earlier choice moves here. Choosing the same again changes nothing.

    Where the category takes several solutions, each has a `label`, the version or device it is for, and only
    the one with the same label moves.
    """
    topic = _locked(post.topic_id, post)
    db.session.refresh(post, ["kind"])
    db.session.expire(post, ["muting"])  # it may have been muted while this waited for its turn
    if not policy.may_accept_answer(by, topic):
        raise _refusal_to_accept(topic.acceptance)
    if post.kind != "answer":
        raise Invalid(gettext("Only an answer can be the solution."))
    if post.is_muted:
        raise Invalid(gettext("This answer is muted. Unmute it first, then it can be the solution."))
    is_one_of_several = topic.category.accepts_several
    label = _label(label, by) if is_one_of_several else ""
    chosen = queries.solutions(topic)
    own = next((one for one in chosen if one.post_id == post.id), None)
    if own is not None and (own.label == label or not is_one_of_several):
        return own
    moving = own or next((one for one in chosen if not is_one_of_several or _is_same(one.label, label)), None)
    leaving = [one for one in chosen if one is not moving and (not is_one_of_several or _is_same(one.label, label))]
    for one in (*leaving, *([moving] if moving else [])):
        if not policy.may_undo_acceptance(by, topic, one):
            raise _refusal_to_accept(one)
    undone = [drop_acceptance(one, by=by) for one in leaving]
    if moving is None:
        position = max((one.position for one in chosen), default=-1) + 1
        acceptance = Acceptance(topic_id=topic.id, position=position)
        db.session.add(acceptance)
    else:
        acceptance = moving
        if moving is not own:
            undone.append(moving.post_id)
            acceptance.contradicted_at = None  # that was said of the other one
            outbox.publish(AcceptanceUndone(topic.id, moving.post_id, by.id))
    acceptance.post_id, acceptance.label, acceptance.by_id, acceptance.at = post.id, label, by.id, now()
    db.session.flush()
    db.session.expire(acceptance, ["post", "by"])
    db.session.expire(topic, ["acceptance"])
    experiences.count(acceptance)
    _record("forum.topic.accept", topic, by=by, before=undone[0] if undone else None, after=post.id)
    info_requests.forget(topic)
    assignments.forget(topic)
    if own is None:
        outbox.publish(AnswerAccepted(topic.id, post.id, by.id, is_own=is_own(post)))
    return acceptance


def undo_acceptance(topic: Topic, *, by: User, post: Post | None = None) -> None:
    """Say that the question, or one answer of several, is not solved after all; where nothing is, nothing happens."""
    topic = _locked(topic.id)
    chosen = [one for one in queries.solutions(topic) if post is None or one.post_id == post.id]
    if not (policy.may_accept_answer(by, topic) or chosen):
        raise _refusal_to_accept(None)
    for one in chosen:
        if not policy.may_undo_acceptance(by, topic, one):
            raise _refusal_to_accept(one)
    for one in chosen:
        before = drop_acceptance(one, by=by)
        _record("forum.topic.undo_acceptance", topic, by=by, before=before, after=None)


def drop_acceptance(acceptance: Acceptance, *, by: User | None) -> int:
    """Delete an acceptance and tell of it; return the id of the answer. Whoever calls has asked the policy.

    Of several solutions the next one takes the first place.
    """
    topic, post_id = acceptance.topic, acceptance.post_id
    db.session.delete(acceptance)
    db.session.flush()
    rest = queries.solutions(topic)
    if rest and rest[0].position:
        rest[0].position = 0
        db.session.flush()
    db.session.expire(topic, ["acceptance"])
    outbox.publish(AcceptanceUndone(topic.id, post_id, None if by is None else by.id))
    return post_id


def hold_for_arranging(topic: Topic) -> None:
    """Keep everybody from writing in a topic until the transaction ends; who waits learns what became of it."""
    db.session.execute(select(Topic.id).where(Topic.id == topic.id).with_for_update())
    db.session.refresh(topic, ["acceptance"])


def restore_acceptance(post: Post, *, by_id: int, at: datetime, label: str) -> None:
    """Accept an answer again that was hidden for a while, unless another one was chosen for the same meanwhile."""
    topic = _locked(post.topic_id)
    there = queries.solutions(topic)
    label = label if topic.category.accepts_several else ""
    if there and (not topic.category.accepts_several or any(_is_same(one.label, label) for one in there)):
        return
    position = max((one.position for one in there), default=-1) + 1
    acceptance = Acceptance(topic_id=topic.id, post_id=post.id, position=position, label=label, by_id=by_id, at=at)
    db.session.add(acceptance)
    db.session.flush()
    db.session.expire(topic, ["acceptance"])
    experiences.count(acceptance)
    outbox.publish(AnswerAccepted(topic.id, post.id, by_id, is_own=is_own(post)))


def is_own(post: Post) -> bool:
    """Tell whether who asked wrote this answer."""
    return post.author_id is not None and post.author_id == post.topic.asker_id


def _write(  # noqa: PLR0913 -- the parts of a post, by keyword
    topic: Topic,
    kind: PostKind,
    source: str,
    by: User,
    *,
    parent: Post | None = None,
    details: Sequence[Mapping[str, Any]] = (),
    created_at: datetime | None,
    typed_in: float | None,
    rests: bool = True,
) -> tuple[Post, bool]:
    source = limits.post_source(kind, source)
    closing.hear_asker(topic, by=by)
    if not by.is_team and topic.is_closed:  # by somebody else, while the asker wrote
        raise _refusal(by, topic)
    _hold(topic, parent)
    said, cause = [dict(detail) for detail in details], None
    if created_at is None:
        if rests:
            limits.rest(by, kind, source, *([Post.parent_id == parent.id] if parent is not None else []))
        looked = holding.look_at(source=source, details=details, by=by, typed_in=typed_in)
        source, said, cause = limits.post_source(kind, looked.source), looked.details, looked.cause
    at = created_at or now()
    written = Post(
        topic_id=topic.id,
        kind=kind,
        parent_id=None if parent is None else parent.id,
        author_id=by.id,
        source=source,
        html=markup.render(source),
        renderer_version=markup.RENDERER_VERSION,
        details=said or None,
        created_at=at,
    )
    db.session.add(written)
    if cause is None and not (parent is not None and parent.is_muted):  # the order of a list must not tell of it
        topic.last_activity_at = max(topic.last_activity_at, at)
    db.session.flush()
    images.link(written, by=by)
    if cause is not None:
        holding.hold(written, cause)
    return written, cause is not None


def _question_of(topic: Topic) -> Post:
    return db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()


def _hold(topic: Topic, *posts: Post | None) -> None:
    """Keep the topic where it is until the transaction ends; raise `Conflict` when it or a post has just left."""
    held = select(Topic.id).where(Topic.id == topic.id).with_for_update(read=True, key_share=True)
    if db.session.scalar(held) is None:
        raise _moved()
    _refuse_moved(topic.id, *posts)


def _locked(topic_id: int, *posts: Post) -> Topic:
    # First the lock, then the reading: a statement that does both would show the acceptance as it was before the wait.
    db.session.flush()
    db.session.execute(select(Topic.id).where(Topic.id == topic_id).with_for_update(key_share=True))
    fresh = select(Topic).where(Topic.id == topic_id).execution_options(populate_existing=True)
    topic = db.session.scalars(fresh).unique().first()
    if topic is None:
        raise _moved()
    _refuse_moved(topic_id, *posts)
    return topic


def _refuse_moved(topic_id: int, *posts: Post | None) -> None:
    for post in posts:
        if post is not None and db.session.scalar(select(Post.topic_id).where(Post.id == post.id)) != topic_id:
            raise _moved()


def _moved() -> Conflict:
    return Conflict(gettext("Somebody moved this to another question meanwhile. Please look there; your text is kept."))


def _label(value: str, by: User) -> str:
    with problems.at("label"):
        return limits.public_line(value, longest=limits.LONGEST_VERSION, by=by)


def _is_same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _refusal(by: User, topic: Topic) -> NotAllowed:
    if not by.is_authenticated:
        return NotAllowed(gettext("Please sign in to write."))
    if by.is_silenced:
        return NotAllowed(gettext("You can read here and not write for now; the bar on top of the page says why."))
    if topic.is_muted:
        return NotAllowed(gettext("This question is muted; while it is, only the team writes here."))
    if topic.is_closed:
        return NotAllowed(gettext("This question is closed; nothing can be added to it any more."))
    if topic.is_resting:
        return NotAllowed(gettext("This question is solved and rests. A similar problem is better asked anew."))
    return NotAllowed(gettext("Nothing can be added here."))


def _refusal_to_accept(chosen: Acceptance | None) -> NotAllowed:
    if chosen is not None and chosen.by is not None and chosen.by.is_team:
        return NotAllowed(gettext("The team chose this solution. Only the team can change it."))
    return NotAllowed(gettext("Who asked decides what solved it, and for them the team and trusted members."))


def _record(deed: str, topic: Topic, *, by: User, before: int | None, after: int | None) -> None:
    if by.is_team and by.id != topic.asker_id:
        audit.record(deed, topic, by=by, before={"post_id": before}, after={"post_id": after})
