"""What is noted about people: how it went with them, for who meets them next."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed
from core.settings import current_settings
from core.worker import chore
from desk import policy
from desk.models import Contact
from desk.person_models import ContactMark

LONGEST_NOTE: Final = 300
LONGEST_MARK_DAYS: Final = 3650


def mark(contact: Contact, *, is_positive: bool, note: str, by: User, days: int | None = None) -> ContactMark:
    """Note how it went with somebody; it ends by itself after so many days."""
    if not policy.may_work(by):
        raise NotAllowed
    with problems.at("note"):
        note = texts.line(note, longest=LONGEST_NOTE, shortest=1)
    days = current_settings().mark_days if days is None else days
    if not 1 <= days <= LONGEST_MARK_DAYS:
        sentence = gettext("From 1 to %(most)s days, please.", most=LONGEST_MARK_DAYS)
        raise Invalid(sentence, fields={"days": sentence})
    made = ContactMark(
        contact_id=contact.id, is_positive=is_positive, note=note, by=by, expires_at=now() + timedelta(days=days)
    )
    db.session.add(made)
    db.session.flush()
    audit.record("desk.contact.mark", contact, by=by, after={"mark": made.id, "positive": is_positive, "days": days})
    return made


def remove_mark(mark_id: int, *, by: User) -> int | None:
    """Take a mark away and return whose it was. Twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    standing = db.session.get(ContactMark, mark_id) if 0 < mark_id <= LARGEST_ID else None
    if standing is None:
        return None
    contact = db.session.get_one(Contact, standing.contact_id)
    audit.record("desk.contact.unmark", contact, by=by, before={"mark": mark_id, "positive": standing.is_positive})
    db.session.delete(standing)
    db.session.flush()
    return contact.id


def marks_on(contact_ids: Collection[int]) -> Sequence[ContactMark]:
    """Return the marks in force on these contacts, the newest first."""
    return db.session.scalars(
        select(ContactMark)
        .where(ContactMark.contact_id.in_(contact_ids), ContactMark.expires_at > now())
        .order_by(ContactMark.id.desc())
    ).all()


@chore("desk.end_marks", every=3600)
def end_marks() -> None:
    """Forget the marks whose time is over; nothing shows them any more."""
    db.session.execute(delete(ContactMark).where(ContactMark.expires_at <= now()))
    db.session.commit()
