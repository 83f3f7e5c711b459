"""A customer's message becomes a question in the forum, asked for somebody whom only the channel knows.

The question stands under a staged account, one for each handle on a channel, and without what looks like personal data.
The customer claims it by a link that goes to them in private.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit, one_time, staged
from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.i18n import LOCALES
from core.settings import current_settings
from core.unique import add_once
from core.web import absolute
from desk import conversations, policy, replies
from desk.block_models import ReplyTopic
from desk.models import Contact, Conversation, Message, MessageQuestion
from forum import addresses, limits, notes, notifications, personal_data, topics
from forum import queries as forum_queries
from forum.models import LONGEST_TITLE, SHORTEST_TITLE, Acceptance, Category, Notification, Topic
from kb import sentences
from search.analysis import language


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a question begins with: the customer's words, without what looks like personal data."""

    title: str
    source: str
    locale: str
    caught: Sequence[str]
    """What was taken out, in words."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A question that a message became, as the desk shows it."""

    topic: Topic
    url: str
    solution_id: int | None
    """The answer that solved it, when every guest may read it."""


def propose(message: Message) -> Proposal:
    """Return what a question made of this message begins with."""
    locale = language.guess(message.text, message.conversation.locale)
    source = personal_data.redacted(message.text.strip())
    first = next(iter(sentences.split(" ".join(source.split()))), "")
    title = first if len(first) >= SHORTEST_TITLE else " ".join(source.split())
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 2].rsplit(None, 1)[0] + " …"
    return Proposal(title, source, locale if locale in LOCALES else "en", personal_data.kinds(message.text))


def ask_in_forum(
    message: Message, *, title: str, source: str, category: Category | None, locale: str, by: User
) -> Topic:
    """Ask in the forum what a customer wrote; twice is once, and the second gets the first one's question.

    Raises `Invalid` where something is missing, or where personal data is still in it: everybody will read it.
    """
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(message.conversation_id)
    if (before := question_of(message)) is not None:
        return before
    if message.direction != "in":
        raise Invalid(gettext("Only what a customer wrote becomes a question."))
    if category is None:
        sentence = gettext("Please choose where this belongs.")
        raise Invalid(sentence, fields={"category": sentence})
    _refuse_personal(title=title, source=source)
    contact = message.contact or message.conversation.contact
    topic = topics.take_in(
        title=title, source=source, category=category, locale=limits.locale(locale), asker=_asker(contact, locale)
    )
    url = absolute(f"/desk/conversations/{message.conversation_id}#m{message.id}")
    notes.write(topic, text=gettext("Asked for a customer. The conversation: %(url)s", url=url), by=by)
    add_once(
        MessageQuestion,
        message_id=message.id,
        conversation_id=message.conversation_id,
        topic_id=topic.id,
        by_id=by.id,
        at=now(),
    )
    audit.record("desk.message.ask_in_forum", message, by=by, after={"topic_id": topic.id})
    return topic


def question_of(message: Message) -> Topic | None:
    """Return the question that a message became."""
    made = select(Topic).join(MessageQuestion, MessageQuestion.topic_id == Topic.id)
    return db.session.scalars(made.where(MessageQuestion.message_id == message.id)).unique().first()


def linked(conversation: Conversation, *, viewer: Viewer) -> Mapping[int, Linked]:
    """Return by message which questions a conversation became, as far as the viewer may see them."""
    rows = db.session.execute(
        select(MessageQuestion.message_id, Topic)
        .join(Topic, Topic.id == MessageQuestion.topic_id)
        .where(MessageQuestion.conversation_id == conversation.id, forum_queries.topics_visible_to(viewer))
        .order_by(MessageQuestion.id)
    ).unique()
    found: dict[int, Topic] = {row[0]: row[1] for row in rows}
    solutions = _solutions([topic.id for topic in found.values()])
    return {
        message_id: Linked(topic, addresses.of_topic(topic), solutions.get(topic.id))
        for message_id, topic in found.items()
    }


def send_claim(conversation: Conversation, *, by: User) -> Message:
    """Send the customer, in private, the link by which what was asked for them becomes their own."""
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(conversation.id)
    asker = claimant(conversation)
    if asker is None:
        raise Conflict(gettext("Nothing was asked in the forum for this customer, or it is theirs by now."))
    days, url = current_settings().claim_days, absolute(f"/claim/{one_time.issue(asker, 'claim')}")
    text = gettext(
        "Your question stands in our forum. With this link it becomes your own. It works once, for %(days)s days, and "
        "it is for you alone: %(url)s",
        days=days,
        url=url,
    )
    return replies.reply(conversation, text=text, by=by, is_public=False)


def claimant(conversation: Conversation) -> User | None:
    """Return the staged person for whom something was asked out of a conversation and who can still claim it."""
    asked = (
        select(User)
        .join(Topic, Topic.asker_id == User.id)
        .join(MessageQuestion, MessageQuestion.topic_id == Topic.id)
        .where(MessageQuestion.conversation_id == conversation.id, User.is_staged, User.disabled_at.is_(None))
    )
    contact = conversation.contact
    for user in db.session.scalars(asked).unique():
        known = staged.identity(user)
        # In a public thread others join in: the link is for whose conversation it is.
        if known is not None and known.key == staged_key(contact):
            return user
    return None


def tell_who_asked(topic_id: int) -> None:
    """Tell who has the conversation, or who asked for the customer, that there is an answer to send."""
    rows = db.session.execute(
        select(MessageQuestion.by_id, Conversation.id, Conversation.assignee_id, MessageQuestion.message_id)
        .join(Conversation, Conversation.id == MessageQuestion.conversation_id)
        .where(
            MessageQuestion.topic_id == topic_id,
            # What came into the forum with its answer is answered already.
            ~select(ReplyTopic.reply_id).where(ReplyTopic.topic_id == topic_id).exists(),
        )
    ).all()
    solution_id = _solutions([topic_id]).get(topic_id) if rows else None
    if solution_id is None:
        return
    topic = db.session.get_one(Topic, topic_id)
    for by_id, conversation_id, assignee_id, message_id in rows:
        reader_id = assignee_id or by_id
        if reader_id is not None:
            notifications.notify(
                reader_id,
                kind="answer_for_customer",
                key=f"for_customer:{message_id}:{solution_id}",
                url=f"/desk/conversations/{conversation_id}",
                topic=topic,
            )


@notifications.kind("answer_for_customer", group="solutions")
def _answer_for_customer(notification: Notification) -> str:
    title = notification.topic.title if notification.topic is not None else ""
    return str(gettext("“%(title)s”, which you asked for a customer, is solved. You can send the answer.", title=title))


def _refuse_personal(**texts: str) -> None:
    wrong = {}
    for field, text in texts.items():
        if found := personal_data.kinds(text):
            wrong[field] = gettext("Everybody will read this. Please take out: %(kinds)s.", kinds=", ".join(found))
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)


def _asker(contact: Contact, locale: str) -> User:
    return staged.person("channel", staged_key(contact), locale=locale, name=contact.channel.name)


def staged_key(contact: Contact) -> str:
    return f"{contact.channel_id}:{contact.handle}"


def _solutions(topic_ids: Collection[int]) -> Mapping[int, int]:
    guest = AnonymousUser()
    if not topic_ids:
        return {}
    rows = db.session.execute(
        select(Acceptance.topic_id, Acceptance.post_id)
        .join(Topic, Topic.id == Acceptance.topic_id)
        .where(
            Acceptance.topic_id.in_(topic_ids),
            Acceptance.position == 0,
            Acceptance.contradicted_at.is_(None),
            forum_queries.topics_visible_to(guest),
        )
    )
    return {row[0]: row[1] for row in rows}
