"""Serious complaints that are closed, and what their authors write in public while they are watched."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as words_of_sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, Model, UtcDateTime
from desk.models import Conversation, Message

_OPEN = words_of_sql("ended_at is null")


class CaseWatch(Model):
    """What the person of a conversation writes in public is watched for some days; it ends by itself."""

    __tablename__ = "case_watch"
    __table_args__ = (
        Index("uq_case_watch_open", "conversation_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_case_watch_until", "until", "conversation_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_case_watch_conversation", "conversation_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    because: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What made it serious: `heat`, `band`, `intent`; empty where an agent began it."""
    begun_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """None: it began by itself."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody ended it; one that is over by its time needs no hand."""
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    alarmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When who had it was alarmed: once."""

    begun_by: Mapped[User | None] = relationship(foreign_keys=[begun_by_id])
    conversation: Mapped[Conversation] = relationship()


class CaseWatchHit(Model):
    """A public message that a watch caught, in the conversation itself or in another one."""

    __tablename__ = "case_watch_hit"
    __table_args__ = (UniqueConstraint("watch_id", "message_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    watch_id: Mapped[int] = mapped_column(ForeignKey("case_watch.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    watch: Mapped[CaseWatch] = relationship()
    message: Mapped[Message] = relationship()
