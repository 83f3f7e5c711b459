"""The commands that run the whole: web server, worker, and both together."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

import click
import flask_migrate
import waitress
from flask import Flask, current_app
from flask.cli import with_appcontext

from core import worker
from core.db import db
from core.settings import current_settings

STARTERS: dict[str, Callable[[], list[str]]] = {}
"""What `flask start` does before it serves: name -> function that returns lines to show."""
STOP_SECONDS = 10
_M_ARENA_MAX = -8
"""mallopt's name for the number of arenas (malloc.h of glibc)."""
_ARENAS = 2


def init_app(app: Flask) -> None:
    for command in (work, serve, start):
        app.cli.add_command(command)


@click.command("work")
@click.option("--until-idle", is_flag=True, help="Stop when nothing is due any more.")
@with_appcontext
def work(*, until_idle: bool) -> None:
    """Deliver the outbox, keep the index, do the chores."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(levelname)s %(message)s")
    worker.work(current_app._get_current_object(), until_idle=until_idle)  # type: ignore[attr-defined]  # noqa: SLF001 -- werkzeug's documented way to the real object


@click.command("serve")
@with_appcontext
def serve() -> None:
    """Serve over HTTP on loopback; put a proxy in front for the world."""
    settings = current_settings()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda _signal, _frame: sys.exit(0))
    _keep_memory_together()
    # 300 slow connections must not stop the server: many connections, poll instead of select (docs/decisions/0003).
    waitress.serve(
        current_app._get_current_object(),  # type: ignore[attr-defined]  # noqa: SLF001 -- the documented way to the real object
        listen=f"127.0.0.1:{settings.port}",
        threads=settings.threads,
        connection_limit=2000,
        asyncore_use_poll=True,
        channel_timeout=60,
        ident=None,
        clear_untrusted_proxy_headers=not settings.trusted_proxies,
    )


def _keep_memory_together() -> None:
    """Let the threads share two arenas of the C library instead of eight a processor: they would keep what they free.

    Only glibc knows this; elsewhere nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _ARENAS)


@click.command("start")
@with_appcontext
def start() -> None:
    """Bring the database up to date, then run web server and worker together until Ctrl-C."""
    settings = current_settings()
    flask_migrate.upgrade()
    # The rooms above fill what the rooms below would otherwise find empty.
    lines = [line for starter in reversed(STARTERS.values()) for line in starter()]
    db.session.commit()
    db.session.remove()
    db.engine.dispose()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)  # also where a shell that started this in the background ignores it
    children = [subprocess.Popen([sys.executable, "-m", "flask", "--app", "wsgi", name]) for name in ("serve", "work")]  # noqa: S603 -- our own commands
    try:
        click.echo("\n".join(["", f"Klinke is at {settings.base_url}", *lines, "Ctrl-C stops it.", ""]))
        while all(child.poll() is None for child in children):
            time.sleep(0.2)
        click.echo("The web server or the worker ended by itself; stopping the other.", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopping …")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody here; once is enough
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        click.echo("Stopped. Nothing is lost.")


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
