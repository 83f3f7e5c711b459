"""The Marktplatz as a page: who passes by writes, everybody reads, and the desk answers from its own side."""

import hashlib
import json
from http import HTTPStatus

from flask import Blueprint, Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from core import once, web
from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, TooSoon
from core.web import limiter
from demo import plaza as marketplace
from demo.channel import LIMIT
from demo.forms import PlazaForm

OWNER = "plaza"

bp = Blueprint("demo", __name__)


@bp.get("/demo/plaza")
def plaza() -> Response:
    thread = request.args.get("thread", "")
    return _page(PlazaForm(formdata=None, thread=thread if marketplace.has_thread(thread) else ""))


@bp.get("/demo/plaza/posts")
def plaza_posts() -> str:
    """Show the posts alone, which the page asks for again and again."""
    return render_template("demo/_posts.html", threads=marketplace.threads(), parts=marketplace.parts)


@bp.post("/demo/plaza")
@limiter.limit("30 per minute")
def post_to_plaza() -> WerkzeugResponse:
    form = PlazaForm()
    if not form.validate_on_submit():
        return _page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    key = _key(form)
    before = once.claim(OWNER, key)
    if before is not None:
        db.session.rollback()
        return web.go(before.answer)
    try:
        written = marketplace.post(
            handle=form.handle.data or "", text=form.text.data or "", thread=form.thread.data or ""
        )
    except (Invalid, Conflict, TooSoon) as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, status=error.status, refused=error)
    url = url_for(".plaza", _anchor=f"p{written.id}")
    once.remember(OWNER, key, status=HTTPStatus.SEE_OTHER, answer=url)
    db.session.commit()
    flash(gettext("Your post is up, and the desk has it."), "good")
    return web.go(url)


def _key(form: PlazaForm) -> str:
    # Of its content, too: whoever goes back, writes something else and sends it means a second post.
    content = [form.once.data, form.handle.data, form.text.data, form.thread.data]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _page(form: PlazaForm, *, status: int = HTTPStatus.OK, refused: KlinkeError | None = None) -> Response:
    page = render_template(
        "demo/plaza.html", form=form, limit=LIMIT, threads=marketplace.threads(), parts=marketplace.parts
    )
    answer = make_response(page, status)
    if isinstance(refused, TooSoon):
        answer.headers["Retry-After"] = str(refused.seconds)
    return answer
