"""How long words are kept, and what went because they were old."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, Model, UtcDateTime


class RetentionRule(Model):
    """For how many days the words of closed conversations are kept, as an admin chose it; one row at most."""

    __tablename__ = "retention_rule"
    __table_args__ = (
        CheckConstraint("public_days > 0", name="public_is_some_time"),
        CheckConstraint("private_days > 0", name="private_is_some_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    public_days: Mapped[int | None]
    """None: for as long as the installation stands."""
    private_days: Mapped[int | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    by: Mapped[User | None] = relationship(lazy="joined")


class RetentionRun(Model):
    """What went in one turn of the worker."""

    __tablename__ = "retention_run"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    conversations: Mapped[int]
    messages: Mapped[int]
    beside: Mapped[int]
    """Notes, promises, calls, documents and the like."""
