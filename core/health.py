"""Is everything well? For load balancers, for Prometheus, and for the admin."""

import hmac
import logging
import sys
from collections.abc import Callable, Iterable

import click
from flask import Flask, Response, jsonify, request
from flask.cli import with_appcontext
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core import db as database
from core import outbox, worker
from core.clock import now
from core.db import db
from core.errors import NotFound
from core.settings import Settings, current_settings

READY_CHECKS: dict[str, Callable[[], str]] = {}
"""What must be well for /readyz: name -> function that returns what is wrong in a sentence, or an empty string."""
DOCTOR_CHECKS: dict[str, Callable[[], Iterable[str]]] = {}
"""What `flask doctor` looks at besides: name -> function that returns the sentences of what it found wrong."""
MOST_ORPHANS_SHOWN = 20

log = logging.getLogger(__name__)


def init_app(app: Flask, settings: Settings) -> None:
    app.cli.add_command(doctor)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    def readyz() -> Response:
        found = {name: check() for name, check in _ready_checks().items()}
        is_ready = not any(found.values())
        answer = jsonify(
            status="ready" if is_ready else "degraded", checks={name: bad or "ok" for name, bad in found.items()}
        )
        answer.status_code = 200 if is_ready else 503
        return answer

    @app.get("/metrics")
    def metrics() -> Response:
        shown = request.headers.get("Authorization", "").encode()
        if not settings.metrics_token or not hmac.compare_digest(shown, f"Bearer {settings.metrics_token}".encode()):
            raise NotFound
        return Response(_metrics(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _ready_checks() -> dict[str, Callable[[], str]]:
    return {"database": _database, "worker": _worker, **READY_CHECKS}


def _database() -> str:
    try:
        return "" if database.is_alive() else "does not answer"
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("database: %s", error)
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


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Look at everything an admin must be able to trust; exit with 1 when something is wrong."""
    settings = current_settings()
    wrong = _wrong_with_sqlite() if settings.is_sqlite else []
    for name, check in _ready_checks().items():
        if sentence := check():
            wrong.append(f"{name}: {sentence}")
    for name, look in DOCTOR_CHECKS.items():
        found = list(look())
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


def _wrong_with_sqlite() -> list[str]:
    version = ".".join(map(str, database.sqlite_version()))
    click.echo(f"SQLite {version}")
    wrong = []
    if not database.sqlite_is_safe():
        wrong.append(f"SQLite {version} can corrupt a database in WAL mode; 3.51.3 or newer is needed.")
    integrity = db.session.execute(text("PRAGMA integrity_check")).scalar()
    if integrity != "ok":
        wrong.append(f"The database file is damaged: {integrity}")
    orphans = db.session.execute(text("PRAGMA foreign_key_check")).all()
    wrong += [f"{row[0]} row {row[1]} points to a {row[2]} that is gone." for row in orphans[:MOST_ORPHANS_SHOWN]]
    return wrong
