"""What became of somebody's answers: the articles that hold them, how often those were sent and read.

The forum knows of neither articles nor replies; the rooms above say what they count. A number is a subquery, so that a
profile costs one statement however many rooms have something to say.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import format_decimal, gettext, ngettext
from sqlalchemy import Select, or_, select, union

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from core.unique import add_once
from core.worker import chore
from forum import notifications
from forum.models import Notification, Standing

AT_ONCE: Final = 100
NAMES: Final = ("articles", "sent", "read")


@dataclass(frozen=True, slots=True)
class Credited:
    """A page that was made of somebody's answer, and how often it was read."""

    title: str
    url: str
    locale: str
    read: int


Number = Callable[[User, Viewer], Any]
_numbers: dict[str, Number] = {}
PAGES: list[Callable[[User, Viewer], Iterable[Credited]]] = []
"""Rooms above list here the pages made of a person's answers that the viewer may open."""
AUTHORS: list[Callable[[], Select[Any]]] = []
"""They select here the ids of whose answers became something."""


def contribute(name: str, number: Number) -> None:
    """Have one of `NAMES` counted: by a subquery for a person, of what the viewer may see."""
    _numbers[name] = number


def columns(person: User, *, viewer: Viewer) -> list[Any]:
    """Return the columns that count what became of a person's answers, labelled by their names."""
    return [number(person, viewer).label(name) for name, number in _numbers.items()]


def numbers(person: User, *, viewer: Viewer) -> dict[str, int]:
    """Return how often what became of a person's answers."""
    counted = columns(person, viewer=viewer)
    if not counted:
        return {}
    return {name: int(number or 0) for name, number in db.session.execute(select(*counted)).mappings().one().items()}


def pages(person: User, *, viewer: Viewer) -> list[Credited]:
    """Return the pages that were made of a person's answers, as far as the viewer may open them."""
    return [one for source in PAGES for one in source(person, viewer)]


def sentence(counted: Mapping[str, int]) -> str:
    """Say it to the person."""
    articles, sent, read = (counted.get(name, 0) for name in NAMES)
    return str(
        gettext(
            "Your answers are in %(articles)s, were sent %(sent)s and read %(read)s.",
            articles=ngettext("%(number)s article", "%(number)s articles", articles, number=format_decimal(articles)),
            sent=ngettext("%(number)s time", "%(number)s times", sent, number=format_decimal(sent)),
            read=ngettext("%(number)s time", "%(number)s times", read, number=format_decimal(read)),
        )
    )


@chore("forum.tell_credit", every=3600)
def tell() -> int:
    """Tell authors once a month what became of their answers, where something new did; return how many were told.

    Whoever is seen here for the first time was told of the article itself just now, and hears of this next month.
    """
    if not AUTHORS:
        return 0
    began = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    authors = union(*(source() for source in AUTHORS)).subquery()
    due = (
        select(User.id)
        .join(authors, authors.c[0] == User.id)
        .outerjoin(Standing, Standing.user_id == User.id)
        .where(or_(Standing.told_at.is_(None), Standing.told_at < began))
        .where(User.is_staged.is_(False), User.disabled_at.is_(None))
        .order_by(User.id)
    )
    user_ids = list(db.session.scalars(due.limit(AT_ONCE)))
    db.session.rollback()
    told = 0
    for user_id in user_ids:
        told += _tell(user_id)
        db.session.commit()
    return told


def _tell(user_id: int) -> bool:
    add_once(Standing, user_id=user_id)
    standing = db.session.get_one(Standing, user_id, populate_existing=True)
    user = db.session.get_one(User, user_id)
    is_first, standing.told_at = standing.told_at is None, now()
    counted = numbers(user, viewer=user)
    if is_first or not any(number > standing.told.get(name, 0) for name, number in counted.items()):
        return False
    standing.told = counted
    db.session.flush()
    return notifications.notify(
        user, kind="credit", key=f"credit:{now():%Y-%m}", url=f"/u/{user.handle}?show=articles", data=counted
    )


@notifications.kind("credit", group="credit")
def _credit(notification: Notification) -> str:
    return sentence(notification.data)
