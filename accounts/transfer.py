"""Import and export of people. Imported people are staged: they cannot sign in, and nobody sends them mail."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import or_, select

from accounts import emails, handles, penalties, people
from accounts.models import ROLES, Penalty, PenaltyKind, User, UserRole
from core.api import line
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid
from core.transfer import Outcome, RecordType, iso, register

LONGEST_SOURCE_ID = 100
LONGEST_FOREIGN_HANDLE = 100

Role = Literal["member", "trusted", "agent", "lead", "moderator", "editor", "admin"]


class UserRecord(BaseModel):
    """A line of type `user`."""

    id: line(LONGEST_SOURCE_ID)  # type: ignore[valid-type]  # a type made for the limit
    handle: line(LONGEST_FOREIGN_HANDLE)  # type: ignore[valid-type]  # the same
    name: line(people.LONGEST_NAME) | None = None  # type: ignore[valid-type]  # the same
    email: line(emails.LONGEST) | None = None  # type: ignore[valid-type]  # the same
    roles: list[Role] = Field(default=["member"], max_length=len(ROLES))
    created: AwareDatetime | None = None
    named: bool = True
    """Whether articles name this person; only somebody who does not want that has it written out."""


class PenaltyRecord(BaseModel):
    """A line of type `penalty`: the team silenced or suspended somebody."""

    user: line(LONGEST_SOURCE_ID)  # type: ignore[valid-type]  # a type made for the limit
    kind: PenaltyKind
    reason: Annotated[str, Field(min_length=1, max_length=penalties.LONGEST_REASON)]
    until: AwareDatetime | None = None
    """Where missing, until somebody lifts it."""
    by: line(LONGEST_SOURCE_ID) | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime
    objection: Annotated[str, Field(max_length=penalties.LONGEST_OBJECTION)] = ""
    objected: AwareDatetime | None = None


def init_app() -> None:
    register(RecordType(name="user", order=10, model=UserRecord, load=load, dump=dump))
    register(RecordType(name="penalty", order=11, model=PenaltyRecord, load=load_penalty, dump=dump_penalties))


def load(record: UserRecord) -> Outcome:
    """Take one person in; whoever has claimed their account since decides about it themselves."""
    user = people.by_source_id(record.id)
    if user is not None and not user.is_staged:
        return "unchanged"
    _refuse_foreign_address(record, user)
    if user is None:
        created = people.create(
            people.free_handle(record.handle),
            name=record.name or record.handle[: people.LONGEST_NAME],
            email=record.email,
            roles=record.roles,
            source_id=record.id,
            is_staged=True,
            created_at=record.created,
        )
        created.is_named = record.named
        db.session.flush()
        return "new"
    return _update(user, record)


def dump() -> Iterator[dict[str, Any]]:
    """Yield everybody, in the order in which they came."""
    for user in db.session.scalars(select(User).order_by(User.id).execution_options(yield_per=500)):
        record: dict[str, Any] = {"id": reference(user), "handle": user.handle, "name": user.name}
        if user.email:
            record["email"] = user.email
        if not user.is_named:
            record["named"] = False
        yield record | {"roles": sorted(user.role_names, key=ROLES.index), "created": iso(user.created_at)}


def load_penalty(record: PenaltyRecord) -> Outcome:
    """Take in a penalty; whether somebody is silenced who has one here, or claimed the account, the team here decides.

    Nobody is mailed; the person has a new address to object at.
    """
    user = people.by_source_id(record.user)
    if user is None:
        raise Invalid(f"unknown person {record.user!r}")
    is_over = record.until is not None and record.until <= now()
    if is_over or not user.is_staged or db.session.scalar(select(Penalty.id).where(Penalty.user_id == user.id)):
        return "unchanged"
    by = None if record.by is None else people.by_source_id(record.by)
    penalties.restore(
        user,
        kind=record.kind,
        reason=record.reason,
        until=record.until,
        by_id=None if by is None else by.id,
        at=record.created,
        objection=record.objection,
        objected_at=record.objected,
    )
    return "new"


def dump_penalties() -> Iterator[dict[str, Any]]:
    """Yield who is silenced or suspended; what is over stands in the log alone, which does not travel."""
    in_force = or_(Penalty.until.is_(None), Penalty.until > now())
    for penalty in db.session.scalars(select(Penalty).where(in_force).order_by(Penalty.at, Penalty.id)):
        record = {"user": reference(penalty.user), "kind": penalty.kind, "reason": penalty.reason}
        if penalty.until is not None:
            record["until"] = iso(penalty.until)
        if penalty.by is not None:
            record["by"] = reference(penalty.by)
        record["created"] = iso(penalty.at)
        if penalty.objected_at is not None:
            record |= {"objection": penalty.objection, "objected": iso(penalty.objected_at)}
        yield record


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
    wanted: dict[str, str | datetime | bool | None] = {
        "handle": handle,
        "name": record.name or record.handle[: people.LONGEST_NAME],
        "email": email,
        "created_at": record.created or user.created_at,
        "is_named": record.named,
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
