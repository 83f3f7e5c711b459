"""What was promised to customers: made when it is said, kept, broken or withdrawn, and never forgotten in between."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal, get_args

from flask_babel import force_locale, gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit, people
from accounts.models import User
from accounts.people import Viewer
from core import paging, texts, timezones
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import publish
from core.settings import current_settings
from core.worker import chore
from desk import dated, policy
from desk import listing as inbox_listing
from desk.events import PromiseMissed
from desk.listing import View as InboxView
from desk.models import Conversation, Message
from desk.promise_models import LONGEST_REASON, LONGEST_WHAT, Promise
from forum import notifications
from forum.models import Notification

View = Literal["today", "overdue", "open", "kept", "broken", "withdrawn"]
VIEWS: Final[tuple[View, ...]] = get_args(View)
MOST_AT_ONCE: Final = 200
FARTHEST: Final = timedelta(days=730)
CLOSE: Final = time(18)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPromise:
    """One that is about to be made, together with the reply that says it."""

    what: str
    due_at: datetime
    owner_id: int | None = None
    """None: who writes."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many promises were kept of those that are over; withdrawn ones count for neither."""

    kept: int
    broken: int

    @property
    def percent(self) -> int | None:
        return round(100 * self.kept / (self.kept + self.broken)) if self.kept + self.broken else None


def make(
    conversation: Conversation, *, what: str, due_at: datetime, owner: User, by: User, message: Message | None = None
) -> Promise:
    """Note what was promised; raise `Invalid` where it is empty, in the past, or of nobody at the desk."""
    if not policy.may_work(by):
        raise NotAllowed
    what = texts.block(what, longest=LONGEST_WHAT, shortest=1)
    if not now() < due_at < now() + FARTHEST:
        sentence = gettext("Until when is it promised? Please give a moment to come.")
        raise Invalid(sentence, fields={"due": sentence})
    if not (owner.is_active and policy.may_work(owner)):
        sentence = gettext("%(name)s does not work at the desk.", name=owner.name)
        raise Invalid(sentence, fields={"owner": sentence})
    promise = Promise(
        conversation_id=conversation.id,
        message_id=None if message is None else message.id,
        what=what,
        owner=owner,
        by_id=by.id,
        due_at=due_at,
        state="open",
    )
    db.session.add(promise)
    db.session.flush()
    audit.record("desk.promise.make", promise, by=by, after={"due": due_at.isoformat(), "owner": owner.id})
    return promise


def make_with(message: Message, promised: Iterable[NewPromise], *, by: User) -> None:
    """Note what a reply promises, in its own transaction."""
    for one in promised:
        owner = by if one.owner_id is None else people.by_id(one.owner_id)
        if owner is None:
            raise Invalid(gettext("There is nobody of this name at the desk."))
        make(message.conversation, what=one.what, due_at=one.due_at, owner=owner, by=by, message=message)


def keep(promise: Promise, *, by: User) -> None:
    """Say that it was done. One that is broken stays so, and is overdue no more."""
    _require_unsettled(promise, by)
    if promise.state == "open":
        promise.state = "kept" if now() <= promise.due_at else "broken"
    _settle(promise, by=by, reason="")


def withdraw(promise: Promise, *, reason: str, by: User) -> None:
    """Say why it need not be kept any more. What was broken cannot be taken back, only done."""
    _require_unsettled(promise, by)
    reason = texts.line(reason, longest=LONGEST_REASON)
    if not reason:
        sentence = gettext("Why is it not to be kept any more? The reason stays with the promise.")
        raise Invalid(sentence, fields={"reason": sentence})
    if promise.state == "broken":
        raise Conflict(gettext("This promise is broken already. You can still say that it was done."))
    promise.state = "withdrawn"
    _settle(promise, by=by, reason=reason)


def visible_promise(promise_id: int, *, viewer: Viewer) -> Promise:
    """Return a promise, held until the end of the transaction; raise `NotFound` where the viewer may see none."""
    return dated.held(Promise, promise_id, viewer=viewer, sentence=gettext("There is no such promise."))


def listing(view: View, *, viewer: Viewer, cursor: str | None = None, size: int = dated.PAGE) -> paging.Page[Promise]:
    """Return a page of a view: what is due first comes first; what is over, the newest first."""
    return dated.page(
        Promise,
        _belongs_to(view),
        due=Promise.due_at,
        viewer=viewer,
        cursor=cursor,
        size=size,
        newest_first=view in {"kept", "broken", "withdrawn"},
        options=(joinedload(Promise.owner),),
    )


def counts(viewer: Viewer) -> Mapping[View, int]:
    """Return how many promises each view has; what somebody may not read is not counted for them."""
    return dated.counts(Promise, VIEWS, _belongs_to, viewer=viewer)


def rate(counted: Mapping[View, int]) -> Rate:
    """Return the share that was kept, of the same numbers that the lists have."""
    return Rate(counted["kept"], counted["broken"])


def of_conversation(conversation: Conversation) -> Sequence[Promise]:
    """Return what was promised in a conversation and is not settled, what is due first."""
    return db.session.scalars(
        select(Promise)
        .where(Promise.conversation_id == conversation.id, Promise.settled_at.is_(None))
        .order_by(Promise.due_at, Promise.id)
        .limit(MOST_AT_ONCE)
        .options(lazyload(Promise.conversation), joinedload(Promise.owner))
    ).all()


def every_one_of(conversation: Conversation) -> Sequence[Promise]:
    """Return what was promised in a conversation, settled or not, the first first."""
    mine = select(Promise).where(Promise.conversation_id == conversation.id).order_by(Promise.id).limit(MOST_AT_ONCE)
    return db.session.scalars(mine.options(lazyload(Promise.conversation), joinedload(Promise.owner))).all()


def apology(promise: Promise) -> str:
    """Draft the apology for a broken promise, in the language of the customer; who sends it writes it to the end."""
    with force_locale(promise.conversation.locale):
        name = promise.conversation.contact.name
        return str(
            gettext(
                "%(greeting)s we promised you something and did not keep it: “%(what)s”."
                " That was our mistake, and we are sorry. ",
                greeting=gettext("Hello %(name)s,", name=name) if name else gettext("Hello,"),
                what=promise.what,
            )
        )


@chore("desk.promises", every=60)
def look_after() -> int:
    """Nudge who is to keep a promise soon, and say what was not kept in time; return how many promises that were."""
    ahead = now() + timedelta(minutes=current_settings().promise_nudge_minutes)
    touched = 0
    for promise in db.session.scalars(_unsettled().where(Promise.due_at <= ahead).limit(MOST_AT_ONCE)).unique():
        if promise.due_at <= now():
            promise.state = "broken"
            publish(PromiseMissed(promise.id))
            _tell(promise, "promise_broken")
            touched += 1
        elif promise.nudged_at is None:
            promise.nudged_at = now()
            _tell(promise, "promise_due")
            touched += 1
    db.session.commit()
    return touched


def local_due(at: datetime) -> str:
    """Return a moment as a field for date and time has it, by the clock of the installation."""
    return timezones.local(at, current_settings().time_zone).strftime("%Y-%m-%dT%H:%M")


def read_due(typed: str) -> datetime | None:
    """Return the moment that a field for date and time says; None where it says none."""
    try:
        naive = datetime.fromisoformat(typed.strip())
    except ValueError:
        return None
    if naive.tzinfo is not None:
        return naive.astimezone(UTC)
    return timezones.at(naive, current_settings().time_zone).astimezone(UTC)


def _require_unsettled(promise: Promise, by: User) -> None:
    if not policy.may_work(by):
        raise NotAllowed
    if promise.settled_at is not None:
        raise Conflict(gettext("Somebody has settled this promise already."))


def _settle(promise: Promise, *, by: User, reason: str) -> None:
    promise.settled_at = now()
    promise.settled_by_id = by.id
    promise.reason = reason
    db.session.flush()
    for user_id in _concerned(promise):
        notifications.retract(user_id, f"promise_due:{promise.id}")
    audit.record("desk.promise.settle", promise, by=by, after={"state": promise.state})


def _belongs_to(view: View) -> ColumnElement[bool]:
    if view == "today":
        return Promise.settled_at.is_(None) & (Promise.state == "open") & (Promise.due_at < dated.midnight())
    if view == "overdue":
        return Promise.settled_at.is_(None) & ((Promise.state == "broken") | (Promise.due_at <= now()))
    if view == "open":
        return Promise.settled_at.is_(None)
    return Promise.state == view


def _unsettled() -> Select[Any]:
    return (
        select(Promise)
        .where(Promise.state == "open", Promise.settled_at.is_(None))
        .order_by(Promise.due_at, Promise.id)
        .with_for_update(of=Promise, skip_locked=True)
    )


def _concerned(promise: Promise) -> list[int]:
    return sorted(
        {one for one in (promise.owner_id, promise.conversation.assignee_id, promise.by_id) if one is not None}
    )


def _tell(promise: Promise, kind: str) -> None:
    # Who promised hears of it, too: a promise that changed hands is the one that gets lost.
    where = f"/desk/conversations/{promise.conversation_id}"
    notifications.notify_each(
        _concerned(promise),
        kind=kind,
        key=f"{kind}:{promise.id}",
        url=f"{where}?apology={promise.id}" if kind == "promise_broken" else where,
        data={"what": promise.what[:200]},
    )


@notifications.kind("promise_due", group="tasks")
def _promise_due(notification: Notification) -> str:
    return str(gettext("A promise to a customer is due soon: “%(what)s”", what=notification.data.get("what", "")))


@notifications.kind("promise_broken", group="tasks")
def _promise_broken(notification: Notification) -> str:
    return str(
        gettext(
            "A promise to a customer was not kept in time: “%(what)s”. The apology is drafted.",
            what=notification.data.get("what", ""),
        )
    )


inbox_listing.contribute(
    InboxView(
        key="promises_today",
        name=lazy_gettext("Promises today"),
        where=lambda _viewer, _at: Conversation.id.in_(select(Promise.conversation_id).where(_belongs_to("today"))),
        is_counted=False,  # a conversation that is done may still hold one
    )
)
