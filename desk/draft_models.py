"""Replies that a team writes together: the draft of a conversation, and what others wrote before in it."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy import text as words_of_sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, Model, UtcDateTime

_OPEN = words_of_sql("dropped_at is null")


class SharedDraft(Model):
    """The draft of a conversation; at most one is not dropped. What is dropped can be had back for a while."""

    __tablename__ = "shared_draft"
    __table_args__ = (
        Index("uq_shared_draft_open", "conversation_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_shared_draft_conversation", "conversation_id", "id"),
        Index("ix_shared_draft_dropped_at", "dropped_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    is_public: Mapped[bool | None]
    split: Mapped[str] = mapped_column(String(10), default="", server_default="")
    uses: Mapped[list[str]] = mapped_column(JSON, default=list)
    """What was put in, as the composer names it (`article:9:link`)."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts up with each change; who writes says which one they had before them."""
    turn_from: Mapped[int] = mapped_column(default=1)
    """The version with which whoever wrote last began: what is older is of others."""
    seen_id: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    """The last message that whoever wrote last had on the page; what is newer came after the text."""
    held_id: Mapped[int | None] = mapped_column(ForeignKey("held_reply.id", ondelete="SET NULL"), index=True)
    """The reply that came back and is gone on with here."""
    drafters: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Ids of everybody who wrote in it."""
    begun_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who wrote last."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    for_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """To whom it was handed."""
    dropped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dropped_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    begun_by: Mapped[User | None] = relationship(foreign_keys=[begun_by_id])
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    meant_for: Mapped[User | None] = relationship(foreign_keys=[for_id])
    dropped_by: Mapped[User | None] = relationship(foreign_keys=[dropped_by_id])


class EarlierDraft(Model):
    """What somebody wrote in a draft before a colleague went on, or what was not taken of two texts."""

    __tablename__ = "earlier_draft"
    __table_args__ = (Index("ix_earlier_draft_draft", "draft_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("shared_draft.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    by: Mapped[User | None] = relationship(lazy="joined")
