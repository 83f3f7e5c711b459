"""The throttle at the door: attempts are counted in the database, so that they count in all processes."""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts import handles
from accounts.models import SignInFailure, User
from core import i18n
from core.clock import now
from core.db import db
from core.errors import TooSoon

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)
PER_ACCOUNT = 10
PER_NETWORK = 30
MAILS_PER_ACCOUNT = 3


class TooManyAttempts(TooSoon):
    """Too many attempts in a quarter of an hour; `seconds` says when the next one is heard."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.sentence = gettext(
            "That was a lot of attempts. In %(time)s it goes on; what you typed stays here.",
            time=i18n.minutes_in_words(self.seconds),
        )


def begin(user: User | None, typed: str, address: str | None) -> list[int]:
    """Count an attempt to sign in before it is known whether it succeeds; raise `TooManyAttempts` at the limit.

    Unknown people are counted like known ones, so that the limit tells nothing.
    """
    account = f"account:{user.id}" if user is not None else f"account:{_shortened(typed)}"
    door = f"net:{network(address)}"
    _require_room(account, PER_ACCOUNT)
    _require_room(door, PER_NETWORK)
    return _count(account, door)


def forgive(user: User, attempt: list[int]) -> None:
    """Forget the failures of a person who has come in; those of their network stay, except this attempt."""
    db.session.execute(
        delete(SignInFailure).where(SignInFailure.id.in_(attempt) | (SignInFailure.subject == f"account:{user.id}"))
    )


def count_at_door(deed: str, address: str | None, *, most: int = PER_NETWORK) -> None:
    """Count a deed that a guest may do only so often from one network; raise `TooManyAttempts`."""
    subject = f"{deed}:{network(address)}"
    _require_room(subject, most)
    _count(subject)


def may_mail(user: User) -> bool:
    """Count a mail that somebody asked for in this person's name; False when there were enough of them."""
    subject = f"mail:{user.id}"
    if _full_until(subject, MAILS_PER_ACCOUNT) is not None:
        return False
    _count(subject)
    return True


def network(address: str | None) -> str:
    """Return the network an address belongs to: /24 of IPv4, /64 of IPv6."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))  # noqa: PLR2004 -- IPv4


def forget_old() -> None:
    """Forget the attempts that count no more."""
    db.session.execute(delete(SignInFailure).where(SignInFailure.at < now() - KEPT))


def _require_room(subject: str, most: int) -> None:
    until = _full_until(subject, most)
    if until is not None:
        raise TooManyAttempts(int((until - now()).total_seconds()) + 1)


def _full_until(subject: str, most: int) -> datetime | None:
    decisive = db.session.scalar(
        select(SignInFailure.at)
        .where(SignInFailure.subject == subject, SignInFailure.at > now() - WINDOW)
        .order_by(SignInFailure.at.desc())
        .offset(most - 1)
        .limit(1)
    )
    return None if decisive is None else decisive + WINDOW


def _count(*subjects: str) -> list[int]:
    rows = [SignInFailure(subject=subject) for subject in subjects]
    db.session.add_all(rows)
    db.session.flush()
    return [row.id for row in rows]


def _shortened(typed: str) -> str:
    return hashlib.sha256(handles.folded(typed).encode("utf-8", "replace")).hexdigest()[:32]
