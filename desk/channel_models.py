"""Tables about how channels are read, and what belongs to messages beside their words."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, Model, UtcDateTime
from core.phrases import PhraseText
from core.secrets import EncryptedBytes


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
