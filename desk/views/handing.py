"""From a conversation to private and to the secure counter; and why it is before the agent at all."""

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
from core.errors import Invalid
from desk import counters, handing, message_files, queries, reasons, summing
from desk.channels.base import measure_of
from desk.models import Conversation
from desk.objections import Objected, Objection
from desk.person_forms import OpenCounterForm, PrivateForm
from desk.person_models import Counter
from desk.views.edge import Answer, back_to, bp, given_seals


@bp.get("/desk/conversations/<int:conversation_id>/why")
@role_required("agent")
def show_why(conversation_id: int) -> str:
    """Show why an agent sees this conversation, what matters in it, and who had it before."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    used = queries.used_articles([message.id for message in conversation.messages if message.direction == "out"])
    return render_template(
        "desk/why.html",
        conversation=conversation,
        reasons=reasons.why(conversation, viewer=current_user),
        deeds=reasons.deeds(conversation),
        summary=summing.of(conversation, used, at_any_length=True),
    )


@bp.get("/desk/conversations/<int:conversation_id>/private")
@role_required("agent")
def prepare_private(conversation_id: int) -> Response:
    """Show what would be said in public and in private; where that is not possible, why, and the counter."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    words = handing.proposed(conversation)
    form = PrivateForm(formdata=None, data={"pointer": words.pointer, "opening": words.opening})
    return _private_page(conversation, form)


@bp.post("/desk/conversations/<int:conversation_id>/private")
@role_required("agent")
def move_to_private(conversation_id: int) -> Answer:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    form = PrivateForm()
    if not form.validate():
        return _private_page(conversation, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    seals = given_seals()
    try:
        message = handing.move(
            conversation,
            pointer=form.pointer.data or "",
            opening=form.opening.data or "",
            by=me(),
            seen=texts.number(request.form.get("seen", "")),
            confirmed=frozenset(seals),
        )
    except Objected as error:
        db.session.rollback()
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        return _private_page(conversation, form, objections=error.objections, status=error.status)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        return _private_page(conversation, form, status=error.status)
    flash(gettext("Both are on their way, and it stays one conversation."), "good")
    return done(form, url_for(".show_conversation", conversation_id=conversation_id, _anchor=f"m{message.id}"))


@bp.post("/desk/conversations/<int:conversation_id>/counters")
@role_required("agent")
def open_counter(conversation_id: int) -> Answer:
    """Open a counter, and show its link with the words around it, ready to be sent."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    form = OpenCounterForm()
    words = handing.proposed(conversation)
    try:
        if not form.validate():
            raise Invalid(gettext("Please choose what the customer is to leave."))
        counters.open_for(
            conversation,
            asks=form.chosen,
            in_public=_is_public(conversation),
            has_code=form.code.data,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        private = PrivateForm(formdata=None, data={"pointer": words.pointer, "opening": words.opening})
        return _private_page(conversation, private, asks=form, refused=error.sentence, status=error.status)
    db.session.commit()
    flash(gettext("The counter is open. Send the customer its link."), "good")
    return back_to(conversation_id, anchor="counters")


@bp.post("/desk/counters/<int:counter_id>/reading")
@role_required("agent")
def read_counter(counter_id: int) -> Response:
    """Show what was left; no redirect, since each reading is noted and none happens by a link."""
    counter = counters.visible_counter(counter_id, viewer=current_user)
    said = counters.read(counter, by=me())
    db.session.commit()
    counter = counters.visible_counter(counter_id, viewer=current_user)
    return _counter_page(counter, said)


@bp.post("/desk/counters/<int:counter_id>/code")
@role_required("agent")
def ask_for_code(counter_id: int) -> WerkzeugResponse:
    counter = counters.visible_counter(counter_id, viewer=current_user)
    conversation_id = counter.conversation_id
    counters.ask_for_code(counter, by=me())
    db.session.commit()
    flash(gettext("The counter asks for its code now. Tell it to the customer in private only."), "good")
    return back_to(conversation_id, anchor="counters")


@bp.post("/desk/counters/<int:counter_id>/withdrawal")
@role_required("agent")
def withdraw_counter(counter_id: int) -> WerkzeugResponse:
    counter = counters.visible_counter(counter_id, viewer=current_user)
    conversation_id = counter.conversation_id
    counters.withdraw(counter, by=me())
    db.session.commit()
    return back_to(conversation_id, anchor="counters")


@bp.post("/desk/counter-documents/<int:document_id>")
@role_required("agent")
def take_document(document_id: int) -> Response:
    """Hand out a document as a file that no browser opens by itself."""
    file = counters.take_document(document_id, by=me())
    content, name = file.content, f"document-{file.id}.{file.kind}"
    db.session.commit()
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/desk/message-files/<int:file_id>")
@role_required("agent")
def take_message_file(file_id: int) -> Response:
    """Hand out a file that came with a message; no browser opens what a stranger sent by itself."""
    file = message_files.visible_file(file_id, viewer=current_user)
    answer = Response(file.content, mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_public(conversation: Conversation) -> bool:
    """Tell whether the link may stand where everybody reads: a reply goes where the customer wrote last."""
    newest = next((each for each in reversed(conversation.messages) if each.direction == "in"), None)
    return newest is not None and newest.is_public


def _private_page(
    conversation: Conversation,
    form: PrivateForm,
    *,
    objections: Sequence[Objection] = (),
    asks: OpenCounterForm | None = None,
    refused: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    page = render_template(
        "desk/private.html",
        conversation=conversation,
        form=form,
        why_not=handing.why_not_private(conversation),
        measure=measure_of(conversation.channel, is_public=True),
        private_measure=measure_of(conversation.channel, is_public=False),
        seen=max((message.id for message in conversation.messages), default=0),
        objections=objections,
        confirmed=given_seals(),
        asks=asks or OpenCounterForm(formdata=None),
        refused=refused,
    )
    return make_response(page, status)


def _counter_page(counter: Counter, said: dict[str, str]) -> Response:
    page = render_template(
        "desk/counter.html",
        counter=counter,
        said=said,
        slot=counters.slot_of(said.get("slot", "")),
        looks=counters.looks(counter),
    )
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer
