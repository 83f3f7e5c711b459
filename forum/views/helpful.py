"""Calling an answer helpful without an account: no cookie, no token, and a page that says so."""

from collections.abc import Callable
from typing import Any

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
    return _change(post_id, votes.vote, guests.vote)


@bp.post("/posts/<int:post_id>/helpful/undo")
@csrf.exempt
@limiter.limit("120 per hour")
def uncall_helpful(post_id: int) -> WerkzeugResponse:
    return _change(post_id, votes.withdraw, guests.withdraw)


def _change(post_id: int, of_member: Callable[..., Any], of_guest: Callable[..., Any]) -> WerkzeugResponse:
    """Count a guest; whoever signed in meanwhile is counted as a member, and needs the token for that."""
    post = queries.visible_post(post_id, viewer=current_user)
    if not current_user.is_authenticated:
        of_guest(post, by=guests.guest_at(request.remote_addr))
        db.session.commit()
        return web.go(url_for(".helpful", post_id=post.id))
    csrf.protect()
    if policy.may_vote(current_user, post):
        of_member(post, by=me())
    db.session.commit()
    return web.go(where(post))


def _page(post: Post) -> Response:
    if not policy.may_vote_as_guest(current_user, post):
        raise NotAllowed
    has_voted = guests.has_voted(post, guests.guest_at(request.remote_addr))
    return show("forum/helpful.html", post=post, has_voted=has_voted, back=where(post))
