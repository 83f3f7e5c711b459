"""Tables about how channels are read, and what belongs to messages beside their words."""

from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy import text as words_of_sql
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, Model, UtcDateTime
from core.phrases import PhraseText
from core.secrets import EncryptedBytes

Outcome = Literal["taken", "twice", "refused", "failed", "underway", "sent"]
"""What became of a delivery: a message, nothing new, nothing since nobody has proven it, nothing although it is proven;
on its way, taken by the other side."""
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
_HAS_DIGEST = words_of_sql("digest is not null")


class ChannelCourse(Model):
    """How far a channel has been read, and how it is doing."""

    __tablename__ = "channel_course"
    __table_args__ = (Index("ix_channel_course_next", "next_at"),)

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"), primary_key=True)
    cursor: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What the channel's module needs to go on where it stopped."""
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """It is asked again then; None: it is not asked."""
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """One worker is asking it."""
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it answered last."""
    lag_seconds: Mapped[int | None]
    """How old the newest of what it told last was when we heard of it."""
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failure: Mapped[str] = mapped_column(PhraseText, default="", server_default="")
    """Why it does not answer, in the words of who reads it; empty while it does."""
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """So many times in a row."""
    unread: Mapped[int] = mapped_column(default=0, server_default="0")
    """So many things it told could not be taken in."""
    quota_left: Mapped[int | None]
    quota_renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """What we sign in with is worth nothing after that."""
    begun_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """An admin said then how it is connected, or that it works: whoever holds a connection from before lets go."""
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The admins were told that it is deaf; None while it is well."""


class MessageVersion(Model):
    """What a message said before its writer changed it, there or here."""

    __tablename__ = "message_version"
    __table_args__ = (Index("ix_message_version_message", "message_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    """It said so until then."""


class MessageFile(Model):
    """A picture or file that came with a message; only agents open it."""

    __tablename__ = "message_file"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    words: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What it shows, where its sender said it."""
    content: Mapped[bytes] = mapped_column(EncryptedBytes, deferred=True)


class RemovedMessage(Model):
    """Who wrote a message took it away before we heard of it; when it comes after all, it is not taken in."""

    __tablename__ = "removed_message"
    __table_args__ = (UniqueConstraint("channel_id", "external_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ChannelDelivery(Model):
    """What was delivered to a channel that keeps a log, or handed over by it, and what came of it."""

    __tablename__ = "channel_delivery"
    __table_args__ = (
        CheckConstraint("direction in ('in', 'out')", name="known_direction"),
        CheckConstraint(f"outcome in {OUTCOMES!r}", name="known_outcome"),
        Index("ix_channel_delivery_log", "channel_id", "id"),
        Index("ix_channel_delivery_outcome", "channel_id", "outcome", "id", "direction"),
        Index("ix_channel_delivery_message", "message_id"),
        Index(
            "ix_channel_delivery_digest",
            "channel_id",
            "digest",
            sqlite_where=_HAS_DIGEST,
            postgresql_where=_HAS_DIGEST,
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    """What it became, or what was handed over; the line goes with the message."""
    direction: Mapped[Literal["in", "out"]] = mapped_column(String(3))
    outcome: Mapped[Outcome] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """How the one who delivers calls it."""
    status: Mapped[int | None]
    """What was answered; None where nobody did."""
    attempts: Mapped[int] = mapped_column(default=1, server_default="1")
    milliseconds: Mapped[int] = mapped_column(default=0, server_default="0")
    """How long the last attempt took."""
    size: Mapped[int] = mapped_column(default=0, server_default="0")
    """Bytes of the body, whether or not it is kept."""
    kept: Mapped[int] = mapped_column(default=0, server_default="0")
    """Bytes of it that are kept: all or none."""
    left_out: Mapped[int] = mapped_column(default=0, server_default="0")
    """So many more were refused before it and not written down, so that a flood fills no disk."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    tried_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    """The last attempt."""
    digest: Mapped[str | None] = mapped_column(String(64))
    """Of the body, keyed; where its signature carries no time the same bytes make one message."""
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it was refused or failed, in words."""
    facts: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """What its headers said that may be kept; no signature is among them."""
    body: Mapped[bytes | None] = mapped_column(EncryptedBytes, deferred=True)
    """Last, so that a list reads no page of it."""
