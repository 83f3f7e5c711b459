"""The replies that the team gives again and again: what there is, writing, changing and removing them."""

from flask import Response, flash, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError, NotAllowed
from forum import canned, forms, policy
from forum.models import CannedReply
from forum.views.edge import bp, show


@bp.get("/moderation/replies")
@login_required
def reply_list() -> Response:
    _refuse_others()
    return _page(forms.ReplyForm(formdata=None))


@bp.post("/moderation/replies")
@login_required
def post_reply() -> Response | WerkzeugResponse:
    _refuse_others()
    return _kept(None)


@bp.get("/moderation/replies/<int:reply_id>")
@login_required
def edit_reply(reply_id: int) -> Response:
    _refuse_others()
    reply = canned.find(reply_id)
    said = {f"text_{locale}": text for locale, text in reply.texts.items()}
    return _page(forms.ReplyForm(data={"title": reply.title, "keywords": reply.keywords, **said}), reply)


@bp.post("/moderation/replies/<int:reply_id>")
@login_required
def save_reply(reply_id: int) -> Response | WerkzeugResponse:
    _refuse_others()
    return _kept(canned.find(reply_id))


@bp.post("/moderation/replies/<int:reply_id>/remove")
@login_required
def remove_reply(reply_id: int) -> WerkzeugResponse:
    _refuse_others()
    canned.remove(canned.find(reply_id), by=me())
    db.session.commit()
    flash(gettext("Removed. What was written with it stays."), "good")
    return web.go(url_for(".reply_list"))


def _kept(reply: CannedReply | None) -> Response | WerkzeugResponse:
    form = forms.ReplyForm()
    if not form.validate():
        return _page(form, reply, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        canned.keep(
            title=form.title.data or "", keywords=form.keywords.data or "", said=form.said, by=me(), reply=reply
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, reply, refused=error)
    flash(gettext("Kept. It can be inserted into answers from now on."), "good")
    return done(form, url_for(".reply_list"))


def _refuse_others() -> None:
    if not policy.may_use_replies(current_user):
        raise NotAllowed(gettext("This part is for the team."))


def _page(
    form: forms.ReplyForm, reply: CannedReply | None = None, *, status: int = 200, refused: KlinkeError | None = None
) -> Response:
    return show(
        "forum/replies.html",
        form=form,
        reply=reply,
        replies=canned.every() if reply is None else [],
        uses=canned.uses() if reply is None else {},
        placeholders=canned.PLACEHOLDERS,
        status=status,
        refused=refused,
    )
