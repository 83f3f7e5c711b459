"""The building's shell: template context, health, metrics, and the commands that run the whole."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import click
import flask_migrate
import waitress
from flask import Flask, Response, current_app, jsonify, render_template, request
from flask.cli import with_appcontext
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core import db as database
from core import i18n, markup, outbox, transfer, web, worker
from core.clock import now
from core.db import db
from core.errors import NotFound
from core.settings import Settings

READY_CHECKS: dict[str, Callable[[], str]] = {}
"""What must be well for /readyz: name -> function that returns a sentence when something is wrong, else an empty string."""
DOCTOR_CHECKS: dict[str, Callable[[], Iterable[str]]] = {}
"""What `flask doctor` looks at besides: name -> function that returns the sentences of what it found wrong."""
STARTERS: dict[str, Callable[[], list[str]]] = {}
"""What `flask start` does before it serves: name -> function that returns lines to show."""
STOP_SECONDS = 10


def init_app(app: Flask, settings: Settings) -> None:
    version = web.static_version(Path(app.static_folder or "static"))
    app.add_template_filter(markup.safe, "html")
    app.add_template_filter(i18n.isolated, "bdi")

    @app.context_processor
    def _context() -> dict[str, Any]:
        return {
            "site_name": settings.site_name,
            "locale": i18n.locale(),
            "is_demo": settings.demo,
            "static_version": version,
        }

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    def readyz() -> Response:
        found = {name: check() for name, check in {"database": _database, "worker": _worker, **READY_CHECKS}.items()}
        is_ready = not any(found.values())
        answer = jsonify(
            status="ready" if is_ready else "degraded", checks={name: bad or "ok" for name, bad in found.items()}
        )
        answer.status_code = 200 if is_ready else 503
        return answer

    @app.get("/metrics")
    def metrics() -> Response:
        if not settings.metrics_token or request.headers.get("Authorization") != f"Bearer {settings.metrics_token}":
            raise NotFound
        return Response(_metrics(), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/robots.txt")
    def robots() -> Response:
        lines = [
            "User-agent: *",
            "Disallow: /ask",
            "Disallow: /search",
            "Disallow: /api/",
            f"Sitemap: {settings.base_url}/sitemap.xml",
        ]
        return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")

    @app.get("/about")
    def about() -> str:
        return render_template("about.html")

    app.cli.add_command(work)
    app.cli.add_command(serve)
    app.cli.add_command(start)
    app.cli.add_command(doctor)
    transfer.init_app(app)


def _database() -> str:
    try:
        return "" if database.is_alive() else "does not answer"
    except SQLAlchemyError as error:
        db.session.rollback()
        logging.getLogger(__name__).warning("database: %s", error)
        return "does not answer"


def _worker() -> str:
    try:
        return "" if worker.is_alive() else "gave no sign of life for a minute"
    except SQLAlchemyError:
        db.session.rollback()
        return "unknown, because the database does not answer"


def _metrics() -> str:
    waiting = db.session.scalar(
        select(func.count()).select_from(outbox.Delivery).where(outbox.Delivery.set_aside_at.is_(None))
    )
    aside = db.session.scalar(
        select(func.count()).select_from(outbox.Delivery).where(outbox.Delivery.set_aside_at.is_not(None))
    )
    oldest = db.session.scalar(select(func.min(outbox.Delivery.due_at)).where(outbox.Delivery.set_aside_at.is_(None)))
    lag = max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0
    rows = [
        ("klinke_outbox_waiting", "Deliveries that wait for the worker.", waiting),
        ("klinke_outbox_set_aside", "Deliveries that failed too often and wait for a person.", aside),
        ("klinke_outbox_lag_seconds", "Age of the oldest due delivery.", f"{lag:.3f}"),
        ("klinke_worker_alive", "1 when a worker gave a sign of life within a minute.", int(worker.is_alive())),
    ]
    return "".join(f"# HELP {name} {words}\n# TYPE {name} gauge\n{name} {value}\n" for name, words, value in rows)


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
    settings: Settings = current_app.extensions["klinke-settings"]
    signal.signal(signal.SIGTERM, _leave)
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


@click.command("start")
@with_appcontext
def start() -> None:
    """Bring the database up to date, then run web server and worker together until Ctrl-C."""
    settings: Settings = current_app.extensions["klinke-settings"]
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    flask_migrate.upgrade()
    lines = [line for starter in STARTERS.values() for line in starter()]
    db.session.remove()
    db.engine.dispose()
    signal.signal(signal.SIGTERM, _leave)
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


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Look at everything an admin must be able to trust; exit with 1 when something is wrong."""
    settings: Settings = current_app.extensions["klinke-settings"]
    wrong: list[str] = []
    if settings.is_sqlite:
        version = ".".join(map(str, database.sqlite_version()))
        click.echo(f"SQLite {version}")
        if not database.sqlite_is_safe():
            wrong.append(f"SQLite {version} can corrupt a database in WAL mode; 3.51.3 or newer is needed.")
        integrity = db.session.execute(text("PRAGMA integrity_check")).scalar()
        if integrity != "ok":
            wrong.append(f"The database file is damaged: {integrity}")
        orphans = db.session.execute(text("PRAGMA foreign_key_check")).all()
        wrong += [f"{row[0]} row {row[1]} points to a {row[2]} that is gone." for row in orphans[:20]]
    for name, check in {"database": _database, "worker": _worker, **READY_CHECKS}.items():
        if sentence := check():
            wrong.append(f"{name}: {sentence}")
    for name, check in DOCTOR_CHECKS.items():
        found = list(check())
        click.echo(f"{name}: {'ok' if not found else f'{len(found)} wrong'}")
        wrong += found
    for delivery in outbox.set_aside():
        wrong.append(
            f"outbox: {delivery.event} to {delivery.listener} failed {delivery.attempts} times: {delivery.last_error}"
        )
    for sentence in wrong:
        click.echo(sentence, err=True)
    click.echo("All is well." if not wrong else f"{len(wrong)} things need a look.")
    sys.exit(1 if wrong else 0)
