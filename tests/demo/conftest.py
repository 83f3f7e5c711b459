"""The stage with the demonstration switched on."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from core.db import db
from core.settings import Settings
from demo import load
from tests.conftest import Browser

MOMENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def built(built: tuple[Flask, Path]) -> Iterator[tuple[Flask, Path]]:
    """A second application on the same database, with the demonstration and a pause between two posts."""
    plain, folder = built
    settings: Settings = plain.extensions["klinke-settings"]
    app = create_app(
        {
            "KLINKE_DATABASE_URL": settings.database_url,
            "KLINKE_DATA_DIR": str(folder),
            "KLINKE_SECRET_KEY": settings.secret_key,
            "KLINKE_BASE_URL": settings.base_url,
            "KLINKE_POST_PAUSE_SECONDS": "5",
            "KLINKE_DEMO": "1",
        }
    )
    app.config["TESTING"] = True
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.test_client_class = Browser
    yield app, folder
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def community(app: Flask, built: tuple[Flask, Path]) -> Flask:
    """The application with the community loaded (on SQLite once, then copied) and nobody's context open."""
    kept = built[1] / "community.db"
    with app.app_context():
        is_sqlite = db.engine.dialect.name == "sqlite"
        if is_sqlite and kept.exists():
            shutil.copy(kept, built[1] / "klinke.db")
            return app
        load.load()
        db.session.remove()
        if is_sqlite:
            with db.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("VACUUM INTO ?", (str(kept),))
            db.engine.dispose()
    return app


@pytest.fixture
def post_on_plaza(app: Flask) -> Callable[..., None]:
    """Have a passer-by post on the Marktplatz, with a browser of their own."""

    def post(handle: str, text: str, **more: str) -> None:
        browser = app.test_client()
        answer = browser.post("/demo/plaza", data={"handle": handle, "text": text, **more})
        assert answer.status_code == 303, answer.text

    return post
