"""The clock of a conversation: since when a customer waits, until when what was promised, and when it stood still.

Nobody else sets `waiting_since`, `due_at` and `due_for`, so that they never disagree. While it stands for a colleague
or because it was put aside, only the limit that holds at the very latest runs on: the customer waits all the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import joinedload

from accounts.models import User
from core import timezones
from core.clock import now
from core.db import db
from core.settings import current_settings
from core.unique import add_once
from desk import business_time, sla
from desk.clock_models import ClockEvent, ConversationClock, EventKind, Rest
from desk.models import Conversation, ConversationState, Message, Promised
from desk.sla import Promise

A_MICROSECOND: Final = timedelta(microseconds=1)
LONGEST_BEFORE: Final = timedelta(days=3650)
"""What is older waits since then: a message can name any moment, and counted time has to begin somewhere."""


def heard(conversation: Conversation, at: datetime) -> None:
    """Let the clock run because the customer wrote; what stood for a colleague or was put aside goes on."""
    clock = _clock_of(conversation)
    if clock.rest in {"inside", "snoozed"}:
        resume(conversation, by=None)
    if conversation.waiting_since is None or at < conversation.waiting_since:
        run(conversation, at)


def run(conversation: Conversation, since: datetime) -> None:
    """Let the clock run from when the customer wrote."""
    clock, at = _clock_of(conversation), now()
    promise = sla.promised_to(conversation)
    clock.policy_id, clock.policy_name = promise.policy_id, promise.name
    clock.promise = "first" if clock.first_answered_at is None else "next"
    conversation.waiting_since = since
    counted = max(since, at - LONGEST_BEFORE)
    clock.answer_due_at = _after(promise, counted, promise.answer(clock.promise))
    clock.hard_due_at = _after(promise, counted, promise.hard)
    clock.dismissed_at = None
    clock.answer_left = None
    if clock.solved_at is not None:
        clock.solved_at, clock.solution_due_at, clock.solution_left = None, None, None
        clock.reopened += 1
        _note(conversation, "reopened", at=at, since=since)
    if clock.solution_left is not None:
        clock.solution_due_at = _resumed(promise, at, clock.solution_left)
    elif clock.solution_due_at is None:
        clock.solution_due_at = _after(promise, counted, promise.solution)
    clock.rest = clock.rests_since = clock.solution_left = None
    _show(conversation, clock, promise)


def answered(conversation: Conversation, message: Message) -> None:
    """Stop the clock because the customer was answered, and keep how long it took."""
    _answered(conversation, by_id=message.by_id, message_id=message.id)


def answered_aloud(conversation: Conversation, *, by: User, key: str) -> None:
    """Stop the clock because somebody told the customer, of which there may be no message; `key` names the deed."""
    _answered(conversation, by_id=by.id, key=key)


def _answered(
    conversation: Conversation, *, by_id: int | None, message_id: int | None = None, key: str | None = None
) -> None:
    clock, at = _clock_of(conversation), now()
    promise = sla.promise_of(clock.policy_id)
    is_first = clock.first_answered_at is None
    since = conversation.waiting_since or (conversation.created_at if is_first else None)
    if since is not None:
        which: Promised = "first" if is_first else "next"
        left = _left(promise, at, clock)
        span = promise.answer(which)
        took = (
            span - left if span is not None and left is not None else business_time.between(promise.working, since, at)
        )
        _note(
            conversation,
            "answered",
            at=at,
            by=by_id,
            message_id=message_id,
            key=key,
            promise=which,
            since=since,
            due_at=clock.answer_due_at,
            seconds=max(0, round(took.total_seconds())),
            is_kept=_is_in_time(clock, at),
        )
    if is_first:
        clock.first_answered_at = at
    _stand(conversation, clock, promise, "customer", at)


def take_back(message: Message) -> None:
    """Let the clock run on as though this reply had never been written: it did not go out."""
    _take_back(message.conversation, ClockEvent.message_id == message.id)


def take_back_aloud(conversation: Conversation, *, key: str) -> None:
    """Let the clock run on as though nobody had told the customer: it was noted by mistake."""
    _take_back(conversation, ClockEvent.key == key)


def _take_back(conversation: Conversation, which: ColumnElement[bool]) -> None:
    event = db.session.scalars(select(ClockEvent).where(which, ClockEvent.kind == "answered")).one_or_none()
    if event is None or event.since is None:
        return
    clock = _clock_of(conversation)
    if event.promise == "first":
        clock.first_answered_at = None
    if conversation.waiting_since is None or event.since < conversation.waiting_since:
        run(conversation, event.since)
        if event.due_at is not None:
            clock.answer_due_at = event.due_at
            _show(conversation, clock, sla.promise_of(clock.policy_id))
    db.session.delete(event)
    db.session.flush()


def stop(conversation: Conversation, state: ConversationState = "waiting_customer", *, by: User | None = None) -> None:
    """Stop the clock because nobody waits for us: it is the customer's turn, it is solved, or nothing is to be said."""
    clock, at = _clock_of(conversation), now()
    promise = sla.promise_of(clock.policy_id)
    if state == "solved" and clock.solved_at is None:
        began = conversation.created_at or at
        _note(
            conversation,
            "solved",
            at=at,
            by=None if by is None else by.id,
            since=began,
            due_at=clock.solution_due_at,
            seconds=round(business_time.between(promise.working, max(began, at - LONGEST_BEFORE), at).total_seconds()),
            is_kept=_is_solved_in_time(clock, at),
        )
        clock.solved_at = at
    if state == "no_answer" and clock.first_answered_at is None and clock.dismissed_at is None:
        _note(conversation, "dismissed", at=at, by=None if by is None else by.id, since=conversation.waiting_since)
        clock.dismissed_at = at
    _stand(conversation, clock, promise, "customer", at, by=by)


def run_again(conversation: Conversation, since: datetime, due: datetime | None) -> None:
    """Let the clock run on as it did before somebody stopped it and took that back."""
    clock = _clock_of(conversation)
    undone = (ClockEvent.conversation_id == conversation.id, ClockEvent.at == (clock.solved_at or clock.dismissed_at))
    db.session.execute(delete(ClockEvent).where(*undone, ClockEvent.kind.in_(("solved", "dismissed"))))
    clock.solved_at = clock.dismissed_at = None
    resume(conversation, by=None)
    if conversation.waiting_since != since:
        run(conversation, since)
    if due is not None and conversation.due_at != due:
        clock.answer_due_at = due
        _show(conversation, clock, sla.promise_of(clock.policy_id))
    if conversation.state == "waiting_inside" and conversation.assignee_id is not None:
        pause(conversation, "inside", by=None)


def pause(conversation: Conversation, why: Rest, *, by: User | None) -> None:
    """Stop the clock while a colleague is asked, or until a moment; what is due at the very latest stays due."""
    clock, at = _clock_of(conversation), now()
    promise = sla.promise_of(clock.policy_id)
    if clock.rest is not None or conversation.waiting_since is None or not promise.rests_inside:
        return
    left = _left(promise, at, clock)
    clock.answer_left = None if left is None else left // A_MICROSECOND
    clock.solution_left = _solution_left(promise, at, clock)
    clock.rest, clock.rests_since = why, at
    _note(conversation, "paused", at=at, by=None if by is None else by.id, details={"why": why})
    _show(conversation, clock, promise)


def resume(conversation: Conversation, *, by: User | None) -> None:
    """Let a clock that stood go on with what was left to it."""
    clock, at = _clock_of(conversation), now()
    if clock.rest is None or conversation.waiting_since is None:
        return
    promise = sla.promise_of(clock.policy_id)
    if clock.answer_left is not None:
        clock.answer_due_at = _resumed(promise, at, clock.answer_left) if clock.answer_left > 0 else clock.answer_due_at
    if clock.solution_left is not None and clock.solution_left > 0:
        clock.solution_due_at = _resumed(promise, at, clock.solution_left)
    details = {"why": clock.rest}
    _note(conversation, "resumed", at=at, by=None if by is None else by.id, since=clock.rests_since, details=details)
    clock.rest = clock.rests_since = clock.answer_left = clock.solution_left = None
    _show(conversation, clock, promise)


def moved(conversation: Conversation, *, what: str, before: int | None, after: int | None, by: User | None) -> None:
    """Note that it went to another `agent` or `team`, by their ids; the clock runs on as it did."""
    details = {"what": what, "from": before, "to": after}
    _note(conversation, "moved", at=now(), by=None if by is None else by.id, details=details)
    if what == "agent" and conversation.state == "waiting_inside":
        if after is not None:
            pause(conversation, "inside", by=by)
        else:
            resume(conversation, by=by)


def choose_again(conversation: Conversation) -> None:
    """Look again at which policy holds, after a priority or an intent became known; what was used stays used."""
    clock = conversation.clock
    if clock is None or conversation.waiting_since is None:
        return
    promise = sla.promised_to(conversation)
    if promise.policy_id == clock.policy_id:
        return
    before = clock.policy_name
    clock.policy_id, clock.policy_name = promise.policy_id, promise.name
    since = max(conversation.waiting_since, now() - LONGEST_BEFORE)
    clock.answer_due_at = _after(promise, since, promise.answer(clock.promise))
    clock.hard_due_at = _after(promise, since, promise.hard)
    clock.solution_due_at = _after(promise, since, promise.solution)
    _note(conversation, "promised", at=now(), details={"from": before, "to": promise.name})
    _show(conversation, clock, promise)


def learn(conversation: Conversation, messages: Sequence[Message]) -> None:
    """Take over from imported messages when somebody was answered; what was counted there counts around the clock."""
    clock = _clock_of(conversation)
    if clock.first_answered_at is not None:
        return
    since: datetime | None = None
    for message in sorted(messages, key=lambda one: (one.created_at, one.id or 0)):
        if message.direction == "in":
            since = since or message.created_at
        elif since is not None:
            _note(
                conversation,
                "answered",
                at=message.created_at,
                by=message.by_id,
                message_id=message.id,
                promise="first" if clock.first_answered_at is None else "next",
                since=since,
                seconds=round((message.created_at - since).total_seconds()),
            )
            clock.first_answered_at = clock.first_answered_at or message.created_at
            since = None
    if clock.first_answered_at is not None and clock.promise == "first":
        clock.promise = "next"
        conversation.due_for = "next" if conversation.due_for == "first" else conversation.due_for
    if conversation.state == "solved":
        clock.solved_at = conversation.last_message_at
    if conversation.state == "no_answer" and clock.first_answered_at is None:
        clock.dismissed_at = conversation.last_message_at


def step(conversation: Conversation, kind: EventKind, name: str, **about: Any) -> bool:
    """Write down a step that is taken once for each time the customer waits; tell whether it is the first time."""
    since = conversation.waiting_since
    began = "" if since is None else since.isoformat()
    return add_once(
        ClockEvent,
        conversation_id=conversation.id,
        kind=kind,
        at=now(),
        channel_id=conversation.channel_id,
        team_id=conversation.team_id,
        since=since,
        key=f"{conversation.id}:{name}:{began}",
        **{"details": {}, **about},
    )


def note(conversation: Conversation, kind: EventKind, **about: Any) -> None:
    """Write down what happened to the clock."""
    _note(conversation, kind, at=now(), **about)


def history(conversation: Conversation) -> Sequence[ClockEvent]:
    """Return what happened to the clock, the first thing first."""
    return db.session.scalars(
        select(ClockEvent)
        .where(ClockEvent.conversation_id == conversation.id)
        .order_by(ClockEvent.at, ClockEvent.id)
        .options(joinedload(ClockEvent.by))
    ).all()


def _clock_of(conversation: Conversation) -> ConversationClock:
    if conversation.clock is None:
        began_at = conversation.created_at or now()
        conversation.clock = ConversationClock(
            reopened=0, policy_name="", began_at=began_at, began_hour=_hour(began_at)
        )
    return conversation.clock


def _stand(
    conversation: Conversation,
    clock: ConversationClock,
    promise: Promise,
    why: Rest,
    at: datetime,
    *,
    by: User | None = None,
) -> None:
    """Let nobody wait for us any more; what is left for the solution is kept."""
    if clock.rest in {"inside", "snoozed"}:
        _note(
            conversation,
            "resumed",
            at=at,
            by=None if by is None else by.id,
            since=clock.rests_since,
            details={"why": clock.rest},
        )
    elif clock.rest is None:
        clock.solution_left = _solution_left(promise, at, clock)
    clock.rest, clock.rests_since = why, at
    clock.promise = clock.answer_due_at = clock.hard_due_at = clock.answer_left = None
    conversation.waiting_since = None
    _show(conversation, clock, promise)


def _show(conversation: Conversation, clock: ConversationClock, promise: Promise) -> None:
    """Say what falls due next, and when."""
    candidates: list[tuple[datetime, Promised]] = []
    if conversation.waiting_since is not None:
        if clock.hard_due_at is not None:
            candidates.append((clock.hard_due_at, "hard"))
        if clock.rest is None and clock.solution_due_at is not None:
            candidates.append((clock.solution_due_at, "solution"))
        is_late = (
            clock.answer_left is not None and clock.answer_left <= 0
        )  # what was late stays late, whatever it rests for
        if (clock.rest is None or is_late) and clock.answer_due_at is not None and clock.promise is not None:
            candidates.append((clock.answer_due_at, clock.promise))
    conversation.due_at, conversation.due_for = min(candidates, key=lambda one: one[0], default=(None, None))
    clock.warn_at, clock.escalate_at = None, conversation.due_at
    if conversation.due_at is not None and promise.warn:
        clock.warn_at = conversation.due_at - promise.warn


def _after(promise: Promise, since: datetime, span: timedelta | None) -> datetime | None:
    return None if span is None else business_time.after(promise.working, since, span)


def _resumed(promise: Promise, at: datetime, left: int) -> datetime:
    return business_time.after(promise.working, at, left * A_MICROSECOND)


def _left(promise: Promise, at: datetime, clock: ConversationClock) -> timedelta | None:
    """Return the counted time until the answer is due, negative when it is late; None when none is due."""
    if clock.answer_left is not None:
        return clock.answer_left * A_MICROSECOND
    return None if clock.answer_due_at is None else _signed(promise, at, clock.answer_due_at)


def _solution_left(promise: Promise, at: datetime, clock: ConversationClock) -> int | None:
    if clock.solution_due_at is None:
        return None
    return _signed(promise, at, clock.solution_due_at) // A_MICROSECOND


def _signed(promise: Promise, at: datetime, due: datetime) -> timedelta:
    if due >= at:
        return business_time.between(promise.working, at, due)
    return -business_time.between(promise.working, due, at)


def _is_in_time(clock: ConversationClock, at: datetime) -> bool | None:
    if clock.answer_due_at is None:
        return None
    return clock.answer_left >= 0 if clock.answer_left is not None else at <= clock.answer_due_at


def _is_solved_in_time(clock: ConversationClock, at: datetime) -> bool | None:
    if clock.solution_due_at is None:
        return None
    return clock.solution_left >= 0 if clock.solution_left is not None else at <= clock.solution_due_at


def _note(conversation: Conversation, kind: EventKind, *, at: datetime, by: int | None = None, **about: Any) -> None:
    since = about.get("since")
    event = ClockEvent(
        kind=kind,
        at=at,
        by_id=by,
        channel_id=conversation.channel_id,
        team_id=conversation.team_id,
        hour=None if since is None else _hour(since),
        **{"details": {}, **about},
    )
    event.conversation = conversation
    db.session.add(event)


def _hour(at: datetime) -> int:
    """Return the hour on the house's clock; before the clocks had zones it is that of Greenwich."""
    try:
        return at.astimezone(timezones.zone(current_settings().time_zone)).hour
    except OverflowError:
        return at.hour
