"""Customers who want to be called: when, on which number, how often somebody tried, and what came of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from flask_babel import gettext
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import paging, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from desk import counters, dated, policy
from desk.models import Conversation
from desk.person_models import Counter
from desk.promise_models import CALL_RESULTS, CallAttempt, CallBack, CallResult
from forum import notifications
from forum.models import Notification

View = Literal["today", "later", "over"]
VIEWS: Final[tuple[View, ...]] = get_args(View)
LONGEST_PHONE: Final = 40
FEWEST_DIGITS: Final = 4
LONGEST_ABOUT: Final = 500
LONGEST_WINDOW: Final = timedelta(days=14)
MOST_AT_ONCE: Final = 200


def arrange(
    conversation: Conversation, *, phone: str, since: datetime, until: datetime, owner: User, by: User, about: str = ""
) -> CallBack:
    """Note that somebody is to be called between two moments."""
    if not policy.may_work(by):
        raise NotAllowed
    phone = texts.line(phone, longest=LONGEST_PHONE)
    if not _is_number(phone):
        sentence = gettext("Please give the number to call.")
        raise Invalid(sentence, fields={"phone": sentence})
    if until <= now() or until <= since or until - since > LONGEST_WINDOW:
        sentence = gettext("Please say between when and when the call suits: at most two weeks, and not over yet.")
        raise Invalid(sentence, fields={"until": sentence})
    if not (owner.is_active and policy.may_work(owner)):
        sentence = gettext("%(name)s does not work at the desk.", name=owner.name)
        raise Invalid(sentence, fields={"owner": sentence})
    call = CallBack(
        conversation_id=conversation.id,
        phone=phone,
        since=since,
        until=until,
        about=texts.line(about, longest=LONGEST_ABOUT),
        owner=owner,
        by_id=by.id,
        state="open",
    )
    db.session.add(call)
    db.session.flush()
    audit.record("desk.call_back.arrange", call, by=by, after={"until": until.isoformat(), "owner": owner.id})
    return call


def note_attempt(call: CallBack, result: str, *, by: User, note: str = "") -> None:
    """Keep that somebody rang and what came of it; whoever was reached, or has another number, is not called again."""
    _require_open(call, by)
    if result not in CALL_RESULTS:
        sentence = gettext("Please say what came of the call.")
        raise Invalid(sentence, fields={"result": sentence})
    said: CallResult = result
    call.attempts.append(
        CallAttempt(call_back_id=call.id, by=by, result=said, note=texts.line(note, longest=LONGEST_ABOUT))
    )
    if said == "reached":
        _close(call, "reached", by=by)
    elif said == "wrong_number" or len(call.attempts) >= current_settings().call_attempts:
        _close(call, "given_up", by=by)
    db.session.flush()


def cancel(call: CallBack, *, by: User) -> None:
    """Say that nobody is to call any more."""
    _require_open(call, by)
    _close(call, "cancelled", by=by)
    db.session.flush()


def arrange_from_counter(counter_id: int) -> CallBack | None:
    """Make the time that a customer chose at the secure counter a call-back, once; None where they chose none.

    The number that they left there is taken over; it is deleted with what else was left.
    """
    counter = db.session.get(Counter, counter_id)
    wish = None if counter is None else counters.wished_call(counter)
    if counter is None or wish is None or not _is_number(wish.phone):
        return None
    conversation = counter.conversation
    owner = next((one for one in (conversation.assignee, counter.by) if one is not None and policy.may_work(one)), None)
    is_new = add_once(
        CallBack,
        conversation_id=conversation.id,
        phone=wish.phone[:LONGEST_PHONE],
        since=wish.since,
        until=wish.until,
        about="",
        owner_id=None if owner is None else owner.id,
        state="open",
        counter_id=counter.id,
        is_unverified=counter.is_unverified,
        at=now(),
    )
    call = db.session.scalars(select(CallBack).where(CallBack.counter_id == counter.id)).one()
    if is_new:
        audit.record("desk.call_back.arrange", call, by=None, after={"until": wish.until.isoformat()})
    return call


def visible_call(call_id: int, *, viewer: Viewer) -> CallBack:
    """Return a call-back, held until the end of the transaction; raise `NotFound` where the viewer may see none."""
    return dated.held(CallBack, call_id, viewer=viewer, sentence=gettext("There is no such call-back."))


def listing(view: View, *, viewer: Viewer, cursor: str | None = None, size: int = dated.PAGE) -> paging.Page[CallBack]:
    """Return a page of a view: who waits longest comes first; what is over, the newest first."""
    return dated.page(
        CallBack,
        _belongs_to(view),
        due=CallBack.until,
        viewer=viewer,
        cursor=cursor,
        size=size,
        newest_first=view == "over",
    )


def counts(viewer: Viewer) -> Mapping[View, int]:
    """Return how many call-backs each view has."""
    return dated.counts(CallBack, VIEWS, _belongs_to, viewer=viewer)


def of_conversation(conversation: Conversation) -> Sequence[CallBack]:
    """Return the call-backs of a conversation, the newest first."""
    return db.session.scalars(
        select(CallBack)
        .where(CallBack.conversation_id == conversation.id)
        .order_by(CallBack.id.desc())
        .limit(MOST_AT_ONCE)
        .options(lazyload(CallBack.conversation))
    ).all()


@chore("desk.call_backs", every=60)
def look_after() -> int:
    """Tell who is to call that the hours have begun, once; return how many calls that were."""
    due = (
        select(CallBack)
        .where(CallBack.state == "open", CallBack.nudged_at.is_(None), CallBack.since <= now())
        .order_by(CallBack.since, CallBack.id)
        .limit(MOST_AT_ONCE)
        .with_for_update(of=CallBack, skip_locked=True)
    )
    told = 0
    for call in db.session.scalars(due).unique():
        call.nudged_at = now()
        people = {one for one in (call.owner_id, call.conversation.assignee_id) if one is not None}
        name = call.conversation.contact.name or call.conversation.contact.handle
        notifications.notify_each(
            sorted(people), kind="call_back", key=f"call_back:{call.id}", url="/desk/calls", data={"name": name[:80]}
        )
        told += 1
    db.session.commit()
    return told


def _belongs_to(view: View) -> ColumnElement[bool]:
    """Today are those, too, that should have been called before."""
    if view == "over":
        return CallBack.state != "open"
    begins_today = CallBack.since < dated.midnight()
    return (CallBack.state == "open") & (begins_today if view == "today" else ~begins_today)


def _is_number(phone: str) -> bool:
    return sum(letter.isdecimal() for letter in phone) >= FEWEST_DIGITS


def _require_open(call: CallBack, by: User) -> None:
    if not policy.may_work(by):
        raise NotAllowed
    if call.state != "open":
        raise Conflict(gettext("This call-back is over already."))


def _close(call: CallBack, state: str, *, by: User) -> None:
    call.state = state  # type: ignore[assignment]  # one of the states, named by the callers above
    call.phone = None  # it was given for this call
    call.settled_at = now()
    audit.record("desk.call_back.close", call, by=by, after={"state": state})


@notifications.kind("call_back", group="tasks")
def _call_back(notification: Notification) -> str:
    return str(gettext("%(name)s wants to be called now.", name=notification.data.get("name", "")))
