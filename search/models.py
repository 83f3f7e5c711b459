"""What changed and is not in the index yet."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, UtcDateTime, db

LONGEST_KIND = 20


class StaleNote(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds its Model at run time
    """A document that changed, written in the transaction that changed it and deleted when the index knows."""

    __tablename__ = "stale_note"
    # An id must never come back: two indexers that read the same note would delete a new one of the same number.
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(LONGEST_KIND))
    ref_id: Mapped[int] = mapped_column(BigInteger)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
