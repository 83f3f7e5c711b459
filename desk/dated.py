"""What belongs to conversations and falls due, as promises and call-backs do: found, held, listed and counted alike."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from accounts.people import Viewer
from core import paging, timezones
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import NotFound
from core.settings import current_settings
from desk import policy, queries
from desk.models import Conversation

PAGE: Final = 30


class Dated(Protocol):
    """A table of such things."""

    id: Any
    conversation: Any


D = TypeVar("D", bound=Dated)
V = TypeVar("V", bound=str)


def held(model: type[D], thing_id: int, *, viewer: Viewer, sentence: str) -> D:
    """Return one, held until the end of the transaction; raise `NotFound` where the viewer may see none."""
    found = None
    if 0 < thing_id <= LARGEST_ID and policy.may_work(viewer):
        found = db.session.scalars(
            select(model)
            .where(model.id == thing_id)
            .with_for_update(of=model)
            .execution_options(populate_existing=True)
        ).one_or_none()
    if found is None:
        raise NotFound(sentence)
    return found


def page(
    model: type[D],
    wanted: ColumnElement[bool],
    *,
    due: InstrumentedAttribute[Any],
    viewer: Viewer,
    cursor: str | None = None,
    size: int = PAGE,
    newest_first: bool = False,
    options: Sequence[Any] = (),
) -> paging.Page[D]:
    """Return a page of those that are wanted: what is due first comes first, or last."""
    statement = (
        select(model)
        .where(wanted, queries.conversations_visible_to(viewer))
        .join(model.conversation)
        .options(joinedload(model.conversation).lazyload(Conversation.messages), *options)
    )
    return paging.page(statement, by=(due, model.id), cursor=cursor, size=size, descending=newest_first)


def counts(
    model: type[D], views: Sequence[V], belongs_to: Callable[[V], ColumnElement[bool]], *, viewer: Viewer
) -> Mapping[V, int]:
    """Return how many each view has; what somebody may not read is not counted for them."""
    row = db.session.execute(
        select(*(func.count(model.id).filter(belongs_to(view)) for view in views)).where(
            queries.conversations_visible_to(viewer)
        )
    ).one()
    return dict(zip(views, row, strict=True))


def midnight() -> datetime:
    """Return when the day ends at the house."""
    zone = current_settings().time_zone
    tomorrow = timezones.local(now(), zone).date() + timedelta(days=1)
    return timezones.at(datetime.combine(tomorrow, time()), zone).astimezone(UTC)
