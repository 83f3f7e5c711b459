"""What the inbox remembers besides conversations: views that agents saved, bulk deeds, and what is done every day."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

LONGEST_NAME = 60
LONGEST_ITEM = 200
Part = Literal["start", "during", "end"]
PARTS: tuple[Part, ...] = ("start", "during", "end")


class SavedView(Model):
    """A view of the inbox that an agent made of filters, for themselves or for the team."""

    __tablename__ = "saved_view"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    filters: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What `desk.filters` knows, by name."""
    is_shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    owner: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class DeskBulkDeed(Model):
    """One deed done to many conversations, with what they were before and after, so that it can be undone."""

    __tablename__ = "desk_bulk_deed"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    deed: Mapped[str] = mapped_column(String(40))
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """For each conversation: conversation_id, before, after."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    by: Mapped[User | None] = relationship(lazy="joined")


class PassedOver(Model):
    """An agent gave a conversation back to the queue: it is not offered to them again for some time."""

    __tablename__ = "passed_over"
    __table_args__ = (UniqueConstraint("conversation_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(LONGEST_ITEM))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ChecklistItem(Model):
    """Something a team does every day, at the start of it, during it, or at its end."""

    __tablename__ = "checklist_item"
    __table_args__ = (CheckConstraint(f"part in {PARTS!r}", name="known_part"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    team: Mapped[str] = mapped_column(String(LONGEST_NAME))
    part: Mapped[Part] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(String(LONGEST_ITEM))
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """It is kept for the days on which it was signed."""


class ChecklistSign(Model):
    """Somebody signed an item off for a day; the words are as they were then."""

    __tablename__ = "checklist_sign"
    __table_args__ = (UniqueConstraint("item_id", "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("checklist_item.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(index=True)
    words: Mapped[str] = mapped_column(String(LONGEST_ITEM))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    by: Mapped[User | None] = relationship(lazy="joined")
    item: Mapped[ChecklistItem] = relationship(lazy="joined", innerjoin=True)
