"""The stage for the tests: a fresh database for each, one fixture for deeds (context open) and one for HTTP (none).

With KLINKE_TEST_POSTGRES_URL set, every test that touches the database runs on SQLite and on PostgreSQL. In continuous
integration a missing PostgreSQL or a missing browser is an error, never a silent skip.
"""

import os
import shutil
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from app import create_app
from core import db as database
from core import outbox
from core import worker as core_worker
from core.db import db
from core.web import limiter
from kb import readings
from search import synonyms
from search.engines import postgres_tables
from tests.cast import World

POSTGRES = os.environ.get("KLINKE_TEST_POSTGRES_URL", "")
IN_CI = os.environ.get("CI") == "true"
RAW_CSRF = "0" * 40


def pytest_configure() -> None:
    if IN_CI and not POSTGRES:
        pytest.exit("KLINKE_TEST_POSTGRES_URL is not set. .ci/run starts PostgreSQL and sets it.", returncode=1)


class Browser(FlaskClient):
    """A test client that carries the CSRF token as a page's form would; `signed_in_as` needs no password."""

    def open(self, *args: Any, without_csrf: bool = False, **kwargs: Any) -> Any:
        if not without_csrf and kwargs.get("method", "GET") not in {"GET", "HEAD"}:
            with self.session_transaction() as session:
                session["csrf_token"] = RAW_CSRF
            serializer = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token")
            kwargs["headers"] = {"X-CSRFToken": serializer.dumps(RAW_CSRF), **dict(kwargs.get("headers") or {})}
        try:
            return super().open(*args, **kwargs)
        finally:
            database.begin_writing()  # what a GET promised ends with it, and does not hold for the test around it


@pytest.fixture(autouse=True)
def nobody_is_held_up() -> Iterator[None]:
    """No code under test waits for the network inside a transaction that may write: nobody else could, for as long."""
    places: list[str] = []
    # Not by `monkeypatch`: what a test changes is to be changed back before its own fixtures are torn down.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "complain", lambda: places.append("".join(traceback.format_stack(limit=14)[:-2])))
        yield
    assert not places, f"the network is waited for inside a transaction, {len(places)} times, first at\n{places[0]}"


@pytest.fixture
def own_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a test listens to be forgotten with it: no worker of another test knows such a listener."""
    monkeypatch.setattr(outbox, "_events", dict(outbox._events))
    monkeypatch.setattr(outbox, "_listeners", dict(outbox._listeners))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Path]]:
    """One application a session and database; `app` gives each test an empty one."""
    folder = tmp_path_factory.mktemp(request.param)
    name = f"klinke_test_{uuid.uuid4().hex[:12]}"
    url = f"sqlite:///{folder / 'klinke.db'}"
    if request.param == "postgresql":
        with psycopg.connect(POSTGRES.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        url = POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    app = create_app(
        {
            "KLINKE_DATABASE_URL": url,
            "KLINKE_DATA_DIR": str(folder),
            "KLINKE_SECRET_KEY": "tests " * 8,
            "KLINKE_BASE_URL": "http://localhost",
            "KLINKE_POST_PAUSE_SECONDS": "0",
        }
    )
    app.config["TESTING"] = True
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.test_client_class = Browser
    with app.app_context():
        db.create_all()
        if request.param == "postgresql":
            postgres_tables.metadata.create_all(db.engine)
        db.session.remove()
        if request.param == "sqlite":
            with db.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            db.engine.dispose()
            shutil.copy(folder / "klinke.db", folder / "empty.db")
    yield app, folder
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    if request.param == "postgresql":
        with psycopg.connect(POSTGRES.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def app(built: tuple[Flask, Path]) -> Iterator[Flask]:
    """The application on an empty database."""
    app, folder = built
    readings.forget()
    with app.app_context():
        db.engine.dispose()
        if db.engine.dialect.name == "sqlite":
            for leftover in folder.glob("klinke.db*"):
                leftover.unlink()
            shutil.copy(folder / "empty.db", folder / "klinke.db")
        else:
            every = [*db.metadata.sorted_tables, *postgres_tables.metadata.sorted_tables]
            tables = ", ".join(f'"{table.name}"' for table in every)
            with db.engine.begin() as connection:
                connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    for leftover in ("index", "mail", "uploads"):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    limiter.reset()
    synonyms.forget(app)
    yield app
    with app.app_context():
        db.session.remove()


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """The cast, with an application context open: for tests of deeds. Never use it together with an HTTP client."""
    with app.app_context():
        yield World()
        db.session.rollback()


@pytest.fixture
def stage(app: Flask) -> Callable[[Callable[[World], Any]], Any]:
    """For HTTP tests: run a function with a `World` in a context of its own, commit, return what it returns (ids)."""

    def play(scene: Callable[[World], Any]) -> Any:
        with app.app_context():
            outcome = scene(World())
            db.session.commit()
            return outcome

    return play


@pytest.fixture
def settings(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that changes settings for the rest of the test: `settings(post_pause_seconds=10)`."""

    def change(**values: Any) -> None:
        before = app.extensions["klinke-settings"]
        monkeypatch.setitem(app.extensions, "klinke-settings", before.model_copy(update=values))

    return change


@pytest.fixture
def worker(app: Flask) -> Callable[[], None]:
    """Do everything that is due, as the worker would."""
    return lambda: core_worker.work(app, until_idle=True)


@pytest.fixture
def guest(app: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def browser_of(app: Flask) -> Callable[[str], Browser]:
    """Return a browser in which the person with this handle is signed in."""

    def sign_in(handle: str) -> Browser:
        from accounts import people, sessions

        with app.app_context():
            user = people.by_handle(handle)
            assert user is not None, f"nobody is called {handle}; build the cast with stage() first"
            token = sessions.begin(user, device="tests")
            db.session.commit()
        client: Browser = app.test_client()  # type: ignore[assignment]
        with client.session_transaction() as session:
            session["_user_id"] = token
            session["_fresh"] = True
        return client

    return sign_in


@pytest.fixture
def token_of(app: Flask) -> Callable[..., str]:
    """Return an API token of the person with this handle."""

    def create(handle: str, *scopes: str) -> str:
        from accounts import people, tokens

        with app.app_context():
            user = people.by_handle(handle)
            assert user is not None
            plain = tokens.create(user, scopes=scopes or ("all",), name="tests")
            db.session.commit()
            return plain

    return create
