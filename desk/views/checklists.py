"""The daily checklist: what is done at the start of the day, during it and at its end, and by whom it was."""

from datetime import date

from flask import Response, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, show
from core.errors import NotFound
from desk import checklists
from desk.inbox_forms import ItemForm
from desk.inbox_models import PARTS
from desk.views.edge import bp


@bp.get("/desk/checklist")
@role_required("agent")
def checklist() -> Response:
    return _page(ItemForm(formdata=None))


@bp.get("/desk/checklist/days/<day>")
@role_required("agent")
def checklist_day(day: str) -> Response:
    """Show what was signed on a day that is over."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise NotFound from None
    return show(
        "desk/checklist_day.html",
        day=found,
        teams=checklists.of_day(found, viewer=current_user),
        names=checklists.NAMES,
    )


@bp.post("/desk/checklist/items")
@role_required("lead")
def add_item() -> Response | WerkzeugResponse:
    form = ItemForm()
    if not form.validate():
        return _page(form, status=UNPROCESSABLE)
    try:
        checklists.add(
            team=form.team.data or "", part=request.form.get("part", ""), words=form.words.data or "", by=me()
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, status=error.status)
    db.session.commit()
    return web.go(url_for(".checklist", _anchor="edit"))


@bp.post("/desk/checklist/items/<int:item_id>")
@role_required("lead")
def change_item(item_id: int) -> WerkzeugResponse:
    item = checklists.visible_item(item_id, viewer=current_user)
    checklists.change(item, words=request.form.get("words", ""), by=me())
    db.session.commit()
    return web.go(url_for(".checklist", _anchor="edit"))


@bp.post("/desk/checklist/items/<int:item_id>/removal")
@role_required("lead")
def remove_item(item_id: int) -> WerkzeugResponse:
    checklists.remove(checklists.visible_item(item_id, viewer=current_user), by=me())
    db.session.commit()
    return web.go(url_for(".checklist", _anchor="edit"))


@bp.post("/desk/checklist/items/<int:item_id>/signature")
@role_required("agent")
def sign_item(item_id: int) -> WerkzeugResponse:
    """Sign an item off for today, or take that back."""
    item = checklists.visible_item(item_id, viewer=current_user)
    if "back" in request.form:
        checklists.unsign(item, by=me())
    else:
        checklists.sign(item, by=me())
    db.session.commit()
    return web.go(url_for(".checklist", _anchor=f"item-{item_id}"))


def _page(form: ItemForm, *, status: int = 200) -> Response:
    return show(
        "desk/checklist.html",
        status=status,
        form=form,
        today=checklists.today(),
        teams=checklists.of_day(checklists.today(), viewer=current_user),
        days=checklists.history(),
        names=checklists.NAMES,
        parts=PARTS,
        typed_part=request.form.get("part", ""),
    )
