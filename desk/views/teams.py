"""Teams and what their people can do, for admins; who is away, for everybody at the desk; whose a conversation is."""

from http import HTTPStatus

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import SelectChoice

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import web
from core.db import db
from core.edge import REFUSALS, show
from core.errors import Invalid, NotFound
from desk import absences, clock_words, policy, queries, teams
from desk.clock_forms import AbsenceForm, ProfileForm, TeamForm, choice, moment
from desk.team_models import Team
from desk.views.edge import Answer, back_to, bp


@bp.get("/admin/teams")
@role_required("lead")
def team_list() -> Response:
    agents = queries.agents()
    return show(
        "desk/teams.html",
        teams=teams.with_members(),
        agents=agents,
        profiles=teams.profiles([agent.id for agent in agents]),
        channel_names={one.id: one.name for one in queries.channels()},
        way_name=way_name,
    )


@bp.get("/admin/teams/new")
@role_required("lead")
def new_team() -> Response:
    return _team_page(TeamForm(formdata=None, way="turn"), None)


@bp.post("/admin/teams")
@role_required("lead")
def post_team() -> Answer:
    return _save(None)


@bp.get("/admin/teams/<int:team_id>")
@role_required("lead")
def edit_team(team_id: int) -> Response:
    team = teams.team_by(team_id)
    form = TeamForm(
        formdata=None,
        name=team.name,
        way=team.way,
        channels=[str(one) for one in team.channel_ids],
        languages=", ".join(team.languages),
        skills=", ".join(team.skills),
        members=[str(member.user_id) for member in team.members],
    )
    return _team_page(form, team)


@bp.post("/admin/teams/<int:team_id>")
@role_required("lead")
def save_team(team_id: int) -> Answer:
    return _save(teams.team_by(team_id))


@bp.post("/admin/teams/<int:team_id>/removal")
@role_required("lead")
def remove_team(team_id: int) -> WerkzeugResponse:
    teams.remove(teams.team_by(team_id), by=me())
    db.session.commit()
    return web.go(url_for(".team_list"))


@bp.get("/admin/agents/<int:user_id>")
@role_required("lead")
def edit_agent(user_id: int) -> Response:
    agent = _agent(user_id)
    profile = teams.profile_of(agent)
    form = ProfileForm(
        formdata=None,
        languages=", ".join(profile.languages),
        skills=", ".join(profile.skills),
        capacity=profile.capacity,
    )
    return show("desk/agent.html", form=form, agent=agent)


@bp.post("/admin/agents/<int:user_id>")
@role_required("lead")
def save_agent(user_id: int) -> Answer:
    form, agent = ProfileForm(), _agent(user_id)
    if not form.validate_on_submit():
        return show("desk/agent.html", form=form, agent=agent, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        teams.describe(
            agent,
            languages=form.languages.data or "",
            skills=form.skills.data or "",
            capacity=form.capacity.data or 0,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return show("desk/agent.html", form=form, agent=_agent(user_id), status=error.status)
    db.session.commit()
    return web.go(url_for(".team_list"))


@bp.get("/desk/absences")
@role_required("agent")
def absence_list() -> Response:
    return _absences_page(AbsenceForm(formdata=None, person=str(current_user.id)))


@bp.post("/desk/absences")
@role_required("agent")
def post_absence() -> Answer:
    form = AbsenceForm()
    if not form.validate_on_submit():
        return _absences_page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    person, zone = _person(form.person.data) or me(), clock_words.zone()
    starts, ends = moment(form.starts.data or "", zone), moment(form.ends.data or "", zone)
    try:
        if starts is None or ends is None:
            raise Invalid(fields={"starts" if starts is None else "ends": gettext("Please give a date and a time.")})
        absences.announce(person, starts_at=starts, ends_at=ends, deputy=_person(form.deputy.data), by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _absences_page(form, status=error.status)
    db.session.commit()
    return web.go(url_for(".absence_list"))


@bp.post("/desk/absences/<int:absence_id>/removal")
@role_required("agent")
def withdraw_absence(absence_id: int) -> WerkzeugResponse:
    absences.withdraw(absences.absence_by(absence_id), by=me())
    db.session.commit()
    return web.go(url_for(".absence_list"))


@bp.post("/desk/conversations/<int:conversation_id>/team")
@role_required("agent")
def give_to_team(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    chosen = choice(request.form.get("team"))
    team = None if chosen is None else teams.team_by(chosen)
    teams.give(conversation, team, by=me())
    db.session.commit()
    if team is not None:
        flash(gettext("It is with %(name)s now.", name=team.name), "good")
    return back_to(conversation_id)


def way_name(way: str) -> str:
    """Return how a team's conversations find somebody."""
    if way == "turn":
        return str(gettext("to each in turn"))
    if way == "room":
        return str(gettext("to who has most room"))
    return str(gettext("to nobody by themselves"))


def _save(team: Team | None) -> Answer:
    form = TeamForm()
    if not form.validate_on_submit():
        return _team_page(form, team, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    team_id = None if team is None else team.id
    try:
        teams.save(
            team,
            name=form.name.data or "",
            way=form.way.data or "",
            channel_ids=[one for typed in form.channels.data or () if (one := choice(typed)) is not None],
            languages=form.languages.data or "",
            skills=form.skills.data or "",
            member_ids=[one for typed in form.members.data or () if (one := choice(typed)) is not None],
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _team_page(form, None if team_id is None else teams.team_by(team_id), status=error.status)
    db.session.commit()
    return web.go(url_for(".team_list"))


def _team_page(form: TeamForm, team: Team | None, *, status: int = HTTPStatus.OK) -> Response:
    form.way.choices = [SelectChoice(way, way_name(way)) for way in ("turn", "room", "nobody")]
    form.channels.choices = [SelectChoice(str(one.id), one.name) for one in queries.channels()]
    form.members.choices = [SelectChoice(str(agent.id), agent.name) for agent in queries.agents()]
    return show("desk/team.html", form=form, team=team, status=status)


def _absences_page(form: AbsenceForm, *, status: int = HTTPStatus.OK) -> Response:
    agents = [SelectChoice(str(agent.id), agent.name) for agent in queries.agents()]
    mine = [one for one in agents if one.value == str(current_user.id)]
    form.person.choices = agents if current_user.has_role("lead") else mine
    form.deputy.choices = [SelectChoice("", gettext("nobody")), *agents]
    return show(
        "desk/absences.html",
        form=form,
        absences=absences.upcoming(),
        words=clock_words,
        may_withdraw=policy.may_say_who_is_away,
        status=status,
    )


def _agent(user_id: int) -> User:
    found = people.by_id(user_id)
    if found is None or not policy.may_work(found):
        raise NotFound
    return found


def _person(typed: str | None) -> User | None:
    user_id = choice(typed)
    return None if user_id is None else people.by_id(user_id)
