"""Helping together: asking the asker back."""

from flask import Response, flash
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from forum import addresses, asking_back, forms, queries
from forum.views.edge import bp
from forum.views.topic import topic_page, where


@bp.post("/topics/<int:topic_id>/questions-back")
@login_required
def ask_back(topic_id: int) -> Response | WerkzeugResponse:
    form = forms.AskBackForm()
    is_fine = form.validate()
    topic = queries.visible_topic(topic_id, viewer=current_user)
    if not is_fine:
        return topic_page(topic, ask_back_form=form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        comment = asking_back.ask(topic, source=form.source.data or "", by=me(), typed_in=form.seconds_open)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        topic = queries.visible_topic(topic_id, viewer=current_user)
        return topic_page(topic, ask_back_form=form, refused=error)
    return done(form, where(comment))


@bp.post("/topics/<int:topic_id>/questions-back/undo")
@login_required
def withdraw_question_back(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    asking_back.withdraw(topic, by=me())
    db.session.commit()
    flash(gettext("Nobody is waited for any more. The comment stays."), "good")
    return web.go(addresses.of_topic(topic))
