"""Who decides when an answer is late, for admins; what is given away, asked for and decided at the desk."""

from http import HTTPStatus

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import web
from core.db import db
from core.edge import REFUSALS, done, sent_before, show
from core.errors import Invalid
from desk import clock_words, escalation, goodwill, queries, sheets, teams
from desk.clock_forms import GoodwillForm, StepForm, choice
from desk.models import Conversation
from desk.views.clocks import clock_page, rules_page
from desk.views.edge import Answer, bp


@bp.post("/admin/clocks/steps")
@role_required("admin")
def post_step() -> Answer:
    form = StepForm()
    if not form.validate_on_submit():
        return rules_page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    channel, team = choice(form.channel.data), choice(form.team.data)
    try:
        escalation.add_step(
            channel_id=None if channel is None else queries.channel(channel).id,
            team_id=None if team is None else teams.team_by(team).id,
            after_minutes=form.after_minutes.data or 0,
            decider=_person(form.decider.data),
            deputy=_person(form.deputy.data),
            limit_cents=_limit(form.limit.data or ""),
            currency=(form.currency.data or "").strip().upper(),
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return rules_page(form, status=error.status)
    db.session.commit()
    return web.go(url_for(".clock_rules", _anchor="ladder"))


@bp.post("/admin/clocks/steps/<int:step_id>/removal")
@role_required("admin")
def remove_step(step_id: int) -> WerkzeugResponse:
    escalation.remove_step(escalation.step_by(step_id), by=me())
    db.session.commit()
    return web.go(url_for(".clock_rules", _anchor="ladder"))


@bp.post("/desk/conversations/<int:conversation_id>/goodwill")
@role_required("agent")
def ask_goodwill(conversation_id: int) -> Answer:
    form = GoodwillForm()
    is_fine = form.validate_on_submit()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    if not is_fine:
        return clock_page(conversation, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        given = goodwill.ask(
            conversation,
            amount=form.amount.data or "",
            currency=form.currency.data or "",
            reason=form.reason.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        return clock_page(conversation, form, status=error.status)
    onward = done(form, _clock_url(conversation))
    flash(
        gettext("It is granted.") if given.state == "granted" else gettext("Somebody with a higher limit decides."),
        "good",
    )
    return onward


@bp.post("/desk/goodwill/<int:goodwill_id>/decision")
@role_required("agent")
def decide_goodwill(goodwill_id: int) -> WerkzeugResponse:
    given = goodwill.by_id(goodwill_id)
    verdict = request.form.get("verdict", "")
    if verdict not in {"granted", "declined"}:
        raise Invalid(gettext("Please grant or decline it."))
    goodwill.decide(given, is_granted=verdict == "granted", answer=request.form.get("answer", ""), by=me())
    db.session.commit()
    return web.go(_clock_url(given.conversation))


@bp.get("/desk/goodwill")
@role_required("agent")
def goodwill_list() -> Response:
    page = goodwill.listed(request.args.get("page"))
    return show("desk/goodwill.html", page=page, words=clock_words, written_amount=goodwill.written_amount)


@bp.get("/desk/goodwill.csv")
@role_required("agent")
def goodwill_sheet() -> Response:
    head = ["asked", "conversation", "amount", "currency", "reason", "asked_by", "state"]
    head += ["decided_by", "decided", "answer"]
    rows = (
        (
            one.asked_at.isoformat(),
            one.conversation_id,
            f"{one.amount_cents // 100}.{one.amount_cents % 100:02}",
            one.currency,
            one.reason,
            "" if one.asked_by is None else one.asked_by.name,
            one.state,
            "" if one.decider is None else one.decider.name,
            "" if one.decided_at is None else one.decided_at.isoformat(),
            one.answer,
        )
        for one in goodwill.everything()
    )
    return sheets.answer("goodwill", head, rows)


def _person(typed: str | None) -> User | None:
    user_id = choice(typed)
    return None if user_id is None else people.by_id(user_id)


def _limit(typed: str) -> int:
    if not typed.strip() or not typed.strip("0.,"):
        return 0
    try:
        return goodwill.read_amount(typed)
    except Invalid as error:
        raise Invalid(error.sentence, fields={"limit": error.sentence}) from None


def _clock_url(conversation: Conversation) -> str:
    return url_for(".show_clock", conversation_id=conversation.id, _anchor="goodwill")
