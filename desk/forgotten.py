"""Nobody is forgotten: whom nobody opened or answered for too long, on every channel, alarms the desk once."""

from collections.abc import Iterator
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import lazyload

from core.db import db
from desk.filters import IS_OPEN
from desk.models import Conversation
from forum import alarms, notifications
from forum.models import Notification

KIND = "customer_forgotten"
LONGEST_NAME = 60


def waiting_too_long(after: datetime, before: datetime) -> Iterator[alarms.Waiting]:
    """Yield who has waited since a moment between these two and was not told of; who is answered and waits again is."""
    since = func.coalesce(Conversation.waiting_since, Conversation.created_at)
    is_left = or_(Conversation.waiting_since.is_not(None), Conversation.state == "new")
    told = set(
        db.session.scalars(
            select(Notification.key).where(Notification.kind == KIND, Notification.at > after).distinct()
        )
    )
    found = (
        select(Conversation)
        .where(IS_OPEN, is_left, since > after, since <= before)
        .order_by(since, Conversation.id)
        .options(lazyload(Conversation.assignee))
    )
    new = 0
    for one in db.session.scalars(found):
        key = f"customer:{one.id}:{int((one.waiting_since or one.created_at).timestamp())}"
        if f"alarm:{key}" in told:
            continue
        yield alarms.Waiting(
            key=key,
            kind=KIND,
            url=f"/desk/conversations/{one.id}",
            data={"name": (one.contact.name or one.contact.handle)[:LONGEST_NAME]},
        )
        new += 1
        if new == alarms.MOST_AT_ONCE:
            return


alarms.contribute(
    "customers", roles=("agent",), find=waiting_too_long, hours=lambda settings: settings.lost_after_hours
)


@notifications.kind(KIND, group="alarms")
def _words(notification: Notification) -> str:
    return str(gettext("%(name)s has not been answered for too long.", name=notification.data.get("name", "")))
