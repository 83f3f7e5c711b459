"""Who somebody is: a handle leads to a DID, which stays, and the DID to the server that keeps their records."""

import json
import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from core import http
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import ChannelFailed
from desk.channels.bluesky import calls

DIRECTORY: Final = "https://plc.directory"
OPEN_SERVER: Final = "https://public.api.bsky.app"
"""Says to everybody which DID a handle has; it asks the name servers, which we cannot."""
BLUESKY: Final = "https://bsky.social"
_DID: Final = re.compile(r"did:(?:plc:[a-z2-7]{24}|web:[a-zA-Z0-9.%-]{1,200})")
_HANDLE: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)


def is_did(text: str) -> bool:
    return _DID.fullmatch(text) is not None


def is_handle(text: str) -> bool:
    return len(text) <= 253 and _HANDLE.fullmatch(text) is not None  # noqa: PLR2004 -- the length of a domain name


def did_of(handle: str) -> str:
    """Return the DID of a handle, asking its own domain first; raise `ChannelFailed` where nobody knows it."""
    if is_did(handle):
        return handle
    try:
        answer = http.look(f"https://{handle}/.well-known/atproto-did", current_settings(), method="GET")
    except (http.Refused, http.Unreachable):
        answer = None
    if answer is not None and answer.status == HTTPStatus.OK:
        told = answer.body[:300].decode("ascii", "replace").strip()
        if is_did(told):
            return told
    try:
        found = str(calls.ask(OPEN_SERVER, "com.atproto.identity.resolveHandle", {"handle": handle}).get("did"))
    except calls.Declined:
        found = ""
    if not is_did(found):
        raise ChannelFailed(phrase("nobody knows the handle %(handle)s", handle=handle), permanent=True)
    return found


def server_of(did: str, directory: str) -> str:
    """Return the address of the server that keeps the records of a DID; raise `ChannelFailed`."""
    return server_in(_document(did, directory))


def server_in(document: Any) -> str:
    """Return the address of the server that a DID document names; raise `ChannelFailed` where it names none."""
    services = document.get("service") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else ():
        if not isinstance(service, dict) or service.get("type") != "AtprotoPersonalDataServer":
            continue
        address = service.get("serviceEndpoint")
        if str(service.get("id", "")).endswith("#atproto_pds") and isinstance(address, str):
            return address.rstrip("/")
    raise ChannelFailed(phrase("the directory names no server for this account"), permanent=True)


def _document(did: str, directory: str) -> Any:
    if not is_did(did):
        raise ChannelFailed(phrase("“%(did)s” is not a DID we know how to look up", did=did[:80]), permanent=True)
    if did.startswith("did:web:"):
        url = f"https://{did.removeprefix('did:web:')}/.well-known/did.json"
    else:
        url = f"{directory}/{quote(did, safe=':')}"
    try:
        answer = http.look(url, current_settings(), method="GET")
    except http.Refused as refusal:
        raise ChannelFailed(refusal.reason, permanent=True) from None
    except http.Unreachable as problem:
        raise ChannelFailed(problem.reason) from None
    if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise ChannelFailed(phrase("the directory does not know this account"), permanent=True)
    if answer.status != HTTPStatus.OK or answer.is_cut:
        raise ChannelFailed(phrase("the directory answered %(status)s", status=answer.status))
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ChannelFailed(phrase("what the directory says cannot be read")) from None
