"""Where replies stand that carry an article, for those who pass a correction on."""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts.people import Viewer
from core import markup
from core.db import db
from desk import policy
from desk.models import Conversation, Message
from kb import recall
from kb.recall import Place


def places(ids: Collection[int], viewer: Viewer | None) -> Mapping[int, Place]:
    """Return where replies are that left the house; a public one reaches who follows the customer, too."""
    if viewer is not None and not policy.may_work(viewer):
        return {}
    sent = (
        select(Message)
        .where(Message.id.in_(ids), Message.direction == "out", Message.state.in_(("sent", "unsure", "queued")))
        .options(joinedload(Message.conversation).joinedload(Conversation.contact))
    )
    return {
        message.id: Place(
            title=message.conversation.contact.name or message.conversation.contact.handle,
            url=f"/desk/conversations/{message.conversation_id}#m{message.id}",
            reach=1 + (message.conversation.contact.reach or 0 if message.is_public else 0),
            excerpt=markup.excerpt(message.text, recall.LONGEST_EXCERPT),
            locale=message.conversation.locale,
        )
        for message in db.session.scalars(sent).unique()
    }


recall.contribute("message", places)
