"""A second person lets a reply go out that waited for them."""

from collections.abc import Collection, Iterable

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from desk import approvals, holding, replies, shared_drafts
from desk.models import Message
from desk.promises import NewPromise
from desk.sending_models import HeldReply


def approve(
    held: HeldReply,
    *,
    text: str,
    by: User,
    confirmed: Collection[str] | None = None,
    promised: Iterable[NewPromise] = (),
) -> Message:
    """Queue the reply in its writer's name, as the second person left its text."""
    approvals.require_waiting(held, by=by)
    before, author, conversation = held.text, held.by, held.conversation
    at = held.send_at if held.send_at is not None and held.send_at > now() else None
    inserted, is_public = [(use[0], use[1]) for use in held.uses], held.is_public
    split, rule, drafters = held.split, held.rule, list(held.drafters)
    db.session.delete(held)
    db.session.flush()
    message = replies.reply(
        conversation,
        text=text,
        by=author,
        uses=inserted,
        is_public=is_public,
        confirmed=confirmed,
        promised=promised,
        manner=replies.Manner(
            split=split,  # type: ignore[arg-type]  # it was one when it was written
            at=at,
            undo_seconds=holding.undo_seconds(conversation.channel),
            approved_by=by,
        ),
    )
    shared_drafts.credit(message, drafters, by=author)
    audit.record(
        "desk.reply.approve", message, by=by, after={"author": author.id, "rule": rule, "is_edited": text != before}
    )
    return message
