"""Replies that are written at the service itself, where nothing can be sent from here."""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from flask_babel import gettext

from accounts import audit
from accounts.models import User
from core import texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import publish
from desk import conversations, counters, holding, objections, policy, promises, queries
from desk.channels.base import LONGEST_TEXT, LONGEST_URL
from desk.events import ReplyNoted
from desk.means import capabilities_of
from desk.models import Conversation, Message
from desk.objections import Draft
from desk.promises import NewPromise


def record(
    conversation: Conversation,
    *,
    text: str,
    url: str,
    by: User,
    confirmed: Collection[str] | None = None,
    promised: Iterable[NewPromise] = (),
) -> Message:
    """Keep what an agent wrote at the service, with its address there; the conversation is answered."""
    if not policy.may_work(by):
        raise NotAllowed
    means = capabilities_of(conversation)
    if not (means.why_not and means.by_hand):
        raise Conflict(gettext("Here a reply can be sent, or none can be given."))
    wrong = {}
    text = texts.block(text, longest=LONGEST_TEXT, shortest=0)
    if not text.strip():
        wrong["text"] = gettext("This is still empty.")
    url = url.strip()
    if not _is_address(url):
        wrong["url"] = gettext("The address where your reply stands, please; it begins with https://.")
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)
    conversations.locked(conversation.id)
    asked = queries.newest_incoming(conversation)
    is_public = asked is not None and asked.is_public
    objections.require(Draft(conversation=conversation, text=text, by=by, is_public=is_public, asked=asked), confirmed)
    message = Message(
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        direction="out",
        is_public=is_public,
        text=text,
        url=url,
        by=by,
        state="sent",
        sent_at=now(),
    )
    db.session.add(message)
    db.session.flush()
    counters.note_where_said(message)
    holding.give_way(conversation, reason="other_reply")
    holding.leave(message, by=by)
    conversations.keep_words(conversation, text, is_incoming=False)
    conversation.last_message_at = now()
    db.session.flush()
    promises.make_with(message, promised, by=by)
    audit.record("desk.message.by_hand", message, by=by, after={"url": url})
    publish(ReplyNoted(message.id))
    return message


def _is_address(url: str) -> bool:
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
