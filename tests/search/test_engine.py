"""What is about the files and folders of the embedded engine; what any engine does is in test_conformance.py."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.engines import Condition, SearchUnavailable, whoosh
from search.engines.whoosh import WhooshEngine
from tests.search.asking import found
from tests.search.conftest import ENCODER, document, home


def test_the_folder_belongs_to_its_owner_alone(engine: WhooshEngine, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir(mode=0o755)
    engine.apply([document(1, "router")], [])
    assert stat.S_IMODE((tmp_path / "index").stat().st_mode) == 0o700


def test_another_engine_on_the_same_folder_sees_each_commit(engine: WhooshEngine, tmp_path: Path) -> None:
    reader = WhooshEngine(tmp_path / "index", ENCODER)
    for number in range(5):
        engine.apply([document(number, "router")], [])
        assert len(found(reader, "router")) == number + 1


def test_readers_are_never_disturbed_by_the_writer(engine: WhooshEngine, tmp_path: Path) -> None:
    engine.replace([document(number, "router") for number in range(50)])
    reader = WhooshEngine(tmp_path / "index", ENCODER)
    done = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not done.is_set():
            try:
                hits = found(reader, "router", "printer")
            except SearchUnavailable as error:
                wrong.append(error)
                return
            if sorted(hits) != list(range(50)):
                wrong.append(hits)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in readers:
        thread.start()
    for number in range(30):
        engine.apply([document(number, "router printer")], [])
    engine.replace([document(number, "router") for number in range(50)])
    done.set()
    for thread in readers:
        thread.join(timeout=30)
    assert wrong == []


@pytest.mark.parametrize("reads", [lambda engine: found(engine, "router"), lambda engine: len(engine.refs())])
@pytest.mark.parametrize("seen_first", ["the folder", "its files"])
def test_an_index_that_is_swapped_while_it_is_being_opened_is_not_damaged(
    engine: WhooshEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reads: Callable[[WhooshEngine], object],
    seen_first: str,
) -> None:
    engine.replace([document(1, "router")])
    reader = WhooshEngine(tmp_path / "index", ENCODER)
    step = "of" if seen_first == "its files" else "_home"
    where: Any = whoosh._Seen if seen_first == "its files" else reader
    once, swapped = getattr(where, step), []

    def and_then_swap(*given: Any) -> Any:
        told = once(*given)
        if not swapped:
            swapped.append(True)
            engine.replace([document(1, "router"), document(2, "router")])
        return told

    monkeypatch.setattr(where, step, and_then_swap)
    assert reads(reader) in ([1, 2], 2)
    assert reader.condition() is Condition.READY


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _scribble(path: Path) -> None:
    path.write_bytes(bytes(reversed(path.read_bytes())))


@pytest.mark.parametrize("pattern", ["*.arrays.col", "*.toc"])
@pytest.mark.parametrize("hurt", [_truncate, _scribble, Path.unlink], ids=["truncated", "scribbled", "deleted"])
def test_damage_is_an_error_of_its_own_and_a_rebuild_mends_it(
    tmp_path: Path, engine: WhooshEngine, pattern: str, hurt: Callable[[Path], None]
) -> None:
    engine.replace([document(number, f"router {number}", "words " * 50) for number in range(300)])
    hurt_files = list(home(tmp_path).glob(pattern))
    assert hurt_files
    for path in hurt_files:
        hurt(path)
    reader = WhooshEngine(tmp_path / "index", ENCODER)
    with pytest.raises(SearchUnavailable):
        found(reader, "router", "words", "7")
    assert engine.condition() is Condition.DAMAGED
    engine.replace([document(1, "router")])
    assert engine.condition() is Condition.READY
    assert found(reader, "router") == [1]


def test_damage_under_an_open_reader_never_ends_the_process(tmp_path: Path, engine: WhooshEngine) -> None:
    engine.replace([document(number, f"router {number}", "words " * 50) for number in range(300)])
    assert found(engine, "router")
    for path in home(tmp_path).glob("*.arrays.col"):
        os.truncate(path, 10)
    with pytest.raises(SearchUnavailable):
        found(engine, "words", "123")
    assert engine.condition() is Condition.DAMAGED


def test_an_index_of_another_version_must_be_rebuilt(tmp_path: Path, engine: WhooshEngine) -> None:
    engine.apply([document(1, "router")], [])
    home(tmp_path).rename(tmp_path / "index" / "0-other-vectors.1")
    reader = WhooshEngine(tmp_path / "index", ENCODER)
    assert reader.condition() is Condition.OUTDATED
    with pytest.raises(SearchUnavailable):
        found(reader, "router")
    reader.replace([document(2, "router")])
    assert found(reader, "router") == [2]
    assert found(engine, "router") == [2]


def test_leftovers_of_a_killed_writer_do_no_harm(tmp_path: Path, engine: WhooshEngine) -> None:
    engine.apply([document(1, "router")], [])
    (home(tmp_path) / "MAIN.tmp").mkdir()
    (home(tmp_path) / "MAIN.tmp" / "half.run").write_bytes(b"half")
    (home(tmp_path) / "MAIN_abcdefgh.arrays.col").write_bytes(b"half")
    (tmp_path / "index" / "new").mkdir()
    (tmp_path / "index" / "new" / "_MAIN_0.toc").write_bytes(b"half")
    engine.apply([document(2, "router")], [])
    assert sorted(found(engine, "router")) == [1, 2]
    assert not (home(tmp_path) / "MAIN_abcdefgh.arrays.col").exists()
