"""WebSub (W3C): a hub tells at once what is new in a feed; it proves itself by a secret of that feed alone."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from core import http, phrases
from core.clock import now
from core.phrases import phrase
from core.settings import current_settings
from core.web import absolute
from desk.channels.base import WrongSignature
from desk.channels.feeds.watching import HUBS
from desk.models import Channel

SECRET: Final = "hub_secret"  # noqa: S105 -- the name of a credential
LEASE: Final = timedelta(days=10)
"""What is asked for; the hub says what it grants."""
LONGEST_LEASE: Final = timedelta(days=90)
SHORTEST_LEASE: Final = timedelta(minutes=5)
RENEWED_BEFORE: Final = timedelta(days=1)
PAUSE: Final = timedelta(hours=1)
"""A hub is not asked again sooner."""
LONGEST_CHALLENGE: Final = 2000
LONGEST_REASON: Final = 200
_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_METHODS: Final = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


def subscribe(channel: Channel, key: str, hub: str, topic: str) -> str:
    """Ask a hub to tell of a feed; return why it does not, empty when it will see whether we want it."""
    return _ask("subscribe", channel, key, hub, topic)


def unsubscribe(channel: Channel, key: str, hub: str, topic: str) -> str:
    """Ask a hub to tell of a feed no more; return why it does not."""
    return _ask("unsubscribe", channel, key, hub, topic)


def lease_of(channel: Channel, key: str, topic: str) -> datetime | None:
    """Return until when a hub tells of a feed; None when it does not."""
    told = (channel.settings.get(HUBS) or {}).get(key) or {}
    if told.get("topic") != topic or not told.get("until"):
        return None
    until = datetime.fromisoformat(told["until"])
    return until if until > now() else None


def is_to_be_renewed(channel: Channel, key: str, topic: str) -> bool:
    until = lease_of(channel, key, topic)
    return until is None or until - now() < RENEWED_BEFORE


def answer(channel: Channel, query: Mapping[str, str], *, is_watched: bool) -> str | None:
    """Answer a hub that asks whether we meant it; None where we did not. What it grants is kept in the settings."""
    key, topic, mode = query.get("feed", ""), query.get("hub.topic", ""), query.get("hub.mode", "")
    if not hmac.compare_digest(query.get("proof", "").encode(), proof(channel, key, topic).encode()):
        return None
    hubs = dict(channel.settings.get(HUBS) or {})
    challenge = query.get("hub.challenge", "")
    if mode == "denied":
        reason = " ".join(query.get("hub.reason", "").split())[:LONGEST_REASON]
        hubs[key] = {"topic": topic, "denied": reason or phrases.kept(phrase("the hub gives no reason"))}
        challenge = "denied"
    elif not challenge or len(challenge) > LONGEST_CHALLENGE:
        return None
    elif mode == "subscribe" and is_watched:
        told = query.get("hub.lease_seconds", "")
        granted = timedelta(seconds=int(told)) if _DIGITS.fullmatch(told) else LEASE
        hubs[key] = {"topic": topic, "until": (now() + max(SHORTEST_LEASE, min(granted, LONGEST_LEASE))).isoformat()}
    elif mode == "unsubscribe" and not is_watched:
        hubs.pop(key, None)
    else:
        return None
    channel.settings = {**channel.settings, HUBS: hubs}
    return challenge


def check(channel: Channel, query: Mapping[str, str], headers: Mapping[str, str], raw: bytes) -> None:
    """Raise `WrongSignature` unless the hub of this very feed signed exactly these bytes."""
    method, _, given = headers.get("x-hub-signature", "").partition("=")
    digest = _METHODS.get(method.strip().lower())
    if digest is None:
        raise WrongSignature(phrase("The header X-Hub-Signature is needed, with sha256= or the like."))
    expected = hmac.new(secret_of(channel, query.get("feed", "")).encode(), raw, digest).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.strip().lower().encode("utf-8", "surrogateescape")):
        raise WrongSignature(phrase("The signature does not fit these bytes and the secret of this feed."))


def proof(channel: Channel, key: str, topic: str) -> str:
    """Return what in our address shows that we asked a hub for this topic ourselves."""
    return _derived(channel, f"proof\n{key}\n{topic}")


def secret_of(channel: Channel, key: str) -> str:
    """Return what the hub of a feed signs with; another feed's hub knows nothing of it."""
    return _derived(channel, f"sign\n{key}")


def _derived(channel: Channel, words: str) -> str:
    secret = (channel.credentials or {}).get(SECRET, "")
    return hmac.new(secret.encode(), words.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:40]


def _ask(mode: str, channel: Channel, key: str, hub: str, topic: str) -> str:
    settings = current_settings()
    place = absolute(f"/channels/{channel.slug}/webhook")
    fields: dict[str, Any] = {
        "hub.callback": f"{place}?{urlencode({'feed': key, 'proof': proof(channel, key, topic)})}",
        "hub.mode": mode,
        "hub.topic": topic,
    }
    if mode == "subscribe":
        fields |= {"hub.secret": secret_of(channel, key), "hub.lease_seconds": int(LEASE.total_seconds())}
    try:
        http.check(place, settings)
    except http.Refused:
        return phrase("a hub could not reach this installation at its address")
    try:
        told = http.post(
            hub, urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"}, settings
        )
    except (http.Refused, http.Unreachable) as problem:
        return problem.reason
    if HTTPStatus.OK <= told.status < HTTPStatus.MULTIPLE_CHOICES:
        return ""
    return phrase("the hub answered %(status)s", status=told.status)
