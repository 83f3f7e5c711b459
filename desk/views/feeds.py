"""The watch list of a channel, for admins."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from desk import watch_lists
from desk.connection_forms import FeedForm
from desk.models import Channel
from desk.views.edge import Answer, bp


@bp.get("/admin/channels/<int:channel_id>/feeds")
@role_required("admin")
def watch_list(channel_id: int) -> Response:
    return _page(watch_lists.channel_of(channel_id), FeedForm(formdata=None))


@bp.post("/admin/channels/<int:channel_id>/feeds")
@role_required("admin")
def add_feed(channel_id: int) -> Answer:
    channel, form = watch_lists.channel_of(channel_id), FeedForm()
    if not form.validate():
        return _page(channel, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    db.session.rollback()  # nothing in the database waits for the network
    try:
        address, title = watch_lists.find(form.url.data or "")
        watch_lists.add(
            watch_lists.channel_of(channel_id),
            url=address,
            title=title,
            takes="all" if form.takes.data == "all" else "words",
            words=form.words.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(watch_lists.channel_of(channel_id), form, status=error.status)
    db.session.commit()
    flash(gettext("%(name)s is watched from now on.", name=title or address), "good")
    return web.go(url_for(".watch_list", channel_id=channel_id))


@bp.post("/admin/channels/<int:channel_id>/feeds/<key>/removal")
@role_required("admin")
def remove_feed(channel_id: int, key: str) -> WerkzeugResponse:
    watch_lists.remove(watch_lists.channel_of(channel_id), key, by=me())
    db.session.commit()
    flash(gettext("The feed is no longer watched. What came from it stays."), "good")
    return web.go(url_for(".watch_list", channel_id=channel_id))


@bp.post("/admin/channels/<int:channel_id>/feeds/<key>/turn")
@role_required("admin")
def ask_feed_again(channel_id: int, key: str) -> WerkzeugResponse:
    watch_lists.ask_again(watch_lists.channel_of(channel_id), key, by=me())
    db.session.commit()
    flash(gettext("The feed is asked within a minute."), "good")
    return web.go(url_for(".watch_list", channel_id=channel_id))


def _page(channel: Channel, form: FeedForm, *, status: int = HTTPStatus.OK) -> Response:
    page = render_template("desk/watch_list.html", channel=channel, feeds=watch_lists.health(channel), form=form)
    return make_response(page, status)
