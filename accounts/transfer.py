"""Import and export of people. Imported people are staged: they cannot sign in, and nobody sends them mail."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select

from accounts import emails, handles, people
from accounts.models import ROLES, User, UserRole
from core.api import line
from core.db import db
from core.errors import Conflict
from core.transfer import Outcome, RecordType, iso, register

LONGEST_SOURCE_ID = 100
LONGEST_FOREIGN_HANDLE = 100

Role = Literal["member", "trusted", "agent", "moderator", "editor", "admin"]


class UserRecord(BaseModel):
    """A line of type `user`."""

    id: line(LONGEST_SOURCE_ID)  # type: ignore[valid-type]  # a type made for the limit
    handle: line(LONGEST_FOREIGN_HANDLE)  # type: ignore[valid-type]  # the same
    name: line(people.LONGEST_NAME) | None = None  # type: ignore[valid-type]  # the same
    email: line(emails.LONGEST) | None = None  # type: ignore[valid-type]  # the same
    roles: list[Role] = Field(default=["member"], max_length=len(ROLES))
    created: AwareDatetime | None = None


def init_app() -> None:
    register(RecordType(name="user", order=10, model=UserRecord, load=load, dump=dump))


def load(record: UserRecord) -> Outcome:
    """Take one person in; whoever has claimed their account since decides about it themselves."""
    user = people.by_source_id(record.id)
    if user is not None and not user.is_staged:
        return "unchanged"
    _refuse_foreign_address(record, user)
    if user is None:
        people.create(
            people.free_handle(record.handle),
            name=record.name or record.handle[: people.LONGEST_NAME],
            email=record.email,
            roles=record.roles,
            source_id=record.id,
            is_staged=True,
            created_at=record.created,
        )
        return "new"
    return _update(user, record)


def dump() -> Iterator[dict[str, Any]]:
    """Yield everybody, in the order in which they came."""
    for user in db.session.scalars(select(User).order_by(User.id).execution_options(yield_per=500)):
        record = {"id": reference(user), "handle": user.handle, "name": user.name}
        if user.email:
            record["email"] = user.email
        yield record | {"roles": sorted(user.role_names, key=ROLES.index), "created": iso(user.created_at)}


def reference(user: User) -> str:
    """Return the id by which other records of an export name this person."""
    return user.source_id or f"klinke:{user.id}"


def _refuse_foreign_address(record: UserRecord, user: User | None) -> None:
    if record.email is None:
        return
    holder = people.by_email(record.email)
    if holder is not None and holder is not user:
        message = f"the address {record.email} belongs to @{holder.handle}, whose account is not taken over"
        raise Conflict(message)


def _update(user: User, record: UserRecord) -> Outcome:
    handle = people.free_handle(record.handle, owner=user)
    email = emails.checked(record.email) if record.email else None
    wanted: dict[str, str | datetime | None] = {
        "handle": handle,
        "name": record.name or record.handle[: people.LONGEST_NAME],
        "email": email,
        "created_at": record.created or user.created_at,
    }
    changed = {name: value for name, value in wanted.items() if getattr(user, name) != value}
    if not changed and user.role_names == frozenset(record.roles):
        return "unchanged"
    for name, value in changed.items():
        setattr(user, name, value)
    user.handle_key = handles.key(user.handle)
    user.email_key = emails.key(email) if email else None
    kept = {row.role: row for row in user.roles}
    user.roles = [kept.get(role) or UserRole(role=role) for role in dict.fromkeys(record.roles)]
    db.session.flush()
    return "changed"
