"""Shelves: things to find that live in memory, so that search is tested without knowing what a room would put there."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from flask import Flask

from app import create_app
from core.db import db
from core.worker import ChoreTurn
from search import encoders, registry
from search.documents import Document, Found, Ref
from search.engines import Engine, postgres_tables
from search.engines.postgres import PostgresEngine
from search.engines.whoosh import WhooshEngine
from tests.conftest import POSTGRES

ENCODER = encoders.chosen("static")
LONG_AGO = datetime(2026, 1, 5, 10, tzinfo=UTC)


def document(
    number: int, title: str, body: str = "", *, kind: str = "topic", locale: str = "en", **more: Any
) -> Document:
    """Return a document that needs no more than a title."""
    return Document(ref=Ref(kind, number), locale=locale, title=title, body=body, **{"created_at": LONG_AGO, **more})


def home(data_dir: Path) -> Path:
    """Return the folder of the one finished index of an installation."""
    (found,) = (data_dir / "index").glob("*.*[0-9]")
    return found


class Shelf:
    """A source in memory; what is hidden is for the viewer "team" only and is not indexed."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.things: dict[int, Document] = {}
        self.hidden: set[int] = set()
        self.asked: list[list[int]] = []

    def put(self, number: int, title: str, body: str = "", **more: Any) -> None:
        self.things[number] = document(number, title, body, kind=self.kind, **more)

    def documents(self, ids: Collection[int]) -> Iterable[Document]:
        return [self.things[number] for number in ids if number in self.things and number not in self.hidden]

    def ids(self) -> Iterable[int]:
        return self.things.keys() - self.hidden

    def visible(self, ids: Collection[int], viewer: Any) -> Mapping[int, Found]:
        self.asked.append(list(ids))
        return {
            number: _found(self.things[number])
            for number in ids
            if number in self.things and (number not in self.hidden or viewer == "team")
        }

    def stale(self, instance: object) -> Iterable[int]:
        """Any table would do: here a row of the worker's with the name "topic 5" stands for a changed topic 5."""
        if isinstance(instance, ChoreTurn) and instance.name.startswith(f"{self.kind} "):
            return [int(instance.name.split()[1])]
        return []


class QuickShelf(Shelf):
    """A shelf that can say who may see what without showing it."""

    def visible_ids(self, ids: Collection[int], viewer: Any) -> Collection[int]:
        return [number for number in ids if number in self.things and (number not in self.hidden or viewer == "team")]


def _found(thing: Document) -> Found:
    return Found(
        ref=thing.ref,
        title=thing.title,
        url=f"/{thing.ref.kind}/{thing.ref.id}",
        locale=thing.locale,
        text=thing.body,
        source_id=None,
        solved=thing.solved if thing.ref.kind == "topic" else None,
        created_at=thing.created_at,
        meta={},
    )


@pytest.fixture
def engine(tmp_path: Path) -> WhooshEngine:
    """An engine on an empty folder."""
    return WhooshEngine(tmp_path / "index", ENCODER)


class Committing(PostgresEngine):
    """The engine in the database, with a commit after each change: for tests of what any engine does."""

    def apply(self, upserts: Iterable[Document], deletes: Iterable[Ref]) -> None:
        super().apply(upserts, deletes)
        db.session.commit()

    def wipe(self) -> None:
        super().wipe()
        db.session.commit()


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose engine is the database's."""
    folder = tmp_path_factory.mktemp("on_postgres")
    name = f"klinke_search_{uuid.uuid4().hex[:12]}"
    admin = POSTGRES.replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    app = create_app(
        {
            "KLINKE_DATABASE_URL": POSTGRES.rsplit("/", 1)[0] + f"/{name}",
            "KLINKE_DATA_DIR": str(folder),
            "KLINKE_SECRET_KEY": "tests " * 8,
            "KLINKE_SEARCH_ENGINE": "postgres",
            "KLINKE_POST_PAUSE_SECONDS": "0",
        }
    )
    with app.app_context():
        flask_migrate.upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def in_database(on_postgres: Flask) -> Iterator[Flask]:
    """The same application with its database emptied and its context open."""
    with on_postgres.app_context():
        every = [*db.metadata.sorted_tables, *postgres_tables.metadata.sorted_tables]
        with db.engine.begin() as connection:
            connection.exec_driver_sql(
                f"TRUNCATE {', '.join(f'{table.name!r}' for table in every)} CASCADE".replace("'", '"')
            )
        yield on_postgres
        db.session.remove()


@pytest.fixture(params=["whoosh", *(["postgres"] if POSTGRES else [])])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """An engine without an index: each of them in turn."""
    if request.param == "whoosh":
        return WhooshEngine(tmp_path / "index", ENCODER)
    request.getfixturevalue("in_database")
    return Committing(ENCODER)


@pytest.fixture
def shelves(app: Flask) -> Iterator[dict[str, Shelf]]:
    """The application with shelves for topics and articles instead of the rooms' sources."""
    kept = app.extensions[registry.EXTENSION].sources
    mine = {kind: Shelf(kind) for kind in ("topic", "article")}
    app.extensions[registry.EXTENSION].sources = dict(mine)
    yield mine
    app.extensions[registry.EXTENSION].sources = kept


@pytest.fixture
def indexed(app: Flask, shelves: dict[str, Shelf]) -> Callable[[], None]:
    """Bring everything on the shelves into the index."""
    from search import indexer

    def index() -> None:
        with app.app_context():
            indexer.rebuild()

    return index
