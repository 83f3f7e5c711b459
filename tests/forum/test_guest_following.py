"""A guest hears of one solution by mail: asked twice, told once, never told on, and forgotten."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from core.db import db
from core.mail import Mail
from forum import answers, guest_follows, merging, moderation, tickets
from forum.models import Acceptance, GuestFollow, Post, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.forum.test_mailing import html_of, mails, text_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Worker = Callable[[], None]
Stage = Callable[[Callable[[World], Any]], Any]
GUEST = "gerda@example.net"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def later(clock: time_machine.Traveller, worker: Worker) -> Callable[..., None]:
    """Let the worker work, some time pass, and the worker work again, until what is due is mailed."""

    def pass_time(**kwargs: float) -> None:
        worker()
        clock.shift(timedelta(**kwargs))
        for _ in range(3):
            worker()

    return pass_time


@pytest.fixture
def topic_id(stage: Stage) -> int:
    return int(stage(lambda world: [world.everybody(), world.ask().id][1]))


def path_in(message: EmailMessage, end: str = "") -> str:
    found = re.search(rf"http://localhost(/mail/solution/[^\s/]+{end})\s", text_of(message))
    assert found, text_of(message)
    return found[1]


def wishes(_: World) -> list[tuple[str, bool, int]]:
    rows = db.session.scalars(select(GuestFollow).order_by(GuestFollow.id))
    return [(one.email, one.confirmed_at is not None, one.tellings) for one in rows]


def wanted(guest: Browser, topic_id: int, email: str = GUEST) -> Any:
    return guest.post(f"/topics/{topic_id}/solution-mail", data={"email": email})


@pytest.fixture
def confirmed(app: Flask, guest: Browser, worker: Worker, topic_id: int) -> str:
    """Gerda asked and confirmed; the address in her mail."""
    assert wanted(guest, topic_id).status_code == 200
    worker()
    path = path_in(mails(app, GUEST)[0])
    assert guest.post(path).status_code == 303
    return path


def accepted(topic_id: int, source: str = "Hold it for ten seconds.") -> Callable[[World], int]:
    def scene(world: World) -> int:
        answer = world.answer(db.session.get_one(Topic, topic_id), source)
        answers.accept(answer, by=world.alice)
        return answer.id

    return scene


def test_nothing_is_sent_before_the_address_is_confirmed_from_its_own_mailbox(
    app: Flask, guest: Browser, stage: Stage, later: Callable[..., None], topic_id: int
) -> None:
    page = guest.get(f"/t/{topic_id}", follow_redirects=True).text
    assert f"/topics/{topic_id}/solution-mail" in page
    assert "gerda" not in guest.get(f"/topics/{topic_id}/solution-mail").text
    wanted(guest, topic_id)
    stage(accepted(topic_id))
    later(hours=3)
    (mail,) = mails(app)
    assert str(mail["To"]) == GUEST
    assert "Hold it" not in text_of(mail) + html_of(mail)
    assert guest.get(path_in(mail)).status_code == 200, "a look changes nothing"
    assert stage(wishes) == [(GUEST, False, 0)]
    later(hours=3)
    assert len(mails(app)) == 1
    assert guest.post(path_in(mail)).status_code == 303
    later(hours=1)
    assert len(mails(app)) == 2, "confirmed after the solution came, it is told at once"


def test_one_mail_when_it_is_solved_and_one_more_when_that_is_taken_back(
    app: Flask, guest: Browser, stage: Stage, later: Callable[..., None], topic_id: int, confirmed: str
) -> None:
    answer_id = stage(accepted(topic_id))
    later(minutes=4)
    assert len(mails(app, GUEST)) == 1
    later(minutes=7)
    solved = mails(app, GUEST)[1]
    assert str(solved["Subject"]) == "[Klinke] Solved: Wireless gone after the update"
    for words in (text_of(solved), html_of(solved)):
        assert "Hold it for ten seconds." in words
        assert f"http://localhost/p/{answer_id}" in words
    later(hours=12)
    assert len(mails(app, GUEST)) == 2
    stage(lambda world: answers.undo_acceptance(db.session.get_one(Topic, topic_id), by=world.alice))
    later(minutes=10)
    gone = mails(app, GUEST)[2]
    assert "Not solved after all" in str(gone["Subject"])
    assert "last mail" in text_of(gone)
    stage(accepted(topic_id, "Or hold it for a minute."))
    later(hours=2)
    assert len(mails(app, GUEST)) == 3, "once more at most"


def test_what_is_corrected_within_minutes_is_one_mail(
    app: Flask, stage: Stage, later: Callable[..., None], topic_id: int, confirmed: str
) -> None:
    stage(accepted(topic_id))
    later(minutes=2)
    stage(accepted(topic_id, "No: hold it for a minute."))
    later(minutes=10)
    (_, mail) = mails(app, GUEST)
    assert "for a minute" in text_of(mail)
    stage(accepted(topic_id, "Better still: use a pin."))
    later(minutes=10)
    assert "Another solution" in str(mails(app, GUEST)[2]["Subject"])


def test_what_is_muted_sends_nothing_until_it_is_shown_again(
    app: Flask, guest: Browser, stage: Stage, later: Callable[..., None], topic_id: int, confirmed: str
) -> None:
    stage(accepted(topic_id))
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="off topic"))
    later(hours=2)
    assert len(mails(app, GUEST)) == 1
    assert "Wireless" not in guest.get(confirmed).text
    assert guest.get(f"/topics/{topic_id}/solution-mail").status_code == 404
    assert wanted(guest, topic_id, "other@example.net").status_code == 404
    stop = guest.get(f"{confirmed}/stop")
    assert stop.status_code == 200
    assert "Wireless" not in stop.text
    stage(lambda world: moderation.unmute(db.session.get_one(Topic, topic_id), by=world.ada))
    later(minutes=10)
    assert len(mails(app, GUEST)) == 2


def test_a_solution_muted_while_its_mail_waits_is_not_mailed(
    app: Flask, stage: Stage, clock: time_machine.Traveller, worker: Worker, topic_id: int, confirmed: str
) -> None:
    answer_id = stage(accepted(topic_id))
    stage(lambda _: guest_follows.tell_due())
    clock.shift(timedelta(minutes=6))
    stage(lambda _: guest_follows.tell_due())
    stage(lambda world: moderation.mute(db.session.get_one(Post, answer_id), by=world.ada, reason="off topic"))
    worker()
    assert len(mails(app, GUEST)) == 1


def test_one_click_ends_it_and_forgets_the_address(
    app: Flask, guest: Browser, stage: Stage, later: Callable[..., None], topic_id: int, confirmed: str
) -> None:
    mail = mails(app, GUEST)[0]
    assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    path = str(mail["List-Unsubscribe"]).strip("<>").removeprefix("http://localhost")
    assert path == f"{confirmed}/stop"
    assert guest.get(path).status_code == 200
    assert len(stage(wishes)) == 1
    for _ in range(2):
        assert guest.post(path, data={"List-Unsubscribe": "One-Click"}, without_csrf=True).status_code == 200
    assert stage(wishes) == []
    assert stage(lambda _: db.session.query(Mail).filter_by(to=GUEST).count()) == 0
    assert guest.get(confirmed).status_code == 404
    stage(accepted(topic_id))
    later(hours=2)
    assert len(mails(app)) == 0


def test_a_forged_address_opens_nothing(guest: Browser, stage: Stage, topic_id: int, confirmed: str) -> None:
    token = confirmed.rsplit("/", 1)[1]
    other = stage(lambda world: tickets.for_unsubscribing(world.alice, ["answers"]))
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-5], other, "x"):
        for path in (f"/mail/solution/{forged}", f"/mail/solution/{forged}/stop"):
            assert guest.get(path).status_code == 404
            assert guest.post(path).status_code == 404
    assert stage(wishes) == [(GUEST, True, 0)]


def test_the_answer_is_the_same_for_members_strangers_and_those_who_asked_before(
    app: Flask, guest: Browser, worker: Worker, topic_id: int
) -> None:
    pages = [wanted(guest, topic_id, email) for email in ("alice@example.org", GUEST, GUEST, "GERDA@example.net")]
    assert {page.status_code for page in pages} == {200}
    assert len({re.sub(r'value="[^"]+"', "", page.text) for page in pages}) == 1
    worker()
    assert sorted(str(mail["To"]) for mail in mails(app)) == ["alice@example.org", GUEST]


def test_one_network_and_one_address_have_their_limits(
    app: Flask, guest: Browser, stage: Stage, worker: Worker, clock: time_machine.Traveller
) -> None:
    ids = stage(lambda world: [world.ask(f"Question number {one} of many").id for one in range(7)])
    for topic_id in ids[:5]:
        assert wanted(guest, topic_id).status_code == 200
    refused = wanted(guest, ids[5])
    assert refused.status_code == 429
    assert GUEST in refused.text
    clock.shift(timedelta(minutes=16))
    assert wanted(guest, ids[5]).status_code == 200
    worker()
    assert len(mails(app, GUEST)) == 5, "the sixth of a day is not asked, and nobody learns it"


def test_what_is_no_address_is_said_at_its_field(guest: Browser, topic_id: int) -> None:
    for typed in ("", "x", "a@b@c", "a" * 400 + "@example.org", "a@example.org\nBcc: b@example.org"):
        page = wanted(guest, topic_id, typed)
        assert page.status_code == 422
        assert 'id="email-error"' in page.text


def test_a_solved_question_takes_nobody(guest: Browser, stage: Stage, topic_id: int) -> None:
    stage(accepted(topic_id))
    assert "/solution-mail" not in guest.get(f"/t/{topic_id}", follow_redirects=True).text
    assert guest.get(f"/topics/{topic_id}/solution-mail").status_code == 200
    assert wanted(guest, topic_id).status_code == 422
    assert stage(wishes) == []


def test_addresses_are_forgotten(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser, topic_id: int, confirmed: str
) -> None:
    wanted(guest, topic_id, "never@example.net")
    later(days=3)
    assert stage(wishes) == [(GUEST, True, 0)], "who never confirmed is forgotten first"
    stage(accepted(topic_id))
    later(minutes=10)
    later(days=13)
    assert stage(wishes) == [(GUEST, True, 1)]
    later(days=2)
    assert stage(wishes) == []
    assert stage(lambda _: db.session.query(Mail).count()) == 0, "nor does the queue of mails keep them"


def test_an_unsolved_question_is_not_waited_for_longer_than_the_setting_says(
    stage: Stage, later: Callable[..., None], topic_id: int, confirmed: str
) -> None:
    later(days=89)
    assert len(stage(wishes)) == 1
    later(days=2)
    assert stage(wishes) == []


def test_who_merges_takes_them_along(
    app: Flask, stage: Stage, later: Callable[..., None], topic_id: int, confirmed: str
) -> None:
    def scene(world: World) -> None:
        other = world.ask("The same asked by somebody else", by=world.tina)
        merging.merge(db.session.get_one(Topic, topic_id), into=other, by=world.ada, knowing=True)
        answers.accept(world.answer(other), by=world.tina)

    stage(scene)
    later(minutes=10)
    assert "somebody else" in str(mails(app, GUEST)[1]["Subject"])


def test_two_workers_mail_once(
    app: Flask, stage: Stage, clock: time_machine.Traveller, worker: Worker, topic_id: int, confirmed: str
) -> None:
    stage(accepted(topic_id))
    stage(lambda _: guest_follows.tell_due())
    clock.shift(timedelta(minutes=6))

    def turn() -> None:
        with app.app_context():
            guest_follows.tell_due()
            db.session.remove()

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    worker()
    assert len(mails(app, GUEST)) == 2
    assert stage(lambda _: db.session.query(Acceptance).count()) == 1


def test_members_are_led_to_their_own_choice(browser_of: Callable[[str], Browser], topic_id: int) -> None:
    assert browser_of("charlie").get(f"/topics/{topic_id}/solution-mail").status_code == 303
