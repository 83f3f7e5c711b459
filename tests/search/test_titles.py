"""What any engine suggests by titles while somebody types, and what it may never tell."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import event

from accounts.people import AnonymousUser
from core.db import db
from search import completing, indexer, registry
from search.analysis import facts, titles
from search.documents import Ref
from search.engines import Engine, TitleQuery
from search.engines.whoosh import WhooshEngine
from tests.cast import World
from tests.conftest import POSTGRES
from tests.kb.shelf import Shelf as Articles
from tests.search.conftest import document


def titled(engine: Engine, beginning: str, *words: str, **more: Any) -> list[int]:
    query = TitleQuery(
        words=tuple(titles.whole(word, ("de", "en")) for word in words),
        beginning=titles.spelling(beginning, "en"),
        last=titles.whole(beginning, ("de", "en")),
        **more,
    )
    return [ref.id for ref in engine.titled(query, 50)]


@pytest.mark.parametrize(
    ("title", "locale", "beginning"),
    [
        ("Rücksendung anmelden", "de", "rück"),
        ("Rücksendung anmelden", "de", "RÜCKS"),
        ("Rücksendung anmelden", "de", "rueck"),
        ("Rücksendung anmelden", "de", "ruck"),
        ("Ruecksendung anmelden", "de", "rück"),
        ("Ru\u0308cksendung anmelden", "de", "rück"),
        ("Die neue Straße", "de", "strass"),
        ("Die neue STRASSE", "de", "straß"),
        ("Ein Café in der Nähe", "de", "cafe"),
        ("WLAN-Router startet neu", "de", "rou"),
        ("WLAN-Router startet neu", "de", "wlanrou"),
        ("Reset the router", "en", "RES"),
        ("Reset the router", "en", "routers"),
        ("Error 10054 after an update", "en", "100"),
        ("The 日本語 keyboard", "en", "日本"),
    ],
)
def test_a_half_word_finds_the_words_that_begin_so(either: Engine, title: str, locale: str, beginning: str) -> None:
    either.replace([document(1, title, locale=locale), document(2, "Something else", "router reset rück")])
    assert titled(either, beginning) == [1]


def test_a_half_word_with_dots_does_not_mean_the_letter_without(either: Engine) -> None:
    either.replace([document(1, "Rucksack", locale="de"), document(2, "Rücksendung", locale="de")])
    assert titled(either, "rück") == [2]
    assert sorted(titled(either, "ruck")) == [1, 2]


def test_only_titles_count_and_earlier_words_in_any_form(either: Engine) -> None:
    either.replace(
        [
            document(1, "Routers restart at night"),
            document(2, "Router offline", "It restarts"),
            document(3, "Restart the printer"),
        ]
    )
    assert titled(either, "rest", "router") == [1]
    assert sorted(titled(either, "rest")) == [1, 3]
    assert titled(either, "xyz") == []


def test_the_language_comes_first_then_the_weight_then_the_newest(either: Engine) -> None:
    either.replace(
        [
            document(1, "Router one", locale="de", weight=1.15),
            document(2, "Router two"),
            document(3, "Router three", weight=1.15),
            document(4, "Router four"),
        ]
    )
    assert titled(either, "rou", preferred="en") == [3, 4, 2, 1]
    assert titled(either, "rou", preferred="de") == [1, 3, 4, 2]


def test_kinds_are_told_apart(either: Engine) -> None:
    either.replace([document(1, "Router"), document(2, "Router", kind="article")])
    assert titled(either, "rou", kinds=frozenset({"article"})) == [2]
    assert titled(either, "rou", kinds=frozenset()) == []


def test_changes_are_known_and_what_is_gone_is_gone(either: Engine) -> None:
    assert titled(either, "rou") == []
    either.apply([document(1, "Router offline"), document(2, "Printer offline")], [])
    either.apply([document(1, "Modem offline")], [Ref("topic", 2)])
    assert titled(either, "rou") == []
    assert titled(either, "pri") == []
    assert titled(either, "mod", "offline") == [1]


def test_merged_segments_keep_their_titles(engine: WhooshEngine) -> None:
    for number in range(20):
        engine.apply([document(number, f"Rücksendung number {number}", locale="de")], [])
    engine.apply([document(3, "Paket", locale="de")], [])
    engine.tidy()
    assert sorted(titled(engine, "rück")) == [number for number in range(20) if number != 3]
    assert titled(engine, "7", "rücksendung") == [7]
    assert titled(engine, "pak") == [3]


PUBLIC = [document(number, f"Router number {number}", "It restarts at night.") for number in range(5)]
PRIVATE = [
    *(document(10 + number, f"Routine merger with Zyxwell {number}", audience="team") for number in range(60)),
    document(90, "Router for members", audience="members"),
    document(91, "Router that is gone", "zyxwell"),
    document(4, "Router number 4", "It restarts at night.", asked_inside=("Zyxwell rouses me",)),
]


def test_what_is_private_changes_nothing_for_a_guest(either: Engine) -> None:
    either.replace(PUBLIC)
    digests = np.array(
        [facts.digest(word, "en") for word in ("router", "zyxwell", "routine", "rouses")], dtype=np.uint64
    )
    before = titled(either, "rou"), either.counts(digests).tolist()
    assert before[1] == [5, 0, 0, 0]
    either.apply(PRIVATE, [])
    either.apply([], [Ref("topic", 91)])
    assert (titled(either, "rou"), either.counts(digests).tolist()) == before
    assert titled(either, "zyx") == []
    assert titled(either, "rous", audience="team") == []
    assert titled(either, "mem", "router", audience="members") == [90]
    assert len(titled(either, "zyx", audience="team")) == 50


@pytest.fixture
def cast(in_database: Flask) -> World:
    world = World()
    world.everybody()
    return world


@pytest.fixture
def sent(in_database: Flask) -> Iterator[list[str]]:
    """What is sent to the database with the index in it."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.skipif(not POSTGRES, reason="needs PostgreSQL")
def test_with_the_index_in_the_database_it_takes_three_statements(
    in_database: Flask, cast: World, sent: list[str]
) -> None:
    cast.ask(title="The router forgets its name")
    Articles(cast).published(title="Give the router a name")
    db.session.commit()
    indexer.rebuild()
    client = in_database.test_client()
    for _ in range(2):
        sent.clear()
        page = client.get("/search/complete?q=router+na", base_url="http://localhost:8080").text
        assert "forgets" in page
        assert "Give the router" in page
        assert len(sent) == 3, "\n\n".join(sent)


def guest_sees(text: str) -> list[str]:
    return [one.title for one in completing.complete(text, viewer=AnonymousUser(), locale="en", limit=50)]


def test_what_is_muted_renamed_or_for_the_team_is_not_suggested(
    world: World, indexed_world: Callable[[], None]
) -> None:
    from forum import moderation

    muted = world.ask(title="Router secret one")
    renamed = world.ask(title="Router secret two")
    world.ask(title="Router in the open")
    Articles(world).published(title="Router for the team", audience="team")
    indexed_world()
    assert sorted(guest_sees("rout")) == ["Router in the open", "Router secret one", "Router secret two"]
    moderation.mute(muted, by=world.ada, reason="Not kind")
    renamed.title = "Something quite different"
    db.session.flush()
    assert guest_sees("rout") == ["Router in the open"], "before the index hears of it"
    assert guest_sees("rout secr") == []
    team = [one.title for one in completing.complete("rout", viewer=world.ada, locale="en", limit=50)]
    assert sorted(team) == ["Router for the team", "Router in the open", "Router secret one"]
    indexed_world()
    assert guest_sees("rout") == ["Router in the open"]


@pytest.fixture
def indexed_world(world: World) -> Callable[[], None]:
    """Bring what the world holds into the index."""

    def index() -> None:
        db.session.flush()
        indexer.catch_up()

    return index


def test_small_words_are_not_asked_for_and_come_first_where_they_are(
    world: World, indexed_world: Callable[[], None]
) -> None:
    for title in (
        "Reset the router",
        "Router: how do I reset it",
        "How do I reset my router",
        "My router resets itself",
    ):
        world.ask(title=title)
    indexed_world()
    assert guest_sees("how do i reset my rou")[0] == "How do I reset my router"
    assert sorted(guest_sees("how do i reset my rou")[1:]) == [
        "My router resets itself",
        "Reset the router",
        "Router: how do I reset it",
    ]
    assert guest_sees("how do i")[0].startswith("How do I"), "small words alone are all there is to go by"
    assert guest_sees("reset the router")[0] == "Reset the router"


def test_without_an_index_nothing_is_suggested(world: World) -> None:
    world.ask(title="Reset the router")
    db.session.flush()
    registry.engine().wipe()
    assert guest_sees("res") == []
