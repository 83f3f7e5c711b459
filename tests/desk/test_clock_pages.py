"""What admins see of promises and calendars, and agents of the clock of a conversation."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from core.db import db
from desk import sla
from desk.clock_models import AnswerPolicy, Calendar
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
DAYS = {f"day_{place}": "9:00-18:00" if place < 5 else "" for place in range(7)}


def test_a_message_on_friday_is_due_on_monday_says_the_preview(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: (world.root, channel(world)))
    root = browser_of("root")
    calendar = {"name": "Office", "time_zone": "Europe/Berlin", "region": "DE-BW", "closed": "", **DAYS}
    assert root.post("/admin/clocks/calendars", data=calendar).status_code == 303
    calendar_id, channel_id = stage(lambda _w: (db.session.scalar(select(Calendar.id)), 1))
    policy = {"name": "Weekdays", "channel": channel_id, "calendar": calendar_id, "from_priority": "", "intent": ""}
    policy |= {"first_minutes": 60, "hard_minutes": 360, "next_minutes": 60, "solution_minutes": 0, "warn_minutes": 15}
    assert root.post("/admin/clocks/policies", data=policy).status_code == 303
    policy_id = stage(lambda _w: db.session.scalar(select(AnswerPolicy.id)))
    page = root.get(f"/admin/clocks?at=2026-01-09T17:50&policy={policy_id}").text
    assert "Fri, 9 Jan 2026, 17:50" in page
    assert "Mon, 12 Jan 2026, 09:50" in page
    assert "Mon, 12 Jan 2026, 14:50" in page
    assert "This is no date" in root.get("/admin/clocks?at=soon").text
    assert root.get(f"/admin/clocks/policies/{policy_id}").status_code == 200
    assert root.post(f"/admin/clocks/policies/{policy_id}", data=policy | {"first_minutes": 30}).status_code == 303
    assert stage(lambda _w: sla.policy_by(policy_id).first_minutes) == 30
    assert root.post(f"/admin/clocks/calendars/{calendar_id}/removal").status_code == 409
    assert root.post(f"/admin/clocks/policies/{policy_id}/removal").status_code == 303
    assert root.post(f"/admin/clocks/calendars/{calendar_id}/removal").status_code == 303


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.root)
    root = browser_of("root")
    wrong = {"name": "Branch", "time_zone": "Europe/Berlin", "region": "", "closed": "soon", **DAYS, "day_1": "late"}
    answer = root.post("/admin/clocks/calendars", data=wrong)
    assert answer.status_code == 422
    assert 'id="day_1-error"' in answer.text
    assert 'id="closed-error"' in answer.text
    assert 'value="late"' in answer.text
    answer = root.post("/admin/clocks/policies", data={"name": "x" * 200, "first_minutes": "soon"})
    assert answer.status_code == 422
    assert 'id="first_minutes-error"' in answer.text


def test_an_agent_sees_what_is_promised_and_what_the_clock_went_through(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        _ = world.dora
        return received(channel(world)).conversation_id

    conversation_id = stage(scene)
    dora = browser_of("dora")
    assert "First answer until" in dora.get(f"/desk/conversations/{conversation_id}").text
    url = f"/desk/conversations/{conversation_id}"
    dora.post(f"{url}/assignment", data={"assignee": "me"})
    dora.post(f"{url}/state", data={"state": "waiting_inside"})
    assert "a colleague is asked. At the very latest" in dora.get(url).text
    dora.post(f"{url}/state", data={"state": "open"})
    page = dora.get(f"{url}/clock").text
    assert "Moved from nobody to Dora; the clock ran on." in page
    assert "Clock stopped by Dora: a colleague is asked" in page
    assert "The clock stood from" in page
    assert "the settings" in page
