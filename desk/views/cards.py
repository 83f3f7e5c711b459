"""Where customers can be looked up, for admins."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from desk import cards
from desk.person_forms import CardSourceForm
from desk.views.edge import Answer, bp


@bp.get("/admin/cards")
@role_required("admin")
def card_sources() -> Response:
    return _page(CardSourceForm(formdata=None))


@bp.post("/admin/cards")
@role_required("admin")
def add_card_source() -> Answer:
    form = CardSourceForm()
    if not form.validate():
        return _page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        cards.add(
            name=form.name.data or "",
            url=form.url.data or "",
            headers=form.headers.data or "",
            fields=form["fields"].data or "",
            purpose=form.purpose.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, status=error.status)
    db.session.commit()
    flash(gettext("Agents can look customers up there now."), "good")
    return web.go(url_for(".card_sources"))


@bp.post("/admin/cards/<int:source_id>/removal")
@role_required("admin")
def remove_card_source(source_id: int) -> WerkzeugResponse:
    cards.remove(source_id, by=me())
    db.session.commit()
    return web.go(url_for(".card_sources"))


def _page(form: CardSourceForm, *, status: int = HTTPStatus.OK) -> Response:
    return make_response(render_template("desk/cards.html", sources=cards.sources(), form=form), status)
