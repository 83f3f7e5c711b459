"""What the team answers, and how it leaves the house: once where a channel allows it, and honestly unsure where not."""

import random
import re
import uuid
from collections.abc import Collection, Iterable
from typing import Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.clock import now
from core.counting import Measure
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.outbox import Later, publish
from core.settings import current_settings
from core.web import absolute
from desk import acknowledging, asking, clocks, conversations, objections, policy, promises, queries, wordings
from desk.acknowledging import Holding
from desk.channels.base import LONGEST_TEXT, ChannelFailed, OutgoingReply, SentReply, adapter_of
from desk.events import ReplyQueued
from desk.models import Conversation, Message
from desk.objections import Draft, Objection
from desk.promises import NewPromise
from kb import addresses, faces, uses
from kb import queries as kb_queries
from kb.models import FACE_KINDS, Article

MOST_ATTEMPTS: Final = 8
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 900.0
LONGEST_WISH_SECONDS: Final = 3600.0
"""What is granted to a Retry-After; a service that asks for a day is asked again after an hour."""

Use = tuple[int, str | None]
"""An article's id, and which of its faces was inserted where that is known."""


class SomethingNew(Conflict):
    """The conversation went on while the reply was written."""

    title = lazy_gettext("A new message arrived meanwhile")


def reply(  # noqa: PLR0913 -- the parts of a reply, by keyword
    conversation: Conversation,
    *,
    text: str,
    by: User,
    uses: Iterable[Use] = (),
    is_public: bool | None = None,
    seen: int | None = None,
    confirmed: Collection[str] | None = None,
    holding: Holding | None = None,
    promised: Iterable[NewPromise] = (),
) -> Message:
    """Queue a reply; raise `Invalid` when it does not fit the channel, `SomethingNew` when it was written too early.

    `is_public` is as the customer wrote unless it is given; `seen` is the id of the last message the writer has read;
    `confirmed` are the seals of the objections the writer has read, None for a program (see `desk.objections`);
    `promised` is kept as promises together with the reply. With `holding` it only holds the customer off: they wait
    on, and somebody owes them the answer.
    """
    if not policy.may_work(by):
        raise NotAllowed
    if reason := why_silent(conversation):
        raise Invalid(reason)
    text = checked(text, adapter_of(conversation.channel).measure)
    owed = None if holding is None else acknowledging.check(holding)
    conversations.locked(conversation.id)
    if seen is not None:
        _refuse_if_it_went_on(conversation, seen)
    draft = _draft(conversation, text, by=by, is_public=is_public)
    objections.require(draft, confirmed)
    message = Message(
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        direction="out",
        is_public=draft.is_public,
        text=text,
        by=by,
        state="queued",
        idempotency_key=f"reply_{uuid.uuid4().hex}",
    )
    db.session.add(message)
    conversation.last_message_at = now()
    db.session.flush()
    conversations.keep_words(conversation, text, is_incoming=False)
    if owed is None:
        conversations.turn(conversation, "waiting_customer", by=by, reason="a reply")
        acknowledging.settle(conversation, by=by)
        clocks.answered(conversation, message)
    else:
        if conversation.state == "new":
            conversations.turn(conversation, "open", by=by, reason="a holding reply")
        acknowledging.acknowledge(conversation, message, due_at=owed[0], owner=owed[1], by=by)
    db.session.flush()
    _record_uses(message, uses, by=by, asked=draft.asked)
    promises.make_with(message, promised, by=by)
    publish(ReplyQueued(message.id))
    return message


def objections_to(conversation: Conversation, text: str, *, by: User, is_public: bool | None = None) -> list[Objection]:
    """Return what speaks against sending this text now; `is_public` is as the customer wrote unless it is given."""
    return objections.raised(_draft(conversation, text, by=by, is_public=is_public))


def why_silent(conversation: Conversation) -> str:
    """Say why nobody can be answered on this channel; empty when they can."""
    if conversation.channel.disabled_at is not None:
        return str(gettext("This channel is switched off. An admin can switch it on again."))
    if not adapter_of(conversation.channel).capabilities.may_send:
        return str(gettext("This channel only keeps what was said. Nobody can be answered on it."))
    return ""


def checked(text: str, measure: Measure) -> str:
    """Return the text, clean; raise `Invalid` with both numbers when it is longer than the channel takes."""
    with problems.at("text"):
        text = texts.block(text, longest=LONGEST_TEXT, shortest=1)
    if not measure.fits(text):
        sentence = gettext(
            "This text counts %(length)s characters here, and %(limit)s fit.",
            length=measure.count(text),
            limit=measure.limit,
        )
        raise Invalid(sentence, fields={"text": sentence})
    wordings.refuse_left_open(text)
    return text


def send_again(message: Message, *, by: User) -> None:
    """Give a message that failed, or of which nobody knows, another start; its key stays the same."""
    _require_stuck(message, by)
    if reason := why_silent(message.conversation):
        raise Invalid(reason)
    before = message.state
    message.state = "queued"
    message.attempts = 0
    message.attempted_at = None
    message.failure = None
    db.session.flush()
    audit.record("desk.message.send_again", message, by=by, before={"state": before}, after={"state": "queued"})
    publish(ReplyQueued(message.id))


def mark_sent(message: Message, *, by: User) -> None:
    """Note that somebody looked and found the message at the service."""
    _require_stuck(message, by)
    before = message.state
    message.state = "sent"
    message.sent_at = message.attempted_at or now()
    message.failure = None
    db.session.flush()
    audit.record("desk.message.mark_sent", message, by=by, before={"state": before}, after={"state": "sent"})


def send(message_id: int) -> None:
    """Hand a queued message to its channel and keep what came of it; raise `Later` when it is to be tried again.

    The worker is an edge, and this part of it commits twice: that an attempt begins must be known before it begins, so
    that a worker which dies in it leaves no doubt that there was one.
    """
    message = db.session.get(Message, message_id, with_for_update={"of": Message})
    if message is None or message.state != "queued":
        return
    adapter = adapter_of(message.channel)
    is_in_doubt = message.attempted_at is not None
    if is_in_doubt and not adapter.capabilities.idempotent_send:
        message.state = "unsure"
        message.failure = gettext("The worker stopped in the middle of sending. It may have arrived.")
        return
    if reason := why_silent(message.conversation):
        message.state, message.failure = "failed", reason
        return
    message.attempts += 1
    message.attempted_at = now()
    outgoing = _outgoing(message)
    db.session.commit()
    try:
        sent = adapter.send(outgoing)
    except ChannelFailed as failure:
        message = db.session.get_one(Message, message_id)
        _note_failure(message, failure, is_in_doubt=is_in_doubt)
    else:
        _note_success(db.session.get_one(Message, message_id), sent)


def pause_after(attempt: int) -> float:
    """Return how many seconds to wait after the so-manieth attempt: from 1 s to 15 min, a little less at random."""
    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * float(5 ** (attempt - 1)))
    return pause * random.uniform(0.85, 1.0)  # noqa: S311 -- spreads attempts over time, guards nothing


def _draft(conversation: Conversation, text: str, *, by: User, is_public: bool | None) -> Draft:
    asked = queries.newest_incoming(conversation)
    is_public = is_public if is_public is not None else asked is not None and asked.is_public
    return Draft(conversation=conversation, text=text, by=by, is_public=is_public, asked=asked)


def _refuse_if_it_went_on(conversation: Conversation, seen: int) -> None:
    newer = queries.newer_messages(conversation, than=seen)
    if not newer:
        return
    writers = {message.by.name for message in newer if message.direction == "out" and message.by is not None}
    if any(message.direction == "in" for message in newer):
        sentence = gettext("A new message arrived meanwhile. Please read it, then send again if your text still fits.")
    else:
        sentence = gettext(
            "%(names)s answered meanwhile. Please read it, then send again if your text is still needed.",
            names=", ".join(sorted(writers)) or gettext("Somebody"),
        )
    raise SomethingNew(sentence)


def _record_uses(message: Message, inserted: Iterable[Use], *, by: User, asked: Message | None) -> None:
    for article_id, face in dict(inserted).items():
        try:
            article = kb_queries.visible_article(article_id, viewer=by)
        except NotFound:
            continue  # a form can name anything; what is not there was not used
        url = absolute(addresses.of_article(article))
        if article.is_published and _leads_to(message.text, article):
            kind = face if face in FACE_KINDS else _face_in(message, article, url, by)
            uses.record(
                article,
                face=kind,
                where_kind="message",
                where_id=message.id,
                by=by,
                asked="" if asked is None else asked.text,
                asked_in_public=asked is not None and asked.is_public,
            )


def _leads_to(text: str, article: Article) -> bool:
    """Tell whether the article's address stands in the text, by whatever slug."""
    settings = current_settings()
    return re.search(rf"{re.escape(settings.base_url)}/kb/{article.id}(?![0-9])", text) is not None


def _face_in(message: Message, article: Article, url: str, by: User) -> str | None:
    """Return which face was inserted, when its words are still there as they were."""
    measure, said = adapter_of(message.channel).measure, " ".join(message.text.split())
    wording = wordings.of(message.conversation, by=by)
    for is_informal in dict.fromkeys((wording.is_informal, False)):
        face = faces.choose(
            article,
            limit=measure.limit,
            count=measure.count,
            url=url,
            values=wording.values,
            is_informal=is_informal,
            leaves_open=True,
        )
        if " ".join(face.text.split()) in said:
            return face.kind
    return None


def _require_stuck(message: Message, by: User) -> None:
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(message.conversation_id)
    db.session.refresh(message, ["state"])
    if message.direction != "out" or message.state not in {"failed", "unsure"}:
        raise Conflict(gettext("This message is on its way or has arrived already."))


def _outgoing(message: Message) -> OutgoingReply:
    before = (
        select(Message.external_id)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.direction == "in",
            Message.id < message.id,
            Message.external_id.is_not(None),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    )
    return OutgoingReply(
        id=message.id,
        key=message.idempotency_key or f"reply_{message.id}",
        conversation=message.conversation.external_id,
        in_reply_to=db.session.scalar(before),
        text=asking.text_with_links(message),
        is_public=message.is_public,
    )


def _note_success(message: Message, sent: SentReply) -> None:
    message.state = "sent"
    message.sent_at = now()
    message.failure = None
    message.url = sent.url
    if sent.id is not None and not _is_taken(message, sent.id):
        message.external_id = sent.id
    db.session.flush()


def _is_taken(message: Message, external_id: str) -> bool:
    # A service that calls two messages by one name is wrong; the message was sent all the same.
    taken = select(Message.id).where(Message.channel_id == message.channel_id, Message.external_id == external_id)
    return db.session.scalar(taken) is not None


def _note_failure(message: Message, failure: ChannelFailed, *, is_in_doubt: bool) -> None:
    is_in_doubt = failure.unsure or is_in_doubt
    may_repeat = not is_in_doubt or adapter_of(message.channel).capabilities.idempotent_send
    message.failure = failure.reason
    if failure.permanent:
        message.state = "failed"
    elif not may_repeat:
        message.state = "unsure"
    elif message.attempts >= MOST_ATTEMPTS:
        message.state = "unsure" if is_in_doubt else "failed"
    else:
        if not is_in_doubt:
            message.attempted_at = None  # it surely did not arrive: the next attempt begins without a doubt
        pause = max(pause_after(message.attempts), min(failure.retry_after or 0.0, LONGEST_WISH_SECONDS))
        db.session.commit()  # what `Later` rolls back must not be this
        raise Later(pause)
    db.session.flush()
