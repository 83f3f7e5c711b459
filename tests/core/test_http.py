"""Outgoing requests reach only what they may, and say honestly whether anything was sent."""

import datetime as dt
import gzip
import itertools
import json
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from core import http, settings
from core.i18n import babel
from core.settings import Settings

URLS = Path(__file__).parents[3] / "shared" / "corpora" / "urls.jsonl"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 -- an example of what is refused
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "nonsense",
]


class Canary:
    """A server on loopback that counts who knocks and answers as it is told."""

    def __init__(self, answer: Callable[[socket.socket], None] | bytes = OK) -> None:
        self.hits = 0
        self.requests: list[bytes] = []
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        while True:
            try:
                visitor, _address = self._listening.accept()
            except OSError:
                return
            self.hits += 1
            with visitor:
                visitor.settimeout(5)
                try:
                    self._attend(visitor)
                except OSError:
                    continue  # the visitor left, which some tests want

    def _attend(self, visitor: socket.socket) -> None:
        if isinstance(self._answer, bytes):
            self.requests.append(read_request(visitor))
            visitor.sendall(self._answer)
        else:
            self._answer(visitor)


def read_request(visitor: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += visitor.recv(4096)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += visitor.recv(4096)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def canary() -> Iterator[Callable[..., Canary]]:
    canaries: list[Canary] = []

    def start(answer: Callable[[socket.socket], None] | bytes = OK) -> Canary:
        canaries.append(Canary(answer))
        return canaries[-1]

    yield start
    for each in canaries:
        each.close()


@pytest.fixture(autouse=True)
def in_context() -> Iterator[None]:
    # Sentences are made with Flask-Babel, which asks an application for the language; it needs nothing else of it.
    app = Flask("outside")
    babel.init_app(app)
    with app.app_context():
        yield


@pytest.fixture
def trusting(tmp_path: Path) -> Callable[[int], Settings]:
    def make(*ports: int, host: str = "127.0.0.1") -> Settings:
        pairs = ",".join(f"{host}:{port}" for port in ports)
        return settings.read(
            {"KLINKE_DATA_DIR": str(tmp_path), "KLINKE_PRIVATE_ENDPOINTS": pairs, "KLINKE_SECRET_KEY": "x" * 40}
        )

    return make


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[tuple[Any, ...]]:
    """Let the name servers answer with these addresses, one list for each time they are asked (the last one stays)."""
    asked: list[tuple[Any, ...]] = []

    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host in itertools.chain(*answers):  # create_connection asks for the address that it is given
            return real(host, port, *args, **kwargs)
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append((host, port))
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found
        ]

    monkeypatch.setattr(http.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_plain_public_unicast_is_none(address: str) -> None:
    assert not http.is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "1.1.1.1"]
)
def test_a_plain_public_address_is_one(address: str) -> None:
    assert http.is_public(address)


def test_a_trusted_endpoint_gets_the_request_and_its_answer_comes_back(canary: Any, trusting: Any) -> None:
    there = canary(b"HTTP/1.1 202 Accepted\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello")
    answer = http.post(
        f"http://127.0.0.1:{there.port}/in/ä?q=1", b"{}", {"Content-Type": "application/json"}, trusting(there.port)
    )
    assert (answer.status, answer.body, answer.is_cut) == (202, b"hello", False)
    assert answer.headers["x-a"] == "1, 2"
    head = there.requests[0].decode().lower()
    assert head.startswith("post /in/%c3%a4?q=1 http/1.1\r\n")
    assert f"host: 127.0.0.1:{there.port}" in head
    assert "accept-encoding: identity" in head
    assert head.endswith("\r\n\r\n{}")


def test_without_trust_the_same_endpoint_is_refused_and_hears_nothing(canary: Any, trusting: Any) -> None:
    there = canary()
    for url in (
        f"http://127.0.0.1:{there.port}/",
        f"http://localhost:{there.port}/",
        "http://127.0.0.1/",
        "https://[::1]/",
    ):
        with pytest.raises(http.Refused):
            http.post(url, b"", {}, trusting(1))
    assert there.hits == 0


def test_trust_is_for_a_pair_of_host_and_port_only(canary: Any, trusting: Any) -> None:
    there, other = canary(), canary()
    with pytest.raises(http.Refused):
        http.post(f"http://127.0.0.1:{other.port}/", b"", {}, trusting(there.port))
    assert other.hits == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org:80/_x",
        "//example.org/",
        "http:///path",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://example.org:8080/",
        "http://example.org:22/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://example.org/\r\nX: y",
        "http://example.org\\@127.0.0.1/",
        "http://[fe80::1%25eth0]/",
        "http://.example.org/",
        "http://[::1",
        "http://" + "a" * 3000,
        "http://" + "a" * 70 + ".org/",
    ],
)
def test_an_address_that_is_no_way_out_is_refused_before_any_name_is_asked(
    url: str, monkeypatch: pytest.MonkeyPatch, trusting: Any
) -> None:
    asked = names(monkeypatch, ["93.184.216.34"])
    for deed in (lambda: http.check(url, trusting(1)), lambda: http.post(url, b"", {}, trusting(1))):
        with pytest.raises(http.Refused) as refusal:
            deed()
        assert refusal.value.reason
    assert asked == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch, trusting: Any
) -> None:
    names(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(http.Refused):
        http.post("http://mixed.example/", b"", {}, trusting(1))


def test_a_name_is_asked_once_and_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, trusting: Any
) -> None:
    # First public, then loopback: what a rebinding name server answers.
    asked = names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    went: list[Any] = []

    def connect(address: Any, **_kwargs: Any) -> socket.socket:
        went.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(http.socket, "create_connection", connect)
    with pytest.raises(http.Unreachable) as problem:
        http.post("http://rebinding.example/", b"", {}, trusting(1))
    assert problem.value.sent is False
    assert went == [("93.184.216.34", 80)]
    assert len(asked) == 1


def test_a_redirect_is_an_answer_and_is_not_followed(canary: Any, trusting: Any) -> None:
    secret = canary()
    there = canary(
        f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{secret.port}/\r\nContent-Length: 0\r\n\r\n".encode()
    )
    answer = http.post(f"http://127.0.0.1:{there.port}/", b"", {}, trusting(there.port, secret.port))
    assert answer.status == 302
    assert secret.hits == 0


def test_a_refused_connection_is_surely_not_sent(trusting: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(http.Unreachable) as problem:
        http.post(f"http://127.0.0.1:{port}/", b"", {}, trusting(port))
    assert problem.value.sent is False


def test_an_unknown_name_is_surely_not_sent(monkeypatch: pytest.MonkeyPatch, trusting: Any) -> None:
    def unknown(*_args: Any, **_kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(http.socket, "getaddrinfo", unknown)
    with pytest.raises(http.Unreachable, match=r"nowhere\.example") as problem:
        http.post("http://nowhere.example/", b"", {}, trusting(1))
    assert problem.value.sent is False


def test_a_silent_name_server_does_not_hold_up_longer_than_a_connection_may(
    monkeypatch: pytest.MonkeyPatch, trusting: Any
) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.2)
    released = threading.Event()
    monkeypatch.setattr(http.socket, "getaddrinfo", lambda *_args, **_kwargs: released.wait(10) or [])
    began = time.monotonic()
    with pytest.raises(http.Unreachable) as problem:
        http.post("http://slow.example/", b"", {}, trusting(1))
    released.set()
    assert problem.value.sent is False
    assert time.monotonic() - began < 2


def test_a_reset_after_sending_leaves_it_open_what_became_of_the_request(canary: Any, trusting: Any) -> None:
    def reset(visitor: socket.socket) -> None:
        read_request(visitor)
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    there = canary(reset)
    with pytest.raises(http.Unreachable) as problem:
        http.post(f"http://127.0.0.1:{there.port}/", b"{}", {}, trusting(there.port))
    assert problem.value.sent is True


@pytest.mark.parametrize("drips", [False, True])
def test_silence_and_a_slow_drip_both_end_in_time(
    drips: bool, canary: Any, trusting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.6)
    done = threading.Event()

    def dawdle(visitor: socket.socket) -> None:
        read_request(visitor)
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100:
            if done.wait(0.1):
                return
            if drips:
                visitor.sendall(bytes([byte]))

    there = canary(dawdle)
    began = time.monotonic()
    with pytest.raises(http.Unreachable) as problem:
        http.post(f"http://127.0.0.1:{there.port}/", b"{}", {}, trusting(there.port))
    done.set()
    assert problem.value.sent is True
    assert time.monotonic() - began < 3


def test_an_endless_body_is_cut_at_a_megabyte_and_the_status_still_counts(canary: Any, trusting: Any) -> None:
    def pour(visitor: socket.socket) -> None:
        read_request(visitor)
        visitor.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(4000):
            visitor.sendall(b"x" * 1024)

    there = canary(pour)
    answer = http.post(f"http://127.0.0.1:{there.port}/", b"{}", {}, trusting(there.port))
    assert (answer.status, len(answer.body), answer.is_cut) == (200, http.LARGEST_ANSWER, True)


def test_a_body_that_breaks_off_does_not_unsay_the_status(canary: Any, trusting: Any) -> None:
    there = canary(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    answer = http.post(f"http://127.0.0.1:{there.port}/", b"{}", {}, trusting(there.port))
    assert (answer.status, answer.is_cut) == (200, True)


def test_what_is_not_http_is_an_unknown_outcome(canary: Any, trusting: Any) -> None:
    there = canary(b"SSH-2.0-OpenSSH_9.2\r\n")
    with pytest.raises(http.Unreachable) as problem:
        http.post(f"http://127.0.0.1:{there.port}/", b"{}", {}, trusting(there.port))
    assert problem.value.sent is True


@contextmanager
def speaking_tls(folder: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """A TLS server with a certificate of its own for `name`; it notes the server names it is greeted with."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = folder / "tls.pem"
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    greeted: list[str] = []
    context.sni_callback = lambda _socket, greeting, _context: greeted.append(greeting)  # type: ignore[assignment,return-value]

    def attend(visitor: socket.socket) -> None:
        with context.wrap_socket(visitor, server_side=True) as secure:
            read_request(secure)
            secure.sendall(OK)

    there = Canary(attend)
    try:
        yield there.port, greeted
    finally:
        there.close()


def test_over_tls_name_and_certificate_belong_to_the_name_and_not_to_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusting: Any
) -> None:
    with speaking_tls(tmp_path, "desk.example") as (port, greeted):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))
        names(monkeypatch, ["127.0.0.1"])
        assert http.post(f"https://desk.example:{port}/", b"{}", {}, trusting(port, host="desk.example")).body == b"ok"
        assert greeted == ["desk.example"]
        with pytest.raises(http.Unreachable, match="secure") as problem:
            http.post(f"https://other.example:{port}/", b"{}", {}, trusting(port, host="other.example"))
        assert problem.value.sent is False


def test_a_certificate_nobody_vouches_for_ends_the_attempt_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusting: Any
) -> None:
    with speaking_tls(tmp_path, "desk.example") as (port, _greeted):
        names(monkeypatch, ["127.0.0.1"])
        with pytest.raises(http.Unreachable, match="secure") as problem:
            http.post(f"https://desk.example:{port}/", b"{}", {}, trusting(port, host="desk.example"))
        assert problem.value.sent is False


SAMPLE = [
    "http://127.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://localhost/",
    "http://127.0.0.1#@good.example/",
    "http://127.0.0.1%2f@good.example/",
    "http://good.example:80\\@127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0/",
    "//127.0.0.1/",
    "jar:http://127.0.0.1!/",
    "dict://127.0.0.1:6379/SAVE",
]


def hostile_addresses() -> list[str]:
    """The collection beside the project, where it is, and a few of our own in any case."""
    records = [json.loads(line) for line in URLS.read_text(encoding="utf-8").splitlines()] if URLS.exists() else []
    return [*SAMPLE, *(record["input"] for record in records if "input" in record)]


def test_no_hostile_address_reaches_anything(canary: Any, trusting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    there = canary()
    real = socket.getaddrinfo
    connected: list[Any] = []

    def numeric_only(host: str, port: int, **kwargs: Any) -> Any:
        return (
            real(host, port, flags=socket.AI_NUMERICHOST, **kwargs)
            if host != "localhost"
            else real(host, port, **kwargs)
        )

    def connect(address: Any, **_kwargs: Any) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(http.socket, "getaddrinfo", numeric_only)
    monkeypatch.setattr(http.socket, "create_connection", connect)
    for address in hostile_addresses():
        for url in (address, address.replace("127.0.0.1", f"127.0.0.1:{there.port}", 1)):
            with pytest.raises((http.Refused, http.Unreachable)) as outcome:
                http.post(url, b"", {}, trusting(1))
            assert isinstance(outcome.value, http.Refused) or outcome.value.sent is False
    assert there.hits == 0
    assert [address for address in connected if not http.is_public(address[0])] == []


def redirecting(*hops: tuple[int, str]) -> Callable[[socket.socket], None]:
    """Answer the first requests with these statuses and addresses, and all later ones with a page."""
    left = list(hops)

    def answer(visitor: socket.socket) -> None:
        read_request(visitor)
        if not left:
            visitor.sendall(OK)
            return
        status, location = left.pop(0)
        visitor.sendall(f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    return answer


def zipped(body: bytes, *, length: int | None = None) -> bytes:
    packed = gzip.compress(body, mtime=0)[:length]
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    return head.encode() + packed


def test_what_moved_is_fetched_where_it_is_now_and_its_lasting_address_is_told(canary: Any, trusting: Any) -> None:
    there = canary(redirecting((301, "/new#top"), (308, "/newer"), (302, "/for-now"), (301, "/still")))
    fetched = http.fetch(f"http://127.0.0.1:{there.port}/old", trusting(there.port))
    assert fetched.answer.body == b"ok"
    assert fetched.url == f"http://127.0.0.1:{there.port}/still"
    assert fetched.moved_to == f"http://127.0.0.1:{there.port}/newer"


def test_an_address_that_leads_on_and_on_is_given_up(canary: Any, trusting: Any) -> None:
    there = canary(redirecting(*[(302, "/again")] * 50))
    with pytest.raises(http.Unreachable):
        http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port))
    assert there.hits == http.MOST_REDIRECTS + 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[fe80::1]",
        "169.254.169.254",
        "0",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
    ],
)
def test_no_redirect_leads_to_a_private_address_however_it_is_written(
    status: int, host: str, canary: Any, trusting: Any
) -> None:
    # The port is what makes the difference: only the pair that is trusted may be private.
    inside = canary()
    for port in (inside.port, 80):
        there = canary(redirecting((status, f"http://{host}:{port}/")))
        with pytest.raises((http.Refused, http.Unreachable)) as refusal:
            http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port))
        assert refusal.value.reason
        assert there.hits == 1
    assert inside.hits == 0


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://example.org/", "gopher://example.org/_x", "http://[::1"]
)
def test_no_redirect_leads_to_anything_but_the_web(location: str, canary: Any, trusting: Any) -> None:
    there = canary(redirecting((301, location)))
    with pytest.raises(http.Refused):
        http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port))


def test_a_name_that_turns_private_between_two_hops_is_refused_at_the_second(
    monkeypatch: pytest.MonkeyPatch, canary: Any, trusting: Any
) -> None:
    there = canary(redirecting((302, "http://rebinding.example/second")))
    names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    real, went = socket.create_connection, []

    def connect(address: Any, **kwargs: Any) -> socket.socket:
        went.append(address)
        return real(("127.0.0.1", there.port), **kwargs)

    monkeypatch.setattr(http.socket, "create_connection", connect)
    with pytest.raises(http.Refused, match=r"rebinding\.example"):
        http.fetch("http://rebinding.example/", trusting(1))
    assert went == [("93.184.216.34", 80)]


def test_what_was_compressed_is_unpacked(canary: Any, trusting: Any) -> None:
    there = canary(zipped("Größe".encode()))
    answer = http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port)).answer
    assert (answer.body.decode(), answer.is_cut) == ("Größe", False)
    assert b"accept-encoding: gzip" in there.requests[0].lower()


def test_a_few_bytes_that_stand_for_very_many_are_cut(canary: Any, trusting: Any) -> None:
    there = canary(zipped(b"\0" * 50_000_000))
    tracemalloc.start()
    answer = http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port), largest=100_000).answer
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(answer.body), answer.is_cut) == (100_000, True)
    assert most < 2_000_000


@pytest.mark.parametrize(
    "body", [zipped(b"a long story " * 100, length=30), OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")]
)
def test_what_ends_early_or_is_not_what_it_says_is_told_to_be_cut(body: bytes, canary: Any, trusting: Any) -> None:
    there = canary(body)
    assert http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port)).answer.is_cut


def test_a_body_that_never_ends_is_cut(canary: Any, trusting: Any) -> None:
    def pour(visitor: socket.socket) -> None:
        read_request(visitor)
        visitor.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            visitor.sendall(b"<item>" * 1000)

    there = canary(pour)
    answer = http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port), largest=100_000).answer
    assert (len(answer.body), answer.is_cut) == (100_000, True)


def test_the_hops_share_one_deadline(canary: Any, trusting: Any) -> None:
    def slowly(visitor: socket.socket) -> None:
        read_request(visitor)
        time.sleep(0.4)
        visitor.sendall(b"HTTP/1.1 302 Found\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n")

    there = canary(slowly)
    with pytest.raises(http.Unreachable):
        http.fetch(f"http://127.0.0.1:{there.port}/", trusting(there.port), seconds=0.6)
    assert there.hits == 2
