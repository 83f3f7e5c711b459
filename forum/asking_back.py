"""Asking the asker for more: told by bell and mail, reminded once, at last closed kindly, reopened by their reply."""

from datetime import datetime, timedelta
from typing import Final

from flask_babel import force_locale, gettext, ngettext
from sqlalchemy import ColumnElement, exists, or_, select, update

from accounts.models import User
from core import outbox
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from core.settings import current_settings
from core.worker import chore
from forum import addresses, answers, closing, info_requests, notifications, policy, reminding
from forum.events import InfoWanted
from forum.models import Acceptance, InfoRequest, Muting, Notification, Post, ReminderRefusal, Topic

MOST_AT_ONCE: Final = 100
AFTER_REMINDER: Final = timedelta(days=1)
"""Nobody finds a question closed sooner than this after they were reminded."""


def ask(topic: Topic, *, source: str, by: User, typed_in: float | None = None) -> Post:
    """Ask the asker for more, in a comment on the question; from then on the topic waits for them.

    A comment that must wait for the team asks nobody yet, and changes nothing else.
    """
    if not policy.may_ask_back(by, topic):
        raise refusal()
    comment = answers.comment(_question_of(topic), source=source, by=by, typed_in=typed_in)
    if not comment.is_muted:
        info_requests.note(topic, comment, by=by)
        outbox.publish(InfoWanted(topic.id, comment.id))
    return comment


def withdraw(topic: Topic, *, by: User) -> None:
    """Wait for the asker no more; where nobody is waited for, nothing happens."""
    if not policy.may_help(by):
        raise refusal()
    if topic.waits_for_asker:
        info_requests.forget(topic)


def refusal() -> NotAllowed:
    return NotAllowed(gettext("Only trusted members and the team ask back, while a question is open."))


@chore("forum.remind_of_questions_back", every=600)
def remind_askers() -> int:
    """Remind everybody once who was asked for more and said nothing; return how many were."""
    days = current_settings().info_reminder_days
    if not days:
        return 0
    refused = exists().where(ReminderRefusal.user_id == Topic.asker_id)
    reminded = 0
    for topic_id in _waiting_since(now() - timedelta(days=days), InfoRequest.reminded_at.is_(None), ~refused):
        reminded += _remind(topic_id)
        db.session.commit()
    return reminded


@chore("forum.close_without_answer_back", every=600)
def close_silent() -> int:
    """Close what waited long enough for its asker, by day, with a word why; return how many were."""
    settings = current_settings()
    if not settings.info_close_days:
        return 0
    can_be = InfoRequest.reminded_at <= now() - AFTER_REMINDER
    if settings.info_reminder_days:
        can_be = or_(can_be, exists().where(ReminderRefusal.user_id == Topic.asker_id))
    else:
        can_be = or_(can_be, InfoRequest.reminded_at.is_(None))
    closed = 0
    for topic_id in _waiting_since(now() - timedelta(days=settings.info_close_days), can_be):
        closed += _close(topic_id, settings.info_close_days)
        db.session.commit()
    return closed


def _waiting_since(moment: datetime, *where: ColumnElement[bool]) -> list[int]:
    statement = (
        select(InfoRequest.topic_id)
        .join(Topic, Topic.id == InfoRequest.topic_id)
        .where(
            InfoRequest.at <= moment,
            Topic.closed_as.is_(None),
            Topic.asker_id.is_not(None),
            ~exists().where(Muting.topic_id == Topic.id),
            ~exists().where(Muting.post_id == InfoRequest.post_id),
            ~exists().where(Acceptance.topic_id == Topic.id),
            *where,
        )
        .order_by(InfoRequest.at)
    )
    return list(db.session.scalars(statement.limit(MOST_AT_ONCE)))


def _remind(topic_id: int) -> bool:
    topic = _fresh(topic_id)
    if not _can_be_told(topic):
        return False
    claimed = update(InfoRequest).where(InfoRequest.topic_id == topic.id, InfoRequest.reminded_at.is_(None))
    if db.session.execute(claimed.values(reminded_at=now()).returning(InfoRequest.topic_id)).first() is None:
        return False
    _tell(topic, kind="info_reminder", key=info_requests.reminder_key(topic.info_post_id or 0))
    return True


def _close(topic_id: int, days: int) -> bool:
    topic = _fresh(topic_id)
    if not _can_be_told(topic):
        return False
    with force_locale(topic.locale):
        reason = ngettext(
            "We asked for more details and heard nothing for %(num)s day, so this question rests for now. A word "
            "of its asker is enough, and it is open again.",
            "We asked for more details and heard nothing for %(num)s days, so this question rests for now. A word "
            "of its asker is enough, and it is open again.",
            days,
        )
    return closing.close_for_silence(topic, reason=str(reason))


def _fresh(topic_id: int) -> Topic:
    """Wait for whoever writes there at this moment, and read the topic as it is then."""
    db.session.execute(select(Topic.id).where(Topic.id == topic_id).with_for_update(key_share=True))
    fresh = select(Topic).where(Topic.id == topic_id).execution_options(populate_existing=True)
    return db.session.scalars(fresh).unique().one()


def _can_be_told(topic: Topic) -> bool:
    """Tell whether the asker is still waited for, may reply, and lives where it is day."""
    asker = topic.asker
    return (
        asker is not None and topic.waits_for_asker and policy.may_answer(asker, topic) and reminding.is_day_for(asker)
    )


def _tell(topic: Topic, *, kind: str, key: str) -> None:
    request = info_requests.of(topic)
    if request is not None and topic.asker_id is not None:
        notifications.notify(
            topic.asker_id,
            kind=kind,
            key=key,
            url=addresses.of_post_id(request.post_id),
            topic=topic,
            post=request.post,
        )


@notifications.kind("info_wanted", group="comments")
def _info_wanted(notification: Notification) -> str:
    return str(
        gettext(
            "%(name)s needs to know more about “%(title)s” to help you. Your reply is waited for.",
            name=_asking(notification),
            title=_title(notification),
        )
    )


@notifications.kind("info_reminder", group="comments")
def _info_reminder(notification: Notification) -> str:
    return str(
        gettext(
            "A reply of yours is still waited for in “%(title)s”: %(name)s asked for more details.",
            name=_asking(notification),
            title=_title(notification),
        )
    )


@notifications.kind("topic_closed_for_silence", group=notifications.DECISIONS)
def _closed_for_silence(notification: Notification) -> str:
    return str(
        gettext(
            "“%(title)s” is closed for now, because no reply came. Write one, and it is open again.",
            title=_title(notification),
        )
    )


def _asking(notification: Notification) -> str:
    author = notification.post.author if notification.post is not None else None
    return author.name if author is not None else str(gettext("Somebody who has left"))


def _title(notification: Notification) -> str:
    return notification.topic.title if notification.topic is not None else ""


def _question_of(topic: Topic) -> Post:
    return db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()
