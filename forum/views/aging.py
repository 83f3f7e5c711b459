"""Saying that something is obsolete, and taking that back."""

from flask import Response
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import markup, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotAllowed, NotFound
from forum import aging, forms, policy, queries
from forum.models import Post
from forum.views import warning
from forum.views.edge import bp, show
from forum.views.topic import where

EXCERPT_LENGTH = 240


@bp.get("/posts/<int:post_id>/obsolete")
@login_required
def ask_whether_obsolete(post_id: int) -> Response:
    post = _post(post_id)
    said = aging.of(post) if post.obsolete else None
    data = {} if said is None else {"reason": said.reason, "successor": said.url}
    return _page(post, forms.ObsoleteForm(formdata=None, data=data))


@bp.post("/posts/<int:post_id>/obsolete")
@login_required
def make_obsolete(post_id: int) -> Response | WerkzeugResponse:
    post = _post(post_id)
    form = forms.ObsoleteForm()
    if not form.validate() or warning.stops(form, (form.reason.data or "",)):
        return _page(post, form, status=UNPROCESSABLE)
    try:
        aging.declare(post, reason=form.reason.data or "", successor=form.successor.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(_post(post_id), form, refused=error)
    db.session.commit()
    return web.go(where(post))


@bp.post("/posts/<int:post_id>/obsolete/undo")
@login_required
def lift_obsolete(post_id: int) -> WerkzeugResponse:
    post = _post(post_id)
    aging.lift(post, by=me())
    db.session.commit()
    return web.go(where(post))


def _post(post_id: int) -> Post:
    post = queries.visible_post(post_id, viewer=current_user)
    if post.kind == "comment":
        raise NotFound
    if not policy.may_make_obsolete(current_user, post):
        raise NotAllowed(gettext("Only the team says what is obsolete."))
    return post


def _page(post: Post, form: forms.ObsoleteForm, *, status: int = 200, refused: KlinkeError | None = None) -> Response:
    return show(
        "forum/obsolete.html",
        post=post,
        form=form,
        text=markup.excerpt(markup.plain(post.html), EXCERPT_LENGTH),
        back=where(post),
        status=status,
        refused=refused,
    )
