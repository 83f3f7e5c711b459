"""The queue of the team: one case by itself, taking it, deciding it, several at once, and undoing."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import login_required, me
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed
from forum import cases, forms, policy, reviewing
from forum.forms import FLAG_REASONS
from forum.models import ReviewCase
from forum.views.edge import bp, show
from forum.views.moderating import DEEDS, moderation_page

LONGEST_TYPED = 2000


@bp.get("/moderation/cases/<int:case_id>")
@login_required
def show_case(case_id: int) -> Response:
    return _page(_case(case_id))


@bp.post("/moderation/cases/<int:case_id>/claim")
@login_required
def claim_case(case_id: int) -> Response | WerkzeugResponse:
    return _done(case_id, lambda case: reviewing.claim(case, by=me()))


@bp.post("/moderation/cases/<int:case_id>/release")
@login_required
def release_case(case_id: int) -> Response | WerkzeugResponse:
    return _done(case_id, lambda case: reviewing.release(case, by=me()))


@bp.post("/moderation/cases/<int:case_id>/decision")
@login_required
def decide_case(case_id: int) -> Response | WerkzeugResponse:
    case = _case(case_id, deciding=True)
    form = forms.MuteForm() if request.form.get("deed") == "agree" else forms.DecisionForm()
    deed = request.form.get("deed", "")
    if not form.validate():
        return _page(case, decision=form, status=UNPROCESSABLE)
    muting = form if isinstance(form, forms.MuteForm) else None
    until, release = (muting.until_moment, bool(muting.release.data)) if muting is not None else (None, False)
    try:
        batch = reviewing.decide(case, deed, by=me(), reason=form.reason.data or "", until=until, release=release)
    except REFUSALS as error:
        return _refused(case_id, error, decision=form)
    db.session.commit()
    _tell(batch, 1)
    return web.go(url_for(".moderation"))


@bp.post("/moderation/cases/<int:case_id>/edit")
@login_required
def edit_case(case_id: int) -> Response | WerkzeugResponse:
    case = _case(case_id, deciding=True)
    form = forms.EditForm()
    form.fit(case.post.kind)
    if not form.validate():
        return _page(case, edit=form, status=UNPROCESSABLE)
    title = form.title.data if "title" in form else None
    try:
        reviewing.edit(case, source=form.source.data or "", title=title, version=form.version.data or 0, by=me())
    except REFUSALS as error:
        return _refused(case_id, error, edit=form)
    db.session.commit()
    flash(gettext("Changed, and visible to everybody."), "good")
    return web.go(url_for(".moderation"))


@bp.post("/moderation/cases")
@login_required
def decide_cases() -> Response | WerkzeugResponse:
    """Decide what is ticked in the queue."""
    form = forms.DecisionForm()
    ids = request.form.getlist("case", type=int)
    typed = request.form.get("reason", "")[:LONGEST_TYPED]
    if not form.validate():
        wrong = Invalid(" ".join(str(sentence) for sentence in form.reason.errors))
        return moderation_page(ticked=ids, reason=typed, complaint=wrong.sentence, refused=wrong)
    try:
        batch, done, missed = reviewing.decide_many(ids, form.deed.data or "", by=me(), reason=form.reason.data or "")
    except Invalid as error:
        db.session.rollback()
        return moderation_page(ticked=ids, reason=typed, complaint=error.sentence, refused=error)
    db.session.commit()
    if done:
        _tell(batch, done)
    if missed:
        flash(
            ngettext(
                "%(num)s was left as it is: somebody else has it.",
                "%(num)s were left as they are: somebody else has them.",
                missed,
            ),
            "warn",
        )
    return web.go(url_for(".moderation"))


@bp.post("/moderation/undo")
@login_required
def undo_decision() -> WerkzeugResponse:
    many = reviewing.undo(request.form.get("batch", "")[:40].replace("\0", ""), by=me())
    db.session.commit()
    flash(ngettext("%(num)s waits again.", "%(num)s wait again.", many), "good")
    return web.go(url_for(".moderation"))


def _case(case_id: int, *, deciding: bool = False) -> ReviewCase:
    if not policy.may_see_moderation(current_user):
        raise NotAllowed(gettext("This part is for the team."))
    if deciding and not policy.may_review(current_user):
        raise NotAllowed(gettext("Only moderators decide what waits here."))
    return reviewing.case(case_id)


def _done(case_id: int, deed: Any) -> Response | WerkzeugResponse:
    case = _case(case_id, deciding=True)
    try:
        deed(case)
    except REFUSALS as error:
        return _refused(case_id, error)
    db.session.commit()
    return web.go(url_for(".show_case", case_id=case_id))


def _refused(case_id: int, error: KlinkeError, **forms_typed: Any) -> Response:
    db.session.rollback()
    for form in forms_typed.values():
        if not isinstance(error, Conflict):
            form.refuse(error)
    return _page(reviewing.case(case_id), refused=error, **forms_typed)


def _tell(batch: str, many: int) -> None:
    flash(ngettext("%(num)s decided.", "%(num)s decided.", many), "good")
    flash(batch, "undo")


def _page(
    case: ReviewCase,
    *,
    decision: Any = None,
    edit: forms.EditForm | None = None,
    status: int = 200,
    refused: KlinkeError | None = None,
) -> Response:
    post = case.post
    if edit is None:
        edit = forms.EditForm(
            data={"title": post.topic.title, "source": post.source, "version": post.version}, formdata=None
        )
        edit.fit(post.kind)
    return show(
        "forum/moderation_case.html",
        case=case,
        decision=decision,
        edit=edit,
        earlier=reviewing.earlier_cases(case),
        history=reviewing.history(case),
        deed_words=lambda deed: DEEDS.get(deed, deed),
        is_claimed=reviewing.is_claimed(case),
        reasons=FLAG_REASONS,
        subject=cases.subject_of(post),
        conflict=refused.sentence if isinstance(refused, Conflict) else "",
        status=status,
        refused=refused,
    )
