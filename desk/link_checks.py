"""Whether links led to the right article: some of a week, drawn by chance, that colleagues look at if they like.

Whoever put a link in never says so of it, and nobody is named. Links of one person alone are drawn only by that person.
"""

import secrets
from collections.abc import Sequence
from datetime import date
from typing import Final

from flask_babel import gettext
from sqlalchemy import func, select

from accounts.models import User
from accounts.people import Viewer
from core import texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.problems import at
from core.turns import take_turn
from desk import policy
from desk.figure_models import LINK_VERDICTS, LinkCheck, LinkSheet
from desk.models import Message
from kb import figures
from kb.models import ArticleUse

SIZES: Final = (5, 10, 20, 50)
MOST_DRAWN_FROM: Final = 5000
LONGEST_WORDS: Final = 500
MOST_SHEETS: Final = 30


def draw(week: str, size: int, *, is_own: bool, by: User) -> LinkSheet:
    """Draw links of the week that begins on this day; of the whole desk, or of whoever draws, if they wish.

    A link that is on a sheet of the same kind already is not drawn again. Raise `Invalid` where there is none left.
    """
    if not policy.may_work(by):
        raise NotAllowed
    number = figures.week_of(week)
    if number is None or size not in SIZES:
        raise Invalid(gettext("Please choose one of these."))
    take_turn("desk.link_checks")
    whose = LinkSheet.whose_id == by.id if is_own else LinkSheet.whose_id.is_(None)
    drawn = select(LinkCheck.use_id).join(LinkSheet, LinkSheet.id == LinkCheck.sheet_id).where(whose)
    found = (
        select(ArticleUse.id)
        .join(Message, Message.id == ArticleUse.where_id)
        .where(
            ArticleUse.where_kind == "message",
            Message.state == "sent",
            ArticleUse.by_id == by.id if is_own else ArticleUse.by_id.is_not(None),
            ArticleUse.at >= figures.begins(number),
            ArticleUse.at < figures.begins(number - 1),
            ArticleUse.id.not_in(drawn),
        )
    )
    ids = list(db.session.scalars(found.limit(MOST_DRAWN_FROM)))
    if not ids:
        raise Invalid(gettext("No link of this week is left to draw."))
    chosen = secrets.SystemRandom().sample(ids, min(size, len(ids)))
    sheet = LinkSheet(week=date.fromisoformat(week), whose_id=by.id if is_own else None, by_id=by.id)
    db.session.add(sheet)
    db.session.flush()
    db.session.add_all(LinkCheck(sheet_id=sheet.id, use_id=use_id) for use_id in chosen)
    db.session.flush()
    return sheet


def sheets(viewer: Viewer) -> Sequence[tuple[LinkSheet, int, int]]:
    """Return the newest sheets, each with how many links it has and how many were looked at."""
    if not policy.may_work(viewer):
        return []
    rows = db.session.execute(
        select(LinkSheet, func.count(LinkCheck.id), func.count(LinkCheck.verdict))
        .join(LinkCheck, LinkCheck.sheet_id == LinkSheet.id)
        .group_by(LinkSheet.id)
        .order_by(LinkSheet.id.desc())
        .limit(MOST_SHEETS)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def visible_sheet(sheet_id: int, *, viewer: Viewer) -> LinkSheet:
    """Return a sheet, or raise `NotFound`."""
    found = db.session.get(LinkSheet, sheet_id) if policy.may_work(viewer) and 0 < sheet_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such sheet."))
    return found


def visible_check(check_id: int, *, viewer: Viewer) -> LinkCheck:
    """Return a link on a sheet, held until the end of the transaction, or raise `NotFound`."""
    found = None
    if policy.may_work(viewer) and 0 < check_id <= LARGEST_ID:
        wanted = select(LinkCheck).where(LinkCheck.id == check_id)
        found = db.session.scalars(wanted.with_for_update(of=LinkCheck)).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such sheet."))
    return found


def judge(check: LinkCheck, verdict: str, *, words: str, by: User) -> None:
    """Say whether a link led to the right article; one may change one's mind, and not another's."""
    if not policy.may_work(by):
        raise NotAllowed
    if check.use.by_id == by.id:
        raise NotAllowed(gettext("You put this link in yourself. A colleague looks at it."))
    if check.by_id is not None and check.by_id != by.id:
        raise Conflict(gettext("A colleague has looked at this link already."))
    said = next((known for known in LINK_VERDICTS if known == verdict), None)
    if said is None:
        raise Invalid(gettext("Please choose one of these."))
    with at("words"):
        check.words = texts.block(words, longest=LONGEST_WORDS)
    check.verdict, check.by_id, check.at = said, by.id, now()
    db.session.flush()
