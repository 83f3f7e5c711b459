"""Muting: from that commit on only its author and the team see a topic or a post."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import lazyload

from accounts import audit
from accounts.models import User, UserRole
from core import outbox, texts
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.problems import Problems
from core.settings import current_settings
from core.worker import chore
from forum import addresses, answers, cases, closing, counters, limits, notifications, policy
from forum.events import (
    AnswerPosted,
    CommentPosted,
    ObjectionAnswered,
    PostMuted,
    PostUnmuted,
    TopicAsked,
    TopicMuted,
    TopicUnmuted,
)
from forum.models import MUTING_RULES, Acceptance, Cause, Muting, Objection, Post, Topic


def mute(  # noqa: PLR0913 -- what a muting says, by keyword
    subject: Topic | Post,
    *,
    by: User,
    reason: str,
    until: datetime | None = None,
    rule: str = "other",
    wanted: str = "",
    is_silent: bool = False,
    review_at: datetime | None = None,
    release: bool = False,
) -> Muting:
    """Hide a topic or a post from everybody but its author and the team, for good or `until` a moment to come.

    `rule` is one of `MUTING_RULES`, `wanted` says what its author can change. Only for spam it can be `is_silent`:
    then the author is not told. At `review_at`, or when the settings say, a moderator is asked to look again. Muting a
    question mutes its topic. A muted answer stops being the accepted one. Muting again changes what it says.
    A topic that closed ones lead to as duplicates is muted only with `release`, which reopens those: otherwise their
    readers would be led to nothing.
    """
    if not policy.may_mute(by):
        raise NotAllowed(gettext("Only moderators can mute."))
    subject = _whole(subject)
    if isinstance(subject, Topic):
        closing.begin(subject)  # before the topic is locked, as everybody does who arranges
    said = _checked(reason, until, rule, wanted, is_silent, review_at)
    cases.lock(subject)
    muting = _muting_of(subject)
    cases.settle(subject, "agreed", by=by, reason=said["reason"], cause=None if muting is None else muting.cause)
    after: dict[str, object] = {"until": None if until is None else until.isoformat(), "rule": rule}
    if is_silent:
        after["is_silent"] = True
    if isinstance(subject, Topic) and (muting is None or muting.is_waiting):
        _release_duplicates(subject, by=by, release=release)
    if muting is not None:
        was, was_untold = _said(muting), muting.is_silent or muting.is_waiting
        _set(muting, said, by)
        muting.cause, muting.edited_at = "team", None
        db.session.flush()
        db.session.expire(muting, ["by"])
        audit.record(
            f"forum.{subject.__tablename__}.mute", subject, by=by, reason=muting.reason, before=was, after=after
        )
        if was_untold and not is_silent:
            _tell(subject)
        return muting
    muting = Muting()
    _set(muting, said, by)
    muting.topic_id, muting.post_id = (subject.id, None) if isinstance(subject, Topic) else (None, subject.id)
    db.session.add(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    was_accepted = isinstance(subject, Post) and _hide(subject, muting, by=by)
    audit.record(
        f"forum.{subject.__tablename__}.mute",
        subject,
        by=by,
        reason=muting.reason,
        before={"accepted": True} if was_accepted else None,
        after=after,
    )
    _tell(subject)
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
    _tell(subject)


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
        _muting_of(subject_of(muting))  # lifts it, unless somebody did at this moment
    db.session.commit()
    return len(expired)


def lift_expired_in(topic: Topic) -> None:
    """Lift what the chore has not come to, where the numbers of a topic are about to be counted."""
    expired = select(Post).join(Muting, Muting.post_id == Post.id)
    for post in db.session.scalars(expired.where(Post.topic_id == topic.id, Muting.until <= now())).unique():
        _muting_of(post)
    _muting_of(topic)


def _whole(subject: Topic | Post) -> Topic | Post:
    return subject.topic if isinstance(subject, Post) and subject.kind == "question" else subject


@chore("forum.ask_for_reviews", every=600)
def ask_for_reviews() -> int:
    """Ask whoever muted something to look at it again when its day has come; return how many were asked of.

    Of two workers the second waits for the first one's row and finds it done.
    """
    due = db.session.scalars(select(Muting.id).where(Muting.review_at <= now()).order_by(Muting.id)).all()
    asked = 0
    for muting_id in due:
        muting = db.session.scalars(
            select(Muting)
            .where(Muting.id == muting_id, Muting.review_at <= now())
            .options(lazyload("*"))
            .with_for_update()
            .execution_options(populate_existing=True)
        ).first()
        if muting is not None:
            _ask_for_review(muting)
            asked += 1
        db.session.commit()
    return asked


def _ask_for_review(muting: Muting) -> None:
    assert muting.review_at is not None  # noqa: S101 -- for the type checker: it was selected by that
    subject = subject_of(muting)
    keepers = [muting.by] if muting.by is not None and policy.may_mute(muting.by) else moderators()
    for keeper in keepers:
        notifications.notify(
            keeper,
            kind="muting_review",
            key=f"muting_review:{muting.id}:{muting.review_at.isoformat()}",
            url=addresses.of_topic(subject) if isinstance(subject, Topic) else addresses.of_post(subject),
            topic=subject if isinstance(subject, Topic) else subject.topic,
        )
    muting.review_at = None
    db.session.flush()


def moderators() -> list[User]:
    """Return who keeps the forum in order and can sign in."""
    rows = select(User).join(UserRole, UserRole.user_id == User.id).where(UserRole.role.in_(("moderator", "admin")))
    return [user for user in db.session.scalars(rows.order_by(User.id)).unique() if user.is_active]


def _tell(subject: Topic | Post) -> None:
    outbox.publish(TopicMuted(subject.id) if isinstance(subject, Topic) else PostMuted(subject.topic_id, subject.id))


def subject_of(muting: Muting) -> Topic | Post:
    if muting.topic_id is not None:
        return db.session.get_one(Topic, muting.topic_id)
    return db.session.get_one(Post, muting.post_id)


def _said(muting: Muting) -> dict[str, object]:
    until = None if muting.until is None else muting.until.isoformat()
    return {"reason": muting.reason, "until": until} | ({"is_silent": True} if muting.is_silent else {})


def _set(muting: Muting, said: Mapping[str, Any], by: User) -> None:
    muting.by_id, muting.at = by.id, now()
    for name, value in said.items():
        setattr(muting, name, value)


def _checked(
    reason: str, until: datetime | None, rule: str, wanted: str, is_silent: bool, review_at: datetime | None
) -> dict[str, Any]:
    problems = Problems()
    clean = problems.take("reason", lambda: limits.reason(reason), "")
    wanted = problems.take("wanted", lambda: texts.block(wanted.strip(), longest=limits.LONGEST_REASON), "")
    if rule not in MUTING_RULES:
        problems.fields["rule"] = gettext("Please choose one of the list.")
    if is_silent and rule != "spam":
        problems.fields["is_silent"] = gettext("Only spam is muted without telling its author.")
    if until is not None and until <= now():
        problems.fields["until"] = gettext("This moment has passed; please choose one to come.")
    if review_at is not None and review_at <= now():
        problems.fields["review_at"] = gettext("This moment has passed; please choose one to come.")
    elif review_at is not None and until is not None and review_at > until:
        problems.fields["review_at"] = gettext("It ends before that; please choose an earlier day.")
    problems.refuse()
    said = {"reason": clean, "until": until, "rule": rule, "wanted": wanted, "is_silent": is_silent}
    return said | {"review_at": review_at or _usual_review(until)}


def _usual_review(until: datetime | None) -> datetime:
    if until is None:
        return now() + timedelta(days=current_settings().muting_review_days)
    return max(until - timedelta(days=1), now() + (until - now()) / 2)


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
        muting.accepted_label = acceptance.label
        # A question that shows "solved" to people who cannot see the solution would not be honest.
        answers.drop_acceptance(acceptance, by=by)
    db.session.flush()
    return acceptance is not None


def _lift(muting: Muting, subject: Topic | Post, *, by: User | None, reason: str, restores: bool = False) -> None:
    was = _said(muting)
    _settle_objection(muting, by=by, reason=reason if by is not None else "")
    db.session.delete(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    if isinstance(subject, Post):
        subject.topic.last_activity_at = counters.last_activity(subject.topic_id)
        if subject.kind == "answer":
            subject.topic.answer_count = Topic.answer_count + 1
        db.session.flush()
        if muting.accepted_by_id is not None and muting.accepted_at is not None and (restores or muting.is_waiting):
            answers.restore_acceptance(
                subject, by_id=muting.accepted_by_id, at=muting.accepted_at, label=muting.accepted_label
            )
    audit.record(f"forum.{subject.__tablename__}.unmute", subject, by=by, reason=reason, before=was)
    if muting.is_held:
        outbox.publish(_news(subject))  # nobody was told when it was written
    if isinstance(subject, Post):
        if not muting.is_held:
            outbox.publish(PostUnmuted(subject.topic_id, subject.id))
    elif not muting.is_held or subject.is_solved:  # what solved it while it was held is news to who makes articles
        outbox.publish(TopicUnmuted(subject.id))


def _settle_objection(muting: Muting, *, by: User | None, reason: str) -> None:
    """Answer what its author said against it: it is lifted."""
    objection = db.session.scalars(select(Objection).where(Objection.muting_id == muting.id)).first()
    if objection is None:
        return
    if objection.answered_at is None:
        objection.answer, objection.answered_by_id = reason, None if by is None else by.id
        objection.answered_at = now()
        outbox.publish(ObjectionAnswered(objection.id))
    objection.muting_id = None
    db.session.flush()


def _news(subject: Topic | Post) -> TopicAsked | AnswerPosted | CommentPosted:
    if isinstance(subject, Topic):
        return TopicAsked(subject.id)
    if subject.kind == "answer":
        return AnswerPosted(subject.topic_id, subject.id)
    return CommentPosted(subject.topic_id, subject.id)
