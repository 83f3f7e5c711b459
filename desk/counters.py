"""The secure counter: one page, for one customer, once, for what does not belong into a social network.

What is left there is ciphertext in the database, is read with a note of who read it, and is deleted some days after the
conversation is closed. Its address is sealed over a random seed and stands in no column.

A link that stands in public opens for whoever reads along, so it proves nothing. Either the counter asks for a code
that is said over a private way, or what was left is marked wherever it is read: identity unverified.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import format_date, gettext, lazy_gettext
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import lazyload, selectinload, undefer
from wtforms import SelectChoice

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import i18n, pictures, problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.outbox import publish
from core.settings import current_settings
from core.web import MEGABYTE, absolute
from core.worker import chore
from desk import clocks, conversations, objections, policy
from desk.events import CounterUsed
from desk.models import Conversation, Message
from desk.objections import Draft, Objection
from desk.person_models import MOST_WRONG_CODES, Counter, CounterFile, CounterLook
from desk.promise_models import CallBack
from forum import notifications, tickets
from forum.models import Notification

Asks = Literal["identity", "phone", "documents", "callback"]
ASKS: Final[tuple[Asks, ...]] = get_args(Asks)
DONE: Final = ("solved", "no_answer")
MOST_OPEN: Final = 3
"""So many links of one conversation may be open at once."""
LONGEST_LINE: Final = 200
LONGEST_TEXT: Final = 4000
LONGEST_FILE_NAME: Final = 120
SLOT_DAYS: Final = 5
SLOT_HOURS: Final = ((9, 12), (12, 15), (15, 18))
SATURDAY: Final = 5
MEGAPIXELS: Final = 40
DIGITS: Final = 6
PDF_END: Final = 2048
MOST_AT_ONCE: Final = 100

_PURPOSE: Final = "counter"
_SLOT: Final = re.compile(r"(\d{4}-\d\d-\d\d)/(\d{1,2})-(\d{1,2})")
_FILE_NAME: Final = re.compile(r"[/\\]")
_LINK: Final = re.compile(r"/counter/([0-9A-Za-z_-]{3,80})")
_SIX: Final = re.compile(r"(?:\d[ .-]?){6}")
_NO_DIGIT_BETWEEN: Final = re.compile(r"(?<=\d)[ .-](?=\d)")


@dataclass(frozen=True, slots=True)
class Upload:
    """A document as it came in."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Slot:
    """A time in which somebody may be called back; `value` is what the form sends."""

    value: str
    day: date
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class WishedCall:
    """When and on which number somebody wants to be called, as they left it."""

    phone: str
    since: datetime
    until: datetime


def open_for(
    conversation: Conversation, *, asks: Collection[str], in_public: bool, by: User, has_code: bool = False
) -> Counter:
    """Open a counter for the customer of a conversation; its link is good for some hours and for one use.

    `in_public` is whether its link may stand where everybody reads; with a code it lets in only who knows that.
    """
    if not policy.may_work(by):
        raise NotAllowed
    wanted = [each for each in ASKS if each in asks]
    if not wanted:
        sentence = gettext("Please choose what the customer is to leave.")
        raise Invalid(sentence, fields={"asks": sentence})
    conversations.locked(conversation.id)
    still_open = [counter for counter in of(conversation) if counter.is_open]
    if len(still_open) >= MOST_OPEN:
        raise Conflict(gettext("Several links to the counter are open for this customer already."))
    counter = Counter(
        conversation_id=conversation.id,
        seed=secrets.token_urlsafe(16),
        asks=wanted,
        is_shown_in_public=in_public,
        has_code=has_code,
        by=by,
        expires_at=now() + timedelta(hours=current_settings().counter_hours),
    )
    db.session.add(counter)
    db.session.flush()
    after = {"counter": counter.id, "asks": wanted, "public": in_public, "code": has_code}
    audit.record("desk.conversation.open_counter", conversation, by=by, after=after)
    return counter


def ask_for_code(counter: Counter, *, by: User) -> None:
    """Have a counter that is open ask for a code from now on. Twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    conversations.locked(counter.conversation_id)
    db.session.refresh(counter)
    if not counter.is_open:
        raise Conflict(gettext("This counter is not open any more."))
    if not counter.has_code:
        counter.has_code = True
        db.session.flush()
        audit.record("desk.conversation.ask_for_code", counter.conversation, by=by, after={"counter": counter.id})


def code_of(counter: Counter) -> str:
    """Return the code of a counter, to be said in private only. It is made of the seed and kept nowhere."""
    key = hashlib.sha256(b"klinke counter code\0" + current_app.config["SECRET_KEY"].encode()).digest()
    seal = hmac.new(key, f"{counter.id}\0{counter.seed}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(seal[:8]) % 10**DIGITS:0{DIGITS}}"


def prove(counter: Counter, said: str) -> bool:
    """Tell whether who stands at the counter may come in; a wrong code counts, and some close it for good.

    A wrong one is an answer and no error, since its attempt must be kept. Raise `NotFound` when it is closed.
    """
    if not counter.has_code:
        return True
    # Counted before it is compared, so that of many at once none gets an attempt too many.
    counted = db.session.execute(
        update(Counter)
        .where(Counter.id == counter.id, Counter.wrong_codes < MOST_WRONG_CODES, Counter.submitted_at.is_(None))
        .values(wrong_codes=Counter.wrong_codes + 1)
        .returning(Counter.wrong_codes)
    ).scalar()
    db.session.expire(counter)
    if counted is None:
        raise NotFound
    digits = "".join(each for each in said if each in "0123456789")
    if not hmac.compare_digest(code_of(counter), digits):
        return False
    db.session.execute(update(Counter).where(Counter.id == counter.id).values(wrong_codes=Counter.wrong_codes - 1))
    db.session.expire(counter)
    return True


def note_where_said(message: Message) -> None:
    """Note of counters whose link stands in a public message that anybody may come; what follows is unverified."""
    if not message.is_public:
        return
    for counter in _linked(message.text):
        counter.is_shown_in_public = True
    db.session.flush()


@objections.register
def belongs_in_private(draft: Draft) -> Iterable[Objection]:
    """Object to a link in public that lets anybody in, and for good to a code in public."""
    if not draft.is_public:
        return
    linked = _linked(draft.text)
    if any(counter.is_open and not counter.has_code for counter in linked):
        yield Objection(
            code="open_counter",
            words=gettext(
                "Everybody who reads along can use this link, so whoever comes is unverified. Let the counter ask for "
                "a code, or send the link in private."
            ),
        )
    if _SIX.search(draft.text) is None:
        return
    # The counters of this conversation may have their link elsewhere, and their code here.
    codes = {code_of(counter) for counter in of(draft.conversation) if counter.has_code and counter.is_open}
    plain = _NO_DIGIT_BETWEEN.sub("", draft.text)
    if said := next((code for code in codes if code in plain), ""):
        yield Objection(
            code=f"counter_code:{said[:2]}",
            words=gettext("The code of the secure counter belongs in private: here everybody could use it."),
            is_final=True,
        )


def address_of(counter: Counter) -> str:
    """Return the whole address of a counter's page."""
    return absolute(f"/counter/{tickets.short(_PURPOSE, counter.id, counter.seed)}")


def at(ticket: str) -> Counter:
    """Return the counter whose link this is; raise `NotFound` when it is used, old, closed, or nobody's."""
    number = tickets.of_short(ticket)
    counter = db.session.get(Counter, number)
    if counter is None or not tickets.is_short(ticket, _PURPOSE, number, counter.seed) or not counter.is_open:
        raise NotFound
    return counter


def documents(uploads: Sequence[Upload]) -> list[CounterFile]:
    """Return documents as they are kept; raise `Invalid` for what is none. Takes its time: hold no lock."""
    if len(uploads) > current_settings().counter_documents:
        raise _too_many()
    return [_document(upload) for upload in uploads]


def submit(counter: Counter, *, said: Mapping[str, str], files: Sequence[CounterFile]) -> None:
    """Keep what the customer left; the link is used up, the conversation opens, and the clock runs."""
    written = _checked(counter, said)
    most = current_settings().counter_documents if "documents" in counter.asks else 0
    if len(files) > most:
        raise _too_many()
    if not any(written.values()) and not files:
        raise Invalid(gettext("Everything is still empty."))
    conversation = conversations.locked(counter.conversation_id)
    at_once = now()
    taken = db.session.execute(
        update(Counter)
        .where(Counter.id == counter.id, Counter.submitted_at.is_(None), Counter.expires_at > at_once)
        .values(submitted_at=at_once, content=json.dumps(written))
        .returning(Counter.id)
    ).scalar()
    if taken is None:  # somebody was faster with the same link
        raise NotFound
    for file in files:
        file.counter_id = counter.id
        db.session.add(file)
    before = conversation.state
    conversation.state = "open" if before != "new" else "new"
    if conversation.waiting_since is None:
        clocks.run(conversation, at_once)
    conversation.last_message_at = at_once
    db.session.flush()
    db.session.expire(counter)
    after = {"counter": counter.id, "documents": len(files)}
    audit.record("desk.conversation.submit_counter", conversation, by=None, after=after)
    publish(CounterUsed(conversation.id, counter.id))


def of(conversation: Conversation) -> list[Counter]:
    """Return the counters of a conversation, the first one first, without what was left there."""
    return list(
        db.session.scalars(
            select(Counter)
            .where(Counter.conversation_id == conversation.id)
            .order_by(Counter.id)
            .options(lazyload(Counter.conversation), selectinload(Counter.files).load_only(CounterFile.kind))
        )
    )


def visible_counter(counter_id: int, *, viewer: Viewer) -> Counter:
    """Return a counter; raise `NotFound` when there is none that the viewer may see."""
    found = db.session.get(Counter, counter_id) if policy.may_work(viewer) and 0 < counter_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such counter."))
    return found


def read(counter: Counter, *, by: User) -> dict[str, str]:
    """Return what was left at a counter, and note who read it."""
    if not policy.may_work(by):
        raise NotAllowed
    content = (
        db.session.scalars(
            select(Counter)
            .where(Counter.id == counter.id)
            .options(undefer(Counter.content))
            .execution_options(populate_existing=True)
        )
        .one()
        .content
    )
    if content is None:
        raise NotFound(gettext("Nothing is kept of this counter any more, or nobody was there yet."))
    db.session.add(CounterLook(counter_id=counter.id, by=by))
    db.session.flush()
    kept: dict[str, str] = json.loads(content)
    return kept


def take_document(file_id: int, *, by: User) -> CounterFile:
    """Return a document with its content, and note who took it."""
    if not policy.may_work(by):
        raise NotAllowed
    found = db.session.get(CounterFile, file_id) if 0 < file_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("This document is not kept any more."))
    db.session.add(CounterLook(counter_id=found.counter_id, file_id=found.id, by=by))
    db.session.flush()
    return found


def wished_call(counter: Counter) -> WishedCall | None:
    """Return the call that was asked for at a counter; None where none was, or it is deleted. No person reads here."""
    content = db.session.scalar(select(Counter.content).where(Counter.id == counter.id))
    said: dict[str, str] = {} if content is None else json.loads(content)
    slot = _SLOT.fullmatch(said.get("slot", ""))
    if slot is None or not said.get("phone"):
        return None
    zone, day = ZoneInfo(current_settings().time_zone), date.fromisoformat(slot[1])
    since, until = (datetime.combine(day, time(int(hour)), zone).astimezone(UTC) for hour in (slot[2], slot[3]))
    return WishedCall(said["phone"], since, until)


def looks(counter: Counter) -> Sequence[CounterLook]:
    """Return who read what was left, the latest first."""
    return db.session.scalars(
        select(CounterLook)
        .where(CounterLook.counter_id == counter.id)
        .order_by(CounterLook.id.desc())
        .limit(MOST_AT_ONCE)
    ).all()


def withdraw(counter: Counter, *, by: User) -> None:
    """Close a link that nobody used, or delete now what was left. Twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    if counter.purged_at is not None:
        return
    _purge(counter)
    audit.record("desk.conversation.withdraw_counter", counter.conversation, by=by, before={"counter": counter.id})


def slots(*, since: datetime | None = None) -> list[Slot]:
    """Return the times of the next working days in which a customer may be called back."""
    zone = ZoneInfo(current_settings().time_zone)
    moment = (since or now()).astimezone(zone)
    found: list[Slot] = []
    day = moment.date()
    while len({slot.day for slot in found}) < SLOT_DAYS:
        if day.weekday() < SATURDAY:
            found += [
                Slot(f"{day.isoformat()}/{begins}-{ends}", day, begins, ends)
                for begins, ends in SLOT_HOURS
                if datetime.combine(day, time(begins), zone) > moment
            ]
        day += timedelta(days=1)
    return found


def choices() -> list[SelectChoice]:
    """Return the times as a form offers them, day by day."""
    return [SelectChoice(slot.value, words_of(slot)) for slot in slots()]


def no_slot() -> str:
    return str(gettext("No call, please"))


def words_of(slot: Slot) -> str:
    """Say a time in words: Friday, 27 November, 9 to 12."""
    day = format_date(slot.day, "EEEE, d. MMMM" if i18n.locale() == "de" else "EEEE, d MMMM")
    return str(gettext("%(day)s, %(begins)s to %(ends)s", day=day, begins=slot.begins, ends=slot.ends))


def slot_of(value: str) -> str:
    """Say in words which time was chosen; empty where none was."""
    found = _SLOT.fullmatch(value)
    if found is None:
        return ""
    return words_of(Slot(value, date.fromisoformat(found[1]), int(found[2]), int(found[3])))


@chore("desk.purge_counters", every=1800)
def purge_due() -> int:
    """Delete what was left where its conversation has rested long enough, or it is very old; return how often."""
    settings, at_once = current_settings(), now()
    kept = (Counter.purged_at.is_(None),)
    rests = select(Conversation.id).where(Conversation.id == Counter.conversation_id, Conversation.state.in_(DONE))
    db.session.execute(
        update(Counter)
        .where(*kept, Counter.rests_since.is_(None), rests.exists())
        .values(rests_since=at_once)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(Counter)
        .where(*kept, Counter.rests_since.is_not(None), ~rests.exists())
        .values(rests_since=None)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    due = (
        select(Counter)
        .where(
            *kept,
            or_(
                Counter.rests_since <= at_once - timedelta(days=settings.counter_keep_days),
                Counter.submitted_at <= at_once - timedelta(days=settings.counter_longest_days),
                Counter.submitted_at.is_(None)
                & (Counter.expires_at <= at_once - timedelta(days=settings.counter_keep_days)),
            ),
        )
        .order_by(Counter.id)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True, of=Counter)
    )
    purged = 0
    for counter in db.session.scalars(due).all():
        had_something = counter.submitted_at is not None
        _purge(counter)
        if had_something:
            audit.record(
                "desk.conversation.purge_counter", counter.conversation, by=None, before={"counter": counter.id}
            )
        purged += 1
    db.session.commit()
    return purged


def tell_who_has_it(conversation_id: int, counter_id: int) -> None:
    """Tell who has the conversation, or who opened the counter, that somebody was there."""
    counter = db.session.get(Counter, counter_id)
    if counter is None:
        return
    reader_id = counter.conversation.assignee_id or counter.by_id
    if reader_id is not None:
        notifications.notify(
            reader_id,
            kind="counter_used",
            key=f"counter:{counter_id}",
            url=f"/desk/conversations/{conversation_id}#counter-{counter_id}",
        )


@notifications.kind("counter_used", group="tasks")
def _counter_used(_notification: Notification) -> str:
    return str(gettext("A customer left something for you at the secure counter."))


def _linked(text: str) -> list[Counter]:
    """Return the counters whose links stand in a text."""
    found = []
    for ticket in list(dict.fromkeys(_LINK.findall(text)))[:MOST_OPEN]:
        try:
            number = tickets.of_short(ticket)
        except NotFound:
            continue  # an address of nothing
        counter = db.session.get(Counter, number)
        if counter is not None and tickets.is_short(ticket, _PURPOSE, number, counter.seed):
            found.append(counter)
    return found


def _purge(counter: Counter) -> None:
    db.session.execute(delete(CounterFile).where(CounterFile.counter_id == counter.id))
    db.session.execute(
        update(CallBack)
        .where(CallBack.counter_id == counter.id, CallBack.state == "open")
        .values(phone=None, state="cancelled", settled_at=now())
    )
    counter.content = None
    counter.purged_at = now()
    db.session.flush()
    db.session.expire(counter)


def _checked(counter: Counter, said: Mapping[str, str]) -> dict[str, str]:
    written: dict[str, str] = {}
    names: list[str] = []
    if "identity" in counter.asks:
        names += ["name", "customer_number"]
    if {"phone", "callback"} & set(counter.asks):
        names.append("phone")
    taking = problems.Problems()
    for name in names:
        written[name] = taking.take(name, partial(texts.line, said.get(name, ""), longest=LONGEST_LINE), "")
    written["text"] = taking.take("text", lambda: texts.block(said.get("text", ""), longest=LONGEST_TEXT), "")
    if "callback" in counter.asks:
        written["slot"] = taking.take("slot", lambda: _slot(said.get("slot", "")), "")
        if written["slot"] and not written["phone"]:
            taking.take("phone", _needs_number, "")
    taking.refuse()
    return written


def _too_many() -> Invalid:
    sentence = gettext("Up to %(most)s documents fit.", most=current_settings().counter_documents)
    return Invalid(sentence, fields={"documents": sentence})


def _needs_number() -> str:
    raise Invalid(gettext("A number is needed for calling back."))


def _slot(typed: str) -> str:
    if typed and typed not in {slot.value for slot in slots()}:
        raise Invalid(gettext("This time is over. Please choose another one."))
    return typed


def _document(upload: Upload) -> CounterFile:
    """Return a document as it is kept: pictures drawn anew, PDF as it is; everything else is refused."""
    settings, name = current_settings(), _FILE_NAME.split(upload.name)[-1]
    with problems.at("documents"):
        name = texts.line(name[-LONGEST_FILE_NAME:], longest=LONGEST_FILE_NAME) or str(_NAMELESS)
        if len(upload.content) > settings.counter_megabytes * MEGABYTE:
            raise Invalid(gettext("“%(name)s” is larger than %(most)s MB.", name=name, most=settings.counter_megabytes))
        if upload.content.startswith(b"%PDF-"):
            if b"%%EOF" not in upload.content[-PDF_END:]:
                raise Invalid(gettext("“%(name)s” is not whole.", name=name))
            return CounterFile(kind="pdf", name=name, size=len(upload.content), content=upload.content)
        try:
            drawn = pictures.redraw(upload.content, megabytes=settings.counter_megabytes, megapixels=MEGAPIXELS)
        except Invalid:
            raise Invalid(gettext("“%(name)s” cannot be taken: PDF, PNG, JPEG and WebP can.", name=name)) from None
    return CounterFile(kind=drawn.kind, name=name, size=len(drawn.content), content=drawn.content)


_NAMELESS: Final = lazy_gettext("Without a name")
