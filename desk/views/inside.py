"""The team among itself: notes, hand-overs, questions to colleagues outside, and who else is there."""

from flask import Response, flash, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import SelectChoice

from accounts.access import me, role_required
from core import edge, texts
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from core.forms import csrf
from core.settings import current_settings
from core.web import limiter
from desk import handing_over, notes, presence, queries, shared_drafts, side_talks, summing
from desk.inside import SideTalk
from desk.inside_forms import HandOverForm, NoteForm, SideAnswerForm, SideTalkForm
from desk.models import Conversation
from desk.views.edge import Answer, back_to, bp


@bp.get("/desk/conversations/<int:conversation_id>/notes")
@role_required("agent")
def ask_note(conversation_id: int) -> Response:
    return _note_page(_conversation(conversation_id), NoteForm(formdata=None))


@bp.post("/desk/conversations/<int:conversation_id>/notes")
@role_required("agent")
def write_note(conversation_id: int) -> Answer:
    conversation = _conversation(conversation_id)
    form = NoteForm()
    if not form.validate():
        return _note_page(conversation, form, status=UNPROCESSABLE)
    if sent := sent_before(form):
        return sent
    note = notes.write(conversation, text=form.note.data or "", by=me())
    return done(form, url_for(".show_conversation", conversation_id=conversation_id, _anchor=f"n{note.id}"))


@bp.post("/desk/notes/<int:note_id>/withdrawal")
@role_required("agent")
def withdraw_note(note_id: int) -> WerkzeugResponse:
    note = notes.withdraw(note_id, by=me())
    db.session.commit()
    return back_to(note.conversation_id, anchor=f"n{note_id}")


@bp.get("/desk/conversations/<int:conversation_id>/hand-over")
@role_required("agent")
def ask_hand_over(conversation_id: int) -> Response:
    return _hand_over_page(_conversation(conversation_id), _hand_over_form(HandOverForm(formdata=None)))


@bp.post("/desk/conversations/<int:conversation_id>/hand-over")
@role_required("agent")
def hand_over(conversation_id: int) -> Answer:
    conversation = _conversation(conversation_id)
    form = _hand_over_form(HandOverForm())
    if not form.validate():
        return _hand_over_page(conversation, form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        to = next(agent for agent in queries.agents() if agent.id == form.to.data)
        handing_over.hand_over(
            conversation,
            to=to,
            known=form.known.data or "",
            promised=form.promised.data or "",
            next_step=form.next_step.data or "",
            due_at=form.due_at.moment,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _hand_over_page(_conversation(conversation_id), form, refused=error)
    flash(gettext("%(name)s has it now, with your card.", name=to.name), "good")
    return done(form, url_for(".show_conversation", conversation_id=conversation_id))


@bp.post("/desk/conversations/<int:conversation_id>/hand-over/<int:card_id>/taken")
@role_required("agent")
def take_hand_over(conversation_id: int, card_id: int) -> WerkzeugResponse:
    handing_over.take(handing_over.found(_conversation(conversation_id), card_id), by=me())
    db.session.commit()
    return back_to(conversation_id)


@bp.get("/desk/conversations/<int:conversation_id>/aside")
@role_required("agent")
def ask_aside(conversation_id: int) -> Response:
    conversation = _conversation(conversation_id)
    return _aside_page(conversation, SideTalkForm(formdata=None, data={"locale": conversation.locale}))


@bp.post("/desk/conversations/<int:conversation_id>/aside")
@role_required("agent")
def begin_aside(conversation_id: int) -> Answer:
    conversation = _conversation(conversation_id)
    form = SideTalkForm()
    if not form.validate():
        return _aside_page(conversation, form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        talk = side_talks.begin(
            conversation,
            name=form.name.data or "",
            address=form.address.data or "",
            question=form.question.data or "",
            locale=form.locale.data,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _aside_page(_conversation(conversation_id), form, refused=error)
    flash(gettext("The question is on its way to %(name)s. The answer comes here.", name=talk.name), "good")
    return done(form, url_for(".show_conversation", conversation_id=conversation_id))


@bp.post("/desk/conversations/<int:conversation_id>/aside/<int:talk_id>/end")
@role_required("agent")
def end_aside(conversation_id: int, talk_id: int) -> WerkzeugResponse:
    side_talks.end(side_talks.found(_conversation(conversation_id), talk_id), by=me())
    db.session.commit()
    return back_to(conversation_id)


@bp.get("/aside/<sealed>")
@limiter.limit("120 per hour")
def show_aside(sealed: str) -> Response:
    """Show a colleague without an account what they are asked."""
    return _answer_page(side_talks.behind(sealed), sealed, SideAnswerForm(formdata=None, meta={"csrf": False}))


@bp.post("/aside/<sealed>")
@csrf.exempt
@limiter.limit("30 per hour")
def answer_aside(sealed: str) -> Answer:
    """Take the answer; the link itself is what permits it, so it needs no token."""
    talk = side_talks.behind(sealed)
    form = SideAnswerForm(meta={"csrf": False})
    if not form.validate():
        return _answer_page(talk, sealed, form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        side_talks.answer(talk, form.answer.data or "")
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _answer_page(side_talks.behind(sealed), sealed, form, refused=error)
    return done(form, url_for(".show_aside", sealed=sealed))


@bp.post("/desk/conversations/<int:conversation_id>/presence")
@role_required("agent")
def tell_presence(conversation_id: int) -> str:
    """Note that somebody looks at the conversation, or writes; answer with who else does."""
    conversation = _conversation(conversation_id)
    presence.note(conversation, me(), is_writing=request.form.get("writing") == "1")
    return render_template(
        "desk/_presence.html",
        present=presence.others(conversation, me(), among=queries.agents()),
        newer=shared_drafts.newer(conversation, than=texts.number(request.args.get("drafted", "")) or 0, viewer=me()),
        name_of=shared_drafts.name_of,
    )


def _conversation(conversation_id: int) -> Conversation:
    return queries.bare_conversation(conversation_id, viewer=current_user)


def _note_page(conversation: Conversation, form: NoteForm, *, status: int = 200) -> Response:
    return edge.show("desk/note.html", conversation=conversation, form=form, status=status)


def _hand_over_form(form: HandOverForm) -> HandOverForm:
    form.zone = me().time_zone or current_settings().time_zone
    others = [agent for agent in queries.agents() if agent.id != current_user.id]
    form.to.choices = [SelectChoice(agent.id, agent.name) for agent in others]
    return form


def _hand_over_page(
    conversation: Conversation, form: HandOverForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    used = queries.used_articles([message.id for message in conversation.messages if message.direction == "out"])
    return edge.show(
        "desk/hand_over.html",
        conversation=conversation,
        form=form,
        zone=form.zone,
        summary=summing.of(conversation, used, at_any_length=True),
        refused=refused,
        status=status,
    )


def _aside_page(
    conversation: Conversation, form: SideTalkForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    return edge.show("desk/aside.html", conversation=conversation, form=form, refused=refused, status=status)


def _answer_page(
    talk: SideTalk, sealed: str, form: SideAnswerForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    page = edge.show(
        "desk/aside_answer.html",
        talk=talk,
        sealed=sealed,
        form=form,
        answers=side_talks.answers(talk),
        refused=refused,
        status=status,
    )
    page.headers["Cache-Control"] = "no-store"
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    return page
