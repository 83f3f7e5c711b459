"""The ladder before somebody is blocked, on the page of the person: taken, ended, asked for, decided."""

from http import HTTPStatus

from flask import flash, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, done, sent_before
from core.errors import NotFound
from desk import contact_ladder, persons, quiet
from desk.order_forms import BlockForm, EndStepForm, StepForm
from desk.order_models import ContactStep
from desk.views.edge import Answer, bp
from desk.views.person import BLOCK, END, STEP, page_of

bp.add_app_template_global(quiet.name_of, "step_name")


@bp.post("/desk/contacts/<int:contact_id>/steps")
@role_required("agent")
def take_step(contact_id: int) -> Answer:
    contact, form = persons.visible_contact(contact_id, viewer=current_user), StepForm(prefix=STEP)
    if not form.validate():
        return page_of(contact, step=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        taken = contact_ladder.take(
            contact, form.step.data or "", reason=form.reason.data or "", days=form.days.data, by=me()
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return page_of(persons.visible_contact(contact_id, viewer=current_user), step=form, status=error.status)
    is_asked = taken.state == "asked"
    onward = done(form, _address(contact_id))
    flash(
        gettext("A second person decides about the block. Until then everything stays as it is.")
        if is_asked
        else gettext("The step is in force."),
        "good",
    )
    return onward


@bp.post("/desk/contacts/<int:contact_id>/steps/<int:step_id>/end")
@role_required("agent")
def end_step(contact_id: int, step_id: int) -> Answer:
    step, form = _step(contact_id, step_id), EndStepForm(prefix=END)
    if not form.validate():
        words = " ".join(str(one) for one in form.reason.errors) or gettext("Please say why it ends.")
        return page_of(step.contact, refused=words, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    contact_ladder.end(step, reason=form.reason.data or "", by=me())
    db.session.commit()
    flash(gettext("The step is over."), "good")
    return web.go(_address(contact_id))


@bp.post("/desk/contacts/<int:contact_id>/steps/<int:step_id>/agreement")
@role_required("agent")
def agree_to_block(contact_id: int, step_id: int) -> Answer:
    step, form = _step(contact_id, step_id), BlockForm(prefix=BLOCK)
    if not form.validate():
        words = " ".join(str(one) for one in form.answer.errors)
        return page_of(step.contact, refused=words, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    closed = contact_ladder.agree(step, answer=form.answer.data or "", by=me())
    db.session.commit()
    words = gettext("The block is in force.")
    if closed:
        words += " " + ngettext(
            "%(num)s waiting case is closed with its reason.",
            "%(num)s waiting cases are closed with its reason.",
            len(closed),
        )
    flash(words, "good")
    return web.go(_address(contact_id))


@bp.post("/desk/contacts/<int:contact_id>/steps/<int:step_id>/refusal")
@role_required("agent")
def decline_block(contact_id: int, step_id: int) -> Answer:
    step, form = _step(contact_id, step_id), BlockForm(prefix=BLOCK)
    if not form.validate():
        words = " ".join(str(one) for one in form.answer.errors)
        return page_of(step.contact, refused=words, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    contact_ladder.decline(step, answer=form.answer.data or "", by=me())
    db.session.commit()
    flash(gettext("Nobody is blocked."), "good")
    return web.go(_address(contact_id))


def _step(contact_id: int, step_id: int) -> ContactStep:
    contact = persons.visible_contact(contact_id, viewer=current_user)
    step = contact_ladder.step_by(step_id)
    if step.contact_id != contact.id:
        raise NotFound
    return step


def _address(contact_id: int) -> str:
    return url_for(".show_person", contact_id=contact_id, _anchor="ladder")
