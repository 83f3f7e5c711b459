"""The views of the inbox: what each shows, in which order, and how many it has.

What is open is few and counted exactly on every page; what is done is many and never counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, joinedload, lazyload, with_expression

from accounts.models import User
from accounts.people import Viewer
from core import paging
from core.clock import now
from core.db import db
from core.settings import current_settings
from desk import filters, queries, quiet
from desk.filters import IS_DONE, IS_OPEN
from desk.models import Contact, Conversation

BuiltIn = Literal[
    "waiting",
    "mine",
    "unassigned",
    "due_soon",
    "overdue",
    "waiting_customer",
    "waiting_inside",
    "snoozed",
    "lost",
    "solved",
    "all",
]
BUILT_IN: Final[tuple[BuiltIn, ...]] = get_args(BuiltIn)
SOON: Final = timedelta(hours=1)
Order = Literal["due", "priority", "newest", "oldest"]
_ORDERS: Final[Mapping[Order, tuple[Sequence[InstrumentedAttribute[Any]], bool]]] = {
    "due": ((Conversation.due_at, Conversation.id), False),
    "priority": ((Conversation.priority, Conversation.id), True),
    "newest": ((Conversation.last_message_at, Conversation.id), True),
    "oldest": ((Conversation.last_message_at, Conversation.id), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view: whom it shows, in which order. `is_counted` where it has only what is open."""

    key: str
    name: Any
    where: Callable[[Viewer, datetime], ColumnElement[bool]]
    order: Order = "newest"
    is_counted: bool = True
    filters: Mapping[str, str] = field(default_factory=dict)
    count: Callable[[Viewer, datetime], ScalarSelect[int]] | None = None
    """How many it has, where what is done is among them and few."""


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation in a list, with the words the customer wrote last."""

    conversation: Conversation
    words: str
    trouble: str = ""
    """`failed` or `unsure` where a reply of ours did not surely arrive."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a view of the inbox."""

    view: View
    lines: Sequence[Line]
    next: str | None
    previous: str | None


_views: dict[str, View] = {}
_LAST: Final = ("solved", "all")


def contribute(view: View, *, after: str = "") -> None:
    """Have the inbox offer one more view: after another, or before those of what is done.

    Order "due" is for those who all wait.
    """
    _views[view.key] = view
    if after:
        for key in list(_views)[list(_views).index(after) + 1 :]:
            if key != view.key:
                _views[key] = _views.pop(key)


def known() -> list[View]:
    """Return the views that everybody has, in their order."""
    return [view for view in _views.values() if view.key not in _LAST] + [_views[key] for key in _LAST]


def built_in(key: str) -> View | None:
    """Return the view of this name; None when there is none."""
    return _views.get(key)


def made_of(wanted: Mapping[str, str], *, key: str = "", name: str = "") -> View:
    """Return a view made of filters."""
    return View(
        key=key,
        name=name,
        where=lambda viewer, _at: filters.clause(wanted, viewer=viewer),
        is_counted=filters.is_countable(wanted),
        filters=wanted,
    )


def listing(
    view: View | BuiltIn,
    *,
    viewer: Viewer,
    narrowed: Mapping[str, str] | None = None,
    cursor: str | None = None,
    size: int = 25,
) -> Listing:
    """Return a page of a view, narrowed by more filters where they are given."""
    view = view if isinstance(view, View) else _views[view]
    wanted = view.where(viewer, now())
    if narrowed:
        wanted = and_(wanted, filters.clause({"state": "all", **narrowed}, viewer=viewer))
    fitting = select(Conversation.id).where(queries.conversations_visible_to(viewer), wanted)
    statement = select(Conversation).options(
        lazyload(Conversation.messages),
        joinedload(Conversation.contact).lazyload(Contact.channel),  # the conversation has the same one
        joinedload(Conversation.assignee).load_only(User.name),
        with_expression(Conversation.trouble, queries.stuck_reply()),
        with_expression(Conversation.quiet, quiet.shown_in_lists()),
    )
    by, descending = _ORDERS[view.order]
    page = paging.page(statement, by=by, cursor=cursor, size=size, descending=descending, among=fitting)
    lines = [Line(each, each.last_words, each.trouble or "") for each in page.items]
    return Listing(view, lines, page.next, page.previous)


def counts(views: Sequence[View], *, viewer: Viewer) -> dict[str, int]:
    """Return how many conversations each view has, exactly; those of what is done are left out."""
    counted = [view for view in views if view.is_counted]
    at = now()
    if not counted:
        return {}
    row = db.session.execute(
        select(
            func.count(),  # so that it is one row, whatever views are counted
            *(
                func.count().filter(view.where(viewer, at)) if view.count is None else view.count(viewer, at)
                for view in counted
            ),
        )
        .select_from(Conversation)
        .where(queries.conversations_visible_to(viewer), IS_OPEN)
    ).one()
    return {view.key: number for view, number in zip(counted, row[1:], strict=True)}


def is_awake(at: datetime) -> ColumnElement[bool]:
    """Return the clause for what is not snoozed."""
    return or_(Conversation.snoozed_until.is_(None), Conversation.snoozed_until <= at)


def is_lost(at: datetime) -> ColumnElement[bool]:
    """Return the clause for what nobody opened, or answered, for longer than the house allows.

    All that is counted stands in the index over what is open: a view that counts by another column reads the rows.
    """
    limit = at - timedelta(hours=current_settings().lost_after_hours)
    is_unopened = and_(Conversation.state == "new", Conversation.last_message_at <= limit)
    return and_(IS_OPEN, or_(is_unopened, Conversation.waiting_since <= limit))


def _open(*wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(IS_OPEN, *wanted)


for _view in (
    View(
        key="waiting",
        name=_l("Waiting"),
        where=lambda _viewer, at: _open(Conversation.due_at.is_not(None), is_awake(at)),
        order="due",
    ),
    View(
        key="mine",
        name=_l("Mine"),
        where=lambda viewer, at: _open(Conversation.assignee_id == viewer.id, is_awake(at)),
    ),
    View(
        key="unassigned",
        name=_l("Unassigned"),
        where=lambda _viewer, at: _open(Conversation.assignee_id.is_(None), is_awake(at)),
    ),
    View(
        key="due_soon",
        name=_l("Due within an hour"),
        where=lambda _viewer, at: _open(Conversation.due_at > at, Conversation.due_at <= at + SOON),
        order="due",
    ),
    View(
        key="overdue",
        name=_l("Overdue"),
        where=lambda _viewer, at: _open(Conversation.due_at <= at),
        order="due",
    ),
    View(
        key="waiting_customer",
        name=_l("Waiting for the customer"),
        where=lambda _viewer, at: _open(Conversation.state == "waiting_customer", is_awake(at)),
    ),
    View(
        key="waiting_inside",
        name=_l("Waiting for a colleague"),
        where=lambda _viewer, at: _open(Conversation.state == "waiting_inside", is_awake(at)),
    ),
    View(
        key="snoozed",
        name=_l("Snoozed"),
        where=lambda _viewer, at: _open(Conversation.snoozed_until > at),
    ),
    View(
        key="lost",
        name=_l("Nearly forgotten"),
        where=lambda _viewer, at: is_lost(at),
        order="oldest",
    ),
    View(key="solved", name=_l("Done"), where=lambda _viewer, _at: IS_DONE, is_counted=False),
    View(key="all", name=_l("All"), where=lambda _viewer, _at: true(), is_counted=False),
):
    contribute(_view)
