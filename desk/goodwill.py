"""What is given away to make up for something: a decider grants it up to their limit, above it the next one decides."""

import re
from collections.abc import Sequence
from typing import Final

from flask_babel import gettext
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.paging import Page, page
from desk import conversations, escalation, policy
from desk.clock_models import Goodwill
from desk.models import Conversation
from forum import notifications
from forum.models import Notification

LONGEST_REASON: Final = 2000
A_PAGE: Final = 50
_AMOUNT: Final = re.compile(r"(\d{1,7})(?:[.,](\d{1,2}))?")


def ask(conversation: Conversation, *, amount: str, currency: str, reason: str, by: User) -> Goodwill:
    """Give something away where one's own limit allows it, or have the next one decide who may."""
    if not policy.may_work(by):
        raise NotAllowed
    cents = read_amount(amount)
    with problems.at("reason"):
        reason = texts.block(reason, longest=LONGEST_REASON, shortest=1)
    conversations.locked(conversation.id)
    currency = currency.strip().upper()
    deciders = _deciders(conversation, cents, currency)
    if not deciders:
        raise Invalid(
            fields={"amount": gettext("Nobody may give so much away here. An admin sets limits at the clocks.")}
        )
    is_granted = by.id in deciders
    given = Goodwill(
        conversation_id=conversation.id,
        amount_cents=cents,
        currency=currency,
        reason=reason,
        state="granted" if is_granted else "asked",
        asked_by=by,
        decider_id=by.id if is_granted else deciders[0],
        decided_at=now() if is_granted else None,
    )
    db.session.add(given)
    db.session.flush()
    facts = {"amount": cents, "currency": currency, "state": given.state}
    audit.record("desk.goodwill.ask", conversation, by=by, reason=reason, after=facts)
    if not is_granted:
        notifications.notify(
            deciders[0],
            kind="desk_goodwill",
            key=f"goodwill:{given.id}",
            url=f"/desk/conversations/{conversation.id}/clock",
            data={"amount": written_amount(cents, currency)},
        )
    return given


def decide(given: Goodwill, *, is_granted: bool, answer: str, by: User) -> None:
    """Grant or decline what was asked; only who may give so much away."""
    if not may_decide(given, by):
        raise NotAllowed(gettext("Somebody with a higher limit decides this."))
    with problems.at("answer"):
        answer = texts.block(answer, longest=LONGEST_REASON)
    db.session.refresh(given, with_for_update={"of": Goodwill})
    if given.state != "asked":
        raise Conflict(gettext("This was decided already."))
    given.state = "granted" if is_granted else "declined"
    given.decider_id, given.decided_at, given.answer = by.id, now(), answer
    db.session.flush()
    audit.record(
        "desk.goodwill.decide",
        given.conversation,
        by=by,
        reason=answer,
        before={"state": "asked"},
        after={"state": given.state, "amount": given.amount_cents, "currency": given.currency},
    )
    if given.asked_by_id is not None and given.asked_by_id != by.id:
        notifications.notify(
            given.asked_by_id,
            kind="desk_goodwill_decided",
            key=f"goodwill-decided:{given.id}",
            url=f"/desk/conversations/{given.conversation_id}/clock",
            data={"amount": written_amount(given.amount_cents, given.currency), "is_granted": is_granted},
        )


def may_decide(given: Goodwill, viewer: User) -> bool:
    """Tell whether this person may grant so much here."""
    return given.state == "asked" and viewer.id in _deciders(given.conversation, given.amount_cents, given.currency)


def of(conversation: Conversation) -> Sequence[Goodwill]:
    """Return what was asked for in a conversation, the first first."""
    statement = _with_names().where(Goodwill.conversation_id == conversation.id)
    return db.session.scalars(statement.order_by(Goodwill.id)).unique().all()


def by_id(goodwill_id: int) -> Goodwill:
    """Return what was asked for, or raise `NotFound`."""
    found = db.session.get(Goodwill, goodwill_id) if 0 < goodwill_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def listed(cursor: str | None = None) -> Page[Goodwill]:
    """Return a page of all of it, the latest first."""
    return page(_with_names(), by=(Goodwill.asked_at, Goodwill.id), cursor=cursor, size=A_PAGE)


def everything() -> Sequence[Goodwill]:
    """Return all of it for a sheet, the first first."""
    return db.session.scalars(_with_names().order_by(Goodwill.id)).unique().all()


def read_amount(typed: str) -> int:
    """Read 12.50 or 12,50 as cents; raise `Invalid` for what is no amount."""
    found = _AMOUNT.fullmatch(typed.strip()) if typed.isascii() else None
    cents = 0 if found is None else int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))
    if not 0 < cents <= escalation.LARGEST_LIMIT:
        sentence = gettext("Please give an amount like 12.50.")
        raise Invalid(sentence, fields={"amount": sentence})
    return cents


def written_amount(cents: int, currency: str) -> str:
    """Return an amount as people read it."""
    return f"{cents // 100}.{cents % 100:02} {currency}"


def _deciders(conversation: Conversation, cents: int, currency: str) -> list[int]:
    """Return who may give so much away here, the lowest limit that suffices first."""
    rungs = [
        step for step in escalation.ladder(conversation) if step.currency == currency and step.limit_cents >= cents
    ]
    found = [escalation.decider(step) for step in sorted(rungs, key=lambda step: step.limit_cents)]
    return list(dict.fromkeys(one.user_id for one in found if one is not None))


def _with_names() -> Select[Goodwill]:
    return select(Goodwill).options(
        joinedload(Goodwill.asked_by),
        joinedload(Goodwill.decider),
        joinedload(Goodwill.conversation).lazyload(Conversation.assignee),
        lazyload("*"),
    )


@notifications.kind("desk_goodwill", group="alarms")
def _asked(notification: Notification) -> str:
    return str(gettext("Please decide: may %(amount)s be given away?", amount=notification.data.get("amount", "")))


@notifications.kind("desk_goodwill_decided")
def _decided(notification: Notification) -> str:
    amount = notification.data.get("amount", "")
    if notification.data.get("is_granted"):
        return str(gettext("Granted: %(amount)s may be given away.", amount=amount))
    return str(gettext("Declined: %(amount)s may not be given away.", amount=amount))
