"""The ladder before somebody is blocked: each step with a reason, a block by two, and nobody forgotten on the way."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import contact_ladder, conversations, escalation, held_arrivals, hiding, listing, quiet, sending_settings
from desk.clock_models import ConversationClock
from desk.contact_ladder import NoLowerStep
from desk.models import Contact, Message
from desk.order_models import STEPS, ContactStep, HeldArrival, MessageHiding
from desk.triage import priority, receiving, rules
from desk.triage.spikes import unhappy
from forum.models import Notification
from tests.cast import World
from tests.conftest import Browser
from tests.desk import orderly as there
from tests.desk import stage as props
from tests.desk.orderly import Orderly, orderly  # noqa: F401 -- a fixture
from tests.kb.shelf import fields_of

Stage = Callable[[Callable[[World], Any]], Any]
RUDE = "You idiots, this is bullshit, nothing works and nobody helps!!!"
LATER = timedelta(days=400)
START = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
UNHAPPY = "My router is broken again, I am very angry, and nobody helps me. What now?"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def said(world: World, orderly: type[Orderly]) -> Message:  # noqa: F811 -- the fixture
    world.everybody()
    return there.wrote(there.channel(), RUDE)


@pytest.fixture
def contact(said: Message) -> Contact:
    assert said.contact is not None
    return said.contact


def take(contact: Contact, step: str, by: Any, **changes: Any) -> ContactStep:
    about: dict[str, Any] = {"reason": "Insults, again", "days": 14, **changes}
    return contact_ladder.take(contact, step, by=by, **about)


def block(contact: Contact, world: World) -> ContactStep:
    if quiet.step_of(contact.id) is None:
        take(contact, "ask", world.dora)
    wanted = take(contact, "block", world.dora)
    contact_ladder.agree(wanted, by=world.root)
    return wanted


def judge(message: Message) -> None:
    """Do what the worker does when it hears of a message."""
    from desk.events import MessageReceived

    receiving.take_in(MessageReceived(message.conversation_id, message.id))


def test_one_step_is_in_force_and_the_ones_before_stay_in_the_history(world: World, contact: Contact) -> None:
    first = take(contact, "ask", world.dora)
    second = take(contact, "mute", world.root)
    assert (first.state, first.ended_by_id, second.state) == ("over", world.root.id, "in_force")
    assert quiet.step_of(contact.id) == second
    assert [one.step for one in contact_ladder.history([contact.id])] == ["mute", "ask"]
    back = take(contact, "ask", world.dora)  # down again
    assert quiet.step_of(contact.id) == back
    deeds = db.session.scalars(select(AuditEntry.deed).where(AuditEntry.subject_kind == "contact")).all()
    assert deeds == ["desk.contact.take_step"] * 3


def test_a_step_ends_by_itself_or_by_hand_with_a_reason(
    clock: time_machine.Traveller, world: World, contact: Contact
) -> None:
    step = take(contact, "mute", world.dora, days=3)
    clock.shift(timedelta(days=3, seconds=1))
    assert quiet.step_of(contact.id) is None, "before the worker has written it down"
    assert contact_ladder.end_what_is_over() == 1
    assert (step.state, step.ended_by_id) == ("over", None)
    endless = take(contact, "mute", world.dora, days=None)
    clock.shift(LATER)
    assert quiet.step_of(contact.id) == endless
    with pytest.raises(Invalid):
        contact_ladder.end(endless, reason=" ", by=world.dora)
    contact_ladder.end(endless, reason="They apologised", by=world.root)
    contact_ladder.end(endless, reason="Twice", by=world.dora)
    assert (endless.ended_why, quiet.step_of(contact.id)) == ("They apologised", None)


def test_what_ended_by_its_time_makes_room_before_the_worker_wrote_it_down(
    clock: time_machine.Traveller, world: World, contact: Contact
) -> None:
    take(contact, "mute", world.dora, days=1)
    clock.shift(timedelta(days=2))
    assert take(contact, "mute", world.dora).state == "in_force"


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"step": "shoot"}, "step"), ({"reason": ""}, "reason"), ({"reason": "x" * 301}, "reason"), ({"days": 0}, "days")],
)
def test_what_makes_no_step_is_refused_at_its_field(
    world: World, contact: Contact, changes: dict[str, Any], field: str
) -> None:
    about = {"step": "mute", "reason": "Insults", "days": 3, **changes}
    with pytest.raises(Invalid) as refusal:
        contact_ladder.take(contact, about.pop("step"), **about, by=world.dora)
    assert field in refusal.value.fields
    assert db.session.scalar(select(func.count(ContactStep.id))) == 0


def test_only_agents_take_steps(world: World, contact: Contact) -> None:
    step = take(contact, "mute", world.dora)
    for who in (world.alice, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            take(contact, "ask", who)
        with pytest.raises(NotAllowed):
            contact_ladder.end(step, reason="No", by=who)


def test_the_same_step_twice_says_so(world: World, contact: Contact) -> None:
    take(contact, "mute", world.dora)
    with pytest.raises(Conflict):
        take(contact, "mute", world.root)


# A block


def test_nobody_is_blocked_before_a_lower_step_was_tried(world: World, contact: Contact) -> None:
    with pytest.raises(NoLowerStep):
        take(contact, "block", world.dora)
    take(contact, "ask", world.dora)
    assert take(contact, "block", world.dora).state == "asked"


def test_a_block_needs_somebody_else_and_until_then_nothing_changes(world: World, contact: Contact) -> None:
    muted = take(contact, "mute", world.dora)
    wanted = take(contact, "block", world.dora)
    assert quiet.step_of(contact.id) == muted
    assert set(db.session.scalars(select(Notification.user_id))) == {world.root.id}
    learner = world.person("lina", "agent")
    sending_settings.let_learn(learner, is_trainee=True, by=world.root)
    for who in (world.dora, learner, world.alice):
        with pytest.raises(NotAllowed):
            contact_ladder.agree(wanted, by=who)
    with pytest.raises(Conflict):
        take(contact, "block", world.root)
    contact_ladder.agree(wanted, by=world.root, answer="Yes")
    assert quiet.step_of(contact.id) == wanted
    assert (muted.state, wanted.decided_by_id) == ("over", world.root.id)
    for deed in (contact_ladder.agree, contact_ladder.decline):
        with pytest.raises(Conflict):
            deed(wanted, by=world.root)
    assert "block_decided" in set(db.session.scalars(select(Notification.kind)))


def test_declined_or_taken_back_nobody_is_blocked(world: World, contact: Contact) -> None:
    take(contact, "ask", world.dora)
    contact_ladder.decline(take(contact, "block", world.dora), by=world.root, answer="Not yet")
    contact_ladder.decline(take(contact, "block", world.dora), by=world.dora)
    step = quiet.step_of(contact.id)
    assert step is not None
    assert step.step == "ask"
    with pytest.raises(NotAllowed):
        contact_ladder.decline(take(contact, "block", world.dora), by=world.alice)


def test_the_days_of_a_block_begin_when_it_is_agreed_to(
    clock: time_machine.Traveller, world: World, contact: Contact
) -> None:
    take(contact, "ask", world.dora)
    wanted = take(contact, "block", world.dora, days=10)
    clock.shift(timedelta(days=5))
    contact_ladder.agree(wanted, by=world.root)
    assert wanted.until == now() + timedelta(days=10)


def test_what_waits_is_closed_with_the_blocks_reason(world: World, said: Message, contact: Contact) -> None:
    assert said.conversation.waiting_since is not None
    take(contact, "ask", world.dora)
    wanted = take(contact, "block", world.dora, reason="Threatens colleagues")
    closed = contact_ladder.agree(wanted, by=world.root)
    assert [one.id for one in closed] == [said.conversation_id]
    assert (said.conversation.state, said.conversation.waiting_since) == ("no_answer", None)
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.deed == "desk.conversation.change_state").order_by(AuditEntry.id.desc())
    ).first()
    assert entry is not None
    assert entry.reason == "blocked: Threatens colleagues"


def test_what_a_blocked_person_writes_is_kept_and_closed_and_can_be_opened_again(
    world: World, said: Message, contact: Contact
) -> None:
    step = block(contact, world)
    before = db.session.scalar(select(func.count(Notification.id)))
    for number, is_public in ((2, True), (3, False)):
        fresh = there.wrote(said.channel, RUDE, id=f"post-{number}", conversation=f"c{number}", is_public=is_public)
        assert (fresh.text, fresh.conversation.state, fresh.conversation.waiting_since) == (RUDE, "no_answer", None)
    on = there.wrote(said.channel, "And on!", id="post-4")
    assert (on.conversation_id, on.conversation.state) == (said.conversation_id, "no_answer")
    assert db.session.scalar(select(func.count(Notification.id))) == before
    contact_ladder.end(step, reason="A mistake", by=world.dora)
    conversations.change_state(on.conversation, "open", by=world.dora)
    assert on.conversation.waiting_since is not None, "an answer can be given after all"
    heard = there.wrote(said.channel, "Thanks.", id="post-5", conversation="c5")
    assert heard.conversation.state == "new"


def test_others_in_the_thread_of_somebody_blocked_are_heard(world: World, said: Message, contact: Contact) -> None:
    block(contact, world)
    other = there.wrote(
        said.channel, "I have the same problem.", id="post-9", handle="@eva", conversation="thread-of-@max"
    )
    assert other.conversation_id == said.conversation_id
    assert (other.conversation.state, other.conversation.waiting_since is not None) == ("open", True)


# Muted


def test_a_muted_person_arrives_marked_at_the_end_and_alarms_nobody(
    clock: time_machine.Traveller, world: World, said: Message, contact: Contact
) -> None:
    rule = rules.write(
        None, name="Alert", conditions={"words": "idiots"}, deeds={"alert": True}, stops=False, by=world.root
    )
    rules.switch(rule, on=True, by=world.root)
    judge(said)
    loud = said.conversation.priority
    assert loud > 0
    assert db.session.scalar(select(func.count(Notification.id)).where(Notification.kind == "desk_rule")) == 2
    take(contact, "mute", world.dora)
    before = db.session.scalar(select(func.count(Notification.id)))
    fresh = there.wrote(said.channel, RUDE, id="post-2", conversation="c2")
    judge(fresh)
    assert fresh.conversation.priority == priority.LAST
    assert fresh.conversation.waiting_since is not None, "it can be answered"
    (line,) = [
        one
        for one in listing.listing("waiting", viewer=world.dora).lines
        if one.conversation.id == fresh.conversation_id
    ]
    assert line.conversation.quiet == "mute"
    clock.shift(timedelta(days=2))
    for deed in (escalation.warn, escalation.escalate):
        assert deed(conversations.locked(fresh.conversation_id)) == 0
    assert db.session.scalar(select(func.count(Notification.id))) == before
    row = db.session.get_one(ConversationClock, fresh.conversation_id)
    assert (row.warn_at, row.escalate_at) == (None, None)


def test_whoever_waits_gets_their_place_back_when_the_step_is_over(
    clock: time_machine.Traveller, world: World, said: Message, contact: Contact
) -> None:
    judge(said)
    assert said.conversation.priority > 0
    step_id, said_id = take(contact, "mute", world.dora).id, said.id
    db.session.commit()
    assert said.conversation.priority == 0
    clock.shift(timedelta(hours=1))
    priority.place_waiting()
    assert db.session.get_one(Message, said_id).conversation.priority == 0
    contact_ladder.end(db.session.get_one(ContactStep, step_id), reason="Calm again", by=World().dora)
    db.session.commit()
    clock.shift(timedelta(hours=1))
    priority.place_waiting()
    assert db.session.get_one(Message, said_id).conversation.priority > 0


def test_the_muted_make_no_spike(world: World, said: Message, contact: Contact) -> None:
    judge(there.wrote(said.channel, UNHAPPY, id="post-2"))
    assert [many for _, many, _ in unhappy(now())] == [1]
    take(contact, "mute", world.dora)
    assert unhappy(now()) == []


def test_somebody_asked_is_heard_as_before(world: World, said: Message, contact: Contact) -> None:
    take(contact, "ask", world.dora)
    judge(said)
    assert said.conversation.priority > 0
    assert not quiet.is_quiet(said.conversation)


# Hidden


def test_on_the_step_hide_each_public_message_is_hidden_at_the_service(
    world: World, said: Message, contact: Contact
) -> None:
    take(contact, "hide", world.dora)
    public = there.wrote(said.channel, RUDE, id="post-2")
    private = there.wrote(said.channel, RUDE, id="post-3", is_public=False)
    for message in (public, public, private):
        judge(message)
    (wanted,) = db.session.scalars(select(MessageHiding))
    assert (wanted.message_id, wanted.by_id) == (public.id, None)
    hiding.carry_out(wanted.id)
    assert Orderly.hidden == {"post-2"}


def test_where_the_service_hides_nothing_there_is_no_such_step(world: World, contact: Contact) -> None:
    Orderly.can.update(hides=False, hiding="It knows no hiding.")
    with pytest.raises(Invalid, match="It knows no hiding"):
        take(contact, "hide", world.dora)
    assert contact_ladder.why_no_hiding(contact) == "It knows no hiding."


# Restricted


@pytest.fixture
def held(world: World, said: Message, contact: Contact) -> HeldArrival:
    take(contact, "restrict", world.dora)
    fresh = there.wrote(said.channel, RUDE, id="post-2", conversation="c2")
    return held_arrivals.by_message(fresh.id)


def test_in_public_it_is_held_in_private_they_are_heard(world: World, said: Message, held: HeldArrival) -> None:
    conversation = held.message.conversation
    assert (conversation.state, conversation.waiting_since) == ("new", None)
    assert [one.message_id for one in held_arrivals.of(conversation)] == [held.message_id]
    view = listing.built_in("held")
    assert view is not None
    assert [line.conversation.id for line in listing.listing(view, viewer=world.dora).lines] == [conversation.id]
    assert listing.counts([view], viewer=world.dora) == {"held": 1}
    private = there.wrote(said.channel, "Please help.", id="post-3", conversation="c3", is_public=False)
    assert private.conversation.waiting_since is not None


def test_let_in_it_is_a_case_and_they_have_waited_since_they_wrote(world: World, held: HeldArrival) -> None:
    held_arrivals.let_in(held, by=world.dora)
    conversation = held.message.conversation
    assert conversation.waiting_since == held.message.created_at
    with pytest.raises(Conflict):
        held_arrivals.close(held, reason="No", by=world.dora)
    assert held_arrivals.of(conversation) == []


def test_closed_it_has_a_reason_and_is_no_case(world: World, held: HeldArrival) -> None:
    with pytest.raises(Invalid):
        held_arrivals.close(held, reason="", by=world.dora)
    held_arrivals.close(held, reason="Only insults", by=world.dora)
    assert (held.state, held.reason, held.message.conversation.state) == ("closed", "Only insults", "no_answer")
    for deed in (lambda: held_arrivals.let_in(held, by=world.dora), lambda: held_arrivals.let_in(held, by=world.alice)):
        with pytest.raises((Conflict, NotAllowed)):
            deed()


def test_what_nobody_looks_at_is_let_in_after_a_day(
    clock: time_machine.Traveller, world: World, held: HeldArrival
) -> None:
    db.session.commit()
    assert held_arrivals.let_in_what_nobody_looked_at() == 0
    clock.shift(timedelta(hours=24, seconds=1))
    assert held_arrivals.let_in_what_nobody_looked_at() == 1
    assert held.state == "let_in"
    assert held.message.conversation.waiting_since is not None


@pytest.mark.parametrize("how", ["ended", "lower", "time"])
def test_what_is_held_is_let_in_when_they_are_restricted_no_longer(
    clock: time_machine.Traveller, world: World, contact: Contact, held: HeldArrival, how: str
) -> None:
    step = quiet.step_of(contact.id)
    assert step is not None
    if how == "ended":
        contact_ladder.end(step, reason="Calm again", by=world.dora)
    elif how == "lower":
        take(contact, "mute", world.dora)
    else:
        db.session.commit()
        clock.shift(timedelta(days=15))
        contact_ladder.end_what_is_over()
    assert held.state == "let_in"


def test_a_block_closes_what_is_held_with_its_reason(world: World, contact: Contact, held: HeldArrival) -> None:
    block(contact, world)
    assert (held.state, held.reason) == ("closed", "Insults, again")
    assert held.message.conversation.state == "no_answer"


# Pages


def test_ten_who_agree_at_once_block_once(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> int:
        world.everybody()
        message = props.received(props.channel(world), RUDE)
        assert message.contact is not None
        take(message.contact, "mute", world.dora)
        return take(message.contact, "block", world.dora).id

    step_id = stage(scene)

    def one(_number: int) -> str:
        with app.app_context():
            try:
                contact_ladder.agree(db.session.get_one(ContactStep, step_id), by=World().root)
                db.session.commit()
            except Conflict:
                db.session.rollback()
                return "late"
            return "agreed"

    with ThreadPoolExecutor(10) as crowd:
        assert sorted(crowd.map(one, range(10))) == ["agreed", *["late"] * 9]


def test_the_whole_ladder_on_the_page_of_the_person(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        message = props.received(props.channel(world, endpoint="https://social.example/replies"), RUDE)
        return message.contact_id or 0, message.conversation_id

    contact_id, conversation_id = stage(scene)
    dora, root = browser_of("dora"), browser_of("root")
    page, path = f"/desk/contacts/{contact_id}", f"/desk/contacts/{contact_id}/steps"

    def send(step: str, **changes: str) -> Any:
        fields = fields_of(dora.get(page).text, path)
        return dora.post(path, data={**fields, "step-step": step, "step-reason": "Insults", **changes})

    shown = dora.get(page).text
    for step in STEPS:
        assert str(quiet.NAMES[step]) in shown
    wrong = send("mute", **{"step-reason": "", "step-days": "12"})
    assert wrong.status_code == 422
    assert 'value="12"' in wrong.text
    assert send("block").status_code == 409
    assert send("mute", **{"step-days": "0"}).status_code == 422
    assert send("mute").status_code == 303
    assert send("mute").status_code == 409
    marked = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Muted" in marked
    assert "Insults" in marked
    assert "Muted" in dora.get("/desk").text
    assert send("block").status_code == 303
    step_id = stage(lambda _w: db.session.scalars(select(ContactStep.id).where(ContactStep.state == "asked")).one())
    assert "Agree: block them" not in dora.get(page).text
    assert dora.post(f"{path}/{step_id}/agreement").status_code == 403
    assert "Agree: block them" in root.get(page).text
    assert "1 case of theirs waits" in root.get(page).text
    assert root.post(f"{path}/{step_id}/agreement", data={"block-answer": "x" * 301}).status_code == 422
    assert root.post(f"{path}/{step_id}/agreement").status_code == 303
    assert root.post(f"{path}/{step_id}/agreement").status_code == 409
    assert dora.post(f"{path}/{step_id}/end", data={"end-reason": ""}).status_code == 422
    assert dora.post(f"{path}/{step_id}/end", data={"end-reason": "Calm"}).status_code == 303
    assert "Calm" in dora.get(page).text
    assert dora.post(f"/desk/contacts/{contact_id + 1}/steps/{step_id}/end").status_code == 404
