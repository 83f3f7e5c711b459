"""The log of what is delivered to a channel and handed over by it: when, what came of it, and for a time the words.

One line a delivery, written in the transaction of the message. What nobody proves gets a line without its body, a few
a minute and then only a number, so that a flood fills no disk and holds no writer up. Lines and bodies are bounded in
days, number and bytes; a chore takes out what is beyond, some at a time.
"""

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from flask import current_app
from flask_babel import gettext
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from accounts import audit
from accounts.models import User
from core import db as database
from core import paging
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import NotAllowed, NotFound
from core.settings import current_settings
from core.worker import chore
from desk import policy
from desk.channel_models import ChannelDelivery, Outcome
from desk.channels.base import Exchange, adapter_of, tidied
from desk.models import Channel, Message
from desk.retention_models import RetentionRule

PAGE: Final = 30
LARGEST_KEPT: Final = 64 * 1024
"""Of a longer body only the size is kept."""
LARGEST_SIZE: Final = 2**31 - 1
MOST_LINES: Final = 20_000
"""Of one channel."""
MOST_REFUSED: Final = 1000
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of kept bodies, of one channel."""
REFUSED_A_MINUTE: Final = 30
"""Written down, of one channel, by one process."""
MINUTE: Final = 60.0
AT_ONCE: Final = 500
LONGEST_KEY: Final = 300
LONGEST_REASON: Final = 1000
LONGEST_FACT: Final = 120
MOST_FACTS: Final = 10
NOTHING_OF_IT: Final[dict[str, Any]] = {"body": None, "kept": 0, "key": "", "reason": "", "facts": {}}
"""What a line says after its words were taken out: that there was a delivery."""

Wanted = Literal["all", "failed", "refused"]
WANTED: Final[Mapping[Wanted, tuple[Outcome, ...]]] = {
    "all": (),
    "failed": ("failed", "underway"),
    "refused": ("refused",),
}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """A delivery at the door of a channel that keeps a log, as far as it is written down."""

    channel_id: int
    raw: bytes
    size: int
    key: str
    facts: dict[str, str]
    is_untimed: bool
    began: float

    @property
    def digest(self) -> str | None:
        """What tells the same bytes again, where their signature says nothing of when."""
        return digest_of(self.raw) if self.is_untimed else None


def arriving(
    channel: Channel | None, headers: Mapping[str, str], raw: bytes, *, size: int, began: float
) -> Arriving | None:
    """Return what the log will say of a delivery; None where there is no log to say it."""
    if channel is None or not (adapter := adapter_of(channel)).capabilities.keeps_log:
        return None
    return Arriving(
        channel_id=channel.id,
        raw=raw,
        size=size,
        key=_line(adapter.delivery_id(headers), LONGEST_KEY),
        facts=_facts(headers),
        is_untimed=adapter.capabilities.untimed,
        began=began,
    )


def took_before(one: Arriving) -> bool:
    """Tell whether the same bytes were taken in before, although no message of theirs is there any more."""
    if one.digest is None:
        return False
    same = select(ChannelDelivery.id).where(
        ChannelDelivery.channel_id == one.channel_id,
        ChannelDelivery.digest == one.digest,
        ChannelDelivery.outcome.in_(("taken", "twice")),
    )
    return db.session.scalar(same.limit(1)) is not None


def note_taken(one: Arriving, *, message_id: int | None, name: str, is_new: bool, status: int, why: str = "") -> None:
    """Write down that a delivery made a message, or that its message was there; the caller commits both together."""
    outcome: Outcome = "taken" if is_new else "twice"
    _add(one, outcome, status=status, reason=why, message_id=message_id, name=name, keeps_body=is_new)


def note_failed(one: Arriving, *, status: int, reason: str) -> None:
    """Write down that a proven delivery could not be taken in; its body is kept for when that is mended."""
    _add(one, "failed", status=status, reason=reason)


def note_refused(one: Arriving, *, status: int, reason: str) -> None:
    """Write down what nobody has proven, in a transaction of its own, without its body and a few a minute at most."""
    left_out = _flood.let_through(one.channel_id)
    if left_out is None:
        return
    try:
        with database.impatient():
            _add(one, "refused", status=status, reason=reason, keeps_body=False, left_out=left_out)
            db.session.commit()
    except SQLAlchemyError:
        db.session.rollback()
        _flood.leave_out(one.channel_id, left_out + 1)
        log.warning("a refused delivery to channel %s is not in its log: the database is busy", one.channel_id)


def note_handed_over(message: Message, exchange: Exchange | None, *, reason: str) -> ChannelDelivery | None:
    """Write down an attempt to hand a message over, one line a message; None where its channel keeps no log.

    With a reason the message did not arrive and is underway, until the caller says otherwise.
    """
    if exchange is None:
        return None
    row = db.session.scalars(
        select(ChannelDelivery)
        .where(ChannelDelivery.message_id == message.id, ChannelDelivery.direction == "out")
        .order_by(ChannelDelivery.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        row = ChannelDelivery(
            channel_id=message.channel_id, message_id=message.id, direction="out", attempts=0, facts={}
        )
        db.session.add(row)
    row.key = (message.idempotency_key or "")[:LONGEST_KEY]
    row.body, row.kept = _kept(exchange.body)
    row.size = len(exchange.body)
    note_attempt(row, exchange, reason=reason)
    return row


def note_attempt(row: ChannelDelivery, exchange: Exchange | None, *, reason: str) -> None:
    """Write down how another attempt to hand it over went."""
    row.attempts = row.attempts + 1
    row.tried_at = now()
    row.outcome = "underway" if reason else "sent"
    row.reason = reason[:LONGEST_REASON]
    if exchange is not None:
        row.status = exchange.status
        row.milliseconds = int(exchange.seconds * 1000)
    db.session.flush()


def digest_of(raw: bytes) -> str:
    """Return what tells the same bytes again; keyed, so that nobody can try out what they were."""
    return hmac.new(str(current_app.config["SECRET_KEY"]).encode(), raw, hashlib.sha256).hexdigest()


def lines(channel: Channel, *, wanted: Wanted, cursor: str | None) -> paging.Page[ChannelDelivery]:
    """Return what was delivered and handed over, the newest first."""
    statement = select(ChannelDelivery).where(ChannelDelivery.channel_id == channel.id)
    if outcomes := WANTED[wanted]:
        statement = statement.where(ChannelDelivery.outcome.in_(outcomes))
    return paging.page(statement, by=(ChannelDelivery.id,), cursor=cursor, size=PAGE)


def line(delivery_id: int) -> ChannelDelivery:
    """Return one line, or raise `NotFound`."""
    found = db.session.get(ChannelDelivery, delivery_id) if 0 < delivery_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("This delivery is not in the log any more."))
    return found


def read(row: ChannelDelivery, *, by: User) -> bytes:
    """Return the body of a delivery, and note who read it; raise `NotFound` where it is not kept."""
    if not policy.may_read_deliveries(by):
        raise NotAllowed
    body = body_of(row)
    if body is None:
        raise NotFound(gettext("The body of this delivery is not kept, or not any more."))
    audit.record("desk.delivery.read", row, by=by)
    return body


def body_of(row: ChannelDelivery) -> bytes | None:
    return db.session.scalar(select(ChannelDelivery.body).where(ChannelDelivery.id == row.id))


@dataclass(slots=True)
class Counts:
    """How many lines of each outcome the log of a channel has."""

    taken: int = 0
    twice: int = 0
    refused: int = 0
    failed: int = 0
    """To be taken in."""
    sent: int = 0
    underway: int = 0
    unsent: int = 0
    """Given up."""


def counts(channel_ids: Collection[int]) -> Mapping[int, Counts]:
    """Return by channel how many lines of each outcome there are."""
    found = {each: Counts() for each in channel_ids}
    rows = db.session.execute(
        select(ChannelDelivery.channel_id, ChannelDelivery.outcome, ChannelDelivery.direction, func.count())
        .where(ChannelDelivery.channel_id.in_(found))
        .group_by(ChannelDelivery.channel_id, ChannelDelivery.outcome, ChannelDelivery.direction)
    )
    for channel_id, outcome, direction, many in rows:
        name = "unsent" if outcome == "failed" and direction == "out" else outcome
        setattr(found[channel_id], name, many)
    return found


def forget_messages(ids: Sequence[int]) -> None:
    """Take the words of messages out of the log; that they were delivered stays."""
    db.session.execute(update(ChannelDelivery).where(ChannelDelivery.message_id.in_(ids)).values(NOTHING_OF_IT))


def forget_bodies(channel_ids: Collection[int]) -> None:
    """Take every body out of the logs of channels.

    A delivery that became no message may be anybody's, and one of somebody else quotes what was said before it: whose
    words they are cannot be told, so none stays.
    """
    has_words = (ChannelDelivery.body.is_not(None), ChannelDelivery.channel_id.in_(channel_ids))
    db.session.execute(update(ChannelDelivery).where(*has_words).values(body=None, kept=0))


@chore("desk.deliveries.forget", every=60)
def forget() -> int:
    """Take out what is older or more than a log may have; return how many lines and bodies that were."""
    gone = 0
    before = now() - timedelta(days=current_settings().delivery_log_days)
    for channel_id in db.session.scalars(select(ChannelDelivery.channel_id).distinct()).all():
        gone += _forget_old(channel_id, before)
        gone += _forget_more_than(MOST_REFUSED, channel_id, ChannelDelivery.outcome == "refused")
        gone += _forget_more_than(MOST_LINES, channel_id)
        gone += _forget_unclaimed(channel_id)
        gone += _forget_bytes(channel_id)
    return gone


def _forget_old(channel_id: int, before: datetime) -> int:
    gone = 0
    while True:
        # Lines are in the order of time, so that the first that is young enough ends it.
        rows = db.session.execute(
            select(ChannelDelivery.id, ChannelDelivery.created_at)
            .where(ChannelDelivery.channel_id == channel_id)
            .order_by(ChannelDelivery.id)
            .limit(AT_ONCE)
        ).all()
        ids = [row.id for row in rows if row.created_at < before]
        gone += _delete(ids)
        if len(ids) < AT_ONCE:
            return gone


def _forget_more_than(most: int, channel_id: int, *which: ColumnElement[bool]) -> int:
    mine = select(ChannelDelivery.id).where(ChannelDelivery.channel_id == channel_id, *which)
    newest_too_many = db.session.scalar(mine.order_by(ChannelDelivery.id.desc()).offset(most).limit(1))
    gone = 0
    while newest_too_many is not None:
        ids = db.session.scalars(
            mine.where(ChannelDelivery.id <= newest_too_many).order_by(ChannelDelivery.id).limit(AT_ONCE)
        ).all()
        gone += _delete(ids)
        if len(ids) < AT_ONCE:
            break
    return gone


def _forget_unclaimed(channel_id: int) -> int:
    """Take out bodies that became no message and are older than words may be (`desk.retention`)."""
    rule = db.session.get(RetentionRule, 1)
    days = (
        min((some for some in (rule.public_days, rule.private_days) if some is not None), default=None)
        if rule
        else None
    )
    if days is None:
        return 0
    old = (
        ChannelDelivery.channel_id == channel_id,
        ChannelDelivery.outcome == "failed",
        ChannelDelivery.message_id.is_(None),
        ChannelDelivery.kept > 0,
        ChannelDelivery.created_at < now() - timedelta(days=days),
    )
    return _empty(
        db.session.scalars(select(ChannelDelivery.id).where(*old).order_by(ChannelDelivery.id).limit(AT_ONCE)).all()
    )


def _forget_bytes(channel_id: int) -> int:
    gone = 0
    has_body = (ChannelDelivery.channel_id == channel_id, ChannelDelivery.kept > 0)
    over = (db.session.scalar(select(func.sum(ChannelDelivery.kept)).where(*has_body)) or 0) - MOST_BYTES
    while over > 0:
        rows = db.session.execute(
            select(ChannelDelivery.id, ChannelDelivery.kept)
            .where(*has_body)
            .order_by(ChannelDelivery.id)
            .limit(AT_ONCE)
        ).all()
        ids = []
        for row in rows:
            if over <= 0:
                break
            ids.append(row.id)
            over -= row.kept
        if not ids:
            break
        gone += _empty(ids)
    return gone


def _delete(ids: Sequence[int]) -> int:
    if ids:
        db.session.execute(delete(ChannelDelivery).where(ChannelDelivery.id.in_(ids)))
    db.session.commit()
    return len(ids)


def _empty(ids: Sequence[int]) -> int:
    if ids:
        db.session.execute(update(ChannelDelivery).where(ChannelDelivery.id.in_(ids)).values(body=None, kept=0))
    db.session.commit()
    return len(ids)


def _add(
    one: Arriving,
    outcome: Outcome,
    *,
    status: int,
    reason: str,
    message_id: int | None = None,
    name: str = "",
    keeps_body: bool = True,
    left_out: int = 0,
) -> None:
    body, kept = _kept(one.raw) if keeps_body else (None, 0)
    db.session.add(
        ChannelDelivery(
            channel_id=one.channel_id,
            message_id=message_id,
            direction="in",
            outcome=outcome,
            key=one.key or _line(name, LONGEST_KEY),
            status=status,
            milliseconds=int((time.monotonic() - one.began) * 1000),
            size=min(one.size, LARGEST_SIZE),
            kept=kept,
            left_out=left_out,
            digest=one.digest if outcome in {"taken", "twice"} else None,
            reason=tidied(reason)[:LONGEST_REASON],
            facts=one.facts,
            body=body,
        )
    )
    db.session.flush()


def _kept(body: bytes) -> tuple[bytes | None, int]:
    return (body, len(body)) if 0 < len(body) <= LARGEST_KEPT else (None, 0)


def _facts(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what helps to see why a delivery was refused: who says to send it, and which headers are there."""
    told = {name: _line(headers[name], LONGEST_FACT) for name in ("content-type", "user-agent") if headers.get(name)}
    names = sorted(name for name in headers if "hook" in name or "sign" in name or "time" in name)
    if names:
        told["headers"] = _line(", ".join(name[:LONGEST_FACT] for name in names[:MOST_FACTS]), LONGEST_FACT * 2)
    return told


def _line(words: str, longest: int) -> str:
    return " ".join(tidied(words).split())[:longest]


@dataclass(slots=True)
class _Minute:
    began: float
    written: int = 0
    left_out: int = 0


@dataclass(slots=True)
class _Flood:
    """How many refused deliveries this process wrote down in this minute, by channel; the others are only counted."""

    minutes: dict[int, _Minute] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def let_through(self, channel_id: int) -> int | None:
        """Return how many were left out since the last that was written; None where this one is left out, too."""
        with self.lock:
            minute = self.minutes.setdefault(channel_id, _Minute(time.monotonic()))
            if time.monotonic() - minute.began >= MINUTE:
                minute.began, minute.written = time.monotonic(), 0
            if minute.written >= REFUSED_A_MINUTE:
                minute.left_out += 1
                return None
            minute.written += 1
            left_out, minute.left_out = minute.left_out, 0
            return left_out

    def leave_out(self, channel_id: int, many: int) -> None:
        with self.lock:
            self.minutes.setdefault(channel_id, _Minute(time.monotonic())).left_out += many


_flood: Final = _Flood()
