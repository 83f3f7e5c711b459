"""The migrations make exactly the tables that the models describe, on both databases."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app import create_app
from core.db import db
from search.engines import postgres_tables

POSTGRES = os.environ.get("KLINKE_TEST_POSTGRES_URL", "")


@contextlib.contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'migrated.db'}"
        return
    name = f"klinke_migrated_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
def test_an_upgraded_empty_database_is_what_the_models_say(kind: str, tmp_path: Path) -> None:
    with empty_database(kind, tmp_path) as url:
        app = create_app(
            {"KLINKE_DATABASE_URL": url, "KLINKE_DATA_DIR": str(tmp_path), "KLINKE_SECRET_KEY": "tests " * 8}
        )
        with app.app_context():
            flask_migrate.upgrade()
            flask_migrate.upgrade()
            with db.engine.connect() as connection:
                context = MigrationContext.configure(connection, opts={"compare_type": True})
                expected = [db.metadata, *([postgres_tables.metadata] if kind == "postgresql" else [])]
                assert compare_metadata(context, expected) == []
            db.engine.dispose()


def test_an_upgrade_keeps_what_belongs_to_the_rows_of_a_table_that_is_copied(tmp_path: Path) -> None:
    with empty_database("sqlite", tmp_path) as url:
        app = create_app(
            {"KLINKE_DATABASE_URL": url, "KLINKE_DATA_DIR": str(tmp_path), "KLINKE_SECRET_KEY": "tests " * 8}
        )
        with app.app_context():
            flask_migrate.upgrade(revision="0016")
            with db.engine.begin() as connection:
                for row in (
                    "section (id, slug, names, position) values (1, 'router', '{}', 0)",
                    "tag (id, name) values (1, 'wifi')",
                    (
                        "article (id, section_id, locale, confidence, audience, created_at)"
                        " values (1, 1, 'en', 'in_progress', 'public', '2026-01-01')"
                    ),
                    "article_tag (article_id, tag_id) values (1, 1)",
                ):
                    connection.exec_driver_sql(f"insert into {row}")
            flask_migrate.upgrade()
            with db.engine.begin() as connection:
                assert connection.exec_driver_sql("select article_id, tag_id from article_tag").all() == [(1, 1)]
                assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
            db.engine.dispose()
