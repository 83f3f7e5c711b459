"""How a conversation can be answered at this moment, told before anybody types."""

from datetime import datetime

from sqlalchemy import func, select

from core.counting import Measure
from core.db import db
from core.phrases import phrase
from desk.channels.base import Means, adapter_of, measure_of
from desk.models import Conversation, Message


def capabilities_of(conversation: Conversation, *, but: int | None = None) -> Means:
    """Return how the conversation can be answered now: what the channel can, the service told, and we used up.

    The message with the id `but` does not count as used up: it is the one that is to leave.
    """
    means = adapter_of(conversation.channel).means(conversation)
    if conversation.channel.disabled_at is not None:
        return Means(why_not=phrase("This channel is switched off. An admin can switch it on again."))
    if means.private_left is None:
        return means
    left = max(0, means.private_left - _private_replies_since_told(conversation, but))
    why = means.why_not
    if not why and not left and not means.public:
        why = phrase("The private replies that the service allows here are used up.")
    return Means(
        why_not=why,
        public=means.public,
        private=means.private and left > 0,
        private_left=left,
        until=means.until,
        price=means.price,
        answer_before_hiding=means.answer_before_hiding,
        by_hand=means.by_hand,
        by_call=means.by_call,
        doubt=means.doubt,
    )


def measure_here(conversation: Conversation) -> Measure:
    """Return how long a text may be that fits wherever it can go here: nobody has chosen yet who reads it."""
    adapter = adapter_of(conversation.channel)
    return measure_of(conversation.channel, is_public=adapter.means(conversation).public)


def _private_replies_since_told(conversation: Conversation, but: int | None) -> int:
    told_at = datetime.fromisoformat((conversation.capabilities or {})["told_at"])
    used = select(func.count(Message.id)).where(
        Message.conversation_id == conversation.id,
        Message.direction == "out",
        Message.is_public.is_(False),
        Message.state != "failed",
        Message.created_at > told_at,
    )
    return db.session.scalar(used if but is None else used.where(Message.id != but)) or 0
