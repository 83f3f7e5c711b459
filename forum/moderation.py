"""Muting: from that commit on only its author and the team see a topic or a post."""

from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import outbox
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from core.problems import Problems
from core.worker import chore
from forum import answers, cases, counters, limits, notifications, policy
from forum.events import AnswerPosted, CommentPosted, PostMuted, PostUnmuted, TopicAsked, TopicMuted, TopicUnmuted
from forum.models import Acceptance, Cause, Muting, Post, Topic


def mute(subject: Topic | Post, *, by: User, reason: str, until: datetime | None = None) -> Muting:
    """Hide a topic or a post from everybody but its author and the team, for good or `until` a moment to come.

    Muting a question mutes its topic. A muted answer stops being the accepted one. Muting again changes
    reason and end.
    """
    if not policy.may_mute(by):
        raise NotAllowed(gettext("Only moderators can mute."))
    subject = _whole(subject)
    reason = _check(reason, until)
    cases.lock(subject)
    before = _muting_of(subject)
    cases.settle(subject, "agreed", by=by, reason=reason, cause=None if before is None else before.cause)
    after = {"until": None if until is None else until.isoformat()}
    if before is not None:
        was = {"reason": before.reason, "until": None if before.until is None else before.until.isoformat()}
        was_waiting = before.is_waiting
        before.reason, before.until, before.by_id, before.at = reason, until, by.id, now()
        before.cause, before.edited_at = "team", None
        db.session.flush()
        db.session.expire(before, ["by"])
        audit.record(f"forum.{subject.__tablename__}.mute", subject, by=by, reason=reason, before=was, after=after)
        if was_waiting:
            outbox.publish(_muted(subject))
        return before
    muting = Muting(reason=reason, until=until, by_id=by.id)
    muting.topic_id, muting.post_id = (subject.id, None) if isinstance(subject, Topic) else (None, subject.id)
    db.session.add(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    was_accepted = isinstance(subject, Post) and _hide(subject, muting, by=by)
    audit.record(
        f"forum.{subject.__tablename__}.mute",
        subject,
        by=by,
        reason=reason,
        before={"accepted": True} if was_accepted else None,
        after=after,
    )
    outbox.publish(_muted(subject))
    return muting


def hide(post: Post, *, cause: Cause) -> None:
    """Hide what everybody saw until somebody of the team has looked at it; what is hidden stays as it is."""
    subject = cases.subject_of(post)
    if _muting_of(subject) is not None:
        return
    muting = Muting(cause=cause, reason="")
    muting.topic_id, muting.post_id = (subject.id, None) if isinstance(subject, Topic) else (None, subject.id)
    db.session.add(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    if isinstance(subject, Post):
        _hide(subject, muting, by=None)
    cases.open_for(post, kind="flagged" if cause == "flags" else "held")
    audit.record(f"forum.{subject.__tablename__}.hide", subject, by=None, after={"cause": cause})
    outbox.publish(_muted(subject))


def take_back(subject: Topic | Post, *, by: User, cause: Cause | None) -> None:
    """Undo a muting that was pressed by mistake: what waited waits again for `cause`, the rest everybody sees."""
    muting = _muting_of(subject)
    if muting is None:
        return
    author_id = subject.asker_id if isinstance(subject, Topic) else subject.author_id
    if author_id is not None:
        notifications.retract(author_id, notifications.muting_key(muting))
    if cause is None or cause == "team":
        _lift(muting, subject, by=by, reason="", restores=True)
    else:
        muting.cause, muting.reason, muting.until, muting.by_id = cause, "", None, None
        db.session.flush()
        db.session.expire(muting, ["by"])
        audit.record(f"forum.{subject.__tablename__}.unmute", subject, by=by, after={"cause": cause})


def note_edit(post: Post, *, by: User) -> None:
    """Have the queue show again what waits there and was edited by its author."""
    muting = _muting_of(cases.subject_of(post))
    if muting is not None and muting.is_waiting and by.id == post.author_id:
        muting.edited_at = now()
        cases.put_back(post)


def unmute(subject: Topic | Post, *, by: User, reason: str = "") -> None:
    """Show it to everybody again; what is not muted stays as it is."""
    if not policy.may_mute(by):
        raise NotAllowed(gettext("Only moderators can unmute."))
    subject = _whole(subject)
    cases.lock(subject)
    muting = _muting_of(subject)
    if muting is not None:
        cases.settle(subject, "disagreed", by=by, reason=reason, cause=muting.cause)
        _lift(muting, subject, by=by, reason=limits.reason(reason) if reason.strip() else "")


@chore("forum.lift_expired_mutings", every=60)
def lift_expired() -> int:
    """Lift the mutings whose time is up; return how many."""
    expired = list(db.session.scalars(select(Muting).where(Muting.until <= now()).order_by(Muting.id)))
    for muting in expired:
        subject = (
            db.session.get_one(Topic, muting.topic_id) if muting.topic_id else db.session.get_one(Post, muting.post_id)
        )
        _lift(muting, subject, by=None, reason="the time it was muted for is up")
    db.session.commit()
    return len(expired)


def _whole(subject: Topic | Post) -> Topic | Post:
    return subject.topic if isinstance(subject, Post) and subject.kind == "question" else subject


def _check(reason: str, until: datetime | None) -> str:
    problems = Problems()
    clean = problems.take("reason", lambda: limits.reason(reason), "")
    if until is not None and until <= now():
        problems.fields["until"] = gettext("This moment has passed; please choose one to come.")
    problems.refuse()
    return clean


def _muting_of(subject: Topic | Post) -> Muting | None:
    # Of two moderators at the same moment the second waits here and then finds the first one's row.
    model = type(subject)
    db.session.execute(select(model.id).where(model.id == subject.id).with_for_update(key_share=True))
    column = Muting.topic_id if isinstance(subject, Topic) else Muting.post_id
    found = db.session.scalars(
        select(Muting).where(column == subject.id).execution_options(populate_existing=True)
    ).first()
    if found is not None and not found.is_in_force:
        _lift(found, subject, by=None, reason="the time it was muted for is up")
        return None
    return found


def _muted(subject: Topic | Post) -> TopicMuted | PostMuted:
    return TopicMuted(subject.id) if isinstance(subject, Topic) else PostMuted(subject.topic_id, subject.id)


def _hide(post: Post, muting: Muting, *, by: User | None) -> bool:
    """Take a muted post out of what the topic tells everybody; tell whether it was the solution."""
    post.topic.last_activity_at = counters.last_activity(post.topic_id)
    if post.kind != "answer":
        db.session.flush()
        return False
    post.topic.answer_count = Topic.answer_count - 1
    acceptance = db.session.scalars(select(Acceptance).where(Acceptance.post_id == post.id)).unique().first()
    if acceptance is not None:
        muting.accepted_by_id, muting.accepted_at = acceptance.by_id, acceptance.at
        # A question that shows "solved" to people who cannot see the solution would not be honest.
        answers.drop_acceptance(acceptance, by=by)
    db.session.flush()
    return acceptance is not None


def _lift(muting: Muting, subject: Topic | Post, *, by: User | None, reason: str, restores: bool = False) -> None:
    was = {"reason": muting.reason, "until": None if muting.until is None else muting.until.isoformat()}
    db.session.delete(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    if isinstance(subject, Post):
        subject.topic.last_activity_at = counters.last_activity(subject.topic_id)
        if subject.kind == "answer":
            subject.topic.answer_count = Topic.answer_count + 1
        db.session.flush()
        if muting.accepted_by_id is not None and muting.accepted_at is not None and (restores or muting.is_waiting):
            answers.restore_acceptance(subject, by_id=muting.accepted_by_id, at=muting.accepted_at)
    audit.record(f"forum.{subject.__tablename__}.unmute", subject, by=by, reason=reason, before=was)
    if muting.is_held:
        outbox.publish(_news(subject))  # nobody was told when it was written
    else:
        outbox.publish(
            TopicUnmuted(subject.id) if isinstance(subject, Topic) else PostUnmuted(subject.topic_id, subject.id)
        )


def _news(subject: Topic | Post) -> TopicAsked | AnswerPosted | CommentPosted:
    if isinstance(subject, Topic):
        return TopicAsked(subject.id)
    if subject.kind == "answer":
        return AnswerPosted(subject.topic_id, subject.id)
    return CommentPosted(subject.topic_id, subject.id)
