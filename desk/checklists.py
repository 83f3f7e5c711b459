"""What a team does every day, at its start, during it and at its end: admins write it, people sign it off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, select

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import problems, texts, timezones
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.settings import current_settings
from core.unique import add_once
from desk import policy
from desk.inbox_models import LONGEST_ITEM, LONGEST_NAME, PARTS, ChecklistItem, ChecklistSign, Part

MOST_ITEMS: Final = 200
MOST_DAYS: Final = 60
NAMES: Final[Mapping[Part, object]] = {
    "start": lazy_gettext("Start of the day"),
    "during": lazy_gettext("During the day"),
    "end": lazy_gettext("End of the day"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """An item on a day, and who signed it off."""

    item: ChecklistItem
    sign: ChecklistSign | None


@dataclass(frozen=True, slots=True)
class Day:
    """How far a day went, for the history."""

    day: date
    signed: int


def today() -> date:
    """Return what day it is where the house is."""
    return timezones.local(now(), current_settings().time_zone).date()


def of_day(day: date, *, viewer: Viewer) -> Mapping[str, Mapping[Part, Sequence[Step]]]:
    """Return by team and part what was to be done on a day, with who signed it; what was removed only where signed."""
    if not policy.may_work(viewer):
        return {}
    signs = {sign.item_id: sign for sign in db.session.scalars(select(ChecklistSign).where(ChecklistSign.day == day))}
    found: dict[str, dict[Part, list[Step]]] = {}
    for item in db.session.scalars(
        select(ChecklistItem).order_by(ChecklistItem.team, ChecklistItem.position, ChecklistItem.id)
    ):
        sign = signs.get(item.id)
        if sign is not None or (item.removed_at is None and item.created_at.date() <= day):
            found.setdefault(item.team, {part: [] for part in PARTS})[item.part].append(Step(item, sign))
    return found


def history() -> list[Day]:
    """Return the last days on which something was signed, the newest first."""
    rows = db.session.execute(
        select(ChecklistSign.day, func.count())
        .group_by(ChecklistSign.day)
        .order_by(ChecklistSign.day.desc())
        .limit(MOST_DAYS)
    )
    return [Day(day, number) for day, number in rows]


def add(*, team: str, part: str, words: str, by: User) -> ChecklistItem:
    """Have a team do something every day from now on."""
    if not policy.may_manage_checklists(by):
        raise NotAllowed
    with problems.at("team"):
        team = texts.line(team, longest=LONGEST_NAME, shortest=1)
    with problems.at("words"):
        words = texts.line(words, longest=LONGEST_ITEM, shortest=1)
    if part not in PARTS:
        sentence = gettext("Please choose one of the list.")
        raise Invalid(sentence, fields={"part": sentence})
    number, last = db.session.execute(
        select(func.count(), func.max(ChecklistItem.position)).where(ChecklistItem.removed_at.is_(None))
    ).one()
    if number >= MOST_ITEMS:
        raise Invalid(gettext("%(most)s items are enough for a day. Please remove one first.", most=MOST_ITEMS))
    item = ChecklistItem(team=team, part=part, words=words, position=(last or 0) + 1)
    db.session.add(item)
    db.session.flush()
    audit.record("desk.checklist.add", item, by=by, after={"team": team, "part": part, "words": words})
    return item


def change(item: ChecklistItem, *, words: str, by: User) -> None:
    """Say it in other words; days that are signed keep the words of then."""
    if not policy.may_manage_checklists(by):
        raise NotAllowed
    with problems.at("words"):
        words = texts.line(words, longest=LONGEST_ITEM, shortest=1)
    before, item.words = item.words, words
    db.session.flush()
    audit.record("desk.checklist.change", item, by=by, before={"words": before}, after={"words": words})


def remove(item: ChecklistItem, *, by: User) -> None:
    """Ask for it no longer; the days on which it was signed keep it."""
    if not policy.may_manage_checklists(by):
        raise NotAllowed
    item.removed_at = item.removed_at or now()
    db.session.flush()
    audit.record("desk.checklist.remove", item, by=by, before={"team": item.team, "words": item.words})


def sign(item: ChecklistItem, *, by: User) -> bool:
    """Sign an item off for today; tell whether nobody had yet."""
    if not policy.may_work(by):
        raise NotAllowed
    if item.removed_at is not None:
        raise Invalid(gettext("This is no longer on the list."))
    return add_once(ChecklistSign, item_id=item.id, day=today(), words=item.words, by_id=by.id, at=now())


def unsign(item: ChecklistItem, *, by: User) -> None:
    """Take today's signature back; only who signed, or an admin."""
    found = db.session.scalars(
        select(ChecklistSign).where(ChecklistSign.item_id == item.id, ChecklistSign.day == today())
    ).one_or_none()
    if not policy.may_work(by) or (found is not None and found.by_id != by.id and not policy.may_manage_checklists(by)):
        raise NotAllowed(gettext("Only who signed takes it back."))
    if found is not None:
        audit.record("desk.checklist.unsign", item, by=by, before={"by": found.by_id, "day": found.day.isoformat()})
        db.session.delete(found)
        db.session.flush()


def visible_item(item_id: int, *, viewer: Viewer) -> ChecklistItem:
    """Return an item; raise `NotFound` when there is none that the viewer may see."""
    item = db.session.get(ChecklistItem, item_id) if 0 < item_id <= LARGEST_ID else None
    if item is None or not policy.may_work(viewer):
        raise NotFound(gettext("There is no such item."))
    return item
