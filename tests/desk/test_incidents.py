"""Incidents: found among those who wait, answered once each, and told once each when it is over, whatever breaks."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from core import outbox
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from desk import conversations
from desk.events import IncidentNewsQueued, MessageReceived
from desk.models import Conversation, Message
from desk.triage import fairness, incidents, receiving, spikes
from desk.triage.tables import AlikeMessage, Incident, IncidentCase, MessageJudgement
from forum import alarms
from forum.models import Notification
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import fields_of

DOWN = [
    "My internet is down since this morning, router light is red.",
    "Internet down here, the router light is red since this morning.",
    "The internet is down and the router light is red.",
    "Router light red, internet down since this morning!",
]


def waiting(world: World, texts: list[str] = DOWN) -> list[Conversation]:
    on = props.channel(world, endpoint="https://social.example/replies")
    found = []
    for number, text in enumerate(texts):
        message = props.received(on, text, conversation=f"c{number}", id=f"p{number}", handle=f"@c{number}")
        receiving.take_in(MessageReceived(message.conversation_id, message.id))
        found.append(message.conversation)
    return found


def outgoing() -> int:
    return db.session.scalar(select(func.count(Message.id)).where(Message.direction == "out")) or 0


def test_what_several_wait_with_is_found(world: World) -> None:
    cases = waiting(world, [*DOWN, "Where do I find my invoice of March?"])
    assert incidents.clusters(world.dora) == [], "the worker has not looked yet"
    db.session.commit()
    assert incidents.gather() == 1
    (cluster,) = incidents.clusters(world.dora)
    assert set(cluster.conversation_ids) <= {case.id for case in cases[:4]}
    assert len(cluster.messages) >= incidents.FEWEST_ALIKE
    assert incidents.clusters(world.alice) == []
    incidents.open_incident("Outage", cluster.conversation_ids, locale="en", by=world.dora)
    assert incidents.clusters(world.dora) == []


def test_the_worker_gathers_and_a_visit_only_reads(app: Flask, stage: Any, browser_of: Any) -> None:
    def scene(world: World) -> None:
        world.everybody()
        waiting(world)
        db.session.commit()
        incidents.gather()

    stage(scene)
    dora = browser_of("dora")
    dora.get("/desk/incidents")
    with app.app_context():
        engine = db.engine
    seen: list[str] = []
    note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
    event.listen(engine, "before_cursor_execute", note)
    page = dora.get("/desk/incidents")
    event.remove(engine, "before_cursor_execute", note)
    assert "router light" in page.text
    asked = [statement for statement in seen if not statement.startswith(("BEGIN", "SAVEPOINT"))]
    assert len(asked) <= 4, asked


def test_gathering_again_writes_nothing_and_what_is_over_leaves_the_page_at_once(world: World) -> None:
    cases = waiting(world)
    db.session.commit()
    incidents.gather()
    writes: list[str] = []
    note = lambda _c, _cursor, statement, *_rest: writes.append(statement.split()[0])  # noqa: E731 -- removed below
    event.listen(db.engine, "before_cursor_execute", note)
    assert incidents.gather() == 1
    event.remove(db.engine, "before_cursor_execute", note)
    assert not {"INSERT", "DELETE", "UPDATE"} & set(writes)
    for case in cases[:2]:
        conversations.change_state(case, "solved", by=world.dora)
    db.session.commit()
    assert incidents.clusters(world.dora) == [], "two are not many"
    assert incidents.gather() == 0
    assert db.session.scalar(select(func.count(AlikeMessage.message_id))) == 0


def test_everybody_is_told_once_and_once_more_when_it_is_over(world: World) -> None:
    cases = waiting(world)
    incident = incidents.open_incident("Outage", [case.id for case in cases], locale="en", by=world.dora)
    assert incidents.answer(incident, "We know of it, please wait.", by=world.dora) == 4
    db.session.commit()
    for row in db.session.scalars(select(IncidentCase.id)).all():
        for _ in range(2):  # a delivery that comes twice
            incidents.tell_case(IncidentNewsQueued(row, "answer", world.dora.id))
    assert outgoing() == 4
    assert {case.state for case in cases} == {"waiting_inside"}
    assert incidents.answer(incident, "We know of it, please wait.", by=world.dora) == 0
    late = props.received(cases[0].channel, DOWN[0], conversation="late", id="late", handle="@late").conversation
    assert incidents.add(incident, [late.id, late.id, 10**6], by=world.dora) == 1
    assert incidents.solve(incident, "It works again.", by=world.dora) == 4  # the late one was not told to wait
    for row in db.session.scalars(select(IncidentCase.id).where(IncidentCase.told_at.is_not(None))).all():
        for _ in range(2):
            incidents.tell_case(IncidentNewsQueued(row, "solution", world.dora.id))
    assert outgoing() == 8
    assert {case.state for case in cases} == {"solved"}
    for again in (incidents.solve, incidents.answer):
        with pytest.raises(Conflict):
            again(incident, "Once more.", by=world.dora)


def test_a_worker_that_dies_between_queueing_and_noting_tells_it_once(world: World) -> None:
    cases = waiting(world, DOWN[:1])
    incident = incidents.open_incident("Outage", [cases[0].id], locale="en", by=world.dora)
    incidents.answer(incident, "Please wait.", by=world.dora)
    db.session.commit()
    case_id = db.session.scalars(select(IncidentCase.id)).one()
    incidents.tell_case(IncidentNewsQueued(case_id, "answer", world.dora.id))
    db.session.rollback()  # the worker died before its commit
    assert outgoing() == 0
    incidents.tell_case(IncidentNewsQueued(case_id, "answer", world.dora.id))
    db.session.commit()
    incidents.tell_case(IncidentNewsQueued(case_id, "answer", world.dora.id))
    assert outgoing() == 1


def test_what_cannot_be_told_says_why(world: World) -> None:
    cases = waiting(world, DOWN[:1])
    incident = incidents.open_incident("Outage", [cases[0].id], locale="en", by=world.dora)
    cases[0].channel.disabled_at = now()
    incidents.answer(incident, "Please wait.", by=world.dora)
    case = db.session.scalars(select(IncidentCase)).one()
    incidents.tell_case(IncidentNewsQueued(case.id, "answer", world.dora.id))
    assert "switched off" in (case.trouble or "")
    assert incidents.counts(incident).troubled == 1
    cases[0].channel.disabled_at = None
    assert incidents.answer(incident, "Please wait.", by=world.dora) == 1


def test_strangers_find_no_incidents(world: World) -> None:
    cases = waiting(world, DOWN[:1])
    incident = incidents.open_incident("Outage", [cases[0].id], locale="en", by=world.dora)
    assert incidents.incidents(world.alice) == []
    with pytest.raises(NotFound):
        incidents.visible_incident(incident.id, viewer=world.alice)
    for deed in (
        lambda: incidents.answer(incident, "x", by=world.alice),
        lambda: incidents.solve(incident, "x", by=world.alice),
        lambda: incidents.add(incident, [1], by=world.alice),
        lambda: incidents.open_incident("x", [], locale="en", by=world.alice),
    ):
        with pytest.raises(NotAllowed):
            deed()
    with pytest.raises(Invalid):
        incidents.answer(incident, "  ", by=world.dora)


def test_the_pages_open_an_incident_and_tell_everybody(
    stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> None:
        world.everybody()
        waiting(world)
        db.session.commit()
        incidents.gather()

    stage(scene)
    dora = browser_of("dora")
    page = dora.get("/desk/incidents").text
    assert "Make it an incident" in page
    fields = fields_of(page, "/desk/incidents")
    chosen = re.findall(r'name="conversations" value="(\d+)"', page)
    opened = dora.post("/desk/incidents", data={**fields, "title": "Outage", "conversations": chosen})
    assert opened.status_code == 303
    where = opened.headers["Location"]
    page = dora.get(where).text
    fields = fields_of(page, f"{where}/answer")
    told = dora.post(f"{where}/answer", data={**fields, "text": ""})
    assert told.status_code == 422
    told = dora.post(f"{where}/answer", data={**fields, "text": "Please wait."})
    assert told.status_code == 303

    def then(_world: World) -> int:
        outbox.deliver_due(20)
        return outgoing()

    assert stage(then) == len(chosen)
    assert "told to wait" in dora.get(where).text


def test_many_unhappy_messages_are_told_to_the_agents_once(world: World) -> None:
    world.everybody()
    waiting(world, [*DOWN, *DOWN])
    db.session.execute(MessageJudgement.__table__.update().values(sentiment=-2))
    db.session.commit()
    kinds = {one.kind for one in spikes.find(now(), now())}
    assert "desk_spike" in kinds
    alarms.raise_alarms()
    alarms.raise_alarms()
    told = db.session.scalars(
        select(Notification.kind).where(Notification.user_id == world.dora.id, Notification.kind == "desk_spike")
    ).all()
    assert told == ["desk_spike"]
    db.session.execute(MessageJudgement.__table__.update().values(at=now() - timedelta(days=2)))
    assert not [one for one in spikes.find(now(), now()) if one.kind == "desk_spike"]


def _answered(world: World, case: Conversation, after: timedelta, began: timedelta) -> None:
    db.session.execute(
        Message.__table__.update().where(Message.conversation_id == case.id).values(created_at=now() - began)
    )
    db.session.add(
        Message(
            conversation_id=case.id,
            channel_id=case.channel_id,
            direction="out",
            is_public=True,
            text="Here you are.",
            by=world.dora,
            state="sent",
            created_at=now() - began + after,
        )
    )
    db.session.flush()


def test_who_was_overtaken_by_louder_ones_is_shown(world: World) -> None:
    quiet, loud, early = waiting(world, DOWN[:3])
    quiet.contact.reach, loud.contact.reach, early.contact.reach = 10, 5000, 90_000
    _answered(world, quiet, timedelta(hours=5), timedelta(hours=10))
    _answered(world, loud, timedelta(hours=1), timedelta(hours=9))
    _answered(world, early, timedelta(hours=1), timedelta(hours=11))
    found = fairness.fairness(world.dora)
    assert found.overtaken == {quiet.id: 1}
    groups = {group.key: group for group in found.by_reach}
    assert (groups["few"].median, groups["few"].overtaken) == (pytest.approx(300, abs=1), 1)
    assert [case.id for case in fairness.listed(found, by="reach", key="few", what="overtaken")] == [quiet.id]
    for group in [*found.by_reach, *found.by_channel]:
        by = "reach" if group in found.by_reach else "channel"
        for what in ("answered", "unanswered", "overtaken"):
            assert len(fairness.listed(found, by=by, key=group.key, what=what)) == getattr(group, what)
    assert fairness.fairness(world.alice).cases == []


def test_two_agents_answer_at_once_and_each_customer_hears_it_once(
    app: Flask, stage: Callable[[Callable[[World], Any]], Any]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        cases = waiting(world, DOWN[:2])
        incident = incidents.open_incident("Outage", [case.id for case in cases], locale="en", by=world.dora)
        return incident.id, world.dora.id

    incident_id, dora_id = stage(scene)

    def answer() -> None:
        with app.app_context():
            from accounts import people

            by = people.by_id(dora_id)
            assert by is not None
            incidents.answer(db.session.get_one(Incident, incident_id), "Please wait.", by=by)
            db.session.commit()

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def then(_world: World) -> int:
        outbox.deliver_due(50)
        return outgoing()

    assert stage(then) == 2
