"""The wire between the desk and its mail servers: it passes everything on as it is, but where a test says otherwise."""

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from tests.channels.mail_servers import Certificates

PATIENCE: Final = 10.0
Trouble = str
REFUSALS: Final[Mapping[Trouble, bytes]] = {
    "429": b"450 4.7.1 Too many mails, slow down\r\n",
    "500": b"451 4.3.0 Out of order\r\n",
    "not let in": b"530 5.7.0 Authentication required\r\n",
    "unknown": b"550 5.1.1 No such mailbox\r\n",
}
"""What is answered in the server's place when a mail begins."""


class Wire:
    """Takes connections on a port of its own and leads them to a server; the next ones go wrong as was said."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.connections = 0
        self.troubles: list[Trouble] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _take(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(client)
            client.settimeout(PATIENCE)
            trouble = self.troubles.pop(0) if self.troubles else ""
            threading.Thread(target=self._lead, args=(client, trouble), daemon=True).start()

    def _lead(self, client: socket.socket, trouble: Trouble) -> None:
        with contextlib.suppress(OSError), contextlib.closing(client):  # who hangs up is what is tested
            if trouble == "refused":
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to), timeout=PATIENCE)
            except OSError:
                return
            with contextlib.closing(server):
                self.speak(client, server, trouble)

    def speak(self, client: socket.socket, server: socket.socket, trouble: Trouble) -> None:
        raise NotImplementedError


class SmtpWire(Wire):
    """Knows where a mail begins and ends."""

    def __init__(self, to: int) -> None:
        super().__init__(to)
        self.mails = 0
        """So many were taken by the server."""
        self.attempts = 0

    def speak(self, client: socket.socket, server: socket.socket, trouble: Trouble) -> None:
        asks, answers = client.makefile("rb"), server.makefile("rb")
        client.sendall(_answer(answers))
        while line := asks.readline():
            word = line[:4].upper()
            if word == b"MAIL":
                self.attempts += 1
                if trouble in REFUSALS:
                    client.sendall(REFUSALS[trouble])
                    continue
                if trouble == "timeout":
                    _wait_for_the_end(client)
                    return
            server.sendall(line)
            answer = _answer(answers)
            if word == b"DATA" and answer.startswith(b"354"):
                client.sendall(answer)
                while (line := asks.readline()) != b".\r\n":
                    if not line:
                        return
                    server.sendall(line)
                if trouble == "cut before the end":
                    return
                server.sendall(line)
                answer = _answer(answers)
                self.mails += answer.startswith(b"250")
                if trouble in AFTER_THE_END:
                    AFTER_THE_END[trouble](client, answer)
                    return
            client.sendall(answer)


class SecureSmtpWire(Wire):
    """Takes mail encrypted, from the start or after STARTTLS, and only of who signs in."""

    def __init__(
        self, to: int, certificates: Certificates, *, is_from_the_start: bool, user: str, password: str
    ) -> None:
        self.is_from_the_start = is_from_the_start
        self.signs_in = base64.b64encode(f"\0{user}\0{password}".encode())
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.certificate, certificates.key)
        super().__init__(to)

    def speak(self, client: socket.socket, server: socket.socket, trouble: Trouble) -> None:
        is_secure, is_in, greeted = self.is_from_the_start, False, b""
        if is_secure:
            client = self._encrypted(client)
        asks, answers = client.makefile("rb"), server.makefile("rb")
        client.sendall(_answer(answers))
        while line := asks.readline():
            word = line[:4].upper()
            if word == b"STAR" and not is_secure:
                client.sendall(b"220 2.0.0 Go ahead\r\n")
                client, is_secure = self._encrypted(client), True
                asks = client.makefile("rb")
            elif word == b"AUTH":
                is_in = is_secure and line.split()[1:] == [b"PLAIN", self.signs_in]
                client.sendall(b"235 2.7.0 Welcome\r\n" if is_in else b"535 5.7.8 Wrong user name or password\r\n")
            elif word == b"MAIL" and not is_in:
                client.sendall(b"530 5.7.0 Authentication required\r\n")
            elif word == b"EHLO":
                if not greeted:  # the server hears one greeting, for it knows nothing of the encryption
                    server.sendall(line)
                    greeted = _answer(answers)
                first, _, others = greeted.partition(b"\r\n")
                offered = b"250-AUTH PLAIN" if is_secure else b"250-STARTTLS"
                client.sendall(b"\r\n".join([first, offered, others]))
            else:
                server.sendall(line)
                answer = _answer(answers)
                client.sendall(answer)
                if word == b"DATA" and answer.startswith(b"354"):
                    while (line := asks.readline()) not in {b".\r\n", b""}:
                        server.sendall(line)
                    server.sendall(line)
                    client.sendall(_answer(answers))

    def _encrypted(self, client: socket.socket) -> socket.socket:
        encrypted = self.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        self._open.append(encrypted)
        encrypted.do_handshake()
        return encrypted


class ImapWire(Wire):
    """Passes bytes on, and looks at what the client asks first."""

    def speak(self, client: socket.socket, server: socket.socket, trouble: Trouble) -> None:
        if trouble == "timeout":
            _wait_for_the_end(client)
            return
        if trouble == "500":
            client.sendall(b"* BYE Internal error, see the log\r\n")
            return
        refusal = {
            "429": b"NO [LIMIT] Too many connections, come back later\r\n",
            "not let in": b"NO [AUTHENTICATIONFAILED] Authentication failed.\r\n",
        }.get(trouble)
        if refusal is not None:
            self._refuse(client, server, refusal)
            return
        back = threading.Thread(target=_pump, args=(server, client), kwargs={"is_cut": trouble == "half"}, daemon=True)
        back.start()
        _pump(client, server, is_cut=False)
        back.join(timeout=PATIENCE)

    @staticmethod
    def _refuse(client: socket.socket, server: socket.socket, refusal: bytes) -> None:
        asks, answers = client.makefile("rb"), server.makefile("rb")
        client.sendall(answers.readline())
        while line := asks.readline():
            tag, word = line.split()[:2]
            if word.upper() in {b"LOGIN", b"AUTHENTICATE"}:
                client.sendall(tag + b" " + refusal)
                continue
            server.sendall(line)
            answer = answers.readline()
            while not answer.startswith(tag):
                client.sendall(answer)
                answer = answers.readline()
            client.sendall(answer)


def _answer(answers: BinaryIO) -> bytes:
    said = b""
    while line := answers.readline():
        said += line
        if line[3:4] != b"-":
            break
    return said


def _pump(source: socket.socket, sink: socket.socket, *, is_cut: bool) -> None:
    source.settimeout(None)
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if is_cut and b"BODY[]" in data:
                sink.sendall(data[: len(data) // 2])
                break
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _wait_for_the_end(client: socket.socket) -> None:
    """Say nothing until the other side gives up."""
    until = time.monotonic() + PATIENCE
    with contextlib.suppress(OSError):
        while time.monotonic() < until and client.recv(65536):
            continue


AFTER_THE_END: Final[Mapping[Trouble, Callable[[socket.socket, bytes], None]]] = {
    "half": lambda client, answer: client.sendall(answer[:2]),
    "lost answer": lambda _client, _answer: None,
    "silence at the end": lambda client, _answer: _wait_for_the_end(client),
}
"""What becomes of the server's word that it took a mail."""
