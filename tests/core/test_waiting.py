"""Who waits for the network holds nobody up: each thread knows whether it is in a transaction that may write."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from core import db as database
from core.db import db


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(database, "complain", lambda: found.append("held up"))
    return found


@pytest.fixture
def inside(app: Flask) -> Iterator[None]:
    database.begin_writing()
    with app.app_context():
        yield


@pytest.mark.usefixtures("inside")
def test_a_transaction_that_may_write_is_complained_of_until_it_is_over(complaints: list[str]) -> None:
    for end in (db.session.commit, db.session.rollback, db.session.remove):
        database.before_waiting()
        assert complaints == []
        db.session.execute(text("SELECT 1"))
        database.before_waiting()
        assert complaints == ["held up"]
        end()
        complaints.clear()
    database.before_waiting()
    assert complaints == []


@pytest.mark.usefixtures("inside")
def test_who_only_reads_may_wait(complaints: list[str]) -> None:
    with database.reading():
        db.session.execute(text("SELECT 1"))
        database.before_waiting()
        db.session.rollback()
    assert complaints == []


@pytest.mark.usefixtures("inside")
def test_what_another_thread_holds_is_its_own(complaints: list[str]) -> None:
    db.session.execute(text("SELECT 1"))
    thread = threading.Thread(target=database.before_waiting)
    thread.start()
    thread.join()
    assert complaints == []
    db.session.rollback()
