"""Signed tokens in the Message-ID and the reply address of each mail of ours, by which its answers find back."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Final

from flask import current_app

_TOKEN: Final = re.compile(r"(?<![a-z0-9])k([a-z2-7]{20})([a-z2-7]{16})(?![a-z0-9])")
_NAME: Final = 20
"""100 bits that stand for the message, and 80 more that nobody else can make of them."""
_MARK: Final = 16
LONGEST_LOCAL_PART: Final = 64


def token_of(channel_id: int, key: str) -> str:
    """Return the token of a message with this key: always the same, lower case, for servers may change it so."""
    name = _digest(b"name", channel_id, key)[:_NAME]
    return f"k{name}{_digest(b'mark', channel_id, name)[:_MARK]}"


def message_id(channel_id: int, key: str, address: str) -> str:
    """Return the Message-ID of a message of ours, in angle brackets."""
    return f"<{token_of(channel_id, key)}@{address.partition('@')[2]}>"


def reply_address(channel_id: int, key: str, address: str) -> str:
    """Return the address that carries the token; the plain one where there is no room for it."""
    local, _, domain = address.partition("@")
    longer = f"{local}+{token_of(channel_id, key)}"
    return f"{longer}@{domain}" if len(longer) <= LONGEST_LOCAL_PART else address


def ours_in(channel_id: int, text: str, address: str) -> Iterator[str]:
    """Yield the Message-ID of every message of ours of which a text carries the token."""
    for found in _TOKEN.finditer(text.lower()):
        if hmac.compare_digest(found[2], _digest(b"mark", channel_id, found[1])[:_MARK]):
            yield f"<{found[0]}@{address.partition('@')[2]}>"


def _digest(purpose: bytes, channel_id: int, what: str) -> str:
    key = hmac.new(str(current_app.config["SECRET_KEY"]).encode(), b"klinke mail " + purpose, hashlib.sha256).digest()
    sealed = hmac.new(key, f"{channel_id}\0{what}".encode(), hashlib.sha256).digest()
    return base64.b32encode(sealed).decode().lower().rstrip("=")
