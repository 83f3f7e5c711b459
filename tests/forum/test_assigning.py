"""Taking and giving questions: one has it, others are told who, it ends with the answer or with its time."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts.models import AuditEntry
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import answers, asking_back, assigning, assignments, closing, counters, moderation
from forum.models import Assignment, Notification, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.faults.test_once_only import at_once

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
NOON = datetime(2026, 6, 10, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def holder(topic: Topic) -> str | None:
    found = assignments.of(topic)
    return None if found is None else found.user.handle


def test_who_takes_a_question_has_it_for_a_while(world: World, clock: time_machine.Traveller) -> None:
    topic = world.ask()
    assigning.take(topic, by=world.tina)
    with pytest.raises(Conflict, match="Tina took this question"):
        assigning.take(topic, by=world.ada)
    clock.move_to(NOON + 3 * HOUR)
    assigning.take(topic, by=world.tina)
    clock.move_to(NOON + 6 * HOUR)
    assert holder(topic) == "tina", "taking it again gave more time"
    clock.move_to(NOON + 7 * HOUR)
    assert (holder(topic), topic.is_taken) == (None, False)
    assigning.take(topic, by=world.ada)
    assert holder(topic) == "ada"
    assert db.session.query(Assignment).count() == 1


def test_only_who_may_help_takes_and_only_what_is_open(world: World) -> None:
    topic, solved, closed = world.ask(), world.solved(title="A solved question here"), world.ask("A closed one, asked")
    closing.close(closed, by=world.ada, reason="Not ours.")
    own = world.ask("A question of Tina's", by=world.tina)
    for person, it in ((world.charlie, topic), (world.alice, topic), (world.tina, own)):
        with pytest.raises(NotAllowed):
            assigning.take(it, by=person)
    for it in (solved, closed):
        with pytest.raises(NotAllowed):
            assigning.take(it, by=world.ada)


def test_an_answer_releases_only_ones_own(world: World) -> None:
    topic = world.ask()
    assigning.take(topic, by=world.tina)
    world.answer(topic, by=world.ada)
    assert holder(topic) == "tina"
    world.answer(topic, by=world.tina)
    assert (holder(topic), db.session.query(Assignment).count()) == (None, 0)


def test_a_solution_releases_it(world: World) -> None:
    topic = world.ask()
    assigning.take(topic, by=world.tina)
    answers.accept(world.answer(topic), by=world.alice)
    assert db.session.query(Assignment).count() == 0


def test_the_doctor_finds_and_repairs_what_topics_say_of_it(world: World) -> None:
    taken, asked = world.ask(), world.ask("Another question of Alice")
    assigning.take(taken, by=world.tina)
    asking_back.ask(asked, source="Which version is it?", by=world.tina)
    assert list(counters.complaints()) == []
    taken.taken_until = asked.info_post_id = None
    db.session.flush()
    assert len(list(counters.complaints())) == 2
    assert (counters.recount(), counters.recount()) == (2, 0)
    db.session.expire_all()
    assert (holder(taken), asked.waits_for_asker) == ("tina", True)


def test_one_releases_ones_own_and_moderators_release_all(world: World) -> None:
    topic = world.ask()
    assigning.take(topic, by=world.tina)
    with pytest.raises(Conflict):
        assigning.release(topic, by=world.dora)
    with pytest.raises(NotAllowed):
        assigning.release(world.ask("A question that is free"), by=world.charlie)
    assigning.release(topic, by=world.tina)
    assigning.release(topic, by=world.tina)
    assigning.take(topic, by=world.dora)
    assigning.release(topic, by=world.ada)
    assert holder(topic) is None
    assert [entry.deed for entry in db.session.query(AuditEntry)] == ["forum.topic.release"]


def test_a_moderator_gives_it_to_somebody_who_is_told(world: World, clock: time_machine.Traveller) -> None:
    topic = world.ask()
    assert world.tina
    assigning.give(topic, handle=" @Tina ", by=world.ada, hours=2)
    row = db.session.query(Notification).filter_by(kind="assigned").one()
    assert (row.user_id, row.way, row.topic_id) == (world.tina.id, "mail", topic.id)
    entry = db.session.query(AuditEntry).one()
    assert (entry.deed, entry.before, entry.after["user_id"]) == ("forum.topic.assign", None, world.tina.id)
    with pytest.raises(Conflict, match="Tina"):
        assigning.give(topic, handle=world.dora.handle, by=world.ada)
    assigning.give(topic, handle="dora", by=world.ada, seen_id=world.tina.id)
    assert holder(topic) == "dora"
    clock.move_to(NOON + 25 * HOUR)
    assert holder(topic) is None


def test_what_cannot_be_given_says_why(world: World) -> None:
    topic = world.ask()
    world.everybody()
    for handle in ("charlie", "alice", "nobody-at-all", "", "x" * 300):
        with pytest.raises(Invalid) as refusal:
            assigning.give(topic, handle=handle, by=world.ada)
        assert list(refusal.value.fields) == ["handle"]
    for hours in (0, -1, 721):
        with pytest.raises(Invalid) as refusal:
            assigning.give(topic, handle="tina", by=world.ada, hours=hours)
        assert list(refusal.value.fields) == ["hours"]
    for person in (world.dora, world.tina, world.charlie):
        with pytest.raises(NotAllowed):
            assigning.give(topic, handle="tina", by=person)


def test_what_was_given_alarms_once_when_its_time_passes(world: World, clock: time_machine.Traveller) -> None:
    given, taken, answered, waits = (world.ask(f"Question number {number} of Alice") for number in range(4))
    for topic in (given, answered, waits):
        assigning.give(topic, handle=world.tina.handle, by=world.ada, hours=1)
    assigning.take(taken, by=world.tina)
    world.answer(answered, by=world.tina)
    asking_back.ask(waits, source="Which version is it?", by=world.tina)
    assert assigning.alarm() == 0
    clock.move_to(NOON + 5 * HOUR)
    assert (assigning.alarm(), assigning.alarm()) == (2, 0)
    rows = db.session.query(Notification).filter_by(kind="assignment_late")
    assert {(row.user_id, row.topic_id) for row in rows} == {(world.ada.id, given.id), (world.tina.id, given.id)}
    queue = [(one.kind, one.title) for one in assigning.waiting(world.ada)]
    assert queue == [("Late: given to Tina", given.title)]


def test_the_list_says_what_is_ones_own_and_to_the_team_what_others_have(world: World) -> None:
    mine, other, muted = (world.ask(f"Question number {number} of Alice") for number in range(3))
    assigning.take(mine, by=world.tina)
    assigning.take(other, by=world.dora)
    assigning.take(muted, by=world.tina)
    moderation.mute(muted, by=world.ada, reason="off topic")
    assert [one.topic_id for one in assigning.listed(world.tina)] == [mine.id]
    assert [one.topic_id for one in assigning.listed(world.dora)] == [other.id, mine.id]
    assert [one.kind for one in assigning.waiting(world.dora)] == ["Yours to answer"]
    assert list(assigning.waiting(world.tina)) == []


def test_of_many_who_take_it_at_once_one_wins_and_the_others_learn_who(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> tuple[int, list[int]]:
        return world.ask().id, [world.person(f"helper-{number}", "trusted").id for number in range(10)]

    topic_id, people = stage(scene)

    def take(number: int) -> str:
        from accounts.models import User

        with app.app_context():
            topic, person = db.session.get_one(Topic, topic_id), db.session.get_one(User, people[number])
            try:
                assigning.take(topic, by=person)
            except Conflict as error:
                return error.sentence
            db.session.commit()
            return person.name

    told = Counter(at_once(take, 10))
    (winner,) = [name for name in told if "took" not in name]
    assert sorted(told.values()) == [1, 9]
    assert any(sentence.startswith(f"{winner} took this question") for sentence in told)


def test_the_page_says_who_is_on_it(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return world.ask().id

    topic_id = stage(scene)
    page, place = f"/t/{topic_id}", f"/topics/{topic_id}/assignment"
    tina, ada, charlie = (browser_of(handle) for handle in ("tina", "ada", "charlie"))
    assert tina.post(place).status_code == 303
    assert "You are on it." in tina.get(page, follow_redirects=True).text
    assert "Tina is on it." in charlie.get(page, follow_redirects=True).text
    assert "Tina is on it." not in guest.get(page, follow_redirects=True).text
    assert "Tina took this question" in ada.post(place, follow_redirects=True).text
    wrong = ada.post(f"{place}/give", data={"handle": "charlie", "hours": "x"})
    assert (wrong.status_code, 'value="charlie"' in wrong.text, 'value="x"' in wrong.text) == (422, True, True)
    wrong = ada.post(f"{place}/give", data={"handle": "charlie"})
    assert (wrong.status_code, 'value="charlie"' in wrong.text) == (422, True)
    raced = ada.post(f"{place}/give", data={"handle": "dora"})
    assert (raced.status_code, "Tina took this question" in raced.text) == (409, True)
    assert charlie.post(f"{place}/give", data={"handle": "dora"}).status_code == 403
    assert "Wireless gone" in tina.get("/taken").text
    assert "Wireless gone" in ada.get("/taken").text
    assert charlie.get("/taken").status_code == 403
    assert tina.post(f"{place}/undo").status_code == 303
    assert "You have no question right now" in tina.get("/taken").text
