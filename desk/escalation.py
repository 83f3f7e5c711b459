"""What happens before and after an answer is late: a warning, then a ladder of people who decide, each step once.

The steps taken are rows with a key (`clocks.step`), so a worker that begins anew repeats none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.worker import chore
from desk import absences, clock_words, clocks, conversations, policy, queries, quiet
from desk.clock_models import ConversationClock, EscalationStep
from desk.models import Conversation
from desk.team_models import TeamMember
from forum import notifications
from forum.models import Notification

EVERY_SECONDS: Final = 60
MOST_AT_ONCE: Final = 100
FORGOTTEN: Final = timedelta(days=7)
"""What was late for so long when it is looked at first is no news: an import, or a worker that rested."""
LARGEST_LIMIT: Final = 1_000_000_00
LONGEST_AFTER: Final = 100_000


@dataclass(frozen=True, slots=True)
class Decider:
    """Who is to decide now; `stands_in_for` is who would have, where they are away."""

    user_id: int
    stands_in_for: int | None = None


@chore("desk.watch_clocks", every=EVERY_SECONDS)
def watch() -> int:
    """Warn of what is due soon and climb the ladder for what is late; return how many steps were taken."""
    at = now()
    warned = _each(ConversationClock.warn_at <= at, ConversationClock.warn_at, warn)
    return warned + _each(ConversationClock.escalate_at <= at, ConversationClock.escalate_at, escalate)


def warn(conversation: Conversation) -> int:
    """Tell who has the conversation, or their team, that it is due soon."""
    clock = conversation.clock
    if clock is None or clock.warn_at is None or clock.warn_at > now():
        return 0
    clock.warn_at = None
    if conversation.due_at is None or conversation.due_at <= now() or quiet.is_quiet(conversation):
        return 0
    if not clocks.step(conversation, "warned", f"warn-{conversation.due_for}", due_at=conversation.due_at):
        return 0
    _tell(conversation, _responsible(conversation), kind="desk_due_soon", step=f"warn-{conversation.due_for}")
    return 1


def escalate(conversation: Conversation) -> int:
    """Take the steps of the ladder whose time has come; return how many."""
    clock, at = conversation.clock, now()
    if clock is None or clock.escalate_at is None or clock.escalate_at > at:
        return 0
    clock.escalate_at = None
    due = conversation.due_at
    if due is None or due > at or at - due > FORGOTTEN or quiet.is_quiet(conversation):
        return 0
    steps = ladder(conversation)
    taken = 0
    if clocks.step(conversation, "warned", f"late-{conversation.due_for}", due_at=due, details={"late": True}):
        _tell(conversation, _responsible(conversation), kind="desk_late", step=f"late-{conversation.due_for}")
        taken += 1
    for place, step in enumerate(steps):
        when = due + timedelta(minutes=step.after_minutes)
        if when > at:
            clock.escalate_at = when
            break
        taken += _climb(conversation, clock, steps[place:])
    return taken


def ladder(conversation: Conversation) -> Sequence[EscalationStep]:
    """Return the steps for a conversation, the first one first: the narrowest ladder that there is for it."""
    steps = db.session.scalars(select(EscalationStep).order_by(EscalationStep.after_minutes, EscalationStep.id)).all()
    fitting = [
        one
        for one in steps
        if one.channel_id in {None, conversation.channel_id} and one.team_id in {None, conversation.team_id}
    ]
    narrowest = max((_narrowness(one) for one in fitting), default=None)
    return [one for one in fitting if _narrowness(one) == narrowest]


def decider(step: EscalationStep) -> Decider | None:
    """Return who decides on this step now: who is named, else their deputy, else who stands in while they are away."""
    away = absences.away([one for one in (step.decider_id, step.deputy_id) if one is not None])
    if _can_decide(step.decider) and step.decider_id not in away:
        return Decider(step.decider_id)
    if step.deputy is not None and _can_decide(step.deputy) and step.deputy_id not in away:
        return Decider(step.deputy.id, step.decider_id)
    stand_in = away.get(step.decider_id)
    if stand_in is not None and stand_in not in absences.away({stand_in}):
        person = db.session.get(User, stand_in)
        if person is not None and _can_decide(person):
            return Decider(person.id, step.decider_id)
    return None


def steps() -> Sequence[EscalationStep]:
    """Return all steps, as the page of them shows them: ladder by ladder."""
    return db.session.scalars(
        select(EscalationStep)
        .options(joinedload(EscalationStep.channel))
        .order_by(EscalationStep.channel_id, EscalationStep.team_id, EscalationStep.after_minutes, EscalationStep.id)
    ).all()


def add_step(
    *,
    channel_id: int | None,
    team_id: int | None,
    after_minutes: int,
    decider: User | None,
    deputy: User | None,
    limit_cents: int,
    currency: str,
    by: User,
) -> EscalationStep:
    """Name who decides when an answer is so late, and what they may give away."""
    if not policy.may_manage_clocks(by):
        raise NotAllowed
    wrong: dict[str, str] = {}
    if decider is None or not _can_decide(decider):
        wrong["decider"] = gettext("Please choose somebody who works at the desk.")
    if deputy is not None and (not _can_decide(deputy) or (decider is not None and deputy.id == decider.id)):
        wrong["deputy"] = gettext("Somebody else at the desk has to stand in.")
    if not 0 <= after_minutes <= LONGEST_AFTER:
        wrong["after_minutes"] = gettext("Minutes from 0 to 100,000, please.")
    if not 0 <= limit_cents <= LARGEST_LIMIT:
        wrong["limit"] = gettext("An amount from 0 to 1,000,000, please.")
    if not (currency.isascii() and currency.isalpha() and currency.isupper()):
        wrong["currency"] = gettext("Three capital letters, like EUR.")
    if wrong or decider is None:
        raise Invalid(fields=wrong)
    step = EscalationStep(
        channel_id=channel_id,
        team_id=team_id,
        after_minutes=after_minutes,
        decider=decider,
        deputy=deputy,
        limit_cents=limit_cents,
        currency=currency,
    )
    db.session.add(step)
    db.session.flush()
    audit.record("desk.escalation_step.add", step, by=by, after=_facts(step))
    return step


def remove_step(step: EscalationStep, *, by: User) -> None:
    """Take a step out of its ladder."""
    if not policy.may_manage_clocks(by):
        raise NotAllowed
    audit.record("desk.escalation_step.remove", step, by=by, before=_facts(step))
    db.session.delete(step)
    db.session.flush()


def step_by(step_id: int) -> EscalationStep:
    """Return a step, or raise `NotFound`."""
    found = db.session.get(EscalationStep, step_id) if 0 < step_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def _each(is_due: object, by: object, deed: Callable[[Conversation], int]) -> int:
    ids = db.session.scalars(
        select(ConversationClock.conversation_id).where(is_due).order_by(by).limit(MOST_AT_ONCE)  # type: ignore[arg-type]  # clauses, named where they are used
    ).all()
    db.session.rollback()
    taken = 0
    for conversation_id in ids:
        taken += deed(conversations.locked(conversation_id))
        db.session.commit()
    return taken


def _climb(conversation: Conversation, clock: ConversationClock, rungs: Sequence[EscalationStep]) -> int:
    """Take one step; where nobody of it is there, it goes on to the next at once."""
    step = rungs[0]
    found = next((one for rung in rungs if (one := decider(rung)) is not None), None)
    details = {"step": step.id, "to": None if found is None else found.user_id}
    if found is not None and found.stands_in_for is not None:
        details["for"] = found.stands_in_for
    if not clocks.step(conversation, "escalated", f"step-{step.id}", due_at=conversation.due_at, details=details):
        return 0
    clock.escalated_at = now()
    clock.escalated_to_id = None if found is None else found.user_id
    told = _responsible(conversation) if found is None else [found.user_id]
    _tell(conversation, told, kind="desk_escalated", step=f"step-{step.id}")
    return 1


def _responsible(conversation: Conversation) -> Iterable[int]:
    """Return who is told: the assignee or who stands in for them; else the team; else everybody at the desk."""
    if conversation.assignee_id is not None:
        away = absences.away({conversation.assignee_id})
        if conversation.assignee_id not in away:
            return [conversation.assignee_id]
        stand_in = away[conversation.assignee_id]
        if stand_in is not None:
            return [stand_in]
    if conversation.team_id is not None:
        members = db.session.scalars(select(TeamMember.user_id).where(TeamMember.team_id == conversation.team_id)).all()
        present = [user_id for user_id in members if user_id not in absences.away(members)]
        if present:
            return present
    return [agent.id for agent in queries.agents()]


def _tell(conversation: Conversation, user_ids: Iterable[int], *, kind: str, step: str) -> None:
    since = conversation.waiting_since
    notifications.notify_each(
        user_ids,
        kind=kind,
        key=f"clock:{conversation.id}:{step}:{'' if since is None else since.isoformat()}",
        url=f"/desk/conversations/{conversation.id}",
        data={
            "channel": conversation.channel.name,
            "promise": conversation.due_for,
            "due": None if conversation.due_at is None else conversation.due_at.isoformat(),
        },
    )


def _can_decide(user: User) -> bool:
    return user.is_active and policy.may_work(user)


def _narrowness(step: EscalationStep) -> tuple[bool, bool]:
    return (step.team_id is not None, step.channel_id is not None)


def _facts(step: EscalationStep) -> dict[str, object]:
    names = ("channel_id", "team_id", "after_minutes", "decider_id", "deputy_id", "limit_cents", "currency")
    return {name: getattr(step, name) for name in names}


def _due(notification: Notification) -> str:
    due = notification.data.get("due")
    return clock_words.wall(datetime.fromisoformat(due)) if due else ""


@notifications.kind("desk_due_soon", group="alarms", at_once=True)
def _due_soon(notification: Notification) -> str:
    return str(
        gettext(
            "A customer on %(channel)s is still waiting: %(promise)s until %(at)s.",
            channel=notification.data.get("channel", ""),
            promise=clock_words.promise_name(notification.data.get("promise")),
            at=_due(notification),
        )
    )


@notifications.kind("desk_late", group="alarms", at_once=True)
def _late(notification: Notification) -> str:
    return str(
        gettext(
            "A customer on %(channel)s waits too long: %(promise)s was due %(at)s.",
            channel=notification.data.get("channel", ""),
            promise=clock_words.promise_name(notification.data.get("promise")),
            at=_due(notification),
        )
    )


@notifications.kind("desk_escalated", group="alarms", at_once=True)
def _escalated(notification: Notification) -> str:
    return str(
        gettext(
            "Please decide: a customer on %(channel)s waits since the answer was due %(at)s.",
            channel=notification.data.get("channel", ""),
            at=_due(notification),
        )
    )
