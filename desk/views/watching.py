"""Watching what somebody writes in public after their complaint was closed: begun, lengthened and ended by hand."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core.db import db
from core.edge import REFUSALS
from core.settings import current_settings
from desk import queries, watching
from desk.inbox_forms import WatchForm
from desk.models import Conversation
from desk.views.edge import Answer, back_to, bp

USUAL_DAYS = 14

bp.add_app_template_global(watching.why, "watch_why")
bp.add_app_template_global(watching.runs, "watch_runs")


@bp.get("/desk/conversations/<int:conversation_id>/watch")
@role_required("agent")
def show_watch(conversation_id: int) -> Response:
    days = current_settings().watch_days or USUAL_DAYS
    return _page(_conversation(conversation_id), WatchForm(formdata=None, data={"days": days}))


@bp.post("/desk/conversations/<int:conversation_id>/watch")
@role_required("agent")
def begin_watch(conversation_id: int) -> Answer:
    conversation, form = _conversation(conversation_id), WatchForm()
    if not form.validate():
        return _page(conversation, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        watching.begin(conversation, days=form.days.data or 0, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(_conversation(conversation_id), form, status=error.status)
    db.session.commit()
    flash(gettext("What they write in public is watched now."), "good")
    return back_to(conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/watch/end")
@role_required("agent")
def end_watch(conversation_id: int) -> WerkzeugResponse:
    watching.end(_conversation(conversation_id), by=me())
    db.session.commit()
    flash(gettext("It is watched no longer."), "good")
    return back_to(conversation_id)


def _conversation(conversation_id: int) -> Conversation:
    return queries.bare_conversation(conversation_id, viewer=current_user)


def _page(conversation: Conversation, form: WatchForm, *, status: int = HTTPStatus.OK) -> Response:
    found = watching.beside(conversation, viewer=current_user).watch
    running = found is not None and watching.runs(found)
    page = render_template(
        "desk/watch.html",
        conversation=conversation,
        form=form,
        running=running,
        words=watching.in_words(found) if found is not None else "",
    )
    return make_response(page, status)
