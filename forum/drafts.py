"""Drafts: a text that is not sent yet survives a lost connection, a closed browser and an expired session."""

import re
from collections.abc import Mapping

from flask_babel import gettext
from sqlalchemy import Select, delete, select

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.unique import add_once
from forum.models import Draft

MOST_FIELDS = 20
LONGEST_FIELD = 40_000
MOST_DRAFTS = 50
_KEY = re.compile(r"[a-z_]{1,20}(?::[0-9]{1,19})?")


def save(user: User, key: str, fields: Mapping[str, str]) -> Draft:
    """Keep the fields under `key` (`ask`, `answer:12`) in place of what stood there, the fifty newest a person."""
    if not _KEY.fullmatch(key):
        raise Invalid(gettext("There is no draft of this kind."))
    if len(fields) > MOST_FIELDS or any(len(name) > 40 or len(value) > LONGEST_FIELD for name, value in fields.items()):  # noqa: PLR2004 -- no field's name is longer
        raise Invalid(gettext("This draft is too long to be kept."))
    # What PostgreSQL cannot store would lose the whole draft; without it the words are kept.
    kept = {name: value.replace("\0", "").encode("utf-8", "ignore").decode() for name, value in fields.items()}
    add_once(Draft, user_id=user.id, key=key, fields=kept, saved_at=now())
    draft = db.session.scalars(_of(user, key)).one()
    draft.fields, draft.saved_at = kept, now()
    db.session.flush()
    _forget_oldest(user)
    return draft


def find(user: User, key: str) -> Draft | None:
    """Return the draft under `key`, None where there is none."""
    return db.session.scalars(_of(user, key)).first()


def discard(user: User, key: str) -> None:
    """Throw the draft away; where there is none, nothing happens."""
    db.session.execute(delete(Draft).where(Draft.user_id == user.id, Draft.key == key))


def _of(user: User, key: str) -> Select[Draft]:
    return select(Draft).where(Draft.user_id == user.id, Draft.key == key)


def _forget_oldest(user: User) -> None:
    newest = select(Draft.id).where(Draft.user_id == user.id).order_by(Draft.saved_at.desc(), Draft.id.desc())
    too_many = list(db.session.scalars(newest.offset(MOST_DRAFTS)))
    if too_many:
        db.session.execute(delete(Draft).where(Draft.id.in_(too_many)))
