"""Tokens in mails: 256 random bits, bound to a person and a purpose, good for a while and for one use."""

import hashlib
import secrets
from datetime import timedelta
from typing import Literal

from sqlalchemy import delete, select

from accounts.models import OneTimeToken, User
from core.clock import now
from core.db import db
from core.errors import NotFound
from core.settings import current_settings

Purpose = Literal["confirm", "reset", "claim"]
GOOD_FOR = timedelta(minutes=30)
"""Of those to members; who claims a staged account has `claim_days`."""


def issue(user: User, purpose: Purpose) -> str:
    """Return a new token; earlier ones of the same purpose die."""
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.user_id == user.id, OneTimeToken.purpose == purpose))
    token = secrets.token_urlsafe(32)
    db.session.add(
        OneTimeToken(user_id=user.id, purpose=purpose, token_hash=hashed(token), expires_at=now() + _good_for(purpose))
    )
    db.session.flush()
    return token


def holder(token: str, purpose: Purpose) -> User:
    """Return whom a usable token was sent to; raise `NotFound` when it is used, old, or nobody's."""
    found = db.session.scalar(
        select(OneTimeToken).where(
            OneTimeToken.token_hash == hashed(token), OneTimeToken.purpose == purpose, OneTimeToken.expires_at > now()
        )
    )
    if found is None or not _may_use(found.user, purpose):
        raise NotFound
    return found.user


def use(token: str, purpose: Purpose) -> User:
    """Use a token up and return whose it was; of two who use it at once, one gets `NotFound`."""
    user = holder(token, purpose)
    used = db.session.execute(
        delete(OneTimeToken).where(OneTimeToken.token_hash == hashed(token)).returning(OneTimeToken.id)
    ).scalar()
    if used is None:
        raise NotFound
    return user


def forget(user: User) -> None:
    """Make all tokens that were sent to this person useless."""
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.user_id == user.id))


def _good_for(purpose: Purpose) -> timedelta:
    return timedelta(days=current_settings().claim_days) if purpose == "claim" else GOOD_FOR


def _may_use(user: User, purpose: Purpose) -> bool:
    """Tell whether a purpose fits a person: a claimed or closed account is not claimed, a staged one not reset."""
    return user.is_staged and user.disabled_at is None if purpose == "claim" else user.is_active


def hashed(token: str) -> str:
    """Return what is stored instead of a token; the token is random enough that no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
