"""Replies that wait, came back or are written at the service itself; and how channels send."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import SelectChoice

from accounts import people
from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.edge import REFUSALS
from core.errors import NotFound
from desk import approvals, approving, by_hand, holding, initials, objections, queries, replies, sending_settings
from desk import promises as desk_promises
from desk.channels.base import adapter_of, measure_of
from desk.forms import ApprovalForm, ApprovalRuleForm, ByHandForm, ChannelSendingForm, InitialsForm
from desk.models import Conversation
from desk.objections import Draft, Objected, Objection
from desk.sending_models import AgentProfile, ApprovalRule, HeldReply
from desk.triage.shown import INTENT_NAMES
from desk.views import promises
from desk.views.edge import Answer, back_to, bp, given_seals

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/desk/messages/<int:message_id>/undo")
@role_required("agent")
def undo_reply(message_id: int) -> WerkzeugResponse:
    message = queries.visible_message(message_id, viewer=current_user)
    conversation_id = message.conversation_id
    holding.undo(message, by=me())
    db.session.commit()
    flash(gettext("Your reply was not sent. Its text is below."), "good")
    return back_to(conversation_id, anchor="composer")


@bp.post("/desk/held/<int:held_id>/away")
@role_required("agent")
def put_away(held_id: int) -> WerkzeugResponse:
    held = holding.held_reply(held_id, viewer=me())
    conversation_id = held.conversation_id
    holding.put_away(held_id, by=me())
    db.session.commit()
    flash(f"reply:{conversation_id}-{current_user.id}", "draft_done")
    return back_to(conversation_id, anchor="composer")


@bp.post("/desk/held/<int:held_id>/withdrawal")
@role_required("agent")
def withdraw_reply(held_id: int) -> WerkzeugResponse:
    held = holding.held_reply(held_id, viewer=me())
    holding.withdraw(held, by=me())
    db.session.commit()
    return back_to(held.conversation_id, anchor="composer")


@bp.get("/desk/held")
@role_required("agent")
def replies_to_approve() -> str:
    waiting = holding.to_approve(me())
    return render_template("desk/held_replies.html", waiting=waiting, may={one.id for one in waiting if _may(one)})


@bp.get("/desk/held/<int:held_id>")
@role_required("agent")
def show_held_reply(held_id: int) -> Response:
    held = _waiting(held_id)
    return _held_page(held, ApprovalForm(formdata=None, data={"text": held.text}))


@bp.post("/desk/held/<int:held_id>/approval")
@role_required("agent")
def approve_reply(held_id: int) -> Answer:
    held, form = _waiting(held_id), ApprovalForm()
    if not form.validate():
        return _held_page(held, form, status=UNPROCESSABLE)
    conversation_id = held.conversation_id
    if "mend" in request.form:
        draft = _mended(held.conversation, form.text.data or "", is_public=held.is_public)
        form.text.data = draft.text
        return _held_page(held, form, objected=tuple(objections.raised(draft)))
    try:
        message = approving.approve(
            held, text=form.text.data or "", by=me(), confirmed=_confirmed(), promised=promises.read_promised()
        )
    except Objected as error:
        db.session.rollback()
        return _held_page(_waiting(held_id), form, objected=error.objections, status=error.status)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _held_page(_waiting(held_id), form, status=error.status)
    db.session.commit()
    flash(gettext("You approved the reply."), "good")
    return back_to(conversation_id, anchor=f"m{message.id}")


@bp.post("/desk/held/<int:held_id>/return")
@role_required("agent")
def return_reply(held_id: int) -> WerkzeugResponse:
    held = _waiting(held_id)
    conversation_id = held.conversation_id
    approvals.give_back(held, note=request.form.get("note", ""), by=me())
    db.session.commit()
    flash(gettext("The reply is back with who wrote it."), "good")
    return back_to(conversation_id)


@bp.route("/desk/conversations/<int:conversation_id>/by-hand", methods=["POST"])
@role_required("agent")
def note_by_hand(conversation_id: int) -> Answer:
    """Keep what was written at the service itself, and where it stands."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    form = ByHandForm()
    if "mend" in request.form:
        draft = _mended(conversation, form.text.data or "", is_public=None)
        form.text.data = draft.text
        return _by_hand_page(conversation, form, objected=tuple(objections.raised(draft)))
    if not form.validate():
        return _by_hand_page(conversation, form, status=UNPROCESSABLE)
    try:
        message = by_hand.record(
            conversation,
            text=form.text.data or "",
            url=form.url.data or "",
            by=me(),
            confirmed=_confirmed(),
            promised=promises.read_promised(),
        )
    except Objected as error:
        db.session.rollback()
        return _by_hand_page(conversation, form, objected=error.objections, status=error.status)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _by_hand_page(conversation, form, status=error.status)
    db.session.commit()
    flash(gettext("Your reply is noted."), "good")
    return back_to(conversation_id, anchor=f"m{message.id}")


@bp.get("/desk/conversations/<int:conversation_id>/by-hand")
@role_required("agent")
def write_by_hand(conversation_id: int) -> Response:
    """Help to answer at the service itself: the text here, the page there, the address back."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return _by_hand_page(conversation, ByHandForm(formdata=None))


@bp.get("/desk/initials")
@role_required("agent")
def own_initials() -> Response:
    profile = db.session.get(AgentProfile, me().id)
    return _initials_page(InitialsForm(formdata=None, data={"initials": profile.initials if profile else ""}))


@bp.post("/desk/initials")
@role_required("agent")
def choose_initials() -> Answer:
    form = InitialsForm()
    if not form.validate():
        return _initials_page(form, status=UNPROCESSABLE)
    try:
        initials.choose(form.initials.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _initials_page(form, status=error.status)
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(url_for(".own_initials"))


@bp.get("/admin/sending")
@role_required("lead")
def sending() -> Response:
    return _sending_page(ApprovalRuleForm(formdata=None))


@bp.post("/admin/sending/rules")
@role_required("lead")
def add_approval_rule() -> Answer:
    form = _with_channels(ApprovalRuleForm())
    if not form.validate():
        return _sending_page(form, status=UNPROCESSABLE)
    channel_id = texts.number(form.channel.data or "")
    try:
        approvals.add(
            form.name.data or "",
            channel=None if channel_id is None else queries.channel(channel_id),
            of_trainees=form.of_trainees.data,
            least_heat=form.least_heat.data,
            intent=form.intent.data or None,
            words=form.words.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _sending_page(form, status=error.status)
    db.session.commit()
    flash(gettext("The rule holds from now on."), "good")
    return web.go(url_for(".sending"))


@bp.post("/admin/sending/rules/<int:approval_rule_id>/removal")
@role_required("lead")
def remove_approval_rule(approval_rule_id: int) -> WerkzeugResponse:
    rule = db.session.get(ApprovalRule, approval_rule_id)
    if rule is None:
        raise NotFound
    approvals.remove(rule, by=me())
    db.session.commit()
    return web.go(url_for(".sending"))


@bp.post("/admin/channels/<int:channel_id>/sending")
@role_required("admin")
def choose_sending(channel_id: int) -> Answer:
    channel = queries.channel(channel_id)
    form = ChannelSendingForm()
    if not form.validate():
        return _sending_page(ApprovalRuleForm(formdata=None), wrong=(channel_id, form), status=UNPROCESSABLE)
    try:
        sending_settings.choose(
            channel,
            undo_seconds=form.undo_seconds.data,
            has_initials=form.has_initials.data,
            price=form.price.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _sending_page(ApprovalRuleForm(formdata=None), wrong=(channel_id, form), status=error.status)
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(url_for(".sending"))


@bp.post("/admin/sending/learning")
@role_required("lead")
def let_learn() -> WerkzeugResponse:
    user_id = texts.number(request.form.get("agent", ""))
    agent = None if user_id is None else people.by_id(user_id)
    if agent is None:
        raise NotFound
    sending_settings.let_learn(agent, is_trainee=request.form.get("to") == "learning", by=me())
    db.session.commit()
    return web.go(url_for(".sending"))


def _confirmed() -> frozenset[str]:
    return frozenset(given_seals()) | promises.ticked()


def _mended(conversation: Conversation, text: str, *, is_public: bool | None) -> Draft:
    """Return the draft with the way out taken that was pressed."""
    seal, _, number = request.form["mend"].partition(":")
    way = texts.number(number)
    draft = replies.draft_of(conversation, text, by=me(), is_public=is_public)
    found = {one.seal: one for one in objections.raised(draft)}
    if seal in found and way is not None and way < len(found[seal].ways_out):
        text = objections.mended(text, found[seal], way)
    return replies.draft_of(conversation, text, by=me(), is_public=is_public)


def _may(held: HeldReply) -> bool:
    return approvals.may_approve(me(), held)


def _waiting(held_id: int) -> HeldReply:
    held = holding.held_reply(held_id, viewer=me())
    if held.state != "approval":
        raise NotFound(gettext("This reply was sent, given back or put away meanwhile."))
    return held


def _held_page(
    held: HeldReply, form: ApprovalForm, *, objected: tuple[Objection, ...] = (), status: int = HTTPStatus.OK
) -> Response:
    conversation = held.conversation
    page = render_template(
        "desk/held_reply.html",
        held=held,
        conversation=conversation,
        messages=conversation.messages[-4:],
        form=form,
        may=_may(held),
        measure=measure_of(conversation.channel, is_public=held.is_public),
        suffix=initials.suffix_of(conversation.channel, held.by),
        objections=objected,
        confirmed=_confirmed() - promises.ticked(),
        rest_seconds=0,
        agents=queries.agents(),
        local_due=desk_promises.local_due,
    )
    return make_response(page, status)


def _by_hand_page(
    conversation: Conversation,
    form: ByHandForm,
    *,
    objected: tuple[Objection, ...] = (),
    status: int = HTTPStatus.OK,
) -> Response:
    page = render_template(
        "desk/by_hand.html",
        conversation=conversation,
        asked=queries.newest_incoming(conversation),
        form=form,
        objections=objected,
        confirmed=_confirmed() - promises.ticked(),
        rest_seconds=0,
        agents=queries.agents(),
        local_due=desk_promises.local_due,
    )
    return make_response(page, status)


def _initials_page(form: InitialsForm, *, status: int = HTTPStatus.OK) -> Response:
    channels = [channel for channel in queries.channels() if channel.settings.get("initials")]
    return make_response(render_template("desk/initials.html", form=form, channels=channels), status)


def _with_channels(form: ApprovalRuleForm) -> ApprovalRuleForm:
    form.channel.choices = [
        SelectChoice("", gettext("Every channel")),
        *(SelectChoice(str(channel.id), channel.name) for channel in queries.channels()),
    ]
    form.intent.choices = [
        SelectChoice("", gettext("Whatever it is")),
        *(SelectChoice(name, str(label)) for name, label in INTENT_NAMES.items()),
    ]
    return form


def _sending_page(
    form: ApprovalRuleForm,
    *,
    wrong: tuple[int, ChannelSendingForm] | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    channels = [channel for channel in queries.channels() if adapter_of(channel).capabilities.may_send]
    forms = {channel.id: _form_of(channel.settings) for channel in channels}
    if wrong is not None:
        forms[wrong[0]] = wrong[1]
    page = render_template(
        "desk/sending.html",
        channels=channels,
        forms=forms,
        rules=approvals.rules(),
        form=_with_channels(form),
        intent_names=INTENT_NAMES,
        agents=queries.agents(),
        learning=set(db.session.scalars(select(AgentProfile.user_id).where(AgentProfile.is_trainee))),
    )
    return make_response(page, status)


def _form_of(settings: dict[str, object]) -> ChannelSendingForm:
    return ChannelSendingForm(
        formdata=None,
        data={
            "undo_seconds": settings.get("undo_seconds"),
            "has_initials": bool(settings.get("initials")),
            "price": settings.get("price") or "",
        },
    )
