"""Forgetting a person: everything that was said with them and written down about them goes, on all their channels.

What is counted stays: that there was a conversation, when it was answered, and by whom of the team. Their handle is
replaced by one that is keyed with the installation's secret, so that an import of an older export is recognised and
brings nothing back, and nobody can read it backwards.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import current_app
from flask_babel import gettext
from sqlalchemy import ColumnElement, String, cast, delete, func, literal, or_, select, update

from accounts import audit
from accounts.models import StagedIdentity, User
from core.clock import now
from core.db import Base, db
from core.errors import Conflict, Invalid, NotAllowed
from core.mail import Mail
from core.turns import take_turn
from desk import clocks, conversations, deliveries, emptying, persons, policy, questions
from desk.inside import SideTalk
from desk.models import Channel, Contact, Conversation, Message
from desk.person_models import (
    CardAnswer,
    CardLook,
    ContactCode,
    ContactJoin,
    ContactMark,
    ContactMember,
    ThreadPost,
)
from desk.promise_models import CallBack, Promise
from desk.triage.tables import ConversationTag

PREFIX: Final = "erased-"
_DIGITS: Final = 24


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a person: how many things of each kind, by the names of their tables."""

    contacts: Sequence[Contact]
    counts: Mapping[str, int]

    @property
    def has_anything(self) -> bool:
        return any(self.counts.values())


def preview(contact: Contact, *, viewer: User) -> Found:
    """Return what would go; nothing is changed."""
    _require(viewer)
    contacts = persons.contacts_of(contact)
    ids = [one.id for one in contacts]
    mine = _conversations_of(ids)
    counts = {
        "contact": len(contacts),
        "conversation": len(mine),
        "message": _many(Message, _said_by_or_to(ids)),
        **emptying.count_inside(mine, settled_only=False),
        "contact_mark": _many(ContactMark, ContactMark.contact_id.in_(ids)),
        "card_answer": _many(CardAnswer, CardAnswer.contact_id.in_(ids)),
        "card_look": _many(CardLook, CardLook.contact_id.in_(ids)),
        "contact_join": _many(ContactJoin, or_(ContactJoin.one_id.in_(ids), ContactJoin.other_id.in_(ids))),
        "contact_member": _many(ContactMember, ContactMember.contact_id.in_(ids)),
    }
    return Found(contacts, {name: many for name, many in counts.items() if many})


def erase(contact: Contact, *, by: User, typed: str) -> Mapping[str, int]:
    """Forget a person on all their channels; `typed` repeats the handle. Return what went, by kind.

    There is no way back. The log keeps that it was done and how much it was, and nothing of what it was.
    """
    _require(by)
    if is_erased(contact):
        raise Conflict(gettext("This person has been forgotten already."))
    if typed.strip() != contact.handle:
        sentence = gettext("Please repeat the handle exactly as it stands there.")
        raise Invalid(sentence, fields={"handle": sentence})
    take_turn("desk.persons")
    found = preview(contact, viewer=by)
    ids = [one.id for one in found.contacts]
    mine = _conversations_of(ids)
    for conversation_id in mine:
        _end(conversation_id, by=by)
    _forget_mails(mine)
    emptying.say_nothing(_said_by_or_to(ids))
    emptying.begin_nothing(mine)
    emptying.forget_inside(mine, settled_only=False)
    emptying.forget_news(mine)
    _forget_threads(mine, found.contacts)
    _forget_beside(ids)
    deliveries.forget_bodies({one.channel_id for one in found.contacts})
    for one in found.contacts:
        one.erased_at = now()
        handle = pseudonym(one.channel, one.handle)
        one.handle, one.handle_key, one.name, one.reach = handle, handle, "", None
    db.session.flush()
    audit.record("desk.contact.erase", contact, by=by, after=dict(found.counts))
    return found.counts


def is_erased(contact: Contact) -> bool:
    return contact.erased_at is not None


def pseudonym(channel: Channel, handle: str) -> str:
    """Return what stands for a handle that was forgotten."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    said = f"erased contact\0{channel.slug}\0{handle}".encode("utf-8", "surrogatepass")
    return PREFIX + hmac.new(key, said, hashlib.sha256).hexdigest()[:_DIGITS]


def was_erased(channel: Channel, handle: str) -> bool:
    """Tell whether somebody with this handle was forgotten, who then is not brought back by an import."""
    found = select(Contact.id).where(Contact.channel_id == channel.id, Contact.handle == pseudonym(channel, handle))
    return db.session.scalar(found) is not None


def _conversations_of(ids: Sequence[int]) -> list[int]:
    mine = select(Conversation.id).where(Conversation.contact_id.in_(ids)).order_by(Conversation.id)
    return list(db.session.scalars(mine))


def _said_by_or_to(ids: Sequence[int]) -> ColumnElement[bool]:
    """Return which messages are theirs: what they wrote anywhere, and all that the team wrote to them."""
    mine = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    return or_(
        Message.contact_id.in_(ids),
        Message.conversation_id.in_(mine) & (Message.direction == "out"),
    )


def _many(model: type[Base], which: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(which)) or 0


def _end(conversation_id: int, *, by: User) -> None:
    """Have nobody wait in a conversation of which no word is left."""
    conversation = conversations.locked(conversation_id)
    if conversation.state not in conversations.DONE:
        conversations.turn(conversation, "no_answer", by=by)
        clocks.stop(conversation, "no_answer", by=by)
    at = now()
    open_promises = (Promise.conversation_id == conversation_id, Promise.settled_at.is_(None))
    withdrawn = {"state": "withdrawn", "settled_at": at, "settled_by_id": by.id}
    db.session.execute(update(Promise).where(*open_promises).values(withdrawn))
    open_calls = (CallBack.conversation_id == conversation_id, CallBack.state == "open")
    db.session.execute(update(CallBack).where(*open_calls).values(state="cancelled", settled_at=at))
    db.session.flush()


def _forget_mails(mine: Sequence[int]) -> None:
    """Take the words out of what went to colleagues outside."""
    for some in emptying.batches(mine):
        asked = select(SideTalk.address).where(SideTalk.conversation_id.in_(some))
        db.session.execute(update(Mail).where(Mail.to.in_(asked)).values(subject="", text="", html=None))


def _forget_threads(mine: Sequence[int], contacts: Sequence[Contact]) -> None:
    """Take out the service's own names of threads and messages, and what they wrote in the threads of others."""
    for some in emptying.batches(mine):
        db.session.execute(
            update(Conversation)
            .where(Conversation.id.in_(some))
            .values(external_id=literal(PREFIX) + cast(Conversation.id, String), capabilities=None)
        )
        db.session.execute(update(Message).where(Message.conversation_id.in_(some)).values(external_id=None))
        db.session.execute(delete(ConversationTag).where(ConversationTag.conversation_id.in_(some)))
    for one in contacts:
        db.session.execute(update(Message).where(Message.contact_id == one.id).values(external_id=None))
        threads = select(Conversation.id).where(Conversation.channel_id == one.channel_id)
        db.session.execute(
            delete(ThreadPost).where(ThreadPost.handle == one.handle, ThreadPost.conversation_id.in_(threads))
        )


def _forget_beside(ids: Sequence[int]) -> None:
    marks = db.session.scalars(select(ContactMark.id).where(ContactMark.contact_id.in_(ids))).all()
    emptying.forget_in_log("contact_mark", marks)
    emptying.forget_in_log("contact", ids)
    db.session.execute(delete(ContactMark).where(ContactMark.contact_id.in_(ids)))
    db.session.execute(delete(CardAnswer).where(CardAnswer.contact_id.in_(ids)))
    db.session.execute(update(CardLook).where(CardLook.contact_id.in_(ids)).values(reason="", failure=""))
    db.session.execute(
        delete(ContactCode).where(or_(ContactCode.contact_id.in_(ids), ContactCode.to_contact_id.in_(ids)))
    )
    db.session.execute(delete(ContactMember).where(ContactMember.contact_id.in_(ids)))
    db.session.execute(delete(ContactJoin).where(or_(ContactJoin.one_id.in_(ids), ContactJoin.other_id.in_(ids))))
    keys = [questions.staged_key(one) for one in db.session.scalars(select(Contact).where(Contact.id.in_(ids)))]
    db.session.execute(delete(StagedIdentity).where(StagedIdentity.place == "channel", StagedIdentity.key.in_(keys)))


def _require(by: User) -> None:
    if not policy.may_erase(by):
        raise NotAllowed
