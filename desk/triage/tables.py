"""What is known of messages and conversations besides their words: judgements, places, rules, incidents."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime
from desk.models import Conversation, Message

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    from core.db import db

    Model = db.Model

LONGEST_TAG = 40
LONGEST_NAME = 80


class MessageJudgement(Model):
    """What a customer's message is taken for; a person may have corrected it."""

    __tablename__ = "message_judgement"
    __table_args__ = (Index("ix_message_judgement_at", "at", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    locale: Mapped[str] = mapped_column(String(2))
    intent: Mapped[str] = mapped_column(String(10))
    sentiment: Mapped[int] = mapped_column(SmallInteger)
    heat: Mapped[int] = mapped_column(SmallInteger)
    urgency: Mapped[int] = mapped_column(SmallInteger)
    sure: Mapped[float]
    reasons: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Signs and the words in which they were seen, [[sign, words], …]."""
    private: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Personal data by type and place, [[type, start, end], …]; its value stands in the message alone."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    message: Mapped[Message] = relationship()


class JudgementCorrection(Model):
    """A person said what a message is; undoing it deletes the row."""

    __tablename__ = "judgement_correction"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    judgement_id: Mapped[int] = mapped_column(ForeignKey("message_judgement.id", ondelete="CASCADE"), unique=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    said: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the machine had said: intent, sentiment, heat, urgency."""

    judgement: Mapped[MessageJudgement] = relationship(lazy="joined", innerjoin=True)
    by: Mapped[User | None] = relationship(lazy="joined")


class LearntModel(Model):
    """The weights of this installation, moved by its corrections; one row at most."""

    __tablename__ = "learnt_model"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(default=1)
    corrections: Mapped[int] = mapped_column(default=0)
    base: Mapped[str] = mapped_column(String(64))
    """The digest of the shipped model that was moved: of another one the rest is worth nothing."""
    weights: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ConversationStanding(Model):
    """What makes a conversation's place in the queue, but for the waiting time; each part 0..1."""

    __tablename__ = "conversation_standing"
    __table_args__ = (Index("ix_conversation_standing_placed_at", "placed_at", "conversation_id"),)

    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    intent: Mapped[str] = mapped_column(String(10), index=True)
    sentiment: Mapped[int] = mapped_column(SmallInteger, index=True)
    heat: Mapped[int] = mapped_column(SmallInteger)
    urgency: Mapped[int] = mapped_column(SmallInteger)
    severity: Mapped[float]
    reach: Mapped[float]
    visibility: Mapped[float]
    value: Mapped[float]
    repeats: Mapped[float]
    followers: Mapped[int | None]
    joined: Mapped[int] = mapped_column(default=0)
    """So many others wrote in the thread."""
    said_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the customer wrote last: reach counts less from then on."""
    lift: Mapped[int] = mapped_column(SmallInteger, default=0)
    """By so many bands a rule moved it up or down."""
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)


class AlikeMessage(Model):
    """A message that says the same as others of its cluster; the worker gathers them anew each minute."""

    __tablename__ = "alike_message"

    message_id: Mapped[int] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    cluster: Mapped[int]
    place: Mapped[int]
    """Where it stands in its cluster; the first is the one that the others are like."""

    message: Mapped[Message] = relationship()


class ConversationMute(Model):
    """The desk does not want to see a conversation: spam, or somebody who only provokes. Undoing deletes the row."""

    __tablename__ = "conversation_mute"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), unique=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("desk_rule.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(String(20))
    """`spam`, `troll` or `rule`."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ConversationTag(Model):
    """A word by which the desk sorts conversations."""

    __tablename__ = "conversation_tag"
    __table_args__ = (
        UniqueConstraint("conversation_id", "tag"),
        Index("ix_conversation_tag_tag", "tag", "conversation_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    tag: Mapped[str] = mapped_column(String(LONGEST_TAG))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PriorityWeighing(Model):
    """How much each part counts, as an admin set it; one row at most."""

    __tablename__ = "priority_weighing"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    weights: Mapped[dict[str, int]] = mapped_column(JSON)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class DeskRule(Model):
    """If a message is so, do that."""

    __tablename__ = "desk_rule"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    position: Mapped[int] = mapped_column(index=True)
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON)
    deeds: Mapped[dict[str, Any]] = mapped_column(JSON)
    stops: Mapped[bool] = mapped_column(default=False)
    """No rule after it is asked."""
    switched_on_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class DeskRuleHit(Model):
    """A rule did something for a message, once."""

    __tablename__ = "desk_rule_hit"
    __table_args__ = (UniqueConstraint("rule_id", "message_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("desk_rule.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    did: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    rule: Mapped[DeskRule] = relationship(lazy="joined", innerjoin=True)


class Incident(Model):
    """One cause that many customers write about."""

    __tablename__ = "incident"
    __table_args__ = (CheckConstraint("state in ('open', 'solved')", name="known_state"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(10), default="open", index=True)
    answer: Mapped[str] = mapped_column(Text, default="")
    """What everybody in it is told while it lasts."""
    solution: Mapped[str] = mapped_column(Text, default="")
    """What everybody who was told to wait is told when it is over."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    solved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    by: Mapped[User | None] = relationship(lazy="joined")


class IncidentCase(Model):
    """A conversation that belongs to an incident, and what it was told."""

    __tablename__ = "incident_case"
    __table_args__ = (UniqueConstraint("conversation_id", "incident_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id", ondelete="CASCADE"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an agent asked that it be told the answer."""
    told_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    solved_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    solved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trouble: Mapped[str | None] = mapped_column(Text)
    """Why it could not be told, in words."""

    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)
