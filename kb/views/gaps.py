"""Gaps: what people ask for in vain, and the way from there to an article."""

from typing import Final

from flask import Response, request
from flask_login import current_user

from accounts.access import role_required
from core.i18n import LOCALES, locale
from kb import forms, radar
from kb.views.edge import bp, show

MOST_SHOWN: Final = 50


@bp.get("/kb/gaps")
@role_required("editor", "moderator")
def gap_list() -> Response:
    chosen = next((one for one in LOCALES if one == request.args.get("locale")), locale())
    found = radar.gaps(current_user, chosen)
    return show(
        "kb/gaps.html",
        gaps=found[:MOST_SHOWN],
        more=max(0, len(found) - MOST_SHOWN),
        chosen=chosen,
        languages=forms.LANGUAGE_NAMES,
    )


@bp.get("/kb/gaps/<ref>")
@role_required("editor", "moderator")
def show_gap(ref: str) -> Response:
    return show("kb/gap.html", gap=radar.gap(ref, viewer=current_user))
