"""The way out: SMTP through the guard, encrypted, and exact about when a mail was surely not taken."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from core import http, mail
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import ChannelFailed, NotLetIn
from desk.channels.mail import sign_in
from desk.channels.mail.account import Account
from desk.channels.mail.imap import words_of
from desk.models import Channel

PORTS: Final = (25, 465, 587, 2525)
SILENCE_SECONDS: Final = 20.0
SESSION_SECONDS: Final = 120.0
PAUSE_SECONDS: Final = 60.0
"""A server that says "later" means minutes: it looks whether we come again, or has too much to do."""
AWAY_SECONDS: Final = 15.0
_OK: Final = 250
_GO_ON: Final = 354
_WANTS_SIGN_IN: Final = {530, 534, 535, 538}
_CODES: Final = range(200, 600)
_PERMANENT: Final = 500


@contextmanager
def opened(channel: Channel, account: Account) -> Iterator[smtplib.SMTP]:
    """Yield the server, signed in where it knows that; raise `ChannelFailed` for what goes wrong until then."""
    server, settings = account.smtp, current_settings()
    with (
        before_it_is_taken(server.host),
        http.dialled(
            server.host,
            server.port,
            settings,
            ports=PORTS,
            is_tls=server.security == "tls",
            silence=SILENCE_SECONDS,
            seconds=SESSION_SECONDS,
        ) as line,
    ):
        if server.security == "plain" and not http.may_be_plain(server.host, server.port, line, settings):
            raise ChannelFailed(phrase("Without encryption only a server on this machine is used."), permanent=True)
        speaks = _Smtp(line, server.host)
        try:
            speaks.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                if not speaks.has_extn("starttls"):
                    raise ChannelFailed(phrase("The server offers no encryption (STARTTLS)."), permanent=True)
                speaks.starttls(context=ssl.create_default_context())
                speaks.ehlo_or_helo_if_needed()
            if speaks.has_extn("auth"):
                _sign_in(channel, account, speaks)
            yield speaks
        finally:
            with suppress(smtplib.SMTPException, OSError):  # it is over, whatever it says
                speaks.quit()
            speaks.close()


def hand_over(speaks: smtplib.SMTP, raw: bytes, *, sender: str, to: str, copy_to: Sequence[str]) -> None:
    """Give the server a mail for one person; copies are for addresses of our own, and who refuses them gets none.

    Raise `ChannelFailed`: it is `unsure` only when the last byte may have arrived and no whole answer came.
    """
    host = str(speaks._host)  # type: ignore[attr-defined]  # noqa: SLF001 -- smtplib keeps it for certificates
    with before_it_is_taken(host):
        options = ["body=8bitmime"] if speaks.has_extn("8bitmime") else []
        _expect(speaks.mail(sender, options), _OK)
        _expect(speaks.rcpt(to), _OK, 251)
        for each in copy_to:
            speaks.rcpt(each)
        _expect(speaks.docmd("DATA"), _GO_ON)
    try:
        speaks.send(_dotted(raw))
        answer = speaks.getreply()
    except (smtplib.SMTPException, OSError, ValueError):
        raise ChannelFailed(
            phrase("%(host)s broke off while it took the mail. It may have arrived.", host=host), unsure=True
        ) from None
    if answer[0] not in _CODES:
        raise ChannelFailed(phrase("%(host)s gave half an answer. The mail may have arrived.", host=host), unsure=True)
    _expect(answer, _OK)


class _Smtp(smtplib.SMTP):
    """Speaks over a connection that was made for it."""

    def __init__(self, line: socket.socket, host: str) -> None:
        self._line = line
        super().__init__(host, 1, local_hostname=mail.host(), timeout=SILENCE_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 -- smtplib's signature
        return self._line


def _sign_in(channel: Channel, account: Account, speaks: smtplib.SMTP) -> None:
    if account.oauth is not None:
        token = sign_in.access_token(channel, account)
        try:
            _show(speaks, account.user, token)
        except smtplib.SMTPAuthenticationError:
            # The one that was good may be refused before its time.
            token = sign_in.access_token(channel, account, instead_of=token)
            try:
                _show(speaks, account.user, token)
            except smtplib.SMTPAuthenticationError as error:
                sign_in.forget(channel, account)
                raise _token_refused(error) from None
    else:
        speaks.login(account.user, account.password)


def _show(speaks: smtplib.SMTP, user: str, token: str) -> None:
    said = iter([f"user={user}\1auth=Bearer {token}\1\1"])
    # A refusal comes as a challenge first, which is answered with nothing.
    speaks.auth("XOAUTH2", lambda _challenge=None: next(said, ""))


def _token_refused(error: smtplib.SMTPAuthenticationError) -> ChannelFailed:
    said = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
    words = f"{error.smtp_code} {words_of(said)}".strip()
    if error.smtp_code < _PERMANENT:
        return _in_words(error.smtp_code, said)
    return NotLetIn(phrase("The mail server does not accept the access token: %(reason)s", reason=words))


def _dotted(raw: bytes) -> bytes:
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] not in codes:
        raise _in_words(*answer)


def _in_words(code: int, said: bytes) -> ChannelFailed:
    words = f"{code} {words_of(said)}".strip()
    if code in _WANTS_SIGN_IN:
        return NotLetIn(phrase("The mail server does not accept user name and password: %(reason)s", reason=words))
    reason = phrase("The mail server does not take it: %(reason)s", reason=words)
    if code >= _PERMANENT:
        return ChannelFailed(reason, permanent=True)
    return ChannelFailed(reason, retry_after=PAUSE_SECONDS)


@contextmanager
def before_it_is_taken(host: str) -> Iterator[None]:
    """Say in words what went wrong where nothing can have been taken yet."""
    try:
        yield
    except http.Refused as refusal:
        raise ChannelFailed(refusal.reason, permanent=True) from None
    except http.Unreachable as problem:
        raise ChannelFailed(problem.reason, retry_after=AWAY_SECONDS) from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        raise _in_words(error.smtp_code, said) from None
    except ssl.SSLError as error:
        words = getattr(error, "verify_message", "") or error.reason or type(error).__name__
        reason = phrase("no secure connection to %(host)s: %(error)s", host=host, error=words)
        raise ChannelFailed(reason, retry_after=AWAY_SECONDS) from None
    except TimeoutError:
        raise ChannelFailed(phrase("%(host)s does not answer", host=host), retry_after=AWAY_SECONDS) from None
    except (smtplib.SMTPException, OSError, ValueError):
        reason = phrase("%(host)s broke the connection off", host=host)
        raise ChannelFailed(reason, retry_after=AWAY_SECONDS) from None
