"""The wire between the desk and its mail servers: it passes everything on as it is, but where a test says otherwise."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 10.0
Trouble = str


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
        with contextlib.suppress(OSError), contextlib.closing(client):
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
                said = {
                    "429": b"450 4.7.1 Too many mails, slow down\r\n",
                    "500": b"451 4.3.0 Out of order\r\n",
                    "not let in": b"530 5.7.0 Authentication required\r\n",
                    "unknown": b"550 5.1.1 No such mailbox\r\n",
                }.get(trouble)
                if said is not None:
                    client.sendall(said)
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
                if trouble == "half":
                    client.sendall(answer[:2])
                    return
                if trouble == "lost answer":
                    return
                if trouble == "silence at the end":
                    _wait_for_the_end(client)
                    return
            client.sendall(answer)


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
        back = threading.Thread(target=_pump, args=(server, client, trouble == "half"), daemon=True)
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


def _answer(answers: "Callable[[], bytes] | object") -> bytes:
    said = b""
    while line := answers.readline():  # type: ignore[union-attr,attr-defined]
        said += line
        if line[3:4] != b"-":
            break
    return said


def _pump(source: socket.socket, sink: socket.socket, is_cut: bool) -> None:
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
