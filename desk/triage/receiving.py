"""What happens to a message once it is there: it is judged, its conversation gets its place, and rules are asked."""

from sqlalchemy import select

from core.db import db
from core.outbox import listens_to, publish
from core.unique import add_once
from core.worker import chore
from desk import assigning, clocks, conversations, hiding, queries, quiet, sla
from desk.events import MessageReceived, PublicMessageJudged
from desk.models import Conversation, Message
from desk.triage import judging, learning, priority, rules
from desk.triage.tables import ConversationMute, ConversationStanding, MessageJudgement
from forum import personal_data

SHORTEST_TELLING = 20
"""From so many characters on a message says which language its writer wants."""
MOST_AT_ONCE = 200


@listens_to(MessageReceived)
def take_in(event: MessageReceived) -> None:
    """Judge the message that arrived; what was done for it before a crash is not done again."""
    message = db.session.get(Message, event.message_id)
    if message is None or message.direction != "in":
        return
    conversation = conversations.locked(message.conversation_id)
    judgement = judged(message, conversation)
    if len(message.text.strip()) >= SHORTEST_TELLING:
        conversation.locale = judgement.locale
    priority.place(conversation)
    step = quiet.step_of(message.contact_id or conversation.contact_id)
    is_quiet = step is not None and step.step in quiet.QUIET
    if is_muted(conversation):
        complete(conversation)  # whoever is muted does not get to the top again by writing on
    elif not is_quiet:
        rules.apply(message, conversation, judgement)
    db.session.flush()
    if step is not None and step.step == "hide" and message.is_public:
        hiding.hide_by_the_ladder(message)
    if message.is_public and not is_quiet:
        publish(PublicMessageJudged(message.id))
    clocks.choose_again(conversation)
    if not is_quiet:
        assigning.find_somebody(conversation.id)


@assigning.tell_heat
def heat(conversation: Conversation) -> int:
    """Tell how heated a conversation is, for who is to get it."""
    standing = db.session.get(ConversationStanding, conversation.id)
    return 0 if standing is None else standing.heat


def intent(conversation: Conversation) -> str | None:
    """Tell what the customer wants, for what is promised to them."""
    standing = db.session.get(ConversationStanding, conversation.id)
    return None if standing is None else standing.intent


sla.tell("intent", intent)
sla.tell("priority", lambda conversation: conversation.priority)


def judged(message: Message, conversation: Conversation) -> MessageJudgement:
    """Return what a message is taken for; it is judged the first time."""
    find = select(MessageJudgement).where(MessageJudgement.message_id == message.id)
    found = db.session.scalars(find).one_or_none()
    if found is not None:
        return found
    said = judging.judge(message.text, channel=judging.service_of(conversation.channel.slug), by=learning.current())
    add_once(
        MessageJudgement,
        message_id=message.id,
        conversation_id=conversation.id,
        locale=said.locale,
        intent=said.intent,
        sentiment=said.sentiment,
        heat=said.heat,
        urgency=said.urgency,
        sure=said.sure,
        reasons=[[reason.sign, reason.said] for reason in said.reasons],
        private=[[one.type, one.start, one.end] for one in personal_data.spans(message.text, said.locale)],
        at=message.received_at,
    )
    return db.session.scalars(find).one()


def is_muted(conversation: Conversation) -> bool:
    muted = select(ConversationMute.id).where(ConversationMute.conversation_id == conversation.id)
    return db.session.scalar(muted) is not None


def complete(conversation: Conversation) -> None:
    """Say that nobody is to answer, without anybody having said so."""
    was_open = conversation.state not in conversations.DONE
    conversation.state = "no_answer"
    clocks.stop(conversation, "no_answer")
    db.session.flush()
    if was_open:
        conversations.note_end(conversation)


@chore("desk.triage.catch_up", every=60)
def catch_up() -> int:
    """Judge what waits and was not judged when it came, as what was imported; rules are not asked of the past."""
    waiting = db.session.scalars(
        select(Conversation)
        .outerjoin(ConversationStanding, ConversationStanding.conversation_id == Conversation.id)
        .where(Conversation.waiting_since.is_not(None), ConversationStanding.conversation_id.is_(None))
        .order_by(Conversation.waiting_since.desc(), Conversation.id)
        .limit(MOST_AT_ONCE)
    ).unique()
    done = 0
    for conversation in waiting.all():
        message = queries.newest_incoming(conversation)
        if message is not None:
            judged(message, conversation)
            priority.place(conversation)
            done += 1
    db.session.commit()
    return done
