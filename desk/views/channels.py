"""The channels, for admins, and the door at which services deliver."""

from http import HTTPStatus

from flask import Response, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from core.forms import csrf
from desk import asking, connections, credit_lines, queries, solving, wordings
from desk.api import receive
from desk.channels.base import adapter_of
from desk.forms import ChannelForm
from desk.models import Channel
from desk.views.edge import Answer, bp


@bp.get("/admin/channels")
@role_required("admin")
def channels() -> Response:
    return _channels_page(ChannelForm(formdata=None))


@bp.post("/admin/channels")
@role_required("admin")
def open_channel() -> Answer:
    form = ChannelForm()
    if not form.validate_on_submit():
        return _channels_page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        channel = connections.open_webhook(
            form.slug.data or "",
            name=form.name.data or "",
            endpoint=form.endpoint.data or "",
            limit=form.limit.data,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _channels_page(form, status=error.status)
    db.session.commit()
    # Not a redirect: the secret is shown on this page and nowhere else, neither in an address nor in a cookie.
    return _channels_page(ChannelForm(formdata=None), opened=channel)


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


def _channels_page(form: ChannelForm, *, status: int = HTTPStatus.OK, opened: Channel | None = None) -> Response:
    page = render_template(
        "desk/channels.html",
        channels=queries.channels(),
        health=connections.health(),
        form=form,
        opened=opened,
        adapter_of=adapter_of,
        asks=asking.where,
        credits_authors=credit_lines.are_on,
        asks_solved=solving.is_on,
    )
    return make_response(page, status)
