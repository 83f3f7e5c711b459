"""Readings that are gathered in memory: an orderly end loses none, a crash fewer than a hundred."""

import signal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from core import ending
from core.db import db
from kb import readings
from kb.models import ArticleReading
from tests.cast import World
from tests.faults.house import House, sent
from tests.kb.shelf import Shelf


def told(app: Flask) -> int:
    with app.app_context():
        number = db.session.scalar(select(func.coalesce(func.sum(ArticleReading.count), 0))) or 0
        db.session.remove()
    return int(number)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_that_ends_in_order_has_written_every_reading(tmp_path: Path, asked: signal.Signals) -> None:
    house = House.built(tmp_path)
    app = house.migrated()
    with app.app_context():
        article_id = Shelf(World()).published().id
        db.session.commit()
        db.session.remove()
    house.start("serve")
    try:
        house.wait_until_serving()
        for _reader in range(7):
            assert sent(house.port, "POST", f"/kb/articles/{article_id}/reading")[0] == 204
        process = house.running["serve"]
        process.send_signal(asked)
        process.wait(timeout=60)
    finally:
        house.stop()
    assert told(app) == (1 if asked == signal.SIGKILL else 7), "of a crash only what was written is left"


def test_many_readings_are_written_before_their_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    readings.write_down()
    written = db.session.scalar(select(func.coalesce(func.sum(ArticleReading.count), 0)))
    article = Shelf(world).published()
    for _reader in range(2 * readings.MOST + 1):
        readings.note(article)
    kept = db.session.scalar(select(func.sum(ArticleReading.count)))
    assert kept - written >= 2 * readings.MOST - 1
    readings.write_down()
    assert db.session.scalar(select(func.sum(ArticleReading.count))) - written == 2 * readings.MOST + 1


def test_what_could_not_be_written_is_kept_for_the_next_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    article = Shelf(world).published()
    readings.write_down()

    def fails(_due: Any) -> None:
        raise OperationalError("insert", {}, Exception("disk is full"))

    monkeypatch.setattr(readings, "SECONDS", 60.0)
    readings.note(article)
    with monkeypatch.context() as broken:
        broken.setattr(readings, "_write", fails)
        with pytest.raises(OperationalError):
            readings.write_down()
    readings.write_down()
    assert db.session.scalar(select(func.sum(ArticleReading.count)).where(ArticleReading.article_id == article.id)) == 1


def test_an_end_that_fails_is_said_and_holds_up_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def fails() -> None:
        message = "no disk"
        raise OSError(message)

    monkeypatch.setattr(ending, "ENDERS", {"one": fails, "two": lambda: done.append("two")})
    ending.finish(app)
    assert done == ["two"]
    assert "one could not be written" in caplog.text
