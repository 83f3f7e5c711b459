"""Calls do what every channel must, as far as a channel without a wire can.

Nothing arrives by itself: the rig notes calls in the pages of the desk, as an agent does, and *the service tells it
again* is a form that is sent again. What cannot apply:

- *429, 500, time-out, half an answer, lost answer, refused, not let in, a killed worker*: nothing is sent and nobody is
  asked. The tests of them assert, as for feeds, that a reply is refused with the reason and nothing is tried.
- *the check says what does not work*: there is no connection that could break. The check says so.
- *no private address is asked*: no address is asked at all, which the test still asserts.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.db import db
from desk import calls, connections
from desk.channels.base import adapter_of
from desk.clock_models import ClockEvent
from desk.models import Channel, Contact, Conversation, Message
from desk.person_models import CallNote
from tests.cast import World
from tests.channels.conformance import WORDS, Conformance, Rig, Seen, Stage, answer, channel_of, sent
from tests.conftest import Browser
from tests.kb.shelf import fields_of

NEW = "/desk/call-notes/new"


class PhoneRig(Rig):
    kind = "phone"
    is_public = False
    polled = False
    by_hand = True

    def __init__(self, browser_of: Callable[[str], Browser]) -> None:
        self.browser_of = browser_of
        self.calls: dict[str, dict[str, str]] = {}
        """What the customers say, by the test's name; once its form was opened it stays that form."""
        self.notes: dict[str, int] = {}
        self.changes: dict[str, dict[str, str]] = {}
        self.lock = threading.Lock()

    def connect(self, world: World) -> Channel:
        assert world.dora
        assert world.lena
        return connections.connect("phone", slug="phone", name="Telephone", values={"country": "49"}, by=world.root)

    def write(self, text: str, *, id: str, answers: str | None = None, by: str = "max") -> None:  # noqa: A002
        self.calls[id] = {"caller": by.title(), "number": "0171 5550100", "text": text, "result": "reached"}

    def edit(self, id: str, text: str) -> None:  # noqa: A002
        where = f"/desk/call-notes/{self.notes[id]}/change"
        fields = fields_of(self.browser_of("dora").get(where).text, where)
        self.changes[where] = {**fields, "text": text}

    def remove(self, id: str) -> None:  # noqa: A002
        where = f"/desk/call-notes/{self.notes[id]}/removal"
        fields = fields_of(self.browser_of("lena").get(where).text, where)
        self.changes[where] = {**fields, "reason": "A password was in it"}

    def bring(self, app: Flask, only: Sequence[str] | None = None) -> None:
        browsers = {name: self.browser_of(name) for name in ("dora", "lena")}
        for name in only or list(self.calls):
            with self.lock:  # one form, however many send it
                if "once" not in self.calls[name]:
                    self.calls[name] = {**fields_of(browsers["dora"].get(NEW).text, NEW), **self.calls[name]}
            noted = browsers["dora"].post(NEW, data=self.calls[name])
            assert noted.status_code == 303, noted.text
            message_id = int(noted.location.rpartition("#m")[2])
            with app.app_context():
                found = db.session.scalars(select(CallNote.id).where(CallNote.message_id == message_id)).one()
            self.notes[name] = found
        for where, fields in self.changes.items():
            who = "lena" if where.endswith("removal") else "dora"
            assert browsers[who].post(where, data=fields).status_code == 303

    def bring_again(self, app: Flask) -> None:
        self.bring(app)

    def answer(self, conversation: Conversation, text: str, world: World) -> None:
        said = calls.Said(kind="call_out", result="reached", text=text, is_answer=True)
        calls.note(conversation, said, by=world.dora)

    def seen(self) -> list[Seen]:
        return []

    def requests(self) -> int:
        return 0

    def attempts(self) -> int:
        return 0


class TestPhone(Conformance):
    @pytest.fixture
    def rig(self, browser_of: Callable[[str], Browser]) -> Rig:
        return PhoneRig(browser_of)

    def test_an_answer_stands_there_once_with_every_letter(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None]
    ) -> None:
        """The answer is a call that was made: it stands in the conversation, and the clock has stopped."""
        answer(app, rig, stage, WORDS)
        worker()
        with app.app_context():
            message = sent(app)
            assert (message.state, message.text, message.kind) == ("sent", WORDS, "call")
            assert message.conversation.state == "waiting_customer"
            assert message.conversation.waiting_since is None
            assert db.session.scalars(select(ClockEvent).where(ClockEvent.kind == "answered")).one().promise == "first"

    def test_the_check_says_what_works_and_what_does_not(self, app: Flask, rig: Rig, on: int, stage: Stage) -> None:
        found = stage(lambda world: connections.check(channel_of(on), by=world.root))
        assert [(one.is_well, bool(one.words)) for one in found] == [(True, True)]

    def test_a_channel_that_is_forgotten_leaves_nothing(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Any]
    ) -> None:
        super().test_a_channel_that_is_forgotten_leaves_nothing(app, rig, on, stage, worker, browser_of)
        with app.app_context():
            assert db.session.scalar(select(func.count()).select_from(CallNote)) == 0


def test_it_is_opened_in_the_admin_pages_without_anything_to_sign_in_with(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.root.id)
    root = browser_of("root")
    page = root.get("/admin/channels/new/phone")
    assert "No telephone system is connected." in page.text
    typed = {"name": "Telephone", "slug": "phone", "says_country": "43", "says_hours": "Weekdays from 9 to 17"}
    assert root.post("/admin/channels/new/phone", data={**typed, "says_country": "many"}).status_code == 422
    assert root.post("/admin/channels/new/phone", data=typed).status_code == 303
    with app.app_context():
        channel = db.session.scalars(select(Channel)).one()
        can = adapter_of(channel).capabilities
        assert (can.calls, can.may_send, can.polled, can.has_webhook) == (True, False, False, False)
        assert (calls.home(), channel.secret, channel.credentials) == ("43", None, None)


def test_nothing_is_delivered_to_it(app: Flask, stage: Stage, guest: Browser) -> None:
    stage(lambda world: PhoneRig(lambda _name: guest).connect(world).id)
    assert guest.post("/channels/phone/webhook", data=b"{}").status_code == 404
    with app.app_context():
        for model in (Message, Conversation, Contact):
            assert db.session.scalar(select(func.count()).select_from(model)) == 0
