"""What is promised and by which calendar, for admins; and the clock of one conversation with its history."""

from http import HTTPStatus
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import SelectChoice

from accounts.access import me, role_required
from core import timezones, web
from core.clock import now
from core.db import db
from core.edge import REFUSALS, show
from core.errors import KlinkeError
from core.settings import current_settings
from desk import clock_words, clocks, escalation, goodwill, queries, sla, teams
from desk.clock_forms import CalendarForm, GoodwillForm, PolicyForm, StepForm, choice, moment, region_name
from desk.clock_models import AnswerPolicy, Calendar
from desk.models import Conversation
from desk.views.edge import Answer, bp


@bp.get("/admin/clocks")
@role_required("admin")
def clock_rules() -> Response:
    """Show policies and calendars, and until when a message would be due that arrives at a moment one chooses."""
    return rules_page(StepForm(formdata=None))


def rules_page(form: StepForm, *, status: int = HTTPStatus.OK) -> Response:
    """Show the page with the form of a new step on it, as it was typed."""
    _offer(form)
    policies, zone = sla.policies_with_channels(), current_settings().time_zone
    typed = request.args.get("at", "")
    since = (moment(typed, zone) if typed else None) or now()
    chosen = choice(request.args.get("policy"))
    if "policy" not in request.args and policies:
        chosen = policies[0].id
    promise = sla.promise_of(chosen)
    place = promise.working.zone.key if promise.working is not None else zone
    return show(
        "desk/clock_rules.html",
        policies=policies,
        calendars=sla.calendars(),
        written_hours=sla.written_hours,
        region_name=region_name,
        settings=current_settings(),
        chosen=promise.policy_id,
        at=timezones.local(since, zone).strftime("%Y-%m-%dT%H:%M"),
        since=clock_words.wall(since, place),
        place=place,
        due={
            clock_words.promise_name(name): clock_words.wall(due, place)
            for name, due in sla.preview(promise, since).items()
            if due is not None
        },
        form=form,
        steps=escalation.steps(),
        team_names={team.id: team.name for team in teams.everyone()},
        written_amount=goodwill.written_amount,
        status=status,
        is_unreadable=bool(typed) and moment(typed, zone) is None,
    )


@bp.get("/admin/clocks/calendars/new")
@role_required("admin")
def new_calendar() -> Response:
    form = CalendarForm(formdata=None)
    form.show(None)
    return _calendar_page(form, None)


@bp.post("/admin/clocks/calendars")
@role_required("admin")
def post_calendar() -> Answer:
    return _save_calendar(None)


@bp.get("/admin/clocks/calendars/<int:calendar_id>")
@role_required("admin")
def edit_calendar(calendar_id: int) -> Response:
    calendar = sla.calendar_by(calendar_id)
    form = CalendarForm(formdata=None)
    form.show(calendar)
    return _calendar_page(form, calendar)


@bp.post("/admin/clocks/calendars/<int:calendar_id>")
@role_required("admin")
def save_calendar(calendar_id: int) -> Answer:
    return _save_calendar(sla.calendar_by(calendar_id))


@bp.post("/admin/clocks/calendars/<int:calendar_id>/removal")
@role_required("admin")
def remove_calendar(calendar_id: int) -> WerkzeugResponse:
    sla.remove_calendar(sla.calendar_by(calendar_id), by=me())
    db.session.commit()
    return web.go(url_for(".clock_rules"))


@bp.get("/admin/clocks/policies/new")
@role_required("admin")
def new_policy() -> Response:
    form = PolicyForm(formdata=None)
    form.show(None)
    return _policy_page(form, None)


@bp.post("/admin/clocks/policies")
@role_required("admin")
def post_policy() -> Answer:
    return _save_policy(None)


@bp.get("/admin/clocks/policies/<int:policy_id>")
@role_required("admin")
def edit_policy(policy_id: int) -> Response:
    found = sla.policy_by(policy_id)
    form = PolicyForm(formdata=None)
    form.show(found)
    return _policy_page(form, found)


@bp.post("/admin/clocks/policies/<int:policy_id>")
@role_required("admin")
def save_policy(policy_id: int) -> Answer:
    return _save_policy(sla.policy_by(policy_id))


@bp.post("/admin/clocks/policies/<int:policy_id>/removal")
@role_required("admin")
def remove_policy(policy_id: int) -> WerkzeugResponse:
    sla.remove_policy(sla.policy_by(policy_id), by=me())
    db.session.commit()
    return web.go(url_for(".clock_rules"))


@bp.get("/desk/conversations/<int:conversation_id>/clock")
@role_required("agent")
def show_clock(conversation_id: int) -> Response:
    """Show what is promised to one customer, and what the clock went through."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return clock_page(conversation, GoodwillForm(formdata=None))


def clock_page(conversation: Conversation, form: GoodwillForm, *, status: int = HTTPStatus.OK) -> Response:
    """Show the page with the form for goodwill on it, as it was typed."""
    events, given = clocks.history(conversation), goodwill.of(conversation)
    return show(
        "desk/clock.html",
        conversation=conversation,
        events=events,
        names=queries.names_in(events),
        words=clock_words,
        given=given,
        teams=teams.everyone(),
        decidable={one.id for one in given if goodwill.may_decide(one, me())},
        written_amount=goodwill.written_amount,
        form=form,
        status=status,
    )


def _offer(form: StepForm) -> None:
    """Fill the lists of a step's form."""
    agents = [SelectChoice(str(agent.id), agent.name) for agent in queries.agents()]
    form.channel.choices = [SelectChoice("", gettext("every channel"))]
    form.channel.choices += [SelectChoice(str(one.id), one.name) for one in queries.channels()]
    form.team.choices = [SelectChoice("", gettext("every team"))]
    form.team.choices += [SelectChoice(str(one.id), one.name) for one in teams.everyone()]
    form.decider.choices = agents
    form.deputy.choices = [SelectChoice("", gettext("nobody")), *agents]


def _save_calendar(calendar: Calendar | None) -> Answer:
    form = CalendarForm()
    if not form.validate_on_submit():
        return _calendar_page(form, calendar, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    calendar_id = None if calendar is None else calendar.id
    try:
        saved = sla.save_calendar(
            calendar,
            name=form.name.data or "",
            time_zone=form.time_zone.data or "",
            region=form.region.data or "",
            days=form.days,
            closed=form.closed.data or "",
            by=me(),
        )
    except REFUSALS as error:
        calendar = _begin_again(form, error, None if calendar_id is None else lambda: sla.calendar_by(calendar_id))
        return _calendar_page(form, calendar, status=error.status)
    db.session.commit()
    flash(gettext("%(name)s is saved. It counts for those who write from now on.", name=saved.name), "good")
    return web.go(url_for(".clock_rules"))


def _save_policy(found: AnswerPolicy | None) -> Answer:
    form = PolicyForm()
    if not form.validate_on_submit():
        return _policy_page(form, found, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    policy_id = None if found is None else found.id
    channel, calendar = choice(form.channel.data), choice(form.calendar.data)
    try:
        saved = sla.save_policy(
            found,
            name=form.name.data or "",
            channel_id=None if channel is None else queries.channel(channel).id,
            calendar_id=None if calendar is None else sla.calendar_by(calendar).id,
            from_priority=form.from_priority.data,
            intent=form.intent.data or "",
            minutes=form.minutes,
            rests_inside=form.rests_inside.data,
            by=me(),
        )
    except REFUSALS as error:
        found = _begin_again(form, error, None if policy_id is None else lambda: sla.policy_by(policy_id))
        return _policy_page(form, found, status=error.status)
    db.session.commit()
    flash(gettext("%(name)s is saved. It counts for those who write from now on.", name=saved.name), "good")
    return web.go(url_for(".clock_rules"))


def _begin_again(form: Any, error: KlinkeError, found: Any) -> Any:
    """Show what was refused at its fields; what was changed on the way is read anew."""
    db.session.rollback()
    form.refuse(error)
    return None if found is None else found()


def _calendar_page(form: CalendarForm, calendar: Calendar | None, *, status: int = HTTPStatus.OK) -> Response:
    form.offer()
    return show("desk/calendar.html", form=form, calendar=calendar, status=status)


def _policy_page(form: PolicyForm, found: AnswerPolicy | None, *, status: int = HTTPStatus.OK) -> Response:
    form.offer([(one.id, one.name) for one in queries.channels()], sla.calendars())
    return show("desk/answer_policy.html", form=form, policy=found, status=status)
