"""The rules of the desk, for admins: written, tried out over the past, put in order, switched on and off."""

from http import HTTPStatus
from typing import Any

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import BooleanField, IntegerField, SelectChoice, SelectField, SelectMultipleField
from wtforms.validators import NumberRange, Optional

from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.edge import REFUSALS
from core.forms import Form, LineField
from desk import queries
from desk.triage import rules
from desk.triage.rules import LARGEST_REACH, LONGEST_WORDS
from desk.triage.shown import INTENT_NAMES
from desk.triage.tables import LONGEST_NAME, LONGEST_TAG, DeskRule
from desk.views.edge import Answer, bp

_REACH = (Optional(), NumberRange(0, LARGEST_REACH))
_CONDITIONS = ("words", "author", "channel", "locale", "intents", "reach_from", "reach_to")


class RuleForm(Form):
    name = LineField(_l("Name"), longest=LONGEST_NAME)
    words = LineField(
        _l("Words or phrases in the text"),
        longest=LONGEST_WORDS,
        shortest=0,
        description=_l("One of them is enough; separated by commas."),
    )
    author = LineField(_l("A part of the author’s name"), longest=100, shortest=0)
    channel = SelectField(_l("Channel"), validate_choice=True)
    locale = SelectField(
        _l("Language"),
        choices=[SelectChoice("", _l("any")), SelectChoice("de", "Deutsch"), SelectChoice("en", "English")],
    )
    intents = SelectMultipleField(_l("What it is"), choices=[SelectChoice(*one) for one in INTENT_NAMES.items()])
    reach_from = IntegerField(_l("Reach from"), validators=_REACH)
    reach_to = IntegerField(_l("Reach to"), validators=_REACH)
    tag = LineField(_l("Tag it"), longest=LONGEST_TAG, shortest=0)
    assign = SelectField(_l("Give it to"))
    lift = SelectField(
        _l("Move it in the queue"),
        choices=[
            SelectChoice("0", _l("not at all")),
            SelectChoice("1", _l("one band up")),
            SelectChoice("2", _l("two bands up")),
            SelectChoice("-1", _l("one band down")),
            SelectChoice("-2", _l("two bands down")),
        ],
    )
    mute = BooleanField(_l("Mute the conversation"))
    complete = BooleanField(_l("Complete it: no answer needed"))
    alert = BooleanField(_l("Tell the agents"))
    stops = BooleanField(_l("Ask no rule after this one"))

    def offer(self) -> None:
        """Offer the channels and the people that there are."""
        self.channel.choices = [SelectChoice("", _l("any")), *((one.slug, one.name) for one in queries.channels())]
        self.assign.choices = [SelectChoice("", _l("nobody")), *((str(one.id), one.name) for one in queries.agents())]

    @property
    def conditions(self) -> dict[str, Any]:
        return {name: self[name].data for name in _CONDITIONS}

    @property
    def deeds(self) -> dict[str, Any]:
        return {
            "tag": self.tag.data,
            "assign": texts.number(self.assign.data or ""),
            "lift": int(self.lift.data or 0),
            "mute": self.mute.data,
            "complete": self.complete.data,
            "alert": self.alert.data,
        }


@bp.get("/admin/rules")
@role_required("admin")
def rule_list() -> Response:
    return _page(_form(None), None)


@bp.post("/admin/rules")
@role_required("admin")
def post_rule() -> Answer:
    return _written(None)


@bp.get("/admin/rules/<int:rule_id>")
@role_required("admin")
def edit_rule(rule_id: int) -> Response:
    """Show a rule, and what it would have done over the last weeks."""
    found = rules.rule(rule_id)
    return _page(_form(found), found, trial=rules.try_out(found.conditions, found.deeds))


@bp.post("/admin/rules/<int:rule_id>")
@role_required("admin")
def save_rule(rule_id: int) -> Answer:
    return _written(rules.rule(rule_id))


@bp.post("/admin/rules/<int:rule_id>/switch")
@role_required("admin")
def switch_rule(rule_id: int) -> WerkzeugResponse:
    rules.switch(rules.rule(rule_id), on=request.form.get("to") == "on", by=me())
    db.session.commit()
    return web.go(url_for(".rule_list"))


@bp.post("/admin/rules/<int:rule_id>/place")
@role_required("admin")
def move_rule(rule_id: int) -> WerkzeugResponse:
    rules.move(rules.rule(rule_id), up=request.form.get("to") == "up", by=me())
    db.session.commit()
    return web.go(url_for(".rule_list"))


@bp.post("/admin/rules/<int:rule_id>/removal")
@role_required("admin")
def remove_rule(rule_id: int) -> WerkzeugResponse:
    rules.remove(rules.rule(rule_id), by=me())
    db.session.commit()
    return web.go(url_for(".rule_list"))


def _written(existing: DeskRule | None) -> Answer:
    form = RuleForm()
    form.offer()
    rule_id = None if existing is None else existing.id
    if not form.validate():
        return _page(form, existing, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if "try" in request.form:
        return _tried(form, existing)
    try:
        kept = rules.write(
            existing,
            name=form.name.data or "",
            conditions=form.conditions,
            deeds=form.deeds,
            stops=bool(form.stops.data),
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, None if rule_id is None else rules.rule(rule_id), status=error.status)
    db.session.commit()
    flash(gettext("The rule is kept."), "good")
    return web.go(url_for(".edit_rule", rule_id=kept.id))


def _tried(form: RuleForm, existing: DeskRule | None) -> Answer:
    """Show what the rule as it is typed would have done; nothing is kept."""
    try:
        _name, conditions, deeds = rules.checked(form.name.data or "", form.conditions, form.deeds)
    except REFUSALS as error:
        form.refuse(error)
        return _page(form, existing, status=error.status)
    return _page(form, existing, trial=rules.try_out(conditions, deeds))


def _form(found: DeskRule | None) -> RuleForm:
    data: dict[str, Any] = {"lift": "0"}
    if found is not None:
        data |= {**found.conditions, **found.deeds, "name": found.name, "stops": found.stops}
        data["words"] = ", ".join(found.conditions.get("words", ()))
        data["lift"] = str(found.deeds.get("lift", 0))
        data["assign"] = str(found.deeds.get("assign", ""))
    form = RuleForm(formdata=None, data=data)
    form.offer()
    return form


def _page(
    form: RuleForm, editing: DeskRule | None, *, trial: rules.Trial | None = None, status: int = HTTPStatus.OK
) -> Response:
    page = render_template(
        "desk/rules.html",
        rules=rules.rules(),
        form=form,
        editing=editing,
        trial=trial,
        deeds=rules.DEEDS,
        intent_names=INTENT_NAMES,
        days=rules.LOOKED_BACK.days,
    )
    return make_response(page, status)
