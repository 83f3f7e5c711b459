"""Muting: from that commit on only its author and the team see a topic or a post."""

from datetime import datetime

from flask_babel import gettext, ngettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import outbox
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.problems import Problems
from core.worker import chore
from forum import answers, closing, counters, limits, policy
from forum.events import PostMuted, PostUnmuted, TopicMuted, TopicUnmuted
from forum.models import Acceptance, Muting, Post, Topic


def mute(
    subject: Topic | Post, *, by: User, reason: str, until: datetime | None = None, release: bool = False
) -> Muting:
    """Hide a topic or a post from everybody but its author and the team, for good or `until` a moment to come.

    Muting a question mutes its topic. A muted answer stops being the accepted one. Muting again changes
    reason and end. A topic that closed ones lead to as duplicates is muted only with `release`, which reopens
    those: otherwise their readers would be led to nothing.
    """
    if not policy.may_mute(by):
        raise NotAllowed(gettext("Only moderators can mute."))
    subject = _whole(subject)
    reason = _check(reason, until)
    if isinstance(subject, Topic):
        closing.begin(subject)  # before the topic is locked, as everybody does who arranges
    before = _muting_of(subject)
    after = {"until": None if until is None else until.isoformat()}
    if before is not None:
        was = {"reason": before.reason, "until": None if before.until is None else before.until.isoformat()}
        before.reason, before.until, before.by_id, before.at = reason, until, by.id, now()
        db.session.flush()
        db.session.expire(before, ["by"])
        audit.record(f"forum.{subject.__tablename__}.mute", subject, by=by, reason=reason, before=was, after=after)
        return before
    if isinstance(subject, Topic):
        _release_duplicates(subject, by=by, release=release)
    muting = Muting(reason=reason, until=until, by_id=by.id)
    muting.topic_id, muting.post_id = (subject.id, None) if isinstance(subject, Topic) else (None, subject.id)
    db.session.add(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    was_accepted = isinstance(subject, Post) and _hide(subject, by=by)
    audit.record(
        f"forum.{subject.__tablename__}.mute",
        subject,
        by=by,
        reason=reason,
        before={"accepted": True} if was_accepted else None,
        after=after,
    )
    outbox.publish(TopicMuted(subject.id) if isinstance(subject, Topic) else PostMuted(subject.topic_id, subject.id))
    return muting


def unmute(subject: Topic | Post, *, by: User, reason: str = "") -> None:
    """Show it to everybody again; what is not muted stays as it is."""
    if not policy.may_mute(by):
        raise NotAllowed(gettext("Only moderators can unmute."))
    subject = _whole(subject)
    muting = _muting_of(subject)
    if muting is not None:
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


def _release_duplicates(topic: Topic, *, by: User, release: bool) -> None:
    led = closing.leading_to(topic, closed_only=True)
    if led and not release:
        sentence = ngettext(
            "%(num)s question leads here as a duplicate. It is reopened when you mute this one.",
            "%(num)s questions lead here as duplicates. They are reopened when you mute this one.",
            len(led),
        )
        raise Invalid(sentence, fields={"release": sentence})
    closing.release(led, target=topic, by=by)


def _hide(post: Post, *, by: User) -> bool:
    """Take a muted post out of what the topic tells everybody; tell whether it was the solution."""
    post.topic.last_activity_at = counters.last_activity(post.topic_id)
    if post.kind != "answer":
        db.session.flush()
        return False
    post.topic.answer_count = Topic.answer_count - 1
    acceptance = db.session.scalars(select(Acceptance).where(Acceptance.post_id == post.id)).unique().first()
    if acceptance is not None:
        # A question that shows "solved" to people who cannot see the solution would not be honest.
        answers.drop_acceptance(acceptance, by=by)
    db.session.flush()
    return acceptance is not None


def _lift(muting: Muting, subject: Topic | Post, *, by: User | None, reason: str) -> None:
    was = {"reason": muting.reason, "until": None if muting.until is None else muting.until.isoformat()}
    db.session.delete(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    if isinstance(subject, Post):
        subject.topic.last_activity_at = counters.last_activity(subject.topic_id)
        if subject.kind == "answer":
            subject.topic.answer_count = Topic.answer_count + 1
        db.session.flush()
    audit.record(f"forum.{subject.__tablename__}.unmute", subject, by=by, reason=reason, before=was)
    outbox.publish(
        TopicUnmuted(subject.id) if isinstance(subject, Topic) else PostUnmuted(subject.topic_id, subject.id)
    )
