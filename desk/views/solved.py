"""Where the question whether a case is solved leads: two buttons, without an account, a cookie or a script."""

from flask import Response, request
from flask_babel import force_locale
from werkzeug.wrappers import Response as WerkzeugResponse

from core import web
from core.db import db
from core.edge import show
from core.errors import Invalid
from core.forms import csrf
from core.web import limiter
from desk import solving
from desk.figure_models import SolvedQuestion
from desk.views.edge import bp

UNINDEXED = "noindex, nofollow"


@bp.get("/solved")
def solved_without_ticket() -> Response:
    """Say what this address is for: it stands so in what the desk keeps of the question."""
    return show("desk/solved.html", question=None, ticket="", wrong=None, says_du=False)


@bp.get("/solved/<ticket>")
def ask_solved(ticket: str) -> Response:
    return _page(solving.asked(ticket), ticket)


@bp.post("/solved/<ticket>")
@csrf.exempt
@limiter.limit("60 per hour")
def tell_solved(ticket: str) -> Response | WerkzeugResponse:
    """Keep what the customer chose. The address itself is the permission, so that no cookie is needed."""
    try:
        solving.say(ticket, request.form.get("answer", ""))
    except Invalid as error:
        db.session.rollback()
        return _page(solving.asked(ticket), ticket, refused=error)
    db.session.commit()
    return web.go(f"/solved/{ticket}")


def _page(question: SolvedQuestion, ticket: str, *, refused: Invalid | None = None) -> Response:
    conversation = question.conversation
    with force_locale(conversation.locale):
        page = show(
            "desk/solved.html",
            question=question,
            ticket=ticket,
            wrong=refused,
            refused=refused,
            says_du=conversation.says_du,
        )
    page.headers["X-Robots-Tag"] = UNINDEXED
    return page
