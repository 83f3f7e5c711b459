"""What every engine does. Each test runs over the embedded one and, with PostgreSQL, over the one in the database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from search.analysis import hashes
from search.documents import Audience, Document, Ref
from search.engines import Condition, Engine, EngineQuery, Variant, Word
from tests.search.asking import found, phrase, question, word
from tests.search.conftest import ENCODER, LONG_AGO, document


@pytest.fixture
def engine(either: Engine) -> Engine:
    return either


def often(engine: Engine, *words: str) -> list[int]:
    """Return how often words stand in what everybody may find."""
    return engine.counts(hashes.of_all(f"en:{each}" for each in words)).tolist()


def test_an_absent_index_is_empty(engine: Engine) -> None:
    assert engine.condition() is Condition.ABSENT
    assert engine.generation() == -1
    assert found(engine, "router") == []
    assert engine.refs() == set()


def test_what_was_indexed_is_found_by_other_forms(engine: Engine) -> None:
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


def test_a_change_replaces_and_a_deletion_removes(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(2, "router")], [])
    engine.apply([document(1, "printer")], [Ref("topic", 2), Ref("topic", 99)])
    assert found(engine, "router") == []
    assert found(engine, "printer") == [1]
    assert engine.refs() == {Ref("topic", 1)}


def test_a_document_given_twice_is_there_once(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(1, "printer")], [Ref("topic", 1)])
    assert found(engine, "printer") == [1]
    assert found(engine, "router") == []


def test_kinds_with_the_same_id_do_not_meet(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(1, "router", kind="article")], [])
    engine.apply([], [Ref("topic", 1)])
    assert engine.refs() == {Ref("article", 1)}


def test_every_commit_raises_the_generation(engine: Engine) -> None:
    generations = [engine.generation()]
    for number in range(3):
        engine.apply([document(number, "router")], [])
        generations.append(engine.generation())
    assert generations == sorted(set(generations))


def test_many_commits_lose_nothing(engine: Engine) -> None:
    for number in range(40):
        engine.apply([document(number % 25, f"router {number}")], [Ref("topic", 100)])
    assert engine.refs() == {Ref("topic", number) for number in range(25)}
    assert sorted(found(engine, "router")) == list(range(25))
    assert found(engine, "39") == [14]


def test_the_title_counts_more_than_the_text(engine: Engine) -> None:
    engine.apply(
        [
            document(1, "Something", "the router"),
            document(2, "The router", "something"),
            document(3, "Else", "nothing"),
        ],
        [],
    )
    assert found(engine, "router") == [2, 1]


def test_keywords_are_found_and_count_more_than_the_text(engine: Engine) -> None:
    engine.apply([document(1, "One", "wlan wifi"), document(2, "Two", "", keywords="wifi"), document(3, "Three")], [])
    assert found(engine, "wifi") == [2, 1]


def test_a_document_with_all_the_words_comes_first(engine: Engine) -> None:
    engine.apply([document(1, "Router Router Router"), document(2, "Passwort"), document(3, "Router und Passwort")], [])
    assert found(engine, "router", "passwort")[0] == 3


def test_a_heavier_document_comes_first(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(2, "router", weight=1.5), document(3, "router", weight=0.5)], [])
    assert found(engine, "router") == [2, 1, 3]


def test_the_other_language_is_found_too(engine: Engine) -> None:
    engine.apply([document(1, "Router", locale="de"), document(2, "Router")], [])
    query = EngineQuery(words=(Word("router", (Variant("de", "rout", 1.0), Variant("en", "router", 0.8))),))
    assert [hit.ref.id for hit in engine.find(query, 10).hits] == [1, 2]


def test_a_hit_says_which_words_it_has(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(2, "reset the router")], [])
    query = EngineQuery(words=(word("reset"), word("router"), word("nowhere")))
    assert {hit.ref.id: set(hit.matched) for hit in engine.find(query, 10).hits} == {
        1: {"router"},
        2: {"reset", "router"},
    }


def test_a_stop_word_alone_finds_nothing(engine: Engine) -> None:
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
def test_filters_narrow(engine: Engine, filters: dict[str, object], ids: list[int]) -> None:
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


def test_a_phrase_stands_in_one_field(engine: Engine) -> None:
    engine.apply([document(1, "password", "reset"), document(2, "none", "a password and a reset")], [])
    assert found(engine, phrases=(phrase("password reset"),)) == []


def test_without_words_the_newest_come_first(engine: Engine) -> None:
    engine.apply([document(n, "x", tags=("a",), created_at=LONG_AGO + timedelta(days=n % 5)) for n in range(5)], [])
    assert found(engine, tags=("a",)) == [4, 3, 2, 1, 0]


def test_the_rarest_words_are_looked_up(engine: Engine) -> None:
    engine.apply([document(n, "common") for n in range(9)] + [document(9, "rare"), document(10, "other")], [])
    assert found(engine, "common", "rare", most_words=1) == [9]


def test_replacing_leaves_exactly_the_new_documents(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(2, "router")], [])
    assert engine.replace(document(n, "printer") for n in (2, 3)) == 2
    assert engine.refs() == {Ref("topic", 2), Ref("topic", 3)}
    assert found(engine, "router") == []


def test_a_replacement_that_fails_leaves_the_old_documents(engine: Engine) -> None:
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


def test_a_first_build_that_fails_leaves_no_index(engine: Engine) -> None:
    def broken() -> Iterator[Document]:
        yield document(2, "printer")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        engine.replace(broken())
    assert engine.condition() is Condition.ABSENT
    assert engine.replace([]) == 0
    assert engine.condition() is Condition.READY


def test_wiping_leaves_nothing(engine: Engine) -> None:
    engine.apply([document(1, "router")], [])
    engine.wipe()
    assert engine.condition() is Condition.ABSENT
    assert found(engine, "router") == []
    engine.apply([document(2, "router")], [])
    assert found(engine, "router") == [2]


def test_documents_since_a_day_are_found(engine: Engine) -> None:
    engine.apply([document(n, "router", created_at=LONG_AGO + timedelta(days=n)) for n in range(4)], [])
    assert sorted(found(engine, "router", since=LONG_AGO + timedelta(days=2))) == [2, 3]


def test_what_only_asks_is_left_out_where_answers_are_wanted(engine: Engine) -> None:
    engine.apply([document(1, "router", answers=False), document(2, "router")], [])
    assert found(engine, "router", only_answers=True) == [2]


@pytest.mark.parametrize(("audience", "ids"), [("everyone", [1]), ("members", [1, 2]), ("team", [1, 2, 3])])
def test_each_circle_finds_what_is_for_it(engine: Engine, audience: Audience, ids: list[int]) -> None:
    circles: tuple[Audience, ...] = ("everyone", "members", "team")
    engine.apply([document(n, "router", audience=circle) for n, circle in enumerate(circles, 1)], [])
    assert sorted(found(engine, "router", audience=audience)) == ids
    assert sorted(found(engine, audience=audience)) == ids


def test_documents_may_be_left_out_by_name(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(2, "router"), document(2, "router", kind="article")], [])
    query = EngineQuery(words=(word("router"),), without=frozenset({Ref("topic", 2), Ref("topic", 99)}))
    assert {hit.ref for hit in engine.find(query, 10).hits} == {Ref("topic", 1), Ref("article", 2)}


def test_private_messages_find_for_the_team_alone(engine: Engine) -> None:
    engine.apply(
        [document(1, "Router", "text", asked_inside=("my internet is broken",)), document(2, "Printer", "broken")], []
    )
    assert found(engine, "internet") == []
    assert found(engine, "internet", inside=True, audience="team") == [1]
    assert found(engine, phrases=(phrase("internet is"),)) == []
    assert found(engine, phrases=(phrase("internet is"),), inside=True, audience="team") == [1]
    assert found(engine, excluded=(word("internet"),)) == [2, 1] or found(engine, excluded=(word("internet"),)) == [
        1,
        2,
    ]
    assert found(engine, excluded=(word("internet"),), inside=True, audience="team") == [2]


def test_public_messages_find_for_everybody(engine: Engine) -> None:
    engine.apply([document(1, "Router", "text", asked=("my internet is broken",)), document(2, "Printer")], [])
    assert found(engine, "internet") == [1]


def test_words_are_counted_in_what_everybody_may_find(engine: Engine) -> None:
    engine.apply(
        [
            document(1, "router", "router modem", asked=("the modem",)),
            document(2, "modem", audience="team"),
            document(3, "cable", asked_inside=("modem secret",)),
        ],
        [],
    )
    assert often(engine, "router", "modem", "cable", "secret", "printer") == [2, 2, 1, 0, 0]


def test_what_is_changed_or_gone_is_counted_no_more(engine: Engine) -> None:
    engine.apply([document(1, "router"), document(2, "router"), document(3, "router cable")], [])
    engine.apply([document(1, "printer")], [Ref("topic", 2)])
    assert often(engine, "router", "printer", "cable") == [1, 1, 1]
    engine.apply([document(3, "router cable", audience="team")], [])
    assert often(engine, "router", "printer", "cable") == [0, 1, 0]


def test_a_rare_word_tells_more(engine: Engine) -> None:
    engine.apply([document(n, "common rare" if n == 0 else "common") for n in range(9)], [])
    assert engine.rarity(word("rare")) > engine.rarity(word("common")) > 0
    assert engine.rarity(word("nowhere")) == 0


def test_what_is_private_makes_no_word_more_common(engine: Engine) -> None:
    engine.apply([document(n, "router cable") for n in range(4)], [])
    before = engine.rarity(word("router"))
    hits = engine.find(EngineQuery(words=(word("router"),)), 10).hits
    engine.apply([document(n, "router", audience="team") for n in range(10, 30)], [])
    engine.apply([document(40, "else", audience="team", asked_inside=("router",) * 9)], [])
    assert engine.rarity(word("router")) == before
    assert engine.find(EngineQuery(words=(word("router"),)), 10).hits == hits


def test_hits_are_counted_by_what_they_are(engine: Engine) -> None:
    engine.apply(
        [
            document(1, "router", tags=("wlan", "slow"), category="home", solved=True),
            document(2, "Router", locale="de", tags=("wlan",), category="home"),
            document(3, "router", kind="article"),
            document(4, "router", audience="team", tags=("secret",)),
            document(5, "printer", tags=("paper",)),
        ],
        [],
    )
    findings = engine.find(EngineQuery(words=(word("router"),)), 1, counted=True)
    assert len(findings.hits) == 1
    assert findings.total == 3
    assert findings.facets == {
        "kind": (("topic", 2), ("article", 1)),
        "locale": (("en", 2), ("de", 1)),
        "category": (("home", 2),),
        "solved": (("unsolved", 2), ("solved", 1)),
        "tag": (("wlan", 2), ("slow", 1)),
    }
    assert engine.find(EngineQuery(words=(word("router"),)), 1).total == 3
    assert engine.find(EngineQuery(tags=("wlan",)), 1, counted=True).total == 2


def test_what_means_the_same_is_found_without_a_common_word_where_that_is_wanted(engine: Engine) -> None:
    engine.apply(
        [
            document(1, "My credit card was stolen", "The bank must block it."),
            document(2, "Growing tomatoes", "They need sun and water in the garden."),
        ],
        [],
    )
    asked = EngineQuery(
        words=(word("purse"),),
        question=question("somebody took my visa and purse", ENCODER),
        strength=ENCODER.strength,
        audience="everyone",
    )
    assert engine.find(asked, 5).hits == []
    assert engine.find(replace(asked, is_open=True), 5).hits[0].ref == Ref("topic", 1)


def test_nothing_that_is_hidden_from_somebody_is_close_either(engine: Engine) -> None:
    engine.apply([document(1, "My credit card was stolen", audience="team"), document(2, "Tomatoes")], [])
    asked = EngineQuery(question=question("my visa card was taken", ENCODER), strength=ENCODER.strength, is_open=True)
    assert [hit.ref.id for hit in engine.find(asked, 5).hits] == [2]


def test_a_hit_says_what_each_signal_gave(engine: Engine) -> None:
    engine.apply([document(1, "reset the router password", weight=1.5), document(2, "password", "the garden")], [])
    asked = EngineQuery(
        words=(word("reset"), word("password")),
        question=question("reset router password", ENCODER),
        strength=ENCODER.strength,
    )
    best, other = engine.find(asked, 5).hits
    assert best.ref == Ref("topic", 1)
    assert best.weight == 1.5
    assert best.score == pytest.approx(1.5 * sum(best.signals), rel=1e-4)
    assert all(one > two for one, two in zip(best.signals, other.signals, strict=True))


def test_a_very_long_text_is_found_by_all_of_its_words(engine: Engine) -> None:
    engine.apply(
        [document(1, "Long", " ".join(f"word{n}" for n in range(15_000)) + " needle here"), document(2, "x")], []
    )
    assert found(engine, "needle") == [1]
    assert found(engine, "word14000") == [1]


def test_odd_texts_are_indexed_and_found_again(engine: Engine) -> None:
    engine.apply(
        [document(1, "it's 'quoted' \\ a!b", "C:\\temp | & <-> \x00 \ud800"), document(2, "日本語 العربية", "ﷺ ½ ﬁ")],
        [],
    )
    assert found(engine, "quoted") == [1]
    assert found(engine, "日本語") == [2]
    assert sorted(found(engine, "temp", "العربية")) == [1, 2]
