"""A channel that is deaf is told to the admins once, and so is a sign-in that is about to end."""

from datetime import timedelta
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import or_, select

from accounts.models import User, UserRole
from core import phrases
from core.clock import now
from core.db import db
from core.settings import current_settings
from core.worker import chore
from desk.channel_models import ChannelCourse
from desk.models import Channel
from forum import notifications
from forum.models import Notification

ENDS_SOON: Final = timedelta(days=7)
LONGEST_REASON: Final = 200


def deaf() -> list[tuple[Channel, ChannelCourse]]:
    """Return the channels in use that have not answered for too long, or do not let us in, with how they are doing."""
    since = now() - timedelta(minutes=current_settings().deaf_after_minutes)
    rows = db.session.execute(
        select(Channel, ChannelCourse)
        .join(ChannelCourse, ChannelCourse.channel_id == Channel.id)
        .where(Channel.disabled_at.is_(None), ChannelCourse.failures > 0)
        .where(
            or_(
                ChannelCourse.next_at.is_(None),
                ChannelCourse.heard_at < since,
                ChannelCourse.heard_at.is_(None) & (Channel.created_at < since),
            )
        )
        .order_by(Channel.id)
    )
    return [(row[0], row[1]) for row in rows]


@chore("desk.deaf_channels", every=60)
def tell() -> int:
    """Tell the admins of each deaf channel once, until it answers again; return how many notices are new."""
    found = [one for one in deaf() if one[1].told_at is None]
    ending = _ending()
    if not found and not ending:
        return 0
    admins = list(
        db.session.scalars(
            select(User.id).join(UserRole).where(User.disabled_at.is_(None), UserRole.role == "admin").order_by(User.id)
        )
    )
    told = 0
    for channel, course in found:
        course.told_at = now()
        told += notifications.notify_each(
            admins,
            kind="channel_deaf",
            key=f"alarm:channel-deaf:{channel.id}:{int(course.told_at.timestamp() * 1000)}",
            url=f"/admin/channels/{channel.id}",
            data={"name": channel.name, "why": _bounded(course.failure)},
        )
    for channel, course in ending:
        assert course.expires_at is not None  # noqa: S101 -- they were chosen by it
        told += notifications.notify_each(
            admins,
            kind="channel_ends",
            key=f"alarm:channel-ends:{channel.id}:{int(course.expires_at.timestamp())}",
            url=f"/admin/channels/{channel.id}",
            data={"name": channel.name},
        )
    db.session.commit()
    return told


def _bounded(reason: str) -> Any:
    """Return what is kept of a reason; where a service had a lot to say, how it begins."""
    return phrases.kept(reason) if len(reason) <= LONGEST_REASON else reason[:LONGEST_REASON]


def _ending() -> list[tuple[Channel, ChannelCourse]]:
    rows = db.session.execute(
        select(Channel, ChannelCourse)
        .join(ChannelCourse, ChannelCourse.channel_id == Channel.id)
        .where(Channel.disabled_at.is_(None), ChannelCourse.expires_at < now() + ENDS_SOON)
    )
    return [(row[0], row[1]) for row in rows]


@notifications.kind("channel_deaf", group="alarms")
def _deaf_words(notification: Notification) -> str:
    told = notification.data
    why = phrases.said(told.get("why"))
    return str(gettext("%(name)s does not answer: %(why)s", name=told.get("name", ""), why=why))


@notifications.kind("channel_ends", group="alarms")
def _ends_words(notification: Notification) -> str:
    return str(gettext("The sign-in of %(name)s ends soon.", name=notification.data.get("name", "")))
