"""What admins read: the list of people and the audit log."""

from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from accounts import handles, subjects
from accounts.models import AuditEntry, Penalty, User, UserRole
from core.clock import now
from core.db import db

MOST = 50


def people_matching(words: str, role: str) -> Select[Any]:
    """Return the people whose handle, name or address contains `words` and who have `role`; empty means any."""
    statement = select(User)
    if words:
        fields = (User.handle, User.name, User.email)
        statement = statement.where(or_(*(field.icontains(words, autoescape=True) for field in fields)))
    if role:
        statement = statement.where(User.roles.any(UserRole.role == role))
    return statement


def objections() -> list[Penalty]:
    """Return the penalties in force that somebody objects to, the oldest objection first."""
    in_force = or_(Penalty.until.is_(None), Penalty.until > now())
    statement = select(Penalty).where(Penalty.objected_at.is_not(None), in_force).order_by(Penalty.objected_at)
    return list(db.session.scalars(statement.options(joinedload(Penalty.user)).limit(MOST)))


def penalties_of(user: User) -> list[AuditEntry]:
    """Return what the log says about silencing and suspending this person, the latest first."""
    statement = select(AuditEntry).where(
        AuditEntry.subject_kind == "user",
        AuditEntry.subject_id == user.id,
        AuditEntry.deed.in_(("accounts.user.silence", "accounts.user.suspend", "accounts.user.lift_penalty")),
    )
    return list(db.session.scalars(statement.order_by(AuditEntry.id.desc()).limit(MOST)).unique())


def audit_entries(words: str, by: str) -> Select[Any]:
    """Return the entries by `by` whose deed, reason or subject (`topic 12`, or its name) contains `words`."""
    statement = select(AuditEntry)
    if words:
        matches = [
            AuditEntry.deed.icontains(words, autoescape=True),
            AuditEntry.reason.icontains(words, autoescape=True),
        ]
        kind, _, number = words.rpartition(" ")
        if kind and number.isdecimal() and len(number) < len(str(2**63)):
            matches.append((AuditEntry.subject_kind == kind) & (AuditEntry.subject_id == int(number)))
        matches += subjects.matching(words)
        statement = statement.where(or_(*matches))
    if by:
        statement = statement.where(AuditEntry.by.has(User.handle_key == handles.key(by)))
    return statement
