"""API tokens: bearer tokens with scopes, shown once, kept as hashes."""

import secrets
from collections.abc import Iterable
from functools import lru_cache

from flask_babel import gettext
from sqlalchemy import Select, bindparam, delete, select
from sqlalchemy.orm import joinedload

from accounts.models import ApiToken, User
from accounts.one_time import hashed
from core import problems, texts
from core.api import SCOPES
from core.db import db
from core.errors import Invalid, NotFound

PREFIX = "klinke_"
LONGEST_NAME = 80
MOST = 50


def create(user: User, *, scopes: Iterable[str], name: str) -> str:
    """Create a token with the rights of `user` within `scopes` and return it; it cannot be read again."""
    chosen = sorted(set(scopes), key=_rank)
    if not chosen:
        sentence = gettext("Please choose what the token may do.")
        raise Invalid(sentence, fields={"scopes": sentence})
    if len(of(user)) >= MOST:
        raise Invalid(gettext("There are %(most)s tokens already. Please revoke one first.", most=MOST))
    with problems.at("name"):
        name = texts.line(name, longest=LONGEST_NAME, shortest=1)
    token = PREFIX + secrets.token_urlsafe(32)
    db.session.add(ApiToken(user_id=user.id, name=name, token_hash=hashed(token), scopes=chosen))
    db.session.flush()
    return token


def of(user: User) -> list[ApiToken]:
    """Return a person's tokens, the newest first."""
    return list(
        db.session.scalars(
            select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.created_at.desc(), ApiToken.id.desc())
        )
    )


def find(token: str) -> ApiToken | None:
    """Return the live token that was presented, its person and their roles, in one statement."""
    if not token.startswith(PREFIX):
        return None
    found = db.session.scalars(_by_hash(), {"token_hash": hashed(token)}).unique().one_or_none()
    return found if found is not None and found.user.is_active else None


@lru_cache(maxsize=1)
def _by_hash() -> Select[ApiToken]:
    """Select a token with its person; made once, since every call of the API asks it."""
    return (
        select(ApiToken)
        .options(joinedload(ApiToken.user, innerjoin=True))
        .where(ApiToken.token_hash == bindparam("token_hash"))
    )


def revoke(user: User, token_id: int) -> None:
    """End one of the person's own tokens; raise `NotFound` when it is not theirs."""
    if token_id not in {token.id for token in of(user)}:
        raise NotFound
    db.session.execute(delete(ApiToken).where(ApiToken.id == token_id))


def _rank(scope: str) -> int:
    if scope not in SCOPES:
        sentence = gettext("There is no scope “%(scope)s”.", scope=scope)
        raise Invalid(sentence, fields={"scopes": sentence})
    return SCOPES.index(scope)
