"""What a message is, corrected by a person; the place in the queue; who is muted."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.edge import REFUSALS
from core.errors import KlinkeError
from desk import queries
from desk.triage import corrections, priority
from desk.triage.model import HEADS
from desk.triage.priority import PARTS
from desk.views.edge import Answer, back_to, bp


@bp.post("/desk/messages/<int:message_id>/judgement")
@role_required("agent")
def correct_message(message_id: int) -> WerkzeugResponse:
    message = queries.visible_message(message_id, viewer=current_user)
    said = {head: _answer(head, request.form[head]) for head in HEADS if request.form.get(head)}
    corrections.correct(message, said, by=me())
    db.session.commit()
    flash(gettext("Noted. The machine learns from it."), "good")
    return back_to(message.conversation_id)


@bp.post("/desk/messages/<int:message_id>/judgement/undoing")
@role_required("agent")
def undo_correction(message_id: int) -> WerkzeugResponse:
    message = queries.visible_message(message_id, viewer=current_user)
    corrections.undo(message, by=me())
    db.session.commit()
    flash(gettext("It is again what the machine said."), "good")
    return back_to(message.conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/mute")
@role_required("agent")
def mute_conversation(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    corrections.mute(conversation, reason=request.form.get("reason", ""), by=me())
    db.session.commit()
    flash(gettext("Muted and completed. Whatever they write on stays here and bothers nobody."), "good")
    return back_to(conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/unmute")
@role_required("agent")
def unmute_conversation(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    corrections.unmute(conversation, by=me())
    db.session.commit()
    return back_to(conversation_id)


@bp.get("/admin/priority")
@role_required("admin")
def priority_page() -> Response:
    """Show the weights, and who would stand first by those in the address."""
    given = {name: request.args[name] for name in PARTS if name in request.args}
    return _priority_page({**{name: str(weight) for name, weight in priority.weights().items()}, **given}, bool(given))


@bp.post("/admin/priority")
@role_required("admin")
def weigh_priority() -> Answer:
    typed = {name: request.form.get(name, "") for name in PARTS}
    try:
        priority.weigh(_numbers(typed), by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _priority_page(typed, False, error)
    db.session.commit()
    flash(gettext("Kept. Whoever waits gets their new place within minutes."), "good")
    return web.go(url_for(".priority_page"))


def _priority_page(typed: dict[str, str], is_asked: bool, error: KlinkeError | None = None) -> Response:
    first = []
    if is_asked:
        try:
            first = priority.preview(_numbers(typed))
        except REFUSALS as refused:
            error = refused
    page = render_template(
        "desk/priority.html",
        typed=typed,
        errors={} if error is None else error.fields,
        first=first,
        is_asked=is_asked and error is None,
        parts=PARTS,
        largest=priority.LARGEST_WEIGHT,
        deciding=[name for name in PARTS if name in priority.MOVES_BANDS],
    )
    return make_response(page, HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY)


def _numbers(typed: dict[str, str]) -> dict[str, int]:
    return {name: -1 if (number := texts.number(value)) is None else number for name, value in typed.items()}


def _answer(head: str, typed: str) -> object:
    """Return one of the answers to a question, or what was typed, which is none."""
    return next((answer for answer in HEADS[head] if str(answer) == typed), typed)
