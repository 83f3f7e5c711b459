"""Sessions: limits, what ends them, what reading costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask, g
from flask_login import current_user
from sqlalchemy import event, func, select

from accounts import people, sessions, tokens
from accounts.models import SignIn
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


@pytest.fixture
def alice(stage: Stage, browser_of: BrowserOf) -> Browser:
    stage(lambda world: world.alice.id)
    return browser_of("alice")


def is_in(browser: Browser) -> bool:
    return bool(browser.get("/settings").status_code == 200)


def test_a_session_ends_after_a_month_without_a_visit(alice: Browser) -> None:
    with time_machine.travel(now() + sessions.IDLE_LIMIT - timedelta(hours=1)):
        assert is_in(alice)
    with time_machine.travel(now() + 2 * sessions.IDLE_LIMIT):
        assert not is_in(alice)


def test_a_visit_a_week_keeps_a_session_for_three_months_and_no_longer(alice: Browser) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        for days in range(7, 90, 7):
            clock.move_to(start + timedelta(days=days))
            assert is_in(alice), days
        clock.move_to(start + sessions.ABSOLUTE_LIMIT + timedelta(minutes=1))
        assert not is_in(alice)


def test_a_visit_is_noted_at_most_every_ten_minutes(app: Flask, alice: Browser) -> None:
    def seen() -> Any:
        with app.app_context():
            return db.session.scalars(select(SignIn.seen_at)).one()

    begin = seen()
    alice.get("/settings")
    assert seen() == begin
    with time_machine.travel(now() + sessions.SEEN_EVERY + timedelta(seconds=5), tick=False):
        alice.get("/settings")
        assert seen() == now()
    with time_machine.travel(now() + 3 * sessions.SEEN_EVERY, tick=False):
        alice.post("/settings", data={"name": "Alice", "about": "", "locale": "en", "theme": "dark"})
        assert seen() == now()


def test_a_guest_costs_no_statement_and_a_signed_in_reader_one(app: Flask, alice: Browser, guest: Browser) -> None:
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "ROLLBACK")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        assert guest.get("/sign-in").status_code == 200
        assert statements == []
        assert alice.get("/settings").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", count)
    of_accounts = [statement for statement in statements if "sign_in" in statement or "user_role" in statement]
    assert len(of_accounts) == 1
    assert of_accounts[0].startswith("SELECT")


def test_a_person_sees_their_sessions_and_ends_one(app: Flask, alice: Browser, browser_of: BrowserOf) -> None:
    phone = browser_of("alice")
    page = alice.get("/settings/sessions").text
    assert page.count("tests") >= 2
    assert page.count("this one") == 1
    with app.app_context():
        first, second = db.session.scalars(select(SignIn.id).order_by(SignIn.id))
    assert alice.post(f"/settings/sessions/{second}/end").status_code == 303
    assert not is_in(phone)
    assert is_in(alice)
    assert alice.post(f"/settings/sessions/{second}/end").status_code == 404
    assert alice.post(f"/settings/sessions/{first}/end").status_code == 303
    assert not is_in(alice)


def test_nobody_ends_another_persons_session(app: Flask, alice: Browser, stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: world.charlie.id)
    charlie = browser_of("charlie")
    with app.app_context():
        of_alice = db.session.scalars(select(SignIn.id).order_by(SignIn.id)).first()
    assert charlie.post(f"/settings/sessions/{of_alice}/end").status_code == 404
    assert is_in(alice)


def test_a_person_ends_all_other_sessions(alice: Browser, browser_of: BrowserOf) -> None:
    phone, tablet = browser_of("alice"), browser_of("alice")
    assert alice.post("/settings/sessions/end").status_code == 303
    assert is_in(alice)
    assert not is_in(phone)
    assert not is_in(tablet)


def test_closing_an_account_ends_its_sessions_and_rests_its_tokens(app: Flask, alice: Browser, stage: Stage) -> None:
    token = stage(lambda world: tokens.create(world.alice, scopes=["all"], name="script"))
    stage(lambda world: people.disable(world.alice, by=world.root, reason="asked for it"))
    assert not is_in(alice)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(SignIn)) == 0
        assert tokens.find(token) is None
        people.enable(World().alice, by=World().root, reason="came back")
        assert tokens.find(token) is not None
    assert not is_in(alice)


def test_a_session_cannot_begin_for_staged_or_closed_people(world: World) -> None:
    people.disable(world.bob, by=world.root, reason="gone")
    for user in (world.bob, people.create("staged", is_staged=True)):
        with pytest.raises(NotAllowed):
            sessions.begin(user, device="")


def test_a_forged_or_foreign_cookie_opens_nothing(guest: Browser, alice: Browser) -> None:
    for value in ("x", "1", "", "a" * 43):
        with guest.session_transaction() as session:
            session["_user_id"] = value
        assert not is_in(guest), value
    guest.set_cookie("klinke", "eyJfdXNlcl9pZCI6IjEifQ.xxxxxx.yyyyyyyyyyyyyyyyyyyyyyyyyyy")
    assert not is_in(guest)


def test_a_cookie_never_signs_an_api_call_in_and_a_token_never_a_page(app: Flask, alice: Browser, stage: Stage) -> None:
    token = stage(lambda world: tokens.create(world.alice, scopes=["read"], name="script"))
    header = {"Authorization": f"Bearer {token}"}
    cookie = alice.get_cookie("klinke")
    assert cookie is not None
    for path, headers, is_known in (
        ("/api/v1/x", header, True),
        ("/api/v1/x", {"Authorization": f"bearer {token}"}, True),
        ("/api/v1/x", {"Cookie": f"klinke={cookie.value}"}, False),
        ("/api/v1/x", {"Authorization": f"Bearer {token}x"}, False),
        ("/api/v1/x", {"Authorization": f"Basic {token}"}, False),
        ("/api/v1/x", {"Authorization": "Bearer"}, False),
        ("/settings", header, False),
        ("/settings", {"Cookie": f"klinke={cookie.value}"}, True),
    ):
        with app.test_request_context(path, headers=headers):
            assert current_user.is_authenticated is is_known, (path, headers)
            assert g.get("token_scopes") == (frozenset({"read"}) if is_known and "api" in path else None)


def test_the_pages_of_a_signed_in_person_are_not_kept_by_caches(alice: Browser) -> None:
    assert alice.get("/settings").headers["Cache-Control"] == "no-store"
