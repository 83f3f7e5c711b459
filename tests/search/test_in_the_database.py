"""The index in the database: changes in the transaction that makes them, many writers, building beside."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from core.clock import now
from core.db import db
from core.worker import ChoreTurn
from search import indexer, registry, switching, tracking
from search.documents import Document, Ref
from search.engines import Condition, EngineQuery, IndexBusy, SearchUnavailable, postgres, postgres_tables
from search.engines.postgres import PostgresEngine
from search.engines.whoosh import WhooshEngine
from search.models import StaleNote
from search.query import find
from tests.conftest import POSTGRES
from tests.search.asking import found, question, word
from tests.search.conftest import ENCODER, Shelf, document

pytestmark = pytest.mark.skipif(
    not POSTGRES, reason="KLINKE_TEST_POSTGRES_URL is not set; in continuous integration that is an error"
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_GRACE_SECONDS", 0.2)


@pytest.fixture
def engine(in_database: Flask) -> PostgresEngine:
    """The engine of the application, with an empty index."""
    engine = registry.engines()["postgres"]
    assert isinstance(engine, PostgresEngine)
    engine.replace([])
    return engine


@pytest.fixture
def shelf(in_database: Flask, engine: PostgresEngine) -> Iterator[Shelf]:
    """A shelf of topics in an application whose engine is the database's."""
    known = in_database.extensions[registry.EXTENSION]
    kept, mine = known.sources, Shelf("topic")
    known.sources = {"topic": mine}
    yield mine
    known.sources = kept


@pytest.fixture
def by_whoosh(in_database: Flask) -> Iterator[None]:
    """The same application as if its settings said that the embedded engine serves."""
    known = in_database.extensions[registry.EXTENSION]
    known.name = "whoosh"
    known.engines["whoosh"].wipe()
    yield
    known.name = "postgres"
    known.engines["whoosh"].wipe()


def touch(*names: str) -> None:
    for name in names:
        db.session.merge(ChoreTurn(name=name, next_at=now()))
    db.session.flush()


def put(shelf: Shelf, number: int, title: str) -> None:
    """Change a topic and commit, as a web process does."""
    shelf.put(number, title)
    touch(f"topic {number}")
    db.session.commit()


def ids(text: str) -> list[int]:
    return sorted(hit.found.ref.id for hit in find(text, viewer=None).hits)


def notes() -> int:
    return db.session.scalar(select(func.count()).select_from(StaleNote)) or 0


def others_ids(*words: str) -> list[int]:
    """Return what another process finds."""
    return sorted(found(PostgresEngine(ENCODER), *words))


def elsewhere(app: Flask, work: Callable[[], None]) -> threading.Thread:
    """Do something as another process would, at the same time."""

    def run() -> None:
        with app.app_context():
            work()
            db.session.remove()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_what_is_committed_is_found_at_once_and_needs_no_worker(shelf: Shelf) -> None:
    put(shelf, 1, "router")
    assert ids("router") == [1]
    assert notes() == 0
    put(shelf, 1, "printer")
    assert (ids("router"), ids("printer")) == ([], [1])
    del shelf.things[1]
    touch("topic 1 again")
    db.session.commit()
    assert ids("printer") == []
    assert indexer.check().is_clean


def test_what_is_rolled_back_was_never_in_the_index(shelf: Shelf, engine: PostgresEngine) -> None:
    put(shelf, 1, "router")
    counted = engine.rarity(word("router"))
    shelf.put(2, "router")
    touch("topic 2")
    db.session.rollback()
    touch("unrelated")
    db.session.commit()
    assert ids("router") == [1]
    assert engine.rarity(word("router")) == counted


def test_the_end_of_a_savepoint_is_not_yet_the_end(shelf: Shelf) -> None:
    shelf.put(1, "router")
    shelf.put(2, "router")
    with db.session.begin_nested():
        touch("topic 1")
    taken_back = db.session.begin_nested()
    touch("topic 2")
    taken_back.rollback()
    assert notes() == 1
    db.session.commit()
    assert ids("router") == [1]


def test_many_changes_in_one_transaction_go_in_batches(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer, "BATCH", 3)
    for number in range(10):
        shelf.put(number, "router")
    tracking.note("topic", range(10))
    db.session.commit()
    assert ids("router") == list(range(10))
    assert notes() == 0


def test_a_change_that_cannot_be_indexed_is_kept_and_the_worker_tries_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(PostgresEngine, "apply", broken)
        put(shelf, 1, "router")
    assert db.session.get(ChoreTurn, "topic 1") is not None
    assert notes() == 1
    assert ids("router") == []
    indexer.catch_up_fully()
    assert ids("router") == [1]
    assert notes() == 0


def test_a_statement_that_fails_within_the_index_does_not_spoil_the_transaction(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresEngine, "apply", lambda *_args: db.session.connection().exec_driver_sql("SELECT 1 / 0"))
    put(shelf, 1, "router")
    assert db.session.get(ChoreTurn, "topic 1") is not None
    assert notes() == 1


def test_without_an_index_the_worker_builds_it(shelf: Shelf, engine: PostgresEngine) -> None:
    engine.wipe()
    db.session.commit()
    put(shelf, 1, "router")
    assert engine.condition() is Condition.ABSENT
    assert notes() == 1
    indexer.catch_up_fully()
    assert engine.condition() is Condition.READY
    assert ids("router") == [1]


def test_two_who_change_one_thing_at_once_are_both_heard(in_database: Flask, shelf: Shelf) -> None:
    put(shelf, 1, "router")
    texts = ["router"]
    shelf.documents = lambda _ids: [document(1, " ".join(texts))]  # type: ignore[method-assign]  # what is committed
    registry.engine().claim([Ref("topic", 1)])  # type: ignore[attr-defined]  # the first is about to commit

    def second() -> None:
        touch("topic 1")
        db.session.commit()

    waiting = elsewhere(in_database, second)
    waiting.join(timeout=1)
    assert waiting.is_alive(), "the second waits for the first"
    texts.append("printer")
    db.session.commit()
    waiting.join(timeout=20)
    assert others_ids("printer") == [1]


def test_two_who_change_different_things_do_not_wait(in_database: Flask, shelf: Shelf) -> None:
    shelf.put(2, "printer")
    registry.engine().claim([Ref("topic", 1)])  # type: ignore[attr-defined]  # the first is about to commit

    def second() -> None:
        touch("topic 2")
        db.session.commit()

    elsewhere(in_database, second).join(timeout=20)
    assert others_ids("printer") == [2]
    db.session.rollback()


def test_another_process_sees_each_commit(shelf: Shelf) -> None:
    reader = PostgresEngine(ENCODER)
    for number in range(5):
        put(shelf, number, "router")
        assert len(found(reader, "router")) == number + 1


def test_summing_up_changes_nothing_that_is_found(
    shelf: Shelf, engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        put(shelf, number, f"router {'cable' if number % 2 else 'modem'} {number}")
    query = EngineQuery(
        words=(word("router"), word("cable")), question=question("router cable", ENCODER), strength=ENCODER.strength
    )
    before = engine.find(query, 20), engine.rarity(word("cable")), engine.generation()
    assert not engine.tidy(), "a few differences are added up by whoever reads"
    monkeypatch.setattr(postgres, "_MOST_PENDING", 3)
    assert engine.tidy()
    assert not engine.tidy()
    assert db.session.scalar(select(func.count()).select_from(postgres_tables.changes)) == 0
    for each in (engine, PostgresEngine(ENCODER)):
        assert (each.find(query, 20), each.rarity(word("cable")), each.generation()) == before
    put(shelf, 99, "cable")
    assert engine.rarity(word("cable")) < before[1]


def test_what_changes_while_the_index_is_built_anew_is_in_the_new_one(in_database: Flask, shelf: Shelf) -> None:
    for number in range(4):
        put(shelf, number, "router")
    everything = shelf.documents

    def meanwhile() -> None:
        shelf.put(0, "printer")
        shelf.put(7, "printer")
        del shelf.things[1]
        touch("topic 0 now", "topic 7 now", "topic 1 now")
        db.session.commit()

    def slowly(wanted: list[int]) -> Iterator[Document]:
        old = list(everything(wanted))
        shelf.documents = everything  # type: ignore[method-assign]  # only the first time
        elsewhere(in_database, meanwhile).join(timeout=20)
        yield from old

    shelf.documents = slowly  # type: ignore[method-assign,assignment]  # a source that takes its time
    indexer.rebuild()
    assert (ids("router"), ids("printer")) == ([2, 3], [0, 7])
    assert indexer.check().is_clean
    assert db.session.scalar(select(func.count()).select_from(postgres_tables.late_notes)) == 0


def test_the_old_index_serves_until_the_new_one_is_complete(engine: PostgresEngine) -> None:
    engine.replace([document(1, "router")])

    def slowly() -> Iterator[Document]:
        assert others_ids("router") == [1]
        yield document(2, "router")
        assert others_ids("router") == [1]

    engine.replace(slowly())
    assert others_ids("router") == [2]


def test_only_one_builds_at_a_time(engine: PostgresEngine) -> None:
    def impatient() -> Iterator[Document]:
        with pytest.raises(IndexBusy):
            PostgresEngine(ENCODER).replace([])
        yield document(2, "router")

    assert engine.replace(impatient()) == 1


def test_what_a_killed_build_has_left_is_cleared_away(engine: PostgresEngine) -> None:
    engine.replace([document(1, "router")])
    db.session.execute(update(postgres_tables.indexes).values(is_complete=False))
    db.session.commit()
    assert engine.is_replaced()
    assert engine.tidy()
    assert not engine.is_replaced()
    assert engine.condition() is Condition.ABSENT
    assert db.session.scalar(select(func.count()).select_from(postgres_tables.documents)) == 0


def test_an_index_of_another_version_must_be_rebuilt(engine: PostgresEngine) -> None:
    engine.replace([document(1, "router")])
    db.session.execute(update(postgres_tables.indexes).values(name="0-other-vectors"))
    db.session.commit()
    assert engine.condition() is Condition.OUTDATED
    with pytest.raises(SearchUnavailable):
        found(engine, "router")
    engine.replace([document(2, "router")])
    assert found(engine, "router") == [2]


def test_readers_are_never_disturbed_by_writers(in_database: Flask, shelf: Shelf) -> None:
    registry.engine().replace([document(number, "router") for number in range(30)])
    done = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        reader = PostgresEngine(ENCODER)
        while not done.is_set():
            hits = sorted(found(reader, "router", "printer"))
            db.session.rollback()
            if hits != list(range(30)):
                wrong.append(hits)

    readers = [elsewhere(in_database, read) for _ in range(3)]
    for number in range(30):
        put(shelf, number, "router printer")
    registry.engine().replace([document(number, "router") for number in range(30)])
    done.set()
    for thread in readers:
        thread.join(timeout=30)
    assert wrong == []


TEXTS = (
    ("en", "Reset the password of your router", "Press the button for ten seconds. The router starts anew."),
    ("en", "The printer is slow", "Clean the printer and restart it. A slow network also slows the printer down."),
    ("en", "Cancel an order", "Open the order and choose cancel. You get your money back within a week."),
    ("de", "Rechnungsadresse ändern", "Unter Konto lässt sich die Adresse für Rechnungen ändern."),
    ("de", "Passwort zurücksetzen", "Ein neues Passwort kommt per E-Mail. Das alte Kennwort gilt nicht mehr."),
    ("de", "Der Drucker druckt nicht", "Prüfen Sie Netzwerkkabel und Druckertreiber."),
)
QUESTIONS = (
    ("my router forgot its password", False),
    ("how do I get my money back", True),
    ("Adresse auf der Rechnung falsch", False),
    ("Netzwerk Kabel Drucker", True),
    ("printer", False),
)


@pytest.mark.parametrize("inside", [False, True])
def test_both_engines_score_alike(engine: PostgresEngine, tmp_path: Path, inside: bool) -> None:
    everything = [
        document(
            number,
            f"{title} {number // len(TEXTS)}",
            body,
            locale=locale,
            asked=("please send the money for my order back",) if number % 4 == 2 else (),
            asked_inside=("the printer of my boss is broken",) if number % 5 == 1 else (),
            audience="members" if number % 7 == 3 else "everyone",
        )
        for number, (locale, title, body) in enumerate(TEXTS * 4)
    ]
    other = WhooshEngine(tmp_path / "other", ENCODER)
    for each in (engine, other):
        each.replace(everything)
    for text, is_open in QUESTIONS:
        query = EngineQuery(
            words=tuple(word(part) for part in text.split()),
            question=question(text, ENCODER),
            strength=ENCODER.strength,
            is_open=is_open,
            inside=inside,
            audience="team" if inside else "everyone",
        )
        mine, theirs = engine.find(query, 50), other.find(query, 50)
        assert mine.total == theirs.total
        scores = {hit.ref: hit for hit in theirs.hits}
        assert {hit.ref for hit in mine.hits} == scores.keys()
        for hit in mine.hits:
            assert hit.score == pytest.approx(scores[hit.ref].score, rel=2e-3, abs=2e-4), text
            assert hit.signals == pytest.approx(scores[hit.ref].signals, rel=2e-3, abs=2e-4), text
            assert hit.matched == scores[hit.ref].matched


def test_the_commands_look_after_this_index_too(in_database: Flask, shelf: Shelf) -> None:
    put(shelf, 1, "router")
    run = in_database.test_cli_runner().invoke
    assert "agree" in run(args=["search", "check"]).output
    shelf.put(2, "router")
    assert "1 missing from the index: topic 2" in run(args=["search", "check"]).output
    assert "2 documents indexed" in run(args=["search", "rebuild"]).output
    assert "agree" in run(args=["search", "check"]).output


# From one engine to the other.


def test_a_switch_builds_the_other_index_and_keeps_both_up(by_whoosh: None, shelf: Shelf) -> None:
    put(shelf, 1, "router")
    put(shelf, 2, "router")
    indexer.rebuild()
    assert indexer.switch("postgres").is_clean
    put(shelf, 1, "printer")
    indexer.catch_up_fully()
    both = registry.engines()
    assert [found(engine, "router") for engine in both.values()] == [[2], [2]]
    assert [found(engine, "printer") for engine in both.values()] == [[1], [1]]
    assert indexer.check("postgres").is_clean


def test_what_changes_during_a_switch_reaches_both(in_database: Flask, by_whoosh: None, shelf: Shelf) -> None:
    put(shelf, 1, "router")
    indexer.rebuild()
    everything = shelf.documents

    def meanwhile() -> None:
        put(shelf, 1, "printer")
        indexer.catch_up_fully()

    def slowly(wanted: list[int]) -> Iterator[Document]:
        old = list(everything(wanted))
        shelf.documents = everything  # type: ignore[method-assign]  # only the first time
        elsewhere(in_database, meanwhile).join(timeout=20)
        yield from old

    shelf.documents = slowly  # type: ignore[method-assign,assignment]  # a source that takes its time
    assert indexer.switch("postgres").is_clean
    assert [found(engine, "printer") for engine in registry.engines().values()] == [[1], [1]]


def test_back_from_the_database_to_files(in_database: Flask, shelf: Shelf) -> None:
    put(shelf, 1, "router")
    assert indexer.switch("whoosh").is_clean
    put(shelf, 2, "router")
    assert found(registry.engine(), "router") == [1, 2]
    indexer.catch_up_fully()
    assert sorted(found(registry.engines()["whoosh"], "router")) == [1, 2]
    switching.stop()
    registry.engines()["whoosh"].wipe()


def test_an_hour_after_the_new_engine_serves_the_old_index_goes(
    in_database: Flask, by_whoosh: None, shelf: Shelf
) -> None:
    put(shelf, 1, "router")
    indexer.rebuild()
    indexer.switch("postgres")
    indexer.catch_up_fully()
    assert switching.current() is not None, "nobody serves with the new one yet"
    in_database.extensions[registry.EXTENSION].name = "postgres"
    old = registry.engines()["whoosh"]
    put(shelf, 2, "router")
    indexer.catch_up_fully()
    assert sorted(found(old, "router")) == [1, 2], "a process that still has the old engine misses nothing"
    db.session.execute(update(postgres_tables.switches).values(serving_since=now() - timedelta(hours=2)))
    db.session.commit()
    indexer.catch_up_fully()
    assert old.condition() is Condition.ABSENT
    assert switching.current() is None
    put(shelf, 3, "router")
    assert db.session.scalar(select(func.count()).select_from(postgres_tables.late_notes)) == 0


def test_the_command_says_what_it_does_and_what_is_left_to_do(
    in_database: Flask, by_whoosh: None, shelf: Shelf
) -> None:
    put(shelf, 1, "router")
    indexer.rebuild()
    run = in_database.test_cli_runner().invoke
    assert "Search is served by whoosh." in run(args=["search", "switch"]).output
    assert "already" in run(args=["search", "switch", "whoosh"]).output
    done = run(args=["search", "switch", "postgres"])
    assert done.exit_code == 0
    assert "1 documents indexed" in done.output
    assert "KLINKE_SEARCH_ENGINE=postgres" in done.output
    assert "A switch to postgres is under way" in run(args=["search", "switch"]).output
    assert "called off" in run(args=["search", "switch", "whoosh"]).output


def test_a_switch_that_comes_out_wrong_is_not_recommended(
    in_database: Flask, by_whoosh: None, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shelf, 1, "router")
    indexer.rebuild()
    monkeypatch.setattr(PostgresEngine, "refs", lambda _self: {Ref("topic", 9)})
    wrong = in_database.test_cli_runner().invoke(args=["search", "switch", "postgres"])
    assert wrong.exit_code == 1
    assert "1 missing from the new index: topic 1" in wrong.output
    assert "KLINKE_SEARCH_ENGINE" not in wrong.output
