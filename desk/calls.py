"""Calls and visits: who called, what was said, what came of it; the next call from a number finds the same person.

Where customers call (`Capabilities.calls`) what they said is a message, and everything that goes for messages goes for
it: triage, clocks, search, figures. Beside a conversation on another channel a note stands in its order of time, its
words are ciphertext, and it answers where the customer was told and the agent says so. Numbers are ciphertext
everywhere, found by a keyed hash, and shown to who asks for one, which is written down.
"""

import json
import secrets
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.people import Viewer
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.outbox import publish
from core.turns import take_turn
from core.unique import add_once
from core.worker import chore
from desk import acknowledging, call_backs, clocks, conversations, holding, inbox, numbers, persons, policy, queries
from desk.channel_models import MessageVersion
from desk.channels.base import IncomingMessage, Kind, adapter_of
from desk.events import MessageChanged
from desk.models import Channel, Contact, Conversation, Message, same_handle
from desk.person_models import (
    CALL_KINDS,
    CALL_RESULTS,
    CallKind,
    CallNote,
    CallNoteVersion,
    CallResult,
    ContactJoin,
)
from desk.promise_models import CallBack
from desk.promise_models import CallResult as RingResult
from search.analysis import language

LONGEST_CALLER: Final = 120
LONGEST_TEXT: Final = 2000
LONGEST_REASON: Final = 300
SHORTEST_SOUGHT: Final = 2
EDITABLE: Final = timedelta(hours=24)
"""For so long who noted a call can mend the note."""
TALKED: Final = ("reached", "solved")
MOST_FOUND: Final = 6
MOST_OF_ONE: Final = 3
AT_ONCE: Final = 200
_HANDLE: Final = "caller-"
_HANDLE_DIGITS: Final = 12
_RANG: Final[dict[str, CallResult]] = {
    "reached": "reached",
    "no_answer": "no_answer",
    "busy": "no_answer",
    "wrong_number": "wrong_number",
}
_FOR_CALL_BACK: Final[dict[CallResult, RingResult]] = {
    "reached": "reached",
    "solved": "reached",
    "no_answer": "no_answer",
    "message_left": "no_answer",
    "call_again": "no_answer",
    "wrong_number": "wrong_number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody noted of a call or a visit."""

    kind: str
    result: str
    caller: str = ""
    number: str = ""
    """Empty: the one that is known of this person, if there is any."""
    text: str = ""
    is_answer: bool = False
    """Who waited was told what they wanted to know; where nobody was reached it means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """When they want to be called again, and who does it."""

    since: datetime
    until: datetime
    owner: User


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call may belong: with somebody, in one of their conversations or a new one."""

    contact: Contact
    conversation: Conversation | None = None
    has_number: bool = False
    """They called from this number before."""

    @property
    def value(self) -> str:
        one = self.conversation
        return f"contact:{self.contact.id}" if one is None else f"conversation:{one.id}"


class SeveralPeople(Invalid):
    """More than one person calls from this number; somebody has to say who it was."""


def note(
    conversation: Conversation, said: Said, *, by: User, again: Again | None = None, at: datetime | None = None
) -> CallNote:
    """Note a call or a visit in a conversation; raise `Invalid` with what is wrong by field.

    `at` is when it was, now or before; without it, now. The clock stops now in any case.
    """
    said = _checked(said, by)
    at = now() if at is None else min(at, now())
    if conversation.contact.erased_at is not None:
        raise Conflict(gettext("This person was forgotten. Note the call as one of somebody new."))
    is_kept_as_message = _becomes_message(conversation, said)
    if is_kept_as_message and not said.text:
        if said.result != "no_answer":
            sentence = gettext("What was said? A few words are enough.")
            raise Invalid(sentence, fields={"text": sentence})
        said = replace(said, text=gettext("A missed call."))
    conversation = conversations.locked(conversation.id)
    is_fresh = conversation.state == "new" and conversation.assignee_id is None and not conversation.last_words
    if said.kind != "visit" and not said.number:
        said = replace(said, number=_known_number(conversation))
    message = _message(conversation, said, at, by=by) if is_kept_as_message else None
    made = _write(conversation, said, message, at, by=by)
    if is_fresh and said.kind == "call_out":  # whoever rings somebody up has it in hand
        conversations.take(conversation, by=by)
    _consequences(made, said, is_promised_anew=again is not None and said.result == "call_again", by=by)
    if said.result == "call_again" and again is not None:
        with problems.renamed(phone="number", since="since", until="until", owner="owner"):
            call_backs.arrange(
                conversation,
                phone=said.number,
                since=again.since,
                until=again.until,
                owner=again.owner,
                about=" ".join(said.text.split())[: call_backs.LONGEST_ABOUT],
                by=by,
            )
    return made


def note_new(  # noqa: PLR0913 -- the parts of a call, by keyword
    said: Said,
    *,
    channel: Channel | None,
    by: User,
    contact: Contact | None = None,
    is_somebody_new: bool = False,
    begins: bool = False,
    locale: str = "",
    again: Again | None = None,
    at: datetime | None = None,
) -> CallNote:
    """Note a call with whoever it was: `contact`, who called from this number before, or somebody new.

    It goes into their open conversation on the channel; with `begins`, or where there is none, into a new one. Raise
    `SeveralPeople` where the number alone does not say who it was.
    """
    said = _checked(said, by)
    if channel is None or channel.disabled_at is not None or not adapter_of(channel).capabilities.calls:
        sentence = gettext("There is no channel for calls in use. An admin can open one.")
        raise Invalid(sentence, fields={"channel": sentence})
    seal = numbers.seal(said.number, home())
    take_turn(f"desk.calls:{seal}")  # of two calls from a new number the second finds who the first one made
    if contact is None and seal and not is_somebody_new:
        contact = _only(_with_seal(seal))
    who = _new_contact(channel, said, seal) if contact is None else _on(channel, contact, said, by=by)
    conversation = None if begins else _open_with(who)
    return note(conversation or _begin(channel, who, said, locale), said, by=by, again=again, at=at)


def attempt_again(conversation: Conversation, *, by: User, at: datetime | None = None) -> CallNote:
    """Note that somebody rang once more and nobody answered, with the name and number of the time before."""
    before = db.session.scalars(
        select(CallNote)
        .where(CallNote.conversation_id == conversation.id, CallNote.removed_at.is_(None))
        .order_by(CallNote.id.desc())
        .limit(1)
    ).first()
    caller = "" if before is None else before.caller
    return note(conversation, Said(kind="call_out", result="no_answer", caller=caller), by=by, at=at)


def rang(call: CallBack, result: str, *, by: User, words: str = "") -> CallNote:
    """Note that somebody rang because of a call-back: there, and in the line of its conversation."""
    number = call.phone or ""
    call_backs.note_attempt(call, result, by=by, note=words)
    conversation = conversations.locked(call.conversation_id)
    caller = conversation.contact.name[:LONGEST_CALLER]
    said = _checked(Said(kind="call_out", result=_RANG[result], number=number, text=words, caller=caller), by)
    at = now()
    message = _message(conversation, said, at, by=by) if said.text and _becomes_message(conversation, said) else None
    made = _write(conversation, said, message, at, by=by)
    if said.result == "wrong_number":
        _unseal(conversation, made)
    return made


def change(call: CallNote, said: Said, *, seen: int, by: User) -> None:
    """Mend what one noted oneself, for a day; what it said before is kept.

    What it did to the clock stays, and the number where none is given. `seen` is the version that was mended; raise
    `Conflict` where it says something else by now.
    """
    if why := why_not_change(call, by):
        raise Conflict(why) if policy.may_work(by) and call.by_id == by.id else NotAllowed
    conversation = conversations.locked(call.conversation_id)
    db.session.refresh(call)
    if call.version != seen:
        raise Conflict(
            gettext("This note was changed meanwhile. What it says now stands beneath; yours is still here.")
        )
    said = replace(_checked(replace(said, kind=call.kind), by), is_answer=call.is_answer)
    said = replace(said, number=said.number or call.number)
    message = None if call.message_id is None else db.session.get(Message, call.message_id)
    _require_same_meaning(call, said)
    if message is not None and not said.text:
        sentence = gettext("What was said? A few words are enough.")
        raise Invalid(sentence, fields={"text": sentence})
    at = now()
    before = {"result": call.result, "caller": call.caller, "number": call.number, "text": words_of(call)}
    kept = json.dumps(before, ensure_ascii=False)
    db.session.add(CallNoteVersion(call_note_id=call.id, version=call.version, said=kept, until=at))
    call.result, call.caller, call.number = _result(said.result), said.caller, said.number
    call.seal = "" if said.result == "wrong_number" else numbers.seal(said.number, home())
    call.version, call.edited_at = call.version + 1, at
    if message is None:
        call.text = said.text
    elif message.text != said.text:
        db.session.add(MessageVersion(message_id=message.id, text=message.text, until=at))
        message.text, message.edited_at = said.text, at
        conversations.keep_words(conversation, said.text, is_incoming=message.direction == "in")
        publish(MessageChanged(conversation.id, message.id))
    db.session.flush()
    audit.record("desk.call_note.change", call, by=by, after={"version": call.version, "result": call.result})


def remove(call: CallNote, *, reason: str, by: User) -> None:
    """Take away what somebody noted, with its words; that there was a note, whose it was and why it went stays.

    Who had been answered by it waits again. Twice is once.
    """
    if not policy.may_remove_calls(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_REASON, shortest=3)
    conversation = conversations.locked(call.conversation_id)
    db.session.refresh(call)
    if call.removed_at is not None:
        return
    at = now()
    call.caller = call.number = call.text = ""
    call.seal, call.removed_at, call.removed_by_id, call.removed_why = "", at, by.id, reason
    db.session.execute(delete(CallNoteVersion).where(CallNoteVersion.call_note_id == call.id))
    message = None if call.message_id is None else db.session.get(Message, call.message_id)
    if message is not None and message.removed_at is None:
        message.removed_at, message.text = at, ""
        db.session.execute(delete(MessageVersion).where(MessageVersion.message_id == message.id))
        conversations.keep_words(conversation, "", is_incoming=message.direction == "in")
        publish(MessageChanged(conversation.id, message.id))
    if call.is_answer:
        if conversation.state == "waiting_customer":
            conversations.turn(conversation, "open", by=by, reason="the note of a call was taken away")
        clocks.take_back_aloud(conversation, key=_key(call))
    db.session.flush()
    audit.record("desk.call_note.remove", call, by=by, before={"version": call.version, "result": call.result})


def reveal(call: CallNote, *, by: User) -> str:
    """Return the number of a call, and write down that somebody looked."""
    if not policy.may_work(by):
        raise NotAllowed
    audit.record("desk.call_note.reveal", call, by=by)
    return call.number


def looks(call: CallNote) -> Sequence[AuditEntry]:
    """Return who looked at the number of a call, the latest first."""
    return db.session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.subject_kind == CallNote.__tablename__,
            AuditEntry.subject_id == call.id,
            AuditEntry.deed == "desk.call_note.reveal",
        )
        .order_by(AuditEntry.id.desc())
        .limit(20)
    ).all()


def visible_call(call_note_id: int, *, viewer: Viewer) -> CallNote:
    """Return a note of a call; raise `NotFound` where there is none that the viewer may see."""
    found = None
    if 0 < call_note_id <= LARGEST_ID:
        found = db.session.scalars(
            select(CallNote)
            .join(Conversation, Conversation.id == CallNote.conversation_id)
            .where(CallNote.id == call_note_id, queries.conversations_visible_to(viewer))
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such call. The inbox lists all conversations."))
    return found


def of(conversation: Conversation) -> Sequence[CallNote]:
    """Return the calls and visits of a conversation, the first one first."""
    return db.session.scalars(
        select(CallNote).where(CallNote.conversation_id == conversation.id).order_by(CallNote.at, CallNote.id)
    ).all()


def attempts_since_reached(calls: Sequence[CallNote]) -> list[CallNote]:
    """Return how often we rang in vain since we last talked with them, the first time first."""
    found: list[CallNote] = []
    for call in calls:
        if call.removed_at is not None:
            continue
        found = [] if call.reached else [*found, call]
    return found


def words_of(call: CallNote) -> str:
    """Return what was said, wherever it stands."""
    if call.message_id is None:
        return call.text
    message = db.session.get(Message, call.message_id)
    return call.text if message is None else message.text


def why_not_change(call: CallNote, viewer: Viewer) -> str:
    """Say why somebody cannot mend a note; empty when they can."""
    if not policy.may_work(viewer) or call.by_id != viewer.id:
        return str(gettext("Only who noted a call can change the note."))
    if call.removed_at is not None or call.emptied_at is not None:
        return str(gettext("This note was taken away."))
    if call.at + EDITABLE < now():
        return str(gettext("A note can be changed for 24 hours. Note what is new as another call."))
    return ""


def channels() -> list[Channel]:
    """Return the channels in use on which people call, the oldest first."""
    found = db.session.scalars(select(Channel).where(Channel.disabled_at.is_(None)).order_by(Channel.id))
    return [one for one in found if adapter_of(one).capabilities.calls]


def home() -> str:
    """Return the country in which numbers without one are: that of the first channel on which people call."""
    known = [country for one in channels() if (country := one.settings.get("country"))]
    return str(known[0]) if known else numbers.HOME


def places(caller: str, number: str, *, viewer: Viewer, contact: Contact | None = None) -> list[Place]:
    """Return where a call may belong, who has this number first; by names and handles from two letters on.

    `contact` is somebody who is among them in any case.
    """
    if not policy.may_work(viewer):
        return []
    seal = numbers.seal(number, home())
    by_number = _with_seal(seal) if seal else []
    found = {one.id: one for one in (*([] if contact is None else [contact]), *by_number, *_called(caller))}
    others = _joined_with(found)
    opened: dict[int, list[Conversation]] = {}
    for conversation in _open_conversations([*found, *others]):
        mine = opened.setdefault(others.get(conversation.contact_id, conversation.contact_id), [])
        if len(mine) < MOST_OF_ONE:
            mine.append(conversation)
    known = {one.id for one in by_number}
    listed: list[Place] = []
    for contact_id, one in found.items():
        listed += [Place(one, conversation, contact_id in known) for conversation in opened.get(contact_id, ())]
        listed.append(Place(one, None, contact_id in known))
    return listed


@chore("desk.seal_numbers", every=60)
def seal_numbers() -> int:
    """Have notes be found by their numbers that came from before or from another house; return how many those are."""
    waiting = db.session.scalars(
        select(CallNote).where(CallNote.seal.is_(None)).order_by(CallNote.id).limit(AT_ONCE)
    ).all()
    country = home()
    for call in waiting:
        call.seal = "" if call.result == "wrong_number" else numbers.seal(call.number, country)
    db.session.commit()
    return len(waiting)


def _checked(said: Said, by: User) -> Said:
    """Return it clean; raise `Invalid` with everything that is wrong."""
    if not policy.may_work(by):
        raise NotAllowed
    wrong = problems.Problems()
    kind = wrong.take("kind", lambda: _kind(said.kind), "call_in")
    result = wrong.take("result", lambda: _result(said.result), "reached")
    caller = wrong.take("caller", lambda: texts.line(said.caller, longest=LONGEST_CALLER), "")
    number = wrong.take("number", lambda: numbers.checked(said.number), "")
    text = wrong.take("text", lambda: texts.block(said.text, longest=LONGEST_TEXT), "")
    wrong.refuse()
    is_answer = result == "solved" or (said.is_answer and result in TALKED)
    return Said(kind=kind, result=result, caller=caller, number=number, text=text, is_answer=is_answer)


def _kind(typed: str) -> CallKind:
    if typed not in CALL_KINDS:
        raise Invalid(gettext("Please choose one of these."))
    return typed


def _result(typed: str) -> CallResult:
    if typed not in CALL_RESULTS:
        raise Invalid(gettext("Please choose one of these."))
    return typed


def _becomes_message(conversation: Conversation, said: Said) -> bool:
    """Tell whether something was said where a call is how people write to us."""
    is_said = said.kind != "call_out" or said.result in TALKED
    return is_said and adapter_of(conversation.channel).capabilities.calls


def _message(conversation: Conversation, said: Said, at: datetime, *, by: User) -> Message:
    kind: Kind = "visit" if said.kind == "visit" else "call"
    if said.kind != "call_out":
        message = inbox.receive(
            conversation.channel,
            IncomingMessage(
                conversation=conversation.external_id,
                id=f"call-{uuid.uuid4().hex}",
                text=said.text,
                created_at=at,
                is_public=False,
                handle=conversation.contact.handle,
                name=conversation.contact.name or said.caller,
                locale=conversation.locale,
                kind=kind,
            ),
        )
        assert message is not None  # noqa: S101 -- its id was made a moment ago
        return message
    message = Message(
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        direction="out",
        is_public=False,
        text=said.text,
        by=by,
        state="sent",
        sent_at=at,
        created_at=at,
        kind=kind,
    )
    db.session.add(message)
    db.session.flush()
    conversations.keep_words(conversation, said.text, is_incoming=False)
    return message


def _write(conversation: Conversation, said: Said, message: Message | None, at: datetime, *, by: User) -> CallNote:
    made = CallNote(
        conversation_id=conversation.id,
        kind=_kind(said.kind),
        result=_result(said.result),
        caller=said.caller,
        number=said.number,
        text="" if message is not None else said.text,
        seal="" if said.result == "wrong_number" else numbers.seal(said.number, home()),
        message_id=None if message is None else message.id,
        is_answer=said.is_answer,
        by=by,
        at=at,
    )
    db.session.add(made)
    conversation.last_message_at = max(conversation.last_message_at, made.at)
    db.session.flush()
    audit.record("desk.conversation.note_call", conversation, by=by, after={"kind": made.kind, "result": made.result})
    return made


def _consequences(made: CallNote, said: Said, *, is_promised_anew: bool, by: User) -> None:
    """Have the conversation stand as the call left it."""
    conversation = conversations.locked(made.conversation_id)
    if said.kind == "call_out" or is_promised_anew:
        _settle_call_back(conversation, said, is_promised_anew=is_promised_anew, by=by)
    if said.result == "wrong_number":
        _unseal(conversation, made)
        if made.message_id is not None:  # somebody dialled us by mistake
            conversations.change_state(conversation, "no_answer", by=by)
    if said.is_answer:
        holding.give_way(conversation, reason="other_reply")
        if conversation.state not in conversations.DONE:
            conversations.turn(conversation, "waiting_customer", by=by, reason="a call")
        acknowledging.settle(conversation, by=by)
        clocks.answered_aloud(conversation, by=by, key=_key(made))
    if said.result == "solved":
        conversations.change_state(conversation, "solved", by=by)
    db.session.flush()


def _settle_call_back(conversation: Conversation, said: Said, *, is_promised_anew: bool, by: User) -> None:
    """Count the call for the call-back that was promised first, if one is open; a new promise takes its place."""
    call = db.session.scalars(
        select(CallBack)
        .where(CallBack.conversation_id == conversation.id, CallBack.state == "open")
        .order_by(CallBack.until, CallBack.id)
        .limit(1)
        .with_for_update(of=CallBack)
        .execution_options(populate_existing=True)
    ).first()
    if call is None:
        return
    if is_promised_anew:
        call_backs.cancel(call, by=by)
    else:
        call_backs.note_attempt(call, _FOR_CALL_BACK[_result(said.result)], by=by)


def _unseal(conversation: Conversation, made: CallNote) -> None:
    """Have nobody be found by a number that is not theirs."""
    seal = numbers.seal(made.number, home())
    if seal:
        theirs = select(Conversation.id).where(Conversation.contact_id == conversation.contact_id)
        db.session.execute(
            update(CallNote)
            .where(CallNote.seal == seal, CallNote.conversation_id.in_(theirs))
            .values(seal="")
            .execution_options(synchronize_session="fetch")
        )


def _require_same_meaning(call: CallNote, said: Said) -> None:
    """Refuse a change that would have to move the clock, the state or who the caller was."""
    turning = ("solved", "wrong_number")
    talked = [result in TALKED for result in (call.result, said.result)]
    if call.result != said.result and (talked[0] != talked[1] or call.result in turning or said.result in turning):
        sentence = gettext("That would be another call. Note it as one, or have a lead take this note away.")
        raise Invalid(sentence, fields={"result": sentence})


def _known_number(conversation: Conversation) -> str:
    """Return the number that this person was last reached at or called from; empty where none is known."""
    theirs = select(Conversation.id).where(Conversation.contact_id == conversation.contact_id)
    found = db.session.scalars(
        select(CallNote)
        .where(CallNote.conversation_id.in_(theirs), CallNote.seal != "")
        .order_by(CallNote.id.desc())
        .limit(1)
        .options(lazyload(CallNote.by))
    ).first()
    return "" if found is None else found.number


def _with_seal(seal: str) -> list[Contact]:
    """Return who called from a number, the latest first."""
    rows = db.session.scalars(
        select(Contact)
        .join(Conversation, Conversation.contact_id == Contact.id)
        .join(CallNote, CallNote.conversation_id == Conversation.id)
        .where(CallNote.seal == seal, Contact.erased_at.is_(None))
        .order_by(CallNote.id.desc())
        .limit(10 * MOST_FOUND)
    )
    return list(dict.fromkeys(rows))[:MOST_FOUND]


def _only(contacts: Sequence[Contact]) -> Contact | None:
    """Return the one person these contacts are; None for nobody, and `SeveralPeople` for more."""
    if not contacts:
        return None
    ids = set(db.session.scalars(persons.ids_of(contacts[0].id))) if len(contacts) > 1 else {contacts[0].id}
    if {one.id for one in contacts} <= ids:
        return contacts[0]
    sentence = gettext("Several people called from this number. Please choose who it was.")
    raise SeveralPeople(sentence, fields={"where": sentence})


def _called(caller: str) -> list[Contact]:
    """Return who is called so, by a part of the name or the beginning of the handle."""
    caller = " ".join(caller.split())[:LONGEST_CALLER]
    if len(caller) < SHORTEST_SOUGHT:
        return []
    is_called: ColumnElement[bool] = or_(
        Contact.name.icontains(caller, autoescape=True),
        Contact.handle_key.startswith(same_handle(caller), autoescape=True),
    )
    return list(
        db.session.scalars(
            select(Contact).where(is_called, Contact.erased_at.is_(None)).order_by(Contact.id.desc()).limit(MOST_FOUND)
        )
    )


def _joined_with(contact_ids: Collection[int]) -> dict[int, int]:
    """Return which other contacts are one person with these, by their ids, and with which."""
    if not contact_ids:
        return {}
    joins = db.session.scalars(
        select(ContactJoin)
        .where(or_(ContactJoin.one_id.in_(contact_ids), ContactJoin.other_id.in_(contact_ids)))
        .options(lazyload(ContactJoin.by))
        .order_by(ContactJoin.id)
    )
    found: dict[int, int] = {}
    for join in joins:
        for one, other in ((join.one_id, join.other_id), (join.other_id, join.one_id)):
            if one in contact_ids and other not in contact_ids:
                found.setdefault(other, one)
    return found


def _open_conversations(contact_ids: Collection[int]) -> Sequence[Conversation]:
    if not contact_ids:
        return ()
    return db.session.scalars(
        select(Conversation)
        .where(Conversation.contact_id.in_(contact_ids), Conversation.state.not_in(conversations.DONE))
        .order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
        .limit(5 * MOST_FOUND)
        .options(lazyload(Conversation.assignee), joinedload(Conversation.channel))
    ).all()


def _open_with(contact: Contact) -> Conversation | None:
    found = _open_conversations([contact.id])
    return next((one for one in found if one.channel_id == contact.channel_id), None)


def _new_contact(channel: Channel, said: Said, seal: str) -> Contact:
    """Make somebody known by a name that says nothing of their number."""
    handle = _HANDLE + (seal[:_HANDLE_DIGITS] or secrets.token_hex(_HANDLE_DIGITS // 2))
    if queries.contact_at(channel, handle) is not None:  # somebody else calls from the same number
        handle = _HANDLE + secrets.token_hex(_HANDLE_DIGITS // 2)
    add_once(Contact, channel_id=channel.id, handle=handle, name=said.caller)
    made = queries.contact_at(channel, handle)
    assert made is not None  # noqa: S101 -- written just now
    return made


def _on(channel: Channel, contact: Contact, said: Said, *, by: User) -> Contact:
    """Return the person as a contact of this channel; who has none there gets one, and they are one person."""
    if contact.channel_id == channel.id:
        return contact
    for one in persons.contacts_of(contact):
        if one.channel_id == channel.id:
            return one
    name = said.caller or contact.name or contact.handle
    made = _new_contact(channel, replace(said, caller=name[:LONGEST_CALLER]), "")
    persons.join(made, contact, proof="claimed", by=by)
    return made


def _begin(channel: Channel, contact: Contact, said: Said, locale: str) -> Conversation:
    at = now()
    made = Conversation(
        channel_id=channel.id,
        contact_id=contact.id,
        external_id=f"call-{uuid.uuid4().hex}",
        state="new",
        locale=locale if locale in {"de", "en"} else language.guess(said.text, None),
        created_at=at,
        last_message_at=at,
    )
    db.session.add(made)
    db.session.flush()
    return made


def _key(call: CallNote) -> str:
    """Return what the clock knows the answer of a call by."""
    return f"{call.conversation_id}:call:{call.at.isoformat()}"
