"""`flask start`, which `make run` calls: one command brings everything up, Ctrl-C takes everything down."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 60


def test_an_empty_installation_starts_is_ready_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KLINKE_")},
        "KLINKE_DATA_DIR": str(tmp_path / "var"),
        "KLINKE_PORT": str(port),
        "KLINKE_DEMO": "0",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "start"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        is_ready = False
        while not is_ready and time.monotonic() < deadline:
            time.sleep(0.2)
            with contextlib.suppress(OSError):
                is_ready = urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200
        assert is_ready
        asked = urllib.request.urlopen(f"http://127.0.0.1:{port}/ask", timeout=5)
        assert asked.status == 200
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to everybody at once
        said = process.communicate(timeout=30)[0].decode()
    assert process.returncode == 0, said
    assert f"Klinke is at http://127.0.0.1:{port}" in said
    assert said.rstrip().endswith("Stopped. Nothing is lost.")
    assert "Traceback" not in said
    assert (tmp_path / "var/klinke.db").stat().st_size > 0
