"""A sent reply is corrected where it stands: checked like a reply, the old words kept, nothing lost."""

from typing import Any

import pytest
from sqlalchemy import func, select

from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import Later
from desk import approvals, correcting, replies, sending_settings
from desk.channel_models import MessageVersion
from desk.channels.base import ChannelFailed
from desk.correcting import ChangedMeanwhile
from desk.models import Message
from desk.objections import Objected
from desk.order_models import MessageCorrection
from forum.models import Notification
from tests.cast import World
from tests.desk import orderly as there
from tests.desk.orderly import Orderly, orderly  # noqa: F401 -- a fixture

pytestmark = pytest.mark.usefixtures("orderly")
WRONG = "It costs 10 euros."
RIGHT = "It costs 12 euros."


@pytest.fixture
def sent(world: World, orderly: type[Orderly]) -> Message:  # noqa: F811 -- the fixture
    world.everybody()
    asked = there.wrote(there.channel(), "What does it cost?")
    reply = replies.reply(asked.conversation, text=WRONG, by=world.dora)
    db.session.commit()
    replies.send(reply.id)
    db.session.commit()
    assert reply.state == "sent"
    return reply


def correct(message: Message, world: World, text: str = RIGHT, **changes: Any) -> MessageCorrection:
    about: dict[str, Any] = {"by": world.dora, "seen": correcting.mark_of(message.text), **changes}
    return correcting.correct(message, text=text, **about)


def work(correction: MessageCorrection) -> None:
    correcting.carry_out(correction.id)
    db.session.commit()


def test_the_new_words_stand_there_and_the_old_ones_are_kept_here(world: World, sent: Message) -> None:
    correction = correct(sent, world)
    assert sent.text == WRONG, "the message says the new words when the service has them"
    work(correction)
    work(correction)
    assert (sent.text, Orderly.said[sent.external_id or ""]) == (RIGHT, RIGHT)
    assert sent.edited_at is not None
    assert [one.text for one in db.session.scalars(select(MessageVersion))] == [WRONG]
    assert [what for what, _ in Orderly.asked] == ["send", "correct"]
    assert (correction.state, correction.text) == ("done", "")


def test_a_second_correction_keeps_both_former_versions(world: World, sent: Message) -> None:
    work(correct(sent, world))
    work(correct(sent, world, "It costs 13 euros."))
    assert [one.text for one in db.session.scalars(select(MessageVersion).order_by(MessageVersion.id))] == [
        WRONG,
        RIGHT,
    ]


@pytest.mark.parametrize("text", ["", "   ", WRONG, "x" * 20_001])
def test_words_that_are_none_the_same_or_too_many_are_refused(world: World, sent: Message, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        correct(sent, world, text)
    assert "text" in refusal.value.fields
    assert db.session.scalar(select(func.count(MessageCorrection.id))) == 0


def test_what_the_channel_does_not_take_is_refused_with_both_numbers(world: World, sent: Message) -> None:
    sent.channel.settings = {"limit": 20}
    with pytest.raises(Invalid, match=r"30 characters.*20"):
        correct(sent, world, "x" * 30)


def test_what_speaks_against_a_reply_speaks_against_its_correction(world: World, sent: Message) -> None:
    with pytest.raises(Objected) as objected:
        correct(sent, world, "Please send your password to max@example.net.", confirmed=frozenset())
    seals = frozenset(one.seal for one in objected.value.objections)
    assert correct(sent, world, "Please send your password to max@example.net.", confirmed=seals).state == "queued"


def test_a_rule_that_asks_for_a_second_person_asks_for_it_here_too(world: World, sent: Message) -> None:
    approvals.add("legal", channel=None, of_trainees=False, least_heat=None, words="refund", by=world.root)
    correction = correct(sent, world, "You get a refund.")
    assert (correction.state, correction.rule) == ("approval", "legal")
    work(correction)
    assert sent.text == WRONG, "nothing leaves before somebody approved"
    assert set(db.session.scalars(select(Notification.user_id))) == {world.root.id}
    learner = world.person("lina", "agent")
    sending_settings.let_learn(learner, is_trainee=True, by=world.root)
    for who in (world.dora, learner, world.alice):
        with pytest.raises(NotAllowed):
            correcting.approve(correction, by=who)
    correcting.approve(correction, by=world.root)
    with pytest.raises(Conflict):
        correcting.approve(correction, by=world.root)
    work(correction)
    assert sent.text == "You get a refund."


def test_given_back_its_text_is_there_for_who_wrote_it(world: World, sent: Message) -> None:
    approvals.add("legal", channel=None, of_trainees=False, least_heat=None, words="refund", by=world.root)
    correction = correct(sent, world, "You get a refund.")
    correcting.give_back(correction, note="We do not.", by=world.root)
    begun = correcting.open_of(sent)
    assert begun is not None
    assert (begun.state, begun.text, begun.note) == ("back", "You get a refund.", "We do not.")
    again = correct(sent, world)
    assert (again.state, correction.state) == ("queued", "dropped")


def test_of_two_who_correct_at_once_the_second_learns_of_the_first(world: World, sent: Message) -> None:
    seen = correcting.mark_of(sent.text)
    first = correct(sent, world, seen=seen)
    with pytest.raises(ChangedMeanwhile, match="Dora"):
        correct(sent, world, "It costs 11 euros.", by=world.root, seen=seen)
    work(first)
    with pytest.raises(ChangedMeanwhile, match="something else by now"):
        correct(sent, world, "It costs 11 euros.", by=world.root, seen=seen)
    assert sent.text == RIGHT


def test_a_service_that_does_not_answer_is_asked_again(world: World, sent: Message) -> None:
    correction = correct(sent, world)
    db.session.commit()
    Orderly.refuses += [ChannelFailed("busy", retry_after=30), ChannelFailed("no answer", unsure=True)]
    for _ in range(2):
        with pytest.raises(Later):
            correcting.carry_out(correction.id)
    work(correction)
    assert (sent.text, len(db.session.scalars(select(MessageVersion)).all())) == (RIGHT, 1)


@pytest.mark.parametrize("state", ["failed", "unsure"])
def test_what_failed_says_why_and_can_be_tried_again_changed_or_dropped(
    world: World, sent: Message, state: str
) -> None:
    correction = correct(sent, world)
    db.session.commit()
    if state == "unsure":
        Orderly.refuses.append(ChannelFailed("no answer", unsure=True))
        with pytest.raises(Later):
            correcting.carry_out(correction.id)
    Orderly.refuses.append(ChannelFailed("too old", permanent=True))
    work(correction)
    assert (correction.state, correction.failure, sent.text, correction.text) == (state, "too old", WRONG, RIGHT)
    correcting.try_again(correction, by=world.root)
    Orderly.refuses.append(ChannelFailed("too old", permanent=True))
    work(correction)
    changed = correct(sent, world, "It costs 14 euros.")
    correcting.carry_out(changed.id)
    assert (sent.text, correction.state) == ("It costs 14 euros.", "dropped")


def test_dropped_the_message_stays_and_twice_is_once(world: World, sent: Message) -> None:
    correction = correct(sent, world)
    with pytest.raises(Conflict):
        correcting.drop(correction, by=world.dora)
    correction.state = "failed"
    correcting.drop(correction, by=world.dora)
    correcting.drop(correction, by=world.dora)
    assert (sent.text, correcting.open_of(sent)) == (WRONG, None)


def test_what_is_unsure_and_was_found_there_counts_as_made(world: World, sent: Message) -> None:
    correction = correct(sent, world)
    correction.state = "unsure"
    correcting.note_done(correction, by=world.dora)
    assert (sent.text, correction.state) == (RIGHT, "done")


def test_where_the_service_cannot_a_correction_of_its_own_begins_with_what_it_corrects(
    world: World, sent: Message
) -> None:
    Orderly.can.update(corrects=False)
    assert "does not let a message be changed" in correcting.why_not(sent)
    with pytest.raises(Conflict):
        correct(sent, world)
    sent.conversation.locale = "en"
    assert correcting.opening(sent) == "A correction to what we wrote you (“It costs 10 euros.”): "
    sent.text = "word " * 60
    assert len(correcting.opening(sent)) < 140


def test_what_is_no_reply_of_ours_or_has_not_arrived_cannot_be_corrected(world: World, sent: Message) -> None:
    theirs = db.session.scalars(select(Message).where(Message.direction == "in")).one()
    queued = replies.reply(sent.conversation, text="One more thing.", by=world.dora)
    for message in (theirs, queued):
        with pytest.raises(Conflict):
            correct(message, world)
    with pytest.raises(NotAllowed):
        correct(sent, world, by=world.alice)
