"""What became of a reply that carried an article: it helped, it did not, or it was about something else."""

from typing import Final

from sqlalchemy import select

from accounts.models import User
from core.db import LARGEST_ID, db
from core.errors import NotAllowed, NotFound
from desk import conversations, policy, queries
from desk.models import Message
from kb import judging
from kb.models import ArticleUse

QUIET: Final = frozenset({"solved", "waiting_customer", "no_answer"})


def note(use_id: int, outcome: str, *, by: User) -> Message:
    """Keep what a customer said of an article that was sent; that it did not help opens the conversation again.

    Returns the message that carried it.
    """
    if not policy.may_work(by):
        raise NotAllowed
    use = None
    if 0 < use_id <= LARGEST_ID:
        sent = select(ArticleUse).where(ArticleUse.id == use_id, ArticleUse.where_kind == "message")
        use = db.session.scalars(sent.with_for_update(of=ArticleUse)).unique().one_or_none()
    if use is None:
        raise NotFound
    message = queries.visible_message(use.where_id, viewer=by)
    judging.note_outcome(use, outcome, by=by)
    if use.outcome == "not" and message.conversation.state in QUIET:
        conversations.change_state(message.conversation, "open", by=by)
    return message
