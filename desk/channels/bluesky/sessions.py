"""The sign-in at the account's server, kept and renewed: signing in anew is limited to 300 times a day.

It is kept beside the password, encrypted like it, and belongs to just this handle and password: where an admin says
them anew, what was kept counts no more.
"""

import base64
import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import select, update

from core.db import db
from core.phrases import phrase
from desk.channels.base import ChannelFailed, NotLetIn
from desk.channels.bluesky import calls, identity
from desk.models import Channel

KEPT: Final = "session"
CHAT_SCOPES: Final = frozenset({"com.atproto.access", "com.atproto.appPassPrivileged"})
"""What a token may be for that the chat service takes; an app password has the second where it was allowed."""
MAIN_SCOPE: Final = "com.atproto.access"

_signing_in: Final[defaultdict[int | None, threading.Lock]] = defaultdict(threading.Lock)


@dataclass(frozen=True, slots=True)
class Session:
    """Who we are, where, and with what we say so."""

    did: str
    handle: str
    server: str
    access: str
    refresh: str

    @property
    def scope(self) -> str:
        """What the token is for, as it says itself; empty where it cannot be read."""
        try:
            middle = self.access.split(".")[1]
            told = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
            return str(told.get("scope", ""))
        except (IndexError, ValueError, AttributeError):
            return ""

    @property
    def may_chat(self) -> bool:
        # A token of another kind of server says nothing we know; then the chat service is asked.
        return self.scope in CHAT_SCOPES or not self.scope.startswith("com.atproto.appPass")


@dataclass(frozen=True, slots=True)
class Account:
    """What an admin said."""

    channel_id: int | None
    handle: str
    password: str
    server: str
    directory: str

    @property
    def seal(self) -> str:
        """What changes when any of it does, and tells nothing of it."""
        told = json.dumps([self.handle, self.password, self.server, self.directory])
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def kept(self, credentials: Mapping[str, str] | None) -> Session | None:
        """Return the sign-in that is kept for this account."""
        try:
            told = json.loads((credentials or {}).get(KEPT) or "{}")
            return Session(**told["session"]) if told.get("seal") == self.seal else None
        except (ValueError, KeyError, TypeError):
            return None


def begin(account: Account, *, instead_of: Session | None) -> Session:
    """Return a sign-in that works: one that another thread began meanwhile, the old one renewed, or a new one."""
    with _signing_in[account.channel_id]:
        found = _stored(account)
        if found is not None and (instead_of is None or found.access != instead_of.access):
            return found
        session = (None if instead_of is None else _renewed(instead_of)) or _new(account)
        _keep(account, session)
        return session


def anew(account: Account) -> Session:
    """Sign in with handle and password; raise `ChannelFailed`."""
    with _signing_in[account.channel_id]:
        session = _new(account)
        _keep(account, session)
        return session


def end(session: Session) -> None:
    """Give the sign-in back; raise `ChannelFailed`."""
    calls.tell(session.server, "com.atproto.server.deleteSession", None, _bearing(session.refresh))


def bearing(session: Session) -> dict[str, str]:
    """Return the header that says who we are."""
    return _bearing(session.access)


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _renewed(session: Session) -> Session | None:
    try:
        told = calls.tell(session.server, "com.atproto.server.refreshSession", None, _bearing(session.refresh))
    except calls.Declined:
        return None
    except ChannelFailed as failure:
        raise _before_anything(failure) from None
    return _read(told, session.server)


def _new(account: Account) -> Session:
    server = account.server or _server_of(account)
    try:
        told = calls.tell(
            server,
            "com.atproto.server.createSession",
            {"identifier": account.handle, "password": account.password},
        )
    except calls.Declined as declined:
        raise NotLetIn(_why_not(declined)) from None
    except ChannelFailed as failure:
        raise _before_anything(failure) from None
    session = _read(told, "")
    if told.get("active") is False:
        status = str(told.get("status") or "")[:40]
        raise NotLetIn(phrase("the account is not active (%(status)s)", status=status))
    if isinstance(told.get("didDoc"), dict):
        home = identity.server_in(told["didDoc"])
    else:
        home = identity.server_of(session.did, account.directory)
    return Session(session.did, session.handle, home, session.access, session.refresh)


def _server_of(account: Account) -> str:
    if account.handle.endswith(".bsky.social"):
        return identity.BLUESKY
    return identity.server_of(identity.did_of(account.handle), account.directory)


def _read(told: Mapping[str, Any], server: str) -> Session:
    values = [told.get(name) for name in ("did", "handle", "accessJwt", "refreshJwt")]
    if not all(isinstance(value, str) and value for value in values):
        raise ChannelFailed(phrase("the answer is not what AT protocol says"))
    did, handle, access, refresh = (str(value) for value in values)
    return Session(did, handle, server, access, refresh)


def _why_not(declined: calls.Declined) -> str:
    reason = declined.reason
    if declined.name == "AuthFactorTokenRequired":
        reason = phrase("the server asks for a code by mail; please use an app password, which needs none")
    elif declined.name in {"AccountTakedown", "AccountDeactivated", "AccountSuspended"}:
        reason = phrase("the account is not active (%(status)s)", status=declined.name)
    elif declined.name in {"AuthenticationRequired", "AuthMissing", "InvalidRequest"}:
        reason = phrase("the server does not accept this handle and app password")
    return reason


def _before_anything(failure: ChannelFailed) -> ChannelFailed:
    """Return the failure of a sign-in, in which nothing of a message can have left."""
    return ChannelFailed(failure.reason, permanent=failure.permanent, retry_after=failure.retry_after)


def _stored(account: Account) -> Session | None:
    if account.channel_id is None:
        return None
    was_outside = not db.session().in_transaction()
    credentials = db.session.scalar(select(Channel.credentials).where(Channel.id == account.channel_id))
    if was_outside:
        db.session.rollback()
    return account.kept(credentials)


def _keep(account: Account, session: Session) -> None:
    """Keep a sign-in, unless the admin said something else meanwhile.

    While a channel is asked or a message handed over, nothing is open in the database, and this is an edge of its own;
    inside of somebody's transaction it goes with that.
    """
    if account.channel_id is None:
        return
    was_outside = not db.session().in_transaction()
    row = db.session.execute(
        select(Channel.credentials).where(Channel.id == account.channel_id).with_for_update(key_share=True)
    ).one_or_none()
    if row is not None and row.credentials is not None and row.credentials.get("password") == account.password:
        kept = json.dumps({"seal": account.seal, "session": asdict(session)})
        db.session.execute(
            update(Channel).where(Channel.id == account.channel_id).values(credentials={**row.credentials, KEPT: kept})
        )
    if was_outside:
        db.session.commit()
