"""Somebody touches the files of the index, or writes beside us: it is noticed, said and mended, and search answers.

Web server and worker are real processes. The worker is held (SIGSTOP) while we look at what the web server says without
it, so that nothing depends on who is faster.
"""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from accounts.people import AnonymousUser
from core.db import db
from search.engines import Condition, EngineQuery, IndexBusy, SearchUnavailable, Variant, Word, whoosh
from search.engines.whoosh import WhooshEngine
from search.query import find
from tests.cast import World
from tests.faults.house import House, sent
from tests.search.conftest import ENCODER, document

pytestmark = pytest.mark.timeout(120)

TOPICS = 12
PATIENCE_SECONDS = 20
SEED = 20261125


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def scribbled(path: Path) -> None:
    """Change some bytes in the middle, where no header is; the length stays."""
    dice = random.Random(SEED)  # noqa: S311 -- the same bytes at every run
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(dice.randbytes(64))


def deleted(path: Path) -> None:
    path.unlink()


DAMAGE = (truncated, emptied, scribbled, deleted)


def home(house: House) -> Path:
    """Return the folder of the one finished index."""
    (found,) = house.index.glob("*.[0-9]*")
    return found


def readiness(house: House) -> tuple[int, str]:
    """Return the status of /readyz and what it says of the index."""
    status, body = sent(house.port, "GET", "/readyz")
    return status, json.loads(body)["checks"]["index"]


def search(house: House, words: str = "blinks") -> dict[str, Any]:
    status, body = sent(house.port, "GET", f"/api/v1/search?q={words}")
    assert status == HTTPStatus.OK, body
    found: dict[str, Any] = json.loads(body)
    return found


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen")
        time.sleep(0.05)


def write_topics(app: Flask, count: int, said: str = "A light blinks") -> None:
    with app.app_context():
        world = World()
        for number in range(count):
            world.ask(title=f"{said} in room {number}", source="Since this morning. What now?")
            db.session.commit()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An installation with topics in its index, web server and worker running; each test leaves it whole."""
    house = House.built(tmp_path_factory.mktemp("damaged"))
    write_topics(house.migrated(), TOPICS)
    assert house.ask("search", "rebuild").returncode == 0
    house.start("serve")
    house.start("work")
    house.wait_until_serving()
    yield house
    house.stop()


@pytest.fixture
def running(installation: House) -> House:
    """The installation, with its index in order and searched once."""
    wait_until(lambda: readiness(installation) == (HTTPStatus.OK, "ok"), "readiness")
    assert search(installation)["total"] == TOPICS
    return installation


@pytest.mark.parametrize("pattern", ["*.arrays.col", "_MAIN_*.toc"])
@pytest.mark.parametrize("hurt", DAMAGE, ids=lambda hurt: hurt.__name__)
def test_a_damaged_file_is_noticed_said_and_mended_while_search_answers(
    running: House, pattern: str, hurt: Callable[[Path], None]
) -> None:
    before = home(running)
    running.running["work"].send_signal(signal.SIGSTOP)
    files = list(before.glob(pattern))
    assert files
    for path in files:
        hurt(path)
    status, said = readiness(running)
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert said == "is damaged; the worker rebuilds it"
    meanwhile = search(running)
    assert meanwhile["degraded"] is True
    assert meanwhile["total"] == TOPICS
    running.running["work"].send_signal(signal.SIGCONT)
    wait_until(lambda: readiness(running) == (HTTPStatus.OK, "ok"), "a rebuild")
    after = search(running)
    assert after["degraded"] is False
    assert after["total"] == TOPICS
    assert home(running) != before


def test_the_worker_notices_by_itself(running: House) -> None:
    """Nobody asks anything; a file is changed, and a moment later there is a new index."""
    before = home(running)
    for path in before.glob("*.arrays.col"):
        scribbled(path)
    wait_until(lambda: not before.exists(), "a rebuild")
    assert running.ask("search", "check").returncode == 0


def test_a_folder_that_is_gone_is_built_again(running: House) -> None:
    running.running["work"].send_signal(signal.SIGSTOP)
    home(running).rename(running.index.parent / "elsewhere")
    assert readiness(running) == (HTTPStatus.SERVICE_UNAVAILABLE, "is absent; the worker rebuilds it")
    running.running["work"].send_signal(signal.SIGCONT)
    wait_until(lambda: readiness(running) == (HTTPStatus.OK, "ok"), "a rebuild")
    assert search(running)["total"] == TOPICS


def test_an_index_of_another_version_is_replaced_by_the_worker(running: House) -> None:
    running.running["work"].send_signal(signal.SIGSTOP)
    old = home(running)
    old.rename(old.with_name("0-other-vectors.1"))
    assert readiness(running) == (HTTPStatus.SERVICE_UNAVAILABLE, "is outdated; the worker rebuilds it")
    meanwhile = search(running)
    assert (meanwhile["degraded"], meanwhile["total"]) == (True, TOPICS)
    running.running["work"].send_signal(signal.SIGCONT)
    wait_until(lambda: readiness(running) == (HTTPStatus.OK, "ok"), "a rebuild")
    assert search(running)["degraded"] is False
    assert not old.with_name("0-other-vectors.1").exists()


def hits(engine: WhooshEngine) -> int:
    return engine.find(EngineQuery(words=(Word("light", (Variant("en", "light"),)),)), 10).total


def test_the_old_version_is_read_until_the_new_one_is_finished(tmp_path: Path) -> None:
    """While an update is rolled out, processes of the old version search on: the new index is built beside theirs."""
    old, new = (WhooshEngine(tmp_path / "index", ENCODER) for _ in range(2))
    old._kind = "0-other-vectors"
    old.replace([document(1, "light")])
    assert new.condition() is Condition.OUTDATED

    def documents() -> Iterator[Any]:
        for number in range(1, 3):
            assert hits(old) == 1, "the old index serves while the new one is written"
            with pytest.raises(SearchUnavailable):
                hits(new)
            yield document(number, "light")

    assert new.replace(documents()) == 2
    assert hits(new) == 2
    with pytest.raises(SearchUnavailable):
        hits(old)


def test_a_build_that_was_cut_off_leaves_the_old_version_alone(tmp_path: Path) -> None:
    old, new = (WhooshEngine(tmp_path / "index", ENCODER) for _ in range(2))
    old._kind = "0-other-vectors"
    old.replace([document(1, "light")])

    def cut_off() -> Iterator[Any]:
        yield document(1, "light")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        new.replace(cut_off())
    assert hits(old) == 1
    assert new.condition() is Condition.OUTDATED


def test_two_installations_side_by_side_do_not_disturb_each_other(tmp_path: Path) -> None:
    houses = [House.built(tmp_path / name) for name in ("one", "two")]
    try:
        apps = [house.migrated() for house in houses]
        for house in houses:
            house.start("work")
        with ThreadPoolExecutor(2) as both:
            list(both.map(lambda app, said: write_topics(app, 40, said), apps, ("A light blinks", "A lamp glows")))
        for house, app in zip(houses, apps, strict=True):
            house.let_the_worker_finish(app)
            told = house.ask("search", "check")
            assert told.returncode == 0, told.stdout + told.stderr
            assert "40 documents" in told.stdout
            assert list(home(house).glob("*.tmp")) == []
        for app, others, mine in zip(apps, ("glows", "blinks"), ("blinks", "glows"), strict=True):
            with app.app_context():
                guest = AnonymousUser()
                assert (find(mine, viewer=guest).total, find(others, viewer=guest).total) == (40, 0)
    finally:
        for house in houses:
            house.stop()


def test_of_two_that_want_to_write_one_waits(house: House, database: Flask) -> None:
    write_topics(database, 3)
    engine = WhooshEngine(house.index, ENCODER)
    with engine._writing():
        second = house.begin("search", "rebuild")
        time.sleep(4)
        assert second.poll() is None, "it waits while somebody else writes"
        assert list(house.index.glob("*.[0-9]*")) == []
    said, error = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 0, error
    assert "3 documents indexed" in said
    assert house.ask("search", "check").returncode == 0


def test_who_waits_too_long_says_so_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (WhooshEngine(tmp_path / "index", ENCODER) for _ in range(2))
    first.replace([document(1, "light")])
    monkeypatch.setattr(whoosh, "_LOCK_SECONDS", 0.2)
    with first._writing(), pytest.raises(IndexBusy):
        second.apply([document(2, "light")], [])
    assert hits(first) == 1
    second.apply([document(2, "light")], [])
    assert hits(first) == 2
