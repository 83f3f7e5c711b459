"""Silencing and suspending: for a time, with a reason that is mailed, an address to object, and an end of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts import passwords, penalties, people
from accounts.models import AuditEntry, Penalty, SignIn, User
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.mail import Mail
from core.settings import WrongSetting, read
from forum import answers, drafts, follows, votes
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
REASON = "Calls other people names."
WORDS = "I was only joking, please look again."
PASSWORD = "a long way to the sea"


def silence(world: World, user: User, days: int | None = 3) -> Penalty:
    return penalties.impose(user, kind="silence", days=days, reason=REASON, by=world.ada)


def suspend(world: World, user: User, days: int | None = 3) -> Penalty:
    return penalties.impose(user, kind="suspension", days=days, reason=REASON, by=world.ada)


def test_a_silenced_person_reads_and_writes_nothing(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    silence(world, world.charlie)
    for deed in (
        lambda: world.ask(by=world.charlie),
        lambda: world.answer(topic, by=world.charlie),
        lambda: answers.comment(answer, source="A comment here.", by=world.charlie),
        lambda: votes.vote(answer, by=world.charlie),
    ):
        with pytest.raises(NotAllowed):
            deed()
    follows.follow(topic, by=world.charlie)
    drafts.save(world.charlie, "ask", {"title": "For later"})


@pytest.mark.parametrize("days", [1, 3, 7, 30])
def test_it_ends_by_itself(world: World, days: int) -> None:
    topic = world.ask()
    silence(world, world.charlie, days)
    suspend(world, world.bob, days)
    with time_machine.travel(now() + timedelta(days=days, minutes=-1)):
        assert world.charlie.is_silenced
        assert not world.bob.is_active
    with time_machine.travel(now() + timedelta(days=days, minutes=1)):
        world.answer(topic, by=world.charlie)
        assert world.bob.is_active
        assert penalties.of(world.bob) is None


def test_for_good_lasts_until_somebody_lifts_it(world: World) -> None:
    suspend(world, world.bob, None)
    with time_machine.travel(now() + timedelta(days=5000)):
        assert world.bob.is_suspended
        penalties.lift(world.bob, by=world.ada, reason="Long ago")
        assert world.bob.is_active
    assert [entry.deed for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)] == [
        "accounts.user.suspend",
        "accounts.user.lift_penalty",
    ]


def test_a_suspension_signs_out_everywhere(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    stage(lambda world: world.everybody() and None)
    bob = browser_of("bob")
    browser_of("bob")
    assert bob.get("/settings").status_code == 200
    stage(lambda world: suspend(world, world.bob))
    assert bob.get("/settings").status_code == 303
    assert stage(lambda world: db.session.query(SignIn).filter_by(user_id=world.bob.id).count()) == 0


def test_a_suspended_persons_token_opens_nothing(stage: Stage, token_of: Callable[..., str], guest: Browser) -> None:
    topic_id = stage(lambda world: [world.everybody(), world.ask().id][1])
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    path = f"/api/v1/topics/{topic_id}/answers"
    assert guest.post(path, json={"body": "An answer by token."}, headers=headers).status_code == 201
    stage(lambda world: silence(world, world.bob))
    assert guest.post(path, json={"body": "Another answer by token."}, headers=headers).status_code == 403
    stage(lambda world: suspend(world, world.bob))
    assert guest.post(path, json={"body": "A third answer by token."}, headers=headers).status_code == 401


def test_who_signs_in_while_suspended_reads_why_and_others_learn_nothing(stage: Stage, guest: Browser) -> None:
    def play(world: World) -> None:
        world.bob.password_hash = passwords.hashed(PASSWORD)
        suspend(world, world.bob)

    stage(play)
    wrong = guest.post("/sign-in", data={"handle": "bob", "password": "not the password"})
    assert wrong.status_code == 422
    assert REASON not in wrong.text
    sent = guest.post("/sign-in", data={"handle": "bob", "password": PASSWORD})
    assert sent.status_code == 303
    assert "/penalty/" in sent.location
    page = guest.get(sent.location).text
    assert REASON in page
    assert "This ends by itself on" in page
    assert guest.get("/settings").status_code == 303


def test_the_reason_is_mailed_with_an_address_to_object(
    stage: Stage, guest: Browser, worker: Callable[[], None], browser_of: BrowserOf
) -> None:
    key = stage(lambda world: suspend(world, world.bob).key)
    mail = stage(lambda _: [(m.to, m.text, m.html) for m in db.session.query(Mail)])[0]
    assert mail[0] == "bob@example.org"
    assert REASON in mail[1]
    assert f"http://localhost/penalty/{key}" in mail[1]
    assert f"http://localhost/penalty/{key}" in mail[2]
    assert guest.post(f"/penalty/{key}", data={"words": "no"}).status_code == 422
    assert guest.post(f"/penalty/{key}", data={"words": WORDS}).status_code == 303
    assert WORDS in guest.get(f"/penalty/{key}").text
    assert guest.post(f"/penalty/{key}", data={"words": WORDS}).status_code == 409
    assert WORDS in browser_of("ada").get("/moderation/people/bob").text
    stage(lambda world: penalties.lift(world.bob, by=world.ada))
    assert guest.get(f"/penalty/{key}").status_code == 404
    assert guest.get("/penalty/nothing").status_code == 404


@pytest.mark.parametrize("handle", ["alice", "tina", "dora", "emil"])
def test_only_moderators_and_admins_decide(world: World, handle: str) -> None:
    with pytest.raises(NotAllowed):
        penalties.impose(world.charlie, kind="silence", days=1, reason=REASON, by=getattr(world, handle))
    with pytest.raises(NotAllowed):
        penalties.lift(world.charlie, by=getattr(world, handle))


def test_moderators_leave_the_team_alone_and_nobody_decides_about_themselves(world: World) -> None:
    for person, by in (
        (world.dora, world.ada),
        (world.root, world.ada),
        (world.ada, world.ada),
        (world.root, world.root),
    ):
        with pytest.raises(NotAllowed):
            penalties.impose(person, kind="suspension", days=1, reason=REASON, by=by)
    penalties.impose(world.ada, kind="suspension", days=1, reason=REASON, by=world.root)
    assert not world.ada.is_active


@pytest.mark.parametrize(
    ("kind", "days", "reason", "field"),
    [
        ("ban", 1, REASON, "kind"),
        ("silence", 2, REASON, "days"),
        ("silence", 1, "short", "reason"),
        ("silence", 1, "x" * 501, "reason"),
    ],
)
def test_what_cannot_be_taken_names_its_field(world: World, kind: str, days: int, reason: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        penalties.impose(world.bob, kind=kind, days=days, reason=reason, by=world.ada)
    assert list(caught.value.fields) == [field]
    assert db.session.query(Penalty).count() == 0


def test_a_second_penalty_replaces_the_first(world: World) -> None:
    first = silence(world, world.bob).key
    suspend(world, world.bob, 7)
    assert (world.bob.is_silenced, world.bob.is_suspended) == (False, True)
    assert db.session.query(Penalty).count() == 1
    with pytest.raises(NotFound):
        penalties.by_key(first)
    entry = db.session.query(AuditEntry).filter_by(deed="accounts.user.suspend").one()
    assert entry.before is not None
    assert entry.before["kind"] == "silence"


def test_the_last_admin_is_never_locked_out(world: World) -> None:
    other = world.person("olga", "admin")
    penalties.impose(other, kind="suspension", days=None, reason=REASON, by=world.root)
    with pytest.raises(Conflict):
        people.disable(world.root, by=world.root, reason="I am tired")
    with pytest.raises(Conflict):
        people.set_roles(world.root, ["member"], by=world.root)
    other.suspended_until = now() - timedelta(minutes=1)
    db.session.flush()
    people.set_roles(world.root, ["member"], by=world.root)


def test_two_admins_who_suspend_each_other_leave_one(app: Flask, stage: Stage) -> None:
    stage(lambda world: (world.root.id, world.person("olga", "admin").id))
    start = threading.Barrier(2)

    def press(by: str, whom: str) -> str:
        with app.app_context():
            start.wait(timeout=20)
            world = World()
            try:
                penalties.impose(world.person(whom), kind="suspension", days=None, reason=REASON, by=world.person(by))
                db.session.commit()
            except (Conflict, NotAllowed) as error:
                db.session.rollback()
                return type(error).__name__
            return "done"

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(press, "root", "olga"), pool.submit(press, "olga", "root")]
        outcomes = [one.result(timeout=60) for one in both]
    assert outcomes.count("done") == 1
    assert stage(lambda _: [user.is_active for user in db.session.query(User)].count(True)) == 1


def test_by_hand(stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: world.everybody() and None)
    ada = browser_of("ada")
    assert "/moderation/people/bob" in ada.get("/u/bob").text
    assert "/moderation/people/bob" not in browser_of("dora").get("/u/bob").text
    assert browser_of("dora").get("/moderation/people/bob").status_code == 403
    page = ada.get("/moderation/people/bob").text
    for label in ("1 day", "3 days", "7 days", "30 days", "until somebody lifts it"):
        assert label in page
    refused = ada.post("/moderation/people/bob", data={"kind": "silence", "days": "7", "reason": "short"})
    assert refused.status_code == 422
    assert "A little short" in refused.text
    assert (
        ada.post("/moderation/people/bob", data={"kind": "silence", "days": "2", "reason": REASON}).status_code == 422
    )
    assert (
        ada.post("/moderation/people/root", data={"kind": "silence", "days": "1", "reason": REASON}).status_code == 403
    )
    assert (
        ada.post("/moderation/people/bob", data={"kind": "silence", "days": "0", "reason": REASON}).status_code == 303
    )
    page = browser_of("bob").get("/").text
    assert "You can read here, but not write for now." in page
    why = browser_of("bob").get("/penalty", follow_redirects=True).text
    assert REASON in why
    assert "This lasts until the team lifts it." in why
    assert browser_of("bob").post("/topics", data={}).status_code in {403, 422}
    assert ada.post("/moderation/people/bob/lift", data={"reason": "He promised"}).status_code == 303
    assert "Lifted" in ada.get("/moderation/people/bob").text
    assert "not write for now" not in browser_of("bob").get("/").text
    assert ada.get("/moderation/people/nobody-here").status_code == 404


@pytest.mark.parametrize("value", ["0", "1,x", "-1", "1,,2", "99999"])
def test_presets_that_make_no_sense_stop_the_start(value: str) -> None:
    with pytest.raises(WrongSetting, match="KLINKE_PENALTY_DAYS"):
        read({"KLINKE_PENALTY_DAYS": value, "KLINKE_SECRET_KEY": "tests " * 8})
