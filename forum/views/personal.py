"""What is for one person only: notifications and drafts."""

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import paging, web
from core.db import db
from core.edge import UNPROCESSABLE
from core.errors import NotFound
from forum import addresses, drafts, forms, notifications, queries, reminding
from forum.fields import MOST, PREFIX
from forum.models import Notification
from forum.views import pictures
from forum.views.edge import bp, show

PAGE_SIZE = 30
ASK_FIELDS = ("title", "category", "source", "tags", "locale", "answer", "solves")
ANSWER_FIELDS = ("source", "version")
WANTS = {True: "no", False: "yes"}
"""What the form says of somebody who refuses to be reminded, and of others."""


@bp.get("/notifications", endpoint="notifications")
@login_required
def show_notifications() -> Response:
    mine = notifications.visible_notifications(me())
    return show(
        "forum/notifications.html",
        notes=paging.page(mine, by=(Notification.id,), cursor=request.args.get("page"), size=PAGE_SIZE),
        sentence=notifications.sentence,
    )


@bp.post("/notifications/read")
@login_required
def mark_notifications_read() -> WerkzeugResponse:
    """Mark one (`id`) or all of them; what belongs to others stays as it is."""
    one = request.form.get("id", type=int)
    notifications.mark_read(me(), None if one is None else [one])
    db.session.commit()
    return web.go(web.safe_path(request.form.get("next"), url_for(".notifications")))


@bp.post("/drafts/<key>")
@login_required
@web.takes_files
def save_draft(key: str) -> Response | WerkzeugResponse:
    """Keep what is typed; a browser with script asks in the background and needs no page in answer."""
    back, names = _place(key)
    names += tuple(name for name in request.form if name.startswith(PREFIX))[:MOST]
    shown, refused = pictures.kept(_files(), request.form.get("picture_words", ""))
    fields = {name: request.form[name] for name in names if request.form.get(name, "").strip()}
    if shown:
        fields["source"] = "\n\n".join((fields.get("source", "").rstrip(), *shown)).lstrip()
    if any(name in fields for name in ("title", "source", "answer")):
        drafts.save(me(), key, fields)
    else:
        drafts.discard(me(), key)
    db.session.commit()
    if request.form.get("do") != "keep":
        return Response(status=204)
    for sentence in refused:
        flash(sentence, "warn")
    flash(gettext("Your draft is kept. It will be here when you come back."), "good")
    return web.go(back)


@bp.route(addresses.REMINDERS, methods=["GET", "POST"])
@login_required
def reminders() -> Response | WerkzeugResponse:
    form = forms.RemindersForm(data={"wants": WANTS[reminding.is_refused_by(me())]})
    if request.method == "GET" or not form.validate():
        status = 200 if request.method == "GET" else UNPROCESSABLE
        return show("forum/reminders.html", form=form, status=status)
    if form.wants.data == "no":
        reminding.refuse(me())
    else:
        reminding.allow(me())
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(addresses.REMINDERS)


@bp.post("/drafts/<key>/discard")
@login_required
def discard_draft(key: str) -> WerkzeugResponse:
    back, _ = _place(key)
    drafts.discard(me(), key)
    db.session.commit()
    flash(f"{key}-{current_user.id}", "draft_done")
    return web.go(back)


def _files() -> list[FileStorage]:
    """Return the pictures that a browser without script sends along; one with script has brought them already."""
    return [file for file in request.files.getlist("pictures") if file] if request.form.get("do") == "keep" else []


def _place(key: str) -> tuple[str, tuple[str, ...]]:
    """Return where a draft is written and what it is made of."""
    if key == "ask":
        return url_for(".ask"), ASK_FIELDS
    kind, _, number = key.partition(":")
    if kind != "answer" or not (number.isascii() and number.isdecimal()) or len(number) > 19:  # noqa: PLR2004 -- an id has 64 bits
        raise NotFound
    topic = queries.visible_topic(int(number), viewer=current_user)
    return addresses.of_topic(topic) + "#answer", ANSWER_FIELDS
