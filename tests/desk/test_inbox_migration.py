"""The migration of the inbox fills what the lists show, and can be taken back."""

from pathlib import Path

import flask_migrate
import pytest
from sqlalchemy import inspect, text

from app import create_app
from core.clock import now
from core.db import db
from desk.models import Channel, Contact, Conversation
from tests.test_migrations import POSTGRES, empty_database

BEFORE = "0021"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
def test_the_last_words_of_each_conversation_are_filled_in(kind: str, tmp_path: Path) -> None:
    with empty_database(kind, tmp_path) as url:
        app = create_app(
            {"KLINKE_DATABASE_URL": url, "KLINKE_DATA_DIR": str(tmp_path), "KLINKE_SECRET_KEY": "tests " * 8}
        )
        with app.app_context():
            flask_migrate.upgrade(revision=BEFORE)
            db.session.add(Channel(id=1, slug="social", kind="archive", name="Social", settings={}))
            db.session.flush()
            db.session.add(Contact(id=1, channel_id=1, handle="@max"))
            db.session.flush()
            for number in range(1, 4):
                db.session.execute(
                    text(
                        "INSERT INTO conversation (id, channel_id, contact_id, external_id, state, locale, created_at,"
                        " last_message_at) VALUES (:id, 1, 1, :name, 'open', 'en', :at, :at)"
                    ),
                    {"id": number, "name": f"c{number}", "at": now().isoformat(sep=" ")},
                )
            for conversation, direction, words in (
                (1, "in", "First"),
                (1, "in", "ö" * 300),
                (1, "out", "Our answer"),
                (2, "out", "Nobody wrote but us"),
            ):
                db.session.execute(
                    text(
                        "INSERT INTO message (conversation_id, channel_id, direction, is_public, text, created_at,"
                        " received_at, state, attempts) VALUES (:c, 1, :d, true, :w, :at, :at, 'sent', 0)"
                    ),
                    {"c": conversation, "d": direction, "w": words, "at": now().isoformat(sep=" ")},
                )
            db.session.commit()
            flask_migrate.upgrade()
            found = db.session.scalars(db.select(Conversation.last_words).order_by(Conversation.id)).all()
            assert list(found) == ["ö" * 200, "Nobody wrote but us", ""]
            db.session.rollback()
            db.session.remove()
            flask_migrate.downgrade(revision=BEFORE)
            columns = {column["name"] for column in inspect(db.engine).get_columns("conversation")}
            assert {"last_words", "snoozed_until"} & columns == set()
            assert db.session.scalar(text("SELECT count(*) FROM message")) == 4
            db.session.remove()
            db.engine.dispose()
