"""How Mastodon.py reaches an instance: every connection it opens goes through the one guarded way out.

Nothing of the environment is read (proxies, .netrc), no redirect is followed, and what goes wrong is told as the desk
understands it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import mastodon
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from core import http
from core.clock import now
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import ChannelFailed, NotLetIn, tidied

SECONDS: Final = 20.0
"""A busy instance takes its time for a long thread."""
LARGEST: Final = 8 * 1024 * 1024
LONGEST_REASON: Final = 160
USER_AGENT: Final = "Klinke"
_NOT_PASSED_ON: Final = frozenset({"accept-encoding", "connection", "host", "content-length", "transfer-encoding"})
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.LOCKED})


class NotThere(ChannelFailed):
    """The instance has nothing at this address: it was deleted, or is not shown to us."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, permanent=True)


class _Elsewhere(Exception):
    """The instance sends us to another address."""


class _CutOff(Exception):
    """The answer ended early, or was longer than fits."""


class Session(requests.Session):
    """What Mastodon.py is given to speak with; it remembers the answer that came last."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.last: http.Answer | None = None
        self.mount("https://", _Guarded(self))
        self.mount("http://", _Guarded(self))

    @property
    def quota_left(self) -> int | None:
        told = self._header("x-ratelimit-remaining")
        return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None  # noqa: PLR2004 -- fits the column

    @property
    def quota_renewed_at(self) -> datetime | None:
        """Return when there is a new quota: Mastodon writes a date, GoToSocial seconds since 1970."""
        told = self._header("x-ratelimit-reset")
        try:
            moment = datetime.fromtimestamp(int(told), UTC) if told.isdigit() else datetime.fromisoformat(told)
        except (ValueError, OverflowError, OSError):
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def was_too_long(self) -> bool:
        """Tell whether the last answer did not fit; asking for less of it may help."""
        return self.last is not None and self.last.is_cut and len(self.last.body) >= LARGEST

    @property
    def pause(self) -> float | None:
        """Return how many seconds the instance wants us to wait."""
        told = self._header("retry-after").strip()
        if told.isascii() and told.isdigit() and len(told) < 10:  # noqa: PLR2004 -- no sane pause has more digits
            return float(told)
        renewed = self.quota_renewed_at
        return None if renewed is None else max(0.0, (renewed - now()).total_seconds())

    def _header(self, name: str) -> str:
        return "" if self.last is None else self.last.headers.get(name, "")


class _Guarded(BaseAdapter):
    """Carries what `requests` prepared over `core.http`."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def send(self, request: requests.PreparedRequest, *_args: Any, **_told: Any) -> requests.Response:
        body = request.body
        self._session.last = None
        answer = http.request(
            request.method or "GET",
            request.url or "",
            current_settings(),
            body=body.encode() if isinstance(body, str) else body,  # type: ignore[arg-type]  # nothing here streams
            headers={name: str(value) for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON},
            seconds=SECONDS,
            largest=LARGEST,
        )
        self._session.last = answer
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise _Elsewhere(answer.headers.get("location", ""))
        if answer.is_cut:
            raise _CutOff
        response = requests.Response()
        response.status_code = answer.status
        response.request = request
        response.url = request.url or ""
        # The library warns on stderr of calls that are to go one day; that is a matter for its next release.
        response.headers = CaseInsensitiveDict({k: v for k, v in answer.headers.items() if k != "deprecation"})
        response._content = answer.body  # noqa: SLF001 -- how a response is made that was read already
        return response

    def close(self) -> None:
        """There is nothing to close: each connection ends with its answer."""


def client_for(base_url: str, token: str) -> mastodon.Mastodon:
    """Return a client for an instance that signs in with the token, if there is one."""
    client = mastodon.Mastodon(
        api_base_url=base_url, session=Session(), ratelimit_method="throw", user_agent=USER_AGENT
    )
    # Not by the constructor: there a token that is the name of a file would be read from that file.
    client.access_token = token or None
    return client


def session_of(client: mastodon.Mastodon) -> Session:
    session = client.session
    assert isinstance(session, Session)  # noqa: S101 -- `client_for` made it
    return session


@contextmanager
def speaking(client: mastodon.Mastodon, *, writes: bool = False) -> Iterator[Session]:
    """Turn what goes wrong in the block into `ChannelFailed`; with `writes`, what nobody knows is unsure."""
    session = session_of(client)
    try:
        yield session
    except (mastodon.MastodonError, requests.RequestException, http.Refused, http.Unreachable) as error:
        raise _failure(error, session, writes=writes) from None
    except (_Elsewhere, _CutOff) as error:
        raise _failure(error, session, writes=writes) from None


def post_form(client: mastodon.Mastodon, path: str, values: Mapping[str, str]) -> Mapping[str, Any]:
    """POST a form and return the object that comes back, for what the library has no safe call."""
    with speaking(client) as session:
        response = session.post(f"{client.api_base_url}{path}", data=values, headers={"User-Agent": USER_AGENT})
    said = told(session)
    if not response.ok or not isinstance(said, Mapping):
        assert session.last is not None  # noqa: S101 -- it has just answered
        raise _of_status(session, session.last, writes=False)
    return said


def told(session: Session) -> Any:
    """Return the JSON of the answer that came last; None when it is none."""
    try:
        return None if session.last is None else json.loads(session.last.body)
    except (ValueError, RecursionError):
        return None


def _failure(error: BaseException, session: Session, *, writes: bool) -> ChannelFailed:
    cause = error.__context__ if isinstance(error, mastodon.MastodonNetworkError) else error
    if isinstance(cause, http.Refused):
        return ChannelFailed(cause.reason, permanent=True)
    if isinstance(cause, http.Unreachable):
        return ChannelFailed(cause.reason, unsure=writes and cause.sent)
    if isinstance(cause, _Elsewhere):
        where = str(cause)[:LONGEST_REASON]
        return ChannelFailed(
            phrase("the instance sends us on to %(where)s; please connect with the address it really has", where=where),
            permanent=True,
        )
    if session.last is None:
        return ChannelFailed(phrase("the request could not be made"), permanent=True)
    if isinstance(cause, _CutOff):
        return ChannelFailed(phrase("the instance’s answer broke off"), unsure=writes)
    return _of_status(session, session.last, writes=writes)


def _of_status(session: Session, answer: http.Answer, *, writes: bool) -> ChannelFailed:
    status, words = answer.status, _words(session)
    reason = phrase("the instance answered %(status)s", status=status) + (f": {words}" if words else "")
    failure = ChannelFailed(reason, permanent=True)
    if status == HTTPStatus.UNAUTHORIZED:
        failure = NotLetIn(phrase("the instance does not accept the token: %(words)s", words=words or status))
    elif status == HTTPStatus.FORBIDDEN:
        failure = NotLetIn(phrase("the instance does not allow this: %(words)s", words=words or status))
    elif status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        failure = NotThere(reason)
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        failure = ChannelFailed(phrase("the instance wants fewer requests for a while"), retry_after=session.pause)
    elif status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        failure = ChannelFailed(reason, retry_after=session.pause, unsure=writes)
    elif status < HTTPStatus.BAD_REQUEST:
        failure = ChannelFailed(phrase("the instance’s answer cannot be read"), unsure=writes)
    return failure


def _words(session: Session) -> str:
    said = told(session)
    if not isinstance(said, Mapping):
        return ""
    found = next((said[name] for name in ("error_description", "error") if isinstance(said.get(name), str)), "")
    words = " ".join(tidied(found).split())
    return words if len(words) <= LONGEST_REASON else words[:LONGEST_REASON] + "…"
