"""Correcting a reply that was sent, where its service lets: the words are changed there, the old ones kept here.

A correction is checked like a reply: its length, what speaks against it, and whether a second person reads it first.
The message says the new words once the service has them.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from flask_babel import force_locale, gettext, lazy_gettext, pgettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core import texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import publish
from core.phrases import phrase
from desk import approvals, conversations, errands, objections, policy, queries, replies
from desk.channel_models import MessageVersion
from desk.channels.base import adapter_of, measure_of
from desk.events import CorrectionQueued
from desk.models import Message
from desk.objections import Draft
from desk.order_models import LONGEST_CORRECTION_NOTE, MessageCorrection
from forum import notifications
from forum.models import Notification

OPEN: Final = ("approval", "back", "queued", "failed", "unsure")
LONGEST_QUOTE: Final = 80


class ChangedMeanwhile(Conflict):
    """Somebody else corrected the message while this was written."""

    title = lazy_gettext("Somebody else was faster")


def correct(
    message: Message, *, text: str, by: User, seen: str, confirmed: Collection[str] | None = None
) -> MessageCorrection:
    """Have a message of ours say these words at its service; it waits for a second person where a rule asks for one.

    `seen` is the mark of what the message said when its correction was begun (`mark_of`); what failed before or came
    back is replaced. Raise `ChangedMeanwhile`, `Objected` and `Invalid`; nothing is kept then.
    """
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(message.conversation_id)
    db.session.refresh(message, ["text", "state", "external_id"])
    if reason := why_not(message):
        raise Conflict(reason)
    standing = open_of(message)
    _refuse_if_it_went_on(message, standing, seen, by)
    text = replies.checked(text, measure_of(message.channel, is_public=message.is_public))
    if text == message.text:
        sentence = gettext("These are the words that stand there already.")
        raise Invalid(sentence, fields={"text": sentence})
    draft = draft_of(message, text, by=by)
    objections.require(draft, confirmed)
    rule = approvals.rule_for(draft)
    if standing is not None:
        _drop(standing)
    wanted = MessageCorrection(
        message=message,
        text=text,
        by=by,
        state="queued" if rule is None else "approval",
        rule=rule.name if rule else "",
    )
    db.session.add(wanted)
    db.session.flush()
    _record("correct", wanted, by=by)
    if rule is None:
        publish(CorrectionQueued(wanted.id))
    else:
        _ask(wanted)
    return wanted


def approve(correction: MessageCorrection, *, by: User) -> None:
    """Let a correction go out that waited for a second person; it goes as its writer left it."""
    _require_waiting(correction, by)
    message = correction.message
    if reason := why_not(message):
        raise Conflict(reason)
    replies.checked(correction.text, measure_of(message.channel, is_public=message.is_public))
    correction.approved_by, correction.state = by, "queued"
    db.session.flush()
    _record("approve_correction", correction, by=by)
    publish(CorrectionQueued(correction.id))


def give_back(correction: MessageCorrection, *, note: str, by: User) -> None:
    """Give a correction back to who wrote it, with a word on why."""
    _require_waiting(correction, by)
    correction.note = texts.block(note, longest=LONGEST_CORRECTION_NOTE, shortest=0)
    correction.state = "back"
    db.session.flush()
    _record("give_correction_back", correction, by=by)
    if correction.by_id is not None:
        notifications.notify(
            correction.by_id, kind=_BACK, key=f"correction_back:{correction.id}", url=_address(correction)
        )


def try_again(correction: MessageCorrection, *, by: User) -> None:
    """Give what failed, or of which nobody knows, another start, in the same words."""
    _require_stuck(correction, by, {"failed", "unsure"})
    if reason := why_not(correction.message):
        raise Conflict(reason)
    errands.start_again(correction)
    _record("correct", correction, by=by)
    publish(CorrectionQueued(correction.id))


def note_done(correction: MessageCorrection, *, by: User) -> None:
    """Note that somebody looked at the service and found the new words there."""
    _require_stuck(correction, by, {"unsure"})
    correction.state, correction.failure, correction.done_at = "done", None, correction.attempted_at or now()
    _say(correction)
    _record("correct", correction, by=by)


def drop(correction: MessageCorrection, *, by: User) -> None:
    """Leave the message as it stands. Twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(correction.message.conversation_id)
    db.session.refresh(correction)
    if correction.state == "dropped":
        return
    if correction.state not in OPEN or correction.state == "queued":
        raise Conflict(gettext("This correction is on its way, or it has been made."))
    _drop(correction)
    _record("drop_correction", correction, by=by)


def carry_out(correction_id: int) -> None:
    """Have the service change the message, in the worker; raise `Later` where it is to be tried again."""
    correction = errands.taken(MessageCorrection, correction_id)
    if correction is None:
        return
    message = correction.message
    if reason := why_not(message):
        errands.end(correction, reason)
        return
    external_id = str(message.external_id)
    outgoing = replies.as_it_leaves(message, correction.text)
    if (outcome := errands.carry_out(correction, lambda adapter: adapter.correct(external_id, outgoing))) is None:
        return
    correction, told = outcome
    if told.url is not None:
        correction.message.url = told.url
    _say(correction)


def can(message: Message) -> bool:
    """Tell whether the service of a message lets what was sent be changed."""
    return adapter_of(message.channel).capabilities.corrects


def why_not(message: Message) -> str:
    """Say why a message cannot be corrected where it stands; empty when it can."""
    if message.direction != "out" or message.state != "sent":
        return phrase("Only what has arrived can be corrected.")
    if message.channel.disabled_at is not None:
        return phrase("This channel is switched off. An admin can switch it on again.")
    if not can(message):
        return phrase("This service does not let a message be changed once it was sent.")
    if message.external_id is None or not message.text:
        return phrase("The service did not say how it calls this message, so it cannot be changed there.")
    return ""


def mark_of(text: str) -> str:
    """Return what tells words from others."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def draft_of(message: Message, text: str, *, by: User) -> Draft:
    """Return the correction as what would be sent: to whom the message answered, and where it stands."""
    draft = replies.draft_of(message.conversation, text, by=by, is_public=message.is_public)
    return replace(draft, asked=queries.asked_before(message) or draft.asked)


def opening(message: Message) -> str:
    """Return how a correction begins that is a message of its own: in their language, with what it corrects."""
    quoted = " ".join(message.text.split())
    quoted = quoted if len(quoted) <= LONGEST_QUOTE else quoted[: LONGEST_QUOTE - 1].rstrip() + "…"
    with force_locale(message.conversation.locale):
        if message.conversation.says_du:
            return str(pgettext("informal", "A correction to what we wrote you (“%(words)s”): ")) % {"words": quoted}
        return str(gettext("A correction to what we wrote you (“%(words)s”): ", words=quoted))


def open_of(message: Message) -> MessageCorrection | None:
    """Return the correction of a message that is neither made nor dropped."""
    return db.session.scalars(
        select(MessageCorrection)
        .where(MessageCorrection.message_id == message.id, MessageCorrection.state.in_(OPEN))
        .options(joinedload(MessageCorrection.by))
    ).one_or_none()


def of(message_ids: Iterable[int]) -> Mapping[int, MessageCorrection]:
    """Return by message its newest correction that was not dropped."""
    rows = db.session.scalars(
        select(MessageCorrection)
        .where(MessageCorrection.message_id.in_(list(message_ids)), MessageCorrection.state != "dropped")
        .order_by(MessageCorrection.id)
        .options(joinedload(MessageCorrection.by).load_only(User.name))
    )
    return {row.message_id: row for row in rows}


def may_approve(viewer: User, correction: MessageCorrection) -> bool:
    """Whoever works at the desk, has learnt it, and did not write it."""
    return policy.may_work(viewer) and viewer.id != correction.by_id and not approvals.is_trainee(viewer)


def _refuse_if_it_went_on(message: Message, standing: MessageCorrection | None, seen: str, by: User) -> None:
    if mark_of(message.text) != seen:
        raise ChangedMeanwhile(
            gettext("The message says something else by now. Please read it; your text is still here.")
        )
    if standing is None or (standing.by_id == by.id and standing.state != "queued"):
        return
    name = standing.by.name if standing.by is not None else gettext("Somebody")
    if standing.state == "queued":
        raise ChangedMeanwhile(gettext("A correction by %(name)s is on its way. Your text is still here.", name=name))
    if standing.state == "approval":
        raise ChangedMeanwhile(
            gettext("A correction by %(name)s waits for a second person. Your text is still here.", name=name)
        )


def _require_waiting(correction: MessageCorrection, by: User) -> None:
    if not may_approve(by, correction):
        raise NotAllowed(
            gettext("Somebody else approves this: nobody who wrote in it, and nobody who is still learning.")
        )
    _require_stuck(correction, by, {"approval"})


def _require_stuck(correction: MessageCorrection, by: User, states: Collection[str]) -> None:
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(correction.message.conversation_id)
    db.session.refresh(correction)
    if correction.state not in states:
        raise Conflict(gettext("This was decided already, or it is on its way."))


def _drop(correction: MessageCorrection) -> None:
    correction.state, correction.text = "dropped", ""
    db.session.flush()


def _say(correction: MessageCorrection) -> None:
    """Let the message say the new words; the caller holds the correction."""
    message = correction.message
    at = now()
    db.session.add(MessageVersion(message_id=message.id, text=message.text, until=at))
    message.text, message.edited_at = correction.text, at
    correction.text = ""
    db.session.flush()


def _ask(correction: MessageCorrection) -> None:
    """Tell everybody who may approve that it waits."""
    notifications.notify_each(
        [agent.id for agent in queries.agents() if may_approve(agent, correction)],
        kind=_TO_APPROVE,
        key=f"correction_to_approve:{correction.id}",
        url=_address(correction),
    )


def _address(correction: MessageCorrection) -> str:
    return f"/desk/messages/{correction.message_id}/correction"


def _record(deed: str, correction: MessageCorrection, *, by: User) -> None:
    after = {"message": correction.message_id, "state": correction.state, "rule": correction.rule}
    audit.record(f"desk.conversation.{deed}", correction.message.conversation, by=by, after=after)


_TO_APPROVE: Final = "correction_to_approve"
_BACK: Final = "correction_back"


@notifications.kind(_TO_APPROVE, group="tasks")
def _to_approve(_notification: Notification) -> str:
    return str(gettext("A correction of a reply waits for you to approve it."))


@notifications.kind(_BACK, group="tasks")
def _came_back(_notification: Notification) -> str:
    return str(gettext("A colleague gave your correction back."))
