"""From a changed row to the index: notes, batches, rebuilding, checking."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.worker import ChoreTurn
from search import indexer, registry, tracking
from search.documents import Ref
from search.engines import Condition, IndexBusy
from search.engines.whoosh import WhooshEngine
from search.models import StaleNote
from search.query import find
from tests.search.conftest import Shelf, home


@pytest.fixture
def shelf(app: Flask, shelves: dict[str, Shelf]) -> Iterator[Shelf]:
    """A shelf of topics, with the application's context open and an empty index."""
    with app.app_context():
        indexer.rebuild()
        yield shelves["topic"]


def touch(*names: str) -> None:
    for name in names:
        db.session.add(ChoreTurn(name=name, next_at=now()))
    db.session.flush()


def notes() -> list[tuple[str, int]]:
    return [
        (kind, ref_id)
        for kind, ref_id in db.session.execute(select(StaleNote.kind, StaleNote.ref_id).order_by(StaleNote.id))
    ]


def ids(text: str) -> list[int]:
    return [hit.found.ref.id for hit in find(text, viewer=None).hits]


def test_a_new_a_changed_and_a_deleted_row_are_noted(shelf: Shelf) -> None:
    touch("topic 5")
    turn = db.session.get(ChoreTurn, "topic 5")
    assert turn is not None
    turn.next_at = now()
    db.session.flush()
    db.session.delete(turn)
    db.session.flush()
    assert notes() == [("topic", 5)] * 3


def test_one_flush_notes_a_document_once(shelf: Shelf) -> None:
    touch("topic 5", "topic 5 again", "article 5", "unrelated")
    assert notes() == [("article", 5), ("topic", 5)]


def test_a_row_that_was_only_looked_at_is_not_noted(shelf: Shelf) -> None:
    touch("topic 5")
    db.session.commit()
    turn = db.session.get(ChoreTurn, "topic 5")
    assert turn is not None
    turn.name = "topic 5"
    touch("unrelated")
    assert notes() == [("topic", 5)]


def test_a_note_lives_and_dies_with_its_transaction(shelf: Shelf) -> None:
    touch("topic 5")
    db.session.rollback()
    assert notes() == []


def test_a_bulk_change_can_be_noted_by_hand(shelf: Shelf) -> None:
    tracking.note("topic", [3, 1, 3])
    tracking.note("topic", [])
    assert notes() == [("topic", 1), ("topic", 3)]


def test_catching_up_brings_changes_into_the_index_and_forgets_the_notes(shelf: Shelf) -> None:
    shelf.put(1, "router")
    shelf.put(2, "router")
    tracking.note("topic", [1, 2])
    assert indexer.catch_up() == 2
    assert sorted(ids("router")) == [1, 2]
    assert notes() == []
    shelf.put(1, "printer")
    del shelf.things[2]
    touch("topic 1", "topic 2")
    assert indexer.catch_up() == 2
    assert ids("router") == []
    assert ids("printer") == [1]


def test_nothing_to_do_is_no_commit(shelf: Shelf) -> None:
    before = registry.engine().generation()
    assert indexer.catch_up() == 0
    assert registry.engine().generation() == before


def test_a_batch_leaves_the_rest_for_the_next(shelf: Shelf) -> None:
    for number in range(5):
        shelf.put(number, "router")
    tracking.note("topic", range(5))
    assert [indexer.catch_up(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert len(ids("router")) == 5


def test_the_state_is_that_of_now_and_not_of_the_note(shelf: Shelf) -> None:
    shelf.put(1, "router")
    tracking.note("topic", [1])
    shelf.hidden.add(1)
    indexer.catch_up()
    assert registry.engine().refs() == set()


def test_a_note_written_meanwhile_is_kept(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(1, "router")
    tracking.note("topic", [1])
    engine = registry.engine()
    apply = type(engine).apply

    def while_another_writes(*args: object) -> None:
        apply(*args)  # type: ignore[arg-type]
        tracking.note("topic", [1])
        db.session.commit()

    monkeypatch.setattr(type(engine), "apply", while_another_writes)
    indexer.catch_up()
    assert notes() == [("topic", 1)]


def test_a_crash_before_the_notes_are_gone_repeats_the_work(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(1, "router")
    tracking.note("topic", [1])

    def crash(_note_ids: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(indexer, "_forget", crash)
        with pytest.raises(KeyboardInterrupt):
            indexer.catch_up()
    assert notes() == [("topic", 1)]
    assert indexer.catch_up() == 1
    assert ids("router") == [1]


def test_a_note_of_a_kind_nobody_knows_any_more_goes_away(shelf: Shelf) -> None:
    tracking.note("extinct", [1])
    assert indexer.catch_up() == 1
    assert notes() == []


@pytest.mark.parametrize("condition", [Condition.ABSENT, Condition.DAMAGED, Condition.OUTDATED])
def test_an_index_that_cannot_be_used_is_rebuilt(app: Flask, shelf: Shelf, condition: Condition) -> None:
    shelf.put(1, "router")
    data_dir = app.extensions["klinke-settings"].data_dir
    match condition:
        case Condition.ABSENT:
            registry.engine().wipe()
        case Condition.DAMAGED:
            (home(data_dir) / "damaged").touch()
        case Condition.OUTDATED:
            home(data_dir).rename(data_dir / "index" / "0-other-vectors.1")
    assert indexer.why_not_ready().startswith(f"is {condition}")
    assert indexer.catch_up() == 1
    assert indexer.why_not_ready() == ""
    assert ids("router") == [1]


def test_the_worker_catches_up(app: Flask, shelves: dict[str, Shelf], worker: Callable[[], None]) -> None:
    shelves["topic"].put(1, "router")
    with app.app_context():
        touch("topic 1")
        db.session.commit()
    worker()
    with app.app_context():
        assert ids("router") == [1]
        assert db.session.scalar(select(func.count()).select_from(StaleNote)) == 0


def test_another_writer_is_waited_for(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(1, "router")
    tracking.note("topic", [1])

    def busy(*_args: object) -> None:
        raise IndexBusy

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.engine()), "apply", busy)
        indexer.catch_up_fully()
    assert notes() == [("topic", 1)]
    indexer.catch_up_fully()
    assert notes() == []


def test_checking_finds_what_is_missing_and_what_is_too_much(shelf: Shelf) -> None:
    for number in range(4):
        shelf.put(number, "router")
    indexer.rebuild()
    assert indexer.check().is_clean
    del shelf.things[0]
    shelf.put(7, "printer")
    shelf.put(8, "noted")
    tracking.note("topic", [8])
    report = indexer.check()
    assert report.missing == {Ref("topic", 7)}
    assert report.surplus == {Ref("topic", 0)}
    assert report.stale_notes == 1
    assert report.documents == 4
    assert not report.is_clean
    assert len(list(indexer.complaints())) == 2


def test_rebuilding_tells_its_progress_and_forgets_the_notes(shelf: Shelf) -> None:
    for number in range(3):
        shelf.put(number, "router")
    tracking.note("topic", [0])
    told: list[tuple[int, int]] = []
    assert indexer.rebuild(lambda done, total: told.append((done, total))) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert notes() == []


def test_the_commands_say_what_they_did(app: Flask, shelves: dict[str, Shelf]) -> None:
    shelves["topic"].put(1, "router")
    run = app.test_cli_runner().invoke
    built = run(args=["search", "rebuild"])
    assert built.exit_code == 0
    assert "1 documents indexed" in built.output
    good = run(args=["search", "check"])
    assert good.exit_code == 0
    assert "agree" in good.output
    shelves["topic"].put(2, "router")
    bad = run(args=["search", "check"])
    assert bad.exit_code == 1
    assert "1 missing from the index: topic 2" in bad.output


def test_the_commands_say_when_they_cannot(
    app: Flask, shelves: dict[str, Shelf], indexed: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed()

    def busy(*_args: object) -> None:
        raise IndexBusy

    monkeypatch.setattr(WhooshEngine, "replace", busy)
    rebuilding = app.test_cli_runner().invoke(args=["search", "rebuild"])
    assert rebuilding.exit_code == 1
    assert "Another process" in rebuilding.output
    for path in home(app.extensions["klinke-settings"].data_dir).glob("*.toc"):
        path.write_bytes(b"damaged")
    checking = app.test_cli_runner().invoke(args=["search", "check"])
    assert checking.exit_code == 1
    assert "cannot be read" in checking.output
    with app.app_context():
        assert "cannot be read" in next(indexer.complaints())
