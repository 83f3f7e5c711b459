"""Import and export of people."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from accounts import people, transfer
from accounts.models import User
from core.db import db
from core.mail import Mail
from core.transfer import Report, read_jsonl
from tests.cast import World

ANNA = {
    "type": "user",
    "id": "u1",
    "handle": "Anna",
    "name": "Anna Amsel",
    "email": "Anna@Example.org",
    "roles": ["member", "editor"],
    "created": "2026-01-05T10:00:00Z",
}
BEN = {
    "type": "user",
    "id": "u2",
    "handle": "ben_42",
    "name": "Ben",
    "roles": ["member"],
    "created": "2026-01-06T10:00:00.250000Z",
}
JO = {"type": "user", "id": "u3", "handle": "jo", "name": "Jo 👋", "roles": [], "created": "2025-12-31T23:59:59Z"}


def load(folder: Path, *records: dict[str, Any]) -> Report:
    path = folder / "people.jsonl"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return read_jsonl(path)


def dumped() -> list[dict[str, Any]]:
    return [{"type": "user", **record} for record in transfer.dump()]


def test_export_of_an_import_equals_it(world: World, tmp_path: Path) -> None:
    report = load(tmp_path, ANNA, BEN, JO)
    assert report.skipped == []
    assert report.count("new") == 3
    assert dumped() == [ANNA, BEN, JO]


def test_a_second_import_changes_nothing(world: World, tmp_path: Path) -> None:
    twin = {**BEN, "id": "u4", "handle": "BEN_42"}
    load(tmp_path, ANNA, BEN, JO, twin)
    before = dumped()
    report = load(tmp_path, ANNA, BEN, JO, twin)
    assert report.count("unchanged") == 4
    assert dumped() == before


def test_imported_people_are_staged_and_get_no_mail(world: World, tmp_path: Path) -> None:
    load(tmp_path, ANNA)
    anna = people.by_handle("anna")
    assert anna is not None
    assert anna.is_staged
    assert not anna.is_active
    assert anna.password_hash is None
    assert db.session.scalars(select(Mail)).all() == []


def test_a_taken_handle_gets_the_same_number_every_time(world: World, tmp_path: Path) -> None:
    records = [
        {**BEN, "id": f"x{number}", "handle": handle} for number, handle in enumerate(["alice", "alice", "A1ice"])
    ]
    assert world.alice.handle == "alice"
    for _ in range(2):
        report = load(tmp_path, *records)
        assert report.skipped == []
        handles = db.session.scalars(select(User.handle).where(User.source_id.is_not(None)).order_by(User.source_id))
        assert list(handles) == ["alice-2", "alice-3", "A1ice-4"]


def test_a_foreign_handle_is_fitted(world: World, tmp_path: Path) -> None:
    wanted = {"Craig Gidney": "Craig-Gidney", "😀": "user", "x" * 60: "x" * 30, "_a_": "a", "jürgen ß": "jürgen-ß"}
    report = load(tmp_path, *({**BEN, "id": handle[:9], "handle": handle} for handle in wanted))
    assert report.skipped == []
    assert [user.handle for user in db.session.scalars(select(User).order_by(User.id))] == list(wanted.values())


def test_thousands_may_have_one_name(world: World) -> None:
    for number in range(300):
        people.create(people.free_handle("user"), is_staged=True, source_id=f"u{number}")
    assert people.free_handle("user") == "user-301"


def test_an_account_with_the_same_address_is_not_taken_over(world: World, tmp_path: Path) -> None:
    assert world.alice.email == "alice@example.org"
    report = load(tmp_path, {**ANNA, "email": "Alice@example.org"}, BEN)
    assert report.count("new") == 1
    ((number, reason),) = report.skipped
    assert number == 1
    assert "alice" in reason
    assert people.by_source_id("u1") is None


def test_changes_in_the_source_are_taken_over(world: World, tmp_path: Path) -> None:
    load(tmp_path, ANNA, BEN)
    changed = {**ANNA, "name": "Anna A.", "roles": ["agent"], "handle": "anne"}
    del changed["email"]
    report = load(tmp_path, changed, {**BEN, "email": "anna@example.org"})
    assert report.skipped == []
    assert report.count("changed") == 2
    assert dumped() == [changed, {**BEN, "email": "anna@example.org"}]
    assert people.by_handle("anna") is None


def test_who_has_claimed_their_account_decides_themselves(world: World, tmp_path: Path) -> None:
    load(tmp_path, ANNA)
    anna = people.by_source_id("u1")
    assert anna is not None
    anna.is_staged = False
    db.session.commit()
    assert load(tmp_path, {**ANNA, "name": "Somebody else", "roles": ["admin"]}).count("unchanged") == 1
    anna = people.by_source_id("u1")
    assert anna is not None
    assert (anna.name, anna.role_names) == ("Anna Amsel", {"member", "editor"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": None},
        {"id": 7},
        {"id": "x" * 101},
        {"handle": ""},
        {"handle": "a\0b"},
        {"name": "x" * 81},
        {"name": "a\x07b"},
        {"email": "nonsense"},
        {"roles": ["emperor"]},
        {"roles": "member"},
        {"created": "yesterday"},
        {"created": "2026-01-05T10:00:00"},
    ],
)
def test_a_line_that_cannot_be_taken_is_reported_and_the_rest_goes_in(
    world: World, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    report = load(tmp_path, {**ANNA, **wrong}, BEN)
    assert [number for number, _reason in report.skipped] == [1]
    assert report.skipped[0][1]
    assert [record["id"] for record in dumped()] == ["u2"]


def test_people_of_this_house_are_exported_with_an_id_of_their_own(world: World) -> None:
    (record,) = transfer.dump() if world.alice else ()
    assert record["id"] == f"klinke:{world.alice.id}" == transfer.reference(world.alice)
    assert record["email"] == "alice@example.org"
