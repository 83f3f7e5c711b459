"""What admins read: the list of people and the audit log."""

from typing import Any

from sqlalchemy import Select, or_, select

from accounts import handles
from accounts.models import AuditEntry, User, UserRole


def people_matching(words: str, role: str) -> Select[Any]:
    """Return the people whose handle, name or address contains `words` and who have `role`; empty means any."""
    statement = select(User)
    if words:
        fields = (User.handle, User.name, User.email)
        statement = statement.where(or_(*(field.icontains(words, autoescape=True) for field in fields)))
    if role:
        statement = statement.where(User.roles.any(UserRole.role == role))
    return statement


def audit_entries(words: str, by: str) -> Select[Any]:
    """Return the entries whose deed, reason or subject (`topic 12`) contains `words`, done by the person `by`."""
    statement = select(AuditEntry)
    if words:
        matches = [
            AuditEntry.deed.icontains(words, autoescape=True),
            AuditEntry.reason.icontains(words, autoescape=True),
        ]
        kind, _, number = words.rpartition(" ")
        if kind and number.isdecimal() and len(number) < len(str(2**63)):
            matches.append((AuditEntry.subject_kind == kind) & (AuditEntry.subject_id == int(number)))
        statement = statement.where(or_(*matches))
    if by:
        statement = statement.where(AuditEntry.by.has(User.handle_key == handles.key(by)))
    return statement
