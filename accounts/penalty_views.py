"""Silencing and suspending by hand, and the page where a person reads why and objects."""

from typing import Any

from flask import flash, request, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from flask_login import current_user
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from accounts import attempts, penalties, people, policy, queries, staged
from accounts.access import login_required, me, role_required
from accounts.models import User
from accounts.views import Answer, bp, page, refused
from core import web
from core.db import db
from core.errors import KlinkeError, NotAllowed, NotFound
from core.forms import BlockField, Form, LineField
from core.settings import current_settings

FOR_GOOD = "0"


class PenaltyForm(Form):
    kind = RadioField(
        lazy_gettext("What happens"),
        choices=[
            SelectChoice("silence", lazy_gettext("Silence: reads and can object, writes nothing")),
            SelectChoice("suspension", lazy_gettext("Suspension: cannot sign in, and is signed out everywhere")),
        ],
        default="silence",
    )
    days = RadioField(lazy_gettext("For how long"), choices=[], default="1")
    reason = BlockField(
        lazy_gettext("Reason"),
        longest=penalties.LONGEST_REASON,
        shortest=penalties.SHORTEST_REASON,
        description=lazy_gettext("The person reads it and gets it by mail, and it stands in the log."),
    )

    def offer(self) -> None:
        """Let the moderator choose one of the presets."""
        days: list[tuple[str, Any]] = [
            (str(number), ngettext("%(num)s day", "%(num)s days", number))
            for number in current_settings().penalty_presets
        ]
        self.days.choices = [SelectChoice(*one) for one in [*days, (FOR_GOOD, gettext("until somebody lifts it"))]]


class LiftForm(Form):
    reason = LineField(lazy_gettext("Reason"), longest=penalties.LONGEST_REASON, shortest=0)


class ObjectionForm(Form):
    words = BlockField(
        lazy_gettext("What the team should look at again"),
        longest=penalties.LONGEST_OBJECTION,
        shortest=penalties.SHORTEST_OBJECTION,
    )


@bp.route("/moderation/people/<handle>", methods=["GET", "POST"])
@role_required("moderator")
def penalise(handle: str) -> Answer:
    person = _person(handle)
    form = PenaltyForm()
    form.offer()
    if form.validate_on_submit():
        try:
            days = None if form.days.data == FOR_GOOD else int(form.days.data)
            penalties.impose(person, kind=form.kind.data, days=days, reason=form.reason.data or "", by=me())
        except NotAllowed:
            raise
        except KlinkeError as error:
            return refused(form, error, "accounts/penalise.html", **_about(_person(handle)))
        db.session.commit()
        flash(gettext("Done. The reason is on its way by mail, with an address to object."), "good")
        return web.go(url_for(".penalise", handle=person.handle))
    return page(form, "accounts/penalise.html", **_about(person))


@bp.post("/moderation/people/<handle>/lift")
@role_required("moderator")
def lift_penalty(handle: str) -> Answer:
    person = _person(handle)
    form = LiftForm()
    penalties.lift(person, by=me(), reason=(form.reason.data or "") if form.validate() else "")
    db.session.commit()
    flash(gettext("Lifted. This person can come in and write again."), "good")
    return web.go(url_for(".penalise", handle=person.handle))


@bp.post("/moderation/people/<handle>/closing")
@role_required("moderator")
def close_staged(handle: str) -> Answer:
    """Take nothing more from where a staged person came from, or (`to` is `open`) take it again."""
    person = _person(handle)
    if not person.is_staged:
        raise NotFound
    if request.form.get("to") == "open":
        staged.open_again(person, by=me())
    else:
        staged.close(person, by=me())
    db.session.commit()
    flash(gettext("Saved, and written into the log."), "good")
    return web.go(f"/u/{person.handle}")


@bp.route("/penalty/<penalty_key>", methods=["GET", "POST"])
def object_to_penalty(penalty_key: str) -> Answer:
    """Show why somebody is silenced or suspended to whoever has the address from the mail, and take an objection."""
    penalty = penalties.by_key(penalty_key)
    form = ObjectionForm()
    if form.validate_on_submit():
        try:
            attempts.count_at_door("objection", request.remote_addr)
            penalties.object_to(penalty, words=form.words.data or "")
        except KlinkeError as error:
            return refused(form, error, "accounts/penalty.html", penalty=penalties.by_key(penalty_key))
        db.session.commit()
        flash(gettext("Your objection is with the team. This page says what holds."), "good")
        return web.go(url_for(".object_to_penalty", penalty_key=penalty_key))
    return page(form, "accounts/penalty.html", penalty=penalty)


@bp.get("/penalty")
@login_required
def own_penalty() -> Answer:
    """Lead a silenced person to the reason."""
    penalty = penalties.of(me())
    return web.go("/" if penalty is None else url_for(".object_to_penalty", penalty_key=penalty.key))


def _person(handle: str) -> User:
    person = people.by_handle(handle)
    if person is None:
        raise NotFound
    return person


def _about(person: User) -> dict[str, Any]:
    return {
        "person": person,
        "penalty": penalties.of(person),
        "past": queries.penalties_of(person),
        "may_penalise": policy.may_penalise(current_user, person),
        "lift_form": LiftForm(formdata=None),
    }
