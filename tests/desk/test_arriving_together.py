"""What is told together is taken in together: in fewer statements, and it comes out as one after the other."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.orm import joinedload

from core.clock import now
from core.db import db
from core.outbox import Delivery, listens_to
from desk import arrivals, clocks, conversations, polling, sla
from desk.arrivals import Taken
from desk.channel_models import ChannelCourse, MessageVersion
from desk.channels import base
from desk.channels.base import Arrival, Batch, EarlierPost, IncomingMessage, Removed, Silent
from desk.clock_models import ConversationClock
from desk.events import MessageChanged, MessageReceived
from desk.models import Channel, Contact, Conversation, Message
from desk.person_models import ThreadPost
from tests.cast import World
from tests.channels.test_mastodon import MastodonRig
from tests.conftest import Browser
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
AT_THE_DOOR = 12
"""A signed message of somebody new: the channel is looked up twice, once to prove it and once to write."""
AT_THE_DOOR_AGAIN = 12
"""One that goes on with a conversation."""
OF_A_BATCH = 12
"""However many messages: the channel, the savepoint, what is here, policies, what follows, how far it was read."""
OF_A_MESSAGE = 3
"""Of each message that comes with others: its writer, its conversation, itself."""


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """What is sent to the database, savepoints and the beginnings of transactions on SQLite among it."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def on(world: World) -> Channel:
    world.everybody()
    channel = props.channel(world)
    db.session.commit()
    return channel


def message(number: int, **about: Any) -> IncomingMessage:
    return IncomingMessage(
        **{
            "conversation": f"thread-{number}",
            "id": f"post-{number}",
            "text": f"Message number {number}: my router is offline since the update.",
            "created_at": now() - timedelta(minutes=60 - number),
            "is_public": True,
            "handle": f"@max-{number}",
            "name": f"Max {number}",
            **about,
        }
    )


class Told(Silent):
    """Tells so many batches as a test puts here."""

    batches: tuple[tuple[Arrival, ...], ...] = ()

    @property
    def capabilities(self) -> base.Capabilities:
        return base.Capabilities(polled=True)

    def poll(self, cursor: base.Cursor | None) -> Iterator[Batch]:
        begin = int((cursor or {}).get("read", 0))
        for number, some in enumerate(self.batches[begin:], begin):
            yield Batch(arrivals=some, cursor={"read": number + 1})


@pytest.fixture
def told(on: Channel, monkeypatch: pytest.MonkeyPatch) -> type[Told]:
    monkeypatch.setitem(base._kinds, "told", Told)
    monkeypatch.setattr(Told, "batches", ())
    on.kind = "told"
    db.session.commit()
    return Told


def many(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


# What it costs


def test_a_message_at_the_door_takes_a_bounded_number_of_statements(
    stage: Stage, guest: Browser, statements: list[str]
) -> None:
    stage(lambda world: world.everybody() and None)
    stage(lambda world: props.channel(world).id)

    def deliver(number: int, conversation: str) -> list[str]:
        body = props.raw({**props.payload(id=f"post-{number}"), "conversation": conversation})
        statements.clear()
        assert guest.post("/channels/social/webhook", data=body, headers=props.signed(body)).status_code == 202
        return list(statements)

    deliver(0, "thread-0")
    first = deliver(1, "thread-1")
    assert len(first) <= AT_THE_DOOR, "\n\n".join(first)
    for number in range(2, 12):
        further = deliver(number, "thread-1")
        assert len(further) <= AT_THE_DOOR_AGAIN, "\n\n".join(further)
    # In a conversation that is worked on, replies that are planned or wait for approval give way.
    stage(lambda world: conversations.take(db.session.get_one(Conversation, 2), by=world.dora))
    worked_on = deliver(13, "thread-1")
    assert len(worked_on) <= AT_THE_DOOR_AGAIN, "\n\n".join(worked_on)


def test_messages_that_come_together_take_three_statements_each(
    on: Channel, told: type[Told], statements: list[str]
) -> None:
    def poll(first: int, many: int) -> int:
        Told.batches = (*Told.batches, tuple(message(number) for number in range(first, first + many)))
        statements.clear()
        polling._keep(on.id, Batch(arrivals=Told.batches[-1], cursor={"read": 1}))
        return len(statements)

    db.session.add(ChannelCourse(channel_id=on.id, failure="", failures=0, unread=0))
    db.session.commit()
    few, more = poll(100, 2), poll(200, polling.TOGETHER)
    assert few <= OF_A_BATCH + 2 * OF_A_MESSAGE, "\n\n".join(statements)
    assert more - few == (polling.TOGETHER - 2) * OF_A_MESSAGE, "\n\n".join(statements)
    assert sum(statement.startswith("SELECT answer_policy") for statement in statements) == 1
    known = poll(100, polling.TOGETHER)
    assert known <= OF_A_BATCH + (polling.TOGETHER - 2) * OF_A_MESSAGE
    assert poll(200, polling.TOGETHER) <= OF_A_BATCH, "what is here already is asked for once"


def test_a_poll_of_mastodon_takes_a_bounded_number_of_statements_for_each_mention(
    app: Flask, stage: Stage, settings: Callable[..., None], statements: list[str]
) -> None:
    rig = MastodonRig()
    settings(**rig.settings())
    stage(lambda world: world.everybody() and None)
    stage(lambda world: rig.connect(world).id)
    rig.bring(app)
    taken = []
    for few in (10, 40):
        for number in range(few):
            rig.write(f"My router is offline, {number}", id=f"{few}-{number}", by=f"max-{few}-{number}")
        statements.clear()
        rig.bring(app)
        taken.append(len(statements))
    rig.close()
    assert rig.fake.wrong == []
    with app.app_context():
        assert many(Message) == 50
    few, more = taken
    assert more - few <= 30 * OF_A_MESSAGE + 3 * OF_A_BATCH, "ten are kept in one transaction"
    assert sum(statement.startswith("UPDATE channel_course SET cursor") for statement in statements) <= 6


# What comes of it


def test_together_or_one_after_the_other_comes_out_the_same(world: World, on: Channel, own_listeners: None) -> None:
    other = props.channel(world, "other")
    db.session.commit()
    listens_to(MessageChanged)(hear_of_change)
    started = now()

    def at(minute: int) -> Any:
        return started - timedelta(minutes=60 - minute)

    arrived: list[Arrival] = [
        message(1, created_at=at(1)),
        message(2, created_at=at(2), conversation="thread-1", answers=("post-1",)),
        message(1, created_at=at(1)),  # told twice
        message(3, created_at=at(3), conversation="elsewhere", answers=("not here", "post-2")),
        message(4, created_at=at(4), person_id="did:4", reach=10),
        message(5, created_at=at(5), person_id="did:4", handle="@renamed", name="Maximilian", reach=20),
        message(6, created_at=at(6), person_id="did:6", handle="@max-4", conversation="thread-4"),
        message(7, created_at=at(7), handle="@renamed"),
        message(8, created_at=at(8), thread=(post("post-7", 7), post("a stranger's", 0))),
        message(1, created_at=at(1), text="It is the modem after all, sorry.", edited_at=at(20)),
        message(9, created_at=at(9)),
        Removed(id="post-9"),
        Removed(id="post-10"),
        message(10, created_at=at(10)),
        message(11, created_at=at(11), answered_by_machine=True),
        message(12, created_at=at(12), capabilities={"public": True, "private": False}),
        message(13, created_at=at(13), conversation="thread-12", handle="@max-12", name=""),
    ]
    together = arrivals.take_all(on, arrived)
    db.session.commit()
    heard = told_to_listeners()
    db.session.execute(db.delete(Delivery))
    alone = [arrivals.take(other, each) for each in arrived]
    db.session.commit()
    assert [_outcome(each) for each in together] == [_outcome(each) for each in alone]
    for name, found in in_the_desk(on).items():
        assert found == in_the_desk(other)[name]
    assert len(in_the_desk(on)["messages"]) == 12
    assert heard == told_to_listeners()
    assert {event for event, _ in heard} >= {"MessageReceived", "MessageChanged"}


def test_what_arrives_together_goes_by_the_policy_that_is_there(world: World, on: Channel) -> None:
    minutes = dict.fromkeys(sla.TIMES, 0) | {"first_minutes": 90}
    sla.save_policy(
        None,
        name="In ninety minutes",
        channel_id=on.id,
        calendar_id=None,
        from_priority=None,
        intent="",
        minutes=minutes,
        rests_inside=True,
        by=world.root,
    )
    db.session.commit()
    arrivals.take_all(on, [message(number) for number in range(3)])
    db.session.commit()
    for conversation in db.session.scalars(select(Conversation).options(joinedload(Conversation.clock))):
        assert conversation.clock is not None
        assert conversation.clock.policy_name == "In ninety minutes"
        assert conversation.due_at == conversation.waiting_since + timedelta(minutes=90)


@pytest.mark.parametrize("wrong", [{"is_public": None}, {"created_at": now().replace(tzinfo=None)}])
def test_of_several_the_one_that_cannot_be_taken_in_holds_up_nobody(
    on: Channel, told: type[Told], wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    Told.batches = ((message(1), message(2, **wrong), message(3), message(4)), (message(5), message(6)))
    polling.poll(on.id)
    assert sorted(db.session.scalars(select(Message.external_id))) == ["post-1", "post-3", "post-4", "post-5", "post-6"]
    course = db.session.scalars(select(ChannelCourse)).one()
    assert (course.unread, course.cursor) == (1, {"read": 2})
    assert "'post-2' cannot be taken in" in caplog.text
    assert many(Delivery) == 5 * len({each.listener for each in db.session.scalars(select(Delivery))})


def test_a_worker_killed_in_the_middle_of_several_leaves_none_of_them_and_loses_none(
    on: Channel, told: type[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    Told.batches = ((message(1), message(2)), (message(3), message(4), message(5)))
    heard, calls = clocks.heard, []

    def die_at_the_fourth(*given: Any) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise Killed
        heard(*given)

    with monkeypatch.context() as while_it_dies:
        while_it_dies.setattr(clocks, "heard", die_at_the_fourth)
        with pytest.raises(Killed):
            polling.poll(on.id)
    db.session.rollback()
    assert (many(Message), many(ConversationClock)) == (2, 2)
    course = db.session.get_one(ChannelCourse, on.id)
    assert course.cursor == {"read": 1}
    polling.begin_anew(on.id)
    db.session.commit()
    assert polling.poll_due() == 1
    assert (many(Message), many(Contact), many(Conversation)) == (5, 5, 5)
    assert many(Delivery) == 5 * len({each.listener for each in db.session.scalars(select(Delivery))})


def test_the_same_ones_told_by_two_at_once_in_any_order_are_there_once(app: Flask, on: Channel) -> None:
    channel_id, number_of = on.id, 12
    db.session.add(ChannelCourse(channel_id=channel_id, failure="", failures=0, unread=0))
    db.session.commit()
    ready, wrong = threading.Barrier(4), []

    def tell(order: int) -> None:
        told = [message(number, conversation=f"thread-{number % 3}") for number in range(number_of)][::order]
        with app.app_context():
            ready.wait(timeout=30)
            for _attempt in range(20):
                try:
                    polling._keep(channel_id, Batch(arrivals=tuple(told)))
                except base.ChannelFailed:  # they waited for each other: nothing of it is kept, and it is told again
                    db.session.rollback()
                except BaseException as error:  # noqa: BLE001 -- a thread's failure is the test's
                    wrong.append(error)
                    return
                else:
                    return
            wrong.append(AssertionError("it never came to an end"))

    threads = [threading.Thread(target=tell, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert wrong == []
    assert sorted(db.session.scalars(select(Message.external_id))) == sorted(f"post-{n}" for n in range(number_of))
    assert (many(Contact), many(Conversation), many(ConversationClock)) == (number_of, 3, 3)
    assert db.session.get_one(ChannelCourse, channel_id, populate_existing=True).unread == 0
    received = select(func.count(Delivery.id)).where(Delivery.event == MessageReceived.__name__)
    assert db.session.scalar(received) == number_of * len(set(db.session.scalars(select(Delivery.listener))))


def hear_of_change(_event: MessageChanged) -> None:
    """Somebody wants to know, so that the order of what is told can be seen."""


def post(post_id: str, minute: int) -> EarlierPost:
    created_at = now().replace(microsecond=0) - timedelta(days=2, minutes=minute)
    return EarlierPost(id=post_id, text="It is like that here, too.", created_at=created_at, handle="@stranger")


def _outcome(taken: Taken | None) -> tuple[str | None, bool] | None:
    if taken is None:
        return None
    return db.session.get_one(Message, taken.message_id).external_id, taken.is_new


def told_to_listeners() -> list[tuple[str, str]]:
    """What happened, in its order, by the message's id at the service."""
    found = []
    for delivery in db.session.scalars(select(Delivery).order_by(Delivery.id)):
        message_id = delivery.payload.get("message_id")
        told = None if message_id is None else db.session.get_one(Message, message_id).external_id
        found.append((delivery.event, f"{delivery.listener} {told}"))
    return found


def in_the_desk(channel: Channel) -> dict[str, Any]:
    """Everything that came of what was told on a channel, without ids and the moments of writing."""
    db.session.expire_all()
    messages = db.session.scalars(select(Message).where(Message.channel_id == channel.id)).all()
    talks = db.session.scalars(select(Conversation).where(Conversation.channel_id == channel.id)).all()
    people = db.session.scalars(select(Contact).where(Contact.channel_id == channel.id)).all()
    names = {person.id: person.handle.replace(f"({person.id})", "(id)") for person in people}
    return {
        "messages": sorted(
            (
                each.external_id,
                each.text,
                each.created_at,
                each.conversation.external_id,
                names[each.contact_id or 0],
                each.removed_at is not None,
                each.edited_at,
            )
            for each in messages
        ),
        "before": sorted(
            each.text
            for each in db.session.scalars(
                select(MessageVersion)
                .join(Message, Message.id == MessageVersion.message_id)
                .where(Message.channel_id == channel.id)
            )
        ),
        "conversations": sorted(
            (
                each.external_id,
                each.state,
                each.locale,
                names[each.contact_id],
                each.last_message_at,
                str(each.waiting_since),
                each.last_words,
                None if each.clock is None else (each.clock.promise, each.clock.answer_due_at == each.due_at),
                {} if each.capabilities is None else {**each.capabilities, "told_at": ""},
            )
            for each in talks
        ),
        "people": sorted((names[each.id], each.name, each.reach or 0, each.external_id or "") for each in people),
        "thread": sorted(
            (each.external_id, each.handle)
            for each in db.session.scalars(
                select(ThreadPost)
                .join(Conversation, Conversation.id == ThreadPost.conversation_id)
                .where(Conversation.channel_id == channel.id)
            )
        ),
    }
