"""The Marktplatz as a page: who passes by writes, everybody reads, and the desk answers from its own side."""

from http import HTTPStatus

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from core.db import db
from core.edge import REFUSALS, done, sent_before, show
from core.errors import KlinkeError
from core.web import limiter
from demo import plaza as marketplace
from demo.channel import LIMIT
from demo.forms import PlazaForm

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
    if sent := sent_before(form):
        return sent
    try:
        written = marketplace.post(
            handle=form.handle.data or "", text=form.text.data or "", thread=form.thread.data or ""
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, refused=error)
    url = url_for(".plaza", _anchor=f"p{written.id}")
    onward = done(form, url)
    flash(gettext("Your post is up, and the desk has it."), "good")
    return onward


def _page(form: PlazaForm, *, status: int = HTTPStatus.OK, refused: KlinkeError | None = None) -> Response:
    return show(
        "demo/plaza.html",
        status=status,
        refused=refused,
        form=form,
        limit=LIMIT,
        threads=marketplace.threads(),
        parts=marketplace.parts,
    )
