"""Requests to AT protocol servers, all of them through the guarded client, and what their refusals mean."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from core import http
from core.clock import now
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import ChannelFailed, tidied

LONGEST_REASON: Final = 160
_LONGEST_RESET: Final = 86_400.0

Params = Mapping[str, str | int | Sequence[str]]


class Declined(ChannelFailed):
    """The server understood and said no; `name` is its word for why, as the protocol's documents list them."""

    def __init__(self, reason: str, *, name: str, status: int) -> None:
        super().__init__(reason, permanent=True)
        self.name = name
        self.status = status


class SignInEnded(Declined):
    """The token is not taken, or not any more; another one may be."""


class Told(dict[str, Any]):
    """What a server answered, and of its headers what it says about its limits."""

    headers: Mapping[str, str]


def ask(server: str, method: str, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Told:
    """Return what a query answers; nothing of ours can have happened where it raises `ChannelFailed`."""
    url = f"{server}/xrpc/{method}{_query(params or {})}"
    try:
        answer = http.look(url, current_settings(), method="GET", headers={**_ACCEPTS, **(headers or {})})
    except http.Refused as refusal:
        raise ChannelFailed(refusal.reason, permanent=True) from None
    except http.Unreachable as problem:
        raise ChannelFailed(problem.reason) from None
    return _read(answer)


def tell(server: str, method: str, body: Any, headers: Mapping[str, str] | None = None) -> Told:
    """Return what a procedure answers; where nobody knows whether it happened, the `ChannelFailed` is unsure."""
    raw = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    kind = {} if raw is None else {"Content-Type": "application/json"}
    url = f"{server}/xrpc/{method}"
    try:
        answer = http.post(url, raw, {**_ACCEPTS, **kind, **(headers or {})}, current_settings())
    except http.Refused as refusal:
        raise ChannelFailed(refusal.reason, permanent=True) from None
    except http.Unreachable as problem:
        raise ChannelFailed(problem.reason, unsure=problem.sent) from None
    try:
        return _read(answer)
    except ChannelFailed as failure:
        # A server that broke, or half an answer: what was asked for may stand there all the same.
        failure.unsure = failure.unsure or not (failure.permanent or answer.status == HTTPStatus.TOO_MANY_REQUESTS)
        raise


_ACCEPTS: Final = {"Accept": "application/json"}


def _query(params: Params) -> str:
    pairs = [
        f"{name}={quote(str(one), safe='')}"
        for name, value in params.items()
        for one in ([value] if isinstance(value, str | int) else value)
    ]
    return f"?{'&'.join(pairs)}" if pairs else ""


def _read(answer: http.Answer) -> Told:
    if answer.status >= HTTPStatus.BAD_REQUEST or answer.status < HTTPStatus.OK:
        raise _refusal(answer)
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        reason = phrase("the server wants us to ask somewhere else, which is not done")
        raise Declined(reason, name="Redirect", status=answer.status)
    if answer.is_cut:
        raise ChannelFailed(phrase("only a part of the answer came"))
    try:
        values = json.loads(answer.body) if answer.body.strip() else {}
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ChannelFailed(phrase("the answer is not what AT protocol says"))
    told = Told(values)
    told.headers = answer.headers
    return told


def _refusal(answer: http.Answer) -> ChannelFailed:
    name, words = _named(answer.body)
    reason = phrase("the server answered %(status)s", status=answer.status)
    if words or name:
        reason = reason + f": {words or name}"
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return ChannelFailed(phrase("the server asks us to wait: too many requests"), retry_after=pause(answer.headers))
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
        return ChannelFailed(reason, retry_after=pause(answer.headers))
    is_about_the_token = name in {"ExpiredToken", "InvalidToken", "AuthMissing"} and not words.startswith("Bad token")
    if answer.status == HTTPStatus.UNAUTHORIZED or is_about_the_token:
        return SignInEnded(reason, name=name, status=answer.status)
    return Declined(reason, name=name, status=answer.status)


def _named(body: bytes) -> tuple[str, str]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(told, dict):
        return "", ""
    words = " ".join(tidied(str(told.get("message") or "")).split())
    shown = words if len(words) <= LONGEST_REASON else words[:LONGEST_REASON] + "…"
    return str(told.get("error") or "")[:80], shown


def pause(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds the server wants to be left alone."""
    after = headers.get("retry-after", "").strip()
    if after.isdecimal() and after.isascii():
        return min(float(after), _LONGEST_RESET)
    reset = headers.get("ratelimit-reset", "").strip()
    if reset.isdecimal() and reset.isascii():
        return min(max(0.0, float(reset) - now().timestamp()), _LONGEST_RESET)
    return None
