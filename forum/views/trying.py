"""What becomes of a solution: whether it worked, whether the house stands by it, and whether the question rests."""

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import Invalid, NotAllowed
from forum import addresses, answers, experiences, forms, notes, official, policy, queries, resting
from forum.models import Topic
from forum.views import warning
from forum.views.edge import bp, show
from forum.views.topic import topic_page, where


@bp.post("/posts/<int:post_id>/experience")
@login_required
def tell_experience(post_id: int) -> Response | WerkzeugResponse:
    form = forms.ExperienceForm()
    is_fine = form.validate()
    post = queries.visible_post(post_id, viewer=current_user)
    if not is_fine or warning.stops(form, (form.words.data or "", form.version.data or "")):
        return topic_page(post.topic, experience_form=form, at=post_id, status=UNPROCESSABLE)
    try:
        experiences.tell(
            post,
            has_worked=form.has_worked.data == "yes",
            version=form.version.data or "",
            words=form.words.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        topic = queries.visible_post(post_id, viewer=current_user).topic
        return topic_page(topic, experience_form=form, at=post_id, refused=error)
    db.session.commit()
    flash(gettext("Thank you. That helps the next person to choose."), "good")
    return web.go(where(post))


@bp.post("/posts/<int:post_id>/experience/undo")
@login_required
def withdraw_experience(post_id: int) -> WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    experiences.withdraw(post, by=me())
    db.session.commit()
    return web.go(where(post))


@bp.post("/experiences/<int:experience_id>/remove")
@login_required
def remove_experience(experience_id: int) -> WerkzeugResponse:
    experience = queries.visible_experience(experience_id, viewer=current_user)
    post = queries.visible_post(experience.post_id, viewer=current_user)
    experiences.remove(experience, by=me(), reason=request.form.get("reason", ""))
    db.session.commit()
    flash(gettext("Removed. Your reason stands in the log."), "good")
    return web.go(where(post))


@bp.post("/posts/<int:post_id>/official")
@login_required
def make_official(post_id: int) -> WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    official.declare(post, by=me())
    db.session.commit()
    return web.go(where(post))


@bp.post("/posts/<int:post_id>/official/undo")
@login_required
def unmake_official(post_id: int) -> WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    official.withdraw(post, by=me())
    db.session.commit()
    return web.go(where(post))


@bp.route("/topics/<int:topic_id>/reopening", methods=["GET", "POST"])
@login_required
def wake_topic(topic_id: int) -> Response | WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    if not topic.is_resting and policy.may_accept_answer(current_user, topic):
        return web.go(addresses.of_topic(topic))
    if not policy.may_reopen(current_user, topic):
        raise NotAllowed(gettext("Who asked can open this question again, and for them the team and trusted members."))
    form = forms.ReopenForm()
    if request.method == "GET" or not form.validate():
        status = 200 if request.method == "GET" else UNPROCESSABLE
        return show("forum/reopen.html", topic=topic, form=form, status=status)
    if form.why.data == "other":
        return web.go(url_for(".ask", category=topic.category.slug))
    if form.why.data == "back" and policy.may_undo_acceptance(current_user, topic):
        answers.undo_acceptance(topic, by=me())
    else:
        resting.reopen(topic, by=me())
    db.session.commit()
    flash(gettext("The question is open again. Please say below what is new."), "good")
    return web.go(addresses.of_topic(topic) + "#answer")


@bp.post("/topics/<int:topic_id>/notes")
@login_required
def write_note(topic_id: int) -> Response | WerkzeugResponse:
    topic: Topic = queries.visible_topic(topic_id, viewer=current_user)
    if not policy.may_write_notes(current_user):
        raise NotAllowed(gettext("Notes are for the team."))
    form = forms.NoteForm()
    if not form.validate():
        return topic_page(topic, note_form=form, status=UNPROCESSABLE)
    try:
        notes.write(topic, text=form.text.data or "", by=me())
    except Invalid as error:
        db.session.rollback()
        form.refuse(error)
        return topic_page(queries.visible_topic(topic_id, viewer=current_user), note_form=form, refused=error)
    db.session.commit()
    return web.go(addresses.of_topic(topic) + "#notes")
