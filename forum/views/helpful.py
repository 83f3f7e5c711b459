"""Calling an answer helpful without an account: no cookie, no token, and a page that says so."""

from flask import Response, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me
from core import web
from core.db import db
from core.errors import NotAllowed
from core.forms import csrf
from core.web import limiter
from forum import guests, policy, queries, votes
from forum.models import Post
from forum.views.edge import bp, show
from forum.views.topic import where


@bp.get("/posts/<int:post_id>/helpful")
def helpful(post_id: int) -> Response | WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    if current_user.is_authenticated:
        return web.go(where(post))
    return _page(post)


@bp.post("/posts/<int:post_id>/helpful")
@csrf.exempt
@limiter.limit("120 per hour")
def call_helpful(post_id: int) -> WerkzeugResponse:
    """Count a guest; whoever signed in meanwhile is counted as a member, and needs the token for that."""
    post = queries.visible_post(post_id, viewer=current_user)
    if current_user.is_authenticated:
        csrf.protect()
        if policy.may_vote(current_user, post):
            votes.vote(post, by=me())
        db.session.commit()
        return web.go(where(post))
    guests.vote(post, by=guests.guest_at(request.remote_addr))
    db.session.commit()
    return web.go(url_for(".helpful", post_id=post.id))


@bp.post("/posts/<int:post_id>/helpful/undo")
@csrf.exempt
@limiter.limit("120 per hour")
def uncall_helpful(post_id: int) -> WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    if current_user.is_authenticated:
        csrf.protect()
        if policy.may_vote(current_user, post):
            votes.withdraw(post, by=me())
        db.session.commit()
        return web.go(where(post))
    guests.withdraw(post, by=guests.guest_at(request.remote_addr))
    db.session.commit()
    return web.go(url_for(".helpful", post_id=post.id))


def _page(post: Post) -> Response:
    if not policy.may_vote_as_guest(current_user, post):
        raise NotAllowed
    has_voted = guests.has_voted(post, guests.guest_at(request.remote_addr))
    return show("forum/helpful.html", post=post, has_voted=has_voted, back=where(post))
