"""Where customers can be looked up, for admins."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from desk import cards, worth
from desk.person_forms import CardSourceForm, WorthForm
from desk.person_models import CardSource
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


@bp.post("/admin/cards/<int:source_id>/worth")
@role_required("admin")
def choose_worth(source_id: int) -> Answer:
    """Say which value of a card tells what a customer is worth for the order of the queue."""
    source, form = cards.source(source_id), WorthForm(prefix=f"worth-{source_id}")
    if not form.validate():
        return _page(CardSourceForm(formdata=None), typed=(source_id, form), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        worth.choose(source, path=form.path.data or "", bands=form.bands.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(CardSourceForm(formdata=None), typed=(source_id, form), status=error.status)
    db.session.commit()
    flash(gettext("It counts from now on; who waits is asked about in the next minutes."), "good")
    return web.go(url_for(".card_sources"))


@bp.post("/admin/cards/<int:source_id>/removal")
@role_required("admin")
def remove_card_source(source_id: int) -> WerkzeugResponse:
    cards.remove(source_id, by=me())
    db.session.commit()
    return web.go(url_for(".card_sources"))


def _page(form: CardSourceForm, *, typed: tuple[int, WorthForm] | None = None, status: int = HTTPStatus.OK) -> Response:
    sources = cards.sources()
    forms = {source.id: _worth_form(source) for source in sources} | ({typed[0]: typed[1]} if typed else {})
    page = render_template(
        "desk/cards.html", sources=sources, form=form, worth_forms=forms, wrong=typed[0] if typed else None
    )
    return make_response(page, status)


def _worth_form(source: CardSource) -> WorthForm:
    data = {"path": source.worth.get("path", ""), "bands": worth.written_bands(source)}
    return WorthForm(formdata=None, prefix=f"worth-{source.id}", data=data)
