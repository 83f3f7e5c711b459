"""Bringing what a customer wrote into the forum, and the link by which they claim their question."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import SelectChoice

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from desk import queries, questions
from desk.forms import QuestionForm
from desk.models import Message
from desk.views.edge import Answer, back_to, bp
from forum import addresses as forum_addresses
from forum import queries as forum_queries
from forum.models import Category


@bp.get("/desk/messages/<int:message_id>/question")
@role_required("agent")
def prepare_question(message_id: int) -> Answer:
    """Show what a message would become in the forum; what it became already is shown there."""
    message = queries.visible_message(message_id, viewer=current_user)
    if (topic := questions.question_of(message)) is not None:
        return web.go(forum_addresses.of_topic(topic))
    proposal = questions.propose(message)
    data = {"title": proposal.title, "source": proposal.source, "locale": proposal.locale}
    return _question_page(message, _question_form(QuestionForm(formdata=None, data=data)))


@bp.post("/desk/messages/<int:message_id>/question")
@role_required("agent")
def ask_in_forum(message_id: int) -> Answer:
    message = queries.visible_message(message_id, viewer=current_user)
    form = _question_form(QuestionForm())
    if not form.validate():
        return _question_page(message, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        questions.ask_in_forum(
            message,
            title=form.title.data or "",
            source=form.source.data or "",
            category=_category(form.category.data or ""),
            locale=form.locale.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        message = queries.visible_message(message_id, viewer=current_user)
        return _question_page(message, form, status=error.status)
    db.session.commit()
    flash(gettext("The question stands in the forum. When it is solved, the answer is suggested here."), "good")
    return back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/conversations/<int:conversation_id>/claim")
@role_required("agent")
def send_claim(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    message = questions.send_claim(conversation, by=me())
    db.session.commit()
    flash(gettext("The link is on its way, as a private message."), "good")
    return back_to(conversation_id, anchor=f"m{message.id}")


def _question_form(form: QuestionForm) -> QuestionForm:
    every = forum_queries.categories()
    form.category.choices = [SelectChoice(category.slug, category.name) for category in every]
    if len(every) > 1:  # nobody's question lands in the first category only because it is the first
        form.category.choices = [SelectChoice("", ""), *form.category.choices]
    return form


def _question_page(message: Message, form: QuestionForm, *, status: int = HTTPStatus.OK) -> Response:
    caught = questions.propose(message).caught
    page = render_template("desk/question.html", message=message, form=form, caught=caught)
    return make_response(page, status)


def _category(slug: str) -> Category | None:
    return next((category for category in forum_queries.categories() if category.slug == slug), None)
