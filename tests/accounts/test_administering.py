"""What admins do with accounts, and the log of what the team did."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from accounts import admin, audit, people
from accounts.models import AuditEntry
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
PAGES = ("/admin", "/admin/people", "/admin/log", "/admin/people/1")


@pytest.fixture
def cast(stage: Stage) -> dict[str, int]:
    """The whole cast, as ids by handle."""
    return dict(stage(lambda world: {user.handle: user.id for user in world.everybody()}))


@pytest.fixture
def root(cast: dict[str, int], browser_of: BrowserOf) -> Browser:
    return browser_of("root")


def entries(app: Flask) -> list[AuditEntry]:
    with app.app_context():
        return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


@pytest.mark.parametrize("handle", ["alice", "tina", "ada", "emil", "dora"])
def test_only_admins_come_into_the_administration(cast: dict[str, int], browser_of: BrowserOf, handle: str) -> None:
    browser = browser_of(handle)
    for page in PAGES:
        assert browser.get(page).status_code == 403, page
    answer = browser.post(f"/admin/people/{cast[handle]}", data={"roles": "admin", "reason": "I want to"})
    assert answer.status_code == 403


def test_guests_are_sent_to_sign_in(guest: Browser) -> None:
    for page in PAGES:
        assert guest.get(page).status_code == 303, page
    assert guest.post("/admin/people/1", data={"roles": "admin"}).status_code == 401


def test_the_home_page_shows_the_doors_that_rooms_contribute(root: Browser) -> None:
    page = root.get("/admin").text
    assert 'href="/admin/people"' in page
    assert 'href="/admin/log"' in page


def test_a_door_is_shown_to_those_it_opens_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "_doors", {})
    admin.contribute("Drafts", "kb.drafts", "editor")
    admin.contribute("Drafts", "kb.drafts", "editor", text="a second call replaces the first")
    assert [door.text for door in admin.doors(world.emil)] == ["a second call replaces the first"]
    assert admin.doors(world.dora) == []
    assert len(admin.doors(world.root)) == 1


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("q=ALIC", "alice", "@bob"),
        ("q=bob%40example", "bob", "@alice"),
        ("role=editor", "emil", "@alice"),
        ("q=%25", "", "@bob"),
    ],
)
def test_people_are_found_by_handle_address_and_role(root: Browser, query: str, shown: str, hidden: str) -> None:
    page = root.get(f"/admin/people?{query}")
    assert page.status_code == 200
    assert not shown or f"@{shown}</a>" in page.text
    assert f"{hidden}</a>" not in page.text


def test_the_list_of_people_has_pages(root: Browser, stage: Stage) -> None:
    stage(lambda _: [people.create(f"x{number:03}x") for number in range(60)] and None)
    first = root.get("/admin/people").text
    assert 'rel="next"' in first
    assert "@alice</a>" not in first
    assert root.get("/admin/people?page=nonsense&role=nonsense").status_code == 200


def test_an_admin_gives_and_takes_roles_and_the_log_knows(app: Flask, root: Browser, cast: dict[str, int]) -> None:
    bob = cast["bob"]
    data = {"roles": ["member", "editor", "agent"], "reason": "joins the team"}
    assert root.post(f"/admin/people/{bob}", data=data).status_code == 303
    with app.app_context():
        assert people.by_handle("bob").role_names == {"member", "editor", "agent"}  # type: ignore[union-attr]
    assert root.post(f"/admin/people/{bob}", data={"roles": ["member"], "reason": "leaves"}).status_code == 303
    first, second = entries(app)
    assert (first.deed, first.subject_kind, first.subject_id) == ("accounts.user.set_roles", "user", bob)
    assert (first.before, first.after) == ({"roles": ["member"]}, {"roles": ["member", "agent", "editor"]})
    assert (first.by_id, first.reason) == (cast["root"], "joins the team")
    assert second.after == {"roles": ["member"]}


def test_closing_and_opening_an_account_is_logged(
    app: Flask, root: Browser, cast: dict[str, int], browser_of: BrowserOf
) -> None:
    bob = browser_of("bob")
    url = f"/admin/people/{cast['bob']}"
    root.post(url, data={"roles": ["member"], "is_closed": "y", "reason": "spam"})
    assert bob.get("/settings").status_code == 303
    assert "closed" in root.get("/admin/people?q=bob").text
    root.post(url, data={"roles": ["member"], "reason": "a mistake"})
    assert [entry.deed for entry in entries(app)] == ["accounts.user.disable", "accounts.user.enable"]
    assert browser_of("bob").get("/settings").status_code == 200


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"roles": ["member"], "reason": ""}, "reason"),
        ({"roles": ["member"], "reason": "x" * 501}, "reason"),
        ({"roles": ["emperor"], "reason": "because"}, "roles"),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_changes_nothing(
    app: Flask, root: Browser, cast: dict[str, int], data: dict[str, Any], field: str
) -> None:
    answer = root.post(f"/admin/people/{cast['emil']}", data=data)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert entries(app) == []


def test_the_last_admin_stays(app: Flask, root: Browser, cast: dict[str, int]) -> None:
    url = f"/admin/people/{cast['root']}"
    for data in ({"roles": ["member"]}, {"roles": ["member", "admin"], "is_closed": "y"}):
        answer = root.post(url, data={**data, "reason": "I am tired"})
        assert answer.status_code == 409
        assert "Somebody must stay admin" in answer.text
        assert "I am tired" in answer.text
    assert entries(app) == []
    root.post(f"/admin/people/{cast['ada']}", data={"roles": ["member", "admin"], "reason": "succeeds me"})
    assert root.post(url, data={"roles": ["member"], "reason": "I am tired"}).status_code == 303


def test_nobody_but_an_admin_does_these_deeds(world: World) -> None:
    for by in (world.alice, world.ada, world.dora, world.emil, people.AnonymousUser()):
        for deed in (
            lambda by: people.set_roles(world.bob, ["admin"], by=by),
            lambda by: people.disable(world.bob, by=by, reason="x"),
            lambda by: people.enable(world.bob, by=by),
        ):
            with pytest.raises(NotAllowed):
                deed(by)


def test_a_closed_or_staged_admin_does_not_count(world: World) -> None:
    people.create("imported", roles=["admin"], is_staged=True)
    gone = people.create("gone", roles=["admin"])
    people.disable(gone, by=world.root, reason="left")
    with pytest.raises(Conflict):
        people.set_roles(world.root, ["member"], by=world.root)


def test_staged_people_cannot_be_changed(world: World) -> None:
    staged = people.create("imported", is_staged=True)
    with pytest.raises(NotAllowed):
        people.set_roles(staged, ["admin"], by=world.root)


def test_an_unknown_role_is_refused(world: World) -> None:
    with pytest.raises(Invalid) as caught:
        people.set_roles(world.bob, ["emperor"], by=world.root)
    assert "roles" in caught.value.fields


def test_nothing_changed_is_nothing_logged(app: Flask, root: Browser, cast: dict[str, int]) -> None:
    root.post(f"/admin/people/{cast['bob']}", data={"roles": ["member"], "reason": "just looking"})
    assert entries(app) == []


@pytest.mark.parametrize("number", ["0", "987654321", str(2**63 - 1), str(2**70)])
def test_nobody_has_this_number(root: Browser, number: str) -> None:
    assert root.get(f"/admin/people/{number}").status_code in {400, 404}


def test_the_log_is_searched_by_deed_reason_thing_and_person(root: Browser, stage: Stage, cast: dict[str, int]) -> None:
    def scene(world: World) -> None:
        audit.record("forum.topic.mute", world.bob, by=world.ada, reason="off topic <b>", before={"muted": False})
        audit.record("kb.article.publish", world.alice, by=world.emil, after={"tags": ["a", "b"], "n": None})

    stage(scene)
    everything = root.get("/admin/log").text
    assert "forum.topic.mute" in everything
    assert "kb.article.publish" in everything
    assert "off topic &lt;b&gt;" in everything
    for query in ("q=topic.mu", "q=OFF+topic", f"q=user+{cast['bob']}", "by=ada", "by=ADA&q=mute"):
        page = root.get(f"/admin/log?{query}").text
        assert "forum.topic.mute" in page, query
        assert "kb.article.publish" not in page, query
    for query in ("by=nobody", "q=%25", "q=user+99999999999999999999999", "q=_", "q=+7"):
        page = root.get(f"/admin/log?{query}").text
        assert "Nothing found" in page, query
