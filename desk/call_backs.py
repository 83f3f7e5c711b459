"""Customers who want to be called: when, on which number, how often somebody tried, and what came of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import texts, timezones
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.settings import current_settings
from core.worker import chore
from desk import policy, queries
from desk.models import Conversation
from desk.promise_models import CALL_RESULTS, CallAttempt, CallBack, CallResult
from forum import notifications
from forum.models import Notification

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
    if sum(letter.isdecimal() for letter in phone) < FEWEST_DIGITS:
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


def visible_call(call_id: int, *, viewer: Viewer) -> CallBack:
    """Return a call-back, held until the end of the transaction; raise `NotFound` where the viewer may see none."""
    found = None
    if 0 < call_id <= LARGEST_ID and policy.may_work(viewer):
        found = db.session.scalars(
            select(CallBack)
            .where(CallBack.id == call_id)
            .with_for_update(of=CallBack)
            .execution_options(populate_existing=True)
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such call-back."))
    return found


def for_today(*, viewer: Viewer) -> Sequence[CallBack]:
    """Return whom to call today, with those that should have been called before; who waits longest comes first."""
    zone = current_settings().time_zone
    tomorrow = timezones.local(now(), zone).date() + timedelta(days=1)
    midnight = timezones.at(datetime.combine(tomorrow, time()), zone).astimezone(UTC)
    return db.session.scalars(
        select(CallBack)
        .join(CallBack.conversation)
        .where(CallBack.state == "open", CallBack.since < midnight, queries.conversations_visible_to(viewer))
        .order_by(CallBack.until, CallBack.id)
        .limit(MOST_AT_ONCE)
        .options(joinedload(CallBack.conversation).lazyload(Conversation.messages))
    ).all()


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
