"""What a mailbox is opened with: its password, or an access token that is asked for when it is needed (OAuth 2)."""

import hashlib
import json
import threading
import time
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from flask_babel import gettext

from core import http
from core.db import db
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


def access_token(channel: Channel, account: Account) -> str:
    """Return a token that is good for now; raise `NotLetIn` when none is given any more."""
    assert account.oauth is not None  # noqa: S101 -- asked of such accounts only
    name = _name(channel, account.oauth)
    with _lock:
        token, until = _fresh.get(name, ("", 0.0))
    if until > time.monotonic():
        return token
    told = _asked(account.oauth)
    token, life = _token(told), _life(told.get("expires_in"))
    renewed = told.get("refresh_token")
    if isinstance(renewed, str) and 0 < len(renewed) <= LONGEST_TOKEN and renewed != account.oauth.refresh_token:
        _keep(channel, renewed)
    with _lock:
        if len(_fresh) >= MOST_KEPT:
            _fresh.clear()
        _fresh[name] = (token, time.monotonic() + life - SHORTEST_LIFE)
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
        raise ChannelFailed(gettext("No access token: %(reason)s", reason=problem.reason)) from None
    told = _object(answer.body)
    if answer.status == HTTPStatus.OK:
        return told
    # RFC 6749 5.2; of what else it says nothing is repeated, for it may name the token.
    code = str(told.get("error") or answer.status)[:60]
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotLetIn(gettext("The provider gives no access token any more (%(code)s).", code=code))
    raise ChannelFailed(gettext("The provider gave no access token (%(code)s).", code=code))


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _token(told: dict[str, Any]) -> str:
    token = told.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN or not token.isprintable():
        raise ChannelFailed(gettext("The provider gave no access token (%(code)s).", code="?"))
    return token


def _life(told: Any) -> float:
    try:
        return min(max(float(told), SHORTEST_LIFE), LONGEST_LIFE)
    except (TypeError, ValueError):
        return USUAL_LIFE


def _keep(channel: Channel, renewed: str) -> None:
    """Keep the refresh token that takes the old one's place, at once: the old one may be worth nothing any more."""
    kept = db.session.get(Channel, channel.id, with_for_update=True, populate_existing=True)
    if kept is not None:
        kept.credentials = {**(kept.credentials or {}), "refresh_token": renewed}
    db.session.commit()
