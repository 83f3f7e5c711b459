"""What the nightly run found in stored texts, for editors."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS
from core.errors import KlinkeError
from desk import linting, nightly
from desk.views.edge import Answer, bp


@bp.get("/desk/stored")
@role_required("editor")
def stored_findings() -> Response:
    return _page()


@bp.get("/desk/stored/<int:stored_id>")
@role_required("editor")
def show_stored(stored_id: int) -> str:
    """Show the text in which something was found, to whoever looks after stored texts, also where it is a block."""
    finding = nightly.visible_finding(stored_id, viewer=current_user)
    return render_template(
        "desk/stored_text.html",
        finding=finding,
        stored=nightly.stored(finding),
        may_open=nightly.may_open(current_user, finding),
        names=linting.NAMES,
    )


@bp.post("/desk/stored/<int:stored_id>/acceptance")
@role_required("editor")
def accept_finding(stored_id: int) -> Answer:
    """Keep the words for a reason."""
    finding = nightly.visible_finding(stored_id, viewer=current_user)
    try:
        nightly.accept(finding, reason=request.form.get("reason", ""), by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _page(refused=error, at=stored_id)
    db.session.commit()
    flash(gettext("It stays, and is not found again."), "good")
    return web.go(url_for(".stored_findings"))


def _page(*, refused: KlinkeError | None = None, at: int | None = None) -> Response:
    settled = request.args.get("view") == "settled"
    page = render_template(
        "desk/stored.html",
        settled=settled,
        page=nightly.listing(settled=settled, cursor=request.args.get("page")),
        open_count=nightly.open_count(),
        names=linting.NAMES,
        refused="" if refused is None else refused.fields.get("reason", "") or refused.sentence or str(refused.title),
        at=at,
    )
    return make_response(page, HTTPStatus.OK if refused is None else refused.status)
