"""What the team does with topics and posts, and what it has done."""

from collections.abc import Collection
from datetime import timedelta

from flask import Response, flash, request
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from accounts.models import AuditEntry
from core import markup, paging, web
from core.clock import now
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotAllowed
from forum import addresses, forms, moderation, policy, queries, reviewing, suggestions
from forum.models import Muting, Post, ReviewCase, Topic
from forum.views.edge import bp, show
from forum.views.topic import topic_page, where

PAGE_SIZE = 20
MOST_DEEDS = 30
EXCERPT_LENGTH = 240
A_MONTH = timedelta(days=30)
DEEDS = {
    "forum.topic.mute": lazy_gettext("muted a question"),
    "forum.topic.unmute": lazy_gettext("unmuted a question"),
    "forum.post.mute": lazy_gettext("muted a text"),
    "forum.post.unmute": lazy_gettext("unmuted a text"),
    "forum.post.edit": lazy_gettext("edited what another person wrote"),
    "forum.topic.hide": lazy_gettext("hid a question until somebody looks"),
    "forum.post.hide": lazy_gettext("hid a text until somebody looks"),
    "forum.case.agree": lazy_gettext("agreed with a report, or kept back what was held"),
    "forum.case.disagree": lazy_gettext("let a text stay, or released it"),
    "forum.case.ignore": lazy_gettext("set a report aside"),
    "forum.case.edit": lazy_gettext("settled a report by editing"),
    "forum.case.undo": lazy_gettext("took a decision back"),
    "forum.word.watch": lazy_gettext("began to watch a word"),
    "forum.word.forget": lazy_gettext("stopped watching a word"),
    "forum.topic.accept": lazy_gettext("chose the solution"),
    "forum.topic.undo_acceptance": lazy_gettext("took the solution back"),
}


@bp.post("/topics/<int:topic_id>/mute")
@login_required
def mute_topic(topic_id: int) -> Response | WerkzeugResponse:
    return _mute(queries.visible_topic(topic_id, viewer=current_user))


@bp.post("/topics/<int:topic_id>/unmute")
@login_required
def unmute_topic(topic_id: int) -> WerkzeugResponse:
    return _unmute(queries.visible_topic(topic_id, viewer=current_user))


@bp.post("/posts/<int:post_id>/mute")
@login_required
def mute_post(post_id: int) -> Response | WerkzeugResponse:
    return _mute(queries.visible_post(post_id, viewer=current_user))


@bp.post("/posts/<int:post_id>/unmute")
@login_required
def unmute_post(post_id: int) -> WerkzeugResponse:
    return _unmute(queries.visible_post(post_id, viewer=current_user))


@bp.get("/moderation", endpoint="moderation")
@login_required
def show_moderation() -> Response:
    return moderation_page()


def moderation_page(
    *, ticked: Collection[int] = (), reason: str = "", complaint: str = "", refused: KlinkeError | None = None
) -> Response:
    """Show the queue and what the team did; what was refused keeps its ticks and its reason."""
    if not policy.may_see_moderation(current_user):
        raise NotAllowed(gettext("This part is for the team."))
    muted = queries.mutings_in_force().where(Muting.cause == "team")
    muted = muted.options(joinedload(Muting.topic), joinedload(Muting.post).joinedload(Post.topic))
    shown = "decided" if request.args.get("show") == "decided" else "waiting"
    cursor = request.args.get("queue")
    if shown == "decided":
        queue = paging.page(reviewing.decided(), by=(ReviewCase.id,), cursor=cursor, size=PAGE_SIZE)
    else:
        by = (ReviewCase.priority, ReviewCase.id)
        queue = paging.page(reviewing.waiting(), by=by, cursor=cursor, size=PAGE_SIZE)
    deeds = select(AuditEntry).where(AuditEntry.deed.startswith("forum.")).order_by(AuditEntry.id.desc())
    return show(
        "forum/moderation.html",
        shown=shown,
        ticked=ticked,
        reason=reason,
        complaint=complaint,
        refused=refused,
        queue=queue,
        waiting_count=reviewing.waiting_count(),
        elsewhere=reviewing.elsewhere(current_user),
        reasons=forms.FLAG_REASONS,
        is_claimed=reviewing.is_claimed,
        excerpt=lambda post: markup.excerpt(markup.plain(post.html), EXCERPT_LENGTH),
        muted=paging.page(muted, by=(Muting.id,), cursor=request.args.get("page"), size=PAGE_SIZE),
        deeds=list(db.session.scalars(deeds.limit(MOST_DEEDS)).unique()) if policy.may_see_log(current_user) else [],
        deed_words=lambda deed: DEEDS.get(deed, deed),
        saved_questions=suggestions.solved_since(now() - A_MONTH),
    )


def _mute(subject: Topic | Post) -> Response | WerkzeugResponse:
    if not policy.may_mute(current_user):
        raise NotAllowed(gettext("Only moderators can mute."))
    form = forms.MuteForm()
    topic = subject if isinstance(subject, Topic) else subject.topic
    at = 0 if isinstance(subject, Topic) or subject.kind == "question" else subject.id
    if not form.validate():
        return topic_page(topic, mute_form=form, at=at, status=UNPROCESSABLE)
    try:
        moderation.mute(subject, by=me(), reason=form.reason.data or "", until=form.until_moment)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return topic_page(queries.visible_topic(topic.id, viewer=current_user), mute_form=form, at=at, refused=error)
    db.session.commit()
    flash(gettext("Muted. Its author and the team still see it, with your reason."), "good")
    return web.go(_address(subject))


def _unmute(subject: Topic | Post) -> WerkzeugResponse:
    form = forms.UnmuteForm()
    reason = form.reason.data or "" if form.validate() else ""
    moderation.unmute(subject, by=me(), reason=reason)
    db.session.commit()
    flash(gettext("Everybody can see it again."), "good")
    return web.go(web.safe_path(request.form.get("next"), _address(subject)))


def _address(subject: Topic | Post) -> str:
    return addresses.of_topic(subject) if isinstance(subject, Topic) else where(subject)
