"""The watched words, for admins, with a field to try them."""

from flask import Response, flash, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from forum import forms, words
from forum.forms import WORD_DEEDS
from forum.views.edge import bp, show

LONGEST_TRIAL = 2000


@bp.get("/admin/words")
@role_required("admin")
def word_list() -> Response:
    return _page(forms.WordForm(formdata=None))


@bp.post("/admin/words")
@role_required("admin")
def post_word() -> Response | WerkzeugResponse:
    form = forms.WordForm()
    if not form.validate():
        return _page(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        words.watch(form.words.data or "", deed=form.deed.data or "", into=form.into.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, refused=error)
    flash(gettext("Watched from now on."), "good")
    return done(form, url_for(".word_list"))


@bp.post("/admin/words/<int:word_id>/remove")
@role_required("admin")
def remove_word(word_id: int) -> WerkzeugResponse:
    words.forget(word_id, by=me())
    db.session.commit()
    flash(gettext("Not watched any more."), "good")
    return web.go(url_for(".word_list"))


def _page(form: forms.WordForm, *, status: int = 200, refused: KlinkeError | None = None) -> Response:
    trial = request.args.get("trial", "")[:LONGEST_TRIAL]
    return show(
        "forum/words.html",
        form=form,
        watched=words.watched(),
        deeds=WORD_DEEDS,
        trial=trial,
        judged=words.judge(trial) if trial else None,
        status=status,
        refused=refused,
    )
