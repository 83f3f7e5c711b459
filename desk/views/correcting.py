"""Correcting a reply where it stands: written, approved by a second person, tried again, dropped."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core.db import db
from core.edge import REFUSALS, done, sent_before
from core.errors import NotFound
from desk import correcting, objections, queries
from desk.channels.base import measure_of
from desk.models import Message
from desk.objections import Objected, Objection, mended
from desk.order_forms import CorrectionForm, CorrectionNoteForm
from desk.order_models import MessageCorrection
from desk.views.edge import Answer, back_to, bp, given_seals

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


@bp.get("/desk/messages/<int:message_id>/correction")
@role_required("agent")
def ask_correction(message_id: int) -> Response:
    """Show the words as they stand, or what was begun, ready to be changed."""
    message = _message(message_id)
    return _page(message, _as_it_stands(message))


@bp.post("/desk/messages/<int:message_id>/correction")
@role_required("agent")
def correct_reply(message_id: int) -> Answer:
    form, message = CorrectionForm(), _message(message_id)
    if "mend" in request.form:
        return _with_mended(message, form)
    if not form.validate():
        return _page(message, form, status=UNPROCESSABLE)
    if sent := sent_before(form):
        return sent
    conversation_id = message.conversation_id
    try:
        wanted = correcting.correct(
            message,
            text=form.text.data or "",
            by=me(),
            seen=form.mark.data or "",
            confirmed=frozenset(given_seals()),
        )
    except Objected as error:
        db.session.rollback()
        return _page(_message(message_id), form, objected=error.objections, status=error.status)
    except REFUSALS as error:
        db.session.rollback()
        message = _message(message_id)
        form.refuse(error)
        if isinstance(error, correcting.ChangedMeanwhile):
            form.mark.data = correcting.mark_of(message.text)  # it stands above what was typed now
        return _page(message, form, status=error.status)
    waits = wanted.state == "approval"
    onward = done(form, url_for(".show_conversation", conversation_id=conversation_id, _anchor=f"m{message_id}"))
    flash(f"correction:{message_id}-{current_user.id}", "draft_done")
    flash(
        gettext("A colleague reads your correction before it goes out. You hear of it.")
        if waits
        else gettext("Your correction is on its way. What comes of it stands at the message."),
        "good",
    )
    return onward


@bp.post("/desk/messages/<int:message_id>/correction/approval")
@role_required("agent")
def approve_correction(message_id: int) -> WerkzeugResponse:
    correction = _open(message_id)
    correcting.approve(correction, by=me())
    db.session.commit()
    flash(gettext("You approved the correction."), "good")
    return back_to(correction.message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/messages/<int:message_id>/correction/return")
@role_required("agent")
def return_correction(message_id: int) -> Answer:
    correction, form = _open(message_id), CorrectionNoteForm()
    if not form.validate():
        return _page(correction.message, _as_it_stands(correction.message), note=form, status=UNPROCESSABLE)
    correcting.give_back(correction, note=form.note.data or "", by=me())
    db.session.commit()
    flash(gettext("The correction is back with who wrote it."), "good")
    return back_to(correction.message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/messages/<int:message_id>/correction/again")
@role_required("agent")
def correct_again(message_id: int) -> WerkzeugResponse:
    correction = _open(message_id)
    correcting.try_again(correction, by=me())
    db.session.commit()
    flash(gettext("The service is asked once more."), "good")
    return back_to(correction.message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/messages/<int:message_id>/correction/done")
@role_required("agent")
def note_corrected(message_id: int) -> WerkzeugResponse:
    correction = _open(message_id)
    correcting.note_done(correction, by=me())
    db.session.commit()
    return back_to(correction.message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/messages/<int:message_id>/correction/dropping")
@role_required("agent")
def drop_correction(message_id: int) -> WerkzeugResponse:
    message = _message(message_id)
    if (begun := correcting.open_of(message)) is not None:
        correcting.drop(begun, by=me())
        db.session.commit()
    flash(f"correction:{message_id}-{current_user.id}", "draft_done")
    return back_to(message.conversation_id, anchor=f"m{message_id}")


def _message(message_id: int) -> Message:
    message = queries.visible_message(message_id, viewer=current_user)
    if message.direction != "out":
        raise NotFound(gettext("There is no such message. The inbox lists all conversations."))
    return message


def _open(message_id: int) -> MessageCorrection:
    found = correcting.open_of(_message(message_id))
    if found is None:
        raise NotFound(gettext("This correction is not open any more."))
    return found


def _as_it_stands(message: Message) -> CorrectionForm:
    begun = correcting.open_of(message)
    text = begun.text if begun is not None and begun.text else message.text
    return CorrectionForm(formdata=None, data={"text": text, "mark": correcting.mark_of(message.text)})


def _with_mended(message: Message, form: CorrectionForm) -> Response:
    """Show the page again with the way out taken that was pressed."""
    seal, _, number = request.form["mend"].partition(":")
    draft = correcting.draft_of(message, form.text.data or "", by=me())
    for one in objections.raised(draft):
        if one.seal == seal and number.isascii() and number.isdigit() and int(number) < len(one.ways_out):
            form.text.data = mended(form.text.data or "", one, int(number))
    form.text.errors = []
    draft = correcting.draft_of(message, form.text.data or "", by=me())
    return _page(message, form, objected=objections.raised(draft))


def _page(
    message: Message,
    form: CorrectionForm,
    *,
    objected: Sequence[Objection] = (),
    note: CorrectionNoteForm | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    begun = correcting.open_of(message)
    page = render_template(
        "desk/correction.html",
        message=message,
        conversation=message.conversation,
        form=form,
        note=note or CorrectionNoteForm(formdata=None),
        begun=begun,
        may_approve=begun is not None and correcting.may_approve(me(), begun),
        why_not=correcting.why_not(message),
        measure=measure_of(message.channel, is_public=message.is_public),
        objections=objected,
        confirmed=given_seals(),
    )
    return make_response(page, status)
