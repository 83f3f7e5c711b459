"""Who is told of what happens, for admins."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from desk import webhooks
from desk.privacy_forms import EVENT_NAMES, WebhookForm
from desk.views.edge import Answer, bp
from desk.webhook_models import Webhook


@bp.get("/admin/webhooks")
@role_required("admin")
def webhook_list() -> Response:
    return _list_page(WebhookForm(formdata=None))


@bp.post("/admin/webhooks")
@role_required("admin")
def open_webhook() -> Answer:
    form = WebhookForm()
    if not form.validate():
        return _list_page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        made = webhooks.open_hook(
            name=form.name.data or "",
            url=form.url.data or "",
            events=form.events.data or [],
            words=form.words.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _list_page(form, status=error.status)
    db.session.commit()
    # Not a redirect: the secret is shown on this page and nowhere else, neither in an address nor in a cookie.
    return _list_page(WebhookForm(formdata=None), secret_of=made, secret=made.secret)


@bp.get("/admin/webhooks/<int:hook_id>")
@role_required("admin")
def show_webhook(hook_id: int) -> str:
    found = webhooks.hook(hook_id)
    page = webhooks.log(found, cursor=request.args.get("page"))
    return render_template("desk/webhook.html", hook=found, log=page, event_names=EVENT_NAMES)


@bp.post("/admin/webhooks/<int:hook_id>/secret")
@role_required("admin")
def rotate_webhook(hook_id: int) -> Response:
    found = webhooks.hook(hook_id)
    secret = webhooks.rotate(found, by=me())
    db.session.commit()
    return _list_page(WebhookForm(formdata=None), secret_of=found, secret=secret)


@bp.post("/admin/webhooks/<int:hook_id>/switch")
@role_required("admin")
def switch_webhook(hook_id: int) -> WerkzeugResponse:
    webhooks.switch(webhooks.hook(hook_id), on=request.form.get("to") == "on", by=me())
    db.session.commit()
    return web.go(url_for(".show_webhook", hook_id=hook_id))


@bp.post("/admin/webhooks/<int:hook_id>/test")
@role_required("admin")
def try_webhook(hook_id: int) -> WerkzeugResponse:
    try:
        webhooks.try_out(webhooks.hook(hook_id), by=me())
    except REFUSALS as error:
        db.session.rollback()
        flash(error.sentence, "bad")
        return web.go(url_for(".show_webhook", hook_id=hook_id))
    db.session.commit()
    flash(gettext("A test is on its way. It stands below in a moment."), "good")
    return web.go(url_for(".show_webhook", hook_id=hook_id))


@bp.post("/admin/webhooks/deliveries/<int:delivery_id>/repeat")
@role_required("admin")
def repeat_delivery(delivery_id: int) -> WerkzeugResponse:
    try:
        row = webhooks.tell_again(delivery_id, by=me())
    except REFUSALS as error:
        db.session.rollback()
        flash(error.sentence, "bad")
        return web.go(url_for(".webhook_list"))
    hook_id = row.webhook_id
    db.session.commit()
    flash(gettext("It is told once more."), "good")
    return web.go(url_for(".show_webhook", hook_id=hook_id))


@bp.post("/admin/webhooks/<int:hook_id>/removal")
@role_required("admin")
def remove_webhook(hook_id: int) -> WerkzeugResponse:
    webhooks.remove(webhooks.hook(hook_id), by=me())
    db.session.commit()
    flash(gettext("It is told of nothing any more."), "good")
    return web.go(url_for(".webhook_list"))


def _list_page(
    form: WebhookForm, *, secret_of: Webhook | None = None, secret: str = "", status: int = HTTPStatus.OK
) -> Response:
    page = render_template(
        "desk/webhooks.html",
        hooks=webhooks.hooks(),
        form=form,
        secret_of=secret_of,
        secret=secret,
        event_names=EVENT_NAMES,
    )
    answer = make_response(page, status)
    if secret:
        answer.headers["Cache-Control"] = "no-store"
    return answer
