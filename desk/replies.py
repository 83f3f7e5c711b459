"""What the team answers, and how it leaves the house: once where a channel allows it, and honestly unsure where not."""

import random
import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
from core.phrases import phrase
from core.settings import current_settings
from core.web import absolute
from desk import (
    acknowledging,
    approvals,
    asking,
    clocks,
    conversations,
    counters,
    deliveries,
    holding,
    initials,
    objections,
    policy,
    promises,
    queries,
    solving,
    splitting,
    wordings,
)
from desk.acknowledging import Holding
from desk.channels.base import (
    LONGEST_TEXT,
    Adapter,
    ChannelFailed,
    Means,
    NotLetIn,
    OutgoingReply,
    SentReply,
    adapter_of,
    apart,
    measure_of,
)
from desk.events import ReplyQueued, ReplySent
from desk.means import capabilities_of
from desk.models import Contact, Conversation, DeliveryState, Message, SecondTry
from desk.objections import Draft, Objection
from desk.promises import NewPromise
from desk.sending_models import Departure
from kb import addresses, faces, sent_links, uses
from kb import queries as kb_queries
from kb.models import FACE_KINDS, Article

MOST_ATTEMPTS: Final = 8
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 900.0
MOST_OF_THREAD: Final = 50
LONGEST_WISH_SECONDS: Final = 3600.0
"""What is granted to a Retry-After; a service that asks for a day is asked again after an hour."""

Use = tuple[int, str | None]
"""An article's id, and which of its faces was inserted where that is known."""


class SomethingNew(Conflict):
    """The conversation went on while the reply was written."""

    title = lazy_gettext("A new message arrived meanwhile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a reply is to leave: whole and at once, unless something else is said."""

    split: splitting.Way = ""
    at: datetime | None = None
    """The time that was chosen for it."""
    undo_seconds: int = 0
    """For so long it can be taken back."""
    approved_by: User | None = None
    """The second person who read it."""


AT_ONCE: Final = Manner()


def reply(  # noqa: PLR0913 -- what a reply is, by keyword
    conversation: Conversation,
    *,
    text: str,
    by: User,
    uses: Iterable[Use] = (),
    ways: Mapping[int, str] | None = None,
    is_public: bool | None = None,
    seen: int | None = None,
    confirmed: Collection[str] | None = None,
    manner: Manner = AT_ONCE,
    acknowledges: Holding | None = None,
    promised: Iterable[NewPromise] = (),
) -> Message:
    """Queue a reply and return it, or its first part.

    Raise `Invalid` when it does not fit the channel, `SomethingNew` when it was written too early, and `NeedsApproval`
    when a second person is to read it first. `is_public` is as the customer wrote unless it is given; `seen` is the id
    of the last message the writer has read; `confirmed` are the seals of the objections the writer has read, None for a
    program (see `desk.objections`). `promised` is kept as promises together with the reply. `ways` says of articles
    among the `uses` that they were not put in as short texts, but as a `quote` or a `link`. With `acknowledges` it only
    holds the customer off: they wait on, and somebody owes them the answer.
    """
    if not policy.may_work(by):
        raise NotAllowed
    means = capabilities_of(conversation)
    if means.why_not:
        raise Invalid(means.why_not)
    parts = in_parts(conversation, text, manner.split, by=by, is_public=is_public)
    owed = None if acknowledges is None else acknowledging.check(acknowledges)
    conversations.locked(conversation.id)
    if seen is not None:
        _refuse_if_it_went_on(conversation, seen)
    draft = draft_of(conversation, text, by=by, is_public=is_public)
    _refuse_what_is_closed(means, is_public=draft.is_public)
    objections.require(draft, confirmed)
    approvals.require(draft, approved_by=manner.approved_by)
    holding.give_way(conversation, reason="other_reply")
    message = _queued(draft, parts, list(uses), manner, ways or {}, owed)
    promises.make_with(message, promised, by=by)
    return message


def in_parts(
    conversation: Conversation, text: str, split: splitting.Way, *, by: User, is_public: bool | None = None
) -> list[str]:
    """Return the messages that a reply becomes, as the customer would see them; raise `Invalid` when one cannot be.

    How long they may be depends on who reads them; `is_public` is as the customer wrote unless it is given.
    """
    measure = measure_for(conversation, is_public=is_public)
    with problems.at("text"):
        text = texts.block(text, longest=LONGEST_TEXT, shortest=1)
    suffix = initials.suffix_of(conversation.channel, by)
    if suffix and text.endswith(suffix):
        suffix = ""
    return [checked(part, measure) for part in splitting.parts(text, split, measure, suffix=suffix)]


def measure_for(conversation: Conversation, *, is_public: bool | None = None) -> Measure:
    """Return how long a reply may be, by who reads it; `is_public` is as the customer wrote unless it is given."""
    adapter = adapter_of(conversation.channel)
    if is_public is None and adapter.measure != adapter.private_measure:
        is_public = is_public_by_default(conversation)
    return adapter.private_measure if is_public is False else adapter.measure


def objections_to(conversation: Conversation, text: str, *, by: User, is_public: bool | None = None) -> list[Objection]:
    """Return what speaks against sending this text now; `is_public` is as the customer wrote unless it is given."""
    return objections.raised(draft_of(conversation, text, by=by, is_public=is_public))


def why_silent(conversation: Conversation) -> str:
    """Say why nobody can be answered here now; empty when they can."""
    return capabilities_of(conversation).why_not


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
    """Give a message that failed, or of which nobody knows, another start; its key stays the same.

    Where the service can be asked, the worker first looks whether one of which nobody knows arrived after all.
    """
    _require_stuck(message, by)
    if reason := why_silent(message.conversation):
        raise Invalid(reason)
    before = message.state
    is_looked_for = before == "unsure" and adapter_of(message.channel).capabilities.looks_for
    message.state = "queued"
    message.attempts = 0
    message.attempted_at = (message.attempted_at or now()) if is_looked_for else None
    message.second_try = "asked" if is_looked_for else None
    message.failure = None
    message.send_after = None
    _expect_the_parts_before(message)
    holding.leave(message, by=by)
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
    holding.leave(message, by=by)
    db.session.flush()
    publish(ReplySent(message.id))
    _go_on_after(message)
    audit.record("desk.message.mark_sent", message, by=by, before={"state": before}, after={"state": "sent"})


def send(message_id: int) -> None:
    """Hand a queued message to its channel and keep what came of it; raise `Later` when it is to be tried again.

    The worker is an edge, and this part of it commits twice: that an attempt begins must be known before it begins, so
    that a worker which dies in it leaves no doubt that there was one.
    """
    departure = db.session.get(Departure, message_id)
    if departure is not None and departure.is_scheduled:
        conversations.locked(departure.message.conversation_id)
    message = db.session.get(Message, message_id, with_for_update={"of": Message}, populate_existing=True)
    if message is None or message.state != "queued":
        return
    if message.send_after is not None and (seconds := (message.send_after - now()).total_seconds()) > 0:
        raise Later(seconds)
    adapter = adapter_of(message.channel)
    is_in_doubt = message.attempted_at is not None
    if is_in_doubt and not _may_try_again(adapter):
        _end(message, "unsure", phrase("The worker stopped in the middle of sending. It may have arrived."))
        return
    if reason := capabilities_of(message.conversation, but=message.id).why_not:
        _end(message, "failed", reason)
        return
    if departure is not None and departure.is_scheduled and message.attempts == 0:
        if _something_came_since(message):
            holding.ask_back(departure, reason="new_message")
            return
        holding.leave(message, by=message.by)
    _attempt(message, adapter, is_in_doubt=is_in_doubt)


def came_back(message: Message, reason: str) -> None:
    """Note that a message of ours did not arrive although the service had taken it; the customer waits again."""
    conversations.locked(message.conversation_id)
    db.session.refresh(message, with_for_update={"of": Message})
    if message.state == "queued" and message.attempted_at is not None:
        # It was taken, or it could not come back: whoever is sending it has not come to noting that yet.
        _note_success(message, SentReply())
    if message.state in {"sent", "unsure", "queued"}:
        _end(message, "failed", reason)
        _let_wait_again(message)
        audit.record("desk.message.come_back", message, by=None, reason=reason)


def _let_wait_again(message: Message) -> None:
    """Let the customer wait who was answered by this alone; what undoing would need is gone since it was taken."""
    conversation = message.conversation
    later = select(Message.id).where(Message.conversation_id == conversation.id, Message.id > message.id)
    if conversation.state != "waiting_customer" or db.session.scalar(later.limit(1)) is not None:
        return
    conversations.turn(conversation, "open", by=None, reason="a reply came back")
    clocks.take_back(message)
    asked = queries.newest_incoming(conversation)
    if conversation.waiting_since is None and asked is not None:
        clocks.run(conversation, asked.created_at)
    db.session.flush()


def pause_after(attempt: int) -> float:
    """Return how many seconds to wait after the so-manieth attempt: from 1 s to 15 min, a little less at random."""
    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * float(5 ** (attempt - 1)))
    return pause * random.uniform(0.85, 1.0)  # noqa: S311 -- spreads attempts over time, guards nothing


def is_public_by_default(conversation: Conversation) -> bool:
    """Tell whether a reply is public unless its writer chose: as the customer wrote last."""
    asked = queries.newest_incoming(conversation)
    return asked is not None and asked.is_public


def draft_of(conversation: Conversation, text: str, *, by: User, is_public: bool | None) -> Draft:
    """Return what would be sent now; `is_public` None is as the customer wrote."""
    asked = queries.newest_incoming(conversation)
    is_public = is_public if is_public is not None else asked is not None and asked.is_public
    return Draft(conversation=conversation, text=text, by=by, is_public=is_public, asked=asked)


def _refuse_what_is_closed(means: Means, *, is_public: bool) -> None:
    if is_public and not means.public:
        sentence = gettext("Nothing can be answered in public here. Please answer in private.")
    elif not is_public and not means.private:
        sentence = gettext("Nothing can be answered in private here. Please answer in public.")
    else:
        return
    raise Invalid(sentence, fields={"public": sentence})


def _queued(
    draft: Draft,
    parts: list[str],
    inserted: list[Use],
    manner: Manner,
    ways: Mapping[int, str],
    owed: tuple[datetime, User] | None,
) -> Message:
    conversation, at = draft.conversation, now()
    send_after = manner.at or (at + timedelta(seconds=manner.undo_seconds) if manner.undo_seconds else None)
    series = uuid.uuid4().hex if len(parts) > 1 else None
    state_before, waited_since = conversation.state, conversation.waiting_since
    messages = []
    for number, text in enumerate(parts, 1):
        message = Message(
            conversation_id=conversation.id,
            channel_id=conversation.channel_id,
            direction="out",
            is_public=draft.is_public,
            text=text,
            by=draft.by,
            state="queued",
            idempotency_key=f"reply_{uuid.uuid4().hex}",
            send_after=send_after,
        )
        db.session.add(message)
        db.session.flush()  # one after the other: their ids are in the order of the parts
        db.session.add(
            Departure(
                message_id=message.id,
                typed=draft.text if number == 1 else "",
                uses=[list(use) for use in inserted] if number == 1 else [],
                state_before=state_before,
                waited_since=waited_since,
                is_scheduled=manner.at is not None,
                series=series,
                part=number,
                parts=len(parts),
            )
        )
        counters.note_where_said(message)
        _record_uses(message, inserted, ways, by=draft.by, asked=draft.asked)
        messages.append(message)
    if owed is not None:
        acknowledging.acknowledge(conversation, messages[0], due_at=owed[0], owner=owed[1], by=draft.by)
    if manner.at is None:
        holding.leave(messages[0], by=draft.by)
    elif conversation.state == "new":  # the customer waits until it leaves; somebody is at work
        conversations.turn(conversation, "open", by=draft.by, reason="a reply was planned")
    conversations.keep_words(conversation, draft.text, is_incoming=False)
    conversation.last_message_at = at
    db.session.flush()
    publish(ReplyQueued(messages[0].id), due_at=send_after)
    return messages[0]


def _something_came_since(message: Message) -> bool:
    newer = select(Message.id).where(
        Message.conversation_id == message.conversation_id, Message.direction == "in", Message.id > message.id
    )
    return db.session.scalar(newer.limit(1)) is not None


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


def _record_uses(
    message: Message, inserted: Iterable[Use], ways: Mapping[int, str], *, by: User, asked: Message | None
) -> None:
    wanted = dict(inserted)
    pasted = {article_id for article_id in uses.led_to(message.text) if article_id not in wanted}
    for article_id, face in (*wanted.items(), *((one, None) for one in sorted(pasted))):
        try:
            article = kb_queries.visible_article(article_id, viewer=by)
        except NotFound:
            continue  # a form can name anything; what is not there was not used
        url = absolute(addresses.of_article(article))
        if article.is_published and _leads_to(message.text, article):
            kind = face if face in FACE_KINDS else _face_in(message, article, url, by)
            way = "short" if kind is not None else ways.get(article_id, "link" if article_id in pasted else "short")
            use = uses.record(
                article,
                face=kind,
                way=way,
                where_kind="message",
                where_id=message.id,
                by=by,
                asked="" if asked is None else asked.text,
                asked_in_public=asked is not None and asked.is_public,
            )
            sent_links.make(use, asks=asking.may_ask(message.channel, is_public=message.is_public))


def _leads_to(text: str, article: Article) -> bool:
    """Tell whether the article's address stands in the text, by whatever slug."""
    settings = current_settings()
    return re.search(rf"{re.escape(settings.base_url)}/kb/{article.id}(?![0-9])", text) is not None


def _face_in(message: Message, article: Article, url: str, by: User) -> str | None:
    """Return which face was inserted, when its words are still there as they were."""
    measure, said = measure_of(message.channel, is_public=message.is_public), " ".join(message.text.split())
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


def _expect_the_parts_before(message: Message) -> None:
    departure = db.session.get(Departure, message.id)
    if departure is None or departure.series is None:
        return
    missing = db.session.scalar(
        select(Departure.part)
        .join(Message)
        .where(Departure.series == departure.series, Departure.part < departure.part, Message.state != "sent")
        .order_by(Departure.part)
        .limit(1)
    )
    if missing is not None:
        raise Conflict(gettext("Part %(number)s has not arrived yet; it goes first.", number=missing))


def _go_on_after(message: Message) -> None:
    """Keep no longer what undoing would have needed, and let the next part of the reply leave."""
    departure = db.session.get(Departure, message.id)
    if departure is None:
        return
    if departure.series is None:
        db.session.delete(departure)
        return
    departure.typed, departure.uses = "", []
    following = _part(departure, departure.part + 1)
    if following is not None and following.message.attempts == 0:
        following.message.state, following.message.failure = "queued", None
        db.session.flush()
        publish(ReplyQueued(following.message_id))


def _part(departure: Departure, number: int) -> Departure | None:
    return db.session.scalars(
        select(Departure).where(Departure.series == departure.series, Departure.part == number)
    ).one_or_none()


def _end(message: Message, state: DeliveryState, failure: str) -> None:
    """Give up on a message and say why; the customer waits again, and the parts after it stay where they are."""
    message.state, message.failure = state, failure
    departure = db.session.get(Departure, message.id)
    conversation = conversations.locked(message.conversation_id)
    if departure is not None and departure.is_scheduled:
        departure.is_scheduled = False
    holding.come_back(conversation, departure)
    if departure is not None and departure.series is not None:
        after = select(Departure).where(Departure.series == departure.series, Departure.part > departure.part)
        for later in db.session.scalars(after.order_by(Departure.part)):
            if later.message.state == "queued" and later.message.attempted_at is None:
                later.message.state = "failed"
                later.message.failure = phrase(
                    "Part %(number)s did not arrive, so this one was not sent.", number=departure.part
                )
    db.session.flush()


def _outgoing(message: Message) -> OutgoingReply:
    departure = db.session.get(Departure, message.id)
    if departure is not None and departure.part > 1:
        earlier = _part(departure, departure.part - 1)
        before_it = None if earlier is None else earlier.message.external_id
    else:
        before_it = None
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
        in_reply_to=before_it or db.session.scalar(before),
        text=solving.text_with_links(message),
        is_public=message.is_public,
        handle=_answered(message).handle,
        own_id=message.external_id,
        thread=tuple(_ids_before(message)),
        subject=_subject_of(message.conversation) or "",
        attempted_at=message.attempted_at,
        is_automatic=message.by_id is None,
    )


def _answered(message: Message) -> Contact:
    """Return whom a reply is for: who wrote last before it."""
    asked = queries.newest_incoming(message.conversation)
    return message.conversation.contact if asked is None or asked.contact is None else asked.contact


def _ids_before(message: Message) -> list[str]:
    before = (
        select(Message.external_id)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.id < message.id,
            Message.external_id.is_not(None),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(MOST_OF_THREAD)
    )
    return [each for each in reversed(db.session.scalars(before).all()) if each is not None]


def _subject_of(conversation: Conversation) -> str | None:
    first = (
        select(Message.subject)
        .where(Message.conversation_id == conversation.id, Message.direction == "in", Message.subject.is_not(None))
        .order_by(Message.created_at, Message.id)
        .limit(1)
    )
    return db.session.scalar(first)


def _attempt(message: Message, adapter: Adapter, *, is_in_doubt: bool) -> None:
    message_id, outgoing = message.id, _outgoing(message)
    channel_id, is_insisted_on = message.channel_id, message.second_try == "asked"
    message.attempts += 1
    if not is_in_doubt:  # else it is looked for from the attempt on that nobody knows of
        message.attempted_at = now()
    if message.external_id is None and (own_id := adapter.own_id(outgoing)) is not None:
        message.external_id = own_id
        outgoing = replace(outgoing, own_id=own_id)
    db.session.commit()
    adapter = apart(channel_id)
    second_try: SecondTry | None = None
    try:
        sent = None
        if is_in_doubt and (is_insisted_on or not adapter.capabilities.idempotent_send):
            sent, second_try = _looked_for(adapter, outgoing, is_insisted_on=is_insisted_on)
            is_in_doubt = second_try != "sent"
        sent = sent or adapter.send(outgoing)
    except ChannelFailed as failure:
        message = _held(message_id)
        line = deliveries.note_handed_over(message, failure.exchange, reason=failure.reason)
        if message.state == "queued":  # else it came back meanwhile, which says more than a line that broke
            _note_failure(message, failure, is_in_doubt=is_in_doubt)
        if line is not None:  # it is not tried again, or `Later` had been raised
            line.outcome = "failed"
    else:
        message = _held(message_id)
        deliveries.note_handed_over(message, sent.exchange, reason="")
        if is_insisted_on:
            message.second_try = second_try or "sent"
        if message.state == "queued":
            _note_success(message, sent)
        else:
            message.url = message.url or sent.url
    db.session.flush()


def _held(message_id: int) -> Message:
    """Return a message as it is now and hold it, in the same order as whoever hears that it came back."""
    conversations.locked(db.session.get_one(Message, message_id).conversation_id)
    return db.session.get_one(Message, message_id, with_for_update={"of": Message}, populate_existing=True)


def _looked_for(
    adapter: Adapter, outgoing: OutgoingReply, *, is_insisted_on: bool
) -> tuple[SentReply | None, SecondTry]:
    """Return the message as it stands at the service, and what looking brought; raise `ChannelFailed`.

    Where the service cannot tell, a person who decided to send it again has the last word.
    """
    try:
        found = adapter.look_for(outgoing)
    except NotLetIn:
        raise
    except ChannelFailed as failure:
        if is_insisted_on and (failure.unsure or failure.permanent):
            return None, "unknown"
        raise
    return found, "sent" if found is None else "found"


def _may_try_again(adapter: Adapter) -> bool:
    """Tell whether trying again what may have arrived makes no second message."""
    return adapter.capabilities.idempotent_send or adapter.capabilities.looks_for


def _note_success(message: Message, sent: SentReply) -> None:
    message.state = "sent"
    message.sent_at = now()
    message.failure = None
    message.url = sent.url
    if sent.id is not None and not _is_taken(message, sent.id):
        message.external_id = sent.id
    db.session.flush()
    publish(ReplySent(message.id))
    _go_on_after(message)


def _is_taken(message: Message, external_id: str) -> bool:
    # A service that calls two messages by one name is wrong; the message was sent all the same.
    taken = select(Message.id).where(Message.channel_id == message.channel_id, Message.external_id == external_id)
    return db.session.scalar(taken) is not None


def _note_failure(message: Message, failure: ChannelFailed, *, is_in_doubt: bool) -> None:
    was_in_doubt, is_in_doubt = is_in_doubt, failure.unsure or is_in_doubt
    may_repeat = not is_in_doubt or _may_try_again(adapter_of(message.channel))
    message.failure = failure.reason
    if failure.permanent:
        _end(message, "unsure" if was_in_doubt else "failed", failure.reason)
    elif not may_repeat:
        _end(message, "unsure", failure.reason)
    elif message.attempts >= MOST_ATTEMPTS:
        _end(message, "unsure" if is_in_doubt else "failed", failure.reason)
    else:
        if not is_in_doubt:
            message.attempted_at = None  # it surely did not arrive: the next attempt begins without a doubt
        pause = max(pause_after(message.attempts), min(failure.retry_after or 0.0, LONGEST_WISH_SECONDS))
        db.session.commit()  # what `Later` rolls back must not be this
        raise Later(pause)
    db.session.flush()
