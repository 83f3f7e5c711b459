"""Asking the customer with one click whether their case is solved, where no article was sent that asks by itself.

A channel does it where its settings say so; once in a conversation, and never beside the question after an article. In
public nothing is asked where others joined in: whoever reads it could answer for the customer.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from flask_babel import force_locale, gettext, pgettext
from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import aliased

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.settings import current_settings
from core.web import absolute
from core.worker import chore
from desk import asking, conversations, policy
from desk.channels.base import measure_of
from desk.figure_models import SOLVED_ANSWERS, SolvedQuestion
from desk.models import Channel, Conversation, Message
from forum import tickets
from kb.models import ArticleUse

PURPOSE: Final = "solved"
PATH: Final = "/solved"
ANSWERED_WITHIN: Final = timedelta(days=90)

_other = aliased(Message)


def is_on(channel: Channel) -> bool:
    """Tell whether this channel asks after replies without an article, too."""
    return bool(channel.settings.get("asks_solved"))


def choose(channel: Channel, *, is_on: bool, by: User) -> None:
    """Have a channel ask after replies without an article, too, or not."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    before = bool(channel.settings.get("asks_solved"))
    if before != is_on:
        channel.settings = {**channel.settings, "asks_solved": is_on}
        db.session.flush()
        audit.record("desk.channel.choose_solved", channel, by=by, before={"asks": before}, after={"asks": is_on})


def text_with_links(message: Message) -> str:
    """Return what leaves the house; where the message asks, its address is the sealed one, which is kept nowhere."""
    if message.by_id is None:
        found = select(SolvedQuestion).where(SolvedQuestion.message_id == message.id)
        question = db.session.scalars(found).one_or_none()
        if question is not None:
            return message.text.replace(absolute(PATH), address_of(question))
    return asking.text_with_links(message)


def address_of(question: SolvedQuestion) -> str:
    """Return the whole address at which the customer answers."""
    return _address(question.conversation_id, question.reply_id)


@chore("desk.ask_whether_it_is_solved", every=asking.EVERY_SECONDS)
def ask_all() -> int:
    """Ask about the cases whose time has come; return how many that were."""
    asked = 0
    for reply_id in _due():
        asked += ask(reply_id)
        db.session.commit()
    return asked


def ask(reply_id: int) -> bool:
    """Queue the message that asks after a reply; tell whether it was. Never twice, and not when things went on."""
    reply = db.session.get_one(Message, reply_id)
    conversation = conversations.locked(reply.conversation_id)
    if db.session.scalar(_waiting().where(Message.id == reply_id)) is None:
        return False
    text = _words(conversation, absolute(PATH))
    measure = measure_of(reply.channel, is_public=reply.is_public)
    if not measure.fits(text) or not measure.fits(_words(conversation, _address(conversation.id, reply_id))):
        return False
    message = asking.queue(reply, text, name=f"solved_{conversation.id}")
    db.session.add(
        SolvedQuestion(
            conversation_id=conversation.id, reply_id=reply_id, message_id=message.id, by_id=reply.by_id, asked_at=now()
        )
    )
    db.session.flush()
    return True


def asked(ticket: str, *, for_answer: bool = False) -> SolvedQuestion:
    """Return the question that an address is about, held `for_answer`; raise `NotFound` where it asks nothing."""
    wanted = select(SolvedQuestion).where(
        SolvedQuestion.conversation_id == tickets.of_short(ticket), SolvedQuestion.asked_at > now() - ANSWERED_WITHIN
    )
    if for_answer:
        wanted = wanted.with_for_update(of=SolvedQuestion).execution_options(populate_existing=True)
    question = db.session.scalars(wanted).one_or_none()
    if question is None or not tickets.is_short(ticket, PURPOSE, question.conversation_id, str(question.reply_id)):
        raise NotFound
    return question


def say(ticket: str, answer: str) -> SolvedQuestion:
    """Keep what the customer says; their last word counts, and the same said ten times at once is said once."""
    conversations.locked(asked(ticket).conversation_id)
    question = asked(ticket, for_answer=True)
    said = next((known for known in SOLVED_ANSWERS if known == answer), None)
    if said is None:
        raise Invalid(gettext("Please choose one of these."))
    if question.answer == said:
        return question
    question.answer, question.answered_at = said, now()
    db.session.flush()
    if said == "no":
        asking.open_again(question.conversation_id, reason="not solved")
    return question


def _due() -> Sequence[int]:
    """Return the replies after which to ask, the oldest first."""
    if not current_settings().ask_outcome_hours:
        return []
    where_it_may = asking.places(is_on, public_if=~_others_joined_in())
    if where_it_may is None:
        return []
    due = _waiting().where(where_it_may).order_by(Message.sent_at, Message.id).limit(asking.MOST_AT_ONCE)
    found = db.session.scalars(due).all()
    db.session.commit()
    return found


def _waiting() -> Select[int]:
    """Select the last replies of cases at rest whose time has come, without an article, in which nothing was asked."""
    since = now() - timedelta(hours=current_settings().ask_outcome_hours)
    later = select(_other.id).where(_other.conversation_id == Message.conversation_id, _other.id > Message.id)
    used = (
        select(ArticleUse.id)
        .join(_other, and_(_other.id == ArticleUse.where_id, ArticleUse.where_kind == "message"))
        .where(_other.conversation_id == Message.conversation_id)
    )
    return (
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.last_message_at > since - asking.LATEST - asking.LONGEST_ON_ITS_WAY,
            Conversation.state.in_(asking.STATES),
            Message.direction == "out",
            Message.state == "sent",
            Message.by_id.is_not(None),
            Message.idempotency_key.is_not(None),
            Message.sent_at <= since,
            Message.sent_at > since - asking.LATEST,
            ~later.exists(),
            ~used.exists(),
            ~asking.was_asked(Message.conversation_id),
        )
    )


def _others_joined_in() -> ColumnElement[bool]:
    return (
        select(_other.id)
        .where(
            _other.conversation_id == Message.conversation_id,
            _other.contact_id.is_not(None),
            _other.contact_id != Conversation.contact_id,
        )
        .exists()
    )


def _words(conversation: Conversation, url: str) -> str:
    with force_locale(conversation.locale):
        if conversation.says_du:
            return str(pgettext("informal", "Is this solved for you? One click tells us: %(url)s", url=url))
        return str(gettext("Is this solved for you? One click tells us: %(url)s", url=url))


def _address(conversation_id: int, reply_id: int) -> str:
    return absolute(f"{PATH}/{tickets.short(PURPOSE, conversation_id, str(reply_id))}")
