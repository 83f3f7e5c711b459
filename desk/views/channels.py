"""The channels, for admins, and the door at which services deliver."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import begin_writing, db
from core.edge import REFUSALS
from core.errors import NotFound
from core.forms import csrf
from core.settings import current_settings
from desk import (
    asking,
    connections,
    credit_lines,
    deliveries,
    forgetting,
    intake,
    letting_in,
    queries,
    solving,
    webmentions,
    wordings,
)
from desk.api import receive
from desk.channels.base import Adapter, Finding, adapter_of, kind_of
from desk.connection_forms import ConnectionForm, form_for
from desk.models import Channel
from desk.views.edge import Answer, bp

CHALLENGES = "120 per minute"
"""From one address."""


@bp.get("/admin/channels")
@role_required("admin")
def channels() -> Response:
    page = render_template(
        "desk/channels.html",
        channels=queries.channels(),
        health=connections.health(),
        courses=connections.courses(),
        kinds=connections.connectable(),
        adapter_of=adapter_of,
        asks=asking.where,
        credits_authors=credit_lines.are_on,
        asks_solved=solving.is_on,
    )
    return make_response(page)


@bp.get("/admin/channels/new/<kind>")
@role_required("admin")
def new_channel(kind: str) -> Response:
    adapter = _of_kind(kind)
    return _new_page(kind, form_for(adapter.form, is_new=True)(formdata=None))


@bp.post("/admin/channels/new/<kind>")
@role_required("admin")
def open_channel(kind: str) -> Answer:
    adapter = _of_kind(kind)
    form = form_for(adapter.form, is_new=True)()
    if not form.validate_on_submit():
        return _new_page(kind, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        channel = connections.connect(
            kind, slug=form["slug"].data or "", name=form.name.data or "", values=form.values, by=me()
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse_fields(error.fields or {"": error.sentence})
        return _new_page(kind, form, status=error.status)
    db.session.commit()
    if channel.secret and channel.secret not in form.values.values():
        # Not a redirect: the secret is shown on this page and nowhere else, neither in an address nor in a cookie.
        return _channel_page(channel, shows_secret=True)
    return web.go(url_for(".show_channel", channel_id=channel.id))


@bp.get("/admin/channels/<int:channel_id>")
@role_required("admin")
def show_channel(channel_id: int) -> Response:
    """Show how a channel is connected and how it is doing."""
    return _channel_page(queries.channel(channel_id))


@bp.post("/admin/channels/<int:channel_id>")
@role_required("admin")
def change_channel(channel_id: int) -> Answer:
    channel = queries.channel(channel_id)
    form = form_for(adapter_of(channel).form, is_new=False, kept=channel.settings)()
    if not form.validate_on_submit():
        return _channel_page(channel, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        connections.change(channel, name=form.name.data or "", values=form.values, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse_fields(error.fields or {"": error.sentence})
        return _channel_page(queries.channel(channel_id), form, status=error.status)
    db.session.commit()
    flash(gettext("Kept. Try the connection to see whether it works."), "good")
    return web.go(url_for(".show_channel", channel_id=channel_id))


@bp.post("/admin/channels/<int:channel_id>/check")
@role_required("admin")
def check_channel(channel_id: int) -> Response:
    """Try the connection, and show what was found; nothing is written at the service."""
    channel = queries.channel(channel_id)
    findings = connections.check(channel, by=me())
    db.session.commit()
    return _channel_page(channel, findings=findings)


@bp.post("/admin/channels/<int:channel_id>/sign-in")
@role_required("admin")
def let_channel_in(channel_id: int) -> Response:
    """Show where to go to let the desk in at the service: a link, for a form may lead to no other site."""
    channel = queries.channel(channel_id)
    try:
        address = letting_in.begin(channel, back=_back(), by=me())
    except letting_in.NotLet as failure:
        db.session.rollback()
        channel = queries.channel(channel_id)
        return _channel_page(channel, findings=[Finding(is_well=False, words=failure.sentence)])
    db.session.commit()
    return _unstored(render_template("desk/channel_sign_in.html", channel=channel, address=address))


@bp.get("/admin/channels/signed-in")
@role_required("admin")
def channel_signed_in() -> Response:
    """Where a service sends an admin back to: it shows what is about to be finished, and finishes nothing."""
    state, code = request.args.get("state", ""), request.args.get("code", "")
    channel = letting_in.begun(state, by=me())
    refused = " ".join((request.args.get("error_description") or request.args.get("error") or "").split())[:200]
    if refused or not code:
        refused = refused or gettext("The service sent no code back.")
        return _channel_page(channel, findings=[Finding(is_well=False, words=refused)])
    page = render_template("desk/channel_sign_in.html", channel=channel, address="", state=state, code=code)
    return _unstored(page)


@bp.post("/admin/channels/signed-in")
@role_required("admin")
def finish_channel_sign_in() -> Answer:
    state, code = request.form.get("state", ""), request.form.get("code", "")
    channel_id = letting_in.begun(state, by=me()).id
    try:
        letting_in.finish(state, code=code, back=_back(), by=me())
    except letting_in.NotLet as failure:
        db.session.commit()  # the state is used up
        return _channel_page(queries.channel(channel_id), findings=[Finding(is_well=False, words=failure.sentence)])
    db.session.commit()
    flash(gettext("Signed in. Try the connection to see whether it works."), "good")
    return web.go(url_for(".show_channel", channel_id=channel_id))


@bp.post("/admin/channels/<int:channel_id>/secret")
@role_required("admin")
def renew_channel_secret(channel_id: int) -> Response:
    channel = queries.channel(channel_id)
    connections.renew_secret(channel, by=me())
    db.session.commit()
    return _channel_page(channel, shows_secret=True)


@bp.get("/admin/channels/<int:channel_id>/farewell")
@role_required("admin")
def part_with_channel(channel_id: int) -> Response:
    """Show what is lost when a channel is disconnected and its data deleted."""
    channel = queries.channel(channel_id)
    return make_response(
        render_template("desk/channel_farewell.html", channel=channel, counts=forgetting.counts(channel), wrong="")
    )


@bp.post("/admin/channels/<int:channel_id>/farewell")
@role_required("admin")
def forget_channel(channel_id: int) -> Answer:
    channel = queries.channel(channel_id)
    try:
        forgetting.forget(channel, typed=request.form.get("typed", ""), by=me())
    except REFUSALS as error:
        db.session.rollback()
        channel = queries.channel(channel_id)
        page = render_template(
            "desk/channel_farewell.html", channel=channel, counts=forgetting.counts(channel), wrong=error.sentence
        )
        return make_response(page, error.status)
    db.session.commit()
    flash(gettext("The channel is disconnected. Its data is being deleted."), "good")
    return web.go(url_for(".channels"))


@bp.post("/admin/channels/<int:channel_id>/switch")
@role_required("admin")
def switch_channel(channel_id: int) -> WerkzeugResponse:
    channel = queries.channel(channel_id)
    if request.form.get("to") == "on":
        connections.switch_on(channel, by=me())
    else:
        connections.switch_off(channel, by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/admin/channels/<int:channel_id>/asking")
@role_required("admin")
def choose_asking(channel_id: int) -> WerkzeugResponse:
    """Say where the channel asks customers whether a reply helped."""
    asking.choose(queries.channel(channel_id), request.form.get("asks", ""), by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/admin/channels/<int:channel_id>/address")
@role_required("admin")
def address_channel(channel_id: int) -> WerkzeugResponse:
    wordings.address_on(queries.channel(channel_id), is_informal=request.form.get("to") == "informal", by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/admin/channels/<int:channel_id>/credits")
@role_required("admin")
def choose_credits(channel_id: int) -> WerkzeugResponse:
    """Say whether replies on the channel name whose answer of the forum they quote."""
    credit_lines.choose(queries.channel(channel_id), is_on=request.form.get("to") == "on", by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/admin/channels/<int:channel_id>/solved")
@role_required("admin")
def choose_solved(channel_id: int) -> WerkzeugResponse:
    """Say whether the channel asks after replies without an article, too, whether the case is solved."""
    solving.choose(queries.channel(channel_id), is_on=request.form.get("to") == "on", by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/channels/<name>/webhook")
@csrf.exempt
def receive_webhook(name: str) -> Response:
    """Where a service delivers; it proves itself by its signature, not by a token."""
    answer = receive(name)
    db.session.commit()
    return answer


def _back() -> str:
    return web.absolute(url_for(".channel_signed_in"))


def _unstored(page: str) -> Response:
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/channels/<name>/webhook")
@web.limiter.limit(CHALLENGES)
def answer_challenge(name: str) -> Response:
    """Tell a service that asks whether the address is ours what it wants to hear; it may grant something with that."""
    query = request.args.to_dict()
    # Whoever cannot prove who they are does not get to hold the database's one place for writers.
    if intake.challenge(queries.channel_by(name), query) is None:
        raise NotFound
    db.session.rollback()
    begin_writing()
    words = intake.challenge(queries.held_channel(name), query)
    if words is None:
        raise NotFound
    db.session.commit()
    answer = make_response(words)
    answer.mimetype = "text/plain"
    return answer


@bp.post("/channels/<name>/webmention")
@csrf.exempt
@web.limiter.limit(CHALLENGES)
def receive_webmention(name: str) -> Response:
    """Where somebody says that a page of theirs links to one of ours; it is looked up later (W3C Webmention)."""
    webmentions.accept(
        queries.channel_by(name), source=request.form.get("source", ""), target=request.form.get("target", "")
    )
    db.session.commit()
    answer = make_response(gettext("Thank you. It is looked up."), HTTPStatus.ACCEPTED)
    answer.mimetype = "text/plain"
    return answer


bp.after_app_request(webmentions.advertise)


def _of_kind(kind: str) -> Adapter:
    make = kind_of(kind)
    if make is None or not (adapter := make(Channel(kind=kind, slug=kind, name=kind, settings={}))).about:
        raise NotFound
    return adapter


def _new_page(kind: str, form: ConnectionForm, *, status: int = HTTPStatus.OK) -> Response:
    return make_response(render_template("desk/channel_new.html", kind=kind, adapter=_of_kind(kind), form=form), status)


def _channel_page(
    channel: Channel,
    form: ConnectionForm | None = None,
    *,
    findings: Sequence[Finding] | None = None,
    shows_secret: bool = False,
    status: int = HTTPStatus.OK,
) -> Response:
    adapter = adapter_of(channel)
    page = render_template(
        "desk/channel.html",
        channel=channel,
        adapter=adapter,
        form=form
        or form_for(adapter.form, is_new=False, kept=channel.settings)(formdata=None, data={"name": channel.name}),
        well=connections.health().get(channel.id),
        course=connections.courses().get(channel.id),
        log=deliveries.counts([channel.id])[channel.id] if adapter.capabilities.keeps_log else None,
        log_days=current_settings().delivery_log_days,
        old_secret_until=connections.old_secret_until(channel),
        findings=findings,
        shows_secret=shows_secret,
    )
    answer = make_response(page, status)
    if shows_secret:
        answer.headers["Cache-Control"] = "no-store"
    return answer
