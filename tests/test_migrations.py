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
from alembic.script import ScriptDirectory
from flask_babel import force_locale
from sqlalchemy import select

from accounts.models import AuditEntry
from app import create_app
from core.db import db
from core.phrases import phrase
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


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
def test_answers_that_were_given_before_are_known_to_clocks_and_nothing_is_lost_on_the_way(
    kind: str, tmp_path: Path
) -> None:
    with empty_database(kind, tmp_path) as url:
        app = create_app(
            {"KLINKE_DATABASE_URL": url, "KLINKE_DATA_DIR": str(tmp_path), "KLINKE_SECRET_KEY": "tests " * 8}
        )
        with app.app_context():
            flask_migrate.upgrade(revision="0027")
            with db.engine.begin() as connection:
                add = lambda table, columns, values: connection.exec_driver_sql(  # noqa: E731 -- read aloud below
                    f"insert into {table} ({columns}) values ({values})"  # noqa: S608 -- words of this test
                )
                day = "2026-01-05"
                add("channel", "id, slug, kind, name, settings, created_at", f"1, 's', 'archive', 'S', '{{}}', '{day}'")
                add("contact", "id, channel_id, handle, name, handle_key", "1, 1, '@max', 'Max', 'max'")
                about = "id, channel_id, contact_id, external_id, state, locale, created_at, last_message_at"
                moments = f"'{day} 10:00:00.000000', '{day} 12:00:00.000000'"
                add("conversation", about, f"1, 1, 1, 'a', 'solved', 'en', {moments}")
                due = f"'{day} 12:00:00.000000', '{day} 13:00:00.000000'"
                add("conversation", f"{about}, waiting_since, due_at", f"2, 1, 1, 'b', 'open', 'en', {moments}, {due}")
                add("conversation", about, f"3, 1, 1, 'c', 'no_answer', 'en', {moments}")
                for place, (of, way, minute) in enumerate(
                    [
                        *[(1, "in", 0), (1, "in", 5), (1, "out", 20), (1, "out", 30), (1, "in", 40), (1, "out", 41)],
                        *[(2, "in", 0), (2, "out", 1), (2, "in", 59), (3, "in", 0), (3, "out", 30)],
                    ]
                ):
                    at = f"'{day} 10:{minute:02}:00.000000'"
                    state = "received" if way == "in" else "failed" if of == 3 else "sent"
                    add(
                        "message",
                        "id, conversation_id, channel_id, direction, is_public, text, created_at, received_at, state,"
                        " attempts",
                        f"{place + 1}, {of}, 1, '{way}', true, 'x', {at}, {at}, '{state}', 0",
                    )
            flask_migrate.upgrade()
            with db.engine.begin() as connection:
                rows = lambda statement: [tuple(row) for row in connection.exec_driver_sql(statement)]  # noqa: E731
                assert rows("select message_id, promise, seconds, kind from clock_event order by message_id") == [
                    (3, "first", 20 * 60, "answered"),
                    (6, "next", 60, "answered"),
                    (8, "first", 60, "answered"),
                ]
                assert rows(
                    "select conversation_id, promise, first_answered_at is null, solved_at is null,"
                    " dismissed_at is null, hard_due_at is null from conversation_clock order by conversation_id"
                ) == [(1, None, 0, 0, 1, 1), (2, "next", 0, 1, 1, 0), (3, None, 1, 1, 0, 1)]
                assert rows("select id, due_for from conversation order by id") == [(1, None), (2, "next"), (3, None)]
                assert rows("select count(*) from message") == [(11,)]
                hard = rows("select hard_due_at from conversation_clock where conversation_id = 2")[0][0]
                assert str(hard).startswith(f"{day} 18:00:00")
            flask_migrate.downgrade(revision="0027")
            with db.engine.begin() as connection:
                assert connection.exec_driver_sql("select count(*) from message").scalar() == 11
            flask_migrate.upgrade()
            db.engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
def test_why_something_failed_is_readable_after_a_downgrade_and_an_upgrade(kind: str, tmp_path: Path) -> None:
    with empty_database(kind, tmp_path) as url:
        app = create_app(
            {"KLINKE_DATABASE_URL": url, "KLINKE_DATA_DIR": str(tmp_path), "KLINKE_SECRET_KEY": "tests " * 8}
        )
        with app.app_context():
            script = ScriptDirectory(str(app.extensions["migrate"].directory))
            of_phrases = next(one for one in script.walk_revisions() if one.path.endswith("_phrases.py"))
            flask_migrate.upgrade()
            with force_locale("de"):
                inner = phrase("%(host)s does not answer", host="mail.example")
                for number, reason in enumerate((phrase("Sending: %(reason)s", reason=inner), "wie es war")):
                    db.session.add(AuditEntry(deed="a.b.c", subject_kind="d", subject_id=number, reason=reason))
                db.session.commit()
                db.session.remove()
            flask_migrate.downgrade(revision=str(of_phrases.down_revision))
            with db.engine.begin() as connection:
                kept = connection.exec_driver_sql("select reason from audit_entry order by subject_id").scalars().all()
            assert kept == ["Sending: mail.example does not answer", "wie es war"]
            flask_migrate.upgrade()
            wanted = select(AuditEntry.reason).order_by(AuditEntry.subject_id)
            assert list(db.session.scalars(wanted)) == kept
            db.session.remove()
            db.engine.dispose()
