"""What was promised to those who write, when it counts, and what the clocks of conversations went through."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from desk.models import Channel, Conversation, Promised

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

Rest = Literal["customer", "inside", "snoozed"]
"""What a clock stands still for."""
EventKind = Literal[
    "answered",
    "acknowledged",
    "solved",
    "reopened",
    "dismissed",
    "paused",
    "resumed",
    "moved",
    "promised",
    "warned",
    "escalated",
]
GoodwillState = Literal["asked", "granted", "declined"]


class Calendar(Model):
    """When somebody works: hours of a week on the wall's clock of a place, and the days that are free."""

    __tablename__ = "calendar"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    time_zone: Mapped[str] = mapped_column(String(60))
    week: Mapped[list[list[list[int]]]] = mapped_column(JSON)
    """Seven days from Monday, each a list of [from, until] in minutes since midnight."""
    region: Mapped[str] = mapped_column(String(10), default="")
    """Whose public holidays are free (DE-BW); empty: nobody's."""
    closed: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """Free days of one's own by ISO date, and what they are called."""


class AnswerPolicy(Model):
    """In what time customers are to have an answer. All minutes count by the calendar, and 0 promises nothing."""

    __tablename__ = "answer_policy"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    from_priority: Mapped[int | None]
    """It holds for conversations of this priority or a higher one; None: for all."""
    intent: Mapped[str | None] = mapped_column(String(20))
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendar.id"))
    """None: around the clock."""
    first_minutes: Mapped[int]
    hard_minutes: Mapped[int]
    next_minutes: Mapped[int]
    solution_minutes: Mapped[int]
    warn_minutes: Mapped[int]
    rests_inside: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether the clock stands while a colleague is asked, or while it is put aside."""

    calendar: Mapped[Calendar | None] = relationship(lazy="joined")
    channel: Mapped[Channel | None] = relationship()


class ConversationClock(Model):
    """The clock of one conversation. `desk.clocks` sets it, nobody else."""

    __tablename__ = "conversation_clock"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True)
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("answer_policy.id", ondelete="SET NULL"))
    policy_name: Mapped[str] = mapped_column(String(80), default="")
    """Where the promise comes from, as it was called then; empty: from the settings."""
    promise: Mapped[Literal["first", "next"] | None] = mapped_column(String(10))
    """What the customer waits for; None when they do not."""
    answer_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hard_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    solution_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    warn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When it is to be said that the answer is due soon; None when it was."""
    escalate_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When the ladder is to be looked at again; None when it was climbed."""
    rest: Mapped[Rest | None] = mapped_column(String(10))
    rests_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer_left: Mapped[int | None] = mapped_column(BigInteger)
    """Counted time that was left when the clock was stopped, in microseconds, beneath 0 when it was late."""
    solution_left: Mapped[int | None] = mapped_column(BigInteger)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    began_hour: Mapped[int]
    """The hour of the house's day in which it began."""
    first_answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    solved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dismissed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody said that nothing is to be answered."""
    reopened: Mapped[int] = mapped_column(default=0)
    escalated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    escalated_to_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    given_why: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Why the conversation went to its assignee by itself; None when a person gave it."""

    conversation: Mapped[Conversation] = relationship(back_populates="clock")
    escalated_to: Mapped[User | None] = relationship()


class ClockEvent(Model):
    """What happened to a clock, written when it happened: its history, and what figures are made of."""

    __tablename__ = "clock_event"
    __table_args__ = (
        Index("ix_clock_event_kind_at", "kind", "at", "id"),
        Index("ix_clock_event_conversation", "conversation_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    kind: Mapped[EventKind] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    """Who did it; None when it came by itself."""
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    promise: Mapped[Promised | None] = mapped_column(String(10))
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when the customer waited, or the clock stood."""
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seconds: Mapped[int | None] = mapped_column(BigInteger)
    """How much counted time it took."""
    is_kept: Mapped[bool | None]
    hour: Mapped[int | None]
    """The hour of the customer's day in which the waiting began, by the house's clock."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    key: Mapped[str | None] = mapped_column(String(100), unique=True)
    """What may happen once has a key; the row is what makes it once."""

    by: Mapped[User | None] = relationship()
    conversation: Mapped[Conversation] = relationship()


class Acknowledgement(Model):
    """A reply that only says: we are at it. The answer is promised."""

    __tablename__ = "acknowledgement"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("promise.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class EscalationStep(Model):
    """One rung of a ladder: who decides when an answer is so late, and what they may give away."""

    __tablename__ = "escalation_step"
    __table_args__ = (CheckConstraint("limit_cents >= 0", name="limit_is_no_debt"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    after_minutes: Mapped[int]
    """So long after the answer was due, by every clock on the wall."""
    decider_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    limit_cents: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3), default="EUR")

    decider: Mapped[User] = relationship(foreign_keys=[decider_id], lazy="joined", innerjoin=True)
    deputy: Mapped[User | None] = relationship(foreign_keys=[deputy_id], lazy="joined")
    channel: Mapped[Channel | None] = relationship()


class Goodwill(Model):
    """Something given away to make up for it: who asked, who decided, how much and why."""

    __tablename__ = "goodwill"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="is_something"),
        CheckConstraint("state in ('asked', 'granted', 'declined')", name="known_state"),
        Index("ix_goodwill_asked_at", "asked_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    amount_cents: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[GoodwillState] = mapped_column(String(10), default="asked")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    decider_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who decided, or is to decide."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(Text, default="")

    asked_by: Mapped[User | None] = relationship(foreign_keys=[asked_by_id])
    decider: Mapped[User | None] = relationship(foreign_keys=[decider_id])
    conversation: Mapped[Conversation] = relationship()
