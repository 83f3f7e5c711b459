"""The one guarded way out: every request that Klinke makes to an address somebody gave it.

The name is resolved once, every address it has must be plain unicast on the public internet, and the connection goes to
that very address, so that a name which changes its mind between check and connection (DNS rebinding) reaches nothing.
Proxies of the environment are not used. Redirects are not followed, except by `fetch`, for which each hop is a request
of its own under the same rules. An installation lifts the rule for single pairs of host and port with
KLINKE_PRIVATE_ENDPOINTS.
"""

import ipaddress
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookUpTooSlow
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import SplitResult, quote, urldefrag, urljoin, urlsplit

from core import db as database
from core.phrases import phrase
from core.settings import Settings

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
LARGEST_ANSWER: Final = 1024 * 1024
LONGEST_URL: Final = 2000
_HOUSE_NAMES: Final = (".internal", ".intranet", ".intern", ".local", ".localhost", ".lan", ".corp", ".home.arpa")
"""Endings that no server on the public internet has (RFC 6761, 6762, 8375), and those that houses use all the same."""
LONGEST_HOST: Final = 253
_CHUNK: Final = 16 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_FOR_GOOD: Final = frozenset({301, 308})
_ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS: Final = 4

# `ipaddress` of Python 3.11 calls several of these global: addresses that carry an IPv4 address inside, and ranges that
# were set aside after it was written (IANA special-purpose address registries).
_REFUSED: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/23",
        "::/96",
        "fec0::/10",
        "3fff::/20",
        "5f00::/16",
        "192.88.99.0/24",
        "192.0.0.0/24",
        "100.64.0.0/10",
    )
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names are lower case; `is_cut` when the body ended early or was longer than fits."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What stood at an address, or where that led; the body is no longer compressed."""

    answer: Answer
    url: str
    """The address that answered."""
    moved_to: str | None = None
    """What was asked for has this address from now on, as the servers on the way said."""


class Refused(Exception):
    """The request was not made because its address is not one that Klinke may reach; nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreachable(Exception):
    """No answer came. `sent` is False only when the request surely never left; with True nobody knows its fate."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    """In ASCII, as the Host header and the certificate know it."""
    port: int
    path: str
    is_trusted: bool

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def check(url: str, settings: Settings) -> None:
    """Raise `Refused` with a reason when the address can be seen to be no way out, without asking the name servers."""
    target = _read(url, settings)
    if not target.is_trusted and _is_inside(target.host):
        raise _not_public(target)


def post(url: str, body: bytes | None, headers: Mapping[str, str], settings: Settings) -> Answer:
    """POST `body` and return the answer, whatever its status; raise `Refused` or `Unreachable`.

    5 s to connect, 10 s in all, at most 1 MB of answer; compression is not asked for and not undone. With `body` None
    the request says that it has none, which some services want to hear.
    """
    return _send("POST", url, body, headers, settings)


def look(
    url: str,
    settings: Settings,
    *,
    method: Literal["HEAD", "GET"] = "HEAD",
    headers: Mapping[str, str] = MappingProxyType({}),
    seconds: float | None = None,
    largest: int = LARGEST_ANSWER,
) -> Answer:
    """Ask whether there is something at an address, under the same rules; a redirect is an answer and not followed.

    `largest`: so many bytes of it are read, for a picture that is larger than a page.
    """
    return _send(method, url, None, headers, settings, seconds=seconds, largest=largest)


def request(
    method: str,
    url: str,
    settings: Settings,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    seconds: float | None = None,
    largest: int | None = None,
) -> Answer:
    """Make any request under the same rules; for services whose answers are larger or whose verbs are others.

    `largest` is how much of the answer is read, in bytes; a redirect is an answer and not followed.
    """
    return _send(method, url, body, headers, settings, seconds=seconds, largest=largest)


def fetch(
    url: str,
    settings: Settings,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    largest: int = LARGEST_ANSWER,
    seconds: float = TOTAL_SECONDS,
) -> Fetched:
    """GET what stands at an address, also where that leads elsewhere; raise `Refused` or `Unreachable`.

    Each hop is looked up, checked and pinned like the first one, at most four of them, in `seconds` altogether. At most
    `largest` bytes are kept, counted after decompression.
    """
    deadline, asked, moved_to, is_for_good = time.monotonic() + seconds, url, None, True
    for _hop in range(MOST_REDIRECTS + 1):
        left = max(0.1, deadline - time.monotonic())
        answer = _send(
            "GET", asked, None, {"Accept-Encoding": "gzip", **headers}, settings, seconds=left, largest=largest
        )
        location = answer.headers.get("location", "")
        if answer.status not in _ELSEWHERE or not location:
            return Fetched(answer, asked, moved_to)
        try:
            asked = urldefrag(urljoin(asked, location.strip())).url
        except ValueError:
            raise _no_address() from None
        is_for_good = is_for_good and answer.status in _FOR_GOOD
        moved_to = asked if is_for_good else moved_to
    raise Unreachable(phrase("the address leads on and on"), sent=True)


def _send(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    settings: Settings,
    seconds: float | None = None,
    largest: int | None = None,
) -> Answer:
    seconds = TOTAL_SECONDS if seconds is None else seconds
    deadline = time.monotonic() + seconds
    target = _read(url, settings)
    database.before_waiting()
    addresses = _resolve(target, deadline)
    with _connected(target, addresses, deadline) as open_socket:
        try:
            response = _ask(method, target, body, headers, open_socket)
        except (OSError, HTTPException) as error:
            if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
                reason = phrase("no answer within %(seconds)s seconds", seconds=int(seconds))
            else:
                reason = phrase("the connection broke before an answer came (%(error)s)", error=type(error).__name__)
            raise Unreachable(reason, sent=True) from None
        most = LARGEST_ANSWER if largest is None else largest
        received, is_cut = _read_body(response, most, _unpacking(headers, response))
    return Answer(response.status, _joined(response), received, is_cut)


@contextmanager
def dialled(
    host: str, port: int, settings: Settings, *, ports: Collection[int], is_tls: bool, silence: float, seconds: float
) -> Iterator[socket.socket]:
    """Yield a connection to a server that speaks something else than HTTP; raise `Refused` or `Unreachable`.

    The rules are those for requests, with these `ports` in place of 80 and 443. With `is_tls` the server has shown a
    certificate for its name. It breaks when nothing comes for `silence` seconds, and after `seconds` in all, also when
    whoever uses it has wrapped it meanwhile.
    """
    target = _named(host, port, settings, is_tls=is_tls)
    if not target.is_trusted:
        if port not in ports:
            listed = ", ".join(str(each) for each in sorted(ports))
            raise Refused(phrase("only the ports %(ports)s are open to the outside here", ports=listed))
        if _is_inside(target.host):
            raise _not_public(target)
    database.before_waiting()
    deadline = time.monotonic() + CONNECT_SECONDS
    with closing(_reached(target, _resolve(target, deadline), deadline)) as line:
        line.settimeout(silence)
        with closing(_hold_on(line)) as hold, _cut_at(time.monotonic() + seconds, hold):
            yield line


def may_be_plain(host: str, port: int, line: socket.socket, settings: Settings) -> bool:
    """Tell whether secrets may go over a connection unencrypted: to this machine, where the installation says so."""
    peer = str(line.getpeername()[0])
    return _named(host, port, settings, is_tls=False).is_trusted and ipaddress.ip_address(peer).is_loopback


def is_public(address: str) -> bool:
    """Tell whether an IP address is plain unicast on the public internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    return not any(ip.version == network.version and ip in network for network in _REFUSED)


def _read(url: str, settings: Settings) -> _Target:
    parts, host, port = _split(url)
    if "@" in parts.netloc:
        raise Refused(phrase("an address with a user name or password in it is not used"))
    is_trusted = f"{f'[{host}]' if ':' in host else host}:{port}" in settings.trusted_endpoints
    if not is_trusted and port not in _PORTS.values():
        raise Refused(phrase("only the ports 80 and 443 are open to the outside"))
    path = quote(parts.path or "/", safe="/:@!$&'()*+,;=~-._%")
    if parts.query:
        path += "?" + quote(parts.query, safe="/?:@!$&'()*+,;=~-._%[]")
    return _Target(parts.scheme, host, port, path, is_trusted)


def _split(url: str) -> tuple[SplitResult, str, int]:
    # One reader for the check and for the request, and nothing in the address that two readers could take differently.
    if not url or len(url) > LONGEST_URL or not url.isprintable() or "\\" in url or " " in url:
        raise _no_address()
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = _PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
        if parts.scheme in _PORTS and ":" not in host:
            host = host.encode("idna").decode("ascii")
    except ValueError:  # also what the idna codec raises
        raise _no_address() from None
    if parts.scheme not in _PORTS:
        raise Refused(phrase("only http and https lead to the outside"))
    if not host or "%" in host:
        raise _no_address()
    return parts, host.lower(), port


def _named(host: str, port: int, settings: Settings, *, is_tls: bool) -> _Target:
    if not host or len(host) > LONGEST_HOST or not host.isprintable() or any(each in host for each in " %/@\\[]"):
        raise Refused(phrase("this is not the name of a server like mail.example.org"))
    if ":" not in host:
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise Refused(phrase("this is not the name of a server like mail.example.org")) from None
    host = host.lower()
    is_trusted = f"{f'[{host}]' if ':' in host else host}:{port}" in settings.trusted_endpoints
    return _Target("https" if is_tls else "http", host, port, "", is_trusted)


def is_of_a_house(url: str) -> bool:
    """Tell, by its name alone, whether an address leads to a machine that only its own network knows."""
    try:
        _parts, host, _port = _split(url)
    except Refused:
        return False
    return _is_inside(host) or "." not in host.strip("[]") or host.endswith(_HOUSE_NAMES)


def _is_inside(host: str) -> bool:
    """Tell whether the host is an IP address, and not one on the public internet."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return not is_public(host)


def _not_public(target: _Target) -> Refused:
    return Refused(phrase("%(host)s is not on the public internet", host=target.host))


def _no_address() -> Refused:
    return Refused(phrase("this is not an address like https://help.example.org/replies"))


def _resolve(target: _Target, deadline: float) -> list[str]:
    # getaddrinfo has no timeout of its own; a name server that is silent would hold the worker for half a minute.
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="look-up")
    try:
        asked = pool.submit(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
        found = asked.result(timeout=min(CONNECT_SECONDS, max(0.0, deadline - time.monotonic())))
    except LookUpTooSlow:
        raise Unreachable(
            phrase("the name %(host)s could not be looked up in time", host=target.host), sent=False
        ) from None
    except (OSError, UnicodeError):
        raise Unreachable(phrase("nobody knows the name %(host)s", host=target.host), sent=False) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if not target.is_trusted and not all(is_public(address) for address in addresses):
        raise _not_public(target)
    if not addresses:
        raise Unreachable(phrase("nobody knows the name %(host)s", host=target.host), sent=False)
    return addresses


@contextmanager
def _connected(target: _Target, addresses: list[str], deadline: float) -> Iterator[socket.socket]:
    """Connect to the first address that answers; what goes wrong until then goes wrong before anything is sent."""
    reason = phrase("%(host)s does not answer", host=target.host)
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            open_socket = _opened(target, address, min(CONNECT_SECONDS, left))
        except TimeoutError:
            continue
        except OSError:
            reason = phrase("%(host)s refuses the connection", host=target.host)
            continue
        with closing(open_socket), _cut_at(deadline, open_socket):
            try:
                if isinstance(open_socket, ssl.SSLSocket):
                    open_socket.do_handshake()
            except OSError as error:
                words = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
                reason = phrase("no secure connection to %(host)s: %(error)s", host=target.host, error=words)
                continue
            yield open_socket
            return
    raise Unreachable(reason, sent=False)


def _reached(target: _Target, addresses: list[str], deadline: float) -> socket.socket:
    """Return a connection to the first address that answers, greeted where it is encrypted."""
    reason = phrase("%(host)s does not answer", host=target.host)
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            open_socket = _opened(target, address, left)
        except TimeoutError:
            continue
        except OSError:
            reason = phrase("%(host)s refuses the connection", host=target.host)
            continue
        try:
            if isinstance(open_socket, ssl.SSLSocket):
                with _cut_at(deadline, open_socket):
                    open_socket.do_handshake()
        except OSError as error:
            open_socket.close()
            words = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
            reason = phrase("no secure connection to %(host)s: %(error)s", host=target.host, error=words)
            continue
        return open_socket
    raise Unreachable(reason, sent=False)


def _hold_on(line: socket.socket) -> socket.socket:
    # Encryption that begins later takes the connection out of the socket; a second hold can still end it.
    return socket.socket(fileno=os.dup(line.fileno()))


def _opened(target: _Target, address: str, seconds: float) -> socket.socket:
    plain = socket.create_connection((address, target.port), timeout=seconds)
    if target.scheme == "http":
        return plain
    # Wrapped first and greeted later: so there is one socket to hold on to, also while the greeting lasts.
    context = ssl.create_default_context()
    return context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)


@contextmanager
def _cut_at(deadline: float, open_socket: socket.socket) -> Iterator[None]:
    """End the connection at the deadline: a socket's own timeout begins anew with every byte that drips in."""

    def cut() -> None:
        try:
            # Not SSLSocket's own shutdown: it takes the encryption off while the other thread still reads.
            socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
        except OSError:
            return  # it was closed in the same moment, which is what was wanted

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    open_socket.settimeout(max(0.1, deadline - time.monotonic()))
    try:
        yield
    finally:
        timer.cancel()


def _ask(
    method: str, target: _Target, body: bytes | None, headers: Mapping[str, str], open_socket: socket.socket
) -> HTTPResponse:
    connection = HTTPConnection(target.host, target.port)
    connection.sock = open_socket
    own = {"Host": target.host_header, "Connection": "close"}
    connection.request(
        method, target.path, body, {"User-Agent": "Klinke", "Accept-Encoding": "identity", **headers, **own}
    )
    return connection.getresponse()


def _read_body(response: HTTPResponse, largest: int, unpack: "_Plain | _Gzip") -> tuple[bytes, bool]:
    # The status is known, so the request was answered; a body that breaks off does not change that.
    parts: list[bytes] = []
    size = 0
    try:
        while size <= largest and (part := response.read(_CHUNK)):
            part = unpack(part, largest + 1 - size)
            parts.append(part)
            size += len(part)
    except (OSError, HTTPException, zlib.error):
        return b"".join(parts)[:largest], True
    is_whole = size <= largest and not response.length and unpack.is_at_its_end
    return b"".join(parts)[:largest], not is_whole


class _Plain:
    is_at_its_end = True

    def __call__(self, part: bytes, _most: int) -> bytes:
        return part


class _Gzip:
    """Takes the compression off, never more than asked for: a few bytes can stand for gigabytes."""

    def __init__(self) -> None:
        self._box = zlib.decompressobj(wbits=31)
        self._has_begun = False

    @property
    def is_at_its_end(self) -> bool:
        return self._box.eof or not self._has_begun

    def __call__(self, part: bytes, most: int) -> bytes:
        self._has_begun = True
        return self._box.decompress(part, most)


def _unpacking(asked: Mapping[str, str], response: HTTPResponse) -> "_Plain | _Gzip":
    coding = (response.getheader("Content-Encoding") or "").strip().lower()
    is_asked = asked.get("Accept-Encoding") == "gzip"
    return _Gzip() if is_asked and coding in {"gzip", "x-gzip"} else _Plain()


def _joined(response: HTTPResponse) -> dict[str, str]:
    # A repeated header is one list, RFC 9110 5.3.
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
