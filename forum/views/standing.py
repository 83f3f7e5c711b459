"""What a member's standing is: their level of trust and what it allows, their points, and whether they are listed."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import login_required, me, role_required
from accounts.models import User
from core import paging, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotAllowed, NotFound
from core.settings import current_settings
from forum import forms, leaders, points, policy, trust
from forum.models import PointEntry
from forum.views.edge import bp, show

PAGE_SIZE = 30
HIGHEST = trust.LEVELS[-1]


@bp.get("/trust", endpoint="trust")
@login_required
def show_trust() -> Response:
    user = me()
    level = trust.level_of(user)
    return show(
        "forum/standing/trust.html",
        level=level,
        levels=trust.LEVELS,
        names=trust.NAMES,
        standing=trust.standing_of(user),
        measured=trust.measure(user),
        points=points.total_now(user, viewer=user),
        needs=_needs_above(user, level),
        limits=current_settings(),
    )


@bp.get("/trust/points", endpoint="points")
@login_required
def show_points() -> Response:
    mine = points.entries(me(), viewer=me())
    return show(
        "forum/standing/points.html",
        entries=paging.page(mine, by=(PointEntry.id,), cursor=request.args.get("page"), size=PAGE_SIZE),
        total=points.total_now(me(), viewer=me()),
        limits=current_settings(),
    )


@bp.post("/trust/listing")
@login_required
def choose_listing() -> WerkzeugResponse:
    """Have oneself named in lists of who helps, or not."""
    leaders.list_person(me(), is_listed=request.form.get("listed") == "yes")
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(url_for(".trust") + "#listing")


@bp.route("/moderation/people/<handle>/trust", methods=["GET", "POST"])
@role_required("moderator")
def set_trust(handle: str) -> Response | WerkzeugResponse:
    person = people.by_handle(handle)
    if person is None:
        raise NotFound
    standing = trust.standing_of(person)
    form = forms.TrustForm(level=str(person.trust) if standing.is_fixed else forms.EARNED)
    if request.method == "GET":
        return _trust_page(person, form)
    if not policy.may_set_trust(current_user, person):
        raise NotAllowed(gettext("You cannot set this person's level."))
    if not form.validate():
        return _trust_page(person, form, status=UNPROCESSABLE)
    level = None if form.level.data == forms.EARNED else int(form.level.data)
    try:
        trust.set_level(person, level, by=me(), reason=form.reason.data or "")
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _trust_page(person, form, refused=error)
    db.session.commit()
    flash(gettext("Done. It holds from now on, and stands in the log."), "good")
    return web.go(url_for(".show_person", handle=person.handle))


def _needs_above(user: User, level: int) -> Any:
    if user.is_team or level == HIGHEST:
        return []
    if level == trust.NEW:
        return trust.needs_of_new(user)
    return trust.needs(level + 1, trust.measure(user))


def _trust_page(
    person: User, form: forms.TrustForm, *, status: int = 200, refused: KlinkeError | None = None
) -> Response:
    return show(
        "forum/standing/set_trust.html",
        person=person,
        form=form,
        names=trust.NAMES,
        level=trust.level_of(person),
        standing=trust.standing_of(person),
        measured=trust.measure(person),
        may_set=policy.may_set_trust(current_user, person),
        status=status,
        refused=refused,
    )
