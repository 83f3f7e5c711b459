"""Calls and visits: noted from anywhere, mended by who noted them, taken away by a lead; numbers on demand."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from wtforms import SelectChoice

from accounts import people
from accounts.access import me, role_required
from core import texts
from core.db import db
from core.edge import REFUSALS, done, sent_before
from core.errors import Invalid, NotFound
from desk import calls, numbers, persons, policy, queries
from desk.call_forms import AttemptForm, CallForm, ChangeForm, RemovalForm
from desk.calls import Again, Place, SeveralPeople
from desk.channels.base import adapter_of
from desk.models import Channel, Contact, Conversation
from desk.person_models import CallNote
from desk.views.edge import Answer, bp

SOMEBODY_NEW = "new"


@bp.get("/desk/call-notes/new")
@role_required("agent")
def begin_call() -> Response:
    """Show the form for a call of whoever it was; `contact` is who an agent came from."""
    contact = _contact(request.args.get("contact", ""))
    return _new_page(CallForm(formdata=None, data={"caller": contact.name if contact else ""}), contact)


@bp.post("/desk/call-notes/new")
@role_required("agent")
def note_call_of() -> Answer:
    """Note a call, or look who it may have been: what is typed stays."""
    contact = _contact(request.form.get("contact", ""))
    form = CallForm()
    is_fine = form.validate()
    if "look" in request.form:
        for field in form:
            field.errors = ()
        return _new_page(form, contact, has_looked=True)
    if not is_fine:
        return _new_page(form, contact, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        made = _noted(form)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        contact = _contact(request.form.get("contact", ""))
        has_looked = isinstance(error, SeveralPeople)
        return _new_page(form, contact, has_looked=has_looked, status=error.status)
    flash(gettext("It is noted."), "good")
    return done(form, _place_of(made))


@bp.get("/desk/conversations/<int:conversation_id>/call")
@role_required("agent")
def write_call(conversation_id: int) -> Response:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return _page(CallForm(formdata=None, data={"caller": conversation.contact.name}), conversation)


@bp.post("/desk/conversations/<int:conversation_id>/call")
@role_required("agent")
def keep_call(conversation_id: int) -> Answer:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    form = CallForm()
    if not form.validate():
        return _page(form, conversation, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        made = calls.note(conversation, form.said, by=me(), again=_again(form))
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        return _page(form, conversation, status=error.status)
    flash(gettext("It is noted."), "good")
    return done(form, _place_of(made))


@bp.post("/desk/conversations/<int:conversation_id>/call/attempt")
@role_required("agent")
def keep_attempt(conversation_id: int) -> Answer:
    """Note that nobody answered once more."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    form = AttemptForm()
    if not form.validate():
        raise Invalid
    if sent := sent_before(form):
        return sent
    made = calls.attempt_again(conversation, by=me())
    flash(gettext("It is noted."), "good")
    return done(form, _place_of(made))


@bp.post("/desk/call-notes/<int:call_note_id>/number")
@role_required("agent")
def read_number(call_note_id: int) -> Response:
    """Show a number; no redirect, since each look is noted and none happens by a link."""
    call = calls.visible_call(call_note_id, viewer=current_user)
    number = calls.reveal(call, by=me())
    db.session.commit()
    call = calls.visible_call(call_note_id, viewer=current_user)
    looks = calls.looks(call)
    page = render_template("desk/call_number.html", call=call, number=number, looks=looks)
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/desk/call-notes/<int:call_note_id>/change")
@role_required("agent")
def change_call(call_note_id: int) -> Response:
    call = calls.visible_call(call_note_id, viewer=current_user)
    form = ChangeForm(
        formdata=None,
        data={"result": call.result, "caller": call.caller, "text": calls.words_of(call)},
    )
    form.version.data = str(call.version)
    return _change_page(call, form)


@bp.post("/desk/call-notes/<int:call_note_id>/change")
@role_required("agent")
def keep_change(call_note_id: int) -> Answer:
    call = calls.visible_call(call_note_id, viewer=current_user)
    form = ChangeForm()
    if not form.validate():
        return _change_page(call, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        calls.change(call, form.said, seen=texts.number(form.version.data or "") or 0, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        call = calls.visible_call(call_note_id, viewer=current_user)
        form.version.data = str(call.version)
        return _change_page(call, form, is_other=error.status == HTTPStatus.CONFLICT, status=error.status)
    flash(gettext("The note is changed."), "good")
    return done(form, _place_of(call))


@bp.get("/desk/call-notes/<int:call_note_id>/removal")
@role_required("lead")
def ask_call_removal(call_note_id: int) -> Response:
    return _removal_page(calls.visible_call(call_note_id, viewer=current_user), RemovalForm(formdata=None))


@bp.post("/desk/call-notes/<int:call_note_id>/removal")
@role_required("lead")
def remove_call(call_note_id: int) -> Answer:
    call = calls.visible_call(call_note_id, viewer=current_user)
    form = RemovalForm()
    if not form.validate():
        return _removal_page(call, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    calls.remove(call, reason=form.reason.data or "", by=me())
    flash(gettext("The words are gone. That there was a call stays."), "good")
    return done(form, _place_of(call))


def _noted(form: CallForm) -> CallNote:
    """Note the call where the form says that it belongs."""
    kind, _, typed = (form.where.data or "").partition(":")
    found_id = texts.number(typed) or 0
    if kind == "conversation":
        conversation = queries.visible_conversation(found_id, viewer=current_user)
        return calls.note(conversation, form.said, by=me(), again=_again(form))
    contact = persons.visible_contact(found_id, viewer=current_user) if kind == "contact" else None
    return calls.note_new(
        form.said,
        channel=_channel(form, calls.channels()),
        contact=contact,
        is_somebody_new=kind == SOMEBODY_NEW,
        begins=kind in {SOMEBODY_NEW, "contact"},
        locale=form.locale.data or "",
        again=_again(form),
        by=me(),
    )


def _channel(form: CallForm, known: Sequence[Channel]) -> Channel | None:
    if not form.channel.data:
        return known[0] if known else None
    return next((one for one in known if str(one.id) == form.channel.data), None)


def _again(form: CallForm) -> Again | None:
    """Return when they want to be called again; raise `Invalid` where only half of it is said."""
    since, until = form.since.moment, form.until.moment
    if form.result.data != "call_again" or (since is None and until is None):
        return None
    if since is None or until is None:
        name = "since" if since is None else "until"
        sentence = gettext("Please say both: from when and until when.")
        raise Invalid(sentence, fields={name: sentence})
    owner_id = texts.number(form.owner.data or "")
    owner = me() if owner_id is None else people.by_id(owner_id)
    if owner is None:
        sentence = gettext("There is nobody of this name at the desk.")
        raise Invalid(sentence, fields={"owner": sentence})
    return Again(since=since, until=until, owner=owner)


def _contact(typed: str) -> Contact | None:
    """Return who the agent came from; None where the address says nobody there is."""
    found_id = texts.number(typed)
    if found_id is None:
        return None
    try:
        contact = persons.visible_contact(found_id, viewer=current_user)
    except NotFound:
        return None
    return None if contact.erased_at is not None else contact


def _place_of(call: CallNote) -> str:
    anchor = f"c{call.id}" if call.message_id is None else f"m{call.message_id}"
    return url_for(".show_conversation", conversation_id=call.conversation_id, _anchor=anchor)


def _new_page(
    form: CallForm, contact: Contact | None, *, has_looked: bool = False, status: int = HTTPStatus.OK
) -> Response:
    known = calls.channels()
    form.channel.choices = [SelectChoice(str(one.id), one.name) for one in known]
    found: list[Place] = []
    if has_looked or contact is not None or form.where.data:
        found = calls.places(form.caller.data or "", form.number.data or "", viewer=current_user, contact=contact)
    if contact is not None and not form.where.data and found:
        form.where.data = found[0].value
    if has_looked and not form.where.data:
        with_number = [place for place in found if place.has_number]
        form.where.data = with_number[0].value if with_number else SOMEBODY_NEW
    return _page(
        form,
        None,
        contact=contact,
        places=found,
        has_looked=has_looked,
        channels=known,
        hours=[(one.name, one.settings["hours"]) for one in known if one.settings.get("hours")],
        status=status,
    )


def _page(
    form: CallForm, conversation: Conversation | None, *, status: int = HTTPStatus.OK, **context: object
) -> Response:
    form.owner.choices = [SelectChoice(str(agent.id), agent.name) for agent in queries.agents()]
    if not form.owner.data:
        form.owner.data = str(current_user.id)
    takes_calls = conversation is not None and adapter_of(conversation.channel).capabilities.calls
    page = render_template("desk/call.html", form=form, conversation=conversation, takes_calls=takes_calls, **context)
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _change_page(call: CallNote, form: ChangeForm, *, is_other: bool = False, status: int = HTTPStatus.OK) -> Response:
    page = render_template(
        "desk/call_change.html",
        call=call,
        form=form,
        words=calls.words_of(call) if is_other else "",
        is_other=is_other,
        why_not=calls.why_not_change(call, current_user),
    )
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _removal_page(call: CallNote, form: RemovalForm, *, status: int = HTTPStatus.OK) -> Response:
    return make_response(render_template("desk/call_removal.html", call=call, form=form), status)


def may_change(call: CallNote) -> bool:
    return not calls.why_not_change(call, current_user)


bp.add_app_template_global(numbers.masked, "masked_number")
bp.add_app_template_global(calls.attempts_since_reached, "attempts_since_reached")
bp.add_app_template_global(may_change, "may_change_call")
bp.add_app_template_global(policy.may_remove_calls, "may_remove_calls")
