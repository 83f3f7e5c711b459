"""What customers wrote in public is hidden at its service and shown again: once, by the worker, with a reason."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import Delivery, Later
from desk import hiding, reasons, replies
from desk.channels.base import ChannelFailed
from desk.means import capabilities_of
from desk.models import Message
from desk.order_models import MessageHiding
from forum.models import Notification
from tests.cast import World
from tests.desk import orderly as there
from tests.desk import stage as props
from tests.desk.orderly import Orderly, orderly  # noqa: F401 -- a fixture

pytestmark = pytest.mark.usefixtures("orderly")


@pytest.fixture
def ugly(world: World, orderly: type[Orderly]) -> Message:  # noqa: F811 -- the fixture
    world.everybody()
    return there.wrote(there.channel())


def work(hiding_id: int) -> None:
    """Do what the worker does with the news, and commit as it would."""
    hiding.carry_out(hiding_id)
    db.session.commit()


def test_hidden_it_is_hidden_there_and_stays_readable_here(world: World, ugly: Message) -> None:
    wanted = hiding.hide(ugly, reason="An insult", by=world.dora)
    assert (wanted.state, Orderly.hidden) == ("queued", set())
    work(wanted.id)
    standing = hiding.of([ugly.id])[ugly.id]
    assert (standing.is_hidden, standing.last.state, Orderly.hidden) == (True, "done", {"post-1"})
    assert ugly.text == "You are all thieves!"
    work(hiding.show_again(ugly, reason="It was none", by=world.dora).id)
    assert (hiding.of([ugly.id])[ugly.id].is_hidden, Orderly.hidden) == (False, set())


def test_twice_is_once_and_a_second_delivery_of_the_news_asks_nothing(world: World, ugly: Message) -> None:
    wanted = hiding.hide(ugly, reason="An insult", by=world.dora)
    assert hiding.hide(ugly, reason="Once more", by=world.root).id == wanted.id
    work(wanted.id)
    work(wanted.id)
    assert hiding.hide(ugly, reason="And again", by=world.dora).id == wanted.id
    assert Orderly.asked == [("hide", "post-1")]
    assert db.session.scalar(select(func.count(MessageHiding.id))) == 1


def test_the_opposite_waits_until_the_service_has_answered(world: World, ugly: Message) -> None:
    hiding.hide(ugly, reason="An insult", by=world.dora)
    with pytest.raises(Conflict):
        hiding.show_again(ugly, reason="No", by=world.dora)


def test_the_log_says_who_and_why_and_the_history_in_words(world: World, ugly: Message) -> None:
    hiding.hide(ugly, reason="An insult", by=world.dora)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.conversation.hide_message")).one()
    assert (entry.by_id, entry.reason, entry.after) == (
        world.dora.id,
        "An insult",
        {"message": ugly.id, "state": "queued"},
    )
    assert "had a message hidden at the service" in {one.words for one in reasons.deeds(ugly.conversation)}


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_a_reason_is_needed_and_bounded(world: World, ugly: Message, reason: str) -> None:
    with pytest.raises(Invalid) as refusal:
        hiding.hide(ugly, reason=reason, by=world.dora)
    assert "reason" in refusal.value.fields
    assert db.session.scalar(select(func.count(MessageHiding.id))) == 0


def test_only_agents_hide(world: World, ugly: Message) -> None:
    for who in (world.alice, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            hiding.hide(ugly, reason="An insult", by=who)


def test_what_cannot_be_hidden_says_why(world: World, ugly: Message) -> None:
    private = there.wrote(ugly.channel, id="post-2", is_public=False)
    assert "public" in hiding.why_not(private)
    assert hiding.why_not(ugly) == ""
    ugly.conversation.capabilities = {"hide": False}
    assert hiding.why_not(ugly) == "The service does not let us hide anything here."
    ugly.conversation.capabilities = None
    Orderly.can.update(hides=False, hiding="It knows no hiding.")
    assert hiding.why_not(ugly) == "It knows no hiding."
    elsewhere = props.received(props.channel(world))
    assert hiding.why_not(elsewhere) == "This service cannot hide what others wrote."
    Orderly.can.clear()
    ugly.channel.disabled_at = now()
    assert "switched off" in hiding.why_not(ugly)
    for message in (private, elsewhere, ugly):
        with pytest.raises(Conflict):
            hiding.hide(message, reason="An insult", by=world.dora)


def test_a_service_that_is_ill_is_asked_again_and_nobody_gives_up_early(
    world: World, ugly: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = hiding.hide(ugly, reason="An insult", by=world.dora)
    db.session.commit()
    for failure in (
        ChannelFailed("busy", retry_after=50),
        ChannelFailed("no answer", unsure=True),
        ChannelFailed("ill"),
    ):
        Orderly.refuses.append(failure)
        with pytest.raises(Later) as later:
            hiding.carry_out(wanted.id)
        assert later.value.seconds >= (50 if failure.retry_after else 0)
        assert (wanted.state, wanted.failure) == ("queued", failure.reason)
    work(wanted.id)
    assert (wanted.state, wanted.failure, wanted.attempts) == ("done", None, 4)


@pytest.mark.parametrize(
    ("failures", "state"),
    [
        ([ChannelFailed("not yours", permanent=True)], "failed"),
        ([ChannelFailed("no answer", unsure=True), ChannelFailed("not yours", permanent=True)], "unsure"),
        ([ChannelFailed("ill")] * replies.MOST_ATTEMPTS, "failed"),
        ([ChannelFailed("no answer", unsure=True)] * replies.MOST_ATTEMPTS, "unsure"),
    ],
)
def test_what_did_not_work_has_a_reason_tells_who_wanted_it_and_can_be_tried_again(
    world: World, ugly: Message, failures: list[ChannelFailed], state: str
) -> None:
    wanted = hiding.hide(ugly, reason="An insult", by=world.dora)
    db.session.commit()
    Orderly.refuses += failures
    for number in range(len(failures)):
        if number < len(failures) - 1:
            with pytest.raises(Later):
                hiding.carry_out(wanted.id)
        else:
            work(wanted.id)
    standing = hiding.of([ugly.id])[ugly.id]
    assert (standing.went_wrong, standing.is_hidden, wanted.state) == (True, False, state)
    assert wanted.failure == failures[-1].reason
    told = db.session.scalars(select(Notification)).one()
    assert (told.user_id, told.kind) == (world.dora.id, "desk_errand_failed")
    hiding.try_again(wanted, by=world.root)
    work(wanted.id)
    assert hiding.of([ugly.id])[ugly.id].is_hidden


def test_of_what_is_unsure_somebody_who_looked_can_say_that_it_is_done(world: World, ugly: Message) -> None:
    wanted = hiding.hide(ugly, reason="An insult", by=world.dora)
    with pytest.raises(Conflict):
        hiding.note_done(wanted, by=world.dora)
    wanted.state = "unsure"
    hiding.note_done(wanted, by=world.dora)
    hiding.note_done(wanted, by=world.dora)
    assert hiding.of([ugly.id])[ugly.id].is_hidden
    assert Orderly.asked == []


def test_where_the_hidden_cannot_be_answered_the_answer_goes_first_and_afterwards_it_is_said(
    world: World, ugly: Message
) -> None:
    ugly.conversation.capabilities = {"answer_before_hiding": True, "private": False}
    reply = replies.reply(ugly.conversation, text="Please stay friendly.", by=world.dora, is_public=True)
    wanted = hiding.hide(ugly, reason="An insult", by=world.dora)
    db.session.commit()
    with pytest.raises(Later):
        hiding.carry_out(wanted.id)
    assert Orderly.asked == []
    replies.send(reply.id)
    work(wanted.id)
    assert [what for what, _ in Orderly.asked] == ["send", "hide"]
    assert "cannot be answered" in capabilities_of(ugly.conversation).why_not
    work(hiding.show_again(ugly, reason="To answer", by=world.dora).id)
    assert capabilities_of(ugly.conversation).why_not == ""


def test_a_worker_that_died_in_the_middle_leaves_nothing_undone_and_nothing_done_twice(
    world: World, ugly: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted_id = hiding.hide(ugly, reason="An insult", by=world.dora).id
    db.session.commit()

    class Killed(BaseException):
        pass

    def die(self: Orderly, message_id: str, *, is_hidden: bool) -> None:
        self.hidden.add(message_id)
        raise Killed

    with monkeypatch.context() as at_that_moment:
        at_that_moment.setattr(Orderly, "hide", die)
        with pytest.raises(Killed):
            hiding.carry_out(wanted_id)
    db.session.rollback()
    wanted = db.session.get_one(MessageHiding, wanted_id)
    assert (wanted.state, wanted.attempts, wanted.attempted_at is not None) == ("queued", 1, True)
    work(wanted_id)
    assert (wanted.state, Orderly.hidden) == ("done", {"post-1"})


def test_ten_who_hide_at_once_hide_once(
    app: Flask, stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def scene(world: World) -> int:
        world.everybody()
        return there.wrote(there.channel()).id

    message_id = stage(scene)

    def one(_number: int) -> None:
        with app.app_context():
            hiding.hide(db.session.get_one(Message, message_id), reason="An insult", by=World().dora)
            db.session.commit()

    with ThreadPoolExecutor(10) as crowd:
        list(crowd.map(one, range(10)))
    with app.app_context():
        assert db.session.scalar(select(func.count(MessageHiding.id))) == 1
        queued = select(func.count(Delivery.id)).where(Delivery.event == "HidingQueued")
        assert db.session.scalar(queued) == 1
    worker()
    assert Orderly.asked == [("hide", "post-1")]
