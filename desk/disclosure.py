"""What is known about a person, as one JSON file: for who asks what is stored about them (GDPR, article 15).

It has what an export has of them, in the same words, and what does not travel: numbers, calls and what was left at the
counter in clear, replies that failed. Documents are named, not included: they are handed out at the desk.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import selectinload, undefer

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from core.transfer import iso
from desk import moving, persons, policy
from desk.channel_models import ChannelDelivery
from desk.models import Contact, Conversation, Message
from desk.person_models import Counter
from desk.promise_models import CallBack
from desk.triage.tables import MessageJudgement

AT_ONCE: Final = 50
_ABOUT_THE_DESK: Final = frozenset({"clock_event", "contact"})


def of(contact: Contact, *, by: User) -> Iterator[str]:
    """Write into the log that somebody takes it, and yield the file in pieces."""
    if not policy.may_erase(by):
        raise NotAllowed
    ids = [one.id for one in persons.contacts_of(contact)]
    audit.record("desk.contact.disclose", contact, by=by, after={"contacts": len(ids)})
    return _pieces(ids)


def _pieces(ids: Sequence[int]) -> Iterator[str]:
    yield '{"made": ' + json.dumps(iso(now()))
    for name, rows in (
        ("contacts", _contacts(ids)),
        ("conversations", _conversations(ids)),
        ("counters", _counters(ids)),
        ("deliveries", _deliveries(ids)),
    ):
        yield from _list(name, rows)
    for thing in moving.things():
        which = _theirs(thing, ids)
        if which is not None and thing.name not in _ABOUT_THE_DESK:
            yield from _list(thing.name, moving.dump(thing, only=which))
    yield "}\n"


def _list(name: str, rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield f",\n{json.dumps(name)}: ["
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=False)
    yield "]"


def _contacts(ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    for one in db.session.scalars(select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id)):
        yield {"channel": one.channel.slug, "handle": one.handle, "name": one.name, "reach": one.reach}


def _conversations(ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield their conversations; in those of others only what they wrote themselves."""
    theirs = select(Message.conversation_id).where(Message.contact_id.in_(ids))
    which = or_(Conversation.contact_id.in_(ids), Conversation.id.in_(theirs))
    numbers = db.session.scalars(select(Conversation.id).where(which).order_by(Conversation.id)).all()
    for begin in range(0, len(numbers), AT_ONCE):
        found = db.session.scalars(
            select(Conversation)
            .where(Conversation.id.in_(numbers[begin : begin + AT_ONCE]))
            .options(selectinload(Conversation.messages).undefer(Message.quoted))
            .order_by(Conversation.id)
        )
        for conversation in found.unique():
            is_theirs = conversation.contact_id in ids
            yield {
                "id": conversation.source_id or f"klinke:{conversation.id}",
                "channel": conversation.channel.slug,
                "state": conversation.state,
                "created": iso(conversation.created_at),
                "messages": [
                    _message(message)
                    for message in conversation.messages
                    if message.contact_id in ids or (is_theirs and message.direction == "out")
                ],
            }


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.source_id or f"klinke:{message.id}",
        "direction": message.direction,
        "public": message.is_public,
        "text": message.text,
        "quoted": message.quoted,
        "url": message.url,
        "state": message.state,
        "created": iso(message.created_at),
    }


def _counters(ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    mine = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    found = select(Counter).where(Counter.conversation_id.in_(mine)).order_by(Counter.id)
    for one in db.session.scalars(found.options(undefer(Counter.content), selectinload(Counter.files))).unique():
        yield {
            "asked": one.asks,
            "created": iso(one.created_at),
            "submitted": None if one.submitted_at is None else iso(one.submitted_at),
            "content": None if one.content is None else json.loads(one.content),
            "documents": [{"name": file.name, "size": file.size} for file in one.files],
        }


def _deliveries(ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield when what they wrote was delivered, of channels that keep a log; its words are those of the messages."""
    found = (
        select(ChannelDelivery)
        .join(Message, Message.id == ChannelDelivery.message_id)
        .where(Message.contact_id.in_(ids))
        .order_by(ChannelDelivery.id)
    )
    for one in db.session.scalars(found):
        yield {"at": iso(one.created_at), "outcome": one.outcome, "size": one.size, "is_kept": one.kept > 0}


def _theirs(thing: moving.Thing, ids: Sequence[int]) -> ColumnElement[bool] | None:
    """Return which rows of a thing are about these contacts; None where no row can be."""
    mine = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    said = select(Message.id).where(Message.contact_id.in_(ids) | Message.conversation_id.in_(mine))
    column: Any = thing.model
    leads = {str(key.target_fullname): one.name for one in thing.table.columns for key in one.foreign_keys}
    if thing.table.name == "contact_join":
        return or_(column.one_id.in_(ids), column.other_id.in_(ids))
    for target, which in (("contact.id", ids), ("conversation.id", mine), ("message.id", said)):
        if target in leads:
            found: ColumnElement[bool] = getattr(column, leads[target]).in_(which)
            return found
    if "call_back.id" in leads:
        calls = select(CallBack.id).where(CallBack.conversation_id.in_(mine))
        attempts: ColumnElement[bool] = column.call_back_id.in_(calls)
        return attempts
    if "message_judgement.id" in leads:
        judged = select(MessageJudgement.id).where(MessageJudgement.conversation_id.in_(mine))
        corrected: ColumnElement[bool] = column.judgement_id.in_(judged)
        return corrected
    return None
