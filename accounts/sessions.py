"""Sessions: each is a row, so that it can be seen and ended from elsewhere."""

import secrets
from datetime import timedelta
from functools import cache
from typing import Any

from flask import g, request, session
from flask_login import current_user, login_user, logout_user
from sqlalchemy import ColumnElement, Select, bindparam, case, delete, or_, select, update
from sqlalchemy.orm import joinedload

from accounts.models import SignIn, User
from accounts.one_time import hashed
from core.clock import now
from core.db import UtcDateTime, db
from core.errors import NotAllowed

IDLE_LIMIT = timedelta(days=30)
ABSOLUTE_LIMIT = timedelta(days=90)
SEEN_EVERY = timedelta(minutes=10)
VISIT_ENDS = timedelta(hours=1)
"""Whoever comes back after so long begins another visit; what happened meanwhile is new to them."""
LONGEST_DEVICE = 200
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def begin(user: User, *, device: str) -> str:
    """Begin a session and return its token, which is shown to nobody but the browser."""
    if not user.is_active:
        raise NotAllowed
    token = secrets.token_urlsafe(32)
    db.session.add(SignIn(user_id=user.id, token_hash=hashed(token), device=device[:LONGEST_DEVICE]))
    continue_visit(user)
    db.session.flush()
    return token


def sign_in(user: User) -> SignIn:
    """Begin a session in the browser of this request; what its old session held is dropped."""
    if current_user.is_authenticated:
        end(current())
    user.session_token = begin(user, device=device_name(request.user_agent.string))
    session.clear()
    session.permanent = True
    login_user(user)
    g.sign_in = _by_token(user.session_token)
    return current()


def sign_out() -> None:
    """End the session of this request's browser."""
    if current_user.is_authenticated:  # this is what loads the session, so it is asked first
        end(current())
    logout_user()
    session.clear()


def current() -> SignIn:
    """Return the session of this request; only where somebody is signed in."""
    found: SignIn = g.sign_in
    return found


def find(token: str) -> SignIn | None:
    """Return the live session with this token, its person and their roles, in one statement."""
    found = _by_token(token)
    return found if found is not None and found.user.is_active else None


def of(user: User) -> list[SignIn]:
    """Return a person's live sessions, the latest seen first."""
    return list(
        db.session.scalars(
            select(SignIn).where(SignIn.user_id == user.id, *_is_live()).order_by(SignIn.seen_at.desc(), SignIn.id)
        )
    )


def end(sign_in: SignIn) -> None:
    """End a session: its cookie opens nothing from the commit on."""
    db.session.execute(delete(SignIn).where(SignIn.id == sign_in.id))


def end_all_but(user: User, token: str = "") -> None:
    """End a person's sessions except the one with this token."""
    db.session.execute(delete(SignIn).where(SignIn.user_id == user.id, SignIn.token_hash != hashed(token)))


def continue_visit(user: User) -> None:
    """Note that a person is here; after a while away this is another visit."""
    if user.seen_at is not None and now() - user.seen_at > VISIT_ENDS:
        user.last_visit_at = user.seen_at
    user.seen_at = now()


def note_seen(sign_in_id: int) -> None:
    """Note that a session is in use, in a transaction of its own; for requests that otherwise only read."""
    with db.engine.begin() as connection:
        connection.execute(update(SignIn).where(SignIn.id == sign_in_id).values(seen_at=now()))
        whose = select(SignIn.user_id).where(SignIn.id == sign_in_id).scalar_subquery()
        is_another = User.seen_at < now() - VISIT_ENDS
        before = case((is_another, User.seen_at), else_=User.last_visit_at)
        connection.execute(update(User).where(User.id == whose).values(last_visit_at=before, seen_at=now()))


def forget_ended() -> None:
    """Delete the sessions that are past their limits."""
    moment = now()
    db.session.execute(
        delete(SignIn).where(or_(SignIn.created_at < moment - ABSOLUTE_LIMIT, SignIn.seen_at < moment - IDLE_LIMIT))
    )


def device_name(user_agent: str) -> str:
    """Return browser and system in two words, so that a person recognises their own; empty when unknown."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return ", ".join(filter(None, (browser, system)))


def _by_token(token: str) -> SignIn | None:
    return db.session.scalars(_live_with_token(), {"token_hash": hashed(token)}).unique().one_or_none()


@cache
def _live_with_token() -> Select[SignIn]:
    """Select a session with its person; put together once, since every page of a member asks it."""
    with_person = select(SignIn).options(joinedload(SignIn.user, innerjoin=True))
    return with_person.where(SignIn.token_hash == bindparam("token_hash"), *_is_live())


def _is_live() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    # The moment of asking, not of putting the statement together.
    born: Any = bindparam(None, callable_=lambda: now() - ABSOLUTE_LIMIT, type_=UtcDateTime())
    seen: Any = bindparam(None, callable_=lambda: now() - IDLE_LIMIT, type_=UtcDateTime())
    return SignIn.created_at > born, SignIn.seen_at > seen
