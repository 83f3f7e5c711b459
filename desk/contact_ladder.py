"""The ladder before somebody is blocked: asked, muted, hidden, restricted, blocked; each step with a reason.

One step at a time is in force with a contact, and its history stays. A block needs a second person, and one of the
lower steps before it. What somebody waits for is answered or closed with a reason, never forgotten.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.worker import chore
from desk import approvals, clocks, conversations, held_arrivals, policy, queries, quiet
from desk.channels.base import adapter_of
from desk.filters import IS_OPEN
from desk.models import Contact, Conversation
from desk.order_models import LONGEST_REASON, STEPS, ContactStep, Step
from desk.triage import priority
from forum import notifications
from forum.models import Notification

USUAL_DAYS: Final[Mapping[Step, int]] = {"ask": 30, "mute": 14, "hide": 14, "restrict": 30, "block": 180}
LONGEST_DAYS: Final = 3650
MOST_WAITING: Final = 20
MOST_AT_ONCE: Final = 200
MOST_SHOWN: Final = 50


class NoLowerStep(Conflict):
    """Somebody was to be blocked with whom nothing else was tried."""

    title = lazy_gettext("A lower step comes first")


def take(contact: Contact, step: str, *, reason: str, days: int | None, by: User) -> ContactStep:
    """Take a step with somebody, up or down; a block waits until a second person agrees.

    It ends by itself after so many days; None: when somebody ends it. What was in force before is over with it.
    """
    if not policy.may_hide(by):
        raise NotAllowed
    wanted = _step(step)
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_REASON, shortest=1)
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        sentence = gettext("From 1 to %(most)s days, please.", most=LONGEST_DAYS)
        raise Invalid(sentence, fields={"days": sentence})
    _hold(contact)
    if wanted == "hide" and (why := why_no_hiding(contact)):
        raise Invalid(why, fields={"step": why})
    standing = _in_force(contact)
    if standing is not None and standing.step == wanted:
        raise Conflict(gettext("This step is in force already. End it first to say it anew."))
    if wanted == "block":
        return _ask_for_block(contact, reason=reason, days=days, by=by)
    if standing is not None:
        _end(standing, why=reason, by=by)
    taken = ContactStep(contact=contact, step=wanted, reason=reason, days=days, by=by, state="in_force")
    _begin(taken)
    _let_in(contact, wanted, reason=reason, by=by)
    _place_anew(contact)
    _record("take", taken, by=by)
    return taken


def end(step: ContactStep, *, reason: str, by: User) -> None:
    """End a step before its time, with a reason. Twice is once."""
    if not policy.may_hide(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_REASON, shortest=1)
    _hold(step.contact)
    db.session.refresh(step)
    if step.state == "asked":
        raise Conflict(gettext("This was only asked for. It can be declined."))
    if step.state != "in_force":
        return
    _end(step, why=reason, by=by)
    _let_in(step.contact, None, reason=reason, by=by)
    _place_anew(step.contact)
    _record("end", step, by=by)


def agree(step: ContactStep, *, by: User, answer: str = "") -> Sequence[Conversation]:
    """Agree to a block as the second person; return what waited and is closed now, with the block's reason."""
    answer = _require_asked(step, by, answer)
    standing = _in_force(step.contact)
    if standing is not None:
        _end(standing, why=step.reason, by=by)
    step.decided_by, step.decided_at, step.answer = by, now(), answer
    step.state = "in_force"
    _begin(step)
    held_arrivals.close_all(step.contact_id, reason=step.reason, by=by)
    closed = waiting(step.contact_id)
    for conversation in closed:
        _close(conversation, gettext("blocked: %(reason)s", reason=step.reason), by=by)
    _record("block", step, by=by)
    _tell_asker(step)
    return closed


def decline(step: ContactStep, *, by: User, answer: str = "") -> None:
    """Decline a block; who asked for one may take it back so."""
    is_own = policy.may_hide(by) and step.by_id == by.id
    if not is_own and not may_decide(step, by):
        raise NotAllowed(gettext("Somebody else decides this: not who asked, and nobody who is still learning."))
    with problems.at("answer"):
        answer = texts.line(answer, longest=LONGEST_REASON, shortest=0)
    _hold(step.contact)
    db.session.refresh(step)
    if step.state != "asked":
        raise Conflict(gettext("This was decided already."))
    step.decided_by, step.decided_at, step.answer, step.state = by, now(), answer, "declined"
    db.session.flush()
    _record("decline_block", step, by=by)
    if not is_own:
        _tell_asker(step)


def may_decide(step: ContactStep, viewer: User) -> bool:
    """Whoever works at the desk, has learnt it, and did not ask for it."""
    return policy.may_hide(viewer) and viewer.id != step.by_id and not approvals.is_trainee(viewer)


def why_no_hiding(contact: Contact) -> str:
    """Say why what they write cannot be hidden on their channel; empty where it can."""
    can = adapter_of(contact.channel).capabilities
    if can.hides:
        return ""
    return str(can.hiding or gettext("This service cannot hide what others wrote."))


def waiting(contact_id: int) -> Sequence[Conversation]:
    """Return the conversations in which this contact waits for an answer, the longest waiting first."""
    return db.session.scalars(
        select(Conversation)
        .where(Conversation.contact_id == contact_id, IS_OPEN, Conversation.waiting_since.is_not(None))
        .order_by(Conversation.waiting_since, Conversation.id)
        .limit(MOST_WAITING)
        .options(lazyload(Conversation.messages))
    ).all()


def history(contact_ids: Collection[int]) -> Sequence[ContactStep]:
    """Return the steps that were ever taken or asked for with these contacts, the newest first."""
    return db.session.scalars(
        select(ContactStep)
        .where(ContactStep.contact_id.in_(contact_ids))
        .order_by(ContactStep.id.desc())
        .limit(MOST_SHOWN)
        .options(
            joinedload(ContactStep.by).load_only(User.name),
            joinedload(ContactStep.decided_by).load_only(User.name),
            joinedload(ContactStep.ended_by).load_only(User.name),
            lazyload(ContactStep.contact),
        )
    ).all()


def asked() -> Sequence[ContactStep]:
    """Return the blocks that wait for a second person, the first first."""
    return db.session.scalars(
        select(ContactStep)
        .where(ContactStep.state == "asked")
        .order_by(ContactStep.id)
        .limit(MOST_SHOWN)
        .options(joinedload(ContactStep.by).load_only(User.name), joinedload(ContactStep.contact))
    ).all()


def step_by(step_id: int) -> ContactStep:
    """Return a step, or raise `NotFound`."""
    found = db.session.get(ContactStep, step_id) if 0 < step_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def is_over(step: ContactStep) -> bool:
    """Tell whether a step holds no longer, by hand or by its time."""
    return step.state == "over" or (step.state == "in_force" and step.until is not None and step.until <= now())


@chore("desk.end_steps", every=300)
def end_what_is_over() -> int:
    """Write down of the steps whose time is over that they are, and let in what they held; return how many."""
    rows = db.session.scalars(
        select(ContactStep.id)
        .where(ContactStep.state == "in_force", ContactStep.until <= now())
        .order_by(ContactStep.until)
        .limit(MOST_AT_ONCE)
    ).all()
    for step_id in rows:
        step = step_by(step_id)
        _hold(step.contact)
        db.session.refresh(step)
        if step.state == "in_force" and is_over(step):
            _end(step, why="", by=None)
            _let_in(step.contact, None, reason="", by=None)
            _place_anew(step.contact)
            _record("end", step, by=None)
        db.session.commit()
    return len(rows)


def _step(typed: str) -> Step:
    if typed not in STEPS:
        sentence = gettext("Please choose one of these.")
        raise Invalid(sentence, fields={"step": sentence})
    return typed


def _hold(contact: Contact) -> None:
    """Hold the contact, so that of two deeds the second sees what the first did."""
    db.session.execute(select(Contact.id).where(Contact.id == contact.id).with_for_update(of=Contact))


def _in_force(contact: Contact) -> ContactStep | None:
    """Return what is written down as in force; one that is over by its time is ended here and is none."""
    standing = db.session.scalars(
        select(ContactStep)
        .where(ContactStep.contact_id == contact.id, ContactStep.state == "in_force")
        .execution_options(populate_existing=True)
    ).one_or_none()
    if standing is not None and is_over(standing):
        _end(standing, why="", by=None)
        return None
    return standing


def _ask_for_block(contact: Contact, *, reason: str, days: int | None, by: User) -> ContactStep:
    before = select(ContactStep.id).where(
        ContactStep.contact_id == contact.id, ContactStep.step != "block", ContactStep.state.in_(("in_force", "over"))
    )
    if db.session.scalar(before.limit(1)) is None:
        raise NoLowerStep(
            gettext(
                "Nobody is blocked at once: ask, mute, hide or restrict them first. Muted they alarm nobody either."
            )
        )
    is_asked = select(ContactStep.id).where(ContactStep.contact_id == contact.id, ContactStep.state == "asked")
    if db.session.scalar(is_asked) is not None:
        raise Conflict(gettext("Somebody asked for this already; it waits for a second person."))
    wanted = ContactStep(contact=contact, step="block", reason=reason, days=days, by=by, state="asked")
    db.session.add(wanted)
    db.session.flush()
    _record("ask_for_block", wanted, by=by)
    notifications.notify_each(
        [agent.id for agent in queries.agents() if may_decide(wanted, agent)],
        kind=_TO_DECIDE,
        key=f"block:{wanted.id}",
        url=_address(wanted),
    )
    return wanted


def _begin(step: ContactStep) -> None:
    step.until = None if step.days is None else now() + timedelta(days=step.days)
    db.session.add(step)
    db.session.flush()


def _end(step: ContactStep, *, why: str, by: User | None) -> None:
    step.state, step.ended_by, step.ended_at, step.ended_why = "over", by, now(), why
    db.session.flush()


def _let_in(contact: Contact, step: Step | None, *, reason: str, by: User | None) -> None:
    """Let in what was held, where nothing is held any more."""
    if step != "restrict":
        held_arrivals.let_in_all(contact.id, reason=reason, by=by)


def _place_anew(contact: Contact) -> None:
    """Give what waits its place by what is so now: who is muted is offered last, who is heard again no longer."""
    for conversation in waiting(contact.id):
        priority.place(conversations.locked(conversation.id))


def _close(conversation: Conversation, reason: str, *, by: User) -> None:
    conversation = conversations.locked(conversation.id)
    if conversation.state not in conversations.DONE:
        conversations.turn(conversation, "no_answer", by=by, reason=reason)
        clocks.stop(conversation, "no_answer", by=by)
        db.session.flush()


def _require_asked(step: ContactStep, by: User, answer: str) -> str:
    if not may_decide(step, by):
        raise NotAllowed(gettext("Somebody else decides this: not who asked, and nobody who is still learning."))
    with problems.at("answer"):
        answer = texts.line(answer, longest=LONGEST_REASON, shortest=0)
    _hold(step.contact)
    db.session.refresh(step)
    if step.state != "asked":
        raise Conflict(gettext("This was decided already."))
    return answer


def _record(deed: str, step: ContactStep, *, by: User | None) -> None:
    after: dict[str, Any] = {"step": step.step, "state": step.state, "days": step.days, "id": step.id}
    audit.record(f"desk.contact.{deed}_step", step.contact, by=by, reason=step.ended_why or step.reason, after=after)


def _address(step: ContactStep) -> str:
    return f"/desk/contacts/{step.contact_id}#ladder"


def _tell_asker(step: ContactStep) -> None:
    if step.by_id is not None and step.by_id != step.decided_by_id:
        notifications.notify(
            step.by_id,
            kind=_DECIDED,
            key=f"block-decided:{step.id}",
            url=_address(step),
            data={"is_agreed": step.state == "in_force"},
        )


_TO_DECIDE: Final = "block_to_decide"
_DECIDED: Final = "block_decided"


@notifications.kind(_TO_DECIDE, group="tasks")
def _to_decide(_notification: Notification) -> str:
    return str(gettext("Somebody is to be blocked. Please decide as the second person."))


@notifications.kind(_DECIDED, group="tasks")
def _decided(notification: Notification) -> str:
    if notification.data.get("is_agreed"):
        return str(gettext("A colleague agreed: the block you asked for is in force."))
    return str(gettext("A colleague declined the block you asked for."))


assert quiet.NAMES.keys() == set(STEPS)  # noqa: S101 -- every step has its words
