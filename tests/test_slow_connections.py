"""Three hundred connections that send their headers one byte at a time do not stop the embedded server."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SLOW = 300
PROBES = 14
PATIENCE_SECONDS = 2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {**os.environ, "KLINKE_DATA_DIR": str(tmp_path), "KLINKE_PORT": str(port), "KLINKE_DEMO": "0"}
    process = subprocess.Popen([sys.executable, "-m", "flask", "--app", "wsgi", "serve"], cwd=ROOT, env=environ)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.mark.parametrize(
    "half", [b"GET / HTTP/1.1\r\nX-Slow: ", b"POST /locale HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nlo"]
)
def test_pages_are_answered_while_hundreds_of_connections_dawdle(server: int, half: bytes) -> None:
    slow = [socket.create_connection(("127.0.0.1", server), timeout=5) for _number in range(SLOW)]
    try:
        for connection in slow:
            connection.sendall(half)
        answered = 0
        for _number in range(PROBES):
            for connection in slow[::10]:
                connection.sendall(b"x")
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{server}/healthz", timeout=PATIENCE_SECONDS) as answer,
            ):
                answered += answer.status == 200
    finally:
        for connection in slow:
            connection.close()
    assert answered >= PROBES - 1
