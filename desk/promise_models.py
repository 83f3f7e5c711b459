"""The tables of what was promised to customers, whom to call back, and what the linter found in stored texts."""

from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, Model, UtcDateTime
from core.secrets import Encrypted
from desk import person_models  # noqa: F401 -- a call-back refers to its table
from desk.models import Conversation

PromiseState = Literal["open", "kept", "broken", "withdrawn"]
PROMISE_STATES: Final[tuple[PromiseState, ...]] = get_args(PromiseState)
CallState = Literal["open", "reached", "given_up", "cancelled"]
CALL_STATES: Final[tuple[CallState, ...]] = get_args(CallState)
CallResult = Literal["reached", "no_answer", "busy", "wrong_number"]
CALL_RESULTS: Final[tuple[CallResult, ...]] = get_args(CallResult)
LONGEST_WHAT: Final = 500
LONGEST_REASON: Final = 1000


class Promise(Model):
    """What was promised to a customer, by whom and until when.

    It belongs to the conversation, not to who has that: it outlives replies and a change of hands.
    """

    __tablename__ = "promise"
    __table_args__ = (
        CheckConstraint(f"state in {PROMISE_STATES!r}", name="known_state"),
        Index("ix_promise_state", "state", "due_at", "id"),
        Index("ix_promise_conversation", "conversation_id", "due_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"), index=True)
    """The reply that said it; None where it was said elsewhere, as on the telephone."""
    what: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    """Who is to keep it."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who promised."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[PromiseState] = mapped_column(String(10), default="open")
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was kept or withdrawn; of a broken one, when it was done after all."""
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    nudged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id], lazy="joined")


class CallBack(Model):
    """Somebody wants to be called, within some hours. The number is kept only as long as it is needed."""

    __tablename__ = "call_back"
    __table_args__ = (
        CheckConstraint(f"state in {CALL_STATES!r}", name="known_state"),
        Index("ix_call_back_state", "state", "until", "id"),
        Index("ix_call_back_conversation", "conversation_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    phone: Mapped[str | None] = mapped_column(Encrypted)
    """None once it is over."""
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    about: Mapped[str] = mapped_column(Text, default="", server_default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    state: Mapped[CallState] = mapped_column(String(10), default="open")
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    nudged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    counter_id: Mapped[int | None] = mapped_column(ForeignKey("counter.id", ondelete="SET NULL"), unique=True)
    """The secure counter at which the customer chose the time; of each one comes one call-back."""
    is_unverified: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Anybody who read along may have left the number."""

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id], lazy="joined")
    attempts: Mapped[list["CallAttempt"]] = relationship(order_by="CallAttempt.id", lazy="selectin")


class CallAttempt(Model):
    """One time that somebody rang, and what came of it."""

    __tablename__ = "call_attempt"
    __table_args__ = (CheckConstraint(f"result in {CALL_RESULTS!r}", name="known_result"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    call_back_id: Mapped[int] = mapped_column(ForeignKey("call_back.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    result: Mapped[CallResult] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")

    by: Mapped[User | None] = relationship(lazy="joined")


class LintFinding(Model):
    """What the nightly run found in a stored text, once for each of its words."""

    __tablename__ = "lint_finding"
    __table_args__ = (
        UniqueConstraint("source", "ref", "type", "seal"),
        Index("ix_lint_finding_open", "settled_at", "found_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    """Whose text it is: `face`, `block`."""
    ref: Mapped[str] = mapped_column(String(80))
    type: Mapped[str] = mapped_column(String(30))
    seal: Mapped[str] = mapped_column(String(24))
    """Of the words; of other words it is another finding."""
    said: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(String(300))
    found_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it stays; empty where it was taken out."""
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    settled_by: Mapped[User | None] = relationship(lazy="joined")
