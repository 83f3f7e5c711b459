"""Saying that something is wrong with a post; guests can report what is illegal."""

from flask import Response, flash, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import attempts
from accounts.access import me
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError, NotAllowed
from core.settings import current_settings
from core.web import limiter
from forum import flags, forms, policy, queries
from forum.models import Post
from forum.views.edge import bp, show
from forum.views.topic import where


@bp.get("/posts/<int:post_id>/flag")
def flag_post(post_id: int) -> Response:
    post = _flaggable(post_id)
    return _page(post, forms.FlagForm() if current_user.is_authenticated else forms.ReportForm())


@bp.post("/posts/<int:post_id>/flag")
@limiter.limit("60 per hour")
def send_flag(post_id: int) -> Response | WerkzeugResponse:
    post = _flaggable(post_id)
    form = forms.FlagForm() if current_user.is_authenticated else forms.ReportForm()
    if not form.validate():
        return _page(post, form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        if isinstance(form, forms.FlagForm):
            flags.flag(post, reason=form.reason.data or "", words=form.words.data or "", by=me())
        else:
            attempts.count_at_door("report", request.remote_addr, most=current_settings().guest_reports)
            flags.report(post, words=form.words.data or "", name=form.name.data or "", email=form.email.data or "")
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(queries.visible_post(post_id, viewer=current_user), form, refused=error)
    if current_user.is_authenticated:
        flash(gettext("Thank you. A person of the team looks at it, and you hear what comes of it."), "good")
    else:
        flash(gettext("Thank you. Your report has arrived; a person of the team looks at it."), "good")
    # Several such reports hide a post, and whoever wrote the last one would be led to a page that is missing.
    is_still_shown = not post.is_muted and not post.topic.is_muted
    return done(form, where(post) if is_still_shown else "/")


def _flaggable(post_id: int) -> Post:
    post = queries.visible_post(post_id, viewer=current_user)
    if not policy.may_flag(current_user, post):
        raise NotAllowed(gettext("You cannot report this."))
    return post


def _page(
    post: Post, form: forms.FlagForm | forms.ReportForm, *, status: int = 200, refused: KlinkeError | None = None
) -> Response:
    told = flags.of_person(me(), post) if current_user.is_authenticated else None
    return show(
        "forum/flag.html", post=post, form=form, told=told, post_url=where(post), status=status, refused=refused
    )
