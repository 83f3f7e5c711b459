"""New conversations find somebody by themselves: in turn or by room, who is here, can do it, and was not burdened."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, text

from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import absences, assigning, clocks, conversations, teams
from desk.models import Channel, Conversation
from desk.team_models import Team
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
DONE = 2_000


def crew(world: World, *names: str) -> list[User]:
    """People at the desk who are here now."""
    people = [world.person(name, "agent") for name in names]
    for person in people:
        person.seen_at = now()
    db.session.flush()
    return people


def team(world: World, members: list[User], **about: Any) -> Team:
    facts = {"name": "Care", "way": "turn", "channel_ids": [], "languages": "", "skills": ""} | about
    return teams.save(None, member_ids=[one.id for one in members], by=world.root, **facts)


def fresh(on: Channel, number: int, text: str = "My router is offline since the update, what now?") -> Conversation:
    return received(on, text, conversation=f"thread-{number}", id=f"post-{number}").conversation


def give(conversation: Conversation) -> str | None:
    user = assigning.find_somebody(conversation.id)
    return None if user is None else user.handle


def test_each_in_turn_and_it_says_why(world: World) -> None:
    on = channel(world)
    people = crew(world, "dave", "dina")
    care = team(world, people)
    teams.describe(people[0], languages="en, de", skills="", capacity=5, by=world.root)
    first = fresh(on, 1)
    assert [give(first), *(give(fresh(on, number)) for number in (2, 3, 4))] == ["dave", "dina", "dave", "dina"]
    assert (first.team_id, first.state) == (care.id, "new")
    assert first.clock is not None
    assert assigning.reason(first.clock.given_why) == "in turn, speaks English, 0 open"
    assert [(one.kind, one.details["what"]) for one in clocks.history(first)] == [("moved", "team"), ("moved", "agent")]
    assert give(first) is None, "it has somebody"
    conversations.assign(first, world.root, by=world.root)
    assert assigning.reason(first.clock.given_why) == ""


def test_only_who_is_here_and_can_do_it_gets_any(world: World) -> None:
    on = channel(world)
    gone, away, deaf, busy, able = crew(world, "gone", "away", "deaf", "busy", "able")
    team(world, [gone, away, deaf, busy, able], skills="Routers")
    gone.seen_at = now() - timedelta(hours=3)
    at = now()
    absences.announce(away, starts_at=at, ends_at=at + timedelta(days=1), deputy=None, by=away)
    for who, languages, capacity in ((gone, "", 9), (away, "", 9), (deaf, "de", 9), (busy, "en", 0), (able, "en", 2)):
        teams.describe(who, languages=languages, skills="routers", capacity=capacity, by=world.root)
    assert [give(fresh(on, number)) for number in (1, 2, 3)] == ["able", "able", None]
    german = fresh(on, 4, "Mein Router ist seit dem Update offline, was kann ich jetzt tun?")
    assert give(german) == "deaf"
    teams.describe(deaf, languages="de", skills="invoices", capacity=9, by=world.root)
    assert give(fresh(on, 5, "Mein Router ist seit dem Update offline, was kann ich jetzt tun?")) is None


def test_who_has_most_room_gets_the_next(world: World) -> None:
    on = channel(world)
    small, large = crew(world, "small", "large")
    team(world, [small, large], way="room")
    teams.describe(small, languages="", skills="", capacity=2, by=world.root)
    teams.describe(large, languages="", skills="", capacity=8, by=world.root)
    given = [give(fresh(on, number)) for number in range(11)]
    assert (given.count("small"), given.count("large"), given[-1]) == (2, 8, None)


def test_after_some_heated_ones_the_next_goes_elsewhere(
    world: World, settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(heated_cases=2)
    monkeypatch.setattr(assigning, "_heats", [])
    assigning.tell_heat(lambda conversation: 3 if conversation.external_id.endswith(("1", "2", "3", "4", "6")) else 0)
    on = channel(world)
    tough, fresh_one = crew(world, "tough", "fresh")
    team(world, [tough])
    assert [give(fresh(on, number)) for number in (1, 2)] == ["tough", "tough"]
    care = db.session.scalars(select(Team)).one()
    teams.save(
        care, name="Care", way="turn", channel_ids=[], languages="", skills="", by=world.root,
        member_ids=[tough.id, fresh_one.id],
    )  # fmt: skip
    teams.describe(fresh_one, languages="", skills="", capacity=20, by=world.root)
    teams.profile_of(fresh_one).given_at = now()
    third = fresh(on, 3)
    assert give(third) == "fresh", "it would be the other's turn"
    assert third.clock is not None
    assert assigning.reason(third.clock.given_why) == "in turn, 0 open, 0 heated today"
    assert give(fresh(on, 5)) == "tough", "a calm one still comes in turn"
    assert give(fresh(on, 4)) == "fresh"
    assert give(fresh(on, 6)) == "tough", "when everybody had enough, it goes on in turn"


def test_the_narrowest_team_gets_it_and_one_that_gives_nothing_keeps_it(world: World) -> None:
    on, other = channel(world), channel(world, "other")
    dave, dina = crew(world, "dave", "dina")
    team(world, [dave], name="All")
    lines = team(world, [dina], name="Lines", channel_ids=[other.id], way="nobody")
    assert give(fresh(on, 1)) == "dave"
    there = received(other, conversation="t", id="p").conversation
    assert (give(there), there.team_id) == (None, lines.id)
    teams.give(there, None, by=world.dora)
    teams.remove(lines, by=world.root)
    assert there.team_id is None


def test_teams_are_made_by_admins_of_people_at_the_desk(world: World) -> None:
    with pytest.raises(NotAllowed):
        teams.save(None, name="x", way="turn", channel_ids=[], languages="", skills="", member_ids=[], by=world.dora)
    with pytest.raises(Invalid) as refused:
        teams.save(
            None, name="", way="fast", channel_ids=[99], languages="German", skills="x" * 50, by=world.root,
            member_ids=[world.alice.id],
        )  # fmt: skip
    assert set(refused.value.fields) == {"name", "way", "channels", "languages", "skills", "members"}


def test_ten_at_once_go_to_ten_people(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> list[int]:
        team(world, crew(world, *(f"agent{number}" for number in range(10))))
        on = channel(world)
        return [fresh(on, number).id for number in range(10)]

    ids = stage(scene)
    begin = threading.Barrier(len(ids))
    failures: list[BaseException] = []

    def work(conversation_id: int) -> None:
        try:
            with app.app_context():
                begin.wait(timeout=30)
                assigning.find_somebody(conversation_id)
                db.session.commit()
        except BaseException as error:  # noqa: BLE001 -- a thread's failure is shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    given = stage(lambda _world: db.session.scalars(select(Conversation.assignee_id)).all())
    assert len(set(given)) == 10


def test_the_worker_finds_somebody_and_the_page_says_why(
    stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        team(world, crew(world, "dora"))
        return fresh(channel(world), 1).id

    conversation_id = stage(scene)
    worker()
    page = browser_of("dora").get(f"/desk/conversations/{conversation_id}").text
    assert "in turn, 0 open" in page
    assert "Care" in page


def test_the_pages_of_teams_people_and_absences(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    dora_id, root_id, channel_id = stage(lambda world: (world.dora.id, world.root.id, channel(world).id))
    root, dora = browser_of("root"), browser_of("dora")
    about = {"name": "Care", "way": "turn", "members": [dora_id], "channels": [channel_id], "languages": "de, en"}
    assert root.get("/admin/teams/new").status_code == 200
    assert root.post("/admin/teams", data=about).status_code == 303
    page = root.get("/admin/teams").text
    assert all(word in page for word in ("Care", "Dora", "to each in turn", "Social"))
    assert root.get("/admin/teams/1").text.count("checked") == 2
    assert root.post("/admin/teams", data=about).status_code == 422, "the name is taken"
    profile = {"languages": "de", "skills": "Routers, invoices", "capacity": 7}
    assert root.post(f"/admin/agents/{dora_id}", data=profile).status_code == 303
    assert "at most 7 open" in root.get("/admin/teams").text
    assert root.post(f"/admin/agents/{dora_id}", data=profile | {"capacity": "x"}).status_code == 422
    soon = now() + timedelta(hours=1)
    later = soon + timedelta(days=2)
    times = {"starts": soon.strftime("%Y-%m-%dT%H:%M"), "ends": later.strftime("%Y-%m-%dT%H:%M")}
    assert dora.post("/desk/absences", data={"person": dora_id, **times, "deputy": root_id}).status_code == 303
    assert "stands in: Root" in dora.get("/desk/absences").text
    assert dora.post("/desk/absences", data={"person": root_id, **times, "deputy": ""}).status_code == 403
    assert dora.post("/desk/absences", data={"person": dora_id, "starts": "soon", "ends": "x"}).status_code == 422
    assert dora.post("/desk/absences/1/removal").status_code == 303
    assert "Nobody is away" in dora.get("/desk/absences").text


def test_choosing_costs_the_same_in_a_large_team_and_counts_what_is_open_alone(world: World) -> None:
    on = channel(world)
    (dave, dina) = crew(world, "dave", "dina")
    small = team(world, [dave, dina])
    large = team(world, crew(world, *(f"agent-{number}" for number in range(8))), name="Large")
    seen: list[tuple[str, Any]] = []
    note = lambda _c, _cursor, statement, parameters, *_rest: seen.append((statement, parameters))  # noqa: E731 -- removed below
    cost = []
    for number, care in enumerate((small, large)):
        conversation = fresh(on, number)
        conversation.team = care
        db.session.flush()
        db.session.expire_all()
        seen.clear()
        event.listen(db.engine, "before_cursor_execute", note)
        assert give(conversation) is not None
        event.remove(db.engine, "before_cursor_execute", note)
        cost.append(len([one for one in seen if one[0].startswith("SELECT")]))
    assert cost[0] == cost[1]
    ((statement, parameters),) = [one for one in seen if "GROUP BY conversation.assignee_id" in one[0]]
    is_sqlite = db.engine.dialect.name == "sqlite"
    if not is_sqlite:  # it plans by what there is: a few that are open among many that are done
        done = dict.fromkeys(("contact_id", "channel_id", "created_at", "last_message_at", "locale"))
        model = db.session.execute(select(*(getattr(Conversation, name) for name in done)).limit(1)).one()
        rows = [
            {**model._mapping, "external_id": f"done-{number}", "state": "solved", "assignee_id": dave.id}
            for number in range(DONE)
        ]
        db.session.execute(insert(Conversation), rows)
        db.session.execute(text("ANALYZE conversation"))
    prefix = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    plan = str(db.session.connection().exec_driver_sql(prefix + statement, parameters).all())
    assert "ix_conversation_open" in plan
