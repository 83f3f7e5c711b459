"""The team's draft of a reply: kept while somebody types, put away, and had back."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts
from core.db import db
from core.edge import REFUSALS
from core.errors import KlinkeError
from desk import queries, reuse, shared_drafts
from desk.draft_models import SharedDraft
from desk.forms import ReplyForm
from desk.models import Conversation
from desk.shared_drafts import WrittenMeanwhile
from desk.views import composing
from desk.views.edge import back_to, bp


@bp.post("/desk/conversations/<int:conversation_id>/draft")
@role_required("agent")
def keep_draft(conversation_id: int) -> Response:
    """Keep what is typed, as the page does by itself in pauses of typing; answer with how it stands, for the page."""
    conversation = queries.bare_conversation(conversation_id, viewer=current_user)
    form = ReplyForm()
    written = composing.written(form, reuse.read_all(request.form.getlist("uses")[: reuse.MOST]))
    try:
        draft = shared_drafts.save(conversation, written, by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _state(conversation_id, None, refused=error)
    db.session.commit()
    return _state(conversation_id, draft)


@bp.post("/desk/drafts/<int:draft_id>/dropping")
@role_required("agent")
def drop_draft(draft_id: int) -> WerkzeugResponse:
    draft = shared_drafts.visible_draft(draft_id, viewer=current_user)
    conversation_id = draft.conversation_id
    shared_drafts.drop(draft, version=texts.number(request.form.get("drop_version", "")), by=me())
    db.session.commit()
    flash(f"reply:{conversation_id}-{current_user.id}", "draft_done")
    flash(gettext("The draft is dropped. You can have it back for a day."), "good")
    return back_to(conversation_id, anchor="composer")


@bp.post("/desk/drafts/<int:draft_id>/restoring")
@role_required("agent")
def restore_draft(draft_id: int) -> WerkzeugResponse:
    draft = shared_drafts.visible_draft(draft_id, viewer=current_user)
    shared_drafts.restore(draft, by=me())
    db.session.commit()
    flash(gettext("The draft is back."), "good")
    return back_to(draft.conversation_id, anchor="composer")


def _state(conversation_id: int, draft: SharedDraft | None, *, refused: KlinkeError | None = None) -> Response:
    """Return the fragment; a clash shows the other text, so that nobody has to leave the page to choose."""
    conversation: Conversation = queries.bare_conversation(conversation_id, viewer=current_user)
    clashes = isinstance(refused, WrittenMeanwhile)
    if clashes:
        draft = shared_drafts.of(conversation, viewer=current_user).open
    page = render_template(
        "desk/_draft_state.html",
        conversation=conversation,
        draft=draft,
        clashes=clashes,
        refused=refused,
        version="" if draft is None or refused is not None else draft.version,
        name_of=shared_drafts.name_of,
    )
    return make_response(page, HTTPStatus.OK)
