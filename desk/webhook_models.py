"""Who is told of what happens, and how each telling went."""

from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, Model, UtcDateTime
from core.phrases import PhraseText
from core.secrets import Encrypted

Words = Literal["none", "public", "all"]
"""Which words of customers and of the team go along: none, those that everybody can read, or private ones, too."""
WORDS: Final[tuple[Words, ...]] = get_args(Words)
Fate = Literal["queued", "arrived", "failed"]
FATES: Final[tuple[Fate, ...]] = get_args(Fate)


class Webhook(Model):
    """An address that is told of events."""

    __tablename__ = "webhook"
    __table_args__ = (CheckConstraint(f"words in {WORDS!r}", name="known_words"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(2000))
    events: Mapped[list[str]] = mapped_column(JSON)
    words: Mapped[Words] = mapped_column(String(10), default="public")
    secret: Mapped[str] = mapped_column(Encrypted)
    """Signs what goes out (`whsec_…`)."""
    old_secret: Mapped[str | None] = mapped_column(Encrypted)
    """Signs as well until then, so that the other side has time to take the new one."""
    old_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    why_disabled: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """`gone`, where the address said so (410); empty where an admin did it."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    by: Mapped[User | None] = relationship(lazy="joined")


class WebhookDelivery(Model):
    """One event for one address: what was said, how often it was tried, and what came back."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "key"),
        CheckConstraint(f"state in {FATES!r}", name="known_state"),
        Index("ix_webhook_delivery_log", "webhook_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(100))
    """What happened; an event that is told of twice is one."""
    event: Mapped[str] = mapped_column(String(40))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    payload: Mapped[str] = mapped_column(Text)
    """The very text that is signed and sent."""
    state: Mapped[Fate] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[int | None]
    """What the address answered last; None where it did not."""
    answer: Mapped[str] = mapped_column(PhraseText, default="", server_default="")
    """How its answer began, or why there was none."""

    webhook: Mapped[Webhook] = relationship(lazy="joined", innerjoin=True)
