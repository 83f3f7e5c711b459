"""Taking a question, and giving it to somebody, so that two do not answer the same one and none answers another."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.orm import joinedload

from accounts import audit, people
from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.i18n import ago
from core.settings import current_settings
from core.worker import chore
from forum import addresses, assignments, moderation, notifications, policy, queries, reviewing
from forum.models import Acceptance, Assignment, Muting, Notification, Topic
from forum.reviewing import Waiting

MOST_AT_ONCE: Final = 50
LONGEST_HOURS: Final = 24 * 30


def take(topic: Topic, *, by: User) -> Assignment:
    """Say that one answers this question; taking it again gives more time. Raises `Conflict` where another has it."""
    if not policy.may_take(by, topic):
        raise NotAllowed(gettext("Trusted members and the team take questions that are open."))
    holder = _holder(topic)
    if holder is not None and holder.user_id != by.id:
        raise _taken(holder)
    return assignments.note(topic, to=by, by=by, until=now() + timedelta(hours=current_settings().taken_hours))


def give(topic: Topic, *, handle: str, by: User, hours: int | None = None, seen_id: int | None = None) -> Assignment:
    """Give a question to a person of the team or a trusted member, who is told.

    `seen_id` is who had it when the moderator looked; raises `Conflict` where somebody else has it now.
    """
    if not policy.may_arrange_topics(by):
        raise NotAllowed(gettext("Only moderators give questions to others."))
    to = people.by_handle(handle.strip().removeprefix("@").lower())
    if to is None or not policy.may_take(to, topic):
        sentence = gettext("There is nobody of this name who may answer it: the team and trusted members do.")
        raise Invalid(sentence, fields={"handle": sentence})
    if hours is not None and not 0 < hours <= LONGEST_HOURS:
        sentence = gettext("A number from 1 to %(most)s, please.", most=LONGEST_HOURS)
        raise Invalid(sentence, fields={"hours": sentence})
    holder = _holder(topic)
    if holder is not None and holder.user_id not in {to.id, seen_id}:
        raise _taken(holder)
    before = None if holder is None else {"user_id": holder.user_id}
    until = now() + timedelta(hours=hours or current_settings().assigned_hours)
    assignment = assignments.note(topic, to=to, by=by, until=until)
    after = {"user_id": to.id, "until": until.isoformat()}
    audit.record("forum.topic.assign", topic, by=by, before=before, after=after)
    if to.id != by.id:
        notifications.notify(
            to,
            kind="assigned",
            key=f"assigned:{topic.id}:{assignment.at.isoformat()}",
            url=addresses.of_topic(topic),
            topic=topic,
            data={"by": by.name},
        )
    return assignment


def release(topic: Topic, *, by: User) -> None:
    """Let a question be free again; where nobody has it, nothing happens."""
    if not policy.may_help(by):
        raise NotAllowed(gettext("Trusted members and the team take questions that are open."))
    holder = _holder(topic)
    if holder is None:
        return
    if not policy.may_release(by, holder.user_id):
        raise _taken(holder)
    assignments.forget(topic)
    if holder.user_id != by.id:
        audit.record("forum.topic.release", topic, by=by, before={"user_id": holder.user_id})


def listed(viewer: User) -> list[Assignment]:
    """Return one's own, and for the team those of the others behind them; also those whose time is up."""
    statement = _open(viewer)
    if not viewer.is_team:
        statement = statement.where(Assignment.user_id == viewer.id)
    found = db.session.scalars(statement.order_by(Assignment.until).limit(4 * MOST_AT_ONCE)).unique()
    return sorted(found, key=lambda one: one.user_id != viewer.id)


def waiting(viewer: Viewer) -> Iterable[Waiting]:
    """Say in the queue what is the viewer's, and to moderators what was given to others and is late."""
    if not viewer.is_team or viewer.id is None:
        return
    for one in db.session.scalars(_open(viewer).order_by(Assignment.until).limit(MOST_AT_ONCE)).unique():
        is_late = one.until <= now()
        if one.user_id == viewer.id:
            kind = gettext("Yours, and its time is up") if is_late else gettext("Yours to answer")
        elif one.is_given and is_late and policy.may_arrange_topics(viewer):
            kind = gettext("Late: given to %(name)s", name=one.user.name)
        else:
            continue
        topic = one.topic
        yield Waiting(kind=kind, title=topic.title, url=addresses.of_topic(topic), since=one.at, lang=topic.locale)


reviewing.contribute("assignments", waiting)


@chore("forum.alarm_about_late_assignments", every=300)
def alarm() -> int:
    """Tell moderators, and whose it is, once of what was given to somebody and has no answer in time."""
    late = (
        update(Assignment)
        .where(
            Assignment.alarmed_at.is_(None),
            Assignment.until <= now(),
            Assignment.by_id.is_distinct_from(Assignment.user_id),
            Assignment.topic_id.in_(select(Topic.id).where(*_still_open())),
        )
        .values(alarmed_at=now())
        .returning(Assignment.topic_id)
    )
    told = 0
    for topic_id in sorted(db.session.scalars(late)):
        one = db.session.get_one(Assignment, topic_id)
        readers = {user.id for user in moderation.moderators()} | {one.user_id}
        told += notifications.notify_each(
            sorted(readers),
            kind="assignment_late",
            key=f"late:{topic_id}:{one.at.isoformat()}",
            url=addresses.of_topic(one.topic),
            topic=one.topic,
            data={"name": one.user.name},
        )
    db.session.commit()
    return told


def _holder(topic: Topic) -> Assignment | None:
    """Wait for whoever takes it at this moment, and return who has it then."""
    db.session.flush()
    db.session.execute(select(Topic.id).where(Topic.id == topic.id).with_for_update(key_share=True))
    db.session.refresh(topic, ["taken_until"])
    return assignments.of(topic)


def _open(viewer: Viewer) -> Select[Assignment]:
    return (
        select(Assignment)
        .join(Topic, Topic.id == Assignment.topic_id)
        .where(queries.topics_visible_to(viewer), *_still_open())
        .options(
            joinedload(Assignment.topic, innerjoin=True).lazyload("*"),
            joinedload(Assignment.user, innerjoin=True).lazyload(User.roles),
            joinedload(Assignment.by).lazyload(User.roles),
        )
    )


def _still_open() -> tuple[ColumnElement[bool], ...]:
    """Return the clauses for topics where an answer is still owed."""
    return (
        Topic.closed_as.is_(None),
        Topic.info_post_id.is_(None),
        ~exists().where(Acceptance.topic_id == Topic.id),
        ~exists().where(Muting.topic_id == Topic.id),
    )


def _taken(holder: Assignment) -> Conflict:
    return Conflict(
        gettext(
            "%(name)s took this question %(ago)s. Nothing was changed.",
            name=holder.user.name,
            ago=ago(holder.at),
        )
    )


@notifications.kind("assigned", group="tasks")
def _assigned(notification: Notification) -> str:
    return str(
        gettext(
            "%(name)s asks you to answer “%(title)s”.", name=notification.data.get("by", ""), title=_title(notification)
        )
    )


@notifications.kind("assignment_late", group="alarms")
def _late(notification: Notification) -> str:
    return str(
        gettext(
            "“%(title)s” was given to %(name)s, and there is no answer in time.",
            name=notification.data.get("name", ""),
            title=_title(notification),
        )
    )


def _title(notification: Notification) -> str:
    return notification.topic.title if notification.topic is not None else ""
