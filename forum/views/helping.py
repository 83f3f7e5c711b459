"""Helping together: asking the asker back, taking a question, and giving it to somebody."""

from flask import Response, flash, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import web
from core.clock import now
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import Conflict, NotAllowed
from forum import addresses, asking_back, assigning, forms, policy, queries
from forum.views import warning
from forum.views.edge import bp, show
from forum.views.topic import topic_page, where


@bp.post("/topics/<int:topic_id>/questions-back")
@login_required
def ask_back(topic_id: int) -> Response | WerkzeugResponse:
    form = forms.AskBackForm()
    is_fine = form.validate()
    topic = queries.visible_topic(topic_id, viewer=current_user)
    if not policy.may_help(current_user):
        raise asking_back.refusal()
    if not is_fine or warning.stops(form, (form.source.data or "",)):
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


@bp.post("/topics/<int:topic_id>/assignment")
@login_required
def take_topic(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    place = addresses.of_topic(topic)
    try:
        assigning.take(topic, by=me())
    except Conflict as error:
        db.session.rollback()
        flash(error.sentence, "warn")
        return web.go(place)
    db.session.commit()
    return web.go(f"{place}#answer")


@bp.post("/topics/<int:topic_id>/assignment/undo")
@login_required
def release_topic(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    assigning.release(topic, by=me())
    db.session.commit()
    return web.go(web.safe_path(request.form.get("next"), addresses.of_topic(topic)))


@bp.post("/topics/<int:topic_id>/assignment/give")
@login_required
def give_to(topic_id: int) -> Response | WerkzeugResponse:
    form = forms.AssignForm()
    is_fine = form.validate()
    topic = queries.visible_topic(topic_id, viewer=current_user)
    if not policy.may_arrange_topics(current_user):
        raise NotAllowed(gettext("Only moderators give questions to others."))
    if not is_fine:
        return topic_page(topic, assign_form=form, status=UNPROCESSABLE)
    try:
        given = assigning.give(
            topic, handle=form.handle.data or "", hours=form.hours.data, seen_id=form.seen.data, by=me()
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        topic = queries.visible_topic(topic_id, viewer=current_user)
        return topic_page(topic, assign_form=form, refused=error)
    flash(gettext("%(name)s has this question now and is told.", name=given.user.name), "good")
    place = addresses.of_topic(topic)
    db.session.commit()
    return web.go(place)


@bp.get("/taken")
@login_required
def taken() -> Response:
    """Show what one has taken or was given, and to the team what the others have."""
    if not current_user.is_trusted:
        raise NotAllowed(gettext("Trusted members and the team take questions that are open."))
    return show("forum/taken.html", assignments=assigning.listed(me()), now=now())
