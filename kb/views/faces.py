"""The list of short texts that articles owe."""

from typing import Final

from flask import Response, request
from flask_babel import gettext, lazy_gettext

from accounts.access import team_required
from core.paging import page
from kb import face_debts, forms
from kb.face_debts import Debt
from kb.models import Article
from kb.views.edge import bp, show

A_PAGE: Final = 25
LISTS: Final = {"missing": lazy_gettext("Missing"), "older": lazy_gettext("Older than the article")}


@bp.get("/kb/faces")
@team_required
def face_debts_page() -> Response:
    which = next((one for one in face_debts.LISTS if one == request.args.get("list")), face_debts.LISTS[0])
    found = page(face_debts.owing(which), by=(Article.id,), cursor=request.args.get("page"), size=A_PAGE)
    owed = face_debts.debts_of(found.items)
    return show(
        "kb/face_debts.html",
        which=which,
        lists=LISTS,
        counts=face_debts.counts(),
        page=found,
        owed={
            article.id: [_label(debt) for debt in owed.get(article.id, ()) if debt.state == which]
            for article in found.items
        },
    )


def _label(debt: Debt) -> str:
    label = str(forms.FACE_LABELS[debt.kind])
    return str(gettext("%(kind)s, with du", kind=label)) if debt.is_informal else label
