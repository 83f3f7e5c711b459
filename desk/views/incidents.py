"""Incidents: what many write about, the one answer to all of them, and the word when it is over."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.edge import REFUSALS, done, sent_before
from core.errors import NotFound
from core.forms import BlockField, Form, LineField
from desk.channels.base import LONGEST_TEXT
from desk.triage import incidents
from desk.triage.incidents import LONGEST_TITLE, MOST_CASES
from desk.views.edge import Answer, bp


class IncidentForm(Form):
    title = LineField("", longest=LONGEST_TITLE)


class MasterForm(Form):
    text = BlockField("", longest=LONGEST_TEXT)


@bp.get("/desk/incidents")
@role_required("agent")
def incident_list() -> Response:
    return _list(IncidentForm(formdata=None))


@bp.post("/desk/incidents")
@role_required("agent")
def open_incident() -> Answer:
    form = IncidentForm()
    if not form.validate():
        return _list(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    incident = incidents.open_incident(form.title.data or "", _ids(), locale=request.form.get("locale", ""), by=me())
    return done(form, url_for(".show_incident", incident_id=incident.id))


@bp.get("/desk/incidents/<int:incident_id>")
@role_required("agent")
def show_incident(incident_id: int) -> Response:
    return _page(incident_id, MasterForm(formdata=None))


@bp.post("/desk/incidents/<int:incident_id>/answer")
@role_required("agent")
def answer_incident(incident_id: int) -> Answer:
    return _told(incident_id, is_over=False)


@bp.post("/desk/incidents/<int:incident_id>/solution")
@role_required("agent")
def solve_incident(incident_id: int) -> Answer:
    return _told(incident_id, is_over=True)


@bp.post("/desk/incidents/<int:incident_id>/cases")
@role_required("agent")
def add_cases(incident_id: int) -> WerkzeugResponse:
    incident = incidents.visible_incident(incident_id, viewer=current_user)
    many = incidents.add(incident, _ids(), by=me())
    db.session.commit()
    flash(ngettext("%(num)s conversation was added.", "%(num)s conversations were added.", many), "good")
    return web.go(url_for(".show_incident", incident_id=incident_id))


@bp.post("/desk/incidents/<int:incident_id>/cases/<int:case_id>/removal")
@role_required("agent")
def leave_incident(incident_id: int, case_id: int) -> WerkzeugResponse:
    incident = incidents.visible_incident(incident_id, viewer=current_user)
    case = next((one for one in incidents.cases(incident) if one.id == case_id), None)
    if case is None:
        raise NotFound(gettext("This conversation is not in the incident any more."))
    incidents.leave(case, by=me())
    db.session.commit()
    return web.go(url_for(".show_incident", incident_id=incident_id))


def _told(incident_id: int, *, is_over: bool) -> Answer:
    form = MasterForm()
    incident = incidents.visible_incident(incident_id, viewer=current_user)
    if not form.validate():
        return _page(incident_id, form, is_over=is_over, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        tell = incidents.solve if is_over else incidents.answer
        many = tell(incident, form.text.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(incident_id, form, is_over=is_over, status=error.status)
    onward = done(form, url_for(".show_incident", incident_id=incident_id))
    flash(ngettext("%(num)s customer is being told.", "%(num)s customers are being told.", many), "good")
    return onward


def _ids() -> list[int]:
    typed = [texts.number(one) for one in request.form.getlist("conversations")[:MOST_CASES]]
    return [one for one in typed if one is not None]


def _list(form: IncidentForm, *, status: int = HTTPStatus.OK) -> Response:
    found = incidents.incidents(current_user)
    page = render_template(
        "desk/incidents.html",
        incidents=found,
        clusters=incidents.clusters(current_user),
        form=form,
        fewest=incidents.FEWEST_ALIKE,
        adding=texts.number(request.args.get("conversation", "")),
    )
    return make_response(page, status)


def _page(incident_id: int, form: MasterForm, *, is_over: bool = False, status: int = HTTPStatus.OK) -> Response:
    incident = incidents.visible_incident(incident_id, viewer=current_user)
    page = render_template(
        "desk/incident.html",
        incident=incident,
        cases=incidents.cases(incident),
        counts=incidents.counts(incident),
        form=form,
        is_over=is_over,
        most=LONGEST_TEXT,
    )
    return make_response(page, status)
