"""What the team says among itself about a conversation: notes, hand-overs, and talks with colleagues outside."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from desk.models import Conversation

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model


class Note(Model):
    """Words of the team that no customer ever sees."""

    __tablename__ = "desk_note"
    __table_args__ = (Index("ix_desk_note_conversation", "conversation_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its writer took it back; its words are gone then."""
    side_talk_id: Mapped[int | None] = mapped_column(ForeignKey("side_talk.id", ondelete="SET NULL"))
    """Where it is the answer of a colleague outside."""

    conversation: Mapped[Conversation] = relationship()
    by: Mapped[User | None] = relationship(lazy="joined")
    side_talk: Mapped["SideTalk | None"] = relationship(lazy="joined")


class HandOver(Model):
    """A conversation given on, with what the next one has to know; open until they have taken it."""

    __tablename__ = "hand_over"
    __table_args__ = (Index("ix_hand_over_conversation", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    to_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    known: Mapped[str] = mapped_column(Text)
    promised: Mapped[str] = mapped_column(Text)
    next_step: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when the next step is to be done."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    conversation: Mapped[Conversation] = relationship()
    by: Mapped[User | None] = relationship(lazy="joined", foreign_keys=by_id)
    to: Mapped[User | None] = relationship(lazy="joined", foreign_keys=to_id)


class SideTalk(Model):
    """A question to a colleague who has no account here; they answer on a page behind a link in a mail."""

    __tablename__ = "side_talk"
    __table_args__ = (Index("ix_side_talk_conversation", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(320))
    locale: Mapped[str] = mapped_column(String(2))
    question: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """Afterwards the link leads nowhere."""

    conversation: Mapped[Conversation] = relationship()
    by: Mapped[User | None] = relationship(lazy="joined")
