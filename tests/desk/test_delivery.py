"""A reply reaches the other side once, or the desk says what became of it."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import delete, select, update

from accounts.models import AuditEntry
from core import http
from core.clock import now
from core.db import db
from core.outbox import Delivery, deliver_due
from desk import connections, replies, splitting
from desk.channels import base, webhook
from desk.channels.base import Capabilities, ChannelFailed, NotLetIn, OutgoingReply, SentReply, Silent
from desk.clock_models import ClockEvent
from desk.models import Channel, Message
from desk.sending_models import Departure
from tests.cast import World
from tests.desk import stage as props
from tests.desk.stage import Service

TEXT = "Schöne Grüße 👋 – bitte einmal neu starten."


@pytest.fixture
def replied(world: World, service: Service) -> Message:
    """A reply that is queued on a channel with a strict service behind it."""
    return queued(world, endpoint=service.endpoint)


def queued(world: World, *, endpoint: str) -> Message:
    on = props.channel(world, endpoint=endpoint)
    message = replies.reply(props.received(on, id="post-1").conversation, text=TEXT, by=world.dora)
    db.session.commit()
    return message


def deliver(*, wait: bool = False) -> None:
    """Deliver what is due; with `wait`, as if the time until the next attempt had passed."""
    if wait:
        db.session.execute(update(Delivery).values(due_at=now() - timedelta(seconds=1), leased_until=None))
        db.session.commit()
    deliver_due()
    db.session.rollback()


def pause() -> float:
    """Seconds until the next attempt."""
    return (db.session.scalars(select(Delivery)).one().due_at - now()).total_seconds()


def is_done() -> bool:
    return db.session.scalars(select(Delivery)).first() is None


def test_what_the_other_side_takes_is_sent_and_signed(service: Service, replied: Message) -> None:
    deliver()
    assert (replied.state, replied.failure, replied.attempts) == ("sent", None, 1)
    assert replied.sent_at is not None
    assert replied.external_id == f"post-{str(replied.idempotency_key)[-8:]}"
    assert service.wrong == []
    assert service.taken == {
        replied.idempotency_key: {
            "type": "reply",
            "conversation": "thread-1",
            "in_reply_to": "post-1",
            "message": {"id": str(replied.id), "text": TEXT, "public": True},
        }
    }
    assert is_done()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"ok"', b'{"id": 7, "url": "javascript:x"}', b'{"id": "%s"}' % (b"x" * 400)]
)
def test_an_answer_that_makes_no_sense_does_not_unsay_the_status(
    service: Service, replied: Message, body: bytes
) -> None:
    service.answers.append((202, {}, body))
    deliver()
    assert replied.state == "sent"
    assert replied.external_id in {None, "7"}
    assert replied.url is None


def test_an_id_that_is_taken_is_not_taken_twice(service: Service, replied: Message) -> None:
    service.answers.append((200, {}, b'{"id": "post-1", "url": "https://social.example/1"}'))
    deliver()
    assert (replied.state, replied.external_id, replied.url) == ("sent", None, "https://social.example/1")


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 410, 413, 422])
def test_what_is_refused_failed_for_good_with_the_reason(service: Service, replied: Message, status: int) -> None:
    service.answers.append((status, {"Content-Type": "application/json"}, b'{"detail": "You are\\u0000 not welcome"}'))
    deliver()
    assert replied.state == "failed"
    assert str(status) in str(replied.failure)
    assert "You are not welcome" in str(replied.failure)
    assert is_done()
    assert service.taken == {}


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again_and_arrives_once(service: Service, replied: Message, status: int) -> None:
    service.answers.append((status, {}, b"not now"))
    deliver()
    assert (replied.state, replied.attempts) == ("queued", 1)
    assert str(status) in str(replied.failure)
    assert 0 < pause() <= 1
    deliver(wait=True)
    assert (replied.state, replied.failure) == ("sent", None)
    assert service.attempts == [replied.idempotency_key] * 2
    assert list(service.taken) == [replied.idempotency_key]


def test_a_wish_for_later_is_granted_within_an_hour(service: Service, replied: Message) -> None:
    wishes = ["120", format_datetime(now() + timedelta(seconds=300), usegmt=True), "864000", "soon"]
    service.answers += [(429, {"Retry-After": wish}, b"") for wish in wishes]
    found = []
    for _wish in wishes:
        deliver(wait=True)
        found.append(pause())
    assert 110 < found[0] <= 120
    assert 280 < found[1] <= 300
    assert 3590 < found[2] <= 3600
    assert 100 < found[3] <= 125  # the fourth attempt's own pause


def test_pauses_grow_from_a_second_to_a_quarter_of_an_hour() -> None:
    pauses = [replies.pause_after(attempt) for attempt in range(1, replies.MOST_ATTEMPTS)]
    assert pauses[0] <= 1
    assert all(later > earlier for earlier, later in itertools.pairwise(pauses[:6]))
    assert max(pauses) <= 900
    assert sum(pauses) > 30 * 60  # an outage of half an hour loses nothing


def test_after_eight_attempts_it_failed_with_the_last_reason(service: Service, replied: Message) -> None:
    service.answers += [(500, {}, b"broken")] * 20
    for _ in range(8):
        deliver(wait=True)
    assert (replied.state, replied.attempts) == ("failed", 8)
    assert "broken" in str(replied.failure)
    assert is_done()
    assert len(service.attempts) == 8


def test_what_failed_is_sent_again_by_an_agent_under_the_same_key(
    world: World, service: Service, replied: Message
) -> None:
    service.answers.append((422, {}, b"no"))
    deliver()
    replies.send_again(replied, by=world.dora)
    db.session.commit()
    deliver()
    assert replied.state == "sent"
    assert set(service.attempts) == {replied.idempotency_key}


def test_nobody_there_means_try_again(world: World, service: Service) -> None:
    message = queued(world, endpoint=service.endpoint)
    service.close()
    deliver()
    assert (message.state, message.attempted_at) == ("queued", None)
    assert "refuses" in str(message.failure)


def test_an_address_inside_the_house_is_never_called(world: World, service: Service) -> None:
    # By its name: an address in figures is not even kept (tests/faults/test_at_the_door.py).
    message = queued(world, endpoint=service.endpoint.replace(f"127.0.0.1:{service.port}", "localhost:80"))
    deliver()
    assert message.state == "failed"
    assert "public internet" in str(message.failure)
    assert service.attempts == []


def break_off(handler: Any) -> None:
    props.reset(handler)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.5)


def fall_silent(handler: Any) -> None:
    handler.connection.settimeout(3)
    try:
        handler.rfile.read(1)  # until the other side gives up
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize("trouble", [break_off, fall_silent])
def test_taken_without_an_answer_is_sent_again_and_seen_once(
    service: Service, replied: Message, trouble: Callable[[Any], None], impatient: None
) -> None:
    service.answers.append(trouble)
    deliver()
    assert replied.state == "queued"
    assert replied.attempted_at is not None  # nobody knows
    deliver(wait=True)
    assert replied.state == "sent"
    assert service.attempts == [replied.idempotency_key] * 2
    assert list(service.taken) == [replied.idempotency_key]


def test_if_nobody_ever_answers_it_is_unsure_in_the_end(world: World, service: Service, replied: Message) -> None:
    service.answers += [break_off] * 8
    for _ in range(8):
        deliver(wait=True)
    assert replied.state == "unsure"
    assert is_done()
    replies.mark_sent(replied, by=world.dora)
    assert replied.state == "sent"


def test_one_doubt_among_failures_stays_a_doubt(service: Service, replied: Message) -> None:
    service.answers += [break_off, *[(500, {}, b"")] * 7]
    for _ in range(8):
        deliver(wait=True)
    assert replied.state == "unsure"


def test_a_worker_that_dies_between_sending_and_noting_it_sends_under_the_same_key(
    service: Service, replied: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What no listener and no worker catches."""

    def die(*_args: Any, **_kwargs: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(replies, "_note_success", die)
        with pytest.raises(Killed):
            deliver()
    db.session.remove()
    message = db.session.scalars(select(Message).where(Message.direction == "out")).one()
    assert (message.state, message.attempts) == ("queued", 1)
    assert message.attempted_at is not None
    db.session.rollback()
    deliver(wait=True)
    message = db.session.scalars(select(Message).where(Message.direction == "out")).one()
    assert message.state == "sent"
    assert len(service.attempts) == 2
    assert len(service.taken) == 1


def test_a_second_word_of_the_same_event_sends_nothing(service: Service, replied: Message) -> None:
    deliver()
    replies.send(replied.id)
    replies.send(4711)
    assert len(service.attempts) == 1


def test_a_channel_switched_off_meanwhile_keeps_the_reply(world: World, service: Service, replied: Message) -> None:
    connections.switch_off(replied.channel, by=world.root)
    db.session.commit()
    deliver()
    assert replied.state == "failed"
    assert service.attempts == []
    connections.switch_on(replied.channel, by=world.root)
    replies.send_again(replied, by=world.dora)
    db.session.commit()
    deliver()
    assert replied.state == "sent"


class Forgetful(Silent):
    """A service that cannot tell a repeat from a second message."""

    outcome: ChannelFailed | None = None
    sent: list[OutgoingReply] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(may_send=True, idempotent_send=False)

    def send(self, reply: OutgoingReply) -> SentReply:
        type(self).sent.append(reply)
        if self.outcome is not None:
            raise self.outcome
        return SentReply()


@pytest.fixture
def forgetful(world: World, monkeypatch: pytest.MonkeyPatch) -> Message:
    monkeypatch.setitem(base._kinds, "forgetful", Forgetful)
    monkeypatch.setattr(Forgetful, "sent", [])
    on = Channel(slug="forgetful", kind="forgetful", name="Forgetful", settings={})
    db.session.add(on)
    db.session.flush()
    message = replies.reply(props.received(on).conversation, text="Hello", by=world.dora)
    db.session.commit()
    return message


def test_where_a_repeat_would_be_a_second_message_a_doubt_is_left_to_a_person(
    world: World, forgetful: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Forgetful, "outcome", ChannelFailed("silence", unsure=True))
    deliver()
    assert (forgetful.state, forgetful.failure) == ("unsure", "silence")
    assert is_done()
    monkeypatch.setattr(Forgetful, "outcome", None)
    replies.send_again(forgetful, by=world.dora)
    db.session.commit()
    deliver()
    assert forgetful.state == "sent"
    assert len(Forgetful.sent) == 2


def test_there_a_worker_that_died_in_the_middle_leaves_a_doubt_and_no_second_message(forgetful: Message) -> None:
    forgetful.attempts, forgetful.attempted_at = 1, now()
    db.session.commit()
    deliver()
    assert forgetful.state == "unsure"
    assert "may have arrived" in str(forgetful.failure)
    assert Forgetful.sent == []


def test_there_what_surely_did_not_arrive_is_tried_again(forgetful: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forgetful, "outcome", ChannelFailed("busy"))
    deliver()
    assert (forgetful.state, forgetful.attempted_at) == ("queued", None)
    monkeypatch.setattr(Forgetful, "outcome", None)
    deliver(wait=True)
    assert forgetful.state == "sent"


class Looking(Forgetful):
    """Can be asked what arrived."""

    found: SentReply | ChannelFailed | None = None
    looked: list[OutgoingReply] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(may_send=True, idempotent_send=False, looks_for=True)

    def look_for(self, reply: OutgoingReply) -> SentReply | None:
        type(self).looked.append(reply)
        if isinstance(self.found, ChannelFailed):
            raise self.found
        return self.found


@pytest.fixture
def doubted(world: World, monkeypatch: pytest.MonkeyPatch, forgetful: Message) -> Message:
    """A message of which nobody knows whether it arrived, on a channel that can be asked; somebody sends it again."""
    monkeypatch.setitem(base._kinds, "forgetful", Looking)
    monkeypatch.setattr(Looking, "sent", [])
    monkeypatch.setattr(Looking, "looked", [])
    forgetful.state, forgetful.attempted_at = "unsure", now() - timedelta(hours=3)
    db.session.execute(delete(Delivery))
    replies.send_again(forgetful, by=world.dora)
    db.session.commit()
    return forgetful


def test_what_arrived_after_all_is_not_sent_again(doubted: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Looking, "found", SentReply("there-1", "https://social.example/1"))
    deliver()
    assert (doubted.state, doubted.second_try, doubted.external_id) == ("sent", "found", "there-1")
    assert Looking.sent == []
    attempted_at = Looking.looked[0].attempted_at
    assert attempted_at is not None
    assert attempted_at < now() - timedelta(hours=2), "it is looked for from the first attempt on"


def test_what_is_not_there_is_sent_again_once(doubted: Message) -> None:
    deliver()
    assert (doubted.state, doubted.second_try, len(Looking.sent)) == ("sent", "sent", 1)
    assert is_done()


@pytest.mark.parametrize("failure", [ChannelFailed("?", unsure=True), ChannelFailed("too much", permanent=True)])
def test_where_the_service_cannot_tell_the_person_has_decided(
    doubted: Message, monkeypatch: pytest.MonkeyPatch, failure: ChannelFailed
) -> None:
    monkeypatch.setattr(Looking, "found", failure)
    deliver()
    assert (doubted.state, doubted.second_try, len(Looking.sent)) == ("sent", "unknown", 1)


def test_while_the_service_is_away_nothing_is_sent_again(doubted: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Looking, "found", ChannelFailed("not now"))
    before = doubted.attempted_at
    deliver()
    deliver(wait=True)
    assert (doubted.state, doubted.second_try, Looking.sent) == ("queued", "asked", [])
    assert doubted.attempted_at == before
    monkeypatch.setattr(Looking, "found", SentReply("there-1"))
    deliver(wait=True)
    assert (doubted.state, doubted.second_try, Looking.sent) == ("sent", "found", [])


def test_whom_it_does_not_let_in_sends_nothing_again(doubted: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Looking, "found", NotLetIn("the token is not valid any more"))
    deliver()
    assert (doubted.state, Looking.sent) == ("unsure", [])


# What comes back


def bounce(message_id: int) -> None:
    """Have the mail server say in another session that a message came back."""
    with current_app.app_context():
        replies.came_back(db.session.get_one(Message, message_id), "There is no such mailbox.")
        db.session.commit()


def outcome(message: Message) -> dict[str, Any]:
    """Everything that is left of a reply, but the moments at which it happened."""
    db.session.rollback()
    conversation = message.conversation
    rest = [one for one in conversation.messages if one.direction == "out"]
    departures = select(Departure).where(Departure.message_id.in_([one.id for one in rest])).order_by(Departure.part)
    told = select(AuditEntry).where(
        AuditEntry.subject_kind == "message", AuditEntry.subject_id.in_([one.id for one in rest])
    )
    return {
        "messages": [(one.state, one.failure, one.sent_at is not None, one.attempts) for one in rest],
        "conversation": (conversation.state, conversation.waiting_since, conversation.due_at, conversation.due_for),
        "departures": [(one.part, one.typed, one.uses, one.is_scheduled) for one in db.session.scalars(departures)],
        "told": sorted((one.deed, one.reason) for one in db.session.scalars(told)),
        "clock": sorted(
            db.session.scalars(select(ClockEvent.kind).where(ClockEvent.conversation_id == conversation.id))
        ),
    }


@pytest.mark.parametrize("split", ["", "numbered"])
@pytest.mark.parametrize("fails", [None, ChannelFailed("silence", unsure=True), ChannelFailed("no", permanent=True)])
def test_what_came_back_failed_whether_that_was_heard_before_or_after_it_was_taken(
    world: World, monkeypatch: pytest.MonkeyPatch, split: splitting.Way, fails: ChannelFailed | None
) -> None:
    monkeypatch.setitem(base._kinds, "forgetful", Forgetful)
    found, asked_at = [], now() - timedelta(minutes=5)
    for comes_first in (True, False):
        message = replied_on(world, f"forgetful-{comes_first}".lower(), split=split, at=asked_at)
        sent: list[int] = []

        def send(
            self: Forgetful, reply: OutgoingReply, *, first: bool = comes_first, into: list[int] = sent
        ) -> SentReply:
            into.append(reply.id)
            if first:
                bounce(reply.id)
                if fails is not None:
                    raise fails
            return SentReply()

        monkeypatch.setattr(Forgetful, "send", send)
        message_id = message.id
        replies.send(message_id)
        db.session.commit()
        if not comes_first:
            bounce(message_id)
        found.append(outcome(message))
        deliver(wait=True)
        assert sent == [message.id]
        assert (message.state, message.failure) == ("failed", "There is no such mailbox.")
        assert message.conversation.state == "open"
    assert found[0] == found[1]


def replied_on(world: World, slug: str, *, split: splitting.Way, at: datetime) -> Message:
    on = Channel(slug=slug, kind="forgetful", name="Forgetful", settings={"limit": 60})
    db.session.add(on)
    db.session.flush()
    asked = props.received(on, created_at=at)
    text = "Please restart it once. " * (4 if split else 1)
    message = replies.reply(asked.conversation, text=text, by=world.dora, manner=replies.Manner(split=split))
    db.session.commit()
    return message


def test_the_worker_does_it_all(app: Flask, stage: Any, service: Service, worker: Callable[[], None]) -> None:
    message_id = stage(lambda world: queued(world, endpoint=service.endpoint).id)
    worker()
    with app.app_context():
        assert db.session.get_one(Message, message_id).state == "sent"
    worker()
    assert len(service.attempts) == 1


def test_a_channel_whose_replies_wait_too_long_is_not_well(world: World, replied: Message) -> None:
    assert connections.complaint() == ""
    replied.created_at = now() - timedelta(minutes=16)
    db.session.flush()
    assert "Social: 1 reply" in connections.complaint()
    well = connections.health()[replied.channel_id]
    assert (well.waiting, well.overdue) == (1, 1)
    connections.switch_off(replied.channel, by=world.root)
    assert connections.complaint() == ""


def test_health_tells_the_last_time_of_each(service: Service, replied: Message) -> None:
    service.answers.append((422, {}, b"not like this"))
    deliver()
    well = connections.health()[replied.channel_id]
    assert well.received_at is not None
    assert well.sent_at is None
    assert well.failed_at is not None
    assert "not like this" in well.failure


def test_a_secret_that_is_none_is_said_so() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        webhook.signature("whsec_ä!", "1", "2", b"")
