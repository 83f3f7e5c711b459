"""The audit log: one row for every deed of the team."""

from typing import Any

from accounts.models import AuditEntry, User
from core.db import db


def record(
    deed: str,
    subject: Any,
    *,
    by: User | None,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write who did what to `subject` (a row with an id), in the transaction of the deed."""
    entry = AuditEntry(
        deed=deed,
        subject_kind=subject.__tablename__,
        subject_id=subject.id,
        by_id=None if by is None else by.id,
        reason=reason,
        before=before,
        after=after,
    )
    db.session.add(entry)
    db.session.flush()
    return entry
