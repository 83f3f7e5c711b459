"""Before an answer is late its people are warned, then a ladder of deciders; each step once, whoever is away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from accounts import people
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import absences, clocks, conversations, escalation, goodwill, replies
from desk.acknowledging import Holding
from desk.clock_models import EscalationStep
from desk.models import Channel, Conversation
from desk.promise_models import Promise
from forum import notices, notifications
from forum.models import Notification
from tests.cast import World
from tests.desk.stage import channel, received

ENDPOINT = "https://social.example/replies"


def told(kind: str) -> list[int]:
    """Who heard of it."""
    return sorted(db.session.scalars(select(Notification.user_id).where(Notification.kind == kind)))


def rung(world: World, decider: User, *, after: int = 0, deputy: User | None = None, **about: Any) -> EscalationStep:
    facts = {"channel_id": None, "team_id": None, "limit_cents": 0, "currency": "EUR"} | about
    return escalation.add_step(after_minutes=after, decider=decider, deputy=deputy, by=world.root, **facts)


def waiting(world: World, minutes: int, on: Channel | None = None) -> Conversation:
    on = on or channel(world, endpoint=ENDPOINT)
    return received(on, created_at=now() - timedelta(minutes=minutes)).conversation


def watch() -> int:
    """What the worker does each minute."""
    db.session.commit()
    return escalation.watch()


def away(world: World, person: User, deputy: User | None = None) -> None:
    at = now()
    absences.announce(
        person, starts_at=at - timedelta(hours=1), ends_at=at + timedelta(hours=8), deputy=deputy, by=world.root
    )


def test_the_assignee_is_warned_once_before_it_is_late(world: World) -> None:
    conversation = waiting(world, 50)
    conversations.assign(conversation, world.dora, by=world.root)
    assert watch() == 1
    assert watch() == 0
    assert told("desk_due_soon") == [world.dora.id]
    assert [one.kind for one in clocks.history(conversation)] == ["moved", "warned"]


def test_nobody_is_warned_long_before_or_when_it_was_answered(world: World) -> None:
    conversation = waiting(world, 20)
    assert watch() == 0
    early = waiting(world, 50, conversation.channel)
    replies.reply(early, text="Please restart it.", by=world.dora)
    assert watch() == 0


def test_without_an_assignee_everybody_hears_and_with_one_who_is_away_who_stands_in(world: World) -> None:
    first = waiting(world, 50)
    _ = world.dora, world.root
    watch()
    assert told("desk_due_soon") == sorted([world.dora.id, world.root.id])
    second = received(first.channel, conversation="thread-2", created_at=now() - timedelta(minutes=50)).conversation
    dave = world.person("dave", "agent")
    conversations.assign(second, world.dora, by=world.root)
    away(world, world.dora, dave)
    watch()
    assert dave.id in told("desk_due_soon")


def test_the_ladder_is_climbed_step_by_step_and_each_step_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    boss = world.person("boss", "agent")
    rung(world, world.dora)
    rung(world, boss, after=30)
    conversation = waiting(world, 70)
    watch()
    assert conversation.clock is not None
    assert (told("desk_escalated"), conversation.clock.escalated_to_id) == ([world.dora.id], world.dora.id)
    assert watch() == 0
    later = now() + timedelta(minutes=25)
    monkeypatch.setattr(escalation, "now", lambda: later)
    assert watch() == 1
    assert watch() == 0
    assert told("desk_escalated") == sorted([world.dora.id, boss.id])
    assert conversation.clock.escalate_at is None
    clocks._show(conversation, conversation.clock, escalation.clocks.sla.by_settings())
    assert watch() == 0, "a clock that was set anew climbs no step twice"


def test_who_is_away_is_passed_over(world: World) -> None:
    deputy, boss = world.person("deputy", "agent"), world.person("boss", "agent")
    rung(world, world.dora, deputy=deputy)
    rung(world, boss, after=500)
    away(world, world.dora)
    conversation = waiting(world, 70)
    watch()
    assert told("desk_escalated") == [deputy.id]
    assert clocks.history(conversation)[-1].details["for"] == world.dora.id
    away(world, deputy)
    other = received(conversation.channel, conversation="thread-2", created_at=now() - timedelta(minutes=70))
    watch()
    assert other.conversation.clock is not None
    assert other.conversation.clock.escalated_to_id == boss.id, "at once: nobody of the first step is there"


def test_the_narrowest_ladder_holds(world: World) -> None:
    on, boss = channel(world, endpoint=ENDPOINT), world.person("boss", "agent")
    rung(world, boss)
    rung(world, world.dora, channel_id=on.id)
    assert [step.decider_id for step in escalation.ladder(waiting(world, 1, on))] == [world.dora.id]


def test_a_step_names_somebody_at_the_desk_and_is_set_by_admins(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        rung(world, world.alice, deputy=world.bob, after=-1, currency="€", limit_cents=-1)
    assert set(refused.value.fields) == {"decider", "deputy", "after_minutes", "currency", "limit"}
    step = rung(world, world.dora)
    with pytest.raises(NotAllowed):
        escalation.remove_step(step, by=world.dora)
    escalation.remove_step(step, by=world.root)
    assert escalation.steps() == []


def test_a_holding_reply_is_no_answer(world: World) -> None:
    conversation = waiting(world, 30)
    before = conversation.due_at
    due = now() + timedelta(hours=3)
    reply = replies.reply(conversation, text="We look into it.", by=world.dora, acknowledges=Holding(due, world.dora))
    assert (conversation.due_at, conversation.due_for, conversation.state) == (before, "first", "open")
    owed = db.session.scalars(select(Promise)).one()
    assert (owed.due_at, owed.owner_id, owed.state, owed.message_id) == (due, world.dora.id, "open", reply.id)
    replies.reply(conversation, text="Please restart it.", by=world.dora)
    assert owed.state == "kept"
    kinds = [(one.kind, one.promise) for one in clocks.history(conversation)]
    assert kinds == [("acknowledged", None), ("answered", "first")]


def test_a_holding_reply_needs_an_owner_and_a_time(world: World) -> None:
    conversation = waiting(world, 30)
    for due, owner in ((None, world.dora), (now() - timedelta(hours=1), None), (now() + timedelta(hours=1), world.bob)):
        with pytest.raises(Invalid) as refused:
            replies.reply(conversation, text="We look into it.", by=world.dora, acknowledges=Holding(due, owner))
        assert set(refused.value.fields) <= {"holding_due", "holding_owner"}


def test_goodwill_is_granted_up_to_the_limit_and_above_it_the_next_one_decides(world: World) -> None:
    boss = world.person("boss", "agent")
    rung(world, world.dora, limit_cents=2000)
    rung(world, boss, after=60, limit_cents=10_000)
    conversation = waiting(world, 30)
    small = goodwill.ask(conversation, amount="20", currency="EUR", reason="Three days without", by=world.dora)
    assert (small.state, small.decider_id) == ("granted", world.dora.id)
    large = goodwill.ask(conversation, amount="20,01", currency="eur", reason="Four days", by=world.dora)
    assert (large.state, large.decider_id, told("desk_goodwill")) == ("asked", boss.id, [boss.id])
    with pytest.raises(NotAllowed):
        goodwill.decide(large, is_granted=True, answer="", by=world.dora)
    goodwill.decide(large, is_granted=False, answer="Too much", by=boss)
    assert (large.state, large.answer, told("desk_goodwill_decided")) == ("declined", "Too much", [world.dora.id])
    with pytest.raises((Conflict, NotAllowed)):
        goodwill.decide(large, is_granted=True, answer="", by=boss)
    with pytest.raises(Invalid):
        goodwill.ask(conversation, amount="200", currency="EUR", reason="x", by=world.dora)
    assert [one.amount_cents for one in goodwill.listed()] == [2001, 2000]


@pytest.mark.parametrize("typed", ["", "0", "0,00", "-3", "1.000,00", "12.345", "٣", "1e3", "99999999"])
def test_what_is_no_amount_is_refused(world: World, typed: str) -> None:
    with pytest.raises(Invalid):
        goodwill.read_amount(typed)


def test_while_who_decides_is_away_the_deputy_grants(world: World) -> None:
    deputy = world.person("deputy", "agent")
    rung(world, world.dora, deputy=deputy, limit_cents=2000)
    conversation = waiting(world, 30)
    assert goodwill.ask(conversation, amount="5", currency="EUR", reason="x", by=deputy).state == "asked"
    away(world, world.dora)
    assert goodwill.ask(conversation, amount="5", currency="EUR", reason="x", by=deputy).state == "granted"


def test_who_is_away_is_said_by_themselves_or_an_admin(world: World) -> None:
    at = now()
    about: dict[str, Any] = {"starts_at": at, "ends_at": at + timedelta(days=1), "deputy": None}
    absence = absences.announce(world.dora, **about, by=world.dora)
    with pytest.raises(NotAllowed):
        absences.announce(world.dora, **about, by=world.person("dave", "agent"))
    with pytest.raises(Invalid):
        absences.announce(world.dora, **(about | {"deputy": world.dora}), by=world.dora)
    with pytest.raises(Invalid):
        absences.announce(world.dora, **(about | {"ends_at": at}), by=world.dora)
    absences.withdraw(absence, by=world.dora)
    assert absences.upcoming() == []


def test_the_worker_watches(stage: Callable[[Callable[[World], Any]], Any], worker: Callable[[], None]) -> None:
    stage(lambda world: (world.dora, waiting(world, 50).id))
    worker()
    worker()
    assert stage(lambda _world: len(told("desk_due_soon"))) == 2, "Dora and Root, once each"


def test_a_warning_is_mailed_at_once_and_each_by_itself(world: World) -> None:
    people.confirm_email(world.dora)
    for minutes in (50, 52):
        on = channel(world, f"channel-{minutes}", endpoint=ENDPOINT)
        conversations.assign(waiting(world, minutes, on), world.dora, by=world.root)
        notifications.notify(world.dora, kind="reply_given_back", key=f"other-{minutes}", url="/desk", data={})
        watch()
        assert notices.mail_due() == 1, "what can wait waits"
    unread = select(Notification.kind).where(Notification.mailed_at.is_(None), Notification.user_id == world.dora.id)
    assert set(db.session.scalars(unread)) == {"reply_given_back"}
