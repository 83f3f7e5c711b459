"""What a mailbox is opened with: its password, or an access token that is asked for when it is needed (OAuth 2)."""

import hashlib
import json
import threading
import time
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import select

from core import http
from core.db import db
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import ChannelFailed, NotLetIn
from desk.channels.mail.account import Account, OAuth
from desk.models import Channel

SHORTEST_LIFE: Final = 60.0
"""A token that lives no longer than this is not used again."""
USUAL_LIFE: Final = 300.0
LONGEST_LIFE: Final = 3600.0
LONGEST_TOKEN: Final = 8000
MOST_KEPT: Final = 1000

_fresh: dict[str, tuple[str, float]] = {}
_lock: Final = threading.Lock()


def access_token(channel: Channel, account: Account, *, instead_of: str = "") -> str:
    """Return a token that is good for now, another one than was refused; raise `NotLetIn` when none is given any more.

    Without a transaction of the caller's: the provider is asked, and a refresh token that it renews is kept at once.
    """
    oauth = account.oauth
    assert oauth is not None  # noqa: S101 -- asked of such accounts only
    with _lock:
        token, until = _fresh.get(_name(channel, oauth), ("", 0.0))
    if until > time.monotonic() and token != instead_of:
        return token
    try:
        told = _asked(oauth)
    except NotLetIn:
        # Somebody who signed in at the same moment may have been given another refresh token in its place.
        newer = _kept(channel).get("refresh_token", "")
        if not newer or newer == oauth.refresh_token:
            raise
        oauth = replace(oauth, refresh_token=newer)
        told = _asked(oauth)
    token, life = _token(told), _life(told.get("expires_in"))
    renewed = told.get("refresh_token")
    if isinstance(renewed, str) and 0 < len(renewed) <= LONGEST_TOKEN and renewed != oauth.refresh_token:
        _keep(channel, renewed)
        oauth = replace(oauth, refresh_token=renewed)
    with _lock:
        if len(_fresh) >= MOST_KEPT:
            _fresh.clear()
        _fresh[_name(channel, oauth)] = (token, time.monotonic() + life - SHORTEST_LIFE)
    return token


def forget(channel: Channel, account: Account) -> None:
    """Do not use a token again that was refused."""
    if account.oauth is not None:
        with _lock:
            _fresh.pop(_name(channel, account.oauth), None)


def _name(channel: Channel, oauth: OAuth) -> str:
    said = "\0".join([str(channel.id), oauth.endpoint, oauth.client_id, oauth.refresh_token])
    return hashlib.sha256(said.encode()).hexdigest()


def _asked(oauth: OAuth) -> dict[str, Any]:
    fields = {"grant_type": "refresh_token", "client_id": oauth.client_id, "refresh_token": oauth.refresh_token}
    if oauth.client_secret:
        fields["client_secret"] = oauth.client_secret
    if oauth.scope:
        fields["scope"] = oauth.scope
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        answer = http.post(oauth.endpoint, urlencode(fields).encode(), headers, current_settings())
    except http.Refused as refusal:
        raise ChannelFailed(refusal.reason, permanent=True) from None
    except http.Unreachable as problem:
        raise ChannelFailed(phrase("No access token: %(reason)s", reason=problem.reason)) from None
    told = _object(answer.body)
    if answer.status == HTTPStatus.OK:
        return told
    # RFC 6749 5.2; of what else it says nothing is repeated, for it may name the token.
    code = str(told.get("error") or answer.status)[:60]
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotLetIn(phrase("The provider gives no access token any more (%(code)s).", code=code))
    raise ChannelFailed(phrase("The provider gave no access token (%(code)s).", code=code))


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _token(told: dict[str, Any]) -> str:
    token = told.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN or not token.isprintable():
        raise ChannelFailed(phrase("The provider gave no access token (%(code)s).", code="?"))
    return token


def _life(told: Any) -> float:
    try:
        return min(max(float(told), SHORTEST_LIFE), LONGEST_LIFE)
    except (TypeError, ValueError):
        return USUAL_LIFE


def _kept(channel: Channel) -> dict[str, str]:
    found = db.session.scalar(select(Channel.credentials).where(Channel.id == channel.id))
    db.session.rollback()
    return found or {}


def _keep(channel: Channel, renewed: str) -> None:
    """Keep the refresh token that takes the old one's place, at once: the old one may be worth nothing any more."""
    kept = db.session.get(Channel, channel.id, with_for_update=True, populate_existing=True)
    if kept is not None:
        kept.credentials = {**(kept.credentials or {}), "refresh_token": renewed}
    db.session.commit()
