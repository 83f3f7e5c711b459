"""What is found although it was asked for in other words: mistyped, in parts, by meaning, as it was asked before."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask

from core.db import db
from search import query, registry, synonyms
from search.models import Synonym
from tests.search.conftest import LONG_AGO, Shelf

Index = Callable[[], None]
ADA = SimpleNamespace(is_team=True, is_authenticated=True)
MEMBER = SimpleNamespace(is_team=False, is_authenticated=True)


def refs(results: query.Results) -> list[tuple[str, int]]:
    return [(hit.found.ref.kind, hit.found.ref.id) for hit in results.hits]


@pytest.fixture
def library(shelves: dict[str, Shelf], indexed: Index) -> dict[str, Shelf]:
    """Articles in two languages."""
    articles = shelves["article"]
    articles.put(1, "Rechnungsadresse ändern", "Unter Konto steht die Anschrift.", locale="de", category="konto")
    articles.put(2, "Passwort vergessen", "So setzen Sie es zurück.", locale="de", category="konto")
    articles.put(3, "Cancel an order", "Open your orders and choose what should not be sent.", category="orders")
    articles.put(
        4, "Wireless drops at night", "Restart the router, then update it.", category="devices", tags=("wlan",)
    )
    articles.put(5, "Printer stays offline", "Switch it off and on again.", category="devices")
    indexed()
    return shelves


def test_a_mistyped_word_finds_what_was_meant_and_says_so(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        results = query.find("wirless drops", viewer=None, locale="en")
        assert refs(results)[0] == ("article", 4)
        assert results.did_you_mean == "wireless drops"
        assert refs(query.find("Rechnungsdaresse", viewer=None, locale="de"))[0] == ("article", 1)
        assert query.find("wireless drops", viewer=None, locale="en").did_you_mean is None


def test_a_word_of_the_language_is_not_corrected(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        assert query.find("winter drops", viewer=None, locale="en").did_you_mean is None
        assert query.find("Passform", viewer=None, locale="de").did_you_mean is None


def test_the_correction_is_never_a_word_that_only_the_team_may_read(
    app: Flask, library: dict[str, Shelf], indexed: Index
) -> None:
    library["article"].put(9, "Quarzfeldspat", "Quarzfeldspat kommt im März.", locale="de", audience="team")
    library["article"].put(10, "Zweites Quarzfeldspat", "", locale="de")
    indexed()
    library["article"].hidden.add(10)
    indexed()
    with app.test_request_context():
        assert query.find("Quarzfeldspta", viewer=None, locale="de").did_you_mean is None
        assert query.find("Quarzfeldspat", viewer=None, locale="de").total == 0
        assert refs(query.find("Quarzfeldspat", viewer=ADA, locale="de")) == [("article", 9)]


def test_a_german_compound_and_its_parts_find_each_other(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        assert refs(query.find("Adresse", viewer=None, locale="de")) == [("article", 1)]
        assert ("article", 2) in refs(query.find("Passwortregeln", viewer=None, locale="de"))


def test_where_nothing_has_the_words_what_means_the_same_is_near(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        results = query.find("wifi modem rebooting", viewer=None, locale="en")
        assert results.hits == []
        assert results.total == 0
        assert [hit.found.ref.id for hit in results.near] == [4]
        assert query.find("elephants", viewer=None, locale="en").near == [], "far is not near"


def test_the_closest_answers_are_never_none(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        for text in ("I do not want these shoes any more, stop it", "???", "qqq", "Ärgerlich!"):
            assert query.closest(text, viewer=None, limit=3), text
        (first, *_) = query.closest("please do not ship what I bought, I changed my mind", viewer=None, locale="en")
    assert first.found.ref.id == 3
    assert first.is_likely or first.score > 0


def test_a_message_that_was_answered_teaches(app: Flask, library: dict[str, Shelf], indexed: Index) -> None:
    message = "my telly shows a blue triangle"
    with app.test_request_context():
        before = [hit.found.ref.id for hit in query.closest(message, viewer=None, locale="en")]
    for number, title in ((3, "Cancel an order"), (4, "Wireless drops at night"), (5, "Printer stays offline")):
        library["article"].put(number, title, "As told.", asked=(f"what about number {number}",))
    asked = ("a blue triangle on my telly", "telly is blue")
    library["article"].put(5, "Printer stays offline", "As told.", asked=asked)
    indexed()
    with app.test_request_context():
        after = [hit.found.ref.id for hit in query.closest(message, viewer=None, locale="en")]
    assert before[0] != 5
    assert after[0] == 5


def test_private_messages_teach_the_team_alone(app: Flask, library: dict[str, Shelf], indexed: Index) -> None:
    with app.test_request_context():
        before = [(hit.found.ref.id, hit.score) for hit in query.closest("blue triangle telly", viewer=None)]
    library["article"].put(
        5,
        "Printer stays offline",
        "Switch it off and on again.",
        category="devices",
        asked_inside=("a blue triangle on my telly", "telly is blue"),
    )
    indexed()
    with app.test_request_context():
        for_guests = [(hit.found.ref.id, hit.score) for hit in query.closest("blue triangle telly", viewer=None)]
        for_agents = query.closest("blue triangle telly", viewer=None, inside=True)
        assert query.find("telly", viewer=None).total == 0
        assert query.find("telly", viewer=ADA).total == 1
    assert for_guests == before
    assert for_agents[0].found.ref.id == 5


def test_synonyms_of_the_team_are_asked_for_too(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        assert query.find("telegraph", viewer=None, locale="en").total == 0
        db.session.add(Synonym(locale="en", words=["telegraph", "wireless"], is_one_way=False))
        synonyms.changed()
        assert refs(query.find("telegraph", viewer=None, locale="en")) == [("article", 4)]
        assert refs(query.find("telegraph drops", viewer=None, locale="en"))[0] == ("article", 4)
        db.session.rollback()


def test_filters_narrow_and_are_counted(app: Flask, library: dict[str, Shelf], indexed: Index) -> None:
    library["topic"].put(1, "Router and printer", "Wireless.", solved=True, tags=("wlan",), author="anna")
    library["topic"].put(2, "Router", "Wireless too.", created_at=LONG_AGO + timedelta(days=30))
    indexed()
    with app.test_request_context():
        results = query.find("router wireless", viewer=None, locale="en", counted=True)
        assert results.total == 3
        assert dict(results.facets["kind"]) == {"topic": 2, "article": 1}
        assert dict(results.facets["solved"]) == {"solved": 1, "unsolved": 2}
        assert dict(results.facets["tag"]) == {"wlan": 2}
        assert dict(results.facets["category"]) == {"devices": 1}
        assert refs(query.find("router", viewer=None, solved=True)) == [("topic", 1)]
        assert refs(query.find("router", viewer=None, tag="WLAN", kinds=["article"])) == [("article", 4)]
        assert refs(query.find("router", viewer=None, author="Anna")) == [("topic", 1)]
        assert refs(query.find("router", viewer=None, since=LONG_AGO + timedelta(days=1))) == [("topic", 2)]
        assert refs(query.find("router", viewer=None, category="devices")) == [("article", 4)]


def test_counts_leave_out_what_was_hidden_a_moment_ago(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        library["article"].hidden.add(4)
        results = query.find("router printer", viewer=None, counted=True)
    assert results.total == 1
    assert results.facets["tag"] == ()


def test_each_circle_finds_what_is_for_it(app: Flask, library: dict[str, Shelf], indexed: Index) -> None:
    library["article"].put(7, "Zebra for members", audience="members")
    library["article"].put(8, "Zebra for the team", audience="team")
    indexed()
    with app.test_request_context():
        assert query.find("zebra", viewer=None).total == 0
        assert refs(query.find("zebra", viewer=MEMBER)) == [("article", 7)]
        assert sorted(refs(query.find("zebra", viewer=ADA))) == [("article", 7), ("article", 8)]


def test_an_explanation_adds_up(app: Flask, library: dict[str, Shelf]) -> None:
    with app.test_request_context():
        explanation = query.explain("wireless router", viewer=ADA, locale="en")
    assert [word[0] for word in explanation.words] == ["wireless", "router"]
    row = explanation.rows[0]
    *parts, (_, weight) = row.parts
    assert len(parts) == 5
    assert row.score == pytest.approx(sum(part for _, part in parts) * weight, rel=1e-5)


def test_without_an_index_the_rooms_are_asked_themselves(
    app: Flask, library: dict[str, Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plain(Shelf):
        def plainly(self, words: list[str], _viewer: object, limit: int) -> list[int]:
            has_all = [number for number, thing in self.things.items() if all(word in thing.body for word in words)]
            return has_all[:limit]

    plain = Plain("article")
    plain.put(1, "Router", "a green light")
    app.extensions[registry.EXTENSION].sources["article"] = plain
    with app.test_request_context():
        from search.engines import SearchUnavailable
        from search.engines.whoosh import WhooshEngine

        def unreadable(*_args: object, **_more: object) -> None:
            raise SearchUnavailable

        monkeypatch.setattr(WhooshEngine, "find", unreadable)
        results = query.find("green light", viewer=None)
    assert results.degraded
    assert refs(results) == [("article", 1)]
