"""Once is once: a repeated write gets the first answer again.

A form carries a random hidden `once`, an API call an `Idempotency-Key`. The key is claimed in the same transaction as
the deed, so a double click, a replay, or ten at once leave one deed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, Text, UniqueConstraint, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, Model, UtcDateTime, db
from core.worker import chore

KEPT = timedelta(days=7)
LONGEST_KEY = 200


class Claim(Model):
    """A key somebody used, and what was answered."""

    __tablename__ = "once_claim"
    __table_args__ = (UniqueConstraint("owner", "key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(LONGEST_KEY))
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


@dataclass(frozen=True, slots=True)
class Before:
    """What the first use of the key was answered."""

    status: int
    answer: str
    is_same: bool
    """Whether the first use carried the same content."""


def claim(owner: str, key: str, content: bytes = b"") -> Before | None:
    """Claim `key` for `owner` in this transaction; None means it is ours, otherwise the first answer comes back."""
    fingerprint = hashlib.sha256(content).hexdigest()
    insert = sqlite_insert if db.session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = (
        insert(Claim)
        .values(owner=owner, key=key[:LONGEST_KEY], fingerprint=fingerprint, created_at=now())
        .on_conflict_do_nothing(index_elements=["owner", "key"])
        .returning(Claim.id)
    )
    if db.session.execute(statement).scalar() is not None:
        return None
    first = db.session.execute(_find(owner, key)).scalar_one()
    return Before(first.status or 200, first.answer or "", first.fingerprint == fingerprint)


def remember(owner: str, key: str, *, status: int, answer: str) -> None:
    """Keep what the claimed key is answered, in the same transaction as the deed."""
    first = db.session.execute(_find(owner, key)).scalar_one()
    first.status, first.answer = status, answer
    db.session.flush()


def _find(owner: str, key: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- the type of a select is longer than the select
    return select(Claim).where(Claim.owner == owner, Claim.key == key[:LONGEST_KEY])


@chore("once.forget", every=3600)
def forget() -> None:
    """Forget the keys that are older than a week."""
    db.session.execute(delete(Claim).where(Claim.created_at < now() - KEPT))
    db.session.commit()
