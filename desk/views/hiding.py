"""What customers wrote in public: hidden at its service, shown again, answered in private; what is held for a look."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts
from core.db import db
from core.edge import REFUSALS, done, sent_before
from desk import held_arrivals, hiding, masks, protecting, queries
from desk.channels.base import measure_of
from desk.means import capabilities_of
from desk.models import Message
from desk.objections import Objected, Objection
from desk.order_forms import CloseHeldForm, HidingForm, ProtectionForm
from desk.views.edge import Answer, back_to, bp, given_seals

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY

bp.add_app_template_global(masks.covered, "covered")
bp.add_app_template_global(masks.said, "said_here")


@bp.get("/desk/messages/<int:message_id>/hiding")
@role_required("agent")
def ask_hiding(message_id: int) -> Response:
    """Show what hiding means at the service, and ask for the reason."""
    return _hiding_page(_message(message_id), HidingForm(formdata=None))


@bp.post("/desk/messages/<int:message_id>/hiding")
@role_required("agent")
def hide_message(message_id: int) -> Answer:
    form, message = HidingForm(), _message(message_id)
    if not form.validate():
        return _hiding_page(message, form, status=UNPROCESSABLE)
    if sent := sent_before(form):
        return sent
    conversation_id = message.conversation_id
    try:
        if form.wish.data == "show":
            hiding.show_again(message, reason=form.reason.data or "", by=me())
        else:
            hiding.hide(message, reason=form.reason.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _hiding_page(_message(message_id), form, status=error.status)
    onward = done(form, url_for(".show_conversation", conversation_id=conversation_id, _anchor=f"m{message_id}"))
    flash(gettext("The service is asked now. What comes of it stands at the message."), "good")
    return onward


@bp.post("/desk/messages/<int:message_id>/hiding/again")
@role_required("agent")
def hide_again(message_id: int) -> WerkzeugResponse:
    message = _message(message_id)
    hiding.try_again(hiding.last_of(message), by=me())
    db.session.commit()
    flash(gettext("The service is asked once more."), "good")
    return back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/messages/<int:message_id>/hiding/done")
@role_required("agent")
def note_hidden(message_id: int) -> WerkzeugResponse:
    message = _message(message_id)
    hiding.note_done(hiding.last_of(message), by=me())
    db.session.commit()
    return back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.get("/desk/messages/<int:message_id>/protection")
@role_required("agent")
def ask_protection(message_id: int) -> Response:
    """Show what would be hidden and said where, ready to be sent."""
    message = _message(message_id)
    plan = protecting.plan(message)
    words = {"reason": plan.reason, "pointer": plan.pointer, "opening": plan.opening, "hides": True}
    return _protection_page(message, ProtectionForm(formdata=None, data=words))


@bp.post("/desk/messages/<int:message_id>/protection")
@role_required("agent")
def protect(message_id: int) -> Answer:
    form, message = ProtectionForm(), _message(message_id)
    if not form.validate():
        return _protection_page(message, form, status=UNPROCESSABLE)
    if sent := sent_before(form):
        return sent
    conversation_id = message.conversation_id
    try:
        said = protecting.protect(
            message,
            hides=form.hides.data,
            reason=form.reason.data or "",
            pointer=form.pointer.data or "",
            opening=form.opening.data or "",
            by=me(),
            seen=texts.number(request.form.get("seen", "")),
            confirmed=frozenset(given_seals()),
        )
    except Objected as error:
        db.session.rollback()
        return _protection_page(_message(message_id), form, objections=error.objections, status=error.status)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _protection_page(_message(message_id), form, status=error.status)
    shown_at = message_id if said is None else said.id
    onward = done(form, url_for(".show_conversation", conversation_id=conversation_id, _anchor=f"m{shown_at}"))
    flash(gettext("It is on its way. What comes of it stands at the messages."), "good")
    return onward


@bp.post("/desk/messages/<int:message_id>/held/let-in")
@role_required("agent")
def let_in_held(message_id: int) -> WerkzeugResponse:
    message = _message(message_id)
    held_arrivals.let_in(held_arrivals.by_message(message_id), by=me())
    db.session.commit()
    flash(gettext("It is a case like any other now."), "good")
    return back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.get("/desk/messages/<int:message_id>/held")
@role_required("agent")
def ask_close_held(message_id: int) -> Response:
    message = _message(message_id)
    held_arrivals.by_message(message_id)
    return _held_page(message, CloseHeldForm(formdata=None))


@bp.post("/desk/messages/<int:message_id>/held/close")
@role_required("agent")
def close_held(message_id: int) -> Answer:
    form, message = CloseHeldForm(), _message(message_id)
    held = held_arrivals.by_message(message_id)
    if not form.validate():
        return _held_page(message, form, status=UNPROCESSABLE)
    try:
        held_arrivals.close(held, reason=form.reason.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _held_page(_message(message_id), form, status=error.status)
    db.session.commit()
    flash(gettext("It is closed, with your reason."), "good")
    return back_to(message.conversation_id, anchor=f"m{message_id}")


def _message(message_id: int) -> Message:
    return queries.visible_message(message_id, viewer=current_user)


def _hiding_page(message: Message, form: HidingForm, *, status: int = HTTPStatus.OK) -> Response:
    means = capabilities_of(message.conversation)
    standing = hiding.of([message.id]).get(message.id)
    is_hidden = standing is not None and standing.is_hidden
    if form.wish.data not in {"hide", "show"} or request.method == "GET":
        form.wish.data = "show" if is_hidden else "hide"
    page = render_template(
        "desk/hiding.html",
        message=message,
        conversation=message.conversation,
        form=form,
        means=means,
        why_not=hiding.why_not(message, means),
        is_hidden=is_hidden,
        pieces=masks.of([message]),
    )
    return make_response(page, status)


def _protection_page(
    message: Message, form: ProtectionForm, *, objections: Sequence[Objection] = (), status: int = HTTPStatus.OK
) -> Response:
    conversation = queries.visible_conversation(message.conversation_id, viewer=current_user)
    page = render_template(
        "desk/protection.html",
        message=message,
        conversation=conversation,
        form=form,
        plan=protecting.plan(message),
        means=capabilities_of(conversation),
        measure=measure_of(conversation.channel, is_public=True),
        seen=max((each.id for each in conversation.messages), default=0),
        objections=objections,
        confirmed=given_seals(),
        pieces=masks.of([message]),
    )
    return make_response(page, status)


def _held_page(message: Message, form: CloseHeldForm, *, status: int = HTTPStatus.OK) -> Response:
    page = render_template(
        "desk/held_arrival.html",
        message=message,
        conversation=message.conversation,
        form=form,
        pieces=masks.of([message]),
    )
    return make_response(page, status)
