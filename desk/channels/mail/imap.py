"""The way to the mailbox: IMAP through the guard, encrypted, with bounds on time and size."""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import imap_tools
from imap_tools.errors import MailboxLoginError, UnexpectedCommandStatusError

from core import http
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import ChannelFailed, NotLetIn
from desk.channels.mail import sign_in
from desk.channels.mail.account import Account
from desk.models import Channel

PORTS: Final = (143, 993)
SILENCE_SECONDS: Final = 20.0
SESSION_SECONDS: Final = 240.0
"""Shorter than the lease of a worker that asks."""
LARGEST_LITERAL: Final = 40 * 1024 * 1024
PAUSE_SECONDS: Final = 60.0
"""How long a server is left alone that is asked too much and does not say for how long."""
LONGEST_REASON: Final = 160
_CODE: Final = re.compile(r"\[([A-Z-]+)")
_FOR_NOW: Final = {"UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG", "OVERQUOTA", "CONTACTADMIN"}
"""Response codes (RFC 5530) of what another time may bring."""


@contextmanager
def opened(channel: Channel, account: Account, *, seconds: float = SESSION_SECONDS) -> Iterator[imap_tools.BaseMailBox]:
    """Yield the mailbox, signed in, with no folder open; raise `ChannelFailed` for everything that goes wrong."""
    server, settings = account.imap, current_settings()
    with (
        _in_words(server.host),
        http.dialled(
            server.host,
            server.port,
            settings,
            ports=PORTS,
            is_tls=server.security == "tls",
            silence=SILENCE_SECONDS,
            seconds=seconds,
        ) as line,
    ):
        if server.security == "plain" and not http.may_be_plain(server.host, server.port, line, settings):
            raise ChannelFailed(phrase("Without encryption only a server on this machine is used."), permanent=True)
        box = _Box(line, server.host, server.port)
        try:
            if server.security == "starttls":
                _begin_tls(box)
            _sign_in(channel, account, box)
            yield box
        finally:
            with suppress(imaplib.IMAP4.error, OSError, imap_tools.ImapToolsError):  # it is over, whatever it says
                box.logout()
            with suppress(OSError):
                box.client.shutdown()


def words_of(told: object) -> str:
    """Return what a server said, short and on one line."""
    if isinstance(told, bytes):
        told = told.decode("utf-8", "replace")
    words = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", str(told)).split())
    return words if len(words) <= LONGEST_REASON else words[:LONGEST_REASON] + "…"


class _Client(imaplib.IMAP4):
    """Speaks over a connection that was made for it."""

    def __init__(self, line: socket.socket, host: str, port: int) -> None:
        self._line = line
        super().__init__(host, port, timeout=SILENCE_SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:  # noqa: ARG002 -- imaplib's signature
        return self._line

    def read(self, size: int) -> bytes:
        if size > LARGEST_LITERAL:
            raise self.abort("more was sent than fits")
        return super().read(size)


class _Box(imap_tools.BaseMailBox):
    def __init__(self, line: socket.socket, host: str, port: int) -> None:
        self._line, self._host, self._port = line, host, port
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return _Client(self._line, self._host, self._port)


def _begin_tls(box: imap_tools.BaseMailBox) -> None:
    if "STARTTLS" not in box.client.capabilities:
        raise ChannelFailed(phrase("The server offers no encryption (STARTTLS)."), permanent=True)
    box.client.starttls(ssl.create_default_context())


def _sign_in(channel: Channel, account: Account, box: imap_tools.BaseMailBox) -> None:
    try:
        if account.oauth is not None:
            _sign_in_with_token(channel, account, box)
        elif "AUTH=PLAIN" in box.client.capabilities:
            box.login_utf8(account.user, account.password, initial_folder=None)
        else:
            box.login(account.user, account.password, initial_folder=None)
        # Many servers tell only now what they can do.
        box.client.capabilities = _capabilities(box)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        sign_in.forget(channel, account)
        raise _refused(account, str(error)) from None
    except MailboxLoginError as error:
        raise _refused(account, _said(error)) from None


def _sign_in_with_token(channel: Channel, account: Account, box: imap_tools.BaseMailBox) -> None:
    """Sign in with an access token, and with a fresh one where the one that was good is refused before its time."""
    token = sign_in.access_token(channel, account)
    try:
        _show(box, account.user, token)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if _is_for_now(str(error)):
            raise
        _show(box, account.user, sign_in.access_token(channel, account, instead_of=token))


def _show(box: imap_tools.BaseMailBox, user: str, token: str) -> None:
    said = iter([f"user={user}\1auth=Bearer {token}\1\1".encode()])
    # A refusal comes as a challenge first, which is answered with nothing.
    box.client.authenticate("XOAUTH2", lambda _challenge: next(said, b""))


def _capabilities(box: imap_tools.BaseMailBox) -> tuple[str, ...]:
    _, told = box.client.capability()
    return tuple((told[-1] or b"").decode("ascii", "replace").upper().split())


def _is_for_now(said: str) -> bool:
    code = _CODE.search(said)
    return code is not None and code[1] in _FOR_NOW


def _refused(account: Account, said: str) -> ChannelFailed:
    if _is_for_now(said):
        reason = phrase("The mailbox cannot be opened now: %(reason)s", reason=words_of(said))
        return ChannelFailed(reason, retry_after=PAUSE_SECONDS)
    if account.oauth is not None:
        return NotLetIn(phrase("The mailbox does not accept the access token: %(reason)s", reason=words_of(said)))
    return NotLetIn(phrase("The mailbox does not accept user name and password: %(reason)s", reason=words_of(said)))


def _said(error: UnexpectedCommandStatusError) -> str:
    told = error.command_result[1] if len(error.command_result) > 1 else ""
    if isinstance(told, list | tuple):
        told = next((each for each in told if each), "")
    return words_of(told)


@contextmanager
def _in_words(host: str) -> Iterator[None]:
    try:
        yield
    except http.Refused as refusal:
        raise ChannelFailed(refusal.reason, permanent=True) from None
    except http.Unreachable as problem:
        raise ChannelFailed(problem.reason) from None
    except ssl.SSLError as error:
        words = getattr(error, "verify_message", "") or error.reason or type(error).__name__
        reason = phrase("no secure connection to %(host)s: %(error)s", host=host, error=words)
        raise ChannelFailed(reason) from None
    except TimeoutError:
        raise ChannelFailed(phrase("%(host)s does not answer", host=host)) from None
    except (imaplib.IMAP4.abort, OSError, EOFError):
        raise ChannelFailed(phrase("%(host)s broke the connection off", host=host)) from None
    except UnexpectedCommandStatusError as error:
        raise _failed(host, _said(error)) from None
    except (imaplib.IMAP4.error, imap_tools.ImapToolsError) as error:
        raise _failed(host, str(error)) from None


def _failed(host: str, said: str) -> ChannelFailed:
    pause = PAUSE_SECONDS if _is_for_now(said) else None
    return ChannelFailed(phrase("%(host)s says: %(reason)s", host=host, reason=words_of(said)), retry_after=pause)
