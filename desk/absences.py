"""Who is away from the desk, and who stands in for them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from desk import policy
from desk.team_models import Absence


def announce(user: User, *, starts_at: datetime, ends_at: datetime, deputy: User | None, by: User) -> Absence:
    """Say that somebody is away; agents say it of themselves, admins of everybody."""
    if not policy.may_say_who_is_away(by, user):
        raise NotAllowed
    if not policy.may_work(user):
        raise Invalid(fields={"person": gettext("%(name)s does not work at the desk.", name=user.name)})
    if ends_at <= starts_at or ends_at <= now():
        raise Invalid(fields={"ends": gettext("The end must come after the beginning, and still be ahead.")})
    if deputy is not None and (deputy.id == user.id or not (deputy.is_active and policy.may_work(deputy))):
        raise Invalid(fields={"deputy": gettext("Somebody else at the desk has to stand in.")})
    absence = Absence(user=user, starts_at=starts_at, ends_at=ends_at, deputy=deputy)
    db.session.add(absence)
    db.session.flush()
    stand_in = None if deputy is None else deputy.id
    after = {"from": starts_at.isoformat(), "until": ends_at.isoformat(), "deputy": stand_in}
    audit.record("desk.absence.announce", user, by=by, after=after)
    return absence


def withdraw(absence: Absence, *, by: User) -> None:
    """Say that somebody is not away after all."""
    if not policy.may_say_who_is_away(by, absence.user):
        raise NotAllowed
    audit.record("desk.absence.withdraw", absence.user, by=by)
    db.session.delete(absence)
    db.session.flush()


def absence_by(absence_id: int) -> Absence:
    """Return an absence, or raise `NotFound`."""
    found = db.session.get(Absence, absence_id) if 0 < absence_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def upcoming() -> Sequence[Absence]:
    """Return who is away or will be."""
    return db.session.scalars(
        select(Absence).where(Absence.ends_at > now()).order_by(Absence.starts_at, Absence.id)
    ).all()


def away(user_ids: Collection[int], at: datetime | None = None) -> dict[int, int | None]:
    """Return who of these is away now, and who stands in for them."""
    at = at or now()
    rows = db.session.execute(
        select(Absence.user_id, Absence.deputy_id).where(
            Absence.user_id.in_(user_ids), Absence.starts_at <= at, Absence.ends_at > at
        )
    )
    return {row[0]: row[1] for row in rows}
