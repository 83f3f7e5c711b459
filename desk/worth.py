"""What a customer is worth to the house: a band into which another system's value falls, asked ahead.

An admin names the value of a customer card and its bands. Nobody is asked while a message is received: what an agent
looked up is taken over, and the worker asks for those who wait, a few at a time, each noted like every look. What is
kept is the band alone.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import delete, func, select

from accounts import audit
from accounts.models import User
from core import texts
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.problems import Problems
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from desk import cards, conversations, persons, policy
from desk.models import Contact, Conversation
from desk.person_models import CardLook, CardSource, ContactWorth
from desk.triage import priority

MOST_BANDS: Final = 20
LONGEST_BANDS: Final = 2000
LONGEST_WORD: Final = 80
MOST_ASKED: Final = 20
"""So many customers one turn of the worker asks a system about."""
AGAIN_AFTER: Final = timedelta(minutes=15)
"""So long a system that did not answer is left alone."""
FORGOTTEN: Final = timedelta(days=90)

Bands = Sequence[tuple[str, int]]


def choose(source: CardSource, *, path: str, bands: str, by: User) -> None:
    """Say which value of a card tells what a customer is worth, and its bands; an empty path: none does.

    `bands` are lines like `5000: 80` (from 5,000 on 80 of 100) or `Gold: 100` (where it is this word).
    """
    if not policy.may_manage_channels(by):
        raise NotAllowed
    wrong, nothing = Problems(), list[tuple[str, int]]()
    path = wrong.take("path", lambda: cards.checked_path(path), "")
    read = wrong.take("bands", lambda: read_bands(bands), nothing)
    if path and not read and "bands" not in wrong.fields:
        wrong.fields["bands"] = gettext("Which values count how much? At least one line, please.")
    wrong.refuse()
    before, source.worth = source.worth, {"path": path, "bands": [list(band) for band in read]} if path else {}
    db.session.execute(delete(ContactWorth).where(ContactWorth.source_id == source.id))
    db.session.flush()
    audit.record("desk.card_source.choose_worth", source, by=by, before=before, after=source.worth)


def read_bands(typed: str) -> list[tuple[str, int]]:
    """Read bands as they are typed, one a line; raise `Invalid` with the line that is none."""
    found = []
    for line in filter(None, (one.strip() for one in texts.block(typed, longest=LONGEST_BANDS).splitlines())):
        value, colon, typed_percent = (part.strip() for part in line.rpartition(":"))
        percent = texts.number(typed_percent)
        if not colon or not 0 < len(value) <= LONGEST_WORD or percent is None or not 0 <= percent <= 100:  # noqa: PLR2004 -- a share
            raise Invalid(
                gettext("Lines like “5000: 80” or “Gold: 100”, please; from 0 to 100. Not so: %(line)s", line=line[:40])
            )
        found.append((value, percent))
    if len(found) > MOST_BANDS:
        raise Invalid(gettext("Up to %(most)s lines, please.", most=MOST_BANDS))
    return found


def written_bands(source: CardSource) -> str:
    """Return bands as they are typed."""
    return "\n".join(f"{value}: {percent}" for value, percent in source.worth.get("bands", ()))


def percent_of(told: Any, worth: Mapping[str, Any]) -> int:
    """Return what the band is worth into which a value falls: the last that a number reaches, or that of a word."""
    value = cards.value_at(told, str(worth.get("path", "")))
    number, bands = _number(value), worth.get("bands", ())
    if number is None:
        return next((int(percent) for word, percent in bands if str(word).casefold() == value.casefold()), 0)
    reached = [(limit, int(percent)) for least, percent in bands if (limit := _number(least)) is not None]
    return max((one for one in reached if one[0] <= number), default=(number, 0))[1]


@cards.hears
def hear(source: CardSource, contact_id: int, told: Any) -> None:
    """Take over what a card says while somebody looks at it anyway."""
    if source.worth:
        _keep(source.id, contact_id, percent_of(told, source.worth))


@priority.values_customers
def worth_of(contact_ids: Sequence[int]) -> Mapping[int, float]:
    """Return what is known of what these customers are worth, 0..1; a person is worth what any contact of theirs is."""
    return {
        contact_id: percent / 100
        for contact_id in contact_ids
        if (
            percent := db.session.scalar(
                select(func.max(ContactWorth.percent)).where(ContactWorth.contact_id.in_(persons.ids_of(contact_id)))
            )
        )
    }


@chore("desk.ask_worth", every=60)
def ask_ahead() -> int:
    """Ask what those who wait are worth, a few at a time; return about how many was asked."""
    ids = [source.id for source in cards.sources() if source.worth]
    db.session.execute(delete(ContactWorth).where(ContactWorth.at < now() - FORGOTTEN))
    db.session.commit()
    return sum(_ask_about_those_who_wait(source_id) for source_id in ids)


def _ask_about_those_who_wait(source_id: int) -> int:
    fresh = now() - timedelta(hours=current_settings().worth_hours)
    known = select(ContactWorth.contact_id).where(
        ContactWorth.contact_id == Conversation.contact_id,
        ContactWorth.source_id == source_id,
        ContactWorth.at > fresh,
    )
    waiting = list(
        db.session.scalars(
            select(Conversation.contact_id)
            .where(Conversation.waiting_since.is_not(None), ~known.exists())
            .group_by(Conversation.contact_id)
            .order_by(func.min(Conversation.waiting_since))
            .limit(MOST_ASKED)
        )
    )
    db.session.commit()
    asked = 0
    for contact_id in waiting:
        source, contact = db.session.get(CardSource, source_id), db.session.get(Contact, contact_id)
        if source is None or contact is None:
            break
        asked += 1
        if not _ask(source, contact):
            break  # it does not answer now; the others are not kept waiting for it
    return asked


def _ask(source: CardSource, contact: Contact) -> bool:
    """Ask a system about a customer, noted before; return whether it answered. No row is held meanwhile."""
    source_id, contact_id, worth = source.id, contact.id, dict(source.worth)
    question = cards.question(source, contact)
    look = CardLook(
        source_id=source_id,
        source_name=source.name,
        contact_id=contact_id,
        by_id=None,
        reason=gettext("By itself, for the order of the queue"),
    )
    db.session.add(look)
    db.session.flush()
    look_id = look.id
    db.session.commit()
    told, failure = cards.ask(question)
    db.session.get_one(CardLook, look_id).failure = failure[:300]
    if db.session.get(CardSource, source_id) is not None:
        at = now() if not failure or not question.url else now() - _worth_time() + AGAIN_AFTER
        _keep(source_id, contact_id, None if failure else percent_of(told, worth), at=at)
    db.session.commit()
    return not failure or not question.url


def _worth_time() -> timedelta:
    return timedelta(hours=current_settings().worth_hours)


def _keep(source_id: int, contact_id: int, percent: int | None, *, at: Any = None) -> None:
    """Keep a band, or with None what was known; who waits gets their place anew where it changed."""
    at = at or now()
    key = {"contact_id": contact_id, "source_id": source_id}
    is_new = add_once(ContactWorth, **key, percent=percent or 0, at=at)
    kept = db.session.get_one(ContactWorth, (contact_id, source_id), populate_existing=True)
    before = 0 if is_new else kept.percent
    kept.at, kept.percent = at, kept.percent if percent is None else percent
    db.session.flush()
    if kept.percent != before:
        waiting = select(Conversation.id).where(
            Conversation.contact_id == contact_id, Conversation.waiting_since.is_not(None)
        )
        for conversation_id in db.session.scalars(waiting.order_by(Conversation.id)).all():
            priority.place(conversations.locked(conversation_id))


def _number(said: Any) -> Decimal | None:
    try:
        found = Decimal(str(said).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
