"""Warning whoever is about to post something private in public, and the rules for that, for admins."""

from collections.abc import Iterable

from flask import Response, flash, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import personal, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from core.forms import Form
from core.personal import Finding
from forum import forms, personal_data
from forum.forms import RULE_DEEDS
from forum.views.edge import bp, show

LONGEST_TRIAL = 2000


def stops(form: Form, texts: Iterable[str], *, known: str = "") -> bool:
    """Tell whether there is something private in these texts that its writer has not been shown yet.

    The form keeps what was found, and the page shows it. What stands in `known` already, as before an edit, is not new.
    """
    rules = personal_data.rules()
    before = {one.key for one in personal.find(known, rules=rules)} if known else set()
    found: dict[str, Finding] = {}
    for text in texts:
        for one in personal.find(text, rules=rules):
            if one.key not in before:
                found.setdefault(one.key, one)
    form.private = list(found.values())
    form.private_seal = personal_data.seal(form.private)
    form.is_private_seen = bool(found) and request.form.get("private") == form.private_seal
    return bool(found) and not form.is_private_seen


@bp.get("/admin/personal-data")
@role_required("admin")
def personal_rules() -> Response:
    return _page(forms.PersonalRuleForm(formdata=None))


@bp.post("/admin/personal-data")
@role_required("admin")
def post_personal_rule() -> Response | WerkzeugResponse:
    form = forms.PersonalRuleForm()
    if not form.validate():
        return _page(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        personal_data.add(form.words.data or "", deed=form.deed.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, refused=error)
    flash(gettext("The rule holds from now on."), "good")
    return done(form, url_for(".personal_rules"))


@bp.post("/admin/personal-data/<int:rule_id>/remove")
@role_required("admin")
def remove_personal_rule(rule_id: int) -> WerkzeugResponse:
    personal_data.forget(rule_id, by=me())
    db.session.commit()
    flash(gettext("The rule is gone."), "good")
    return web.go(url_for(".personal_rules"))


def _page(form: forms.PersonalRuleForm, *, status: int = 200, refused: KlinkeError | None = None) -> Response:
    trial = request.args.get("trial", "")[:LONGEST_TRIAL]
    return show(
        "forum/personal_rules.html",
        form=form,
        known=personal_data.known(),
        deeds=RULE_DEEDS,
        trial=trial,
        found=personal_data.find(trial) if trial else [],
        status=status,
        refused=refused,
    )
