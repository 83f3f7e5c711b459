"""Asking the customer whether a reply with an article helped: by the link in it, and once more by a message.

What is private asks by itself. In public anybody could answer for the customer, and a message that nobody waits for is
a nuisance: there a channel asks only where its settings say so.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal, get_args

from flask_babel import force_locale, gettext
from sqlalchemy import ColumnElement, Select, and_, or_, select, true
from sqlalchemy.orm import aliased

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.outbox import publish
from core.settings import current_settings
from core.web import absolute
from core.worker import chore
from desk import clocks, conversations, policy, queries
from desk.channels.base import adapter_of, measure_of
from desk.events import ReplyQueued
from desk.figure_models import SolvedQuestion
from desk.models import Channel, Conversation, FollowUp, Message
from desk.outcomes import QUIET
from kb import addresses, asking, sent_links
from kb.models import ArticleUse

Where = Literal["private", "public", "never"]
WHERE: Final[tuple[Where, ...]] = get_args(Where)
EVERY_SECONDS: Final = 300
LATEST: Final = timedelta(days=7)
"""Who was not asked so long after the time had come is not asked any more: the worker rested, or a channel did."""
LONGEST_ON_ITS_WAY: Final = timedelta(days=1)
MOST_AT_ONCE: Final = 50
STATES: Final = ("waiting_customer", "solved")
"""Where a conversation rests on our word; in all others somebody is still at work, or nothing was to be answered."""

_later = aliased(Message)


def where(channel: Channel) -> Where:
    """Return where this channel asks."""
    chosen = channel.settings.get("asks")
    return next((known for known in WHERE if known == chosen), "private")


def may_ask(channel: Channel, *, is_public: bool) -> bool:
    """Tell whether a message on this channel may ask who reads it whether it helped."""
    chosen = where(channel)
    return chosen == "public" or (chosen == "private" and not is_public)


def choose(channel: Channel, chosen: str, *, by: User) -> None:
    """Say where a channel asks: in private conversations, also in public, or never."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    if chosen not in WHERE:
        raise Invalid(gettext("Please choose one of these."))
    before = where(channel)
    if before != chosen:
        channel.settings = {**channel.settings, "asks": chosen}
        db.session.flush()
        audit.record("desk.channel.choose_asking", channel, by=by, before={"asks": before}, after={"asks": chosen})


def text_with_links(message: Message) -> str:
    """Return what leaves the house: links with their tokens; where a reply may ask, they open with the question.

    The same each time it is tried. What would not fit into the channel any more stays as it was written.
    """
    asks = may_ask(message.channel, is_public=message.is_public)
    used = _uses(_about(message))
    links = sent_links.of(used)
    measure, text = measure_of(message.channel, is_public=message.is_public), message.text
    for use in used:
        if use.id in links:
            links[use.id].asks = asks
        elif not asks:
            continue
        leaves = _with_address(text, use)
        if measure.fits(leaves):
            text = leaves
    db.session.flush()
    # What was counted with a token and got none leaves without its name, which is shorter still.
    return text if replace(measure, own="").fits(text) else _nameless(text)


@chore("desk.ask_whether_it_helped", every=EVERY_SECONDS)
def ask_all() -> int:
    """Ask about the replies whose time has come; return how many that were."""
    asked = 0
    for reply_id in _due():
        asked += ask(reply_id)
        db.session.commit()
    return asked


def ask(reply_id: int) -> bool:
    """Queue the message that asks about a reply; tell whether it was. Never twice, and not when things went on."""
    reply = db.session.get_one(Message, reply_id)
    conversations.locked(reply.conversation_id)
    if db.session.scalar(_waiting().where(Message.id == reply_id)) is None:
        return False
    text = _question(reply)
    if text is None:
        return False
    message = queue(reply, text, name=f"asks_{reply_id}")
    db.session.add(FollowUp(reply_id=reply_id, message_id=message.id))
    return True


def queue(reply: Message, text: str, *, name: str) -> Message:
    """Queue a message after a reply, where that went; its name makes it the same one however often it is tried."""
    message = Message(
        conversation_id=reply.conversation_id,
        channel_id=reply.channel_id,
        direction="out",
        is_public=reply.is_public,
        text=text,
        state="queued",
        idempotency_key=f"{name}_{reply.idempotency_key}"[:80],
    )
    db.session.add(message)
    db.session.flush()
    reply.conversation.last_message_at = message.created_at
    publish(ReplyQueued(message.id))
    return message


def places(is_wanted: Callable[[Channel], bool], *, public_if: ColumnElement[bool]) -> ColumnElement[bool] | None:
    """Return the clause for messages where a channel may ask, in public `public_if`; None where none may."""
    private: list[int] = []
    public: list[int] = []
    for channel in db.session.scalars(select(Channel).where(Channel.disabled_at.is_(None))):
        if is_wanted(channel) and adapter_of(channel).capabilities.may_follow_up:
            for ids, is_public in ((private, False), (public, True)):
                if may_ask(channel, is_public=is_public):
                    ids.append(channel.id)
    if not private and not public:
        return None
    return or_(
        and_(Message.channel_id.in_(private), Message.is_public.is_(False)),
        and_(Message.channel_id.in_(public), Message.is_public.is_(True), public_if),
    )


def is_question() -> ColumnElement[bool]:
    """Return the clause for messages that only ask whether a reply helped, or whether the case is solved."""
    return or_(
        select(FollowUp.message_id).where(FollowUp.message_id == Message.id).exists(),
        select(SolvedQuestion.message_id).where(SolvedQuestion.message_id == Message.id).exists(),
    )


def was_asked(conversation_id: Any) -> ColumnElement[bool]:
    """Return the clause for conversations in which a message asked already, whatever after: nobody is asked twice."""
    asked = aliased(Message)
    return or_(
        select(FollowUp.reply_id)
        .join(asked, asked.id == FollowUp.reply_id)
        .where(asked.conversation_id == conversation_id)
        .exists(),
        select(SolvedQuestion.reply_id).where(SolvedQuestion.conversation_id == conversation_id).exists(),
    )


def hear(use: ArticleUse) -> None:
    """Open the conversation again when the customer says that they were not helped: now they wait for us."""
    if use.outcome == "helped":
        return
    message = db.session.get(Message, use.where_id)
    if message is None:
        return
    open_again(message.conversation_id, reason=f"outcome: {use.outcome}")


def open_again(conversation_id: int, *, reason: str) -> None:
    """Open a conversation at rest because its customer said that it is not solved: now they wait for us."""
    conversation = conversations.locked(conversation_id)
    if conversation.state not in QUIET:
        return
    before = conversation.state
    conversation.state = "open"
    clocks.run(conversation, now())
    db.session.flush()
    audit.record(
        "desk.conversation.change_state",
        conversation,
        by=None,
        reason=reason,
        before={"state": before},
        after={"state": "open"},
    )


def _due() -> Sequence[int]:
    """Return the replies to ask about, the oldest first."""
    if not current_settings().ask_outcome_hours:
        return []
    where_it_may = places(lambda _: True, public_if=true())
    if where_it_may is None:
        return []
    due = _waiting().where(where_it_may).order_by(Message.sent_at, Message.id).limit(MOST_AT_ONCE)
    found = db.session.scalars(due).all()
    db.session.commit()
    return found


def _waiting() -> Select[int]:
    """Select the replies whose time has come, whose customers said nothing since, and that were not asked about."""
    since = now() - timedelta(hours=current_settings().ask_outcome_hours)
    use = aliased(ArticleUse)
    with_use = select(use.id).where(use.where_kind == "message", use.where_id == _later.id).exists()
    went_on = select(_later.id).where(
        _later.conversation_id == Message.conversation_id,
        _later.id > Message.id,
        or_(_later.direction == "in", and_(_later.state != "failed", with_use)),
    )
    uses = select(ArticleUse.id).where(ArticleUse.where_kind == "message", ArticleUse.where_id == Message.id)
    return (
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.last_message_at > since - LATEST - LONGEST_ON_ITS_WAY,
            Conversation.state.in_(STATES),
            Message.direction == "out",
            Message.state == "sent",
            Message.idempotency_key.is_not(None),  # what was imported was asked about where it comes from, or never
            Message.sent_at <= since,
            Message.sent_at > since - LATEST,
            uses.exists(),
            ~uses.where(ArticleUse.outcome.is_not(None)).exists(),
            ~went_on.exists(),
            ~was_asked(Message.conversation_id),
        )
    )


def _question(reply: Message) -> str | None:
    """Return the words that ask, in the customer's language; None where nothing of it fits into the channel.

    They are kept with the articles' own addresses, as those of every reply, and get the sealed ones when they are sent.
    """
    measure, uses = measure_of(reply.channel, is_public=reply.is_public), _uses(reply.id)
    with force_locale(reply.conversation.locale):
        for number in range(len(uses), 0, -1):
            sealed, own = (
                str(gettext("Did that help? One click tells us: %(urls)s", urls=" ".join(map(address, uses[:number]))))
                for address in (asking.address_of, _own_address)
            )
            if measure.fits(sealed) and measure.fits(own):
                return own
    return None


def _about(message: Message) -> int:
    """Return the id of the reply that a message asks about, or its own."""
    asked = db.session.scalar(select(FollowUp.reply_id).where(FollowUp.message_id == message.id))
    return message.id if asked is None else asked


def _uses(reply_id: int) -> Sequence[ArticleUse]:
    return queries.used_articles([reply_id]).get(reply_id, ())


def _own_address(use: ArticleUse) -> str:
    return absolute(addresses.of_article(use.article))


def _nameless(text: str) -> str:
    return re.sub(rf"({re.escape(current_settings().base_url)}/kb/[0-9]+)-[\w-]*+(?!/\w)", r"\1", text)


def _with_address(text: str, use: ArticleUse) -> str:
    """Return the text with the article's own address, by whatever slug, replaced by the one that asks."""
    own = rf"{re.escape(current_settings().base_url)}/kb/{use.article_id}(?![0-9])(?:-[\w-]*+)?+(?!/\w)"
    return re.sub(own, asking.address_of(use), text)


asking.contribute("message", hear)
