"""The log of channels: what was delivered and handed over, for admins and leads, and doing it once more."""

from http import HTTPStatus
from typing import cast

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from core.settings import current_settings
from desk import deliveries, queries, repeating
from desk.channel_models import ChannelDelivery
from desk.channels.base import adapter_of
from desk.deliveries import WANTED, Wanted
from desk.models import Message
from desk.views.edge import bp


@bp.get("/admin/deliveries")
@role_required("lead")
def delivery_list() -> str:
    """Show the channels that keep a log, and how much of each kind is in it."""
    channels = [one for one in queries.channels() if adapter_of(one).capabilities.keeps_log]
    counts = deliveries.counts([one.id for one in channels])
    return render_template(
        "desk/delivery_list.html", channels=channels, counts=counts, days=current_settings().delivery_log_days
    )


@bp.get("/admin/channels/<int:channel_id>/deliveries")
@role_required("lead")
def channel_deliveries(channel_id: int) -> str:
    channel = queries.channel(channel_id)
    asked = request.args.get("show", "all")
    wanted: Wanted = cast("Wanted", asked) if asked in WANTED else "all"
    return render_template(
        "desk/deliveries.html",
        channel=channel,
        log=deliveries.lines(channel, wanted=wanted, cursor=request.args.get("page")),
        counts=deliveries.counts([channel.id])[channel.id],
        days=current_settings().delivery_log_days,
        wanted=wanted,
        may_repeat=may_repeat,
    )


@bp.get("/admin/deliveries/<int:delivery_id>")
@role_required("lead")
def show_delivery(delivery_id: int) -> Response:
    return _page(deliveries.line(delivery_id))


@bp.post("/admin/deliveries/<int:delivery_id>/body")
@role_required("lead")
def read_delivery(delivery_id: int) -> Response:
    """Show the body of a delivery; that somebody looked is kept, so this is no GET."""
    row = deliveries.line(delivery_id)
    body = deliveries.read(row, by=me())
    db.session.commit()
    return _page(row, body=body.decode("utf-8", "replace"))


@bp.post("/admin/deliveries/<int:delivery_id>/repeat")
@role_required("lead")
def repeat_channel_delivery(delivery_id: int) -> WerkzeugResponse:
    try:
        done = repeating.repeat(delivery_id, by=me())
    except REFUSALS as error:
        db.session.rollback()
        flash(error.sentence, "bad")
        return web.go(url_for(".show_delivery", delivery_id=delivery_id))
    db.session.commit()
    if done.outcome == "failed":
        flash(gettext("It failed again: %(why)s", why=done.reason), "bad")
    elif done.outcome == "taken":
        flash(gettext("It is taken in: there is a message of it now."), "good")
    elif done.outcome == "twice":
        flash(gettext("Its message is at the desk already. Nothing was taken in twice."), "info")
    else:
        flash(gettext("It is handed over once more, under its own id."), "good")
    return web.go(url_for(".show_delivery", delivery_id=delivery_id))


def may_repeat(row: ChannelDelivery) -> bool:
    """Tell whether repeating is offered: not for what nobody proved, and not for words that are gone."""
    return row.outcome != "refused" and (row.kept > 0 or row.message_id is not None)


def _page(row: ChannelDelivery, *, body: str | None = None) -> Response:
    channel = queries.channel(row.channel_id)
    message = None if row.message_id is None else db.session.get(Message, row.message_id)
    page = render_template(
        "desk/delivery.html",
        row=row,
        channel=channel,
        message=message,
        body=body,
        may_repeat=may_repeat(row) and channel.disabled_at is None,
        days=current_settings().delivery_log_days,
    )
    answer = make_response(page, HTTPStatus.OK)
    if body is not None:
        answer.headers["Cache-Control"] = "no-store"
    return answer
