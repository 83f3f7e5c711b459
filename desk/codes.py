"""A code goes out over one channel and is said on another: then both are one person.

What the code's message says is the same for everybody, so that nothing of one channel is told on the other.
"""

import hashlib
import hmac
import secrets
import uuid
from datetime import timedelta
from typing import Final

from flask import current_app
from flask_babel import force_locale, gettext, pgettext
from sqlalchemy import delete, select

from accounts import audit
from accounts.attempts import count_at_door
from accounts.models import User
from core import mail
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import publish
from core.settings import current_settings
from core.worker import chore
from desk import persons, policy, replies
from desk.channels.base import adapter_of
from desk.events import ReplyQueued
from desk.models import Contact, Conversation, Message
from desk.person_models import ContactCode

DIGITS: Final = 6
MOST_ATTEMPTS: Final = 5
"""Six digits and five attempts: one in 200,000 guesses right."""
MOST_CODES: Final = 3
"""So many codes go to one contact or address in a quarter of an hour: nobody is pestered in our name."""


def send_to_contact(contact: Contact, other: Contact, *, by: User) -> Message:
    """Send a code in private to the other contact, for this one to say."""
    if not policy.may_work(by):
        raise NotAllowed
    if contact.id == other.id:
        raise Invalid(gettext("A code is said on another channel than the one it came over."))
    conversation = _conversation_with(other)
    if conversation is None:
        raise Invalid(gettext("There is no conversation in which a code could go out."))
    if reason := why_no_code(conversation):
        raise Conflict(reason)
    count_at_door(f"code-to-{other.id}", None, most=MOST_CODES)
    code = _new(contact, by=by, to_contact_id=other.id)
    message = Message(
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        direction="out",
        is_public=False,
        text=_words(code, conversation.locale, says_du=conversation.says_du),
        by=by,
        state="queued",
        idempotency_key=f"code_{uuid.uuid4().hex}",
    )
    db.session.add(message)
    conversation.last_message_at = now()
    db.session.flush()
    publish(ReplyQueued(message.id))
    audit.record("desk.contact.send_code", contact, by=by, after={"to_contact": other.id})
    return message


def send_to_member(contact: Contact, member: User, *, by: User) -> None:
    """Mail a code to a member's confirmed address, for the contact to say."""
    if not policy.may_work(by):
        raise NotAllowed
    if not member.email or member.email_confirmed_at is None or not member.is_active or member.is_staged:
        raise Conflict(gettext("This member has no confirmed address."))
    count_at_door(f"code-to-member-{member.id}", None, most=MOST_CODES)
    code = _new(contact, by=by, to_user_id=member.id)
    locale = member.locale or current_settings().default_locale
    with force_locale(locale):
        subject = gettext("Your code for %(site)s", site=current_settings().site_name)
    mail.queue(member.email, subject=subject, text=_words(code, locale, says_du=False) + "\n")
    audit.record("desk.contact.send_code", contact, by=by, after={"to_member": member.id})


def say(contact: Contact, said: str, *, by: User) -> bool:
    """Tell whether this is the code, and join whom it belongs to; after a few attempts no code is the right one.

    A wrong one is an answer and no error, since its attempt must be kept.
    """
    if not policy.may_work(by):
        raise NotAllowed
    sent = db.session.get(ContactCode, contact.id, with_for_update=True, populate_existing=True)
    if sent is None or sent.expires_at <= now() or sent.attempts >= MOST_ATTEMPTS:
        raise Conflict(gettext("There is no code that could be said now. Please send a new one."))
    sent.attempts += 1
    digits = "".join(each for each in said if each in "0123456789")
    if not hmac.compare_digest(_hashed(contact.id, digits), sent.code_hash):
        audit.record("desk.contact.say_wrong_code", contact, by=by)
        return False
    if sent.to_contact_id is not None:
        persons.join(contact, db.session.get_one(Contact, sent.to_contact_id), proof="verified", by=by)
    elif sent.to_user_id is not None:
        persons.join_member(contact, db.session.get_one(User, sent.to_user_id), proof="verified", by=by)
    db.session.delete(sent)
    db.session.flush()
    return True


def waiting_for(contact: Contact) -> ContactCode | None:
    """Return the code that this contact could say now."""
    found = db.session.get(ContactCode, contact.id)
    return found if found is not None and found.expires_at > now() and found.attempts < MOST_ATTEMPTS else None


def why_no_code(conversation: Conversation) -> str:
    """Say why no code can go out in a conversation; empty when it can."""
    if reason := replies.why_silent(conversation):
        return reason
    if not adapter_of(conversation.channel).capabilities.private:
        return str(gettext("Nothing private can be sent on this channel."))
    return ""


@chore("desk.forget_codes", every=3600)
def forget_old() -> None:
    """Forget the codes that are good for nothing any more."""
    db.session.execute(delete(ContactCode).where(ContactCode.expires_at < now()))
    db.session.commit()


def _new(contact: Contact, *, by: User, to_contact_id: int | None = None, to_user_id: int | None = None) -> str:
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    db.session.execute(delete(ContactCode).where(ContactCode.contact_id == contact.id))
    db.session.add(
        ContactCode(
            contact_id=contact.id,
            to_contact_id=to_contact_id,
            to_user_id=to_user_id,
            code_hash=_hashed(contact.id, code),
            expires_at=now() + timedelta(minutes=current_settings().code_minutes),
            by_id=by.id,
        )
    )
    db.session.flush()
    return code


def _words(code: str, locale: str, *, says_du: bool) -> str:
    minutes, site = current_settings().code_minutes, current_settings().site_name
    with force_locale(locale):
        words = (
            pgettext(
                "informal",
                "Your code is %(code)s. Please tell it to nobody but the team of %(site)s who asked you for it. It is "
                "good for %(minutes)s minutes. If nobody asked you, you need not do anything.",
            )
            if says_du
            else gettext(
                "Your code is %(code)s. Please tell it to nobody but the team of %(site)s who asked you for it. It is "
                "good for %(minutes)s minutes. If nobody asked you, you need not do anything."
            )
        )
    return str(words) % {"code": code, "site": site, "minutes": minutes}


def _hashed(contact_id: int, code: str) -> str:
    key = hashlib.sha256(b"klinke contact code\0" + current_app.config["SECRET_KEY"].encode()).digest()
    return hmac.new(key, f"{contact_id}\0{code}".encode(), hashlib.sha256).hexdigest()


def _conversation_with(contact: Contact) -> Conversation | None:
    return db.session.scalars(
        select(Conversation)
        .where(Conversation.contact_id == contact.id)
        .order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
        .limit(1)
    ).first()
