"""What admins see of promises and calendars, and agents of the clock of a conversation."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.clock import now
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


def test_a_holding_reply_is_sent_by_a_button_of_its_own(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, int]:
        conversation = received(channel(world, endpoint="https://social.example/replies")).conversation
        return conversation.id, world.dora.id

    conversation_id, dora_id = stage(scene)
    dora = browser_of("dora")
    url = f"/desk/conversations/{conversation_id}"
    about = {"text": "We look into it.", "holding": "1", "holding_owner": dora_id}
    refused = dora.post(f"{url}/replies", data=about | {"holding_due": "soon"})
    assert refused.status_code == 422
    assert 'id="holding_due-error"' in refused.text
    assert "We look into it." in refused.text
    later = (now() + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M")
    assert dora.post(f"{url}/replies", data=about | {"holding_due": later}).status_code == 303
    page = dora.get(url).text
    assert "First answer until" in page
    assert "Holding reply by Dora" in dora.get(f"{url}/clock").text


def test_ladder_and_goodwill_on_their_pages(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, int, int]:
        return received(channel(world)).conversation_id, world.dora.id, world.root.id

    conversation_id, dora_id, root_id = stage(scene)
    root, dora = browser_of("root"), browser_of("dora")
    step = {"channel": "", "team": "", "after_minutes": 0, "decider": dora_id, "deputy": root_id, "currency": "EUR"}
    assert root.post("/admin/clocks/steps", data=step | {"limit": "25,00"}).status_code == 303
    assert root.post("/admin/clocks/steps", data=step | {"limit": "much"}).status_code == 422
    boss = {"after_minutes": 60, "decider": root_id, "deputy": "", "limit": "100"}
    assert root.post("/admin/clocks/steps", data=step | boss).status_code == 303
    assert "may give away up to 25.00 EUR" in root.get("/admin/clocks").text
    url = f"/desk/conversations/{conversation_id}/goodwill"
    about = {"amount": "20", "currency": "EUR", "reason": "=HYPERLINK(1)"}
    assert dora.post(url, data=about).status_code == 303
    assert dora.post(url, data=about | {"amount": "60"}).status_code == 303
    assert dora.post(url, data=about | {"amount": "nothing"}).status_code == 422
    page = dora.get(f"/desk/conversations/{conversation_id}/clock").text
    assert "20.00 EUR" in page
    assert "Grant it" not in page
    assert "Grant it" in root.get(f"/desk/conversations/{conversation_id}/clock").text
    assert dora.post("/desk/goodwill/2/decision", data={"verdict": "granted"}).status_code == 403
    assert root.post("/desk/goodwill/2/decision", data={"verdict": "maybe"}).status_code == 422
    assert root.post("/desk/goodwill/2/decision", data={"verdict": "granted"}).status_code == 303
    assert dora.get("/desk/goodwill").text.count("granted") == 2
    sheet = dora.get("/desk/goodwill.csv")
    assert sheet.text.count("'=HYPERLINK(1)") == 2
    assert sheet.headers["Content-Type"].startswith("text/csv")
    assert root.post("/admin/clocks/steps/1/removal").status_code == 303
