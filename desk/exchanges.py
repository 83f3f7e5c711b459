"""Answered once, found for ever: a public exchange that solved something becomes a question with its answer.

The question stands under a staged account that says only from which channel it came. Nothing personal goes along. Where
the customer agreed, the question leads to what they wrote in public; otherwise only the team knows where it is from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import outbox
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.unique import add_once
from desk import conversations, greetings, policy, questions
from desk.block_models import ReplyTopic
from desk.events import ExchangePublished
from desk.models import Message
from forum import answers, personal_data, topics
from forum.models import LONGEST_TITLE, SHORTEST_TITLE, Category, Topic
from kb import sentences
from search.analysis import language


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the question and the answer begin with, without greetings, names and what looks personal."""

    title: str
    question: str
    answer: str
    locale: str
    caught: Sequence[str]
    """What was taken out, in words."""


def propose(reply: Message) -> Proposal:
    """Return what a public exchange would be in the forum; raise `Conflict` where it cannot be one."""
    asked = _asked(reply)
    locale = language.guess(reply.text, reply.conversation.locale)
    question = "\n\n".join(filter(None, (_clean(message.text, reply) for message in asked)))
    answer = _clean(reply.text, reply)
    first = next(iter(sentences.split(" ".join(question.split()))), "")
    title = first if len(first) >= SHORTEST_TITLE else " ".join(question.split())
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 2].rsplit(None, 1)[0] + " …"
    whole = "\n".join([*(message.text for message in asked), reply.text])
    return Proposal(title, question, answer, locale, personal_data.kinds(whole))


def publish(
    reply: Message,
    *,
    title: str,
    question: str,
    answer: str,
    category: Category | None,
    locale: str,
    has_consent: bool,
    by: User,
) -> Topic:
    """Write an exchange into the forum, solved; twice is once, and the second gets the first one's question.

    Raises `Invalid` where something is missing, or where personal data or the customer's name is still in it.
    """
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(reply.conversation_id)
    if (before := topic_of(reply)) is not None:
        return before
    asked = _asked(reply)
    _refuse_personal(reply, title=title, question=question, answer=answer)
    topic = questions.ask_in_forum(asked[0], title=title, source=question, category=category, locale=locale, by=by)
    post = answers.post(topic, source=answer, by=by, with_question=True)
    answers.accept(post, by=by)
    if has_consent and (url := asked[0].url or reply.url):
        topics.add_see_also(topic, title=gettext("Where it was asked: %(name)s", name=reply.channel.name), url=url)
        outbox.publish(ExchangePublished(reply.id, topic.id))
    add_once(
        ReplyTopic,
        reply_id=reply.id,
        topic_id=topic.id,
        post_id=post.id,
        has_consent=has_consent,
        by_id=by.id,
        at=now(),
    )
    audit.record("desk.message.publish", reply, by=by, after={"topic_id": topic.id, "consent": has_consent})
    return topic


def topic_of(reply: Message) -> Topic | None:
    """Return the question that an exchange became."""
    made = select(Topic).join(ReplyTopic, ReplyTopic.topic_id == Topic.id).where(ReplyTopic.reply_id == reply.id)
    return db.session.scalars(made).unique().first()


def _asked(reply: Message) -> list[Message]:
    """Return what the customer asked in public before a public reply that has arrived, the oldest first."""
    is_fit = reply.direction == "out" and reply.is_public and reply.state == "sent"
    if not is_fit or reply.conversation.state != "solved":
        raise Conflict(gettext("Only a public exchange that is solved goes into the forum."))
    rows = db.session.scalars(
        select(Message)
        .where(
            Message.conversation_id == reply.conversation_id,
            Message.direction == "in",
            Message.is_public,
            Message.contact_id == reply.conversation.contact_id,
            Message.id < reply.id,
        )
        .order_by(Message.created_at, Message.id)
    ).all()
    asked = [message for message in rows if message.text.strip()]
    if not asked:
        raise Conflict(gettext("The customer asked nothing in public here."))
    return asked


def _clean(text: str, reply: Message) -> str:
    return greetings.without(personal_data.redacted(text.strip()), names=_names(reply))


def _names(reply: Message) -> list[str]:
    contact = reply.conversation.contact
    return [contact.name, contact.handle]


def _refuse_personal(reply: Message, **texts: str) -> None:
    wrong = {}
    for field, text in texts.items():
        if found := personal_data.kinds(text):
            wrong[field] = gettext("Everybody will read this. Please take out: %(kinds)s.", kinds=", ".join(found))
        elif greetings.named(text, _names(reply)):
            wrong[field] = gettext("The customer’s name is still in it. Please take it out: everybody will read this.")
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)
