"""What is posted on the Marktplatz, the invented social network beside the demonstration."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, UtcDateTime, db

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model


class PlazaPost(Model):
    """A post of a passer-by, or a reply of the house that came through the desk."""

    __tablename__ = "plaza_post"
    __table_args__ = (
        Index("ix_plaza_post_thread", "thread", "created_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(300), unique=True)
    """What the network calls it when it speaks to the desk."""
    thread: Mapped[str] = mapped_column(String(300))
    handle: Mapped[str] = mapped_column(String(200), index=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    """The desk's key of a reply: handed over twice, it is one post. None for passers-by."""
    is_official: Mapped[bool] = mapped_column(default=False)
    is_hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The house had it folded away."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
