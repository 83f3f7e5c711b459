"""Channels are opened, closed and opened again, and how they have been doing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext, ngettext
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError

from accounts import audit
from accounts.models import User
from core import http, problems, texts
from core.clock import now
from core.db import db
from core.errors import Invalid, KlinkeError, NotAllowed
from core.settings import current_settings
from desk import deafness, policy, polling
from desk.channel_models import ChannelCourse
from desk.channels import webhook
from desk.channels.base import Adapter, ChannelFailed, Field, Finding, adapter_of, apart, kind_of, kinds
from desk.models import Channel, Message

LONGEST_NAME: Final = 80
LONGEST_SLUG: Final = 80
OVERDUE: Final = timedelta(minutes=15)
"""A reply that could not be handed over for so long means that the channel is not well."""
_LEAVES_AT: Final = func.coalesce(Message.send_after, Message.created_at)
_MAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")
_DIGITS: Final = re.compile(r"[0-9]{1,9}")
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
    """Open a webhook channel with a fresh secret; `endpoint` may be empty for one that is only listened to."""
    values = {"endpoint": endpoint, "limit": "" if limit is None else str(limit)}
    return connect("webhook", slug=slug, name=name, values=values, by=by)


def connect(kind: str, *, slug: str, name: str, values: Mapping[str, str], by: User | None) -> Channel:
    """Open a channel of a kind with what its form asks for; raise `Invalid` with a sentence for each field.

    `by` is None on the command line, where whoever types is the owner of the machine.
    """
    if by is not None and not policy.may_manage_channels(by):
        raise NotAllowed
    if (make := kind_of(kind)) is None:
        raise Invalid(gettext("This installation does not know this kind of channel."))
    channel = Channel(slug=slug, kind=kind, name=name, settings={}, credentials={})
    form = make(channel).form
    wrong: dict[str, str] = {}
    for field, check in (("name", lambda: _checked_name(name)), ("slug", lambda: _check_slug(slug))):
        try:
            check()
        except KlinkeError as error:
            wrong[field] = error.sentence
    kept, secret, troubles = _read(form, values, {})
    if wrong or troubles:
        raise Invalid(gettext("Some fields need another look."), fields={**wrong, **troubles})
    channel.name, channel.settings, channel.credentials = _checked_name(name), kept, secret or None
    make(channel).prepare()
    try:
        with db.session.begin_nested():
            db.session.add(channel)
    except IntegrityError:
        sentence = gettext("There is a channel with this short name already.")
        raise Invalid(sentence, fields={"slug": sentence}) from None
    audit.record("desk.channel.open", channel, by=by, after={"slug": slug, "service": kind, **kept})
    return channel


def change(channel: Channel, *, name: str, values: Mapping[str, str], by: User) -> None:
    """Say anew how a channel is connected; a secret that is left empty stays as it is."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    with problems.at("name"):
        name = _checked_name(name)
    kept, secret, troubles = _read(adapter_of(channel).form, values, channel.credentials or {})
    if troubles:
        raise Invalid(gettext("Some fields need another look."), fields=troubles)
    before = {"name": channel.name, **_told(channel)}
    asked = {field.name for field in adapter_of(channel).form}
    others = {name: value for name, value in channel.settings.items() if name not in asked}
    channel.name, channel.settings, channel.credentials = name, {**others, **kept}, secret or None
    adapter_of(channel).prepare()
    db.session.flush()
    polling.begin_anew(channel.id)
    audit.record("desk.channel.change", channel, by=by, before=before, after={"name": name, **_told(channel)})


def renew_secret(channel: Channel, *, by: User) -> None:
    """Give a channel a fresh secret to sign with; the one before is taken for another day."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    webhook.renew(channel, webhook.new_secret())
    db.session.flush()
    audit.record("desk.channel.renew_secret", channel, by=by)


def old_secret_until(channel: Channel) -> datetime | None:
    """Return until when the secret before the present one is taken; None where it is not any more."""
    told = (channel.credentials or {}).get("old_secret_until")
    until = None if told is None else datetime.fromisoformat(told)
    return None if until is None or until <= now() else until


def check(channel: Channel, *, by: User) -> list[Finding]:
    """Try a connection, and return what was found; what works is asked at once.

    Nothing may be written in the session before: its transaction ends before the service is waited for.
    """
    if not policy.may_manage_channels(by):
        raise NotAllowed
    channel_id = channel.id
    try:
        found = list(apart(channel_id).check())
    except ChannelFailed as failure:
        found = [Finding(is_well=False, words=failure.reason)]
    if all(one.is_well for one in found):
        polling.begin_anew(channel_id)
    return found


def _read(
    form: Sequence[Field], values: Mapping[str, str], before: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Return settings and secrets out of what was typed, and what is wrong with it by field."""
    kept: dict[str, Any] = {}
    secret = {name: value for name, value in before.items() if name not in {field.name for field in form}}
    wrong: dict[str, str] = {}
    for field in form:
        typed = values.get(field.name, "").strip()
        if field.is_secret and not typed:
            typed = before.get(field.name, "")
        try:
            value = _checked_value(field, typed)
        except KlinkeError as error:
            wrong[field.name] = error.sentence
            continue
        if not field.is_secret and value is not None:
            kept[field.name] = value
        elif field.is_secret and value:
            secret[field.name] = str(value)
    return kept, secret, wrong


def _checked_value(field: Field, typed: str) -> Any:
    if not typed and field.is_needed and field.kind != "switch":
        raise Invalid(gettext("This is still empty."))
    if not typed and field.kind == "choice" and field.default:
        return field.default
    if len(typed) > field.longest:
        raise Invalid(gettext("At most %(most)s characters, please.", most=field.longest))
    if field.kind == "number":
        return _number(field, typed)
    if field.kind == "switch":
        return typed in {"y", "on", "true", "1"}
    if field.kind == "url" and typed:
        _check_endpoint(typed)
    elif field.kind == "email" and typed and not _MAIL.fullmatch(typed):
        raise Invalid(gettext("An e-mail address, please."))
    elif field.kind == "choice" and typed not in {value for value, _ in field.choices}:
        raise Invalid(gettext("One of the choices, please."))
    if field.kind == "lines":
        return texts.block(typed, longest=field.longest, shortest=0)
    return typed if field.is_secret else texts.line(typed, longest=field.longest, shortest=0)


def _number(field: Field, typed: str) -> int | None:
    if not typed:
        return None
    if not _DIGITS.fullmatch(typed) or not 0 <= int(typed) <= field.most:
        raise Invalid(gettext("A number between 0 and %(most)s, please.", most=field.most))
    return int(typed)


def _told(channel: Channel) -> dict[str, Any]:
    """Return what the log may keep of a channel's settings; nothing secret is among them."""
    return {field.name: channel.settings.get(field.name) for field in adapter_of(channel).form if not field.is_secret}


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
    """Return by channel how it has been doing, from its newest messages: it costs the same however many it has."""
    is_late = (now() - OVERDUE) > _LEAVES_AT
    is_queued = Message.state == "queued"
    waiting = dict(
        db.session.execute(select(Message.channel_id, func.count()).where(is_queued).group_by(Message.channel_id)).all()
    )
    overdue = dict(
        db.session.execute(
            select(Message.channel_id, func.count()).where(is_queued, is_late).group_by(Message.channel_id)
        ).all()
    )
    rows = db.session.execute(
        select(
            Channel.id,
            _newest(Message.received_at, Message.direction == "in"),
            _newest(Message.sent_at, Message.direction == "out", Message.sent_at.is_not(None)),
            _newest(Message.id, Message.failure.is_not(None)),
        )
    ).all()
    failed = {
        message.id: message
        for message in db.session.scalars(select(Message).where(Message.id.in_([row[3] for row in rows if row[3]])))
    }
    return {
        row[0]: _health(row[1], row[2], failed.get(row[3]), waiting.get(row[0], 0), overdue.get(row[0], 0))
        for row in rows
    }


def _newest(value: Any, *wanted: ColumnElement[bool]) -> Any:
    """Select the value of a channel's newest message of a kind."""
    return (
        select(value)
        .where(Message.channel_id == Channel.id, *wanted)
        .order_by(Message.id.desc())
        .limit(1)
        .correlate(Channel)
        .scalar_subquery()
    )


def courses() -> Mapping[int, ChannelCourse]:
    """Return by channel how far it was read, of those that are asked."""
    return {course.channel_id: course for course in db.session.scalars(select(ChannelCourse))}


def connectable() -> list[tuple[str, Adapter]]:
    """Return the kinds of channels that an admin connects by hand, each with something that tells about it."""
    found = []
    for kind in sorted(kinds()):
        make = kind_of(kind)
        adapter = None if make is None else make(Channel(kind=kind, slug=kind, name=kind, settings={}))
        if adapter is not None and adapter.about:
            found.append((kind, adapter))
    return found


def complaint() -> str:
    """Say what is not well with the channels in use; empty when all is."""
    silent = [gettext("%(name)s does not answer", name=channel.name) for channel, _ in deafness.deaf()]
    late = dict(
        db.session.execute(
            select(Channel.name, func.count(Message.id))
            .join(Message, Message.channel_id == Channel.id)
            .where(Channel.disabled_at.is_(None), Message.state == "queued", (now() - OVERDUE) > _LEAVES_AT)
            .group_by(Channel.name)
            .order_by(Channel.name)
        ).all()
    )
    stuck = [
        ngettext(
            "%(name)s: %(num)s reply cannot be delivered",
            "%(name)s: %(num)s replies cannot be delivered",
            many,
            name=name,
        )
        for name, many in late.items()
    ]
    return "; ".join([*silent, *stuck])


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
