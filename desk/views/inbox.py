"""The inbox: who waits, and the list alone that the page asks for again and again."""

from typing import Any

from flask import render_template, request
from flask_login import current_user

from accounts.access import role_required
from desk import queries
from desk.queries import VIEWS, View
from desk.views.edge import bp, waiting


@bp.get("/desk")
@role_required("agent")
def inbox() -> str:
    return render_template("desk/inbox.html", **_inbox())


@bp.get("/desk/lines")
@role_required("agent")
def inbox_lines() -> str:
    """Show the list alone, which the page asks for again and again."""
    return render_template("desk/_lines.html", **_inbox())


def _inbox() -> dict[str, Any]:
    view = _view(request.args.get("view", ""))
    return {
        "listing": queries.listing(view, viewer=current_user, cursor=request.args.get("page")),
        "counts": queries.counts(current_user),
        "views": VIEWS,
        "waiting": waiting,
    }


def _view(name: str) -> View:
    return name if name in VIEWS else "waiting"
