"""Where a conversation stands and who has it, what became of a message, and what came of an article."""

from flask import flash, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import texts
from core.db import db
from core.errors import Invalid
from desk import conversations, outcomes, queries, replies
from desk.models import CONVERSATION_STATES, ConversationState
from desk.views.edge import back_to, bp


@bp.post("/desk/uses/<int:use_id>/outcome")
@role_required("agent")
def tell_outcome(use_id: int) -> WerkzeugResponse:
    message = outcomes.note(use_id, request.form.get("outcome", ""), by=me())
    db.session.commit()
    return back_to(message.conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/state")
@role_required("agent")
def change_state(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    conversations.change_state(conversation, _state(request.form.get("state", "")), by=me())
    db.session.commit()
    return back_to(conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/assignment")
@role_required("agent")
def assign(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    assignee = request.form.get("assignee", "")
    if assignee == "me":
        conversations.take(conversation, by=me())
    else:
        conversations.assign(conversation, _colleague(assignee), by=me())
    db.session.commit()
    return back_to(conversation_id)


@bp.post("/desk/messages/<int:message_id>/attempts")
@role_required("agent")
def send_again(message_id: int) -> WerkzeugResponse:
    message = queries.visible_message(message_id, viewer=current_user)
    replies.send_again(message, by=me())
    db.session.commit()
    if message.second_try == "asked":
        flash(gettext("It is looked for at the service. If it is not there, it is sent again."), "good")
    else:
        flash(gettext("It is on its way again."), "good")
    return back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/messages/<int:message_id>/sent")
@role_required("agent")
def mark_sent(message_id: int) -> WerkzeugResponse:
    message = queries.visible_message(message_id, viewer=current_user)
    replies.mark_sent(message, by=me())
    db.session.commit()
    return back_to(message.conversation_id, anchor=f"m{message_id}")


def _state(name: str) -> ConversationState:
    if name not in CONVERSATION_STATES:
        raise Invalid(gettext("A conversation cannot be put into this state."))
    return name


def _colleague(typed: str) -> User | None:
    if not typed:
        return None
    user_id = texts.number(typed)
    found = None if user_id is None else people.by_id(user_id)
    if found is None:
        raise Invalid(gettext("There is nobody of this name at the desk."))
    return found
