"""Silencing and suspending: for a time, or until somebody lifts it, with a reason that the person reads."""

import secrets
from datetime import UTC, datetime, timedelta

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts import audit, mails, one_time, people, policy, sessions
from accounts.models import Penalty, PenaltyKind, User
from core import texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed, NotFound
from core.problems import Problems
from core.settings import current_settings

KINDS: tuple[PenaltyKind, ...] = ("silence", "suspension")
DEEDS = {"silence": "accounts.user.silence", "suspension": "accounts.user.suspend"}
FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)
SHORTEST_REASON = 10
LONGEST_REASON = 500
SHORTEST_OBJECTION = 10
LONGEST_OBJECTION = 2000


class Suspended(KlinkeError):
    """The person proved who they are and may not come in for now; `key` leads to the reason."""

    status = 403

    def __init__(self, user: User) -> None:
        super().__init__()
        penalty = of(user)
        assert penalty is not None  # noqa: S101 -- for the type checker: who is suspended has a penalty
        self.key = penalty.key


def impose(user: User, *, kind: str, days: int | None, reason: str, by: User) -> Penalty:
    """Silence or suspend a person for so many days (None: until somebody lifts it); an earlier penalty is replaced.

    Who is suspended is signed out everywhere. The reason is mailed with an address to object. It ends by itself.
    """
    if not policy.may_penalise(by, user):
        raise NotAllowed(gettext("You cannot silence or suspend this person."))
    found, reason = _check(kind, days, reason)
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    if found == "suspension" and user.has_role("admin"):
        people.keep_an_admin(user)
    before = of(user)
    was = None if before is None else _as_data(before)
    db.session.execute(delete(Penalty).where(Penalty.user_id == user.id))
    until = None if days is None else now() + timedelta(days=days)
    penalty = Penalty(
        user_id=user.id, kind=found, reason=reason, until=until, by_id=by.id, key=secrets.token_urlsafe(32)
    )
    db.session.add(penalty)
    user.silenced_until, user.suspended_until = None, None
    if found == "silence":
        user.silenced_until = until or FOR_GOOD
    else:
        user.suspended_until = until or FOR_GOOD
        sessions.end_all_but(user)
        one_time.forget(user)
    db.session.flush()
    audit.record(DEEDS[found], user, by=by, reason=reason, before=was, after=_as_data(penalty))
    mails.send_penalty(user, penalty, locale=user.locale or current_settings().default_locale)
    return penalty


def lift(user: User, *, by: User, reason: str = "") -> None:
    """End a penalty before its time; where there is none, nothing happens."""
    if not policy.may_penalise(by, user):
        raise NotAllowed(gettext("You cannot silence or suspend this person."))
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    penalty = of(user)
    if penalty is None:
        return
    reason = texts.line(reason, longest=LONGEST_REASON)
    was = _as_data(penalty)
    db.session.execute(delete(Penalty).where(Penalty.user_id == user.id))
    user.silenced_until, user.suspended_until = None, None
    db.session.flush()
    audit.record("accounts.user.lift_penalty", user, by=by, reason=reason, before=was)


def of(user: User) -> Penalty | None:
    """Return the penalty in force."""
    statement = select(Penalty).where(Penalty.user_id == user.id).execution_options(populate_existing=True)
    found = db.session.scalars(statement).one_or_none()
    return found if found is not None and found.is_in_force else None


def restore(
    user: User,
    *,
    kind: PenaltyKind,
    reason: str,
    until: datetime | None,
    by_id: int | None,
    at: datetime,
    objection: str,
    objected_at: datetime | None,
) -> None:
    """Bring a penalty back as an export tells of it, for somebody who has none; nobody is mailed."""
    key = secrets.token_urlsafe(32)
    penalty = Penalty(user_id=user.id, kind=kind, reason=reason, until=until, by_id=by_id, at=at, key=key)
    penalty.objection, penalty.objected_at = objection, objected_at
    db.session.add(penalty)
    if kind == "silence":
        user.silenced_until = until or FOR_GOOD
    else:
        user.suspended_until = until or FOR_GOOD
    db.session.flush()


def by_key(key: str) -> Penalty:
    """Return the penalty that an address in a mail is about, or raise `NotFound` when it is over or lifted."""
    found = db.session.scalars(select(Penalty).where(Penalty.key == key[:64].replace("\0", ""))).one_or_none()
    if found is None or not found.is_in_force:
        raise NotFound
    return found


def object_to(penalty: Penalty, *, words: str) -> None:
    """Keep what the person has to say against it, once; it stands in the queue of the team then."""
    fields = Problems()
    words = fields.take(
        "words", lambda: texts.block(words.strip(), longest=LONGEST_OBJECTION, shortest=SHORTEST_OBJECTION), ""
    )
    fields.refuse()
    db.session.execute(select(Penalty.id).where(Penalty.id == penalty.id).with_for_update())
    db.session.refresh(penalty)
    if penalty.objected_at is not None:
        raise Conflict(gettext("Your objection is with the team already."))
    penalty.objection, penalty.objected_at = words, now()
    db.session.flush()


def _check(kind: str, days: int | None, reason: str) -> tuple[PenaltyKind, str]:
    fields = Problems()
    found = next((known for known in KINDS if known == kind), None)
    if found is None:
        fields.fields["kind"] = gettext("Please choose one of these.")
    if days is not None and days not in current_settings().penalty_presets:
        fields.fields["days"] = gettext("Please choose one of these.")
    reason = fields.take(
        "reason", lambda: texts.block(reason.strip(), longest=LONGEST_REASON, shortest=SHORTEST_REASON), ""
    )
    fields.refuse()
    if found is None:
        raise Invalid
    return found, reason


def _as_data(penalty: Penalty) -> dict[str, str | None]:
    until = None if penalty.until is None else penalty.until.isoformat()
    return {"kind": penalty.kind, "until": until, "reason": penalty.reason}
