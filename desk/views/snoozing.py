"""Putting a conversation out of the way, bringing it back, and what became of it so far."""

from datetime import datetime

from flask import Response, flash, request
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from accounts.models import AuditEntry, User
from core import i18n
from core.db import db
from core.edge import show
from core.errors import Invalid
from desk import inbox_forms, queries, snoozing
from desk.views.edge import back_to, bp

MOST_ENTRIES = 200


@bp.post("/desk/conversations/<int:conversation_id>/snooze")
@role_required("agent")
def snooze(conversation_id: int) -> Response | WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    try:
        until = inbox_forms.until(request.form.get("minutes", ""), request.form.get("until", ""), by=me())
        snoozing.snooze(conversation, until, by=me())
    except Invalid as error:
        db.session.rollback()
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        return show(
            "desk/snooze.html",
            status=error.status,
            conversation=conversation,
            typed=request.form.get("until", ""),
            sentence=error.sentence,
        )
    db.session.commit()
    flash(
        gettext("It is out of the way and comes back %(time)s, or when the customer writes.", time=i18n.ago(until)),
        "good",
    )
    return back_to(conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/waking")
@role_required("agent")
def wake(conversation_id: int) -> WerkzeugResponse:
    snoozing.wake(queries.visible_conversation(conversation_id, viewer=current_user), by=me())
    db.session.commit()
    return back_to(conversation_id)


@bp.get("/desk/conversations/<int:conversation_id>/history")
@role_required("agent")
def show_history(conversation_id: int) -> Response:
    """Show who changed what about a conversation, the newest first."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_kind == "conversation", AuditEntry.subject_id == conversation_id)
        .order_by(AuditEntry.id.desc())
        .limit(MOST_ENTRIES)
    ).all()
    assigned = {
        user_id
        for entry in entries
        for side in (entry.before, entry.after)
        if side
        for user_id in (side.get("assignee"), side.get("to"), *(side.get("drafters") or ()))
        if user_id is not None
    }
    names = {row[0]: row[1] for row in db.session.execute(select(User.id, User.name).where(User.id.in_(assigned)))}

    def named(ids: list[int]) -> str:
        return ", ".join(names.get(user_id, gettext("Somebody")) for user_id in ids)

    return show(
        "desk/history.html", conversation=conversation, entries=entries, names=names, named=named, moment=_moment
    )


def _moment(said: str) -> str:
    return i18n.moment(datetime.fromisoformat(said))
