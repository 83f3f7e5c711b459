import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from search.analysis import tokens
from search.documents import Document, Ref
from search.engines import Condition, EngineQuery, Phrase, SearchUnavailable, Variant, Word
from search.engines.whoosh import WhooshEngine
from tests.search.conftest import ENCODER, LONG_AGO, document, home


def word(text: str, *locales: str) -> Word:
    return Word(text, tuple(Variant(locale, tokens.term(text, locale)) for locale in locales or ("de", "en")))


def found(engine: WhooshEngine, *texts: str, **filters: object) -> list[int]:
    query = EngineQuery(words=tuple(word(text) for text in texts), **filters)  # type: ignore[arg-type]
    return [hit.ref.id for hit in engine.find(query, 100).hits]


def phrase(text: str, locale: str = "en") -> tuple[Phrase, ...]:
    parts = text.split()
    return (Phrase(locale, tuple((tokens.term(part, locale), number) for number, part in enumerate(parts))),)


def test_an_absent_index_is_empty(engine: WhooshEngine) -> None:
    assert engine.condition() is Condition.ABSENT
    assert engine.generation() == -1
    assert found(engine, "router") == []
    assert engine.refs() == set()


def test_what_was_indexed_is_found_by_other_forms(engine: WhooshEngine) -> None:
    engine.apply(
        [
            document(1, "Rechnungsadresse ändern", locale="de"),
            document(2, "My router is slow"),
            document(3, "Unrelated"),
        ],
        [],
    )
    assert found(engine, "Rechnungsadressen") == [1]
    assert found(engine, "routers") == [2]
    assert found(engine, "printer") == []


def test_a_change_replaces_and_a_deletion_removes(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router"), document(2, "router")], [])
    engine.apply([document(1, "printer")], [Ref("topic", 2), Ref("topic", 99)])
    assert found(engine, "router") == []
    assert found(engine, "printer") == [1]
    assert engine.refs() == {Ref("topic", 1)}


def test_a_document_given_twice_is_there_once(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router"), document(1, "printer")], [Ref("topic", 1)])
    assert found(engine, "printer") == [1]
    assert found(engine, "router") == []


def test_kinds_with_the_same_id_do_not_meet(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router"), document(1, "router", kind="article")], [])
    engine.apply([], [Ref("topic", 1)])
    assert engine.refs() == {Ref("article", 1)}


def test_every_commit_raises_the_generation(engine: WhooshEngine) -> None:
    generations = [engine.generation()]
    for number in range(3):
        engine.apply([document(number, "router")], [])
        generations.append(engine.generation())
    assert generations == sorted(set(generations))


def test_many_commits_lose_nothing(engine: WhooshEngine) -> None:
    for number in range(40):
        engine.apply([document(number % 25, f"router {number}")], [Ref("topic", 100)])
    assert engine.refs() == {Ref("topic", number) for number in range(25)}
    assert sorted(found(engine, "router")) == list(range(25))
    assert found(engine, "39") == [14]


def test_the_title_counts_more_than_the_text(engine: WhooshEngine) -> None:
    engine.apply(
        [
            document(1, "Something", "the router"),
            document(2, "The router", "something"),
            document(3, "Else", "nothing"),
        ],
        [],
    )
    assert found(engine, "router") == [2, 1]


def test_keywords_are_found_and_count_more_than_the_text(engine: WhooshEngine) -> None:
    engine.apply([document(1, "One", "wlan wifi"), document(2, "Two", "", keywords="wifi"), document(3, "Three")], [])
    assert found(engine, "wifi") == [2, 1]


def test_a_document_with_all_the_words_comes_first(engine: WhooshEngine) -> None:
    engine.apply([document(1, "Router Router Router"), document(2, "Passwort"), document(3, "Router und Passwort")], [])
    assert found(engine, "router", "passwort")[0] == 3


def test_a_heavier_document_comes_first(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router"), document(2, "router", weight=1.5), document(3, "router", weight=0.5)], [])
    assert found(engine, "router") == [2, 1, 3]


def test_the_other_language_is_found_too(engine: WhooshEngine) -> None:
    engine.apply([document(1, "Router", locale="de"), document(2, "Router")], [])
    query = EngineQuery(words=(Word("router", (Variant("de", "rout", 1.0), Variant("en", "router", 0.8))),))
    assert [hit.ref.id for hit in engine.find(query, 10).hits] == [1, 2]


def test_a_hit_says_which_words_it_has(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router"), document(2, "reset the router")], [])
    query = EngineQuery(words=(word("reset"), word("router"), word("nowhere")))
    matched = {hit.ref.id: set(hit.matched) for hit in engine.find(query, 10).hits}
    assert matched == {1: {"router"}, 2: {"reset", "router"}}


def test_a_stop_word_alone_finds_nothing(engine: WhooshEngine) -> None:
    engine.apply([document(1, "the printer"), document(2, "the router"), document(3, "a modem")], [])
    stop = Word("the", (Variant("en", "the"),), 0.3, is_telling=False)
    hits = engine.find(EngineQuery(words=(word("router"), stop)), 10).hits
    assert [(hit.ref.id, set(hit.matched)) for hit in hits] == [(2, {"router", "the"})]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"kinds": frozenset({"article"})}, [3]),
        ({"kinds": frozenset({"article", "topic"})}, [1, 2, 3]),
        ({"kinds": frozenset()}, []),
        ({"kinds": frozenset({"nothing"})}, []),
        ({"locale": "de"}, [2]),
        ({"tags": ("WLAN",)}, [1, 2]),
        ({"tags": ("wlan", "slow")}, [1]),
        ({"author": "Anna"}, [1]),
        ({"category": "router"}, [2]),
        ({"solved": True}, [2]),
        ({"solved": False}, [1, 3]),
        ({"excluded": (word("password"),)}, [2, 3]),
        ({"phrases": (phrase("reset password"),)}, []),
        ({"phrases": (phrase("password reset"),)}, [1]),
        ({"phrases": (phrase("the password"), phrase("reset now"))}, [1]),
    ],
)
def test_filters_narrow(engine: WhooshEngine, filters: dict[str, object], ids: list[int]) -> None:
    engine.apply(
        [
            document(1, "router", "the password reset now", tags=("wlan", "slow"), author="anna"),
            document(2, "Router", "das Kennwort", locale="de", tags=("wlan",), category="router", solved=True),
            document(3, "router", kind="article"),
        ],
        [],
    )
    assert sorted(found(engine, "router", **filters)) == ids
    assert sorted(found(engine, **filters)) == ids


def test_a_phrase_stands_in_one_field(engine: WhooshEngine) -> None:
    engine.apply([document(1, "password", "reset"), document(2, "none", "a password and a reset")], [])
    assert found(engine, phrases=(phrase("password reset"),)) == []


def test_without_words_the_newest_come_first(engine: WhooshEngine) -> None:
    engine.apply([document(n, "x", tags=("a",), created_at=LONG_AGO + timedelta(days=n % 5)) for n in range(5)], [])
    assert found(engine, tags=("a",)) == [4, 3, 2, 1, 0]


def test_the_rarest_words_are_looked_up(engine: WhooshEngine) -> None:
    engine.apply([document(n, "common") for n in range(9)] + [document(9, "rare"), document(10, "other")], [])
    assert found(engine, "common", "rare", most_words=1) == [9]


def test_replacing_leaves_exactly_the_new_documents(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router"), document(2, "router")], [])
    assert engine.replace(document(n, "printer") for n in (2, 3)) == 2
    assert engine.refs() == {Ref("topic", 2), Ref("topic", 3)}
    assert found(engine, "router") == []


def test_a_replacement_that_fails_leaves_the_old_documents(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router")], [])

    def broken() -> Iterator[Document]:
        yield document(2, "printer")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine.replace(broken())
    assert engine.condition() is Condition.READY
    assert engine.refs() == {Ref("topic", 1)}
    engine.apply([document(3, "modem")], [])
    assert engine.refs() == {Ref("topic", 1), Ref("topic", 3)}


def test_a_first_build_that_fails_leaves_no_index(engine: WhooshEngine) -> None:
    def broken() -> Iterator[Document]:
        yield document(2, "printer")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine.replace(broken())
    assert engine.condition() is Condition.ABSENT
    assert engine.replace([]) == 0
    assert engine.condition() is Condition.READY


def test_wiping_leaves_nothing(engine: WhooshEngine) -> None:
    engine.apply([document(1, "router")], [])
    engine.wipe()
    assert engine.condition() is Condition.ABSENT
    assert found(engine, "router") == []
    engine.apply([document(2, "router")], [])
    assert found(engine, "router") == [2]


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
