"""An article that helps fewer than it did, or knows no version that people name, becomes a task of its owner."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.db import db
from forum import experiences
from kb import checking, decay, feedback, judging, tasks, uses
from kb.models import Article, ArticleTask
from tests.cast import World
from tests.kb.shelf import Shelf, accepted

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def say(article: Article, when: str, *, yes: int, no: int) -> None:
    for number in range(yes + no):
        feedback.give(article, reader=f"guest:{when}:{number}", helped=number < yes)


def needs() -> list[tuple[str, str]]:
    rows = db.session.query(ArticleTask).filter(ArticleTask.done_at.is_(None))
    return [(row.kind, row.words) for row in rows]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((9, 1), (7, 3), ["9/10 → 7/10"]),
        ((9, 1), (8, 2), []),
        ((4, 0), (2, 2), []),
        ((0, 0), (1, 4), ["1/5"]),
        ((0, 0), (3, 2), []),
        ((0, 0), (0, 4), []),
        ((5, 5), (5, 5), []),
    ],
    ids=["fell", "fell a little", "too few", "less than half", "more than half", "too few at all", "as before"],
)
def test_a_falling_share_is_a_task(
    world: World, clock: Any, before: tuple[int, int], after: tuple[int, int], words: list[str]
) -> None:
    article = Shelf(world).published()
    say(article, "before", yes=before[0], no=before[1])
    clock.shift(timedelta(days=91))
    say(article, "after", yes=after[0], no=after[1])
    for _ in range(2):
        decay.look()
    assert needs() == [("decay", each) for each in words]


def test_what_was_settled_is_not_asked_again_in_the_same_quarter(world: World, clock: Any) -> None:
    article = Shelf(world).published()
    say(article, "now", yes=1, no=9)
    decay.look()
    (task,) = db.session.query(ArticleTask)
    tasks.settle(task, "not_needed", by=world.emil)
    decay.look()
    assert needs() == []
    clock.shift(timedelta(days=31))
    decay.look()
    assert needs() == [("decay", "1/10")]


def test_customers_whom_a_reply_did_not_help_count_too(world: World) -> None:
    article = Shelf(world).published()
    for number in range(6):
        use = uses.record(article, face=None, where_kind="message", where_id=number, by=world.dora)
        judging.note_outcome(use, "helped" if number < 2 else "not" if number < 5 else "other", by=world.dora)
    decay.look()
    assert ("decay", "2/5") in needs()


@pytest.mark.parametrize(
    ("environment", "said", "is_newer"),
    [
        ("Router R2, firmware 7.1", "7.2", True),
        ("Router R2, firmware 7.1", "Firmware 7.1.3", True),
        ("Router R2, firmware 7.1", "7.1", False),
        ("Router R2, firmware 7.1", "6.9 on an R3", False),
        ("Router R2", "7.2", False),
        ("Firmware 7.1 and 8", "7.9", False),
        ("Firmware 7.1", "the blue one", False),
    ],
)
def test_a_newer_version_that_somebody_names_is_a_task(
    world: World, clock: Any, environment: str, said: str, is_newer: bool
) -> None:
    world.everybody()
    answer = accepted(world.solved())
    article = Shelf(world).published(sources=[answer], environment=environment)
    clock.shift(timedelta(days=1))
    experiences.tell(answer, has_worked=True, version=said, by=world.charlie)
    for _ in range(2):
        decay.look()
    assert needs() == ([("version", said)] if is_newer else [])
    clock.shift(timedelta(days=1))
    checking.verify(article, by=world.emil)
    assert decay.versions_in("R2, 7.1.0 and v8, 9.") == [(7, 1, 0), (9,)]


def test_what_was_named_before_the_last_check_is_known(world: World, clock: Any) -> None:
    world.everybody()
    answer = accepted(world.solved())
    article = Shelf(world).published(sources=[answer], environment="Firmware 7.1")
    clock.shift(timedelta(days=1))
    experiences.tell(answer, has_worked=True, version="7.2", by=world.charlie)
    clock.shift(timedelta(days=1))
    checking.verify(article, by=world.emil)
    decay.look()
    assert needs() == []
