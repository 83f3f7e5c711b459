"""What stands beside a reply while it is written: the search at the slash, and a look at what it found."""

from flask import render_template, request
from flask_login import current_user

from accounts.access import me, role_required
from core.errors import NotFound
from desk import finding, previewing, queries
from desk.views.edge import bp


@bp.get("/desk/conversations/<int:conversation_id>/offers")
@role_required("agent")
def offers(conversation_id: int) -> str:
    """Show what may be put into the reply, as the choices of a list alone."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    found = finding.find(conversation, request.args.get("q", ""), by=me())
    return render_template("desk/_offers.html", offers=found)


@bp.get("/desk/conversations/<int:conversation_id>/preview")
@role_required("agent")
def preview(conversation_id: int) -> str:
    """Show one article or answer beside the conversation, alone."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    found = previewing.of(request.args.get("what", ""), conversation, by=me())
    if found is None:
        raise NotFound
    return render_template("desk/_preview.html", conversation=conversation, preview=found)
