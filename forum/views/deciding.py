"""One button, one deed: this solved it, this helped, tell me more."""

from flask import Response
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import web
from core.db import db
from core.edge import UNPROCESSABLE
from forum import addresses, answers, follows, forms, me_too, queries, votes
from forum.views.edge import bp
from forum.views.topic import topic_page, where


@bp.post("/posts/<int:post_id>/acceptance")
@login_required
def accept_answer(post_id: int) -> Response | WerkzeugResponse:
    form = forms.LabelForm()
    is_fine = form.validate()
    post = queries.visible_post(post_id, viewer=current_user)
    if not is_fine:
        return topic_page(post.topic, label_form=form, at=post_id, status=UNPROCESSABLE)
    answers.accept(post, by=me(), label=form.label.data or "")
    db.session.commit()
    return web.go(where(post))


@bp.post("/posts/<int:post_id>/acceptance/undo")
@login_required
def undo_one_acceptance(post_id: int) -> WerkzeugResponse:
    """Say of one solution, where there are several, that it is none."""
    post = queries.visible_post(post_id, viewer=current_user)
    answers.undo_acceptance(post.topic, by=me(), post=post)
    db.session.commit()
    return web.go(where(post))


@bp.post("/topics/<int:topic_id>/acceptance/undo")
@login_required
def undo_acceptance(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    answers.undo_acceptance(topic, by=me())
    db.session.commit()
    return web.go(addresses.of_topic(topic))


@bp.post("/posts/<int:post_id>/vote")
@login_required
def vote(post_id: int) -> WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    votes.vote(post, by=me())
    db.session.commit()
    return web.go(where(post))


@bp.post("/posts/<int:post_id>/vote/undo")
@login_required
def undo_vote(post_id: int) -> WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    votes.withdraw(post, by=me())
    db.session.commit()
    return web.go(where(post))


@bp.post("/topics/<int:topic_id>/me-too")
@login_required
def say_me_too(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    me_too.say(topic, by=me())
    db.session.commit()
    return web.go(addresses.of_topic(topic))


@bp.post("/topics/<int:topic_id>/me-too/undo")
@login_required
def undo_me_too(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    me_too.take_back(topic, by=me())
    db.session.commit()
    return web.go(addresses.of_topic(topic))


@bp.post("/topics/<int:topic_id>/follow")
@login_required
def follow(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    follows.follow(topic, by=me())
    db.session.commit()
    return web.go(addresses.of_topic(topic))


@bp.post("/topics/<int:topic_id>/unfollow")
@login_required
def unfollow(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    follows.unfollow(topic, by=me())
    db.session.commit()
    return web.go(addresses.of_topic(topic))
