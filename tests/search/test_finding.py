"""What people see: the database decides, and nobody learns of what is hidden."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from search import query, registry
from search.engines import SearchUnavailable
from search.engines.whoosh import WhooshEngine
from tests.search.conftest import LONG_AGO, QuickShelf, Shelf
from tests.search.samples import inputs

Index = Callable[[], None]


@pytest.fixture
def stocked(shelves: dict[str, Shelf], indexed: Index) -> dict[str, Shelf]:
    """A few things in two languages."""
    topics, articles = shelves["topic"], shelves["article"]
    topics.put(
        1,
        "Router offline",
        "The router lost its connection after the update.",
        tags=("wlan",),
        author="anna",
        solved=True,
    )
    topics.put(2, "Router startet neu", "Nach dem Update startet der Router ständig neu.", locale="de", tags=("wlan",))
    topics.put(
        3, "Rechnungsadresse ändern", "Wo kann ich das ändern?", locale="de", created_at=LONG_AGO + timedelta(days=1)
    )
    articles.put(1, "Set up a router", "Plug it in. Wait for the green light.")
    indexed()
    return shelves


def refs(results: query.Results) -> list[tuple[str, int]]:
    return [(hit.found.ref.kind, hit.found.ref.id) for hit in results.hits]


def test_both_languages_are_found_and_ones_own_comes_first(app: Flask, stocked: dict[str, Shelf]) -> None:
    with app.app_context():
        english = refs(query.find("Router", viewer=None, locale="en"))
        assert english[-1] == ("topic", 2)
        assert refs(query.find("routers", viewer=None, locale="en")) == english
        assert refs(query.find("Router", viewer=None, locale="de"))[0] == ("topic", 2)
        assert refs(query.find("Rechnungsadressen", viewer=None, locale="en")) == [("topic", 3)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("router tag:wlan", {("topic", 1), ("topic", 2)}),
        ("router is:solved", {("topic", 1)}),
        ("router is:unsolved", {("topic", 2), ("article", 1)}),
        ("router in:kb", {("article", 1)}),
        ("router in:forum", {("topic", 1), ("topic", 2)}),
        ("router lang:de", {("topic", 2)}),
        ("router author:anna", {("topic", 1)}),
        ("router -update", {("article", 1)}),
        ('router "lost its connection"', {("topic", 1)}),
        ('"lost connection"', set()),
        ("tag:wlan", {("topic", 1), ("topic", 2)}),
        ("author:anna", {("topic", 1)}),
        ("nowhere", set()),
        ("the", {("topic", 1), ("article", 1)}),
        ("the nowhere", set()),
        ("", set()),
    ],
)
def test_the_grammar_narrows(app: Flask, stocked: dict[str, Shelf], text: str, expected: set[tuple[str, int]]) -> None:
    with app.app_context():
        results = query.find(text, viewer=None, locale="en")
    assert set(refs(results)) == expected
    assert results.total == len(expected)


def test_kinds_and_language_narrow_besides_the_grammar(app: Flask, stocked: dict[str, Shelf]) -> None:
    with app.app_context():
        assert refs(query.find("router", viewer=None, kinds=["article"])) == [("article", 1)]
        assert refs(query.find("router in:forum", viewer=None, kinds=["article"])) == []
        assert refs(query.find("router", viewer=None, only_locale="de")) == [("topic", 2)]


def test_a_hit_shows_and_says_why(app: Flask, stocked: dict[str, Shelf]) -> None:
    with app.test_request_context():
        (hit,) = query.find("routers connection", viewer=None, kinds=["topic"], only_locale="en").hits
    assert hit.excerpt == "The <mark>router</mark> lost its <mark>connection</mark> after the update."
    assert hit.why == ("In the title: routers", "In the text: connection", "Has all the words", "Solved")


def test_pages_do_not_overlap(app: Flask, shelves: dict[str, Shelf], indexed: Index) -> None:
    for number in range(25):
        shelves["topic"].put(number, "router")
    indexed()
    with app.app_context():
        pages = [query.find("router", viewer=None, limit=10, page=page) for page in (1, 2, 3, 4)]
    assert [len(page.hits) for page in pages] == [10, 10, 5, 0]
    assert {page.total for page in pages} == {25}
    assert len({ref for page in pages for ref in refs(page)}) == 25


def test_what_is_hidden_changes_nothing_at_once_and_for_nobody_but_the_team(
    app: Flask, stocked: dict[str, Shelf]
) -> None:
    with app.test_request_context():
        stocked["topic"].hidden.add(1)  # the index has not heard of it yet
        guest = query.find("router", viewer=None)
        assert ("topic", 1) not in refs(guest)
        assert guest.total == 2
        assert ("topic", 1) in refs(query.find("router", viewer="team"))
        assert all(hit.found.ref.id != 1 for hit in query.similar("router offline", viewer=None, kinds=["topic"]))
        stocked["topic"].hidden.clear()
        del stocked["topic"].things[1]
        assert query.find("router", viewer="team").total == 2


def test_a_hidden_thing_does_not_raise_the_bar_for_similar_ones(
    app: Flask, shelves: dict[str, Shelf], indexed: Index
) -> None:
    shelves["topic"].put(1, "Router forgets the wireless password after update", "router wireless password update")
    shelves["topic"].put(2, "Garden", "some words about flowers, a router among them " * 5)
    shelves["topic"].put(3, "Nothing", "else")
    indexed()
    title = "Router forgets wireless password after update"
    with app.test_request_context():
        assert [hit.found.ref.id for hit in query.similar(title, viewer=None)] == [1]
        shelves["topic"].hidden.add(1)
        assert [hit.found.ref.id for hit in query.similar(title, viewer=None)] == [2]


def test_each_kind_is_asked_once(app: Flask, stocked: dict[str, Shelf]) -> None:
    with app.app_context():
        query.find("router", viewer=None)
    assert [sorted(ids) for ids in stocked["topic"].asked] == [[1, 2]]
    assert stocked["article"].asked == [[1]]


def test_a_quick_source_loads_one_page_only(app: Flask, shelves: dict[str, Shelf], indexed: Index) -> None:
    shelf = QuickShelf("topic")
    app.extensions[registry.EXTENSION].sources["topic"] = shelf
    for number in range(30):
        shelf.put(number, "router")
    indexed()
    shelf.hidden.update(range(5))
    with app.test_request_context():
        results = query.find("router", viewer=None, limit=10)
        assert results.total == 25
        assert len(results.hits) == 10
        assert len(query.similar("router", viewer=None, limit=3)) == 3
    assert [len(ids) for ids in shelf.asked] == [10, 3]
    assert not shelf.hidden.intersection(*shelf.asked)


def test_what_vanishes_between_counting_and_loading_is_left_out(
    app: Flask, shelves: dict[str, Shelf], indexed: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = QuickShelf("topic")
    app.extensions[registry.EXTENSION].sources["topic"] = shelf
    shelf.put(1, "router")
    shelf.put(2, "router")
    indexed()
    monkeypatch.setattr(shelf, "visible_ids", lambda ids, _viewer: ids)
    shelf.hidden.add(1)
    with app.test_request_context():
        assert refs(query.find("router", viewer=None)) == [("topic", 2)]


def test_similar_things_are_found_by_what_is_written(app: Flask, stocked: dict[str, Shelf]) -> None:
    with app.test_request_context():
        assert query.similar("Mein Router startet immer neu", viewer=None)[0].found.ref.id == 2
        assert query.similar("tag:wlan", viewer=None, kinds=["article"]) == []
        assert query.similar("", viewer=None) == []
        assert query.similar("!!!", "???", viewer=None) == []


def test_the_body_helps_where_the_title_says_little(app: Flask, stocked: dict[str, Shelf]) -> None:
    with app.test_request_context():
        hits = query.similar("Help", "I do not see the green light when I plug it in", viewer=None)
    assert hits[0].found.ref.kind == "article"


def test_without_a_usable_index_search_says_so_and_goes_on(
    app: Flask, stocked: dict[str, Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_args: object, **_more: object) -> None:
        raise SearchUnavailable("no")

    monkeypatch.setattr(WhooshEngine, "find", unreadable)
    with app.test_request_context():
        results = query.find("router", viewer=None)
        assert results.degraded
        assert results.hits == []
        assert query.similar("router", viewer=None) == []


def test_no_input_breaks_a_search(app: Flask, stocked: dict[str, Shelf]) -> None:
    with app.test_request_context():
        for text in inputs("search_queries", "naughty"):
            assert not query.find(text, viewer=None, locale="de").degraded
            query.similar(text, text, viewer=None)
