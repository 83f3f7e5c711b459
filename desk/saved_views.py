"""Views of the inbox that agents make of filters: for themselves, or for the whole team."""

from collections.abc import Mapping
from typing import Final

from flask_babel import gettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import problems, texts
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from desk import filters, listing, policy
from desk.inbox_models import LONGEST_NAME, SavedView

MOST_OWN: Final = 20
MOST_SHOWN: Final = 40
PREFIX: Final = "v"


def create(*, name: str, wanted: Mapping[str, str], is_shared: bool, by: User) -> SavedView:
    """Save a view; raise `Invalid` when there are too many or its name says nothing."""
    if not policy.may_work(by):
        raise NotAllowed
    name = _name(name)
    own = db.session.scalar(select(func.count()).select_from(SavedView).where(SavedView.owner_id == by.id)) or 0
    if own >= MOST_OWN:
        raise Invalid(gettext("You have %(most)s views of your own. Please remove one first.", most=MOST_OWN))
    saved = SavedView(owner=by, name=name, filters=filters.cleaned(wanted), is_shared=is_shared)
    db.session.add(saved)
    db.session.flush()
    audit.record("desk.saved_view.create", saved, by=by, after=_said(saved))
    return saved


def change(saved: SavedView, *, name: str, wanted: Mapping[str, str], is_shared: bool, by: User) -> None:
    """Give a view another name, other filters, or others to read it."""
    _require_owner(saved, by)
    before = _said(saved)
    saved.name, saved.filters, saved.is_shared = _name(name), filters.cleaned(wanted), is_shared
    db.session.flush()
    audit.record("desk.saved_view.change", saved, by=by, before=before, after=_said(saved))


def remove(saved: SavedView, *, by: User) -> None:
    """Take a view away; the conversations in it stay."""
    _require_owner(saved, by)
    audit.record("desk.saved_view.remove", saved, by=by, before=_said(saved))
    db.session.delete(saved)
    db.session.flush()


def visible_to(viewer: Viewer) -> list[SavedView]:
    """Return the viewer's own views and those the team shares, in the order of their names."""
    if not policy.may_work(viewer):
        return []
    return list(
        db.session.scalars(
            select(SavedView)
            .where(or_(SavedView.owner_id == viewer.id, SavedView.is_shared))
            .order_by(SavedView.owner_id != viewer.id, SavedView.name, SavedView.id)
            .limit(MOST_SHOWN)
            .options(lazyload(SavedView.owner))
        )
    )


def visible_view(view_id: int, *, viewer: Viewer) -> SavedView:
    """Return a saved view; raise `NotFound` when there is none that the viewer may see."""
    saved = db.session.get(SavedView, view_id) if 0 < view_id <= LARGEST_ID else None
    if saved is None or not policy.may_work(viewer) or not (saved.is_shared or saved.owner_id == viewer.id):
        raise NotFound(gettext("There is no such view. Perhaps it was removed."))
    return saved


def as_view(saved: SavedView) -> listing.View:
    """Return what the inbox shows for a saved view; filters that are no longer known say nothing."""
    return listing.made_of(filters.cleaned(saved.filters), key=f"{PREFIX}{saved.id}", name=saved.name)


def _name(typed: str) -> str:
    with problems.at("name"):
        return texts.line(typed, longest=LONGEST_NAME, shortest=1)


def _said(saved: SavedView) -> dict[str, object]:
    return {"name": saved.name, "filters": saved.filters, "is_shared": saved.is_shared}


def _require_owner(saved: SavedView, by: User) -> None:
    if not policy.may_work(by) or not (saved.owner_id == by.id or (saved.is_shared and by.has_role("lead"))):
        raise NotAllowed(gettext("Only who saved a view changes it."))
