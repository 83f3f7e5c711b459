"""What came in from elsewhere, and under which id it was known there."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, UtcDateTime, db

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model


class CarriedRow(Model):
    """A row of the desk came in with a line; its id there is what makes a second import change nothing."""

    __tablename__ = "carried_row"
    __table_args__ = (UniqueConstraint("kind", "source_id"), Index("ix_carried_row_row", "kind", "row_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    """The type of the line."""
    source_id: Mapped[str] = mapped_column(String(100))
    row_id: Mapped[int] = mapped_column(BigId)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
