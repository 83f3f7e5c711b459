"""Asking the asker, once, which answer helped: by day where they live, and only when they may say so."""

import html
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import aliased

from accounts.models import User
from core import mail, timezones
from core.clock import now
from core.db import db
from core.settings import current_settings
from core.unique import add_once
from core.web import absolute
from core.worker import chore
from forum import addresses, notifications, policy, queries
from forum.models import Duplicate, Muting, Post, Reminder, ReminderRefusal, Topic

LATEST = timedelta(days=14)
"""Nobody is asked about what was answered longer ago: an import or a long pause of the worker would ask thousands."""


@chore("forum.remind_askers", every=600)
def remind_askers() -> int:
    """Remind everybody whose question has answers and no solution; return how many were.

    Each topic is done in a transaction of its own and leaves a row, so a second run, or a second worker at the same
    moment, reminds nobody twice.
    """
    reminded = 0
    for topic_id in _due():
        reminded += _remind(topic_id)
        db.session.commit()
    return reminded


def refuse(user: User) -> None:
    """Remind this person no more."""
    add_once(ReminderRefusal, user_id=user.id, at=now())


def allow(user: User) -> None:
    """Remind this person again, from now on."""
    db.session.execute(delete(ReminderRefusal).where(ReminderRefusal.user_id == user.id))


def is_refused_by(user: User) -> bool:
    return db.session.get(ReminderRefusal, user.id) is not None


def is_day_for(user: User) -> bool:
    """Tell whether it is a time of the day, where this person lives, at which one may be reminded."""
    settings = current_settings()
    hour = timezones.local(now(), user.time_zone or settings.time_zone).hour
    return settings.remind_from_hour <= hour < settings.remind_until_hour


def _due() -> list[int]:
    settings = current_settings()
    if not settings.remind_after_hours:
        return []
    own = aliased(Muting)
    is_muted = select(own.id).where(own.post_id == Post.id).correlate(Post).exists()
    answered_at = (
        select(func.max(Post.created_at))
        .where(
            Post.topic_id == Topic.id,
            Post.kind == "answer",
            Post.author_id.is_distinct_from(Topic.asker_id),
            ~is_muted,
        )
        .correlate(Topic)
        .scalar_subquery()
    )
    statement = (
        select(Topic.id)
        .where(
            Topic.last_activity_at > now() - LATEST,
            Topic.asker_id.is_not(None),
            queries.is_unsolved_and_answered(),
            answered_at.between(now() - LATEST, now() - timedelta(hours=settings.remind_after_hours)),
            ~exists().where(Muting.topic_id == Topic.id),
            ~exists().where(Duplicate.topic_id == Topic.id),
            ~exists().where(Reminder.topic_id == Topic.id),
            ~exists().where(ReminderRefusal.user_id == Topic.asker_id),
        )
        .order_by(Topic.id)
    )
    return list(db.session.scalars(statement))


def _remind(topic_id: int) -> bool:
    # Whoever accepts at this moment is waited for, and the topic is read as it is then.
    db.session.execute(select(Topic.id).where(Topic.id == topic_id).with_for_update(key_share=True))
    fresh = select(Topic).where(Topic.id == topic_id).execution_options(populate_existing=True)
    topic = db.session.scalars(fresh).unique().one()
    asker = topic.asker
    if asker is None or topic.is_solved or topic.is_muted or not policy.may_accept_answer(asker, topic):
        return False
    if not is_day_for(asker) or is_refused_by(asker) or not add_once(Reminder, topic_id=topic.id, at=now()):
        return False
    notifications.notify(
        asker,
        kind="accept_reminder",
        key=f"accept_reminder:{topic.id}",
        url=addresses.of_topic(topic) + "#answers",
        topic=topic,
    )
    if asker.email and asker.email_confirmed_at is not None:
        _mail(asker, topic)
    return True


def _mail(asker: User, topic: Topic) -> None:
    locale = asker.locale or topic.locale
    values = {
        "user": asker,
        "title": topic.title,
        "answer_count": topic.answer_count,
        "url": absolute(addresses.of_topic(topic) + "#answers"),
        "settings_url": absolute(addresses.REMINDERS),
        "site_name": current_settings().site_name,
        "locale": locale,
    }
    with force_locale(locale):
        mail.queue(
            str(asker.email),
            subject=_plain(_rendered("subject.txt", values)),
            text=_plain(_rendered("body.txt", values)),
            html=_rendered("body.html", values),
        )


def _rendered(name: str, values: dict[str, Any]) -> str:
    # Not flask.render_template: the worker has no page being made, and what pages share is of no use in a mail.
    return current_app.jinja_env.get_template(f"forum/mail/accept_reminder/{name}").render(values)


def _plain(rendered: str) -> str:
    # Escaping is on in every template; a plain text takes it back exactly.
    return html.unescape(rendered).strip() + "\n"
