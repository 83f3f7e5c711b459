"""What was promised and whom to call: their lists, and the deeds beside a conversation."""

from http import HTTPStatus
from typing import Any

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import texts, web
from core.db import db
from core.edge import REFUSALS
from core.errors import Invalid, KlinkeError, NotFound
from desk import call_backs, calls, linting, promises, queries, replies
from desk.beside import There
from desk.models import Conversation
from desk.objections import MOST_SEALS
from desk.promises import VIEWS, NewPromise
from desk.views.edge import Answer, back_to, bp

RESULTS = {
    "reached": lazy_gettext("Reached"),
    "no_answer": lazy_gettext("Nobody answered"),
    "busy": lazy_gettext("Engaged"),
    "wrong_number": lazy_gettext("Wrong number"),
}


@bp.get("/desk/promises")
@role_required("agent")
def promise_list() -> Response:
    return _promise_page()


@bp.post("/desk/promises/<int:promise_id>/settling")
@role_required("agent")
def settle_promise(promise_id: int) -> Answer:
    promise = promises.visible_promise(promise_id, viewer=current_user)
    conversation_id = promise.conversation_id
    try:
        if request.form.get("outcome") == "withdrawn":
            promises.withdraw(promise, reason=request.form.get("reason", ""), by=me())
        else:
            promises.keep(promise, by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _promise_page(refused=error, at=promise_id)
    db.session.commit()
    flash(gettext("It is settled."), "good")
    if request.form.get("next") == "list":
        return web.go(url_for(".promise_list", view=request.form.get("view", "today")))
    return back_to(conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/promises")
@role_required("agent")
def make_promise(conversation_id: int) -> Answer:
    """Note a promise that was made elsewhere, as on the telephone."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    due_at = promises.read_due(request.form.get("due", ""))
    try:
        if due_at is None:
            raise Invalid(gettext("Until when is it promised? Please give a moment to come."))
        promises.make(
            conversation,
            what=request.form.get("what", ""),
            due_at=due_at,
            owner=_owner(request.form.get("owner", "")),
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        flash(_sentence(error), "bad")
        return back_to(conversation_id)
    db.session.commit()
    flash(gettext("The promise is noted."), "good")
    return back_to(conversation_id)


@bp.get("/desk/calls")
@role_required("agent")
def call_list() -> str:
    name = request.args.get("view", "today")
    view = name if name in call_backs.VIEWS else "today"
    return render_template(
        "desk/calls.html",
        view=view,
        views=call_backs.VIEWS,
        counts=call_backs.counts(current_user),
        page=call_backs.listing(view, viewer=current_user, cursor=request.args.get("page")),
        results=RESULTS,
        when=linting.when,
    )


@bp.post("/desk/conversations/<int:conversation_id>/calls")
@role_required("agent")
def arrange_call(conversation_id: int) -> Answer:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    since, until = (promises.read_due(request.form.get(name, "")) for name in ("since", "until"))
    try:
        if since is None or until is None:
            raise Invalid(
                gettext("Please say between when and when the call suits: at most two weeks, and not over yet.")
            )
        call_backs.arrange(
            conversation,
            phone=request.form.get("phone", ""),
            since=since,
            until=until,
            about=request.form.get("about", ""),
            owner=_owner(request.form.get("owner", "")),
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        flash(_sentence(error), "bad")
        return back_to(conversation_id)
    db.session.commit()
    flash(gettext("The call-back is noted. The number is forgotten when it is over."), "good")
    return back_to(conversation_id)


@bp.post("/desk/calls/<int:call_id>/attempts")
@role_required("agent")
def note_call(call_id: int) -> WerkzeugResponse:
    call = call_backs.visible_call(call_id, viewer=current_user)
    conversation_id = call.conversation_id
    if request.form.get("result") == "cancelled":
        call_backs.cancel(call, by=me())
    else:
        calls.rang(call, request.form.get("result", ""), words=request.form.get("note", ""), by=me())
    db.session.commit()
    flash(gettext("It is noted."), "good")
    return web.go(url_for(".call_list")) if request.form.get("next") == "list" else back_to(conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/lint")
@role_required("agent")
def lint_reply(conversation_id: int) -> str:
    """Say what the linter finds in a draft that is being written; nothing is kept."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    text = request.form.get("text", "")[: linting.LONGEST_LOOK]
    found = replies.objections_to(conversation, text, by=me()) if text.strip() else []
    return render_template("desk/_lint_notes.html", objections=found, conversation=conversation, when=linting.when)


def ticked() -> frozenset[str]:
    """Return the seals of the objections whose words are to be kept as promises."""
    return frozenset(request.form.getlist("promise")[:MOST_SEALS])


def read_promised() -> list[NewPromise]:
    """Return the promises that were ticked beside the objections; raise `Invalid` where one lacks its time."""
    given = []
    for seal in sorted(ticked()):
        due_at = promises.read_due(request.form.get(f"promise_due-{seal}", ""))
        if due_at is None:
            raise Invalid(gettext("Until when is it promised? Please give a moment to come."))
        owner_id = texts.number(request.form.get(f"promise_owner-{seal}", ""))
        given.append(NewPromise(what=request.form.get(f"promise_what-{seal}", ""), due_at=due_at, owner_id=owner_id))
    return given


def apology(conversation_id: int) -> str:
    """Return the apology that the address asks for, when the promise is one of this conversation and broken."""
    promise_id = texts.number(request.args.get("apology", ""))
    if promise_id is None:
        return ""
    try:
        promise = promises.visible_promise(promise_id, viewer=current_user)
    except NotFound:
        return ""
    is_meant = promise.conversation_id == conversation_id and promise.state == "broken"
    return promises.apology(promise) if is_meant else ""


def beside(conversation: Conversation, there: There) -> dict[str, Any]:
    """Return what a page of a conversation needs to show promises and calls."""
    return {
        "promises": there.load("promises", lambda: promises.of_conversation(conversation), ()),
        "calls": there.load("call_backs", lambda: call_backs.of_conversation(conversation), ()),
        "call_results": RESULTS,
        "when": linting.when,
        "local_due": promises.local_due,
    }


def _promise_page(*, refused: KlinkeError | None = None, at: int | None = None) -> Response:
    name = request.values.get("view", "today")
    view = name if name in VIEWS else "today"
    counted = promises.counts(current_user)
    page = render_template(
        "desk/promises.html",
        view=view,
        views=VIEWS,
        counts=counted,
        rate=promises.rate(counted),
        page=promises.listing(view, viewer=current_user, cursor=request.args.get("page")),
        refused="" if refused is None else _sentence(refused),
        at=at,
        when=linting.when,
    )
    return make_response(page, HTTPStatus.OK if refused is None else refused.status)


def _owner(typed: str) -> User:
    if not typed:
        return me()
    user_id = texts.number(typed)
    found = None if user_id is None else people.by_id(user_id)
    if found is None:
        raise Invalid(gettext("There is nobody of this name at the desk."))
    return found


def _sentence(error: KlinkeError) -> str:
    return next(iter(error.fields.values()), "") or error.sentence or str(error.title)
