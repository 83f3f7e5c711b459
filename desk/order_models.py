"""Keeping order: what is hidden or corrected at a service, and what was done before somebody is blocked."""

from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy import text as words_of_sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, Model, UtcDateTime
from desk.models import Contact, Message

ErrandState = Literal["queued", "done", "failed", "unsure"]
CorrectionState = Literal["approval", "back", "queued", "done", "failed", "unsure", "dropped"]
Step = Literal["ask", "mute", "hide", "restrict", "block"]
STEPS: Final[tuple[Step, ...]] = get_args(Step)
"""The ladder, from its lowest step up."""
StepState = Literal["asked", "in_force", "over", "declined"]
HeldState = Literal["waiting", "let_in", "closed"]
LONGEST_REASON: Final = 300
LONGEST_CORRECTION_NOTE: Final = 2000
_QUEUED = words_of_sql("state = 'queued'")
_OPEN = words_of_sql("state in ('approval', 'back', 'queued', 'failed', 'unsure')")
_IN_FORCE = words_of_sql("state = 'in_force'")
_ASKED = words_of_sql("state = 'asked'")
_WAITING = words_of_sql("state = 'waiting'")


class MessageHiding(Model):
    """Somebody wanted a customer's message hidden at its service, or shown again, and what came of it."""

    __tablename__ = "message_hiding"
    __table_args__ = (
        CheckConstraint(f"state in {get_args(ErrandState)!r}", name="known_state"),
        Index("ix_message_hiding_message", "message_id", "id"),
        Index("uq_message_hiding_queued", "message_id", unique=True, sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    is_hidden: Mapped[bool]
    """What is wanted."""
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """None: a step of the ladder says that what they write is hidden."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    state: Mapped[ErrandState] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failure: Mapped[str | None] = mapped_column(Text)
    """Why it failed, will be tried again or is unsure, in words."""
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    message: Mapped[Message] = relationship()
    by: Mapped[User | None] = relationship()


class MessageCorrection(Model):
    """Other words for a reply that was sent; the old ones become a `MessageVersion` once the service has the new."""

    __tablename__ = "message_correction"
    __table_args__ = (
        CheckConstraint(f"state in {get_args(CorrectionState)!r}", name="known_state"),
        Index("ix_message_correction_message", "message_id", "id"),
        Index("uq_message_correction_open", "message_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    """Empty once it is done: the message says it."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    state: Mapped[CorrectionState] = mapped_column(String(10), default="queued")
    rule: Mapped[str] = mapped_column(String(80), default="", server_default="")
    """The name of the rule that asks for a second person."""
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why a colleague gave it back."""
    attempts: Mapped[int] = mapped_column(default=0)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failure: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    message: Mapped[Message] = relationship()
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])


class ContactStep(Model):
    """A step of the ladder that was taken, or asked for, with somebody; of one contact at most one is in force."""

    __tablename__ = "contact_step"
    __table_args__ = (
        CheckConstraint(f"step in {STEPS!r}", name="known_step"),
        CheckConstraint(f"state in {get_args(StepState)!r}", name="known_state"),
        Index("ix_contact_step_contact", "contact_id", "id"),
        Index(
            "uq_contact_step_in_force", "contact_id", unique=True, sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE
        ),
        Index("uq_contact_step_asked", "contact_id", unique=True, sqlite_where=_ASKED, postgresql_where=_ASKED),
        Index("ix_contact_step_until", "until", sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    step: Mapped[Step] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """It ends by itself then; None: somebody ends it."""
    days: Mapped[int | None]
    """For how many days it was asked for: they begin when it is in force."""
    state: Mapped[StepState] = mapped_column(String(10), default="in_force")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """The second person of a block."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(String(LONGEST_REASON), default="", server_default="")
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_why: Mapped[str] = mapped_column(String(LONGEST_REASON), default="", server_default="")

    contact: Mapped[Contact] = relationship()
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    ended_by: Mapped[User | None] = relationship(foreign_keys=[ended_by_id])


class HeldArrival(Model):
    """A message of somebody who is restricted: it waits for a look before it is a case."""

    __tablename__ = "held_arrival"
    __table_args__ = (
        CheckConstraint(f"state in {get_args(HeldState)!r}", name="known_state"),
        Index("ix_held_arrival_waiting", "at", "message_id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_held_arrival_conversation", "conversation_id", "state"),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    state: Mapped[HeldState] = mapped_column(String(10), default="waiting")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who looked; None where nobody did in time."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="", server_default="")

    message: Mapped[Message] = relationship()
