"""A real installation in a folder: its web server and its worker are processes of their own, which may be killed."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Self

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from app import create_app
from core.db import db
from core.outbox import Delivery

ROOT = Path(__file__).parents[2]
COMES_BACK_SECONDS = 60
"""As long as a server may take to answer again on a busy machine."""


@dataclass(slots=True)
class House:
    environ: dict[str, str]
    log: Path
    port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def built(cls, folder: Path) -> Self:
        """Return an installation with its data below `folder`; nothing runs yet."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("KLINKE_")} | {
            "KLINKE_DATA_DIR": str(folder / "var"),
            "KLINKE_PORT": str(port),
            "KLINKE_BASE_URL": f"http://127.0.0.1:{port}",
            "KLINKE_SECRET_KEY": "tests " * 8,
            "KLINKE_POST_PAUSE_SECONDS": "0",
        }
        return cls(environ, folder / "log", port)

    def migrated(self) -> Flask:
        """Return the same installation as an application of this process, its tables made, to look into from here."""
        app = create_app({name: value for name, value in self.environ.items() if name.startswith("KLINKE_")})
        with app.app_context():
            flask_migrate.upgrade()
        return app

    @property
    def index(self) -> Path:
        """The folder that holds the index and its lock."""
        return Path(self.environ["KLINKE_DATA_DIR"]) / "index"

    def start(self, name: str) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "flask", "--app", "wsgi", name]
            self.running[name] = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        process = self.running[name]
        assert process.poll() is None, f"{name} ended by itself; see {self.log}"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)

    def stop(self) -> None:
        """End everything that runs."""
        for process in self.running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(timeout=10)

    def begin(self, *command: str) -> subprocess.Popen[str]:
        """Start a command and return at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", *command],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.begin(*command)
        try:
            said = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return subprocess.CompletedProcess(command, process.returncode, *said)

    def wait_until_serving(self) -> None:
        deadline = time.monotonic() + COMES_BACK_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                if sent(self.port, "GET", "/healthz")[0] == HTTPStatus.OK:
                    return
            time.sleep(0.05)
        pytest.fail(f"the web server does not come back; see {self.log}")

    def let_the_worker_finish(self, app: Flask) -> None:
        """Wait until the outbox is empty and the index has caught up."""
        assert all(process.poll() is None for process in self.running.values())
        with app.app_context():
            # A worker that was killed holds its lease for two minutes; here they have passed.
            db.session.execute(update(Delivery).values(lease=None, leased_until=None))
            db.session.commit()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with app.app_context():
                waiting = db.session.scalar(select(func.count(Delivery.id)))
                stale = db.session.scalar(text("SELECT count(*) FROM stale_note"))
                db.session.rollback()
            if not waiting and not stale:
                return
            time.sleep(0.3)
        pytest.fail(f"{waiting} deliveries and {stale} notes are still waiting")


def sent(
    port: int, method: str, path: str, raw: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Return status and body of the answer to one request."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, raw, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
