"""Many conversations at once: seen first, then done, and the way back."""

from collections.abc import Sequence

from flask import Response, flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import texts, web
from core.db import LARGEST_ID, db
from core.edge import REFUSALS, show
from core.errors import Invalid, KlinkeError, NotFound
from desk import bulk, inbox_forms, queries, teams
from desk.inbox_models import DeskBulkDeed
from desk.models import Conversation
from desk.team_models import Team
from desk.views.edge import bp

LATEST = 20
NAMED = 5
"""So many conversations that stayed as they are are named in the message; the others are counted."""


@bp.get("/desk/bulk")
@role_required("agent")
def bulk_deeds() -> Response:
    """Show what was done to many at once, with the way back."""
    return show("desk/bulk_deeds.html", deeds=bulk.latest(LATEST), words=bulk.DEEDS)


@bp.post("/desk/bulk")
@role_required("agent")
def do_in_bulk() -> Response | WerkzeugResponse:
    """Show what a deed would do to the chosen conversations; do it once that has been seen."""
    deed = request.form.get("deed", "")
    try:
        found = bulk.chosen(_ids(), by=me())
        if deed not in bulk.DEEDS:
            raise Invalid(gettext("Please choose what to do."))
    except REFUSALS as error:
        flash(error.sentence, "bad")
        return web.go(_back())
    if "do" not in request.form:
        return _preview(deed, found)
    try:
        outcome = bulk.do(deed, found, wanted=_wanted(deed), by=me(), seals=_seals())
    except REFUSALS as error:
        db.session.rollback()
        return _preview(deed, bulk.chosen(_ids(), by=me()), refused=error)
    db.session.commit()
    _say(outcome)
    return web.go(url_for(".bulk_deeds") if outcome.deed is not None else _back())


@bp.post("/desk/bulk/<int:deed_id>/undo")
@role_required("agent")
def undo_in_bulk(deed_id: int) -> WerkzeugResponse:
    done = db.session.get(DeskBulkDeed, deed_id) if deed_id <= LARGEST_ID else None
    if done is None:
        raise NotFound
    outcome = bulk.undo(done, by=me())
    db.session.commit()
    _say(outcome)
    return web.go(url_for(".bulk_deeds"))


def _preview(deed: str, found: Sequence[Conversation], *, refused: KlinkeError | None = None) -> Response:
    return show(
        "desk/bulk.html",
        refused=refused,
        deed=deed,
        words=bulk.DEEDS,
        found=found,
        seals={one.id: bulk.seal(one) for one in found},
        stays={one.id: bulk.check(deed, one) for one in found},
        agents=queries.agents() if deed == "assign" else [],
        teams=teams.everyone() if deed == "team" else [],
        typed=request.form,
        view=request.form.get("view", ""),
    )


def _ids() -> list[int]:
    typed = (texts.number(value) for value in request.form.getlist("conversations")[: bulk.MOST + 1])
    return [number for number in typed if number is not None and 0 < number <= LARGEST_ID]


def _seals() -> dict[int, str]:
    pairs = (value.partition(":") for value in request.form.getlist("seen")[: bulk.MOST])
    return {number: seal for typed, _, seal in pairs if (number := texts.number(typed)) is not None}


def _wanted(deed: str) -> bulk.Wanted:
    if deed == "snooze":
        return bulk.Wanted(
            until=inbox_forms.until(request.form.get("minutes", ""), request.form.get("until", ""), by=me())
        )
    if deed == "assign":
        return bulk.Wanted(assignee=_assignee(request.form.get("assignee", "")))
    if deed == "team":
        return bulk.Wanted(team=_team(request.form.get("team", "")))
    return bulk.Wanted()


def _assignee(typed: str) -> User | None:
    if not typed:
        return None
    number = texts.number(typed)
    found = None if number is None else people.by_id(number)
    if found is None:
        sentence = gettext("There is nobody of this name at the desk.")
        raise Invalid(sentence, fields={"assignee": sentence})
    return found


def _team(typed: str) -> Team | None:
    if not typed:
        return None
    number = texts.number(typed)
    found = None if number is None or number > LARGEST_ID else db.session.get(Team, number)
    if found is None:
        sentence = gettext("There is no such team.")
        raise Invalid(sentence, fields={"team": sentence})
    return found


def _back() -> str:
    return url_for(".inbox", view=request.form.get("view") or None)


def _say(outcome: bulk.Outcome) -> None:
    flash(
        ngettext("%(num)s conversation changed.", "%(num)s conversations changed.", outcome.changed),
        "good" if outcome.changed or not outcome.refused else "info",
    )
    refused = list(outcome.refused.items())
    for conversation_id, sentence in refused[:NAMED]:
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        name = conversation.contact.name or conversation.contact.handle
        flash(gettext("%(name)s: %(sentence)s", name=name, sentence=sentence), "info")
    if len(refused) > NAMED:
        more = len(refused) - NAMED
        flash(ngettext("%(num)s more stays as it is.", "%(num)s more stay as they are.", more), "info")
