"""An admin lets the desk in at a service, in the browser (OAuth 2.0 with a state of ours and PKCE).

Where they go and what the code is worth only the channel's module knows. What was begun is kept with the channel,
encrypted, belongs to the one admin who began it, ends after ten minutes, and is taken once.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext, lazy_gettext

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from desk import policy, polling, queries
from desk.channels.base import ChannelFailed, adapter_of, apart
from desk.forgetting import FORGOTTEN
from desk.models import Channel

LASTS: Final = timedelta(minutes=10)
LONGEST_CODE: Final = 2000
LONGEST_STATE: Final = 200
_BEGUN: Final = ("letting_in_state", "letting_in_by", "letting_in_until", "letting_in_verifier")


class NotLet(Conflict):
    """The service did not let us in."""

    title = lazy_gettext("The service did not let us in")


def begin(channel: Channel, *, back: str, by: User) -> str:
    """Return the address at the service where the admin lets us in; raise `NotLet` with a reason."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    adapter = adapter_of(channel)
    if not adapter.capabilities.signs_in or channel.settings.get(FORGOTTEN):
        raise NotFound
    channel_id = channel.id
    state, verifier = f"{channel_id}.{secrets.token_urlsafe(32)}", secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    apart_from_us = apart(channel_id)
    before = _settled(apart_from_us.channel)
    try:
        address = apart_from_us.authorise_url(back, state, challenge)
    except ChannelFailed as failure:
        raise NotLet(failure.reason) from None
    channel = _take_over(channel_id, before, _settled(apart_from_us.channel))
    begun = (_digest(state), str(by.id), (now() + LASTS).isoformat(), verifier)
    channel.credentials = {**(channel.credentials or {}), **dict(zip(_BEGUN, begun, strict=True))}
    db.session.flush()
    return address


def begun(state: str, *, by: User) -> Channel:
    """Return the channel that the admin went to the service for; raise `Invalid` when they did not, or long ago."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    number, _, rest = state[:LONGEST_STATE].partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 20 and rest):  # noqa: PLR2004 -- the ids' digits
        raise _stale()
    try:
        channel = queries.channel(int(number))
    except NotFound:
        raise _stale() from None
    expected, who, until, _verifier = ((channel.credentials or {}).get(name, "") for name in _BEGUN)
    is_it = hmac.compare_digest(expected, _digest(state)) and who == str(by.id)
    if not is_it or datetime.fromisoformat(until) <= now():
        raise _stale()
    return channel


def finish(state: str, *, code: str, back: str, by: User) -> Channel:
    """Take the code that the service sent the admin back with, once; raise `NotLet` where it is worth nothing.

    Also then the state is used up.
    """
    channel = begun(state, by=by)
    db.session.get_one(Channel, channel.id, with_for_update=True, populate_existing=True)
    channel = begun(state, by=by)  # somebody may have been faster
    kept = dict(channel.credentials or {})
    verifier = kept.get("letting_in_verifier", "")
    channel.credentials = {name: value for name, value in kept.items() if name not in _BEGUN}
    db.session.commit()  # used up from here on, and nothing in the database waits for the network
    if not code or len(code) > LONGEST_CODE or not code.isprintable():
        raise NotLet(gettext("The service sent no code back."))
    apart_from_us = apart(channel.id)
    before = _settled(apart_from_us.channel)
    try:
        apart_from_us.authorised(back, code, verifier)
    except ChannelFailed as failure:
        raise NotLet(failure.reason) from None
    channel = _take_over(apart_from_us.channel.id, before, _settled(apart_from_us.channel))
    polling.begin_anew(channel.id)
    audit.record("desk.channel.let_in", channel, by=by)
    return channel


def _settled(channel: Channel) -> tuple[dict[str, Any], dict[str, Any]]:
    return dict(channel.settings), dict(channel.credentials or {})


def _take_over(
    channel_id: int, before: tuple[dict[str, Any], dict[str, Any]], after: tuple[dict[str, Any], dict[str, Any]]
) -> Channel:
    """Keep what came of talking to the service, beside what an admin changed meanwhile; return the channel."""
    channel = db.session.get_one(Channel, channel_id, with_for_update=True, populate_existing=True)
    settings, credentials = (
        {name: value for name, value in {**now_there, **_new(old, new)}.items() if name in new or name not in old}
        for now_there, old, new in zip(_settled(channel), before, after, strict=True)
    )
    channel.settings, channel.credentials = settings, credentials or None
    db.session.flush()
    return channel


def _new(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if name not in before or before[name] != value}


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def _stale() -> Invalid:
    return Invalid(gettext("This sign-in was not begun here, or it is over. Please begin it again at the channel."))
