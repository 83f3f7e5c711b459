"""Figures of the desk: written when it happens, percentiles as defined, and every number is the length of a list."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import event

from core.clock import now
from core.db import db
from desk import clocks, conversations, replies, teams, timing
from desk.clock_models import ClockEvent
from desk.models import Conversation
from desk.timing import Slice
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


def some_work(world: World, many: int = 11) -> None:
    """Answers on two channels after 1, 2, 3 ... minutes and one that was late; two without an answer; one reopened."""
    one, other = (channel(world, name, endpoint="https://social.example/replies") for name in ("social", "shop"))
    care = teams.save(
        None, name="Care", way="nobody", channel_ids=[], languages="", skills="", member_ids=[], by=world.root
    )
    for number in range(1, many):
        on = one if number % 2 else other
        minutes = 90 if number == 10 else number
        conversation = received(
            on, conversation=f"t{number}", id=f"m{number}", created_at=now() - timedelta(minutes=minutes)
        ).conversation
        if number % 3 == 0:
            teams.give(conversation, care, by=None)
        replies.reply(conversation, text="Please restart it.", by=world.dora if number != 5 else world.root)
        if number == 2:
            conversations.change_state(conversation, "solved", by=world.dora)
            received(on, conversation="t2", id="again", created_at=now())
        if number == 3:
            replies.reply(
                received(on, conversation="t3", id="more", created_at=now()).conversation, text="Yes.", by=world.dora
            )
    for number in (98, 99):
        received(one, conversation=f"t{number}", id=f"m{number}", created_at=now() - timedelta(hours=3))
    dismissed = received(one, conversation="t100", id="m100").conversation
    conversations.change_state(dismissed, "no_answer", by=world.dora)
    old = received(one, conversation="t101", id="m101").conversation
    assert old.clock is not None
    old.clock.began_at -= timedelta(days=200)
    db.session.flush()


def test_percentiles_are_the_nearest_rank(world: World) -> None:
    some_work(world)
    first = timing.overall(timing.metric("first"), Slice())
    assert (first.count, first.median, first.ninetieth) == (10, 5 * 60, 9 * 60)
    assert (first.kept, first.late) == (9, 1)
    own = timing.overall(timing.metric("first"), Slice(by_id=world.root.id))
    assert (own.count, own.median, own.ninetieth) == (1, 5 * 60, 5 * 60)
    assert timing.overall(timing.metric("first"), Slice(week=5)) == timing.Measured()


@pytest.mark.parametrize("by", timing.DIMENSIONS)
def test_groups_add_up_and_each_is_as_long_as_its_list(world: World, by: str) -> None:
    some_work(world)
    for one in timing.METRICS.values():
        found = timing.measured(one, by, Slice())
        assert sum(part.count for part in found.values()) == timing.count(one, Slice())
        for number, part in found.items():
            narrow = timing.narrowed(Slice(), by, number)
            assert timing.count(one, narrow) == part.count == len(timing.listed(one, narrow))


def test_what_is_counted(world: World) -> None:
    some_work(world)
    counts = {key: timing.count(one, Slice()) for key, one in timing.METRICS.items()}
    assert counts == {
        "first": 10,
        "next": 1,
        "solved": 1,
        "first-kept": 9,
        "first-late": 1,
        "next-kept": 1,
        "next-late": 0,
        "solved-kept": 0,
        "solved-late": 0,
        "reopened": 1,
        "begun": 13,
        "unanswered": 2,
    }


@pytest.mark.parametrize("by", timing.DIMENSIONS)
def test_every_number_on_the_page_opens_exactly_that_many_rows(stage: Stage, browser_of: BrowserOf, by: str) -> None:
    stage(some_work)
    dora = browser_of("dora")
    for whose in ("", "&whose=all"):
        page = BeautifulSoup(dora.get(f"/desk/figures?by={by}{whose}").text, "html.parser")
        links = [(link["href"], int(link.text)) for link in page.select("section.plot td a")]
        assert links
        for url, number in dict(links).items() if by != "hour" else dict(link for link in links if link[1]).items():
            there = BeautifulSoup(dora.get(str(url)).text, "html.parser")
            assert len(there.select("ul.rows li")) == number, url


def test_agents_see_their_own_first(stage: Stage, browser_of: BrowserOf) -> None:
    stage(some_work)
    root = browser_of("root")
    own = BeautifulSoup(root.get("/desk/figures?by=channel").text, "html.parser")
    assert [link.text for link in own.select("#first ~ details td a")] == ["1", "1", "0"]
    assert "Half of them within 5 minutes, nine of ten within 9 minutes. 90 % as promised." in re.sub(
        r"\s+", " ", root.get("/desk/figures?whose=all").text
    )


def test_each_is_a_sheet_too(stage: Stage, browser_of: BrowserOf) -> None:
    stage(some_work)
    root = browser_of("root")

    def read(url: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(root.get(url).text.removeprefix("\ufeff"))))

    table = read("/desk/figures.csv?by=channel&whose=all")
    assert table[0][:6] == ["channel", "first_count", "first_median", "first_p90", "first_kept", "first_late"]
    assert sum(int(row[1]) for row in table[1:]) == 10
    assert len(read("/desk/figures/first.csv?whose=all")) == 11
    assert len(read("/desk/figures/unanswered.csv?whose=all")) == 3
    assert root.get("/desk/figures/nothing").status_code == 404
    assert root.get("/desk/figures/first?hour=x").status_code == 404
    assert root.get("/desk/figures/first?week=2026-13-99").status_code == 404
    assert root.get("/desk/figures?by=nothing").status_code == 200


def test_the_page_asks_as_much_of_many_as_of_few(app: Flask, stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: some_work(world, 4))
    dora = browser_of("dora")

    def statements() -> int:
        seen: list[str] = []
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- removed below
        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        dora.get("/desk/figures?by=channel&whose=all")
        event.remove(engine, "before_cursor_execute", note)
        return len([one for one in seen if one.startswith("SELECT")])

    statements()
    few = statements()
    stage(lambda world: [clocks.heard(_begun(world, number), now()) for number in range(30)])
    assert statements() <= few <= 20


def _begun(world: World, number: int) -> Conversation:
    on = db.session.query(ClockEvent).first().conversation.channel  # type: ignore[union-attr]  # there are some
    return received(on, conversation=f"n{number}", id=f"n{number}").conversation
