"""How a reply leaves the house: when, in how many parts, after whose approval; and the texts that have not left it."""

from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, Model, UtcDateTime
from desk.models import Channel, Conversation, Message

Hold = Literal["back", "approval"]
HOLDS: tuple[Hold, ...] = get_args(Hold)


class Departure(Model):
    """What is known of a reply beside its text until it has left: what undoing it brings back, and which part it is."""

    __tablename__ = "departure"
    __table_args__ = (UniqueConstraint("series", "part"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    typed: Mapped[str] = mapped_column(Text, default="")
    """The text as its writer typed it: undivided, without initials. Empty once it is out, and in all parts but one."""
    uses: Mapped[list[Any]] = mapped_column(JSON, default=list)
    drafters: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")
    """Ids of who drafted it besides its writer."""
    state_before: Mapped[str] = mapped_column(String(20))
    waited_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Where the conversation stood, and since when the customer waited."""
    is_scheduled: Mapped[bool] = mapped_column(default=False, server_default=false())
    """It leaves at a time that was chosen, and not when something new arrives before."""
    series: Mapped[str | None] = mapped_column(String(40))
    part: Mapped[int] = mapped_column(default=1)
    parts: Mapped[int] = mapped_column(default=1)

    message: Mapped[Message] = relationship()

    @property
    def is_last(self) -> bool:
        return self.part == self.parts


class HeldReply(Model):
    """A reply that did not go out: it waits for a colleague, or came back to who wrote it. No text is lost."""

    __tablename__ = "held_reply"
    __table_args__ = (
        CheckConstraint(f"state in {HOLDS!r}", name="known_state"),
        Index("ix_held_reply_conversation", "conversation_id", "state"),
        Index("ix_held_reply_state", "state", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    """Who wrote it, or took it back."""
    state: Mapped[Hold] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    is_public: Mapped[bool]
    uses: Mapped[list[Any]] = mapped_column(JSON, default=list)
    drafters: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")
    """Ids of who drafted it besides its writer: none of them approves it."""
    split: Mapped[str] = mapped_column(String(10), default="", server_default="")
    send_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The time that was chosen for it."""
    reason: Mapped[str] = mapped_column(String(20), default="")
    """Why it is here: a word of `desk.holding.REASONS`."""
    rule: Mapped[str] = mapped_column(String(80), default="")
    """The name of the rule that asks for approval."""
    note: Mapped[str] = mapped_column(Text, default="")
    note_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    conversation: Mapped[Conversation] = relationship()
    by: Mapped[User] = relationship(foreign_keys=[by_id])
    note_by: Mapped[User | None] = relationship(foreign_keys=[note_by_id])


class ApprovalRule(Model):
    """Which replies a second person reads before they go out: all conditions that are given must hold."""

    __tablename__ = "approval_rule"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"), index=True)
    of_trainees: Mapped[bool] = mapped_column(default=False, server_default=false())
    least_heat: Mapped[int | None]
    """From 1 to 100, as `desk.heat` tells."""
    intent: Mapped[str | None] = mapped_column(String(10))
    """What the customer wants, as triage takes it or a person corrected it."""
    words: Mapped[str] = mapped_column(Text, default="")
    """One expression a line; one of them stands in the reply or in what the customer wrote last."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    channel: Mapped[Channel | None] = relationship()


class AgentProfile(Model):
    """What the desk knows of somebody who works there."""

    __tablename__ = "agent_profile"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    initials: Mapped[str] = mapped_column(String(8), default="")
    is_trainee: Mapped[bool] = mapped_column(default=False, server_default=false())
