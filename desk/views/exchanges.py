"""A solved public exchange goes into the forum."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template
from flask_babel import gettext
from flask_login import current_user
from wtforms import SelectChoice

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from desk import exchanges, queries
from desk.block_forms import ExchangeForm
from desk.models import Message
from desk.views.edge import Answer, back_to, bp
from forum import addresses as forum_addresses
from forum import queries as forum_queries


@bp.get("/desk/messages/<int:message_id>/topic")
@role_required("agent")
def prepare_topic(message_id: int) -> Answer:
    """Show what an exchange would be in the forum; what it became already is shown there."""
    reply = queries.visible_message(message_id, viewer=current_user)
    if (topic := exchanges.topic_of(reply)) is not None:
        return web.go(forum_addresses.of_topic(topic))
    proposal = exchanges.propose(reply)
    data = {
        "title": proposal.title,
        "question": proposal.question,
        "answer": proposal.answer,
        "locale": proposal.locale,
    }
    return _page(reply, _form(ExchangeForm(formdata=None, data=data)))


@bp.post("/desk/messages/<int:message_id>/topic")
@role_required("agent")
def publish_exchange(message_id: int) -> Answer:
    reply = queries.visible_message(message_id, viewer=current_user)
    form = _form(ExchangeForm())
    if not form.validate():
        return _page(reply, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        exchanges.publish(
            reply,
            title=form.title.data or "",
            question=form.question.data or "",
            answer=form.answer.data or "",
            category=next((one for one in forum_queries.categories() if one.slug == form.category.data), None),
            locale=form.locale.data or "",
            has_consent=bool(form.has_consent.data),
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(queries.visible_message(message_id, viewer=current_user), form, status=error.status)
    db.session.commit()
    flash(gettext("It stands in the forum now, with its answer: whoever looks for it finds it."), "good")
    return back_to(reply.conversation_id, anchor=f"m{message_id}")


def _form(form: ExchangeForm) -> ExchangeForm:
    every = forum_queries.categories()
    form.category.choices = [SelectChoice(category.slug, category.name) for category in every]
    if len(every) > 1:  # nobody's question lands in the first category only because it is the first
        form.category.choices = [SelectChoice("", ""), *form.category.choices]
    return form


def _page(reply: Message, form: ExchangeForm, *, status: int = HTTPStatus.OK) -> Response:
    page = render_template("desk/exchange_topic.html", message=reply, form=form, caught=exchanges.propose(reply).caught)
    return make_response(page, status)
