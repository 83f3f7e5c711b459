"""A person says what a message is; the machine learns from it, and it can be undone."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.unique import add_once
from desk import clocks, conversations, policy, queries
from desk.models import Conversation, Message
from desk.triage import priority, rules
from desk.triage.model import HEADS
from desk.triage.receiving import judged
from desk.triage.tables import ConversationMute, JudgementCorrection, MessageJudgement

MUTED_BECAUSE = ("spam", "troll")


def correct(message: Message, said: Mapping[str, Any], *, by: User) -> None:
    """Say what a message is, in as many respects as are given; what the machine said first is kept."""
    if not policy.may_work(by):
        raise NotAllowed
    if message.direction != "in":
        raise Invalid(gettext("Only what a customer wrote is judged."))
    if not said or any(head not in HEADS or answer not in HEADS[head] for head, answer in said.items()):
        raise Invalid(gettext("A message cannot be judged like this."))
    conversation = conversations.locked(message.conversation_id)
    told = judged(message, conversation)
    before = {head: getattr(told, head) for head in HEADS}
    if all(before[head] == answer for head, answer in said.items()):
        return
    if not add_once(JudgementCorrection, judgement_id=told.id, by_id=by.id, at=now(), said=before):
        correction = db.session.scalars(
            select(JudgementCorrection).where(JudgementCorrection.judgement_id == told.id)
        ).one()
        correction.by_id, correction.at = by.id, now()
    for head, answer in said.items():
        setattr(told, head, answer)
    db.session.flush()
    audit.record("desk.message.correct", message, by=by, before=before, after=dict(said))
    priority.place(conversation)


def undo(message: Message, *, by: User) -> None:
    """Take a correction back: the message is again what the machine said."""
    if not policy.may_work(by):
        raise NotAllowed
    conversation = conversations.locked(message.conversation_id)
    found = correction_of(message)
    if found is None:
        raise NotFound(gettext("Nobody corrected this message, or it was taken back already."))
    told = found.judgement
    before = {head: getattr(told, head) for head in HEADS}
    for head in HEADS:
        setattr(told, head, found.said[head])
    db.session.delete(found)
    db.session.flush()
    audit.record("desk.message.undo_correction", message, by=by, before=before, after=dict(found.said))
    priority.place(conversation)


def correction_of(message: Message) -> JudgementCorrection | None:
    return db.session.scalars(
        select(JudgementCorrection)
        .join(MessageJudgement, MessageJudgement.id == JudgementCorrection.judgement_id)
        .where(MessageJudgement.message_id == message.id)
    ).one_or_none()


def mute(conversation: Conversation, *, reason: str, by: User) -> None:
    """Keep spam or a troll away from the desk: complete now, and whatever they write on."""
    if not policy.may_work(by):
        raise NotAllowed
    if reason not in MUTED_BECAUSE:
        raise Invalid(gettext("Say whether it is spam or a troll."))
    conversations.locked(conversation.id)
    before = conversation.state
    rules.mute(conversation, reason=reason, by_id=by.id)
    audit.record(
        "desk.conversation.mute",
        conversation,
        by=by,
        reason=reason,
        before={"state": before},
        after={"state": "no_answer"},
    )


def unmute(conversation: Conversation, *, by: User) -> None:
    """Let a conversation come back: who wrote last without an answer waits again."""
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(conversation.id)
    found = db.session.scalars(
        select(ConversationMute).where(ConversationMute.conversation_id == conversation.id)
    ).one_or_none()
    if found is None:
        return
    db.session.delete(found)
    conversation.state = "open"
    if (newest := queries.newest_incoming(conversation)) is not None:
        clocks.run(conversation, newest.created_at)
    db.session.flush()
    audit.record("desk.conversation.unmute", conversation, by=by, before={"reason": found.reason})
    priority.place(conversation)
