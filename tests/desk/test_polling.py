"""Channels are asked at their own pace; what goes wrong is noted, waited out, and told to the admins once."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from core import db as database
from core.clock import now
from core.db import db
from desk import arrivals, connections, deafness, forgetting, polling
from desk.channel_models import ChannelCourse
from desk.channels import base
from desk.channels.base import (
    Batch,
    Capabilities,
    ChannelFailed,
    Cursor,
    Finding,
    GoneForGood,
    IncomingMessage,
    NotLetIn,
    Silent,
    State,
)
from desk.models import Channel, Message
from forum.models import Notification
from tests.cast import World


class Told(Silent):
    """Tells what a test wants, from the number in its cursor on."""

    messages: ClassVar[list[IncomingMessage]] = []
    failure: ClassVar[Exception | None] = None
    state: ClassVar[State] = State()
    asked: ClassVar[int] = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(polled=True, every=60)

    def poll(self, cursor: Cursor | None) -> Iterator[Batch]:
        type(self).asked += 1
        begin = int((cursor or {}).get("read", 0))
        for number in range(begin, len(self.messages)):
            yield Batch(arrivals=(self.messages[number],), cursor={"read": number + 1}, state=self.state)
        if self.failure is not None:
            raise self.failure
        yield Batch(state=self.state)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> type[Told]:
    monkeypatch.setitem(base._kinds, "told", Told)
    for name, value in (("messages", []), ("failure", None), ("state", State()), ("asked", 0)):
        monkeypatch.setattr(Told, name, value)
    return Told


@pytest.fixture
def on(world: World, told: type[Told]) -> Channel:
    world.everybody()
    channel = Channel(slug="told", kind="told", name="Told", settings={})
    db.session.add(channel)
    db.session.commit()
    return channel


def message(number: int) -> IncomingMessage:
    return IncomingMessage(
        conversation=f"thread-{number}",
        id=f"post-{number}",
        text=f"Message number {number}",
        created_at=now() - timedelta(minutes=2),
        is_public=True,
        handle="@max",
    )


def course(on: Channel) -> ChannelCourse:
    return db.session.get_one(ChannelCourse, on.id, populate_existing=True)


def many() -> int:
    return db.session.scalar(select(func.count(Message.id))) or 0


def due_now(on: Channel) -> None:
    course(on).next_at = now() - timedelta(seconds=1)
    db.session.commit()


def test_what_was_read_is_not_read_again(on: Channel, told: type[Told]) -> None:
    told.messages = [message(1), message(2)]
    assert polling.poll_due() == 1
    assert course(on).cursor == {"read": 2}
    assert course(on).heard_at is not None
    assert 100 <= (course(on).lag_seconds or 0) <= 200
    assert polling.poll_due() == 0, "its turn is over"
    due_now(on)
    told.messages = [message(1), message(2), message(3)]
    polling.poll_due()
    assert many() == 3


def test_a_worker_that_dies_between_two_batches_goes_on_where_it_was(
    on: Channel, told: type[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    told.messages = [message(1), message(2), message(3)]
    take, taken = arrivals.take, []

    def die_at_the_third(*args: Any) -> Any:
        taken.append(1)
        if len(taken) == 3:
            raise Killed
        return take(*args)

    with monkeypatch.context() as while_it_dies:
        while_it_dies.setattr(arrivals, "take", die_at_the_third)
        with pytest.raises(Killed):
            polling.poll(on.id)
    db.session.rollback()
    assert many() == 2
    assert course(on).cursor == {"read": 2}
    assert polling.poll_due() == 0, "the dead worker's lease holds"
    course(on).leased_until = now() - timedelta(seconds=1)
    due_now(on)
    polling.poll_due()
    assert many() == 3


def test_ten_workers_ask_once(on: Channel, told: type[Told], app: Flask) -> None:
    told.messages = [message(1)]
    channel_id = on.id
    db.session.rollback()
    ready = threading.Barrier(10)
    wrong: list[BaseException] = []

    def work() -> None:
        ready.wait(timeout=30)
        try:
            with app.app_context():
                polling.poll(channel_id)
        except BaseException as error:  # noqa: BLE001 -- a thread's failure is the test's
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert wrong == []
    assert many() == 1


def test_one_message_that_cannot_be_taken_in_does_not_hold_up_the_others(
    on: Channel, told: type[Told], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told.messages = [message(1), message(2), message(3)]
    take = arrivals.take

    def choke(channel: Channel, arrival: Any) -> Any:
        if arrival.id == "post-2":
            raise ValueError(arrival.id)
        return take(channel, arrival)

    monkeypatch.setattr(arrivals, "take", choke)
    polling.poll_due()
    assert many() == 2
    assert course(on).unread == 1
    assert "cannot be taken in" in caplog.text


def test_a_message_is_not_given_up_because_the_database_is_in_trouble(
    on: Channel, told: type[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(Exception):
        sqlite_errorname = "SQLITE_BUSY"
        sqlstate = "53100"

    take, left = arrivals.take_all, [2]

    def fail_at_first(*args: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("insert", {}, Busy())
        return take(*args)

    told.messages = [message(1), message(2)]
    monkeypatch.setattr(arrivals, "take_all", fail_at_first)
    polling.poll(on.id)
    assert (many(), course(on).unread, course(on).cursor) == (0, 0, None)
    assert (course(on).failures, course(on).failure) == (1, "the database could not take in what it told")
    for _again in range(2):
        due_now(on)
        polling.poll_due()
    assert (many(), course(on).unread, course(on).failures) == (2, 0, 0)


def test_a_module_that_stumbles_is_a_channel_that_does_not_answer(
    on: Channel, told: type[Told], caplog: pytest.LogCaptureFixture
) -> None:
    told.messages = [message(1)]
    told.failure = KeyError("notifications")
    polling.poll(on.id)
    assert many() == 1, "what it told before is kept"
    assert course(on).failure == "its answer could not be read; the log says more"
    assert course(on).leased_until is None
    assert "KeyError" in caplog.text
    course(on).heard_at = now() - timedelta(days=1)
    db.session.commit()
    assert [channel.id for channel, _ in deafness.deaf()] == [on.id]


def test_the_pause_grows_and_the_service_may_ask_for_more(on: Channel, told: type[Told]) -> None:
    pauses = []
    for _ in range(3):
        told.failure = ChannelFailed("no answer")
        polling.poll(on.id)
        pauses.append((course(on).next_at or now()) - now())
    assert pauses[0] < pauses[1] < pauses[2]
    assert course(on).failures == 3
    assert course(on).failure == "no answer"
    told.failure = ChannelFailed("too many", retry_after=7200)
    polling.poll(on.id)
    assert (course(on).next_at or now()) > now() + timedelta(minutes=119)
    told.failure = None
    polling.poll(on.id)
    assert (course(on).failures, course(on).failure) == (0, "")


@pytest.mark.parametrize("failure", [NotLetIn("the token is not valid any more"), GoneForGood("there is nothing")])
def test_what_cannot_work_is_not_asked_until_an_admin_says_so(
    world: World, on: Channel, told: type[Told], failure: ChannelFailed
) -> None:
    told.failure = failure
    polling.poll(on.id)
    assert course(on).next_at is None
    assert polling.poll_due() == 0
    told.failure = None
    connections.check(on, by=world.root)
    db.session.commit()
    assert polling.poll_due() == 1


def test_what_the_service_says_of_itself_is_kept(on: Channel, told: type[Told]) -> None:
    ends = now() + timedelta(days=30)
    told.state = State(wait=5, quota_left=17, quota_renewed_at=ends, expires_at=ends)
    polling.poll(on.id)
    assert course(on).quota_left == 17
    assert course(on).expires_at == ends
    assert (course(on).next_at or now()) < now() + timedelta(seconds=6)


def test_admins_hear_once_of_a_channel_that_is_deaf_and_again_when_it_is_deaf_again(
    world: World, on: Channel, told: type[Told]
) -> None:
    told.failure = ChannelFailed("no answer")
    polling.poll(on.id)
    assert deafness.tell() == 0, "it may be back in a moment"
    db.session.get_one(Channel, on.id).created_at = now() - timedelta(hours=1)
    db.session.commit()
    assert deafness.tell() == 1
    assert deafness.tell() == 0
    note = db.session.scalars(select(Notification).where(Notification.kind == "channel_deaf")).one()
    assert note.user_id == world.root.id
    assert note.url == f"/admin/channels/{on.id}"
    assert connections.complaint() == "Told does not answer"
    told.failure = None
    polling.poll(on.id)
    assert connections.complaint() == ""
    told.failure = NotLetIn("the token is not valid any more")
    polling.poll(on.id)
    assert deafness.tell() == 1, "who is not let in is deaf at once"


def test_admins_hear_once_that_a_sign_in_ends_soon(on: Channel, told: type[Told]) -> None:
    told.state = State(expires_at=now() + timedelta(days=2))
    polling.poll(on.id)
    assert deafness.tell() == 1
    assert deafness.tell() == 0


def test_a_channel_that_is_switched_off_is_not_asked(on: Channel, told: type[Told]) -> None:
    on.disabled_at = now()
    db.session.commit()
    assert polling.poll_due() == 0
    assert told.asked == 0


def test_the_worker_asks_beside_its_other_work_and_ends_in_time(
    on: Channel, told: type[Told], app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PAUSE_SECONDS", 0.01)
    told.messages = [message(1)]
    stopping = threading.Event()
    thread = threading.Thread(target=polling.run, args=(app, stopping))
    thread.start()
    for _ in range(600):
        if told.asked:
            break
        stopping.wait(0.05)
    stopping.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert many() == 1


class Heard(Told):
    """Can be listened to; it notes with what it signed in, and when it let go."""

    open: list[str] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(polled=True, every=3600, listens=True)

    def listen(self, wake: Callable[[], None], stopping: threading.Event) -> None:
        password = (self.channel.credentials or {})["password"]
        self.open.append(password)
        stopping.wait()
        self.open.remove(password)


@pytest.fixture
def heard(
    world: World, told: type[Told], app: Flask, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Channel, list[str]]]:
    """A channel to which somebody listens, and the passwords with which a connection is held."""
    world.everybody()
    monkeypatch.setitem(base._kinds, "heard", Heard)
    monkeypatch.setattr(Heard, "open", held := [])
    monkeypatch.setattr(polling, "PAUSE_SECONDS", 0.01)
    channel = Channel(slug="heard", kind="heard", name="Heard", settings={}, credentials={"password": "old"})
    db.session.add(channel)
    db.session.commit()
    stopping = threading.Event()
    thread = threading.Thread(target=polling.run, args=(app, stopping))
    thread.start()
    assert comes_true(lambda: held == ["old"])
    yield channel, held
    stopping.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert comes_true(lambda: held == [])


def comes_true(is_so: Callable[[], bool]) -> bool:
    """Wait until something is so, at most half a minute, and tell whether it is."""
    pause = threading.Event()
    for _ in range(1200):
        if is_so():
            return True
        pause.wait(0.025)
    return is_so()


def stays(is_so: Callable[[], bool], *, rounds: int = 40) -> bool:
    """Tell whether something is still so after so many rounds of the worker."""
    pause = threading.Event()
    return all(is_so() and not pause.wait(polling.PAUSE_SECONDS) for _ in range(rounds))


def test_who_listens_lets_go_when_it_is_connected_otherwise(heard: tuple[Channel, list[str]], world: World) -> None:
    channel, held = heard
    channel.credentials = {"password": "new"}
    connections.change(channel, name="Heard", values={}, by=world.root)
    db.session.commit()
    assert comes_true(lambda: held == ["new"])


def test_who_listens_lets_go_of_a_channel_that_is_switched_off(heard: tuple[Channel, list[str]], world: World) -> None:
    channel, held = heard
    connections.switch_off(channel, by=world.root)
    db.session.commit()
    assert comes_true(lambda: held == [])
    connections.switch_on(channel, by=world.root)
    db.session.commit()
    assert comes_true(lambda: held == ["old"])


def test_who_listens_lets_go_of_a_channel_that_is_disconnected(heard: tuple[Channel, list[str]], world: World) -> None:
    channel, held = heard
    forgetting.forget(channel, typed="heard", by=world.root)
    db.session.commit()
    assert comes_true(lambda: held == [])
    assert stays(lambda: held == [])


def test_nobody_knocks_again_and_again_where_we_are_not_let_in(heard: tuple[Channel, list[str]]) -> None:
    channel, held = heard
    polling.note_failure(channel.id, NotLetIn("the token is not valid any more"))
    assert comes_true(lambda: held == [])
    assert stays(lambda: held == [])


def test_while_a_connection_is_tried_others_write(
    on: Channel, told: type[Told], world: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(_: Told) -> list[Finding]:
        database.before_waiting()
        with app.app_context():  # on SQLite this would wait for the lock in vain
            db.session.add(Channel(slug="other", kind="told", name="Other", settings={}))
            db.session.commit()
        return [Finding(is_well=True, words="It works.")]

    monkeypatch.setattr(Told, "check", check, raising=False)
    assert [one.words for one in connections.check(on, by=world.root)] == ["It works."]
    db.session.commit()
    assert db.session.scalar(select(func.count(Channel.id))) == 2
