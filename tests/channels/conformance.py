"""What every channel must do, whatever its service.

A test module for a service subclasses `Conformance` and gives a `Rig`, which is the service (a real server, or a strict
fake that speaks the protocol over HTTP on loopback) and a channel of the desk that is connected to it. What a service
cannot do its rig says, and the test asserts that instead.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.errors import Invalid
from core.outbox import Delivery
from desk import by_hand, connections, polling, replies
from desk.channel_models import ChannelCourse, ChannelDelivery, MessageFile, MessageVersion
from desk.channels.base import adapter_of
from desk.models import Channel, Contact, Conversation, Message
from tests.cast import World

Trouble = Literal["429", "500", "timeout", "half", "lost answer", "refused", "not let in"]
"""What a service does to the next request; `lost answer`: it takes the message and breaks the connection."""
WORDS = "Größe prüfen: 10 € für Ümläute 🙈👩‍👩‍👧‍👦 und ein „Zitat“"
PLACE = "https://blog.example/post#comment-12"
"""Where a reply stands that was written by hand."""
Stage = Callable[[Callable[[World], Any]], Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of ours as it stands at the service."""

    id: str
    text: str
    answers: str | None
    """The id of what it answers."""


class Rig:
    """A service and how a test plays it; subclasses speak its protocol."""

    kind: str
    is_public = True
    """What customers write there is public."""
    edits = True
    removes = True
    polled = True
    """The desk asks; otherwise the service delivers."""
    by_hand = False
    """Nothing is sent from here: agents answer at the service and note where."""
    secrets: Sequence[str] = ()
    """What must never be seen again: passwords, tokens."""

    def close(self) -> None: ...

    def settings(self) -> dict[str, Any]:
        """Return the settings of the installation for the test, as the address of the service on loopback."""
        return {}

    def connect(self, world: World) -> Channel:
        """Open the channel as an admin does."""
        raise NotImplementedError

    def write(self, text: str, *, id: str, answers: str | None = None, by: str = "max") -> None:  # noqa: A002
        """Have a customer write; `id` is the test's name for the message, `answers` that of one before it."""
        raise NotImplementedError

    def edit(self, id: str, text: str) -> None:  # noqa: A002 -- the same
        raise NotImplementedError

    def remove(self, id: str) -> None:  # noqa: A002 -- the same
        raise NotImplementedError

    def external_id(self, id: str) -> str:  # noqa: A002 -- the same
        """Return what the desk calls the message."""
        return id

    def bring(self, app: Flask, only: Sequence[str] | None = None) -> None:
        """Have the desk hear of everything that was written and of changes; `only` of these messages, in this order."""
        raise NotImplementedError

    def bring_again(self, app: Flask) -> None:
        """Have the desk hear of everything again, as a service that repeats itself or a cursor that was lost."""
        raise NotImplementedError

    def trouble(self, *what: Trouble) -> None:
        """Have the next writing requests fail so, one after the other; then all is well."""
        raise NotImplementedError

    def trouble_reading(self, what: Trouble) -> None:
        """Have the next request that reads fail so."""
        raise NotImplementedError

    def answer(self, conversation: Conversation, text: str, world: World) -> None:
        """Have an agent answer the customer."""
        if self.by_hand:
            by_hand.record(conversation, text=text, url=PLACE, by=world.dora)
            return
        replies.reply(conversation, text=text, by=world.dora, is_public=self.is_public)

    def seen(self) -> list[Seen]:
        """Return what stands there of ours."""
        raise NotImplementedError

    def requests(self) -> int:
        """Return how many connections the service has had."""
        raise NotImplementedError

    def attempts(self) -> int:
        """Return how often it was tried to write."""
        raise NotImplementedError


class Conformance:
    """The tests that every channel passes."""

    retry_after = 7
    """What the rig's 429 asks for, in seconds."""

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        raise NotImplementedError

    @pytest.fixture
    def on(self, app: Flask, rig: Rig, stage: Stage, settings: Callable[..., None]) -> int:
        """The channel, connected."""
        settings(**rig.settings())
        channel_id: int = stage(lambda world: rig.connect(world).id)
        return channel_id

    # In

    def test_umlauts_and_emoji_arrive_as_they_were_written(self, app: Flask, rig: Rig, on: int) -> None:
        rig.write(WORDS, id="one")
        rig.bring(app)
        assert texts(app) == [WORDS]

    def test_what_is_told_ten_times_is_one_message(self, app: Flask, rig: Rig, on: int) -> None:
        rig.write("My router is offline since the update.", id="one")
        rig.bring(app)
        for _ in range(9):
            rig.bring_again(app)
        assert texts(app) == ["My router is offline since the update."]
        with app.app_context():
            assert db.session.scalar(select(func.count(Conversation.id))) == 1
            assert db.session.scalar(select(func.count(Contact.id))) == 1

    def test_what_is_told_ten_times_at_once_is_one_message(self, app: Flask, rig: Rig, on: int) -> None:
        rig.write("My router is offline since the update.", id="one")
        wrong: list[BaseException] = []

        def bring() -> None:
            try:
                rig.bring_again(app)
            except BaseException as error:  # noqa: BLE001 -- a thread's failure is the test's
                wrong.append(error)

        threads = [threading.Thread(target=bring) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert wrong == []
        assert texts(app) == ["My router is offline since the update."]

    def test_the_order_of_arrival_does_not_matter(self, app: Flask, rig: Rig, on: int) -> None:
        rig.write("My router is offline.", id="one")
        rig.write("It worked yesterday.", id="two", answers="one")
        rig.write("And the light is red.", id="three", answers="two")
        rig.bring(app, only=["three", "one", "two"])
        with app.app_context():
            messages = db.session.scalars(select(Message)).all()
            assert {message.text for message in messages} == {
                "My router is offline.",
                "It worked yesterday.",
                "And the light is red.",
            }
            assert len({message.conversation_id for message in messages}) == 1

    def test_what_the_customer_changes_is_changed_here(self, app: Flask, rig: Rig, on: int) -> None:
        rig.write("My router is ofline.", id="one")
        rig.bring(app)
        if not rig.edits:
            return self._says_that_nothing_is_changed(app, rig)
        rig.edit("one", "My router is offline, and nobody answers!")
        rig.bring(app)
        rig.bring_again(app)
        assert texts(app) == ["My router is offline, and nobody answers!"]
        with app.app_context():
            assert [one.text for one in db.session.scalars(select(MessageVersion))] == ["My router is ofline."]
        return None

    def _says_that_nothing_is_changed(self, app: Flask, rig: Rig) -> None:
        with pytest.raises(NotImplementedError):
            rig.edit("one", "anything")
        assert texts(app) == ["My router is ofline."]

    def test_what_the_customer_takes_away_is_gone_here(self, app: Flask, rig: Rig, on: int) -> None:
        rig.write("My password is swordfish.", id="one")
        rig.bring(app)
        if not rig.removes:
            with pytest.raises(NotImplementedError):
                rig.remove("one")
            return
        rig.remove("one")
        rig.bring(app)
        rig.bring_again(app)
        with app.app_context():
            message = db.session.scalars(select(Message)).one()
            assert message.removed_at is not None
            assert message.text == ""
            assert message.conversation.last_words == ""
            assert db.session.scalar(select(func.count(MessageFile.id))) == 0

    # Out

    def test_an_answer_stands_there_once_with_every_letter(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None]
    ) -> None:
        answer(app, rig, stage, WORDS)
        worker()
        if rig.by_hand:
            with app.app_context():
                assert (sent(app).state, sent(app).text, sent(app).url) == ("sent", WORDS, PLACE)
            return
        seen = rig.seen()
        assert [WORDS in one.text for one in seen] == [True]
        assert seen[0].answers in {None, rig.external_id("one")}
        with app.app_context():
            message = sent(app)
            assert message.state == "sent"
            assert message.external_id in {None, seen[0].id}

    def test_our_own_words_do_not_come_back_as_a_customers(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None]
    ) -> None:
        answer(app, rig, stage, "Please restart it once.")
        worker()
        rig.bring_again(app)
        with app.app_context():
            incoming = select(func.count(Message.id)).where(Message.direction == "in")
            assert db.session.scalar(incoming) == 1

    @pytest.mark.parametrize("what", ["429", "500", "refused"])
    def test_what_was_refused_for_now_is_tried_again_and_stands_there_once(
        self,
        app: Flask,
        rig: Rig,
        on: int,
        stage: Stage,
        worker: Callable[[], None],
        what: Trouble,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if rig.by_hand:
            nothing_is_sent(app, rig, stage, worker)
            return
        # On a slow machine a second is over before the worker is idle, and it would have tried again already.
        monkeypatch.setattr(replies, "FIRST_PAUSE_SECONDS", 60.0)
        answer(app, rig, stage, "Please restart it once.")
        rig.trouble(what)
        worker()
        with app.app_context():
            assert sent(app).state == "queued"
            assert sent(app).failure
            due = db.session.scalars(select(Delivery.due_at).where(Delivery.event == "ReplyQueued")).one()
            if what == "429":
                assert due >= now() + timedelta(seconds=self.retry_after - 3)
        at_once(app)
        worker()
        assert len(rig.seen()) == 1
        with app.app_context():
            assert sent(app).state == "sent"

    @pytest.mark.parametrize("what", ["timeout", "half", "lost answer"])
    def test_of_what_nobody_knows_nothing_is_sent_twice(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None], what: Trouble
    ) -> None:
        if rig.by_hand:
            nothing_is_sent(app, rig, stage, worker)
            return
        answer(app, rig, stage, "Please restart it once.")
        rig.trouble(what)
        worker()
        for _ in range(3):
            at_once(app)
            worker()
        assert len(rig.seen()) <= 1
        with app.app_context():
            can = adapter_of(sent(app).channel).capabilities
            if can.idempotent_send or can.looks_for:
                assert sent(app).state == "sent"
                assert len(rig.seen()) == 1
            else:
                assert sent(app).state in {"unsure", "sent"}

    def test_a_worker_that_died_after_sending_sends_once(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if rig.by_hand:
            nothing_is_sent(app, rig, stage, worker)
            return
        answer(app, rig, stage, "Please restart it once.")

        class Killed(BaseException):
            pass

        def die(*_args: Any) -> None:
            raise Killed

        with monkeypatch.context() as at_that_moment:
            at_that_moment.setattr(replies, "_note_success", die)
            with pytest.raises(Killed):
                worker()
        assert len(rig.seen()) == 1
        after_the_lease(app)
        worker()
        at_once(app)
        worker()
        assert len(rig.seen()) == 1
        with app.app_context():
            can = adapter_of(sent(app).channel).capabilities
            assert sent(app).state == ("sent" if can.idempotent_send or can.looks_for else "unsure")

    @pytest.mark.parametrize("what", ["lost answer", "refused"])
    def test_what_a_person_sends_again_is_looked_for_first(
        self,
        app: Flask,
        rig: Rig,
        on: int,
        stage: Stage,
        worker: Callable[[], None],
        browser_of: Callable[[str], Any],
        what: Trouble,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if rig.by_hand:
            nothing_is_sent(app, rig, stage, worker)
            return
        # On a slow machine a second is over before the worker is idle, and it would have tried again already.
        monkeypatch.setattr(replies, "FIRST_PAUSE_SECONDS", 60.0)
        answer(app, rig, stage, "Please restart it once.")
        rig.trouble(what)
        worker()
        has_arrived = len(rig.seen())
        assert has_arrived == (what == "lost answer")
        left_unsure(app)
        dora = browser_of("dora")
        with app.app_context():
            message_id, conversation_id = sent(app).id, sent(app).conversation_id
            looks = adapter_of(sent(app).channel).capabilities.looks_for
        assert dora.post(f"/desk/messages/{message_id}/attempts").status_code == 303
        for _ in range(3):
            worker()
            at_once(app)
        page = dora.get(f"/desk/conversations/{conversation_id}").text
        assert len(rig.seen()) == 1
        with app.app_context():
            assert sent(app).state == "sent"
            assert sent(app).second_try == (("found" if has_arrived else "sent") if looks else None)
        assert ("had arrived after all" in page) == (looks and bool(has_arrived))
        assert ("had not arrived" in page) == (looks and not has_arrived)

    def test_why_it_failed_is_said_in_the_language_of_who_reads_it(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None]
    ) -> None:
        if rig.by_hand:
            nothing_is_sent(app, rig, stage, worker)
        else:
            answer(app, rig, stage, "Please restart it once.")
            rig.trouble("not let in")
            worker()
            english, german = in_both_languages(app, select(Message.failure).where(Message.direction == "out"))
            assert english
            assert german
            assert english != german
        if rig.polled:
            rig.trouble_reading("not let in")
            rig.bring(app)
            english, german = in_both_languages(app, select(ChannelCourse.failure))
            assert english
            assert german
            assert english != german

    def test_whom_the_service_does_not_let_in_fails_with_a_reason(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None]
    ) -> None:
        if rig.by_hand:
            nothing_is_sent(app, rig, stage, worker)
            return
        answer(app, rig, stage, "Please restart it once.")
        rig.trouble("not let in")
        worker()
        with app.app_context():
            assert sent(app).state == "failed"
            assert sent(app).failure
        assert rig.seen() == []

    # The connection

    @pytest.mark.parametrize("what", ["429", "500", "timeout", "half", "not let in"])
    def test_a_service_that_does_not_answer_is_noted_and_asked_again(
        self, app: Flask, rig: Rig, on: int, what: Trouble
    ) -> None:
        if not rig.polled:
            return
        rig.bring(app)
        rig.write("Written while the service was ill.", id="one")
        rig.trouble_reading(what)
        rig.bring(app)
        with app.app_context():
            course = db.session.get_one(ChannelCourse, on)
            assert course.failures == 1
            assert course.failure
            assert (course.next_at is None) == (what == "not let in")
            if what == "429":
                assert course.next_at is not None
                assert course.next_at >= now() + timedelta(seconds=self.retry_after - 3)
        rig.bring_again(app)
        with app.app_context():
            assert db.session.get_one(ChannelCourse, on).failures == 0
        assert texts(app) == ["Written while the service was ill."]

    def test_the_check_says_what_works_and_what_does_not(self, app: Flask, rig: Rig, on: int, stage: Stage) -> None:
        found = stage(lambda world: connections.check(channel_of(on), by=world.root))
        assert all(one.is_well and one.words for one in found)
        if not found:
            return
        rig.close()
        found = stage(lambda world: connections.check(channel_of(on), by=world.root))
        assert not all(one.is_well for one in found)
        assert all(one.words for one in found)

    def test_no_private_address_is_asked(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None], settings: Callable[..., None]
    ) -> None:
        answer(app, rig, stage, "Please restart it once.")
        settings(private_endpoints="")
        before = rig.requests()
        worker()
        if rig.polled:
            poll_now(app, on)
        stage(lambda world: connections.check(channel_of(on), by=world.root))
        assert rig.requests() == before
        with app.app_context():
            assert sent(app).state == ("sent" if rig.by_hand else "failed")

    def test_what_it_signs_in_with_is_shown_to_nobody(
        self, app: Flask, rig: Rig, on: int, browser_of: Callable[[str], Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        root = browser_of("root")
        pages = ["/admin/channels", f"/admin/channels/{on}", "/admin/log"]
        shown = "".join(root.get(page).text for page in pages) + root.post(f"/admin/channels/{on}/check").text
        with app.app_context():
            raw = db.session.connection().exec_driver_sql("SELECT settings, secret, credentials FROM channel").all()
            shown += str(raw) + caplog.text
        assert rig.secrets or not rig.polled
        for secret in rig.secrets:
            assert secret not in shown

    def test_a_channel_that_is_forgotten_leaves_nothing(
        self, app: Flask, rig: Rig, on: int, stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Any]
    ) -> None:
        answer(app, rig, stage, "Please restart it once.")
        worker()
        root = browser_of("root")
        slug = stage(lambda _world: channel_of(on).slug)
        assert root.post(f"/admin/channels/{on}/farewell", data={"typed": "wrong"}).status_code == 422
        assert root.post(f"/admin/channels/{on}/farewell", data={"typed": slug}).status_code == 303
        worker()
        worker()
        with app.app_context():
            for model in (Message, Conversation, Contact, Channel, ChannelCourse, ChannelDelivery):
                assert db.session.scalar(select(func.count()).select_from(model)) == 0


def texts(app: Flask) -> list[str]:
    """What customers wrote, as the desk has it."""
    with app.app_context():
        found = select(Message.text).where(Message.direction == "in").order_by(Message.created_at, Message.id)
        return list(db.session.scalars(found))


def answer(app: Flask, rig: Rig, stage: Stage, text: str) -> None:
    """Have a customer ask, and an agent answer."""
    rig.write("My router is offline since the update.", id="one")
    rig.bring(app)

    stage(lambda world: rig.answer(db.session.scalars(select(Conversation)).one(), text, world))


def nothing_is_sent(app: Flask, rig: Rig, stage: Stage, worker: Callable[[], None]) -> None:
    """Where agents answer at the service itself, a reply is refused with the reason, and nobody tries to write."""
    rig.write("My router is offline since the update.", id="one")
    rig.bring(app)

    def scene(world: World) -> None:
        conversation = db.session.scalars(select(Conversation)).one()
        with pytest.raises(Invalid) as refusal:
            replies.reply(conversation, text="Please restart it once.", by=world.dora)
        assert refusal.value.sentence

    stage(scene)
    worker()
    assert rig.attempts() == 0


def sent(app: Flask) -> Message:
    """The one message of ours, in the context that is open."""
    db.session.rollback()
    return db.session.scalars(select(Message).where(Message.direction == "out")).one()


def in_both_languages(app: Flask, wanted: Any) -> list[str]:
    """Return one value as English and as German readers see it."""
    found = []
    for language in ("en", "de"):
        with app.app_context(), force_locale(language):
            found.append(db.session.scalars(wanted).one())
    return found


def channel_of(channel_id: int) -> Channel:
    return db.session.get_one(Channel, channel_id)


def left_unsure(app: Flask) -> None:
    """Let the message of ours be one of which nobody knows whether it arrived, and which nobody tries again."""
    with app.app_context():
        message = sent(app)
        message.state, message.attempted_at = "unsure", message.attempted_at or now()
        for delivery in db.session.scalars(select(Delivery).where(Delivery.event == "ReplyQueued")):
            db.session.delete(delivery)
        db.session.commit()


def at_once(app: Flask) -> None:
    """Let what waits for its time be due."""
    with app.app_context():
        for delivery in db.session.scalars(select(Delivery)):
            delivery.due_at = now() - timedelta(seconds=1)
        db.session.commit()


def after_the_lease(app: Flask) -> None:
    """Let what a dead worker had taken be free again."""
    with app.app_context():
        for delivery in db.session.scalars(select(Delivery)):
            delivery.due_at = delivery.leased_until = now() - timedelta(seconds=1)
        db.session.commit()


def poll_now(app: Flask, channel_id: int) -> None:
    """Ask a channel, whosever turn it is."""
    with app.app_context():
        polling.begin_anew(channel_id)
        db.session.commit()
        polling.poll(channel_id)
