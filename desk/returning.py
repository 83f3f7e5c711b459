"""Who came back: a person whom we sent an article writes again within some days, on any channel of theirs."""

from sqlalchemy import select, update

from core.db import db
from core.outbox import listens_to
from desk import persons
from desk.events import MessageReceived
from desk.models import Conversation, Message
from desk.proven import WITHIN
from desk.triage import receiving
from kb.models import ArticleUse, SentLink

NO_RETURN = frozenset({"praise", "none"})
"""Who thanks us, or wants nothing, did not come back with it."""


@listens_to(MessageReceived)
def note_return(event: MessageReceived) -> None:
    """Keep of the links that this person got lately that they wrote again; the first time counts."""
    message = db.session.get(Message, event.message_id)
    if message is None or message.direction != "in":
        return
    if receiving.judged(message, message.conversation).intent in NO_RETURN:
        return
    person = persons.ids_of(message.contact_id or message.conversation.contact_id)
    got = (
        select(ArticleUse.id)
        .join(Message, Message.id == ArticleUse.where_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            ArticleUse.where_kind == "message",
            Conversation.contact_id.in_(person),
            Message.state == "sent",
            Message.sent_at < message.created_at,
            Message.sent_at > message.created_at - WITHIN,
        )
    )
    db.session.execute(
        update(SentLink)
        .where(SentLink.use_id.in_(got), SentLink.came_back_at.is_(None))
        .values(came_back_at=message.created_at)
        .execution_options(synchronize_session=False)
    )
