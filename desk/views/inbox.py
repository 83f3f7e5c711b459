"""The inbox: who waits, the list alone that the page asks for again and again, and the next best item."""

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, show
from core.errors import NotFound
from core.settings import current_settings
from desk import bulk, filters, listing, next_best, queries, saved_views
from desk.inbox_forms import ME, TEAM, PassForm, ViewForm
from desk.listing import View
from desk.models import Conversation
from desk.views.edge import bp, waiting

QUEUE = 15


@bp.get("/desk")
@role_required("agent")
def inbox() -> str:
    return render_template("desk/inbox.html", **_inbox(), deeds=bulk.DEEDS)


@bp.get("/desk/lines")
@role_required("agent")
def inbox_lines() -> Response:
    """Show the list alone, which the page asks for again and again; 304 where it is the same still."""
    return fresh("desk/_lines.html", **_inbox())


@bp.get("/desk/queue")
@role_required("agent")
def queue_lines() -> Response:
    """Show the queue beside a conversation alone."""
    current = texts.number(request.args.get("current", ""))
    page = listing.listing("waiting", viewer=current_user, size=QUEUE)
    return fresh("desk/_queue.html", queue=page, current_id=current, waiting=waiting)


@bp.post("/desk/next")
@role_required("agent")
def take_next() -> WerkzeugResponse:
    """Give the agent what is most pressing; from a conversation, what comes after it."""
    current = texts.number(request.form.get("after", ""))
    after = None
    if current is not None:
        try:
            after = queries.visible_conversation(current, viewer=current_user)
        except NotFound:
            after = None  # an address that somebody mended by hand: the best of all then
    found = next_best.take(by=me(), after=after)
    if found is None:
        db.session.rollback()
        flash(gettext("Nobody else is waiting for you. New messages appear here by themselves."), "info")
        return web.go(url_for(".inbox"))
    db.session.commit()
    return web.go(url_for(".show_conversation", conversation_id=found.id, _anchor="newest"))


@bp.get("/desk/conversations/<int:conversation_id>/passing")
@role_required("agent")
def ask_passing(conversation_id: int) -> Response:
    conversation = queries.bare_conversation(conversation_id, viewer=current_user)
    return _passing_page(conversation, PassForm(formdata=None))


@bp.post("/desk/conversations/<int:conversation_id>/passing")
@role_required("agent")
def pass_over(conversation_id: int) -> Response | WerkzeugResponse:
    """Give a conversation back into the queue, and go on with the next best."""
    conversation = queries.bare_conversation(conversation_id, viewer=current_user)
    form = PassForm()
    if not form.validate():
        return _passing_page(conversation, form, status=UNPROCESSABLE)
    try:
        next_best.pass_over(conversation, reason=form.reason.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _passing_page(queries.bare_conversation(conversation_id, viewer=current_user), form, status=error.status)
    db.session.commit()
    flash(gettext("It is back in the queue, for somebody else."), "good")
    found = next_best.take(by=me())
    if found is None:
        db.session.rollback()
        return web.go(url_for(".inbox"))
    db.session.commit()
    return web.go(url_for(".show_conversation", conversation_id=found.id, _anchor="newest"))


@bp.route("/desk/views/new", methods=["GET", "POST"])
@role_required("agent")
def save_view() -> Response | WerkzeugResponse:
    """Save what the inbox is narrowed by as a view."""
    form = ViewForm()
    if request.method == "GET":
        return _view_page(form, filters.cleaned(request.args))
    wanted = filters.cleaned(request.form)
    if "look" in request.form:
        narrowed: dict[str, Any] = {"view": "all", "state": "undone", **wanted}
        return web.go(url_for(".inbox", **narrowed))
    if not form.validate():
        return _view_page(form, wanted, status=UNPROCESSABLE)
    try:
        saved = saved_views.create(name=form.name.data or "", wanted=wanted, is_shared=form.who.data == TEAM, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _view_page(form, wanted, status=error.status)
    db.session.commit()
    return web.go(url_for(".inbox", view=f"{saved_views.PREFIX}{saved.id}"))


@bp.route("/desk/views/<int:view_id>", methods=["GET", "POST"])
@role_required("agent")
def change_view(view_id: int) -> Response | WerkzeugResponse:
    saved = saved_views.visible_view(view_id, viewer=current_user)
    form = ViewForm()
    if request.method == "GET":
        form.name.data = saved.name
        form.who.data = TEAM if saved.is_shared else ME
        return _view_page(form, filters.cleaned(saved.filters), saved=saved)
    wanted = filters.cleaned(request.form)
    if not form.validate():
        return _view_page(form, wanted, saved=saved, status=UNPROCESSABLE)
    saved_views.change(saved, name=form.name.data or "", wanted=wanted, is_shared=form.who.data == TEAM, by=me())
    db.session.commit()
    return web.go(url_for(".inbox", view=f"{saved_views.PREFIX}{view_id}"))


@bp.post("/desk/views/<int:view_id>/removal")
@role_required("agent")
def remove_view(view_id: int) -> WerkzeugResponse:
    saved_views.remove(saved_views.visible_view(view_id, viewer=current_user), by=me())
    db.session.commit()
    flash(gettext("The view is gone. Its conversations are where they were."), "good")
    return web.go(url_for(".inbox"))


def fresh(template: str, **context: Any) -> Response:
    """Render a part of a page with a mark of what it says, so that asking again costs few bytes."""
    answer = Response(render_template(template, **context))
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.add_etag()
    answer.make_conditional(request)
    return answer


def _passing_page(conversation: Conversation, form: PassForm, *, status: int = 200) -> Response:
    minutes = current_settings().pass_minutes
    return show("desk/passing.html", status=status, conversation=conversation, form=form, seconds=60 * minutes)


def _view_page(form: ViewForm, wanted: Mapping[str, str], *, saved: Any = None, status: int = 200) -> Response:
    return show("desk/saved_view.html", status=status, form=form, wanted=wanted, saved=saved, filters=filters.known())


def _inbox() -> dict[str, Any]:
    saved = saved_views.visible_to(current_user)
    own = [saved_views.as_view(one) for one in saved]
    views = [*listing.known(), *own]
    key = request.args.get("view", "")
    view: View = next((one for one in views if one.key == key), views[0])
    narrowed = filters.cleaned(request.args)
    return {
        "listing": listing.listing(view, viewer=current_user, narrowed=narrowed, cursor=request.args.get("page")),
        "counts": listing.counts(views, viewer=current_user),
        "views": listing.known(),
        "own_views": own,
        "narrowed": narrowed,
        "filters": filters.known(),
        "waiting": waiting,
    }
