"""Colleagues look at each other's closed cases, and admins say what is asked."""

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, show
from core.errors import KlinkeError
from desk import peers
from desk.figure_models import PeerReview
from desk.views.edge import Answer, bp


@bp.get("/desk/reviews")
@role_required("agent")
def reviews() -> Response:
    return _reviews_page()


@bp.post("/desk/reviews")
@role_required("agent")
def draw_review() -> Answer:
    """Draw a closed case of a colleague; the one that is not written yet comes again."""
    try:
        review = peers.draw(by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _reviews_page(error)
    db.session.commit()
    return web.go(url_for(".review", review_id=review.id))


@bp.get("/desk/reviews/<int:review_id>")
@role_required("agent")
def review(review_id: int) -> Response:
    return _review_page(peers.visible_review(review_id, viewer=current_user))


@bp.post("/desk/reviews/<int:review_id>")
@role_required("agent")
def write_review(review_id: int) -> Answer:
    found = peers.visible_review(review_id, viewer=current_user)
    answers = {
        one.id: request.form[f"criterion-{one.id}"] == "yes"
        for one in peers.criteria()
        if request.form.get(f"criterion-{one.id}") in {"yes", "no"}
    }
    try:
        peers.write(found, answers, words=request.form.get("words", ""), by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _review_page(peers.visible_review(review_id, viewer=current_user), error)
    db.session.commit()
    flash(gettext("Your colleague reads it first. Then it counts, without names."), "good")
    return web.go(url_for(".reviews"))


@bp.post("/desk/reviews/<int:review_id>/reading")
@role_required("agent")
def read_review(review_id: int) -> Answer:
    found = peers.visible_review(review_id, viewer=current_user)
    try:
        peers.read(found, reply=request.form.get("reply", ""), by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _review_page(peers.visible_review(review_id, viewer=current_user), error)
    db.session.commit()
    return web.go(url_for(".review", review_id=review_id))


@bp.post("/desk/reviews/<int:review_id>/return")
@role_required("agent")
def give_review_back(review_id: int) -> WerkzeugResponse:
    peers.give_back(peers.visible_review(review_id, viewer=current_user), by=me())
    db.session.commit()
    return web.go(url_for(".reviews"))


@bp.get("/admin/criteria")
@role_required("admin")
def criteria() -> Response:
    return _criteria_page()


@bp.post("/admin/criteria")
@role_required("admin")
def add_criterion() -> Answer:
    try:
        peers.add_criterion(request.form.get("words", ""), by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _criteria_page(error)
    db.session.commit()
    return web.go(url_for(".criteria"))


@bp.post("/admin/criteria/<int:criterion_id>/removal")
@role_required("admin")
def remove_criterion(criterion_id: int) -> WerkzeugResponse:
    peers.remove_criterion(criterion_id, by=me())
    db.session.commit()
    return web.go(url_for(".criteria"))


def _reviews_page(refused: KlinkeError | None = None) -> Response:
    found = peers.reviews_of(current_user)
    return show(
        "desk/reviews.html",
        written=[one for one in found if one.reviewer_id == current_user.id],
        about_me=[one for one in found if one.reviewed_id == current_user.id],
        wrong=refused,
        refused=refused,
    )


def _review_page(found: PeerReview, refused: KlinkeError | None = None) -> Response:
    told = {answer.criterion_id: answer.is_met for answer in found.answers}
    typed = {
        one.id: request.form.get(f"criterion-{one.id}")
        or ("" if one.id not in told else "yes" if told[one.id] else "no")
        for one in peers.criteria()
    }
    return show(
        "desk/review.html",
        review=found,
        criteria=peers.criteria(),
        typed=typed,
        words=request.form.get("words", found.words),
        reply=request.form.get("reply", found.reply),
        longest=peers.LONGEST_WORDS,
        writes=found.reviewer_id == current_user.id,
        wrong=refused,
        refused=refused,
    )


def _criteria_page(refused: KlinkeError | None = None) -> Response:
    return show(
        "desk/criteria.html",
        criteria=peers.criteria(),
        typed=request.form.get("words", ""),
        longest=peers.LONGEST_CRITERION,
        wrong=refused,
        refused=refused,
    )
