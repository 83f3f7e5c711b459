"""Channels are opened, closed and opened again, and how they have been doing."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from accounts import audit
from accounts.models import User
from core import http, texts
from core.clock import now
from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed
from core.settings import current_settings
from desk import policy
from desk.channels import webhook
from desk.models import Channel, Message

LONGEST_NAME: Final = 80
LONGEST_SLUG: Final = 80
LARGEST_LIMIT: Final = 20_000
OVERDUE: Final = timedelta(minutes=15)
"""A reply that could not be handed over for so long means that the channel is not well."""
_LEAVES_AT: Final = func.coalesce(Message.send_after, Message.created_at)
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Health:
    """How a channel has been doing; None where nothing of the kind ever happened."""

    received_at: datetime | None = None
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    waiting: int = 0
    """Replies that are queued."""
    overdue: int = 0
    """Of these, how many for longer than they should be."""


def open_webhook(slug: str, *, name: str, endpoint: str, limit: int | None, by: User | None) -> Channel:
    """Open a webhook channel with a fresh secret; `endpoint` may be empty for one that is only listened to.

    `by` is None on the command line, where whoever types is the owner of the machine.
    """
    if by is not None and not policy.may_manage_channels(by):
        raise NotAllowed
    wrong: dict[str, str] = {}
    checks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("name", lambda: _checked_name(name)),
        ("slug", lambda: _check_slug(slug)),
        ("endpoint", lambda: _check_endpoint(endpoint)),
        ("limit", lambda: _check_limit(limit)),
    )
    for field, check in checks:
        try:
            check()
        except KlinkeError as error:
            wrong[field] = error.sentence
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)
    settings = {"endpoint": endpoint} | ({} if limit is None else {"limit": limit})
    channel = Channel(
        slug=slug, kind="webhook", name=_checked_name(name), settings=settings, secret=webhook.new_secret()
    )
    try:
        with db.session.begin_nested():
            db.session.add(channel)
    except IntegrityError:
        sentence = gettext("There is a channel with this short name already.")
        raise Invalid(sentence, fields={"slug": sentence}) from None
    audit.record("desk.channel.open", channel, by=by, after={"slug": slug, "endpoint": endpoint, "limit": limit})
    return channel


def switch_off(channel: Channel, *, by: User) -> None:
    """Take nothing in and send nothing out any more; what was said stays."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    if channel.disabled_at is None:
        channel.disabled_at = now()
        db.session.flush()
        audit.record("desk.channel.switch_off", channel, by=by)


def switch_on(channel: Channel, *, by: User) -> None:
    """Let a channel that was switched off work again, with the secret it had."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    if channel.disabled_at is not None:
        channel.disabled_at = None
        db.session.flush()
        audit.record("desk.channel.switch_on", channel, by=by)


def health() -> Mapping[int, Health]:
    """Return by channel how it has been doing, from its messages."""
    is_late = (now() - OVERDUE) > _LEAVES_AT
    is_queued = Message.state == "queued"
    rows = db.session.execute(
        select(
            Message.channel_id,
            func.max(Message.received_at).filter(Message.direction == "in"),
            func.max(Message.sent_at),
            func.max(Message.id).filter(Message.failure.is_not(None)),
            func.count(Message.id).filter(is_queued),
            func.count(Message.id).filter(is_queued, is_late),
        ).group_by(Message.channel_id)
    ).all()
    failed = {
        message.id: message
        for message in db.session.scalars(select(Message).where(Message.id.in_([row[3] for row in rows if row[3]])))
    }
    return {row[0]: _health(row[1], row[2], failed.get(row[3]), row[4], row[5]) for row in rows}


def complaint() -> str:
    """Say what is not well with the channels in use; empty when all is."""
    late = dict(
        db.session.execute(
            select(Channel.name, func.count(Message.id))
            .join(Message, Message.channel_id == Channel.id)
            .where(Channel.disabled_at.is_(None), Message.state == "queued", (now() - OVERDUE) > _LEAVES_AT)
            .group_by(Channel.name)
            .order_by(Channel.name)
        ).all()
    )
    return "; ".join(
        ngettext(
            "%(name)s: %(num)s reply cannot be delivered",
            "%(name)s: %(num)s replies cannot be delivered",
            many,
            name=name,
        )
        for name, many in late.items()
    )


def _health(
    received_at: datetime | None, sent_at: datetime | None, failed: Message | None, waiting: int, overdue: int
) -> Health:
    return Health(
        received_at=received_at,
        sent_at=sent_at,
        failed_at=None if failed is None else failed.attempted_at or failed.created_at,
        failure="" if failed is None else failed.failure or "",
        waiting=waiting,
        overdue=overdue,
    )


def _checked_name(name: str) -> str:
    return texts.line(name, longest=LONGEST_NAME, shortest=1)


def _check_slug(slug: str) -> None:
    if len(slug) > LONGEST_SLUG or not _SLUG.fullmatch(slug):
        raise Invalid(gettext("Small letters, digits and single dashes between them, please."))
    if slug.isdigit():
        raise Invalid(gettext("One letter at least, please: a bare number would be taken for a channel’s id."))


def _check_endpoint(endpoint: str) -> None:
    if endpoint:
        settings = current_settings()
        try:
            http.check(endpoint, settings)
        except http.Refused as refusal:
            raise Invalid(refusal.reason[:1].upper() + refusal.reason[1:] + ".") from None


def _check_limit(limit: int | None) -> None:
    if limit is not None and not 0 <= limit <= LARGEST_LIMIT:
        raise Invalid(gettext("A number between 0 and %(most)s, please; 0 means no limit.", most=LARGEST_LIMIT))
