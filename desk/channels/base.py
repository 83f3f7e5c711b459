"""What every channel module offers the desk, and how the desk finds it.

A module for another service writes a class with the methods of `Adapter` (building on `Silent`) and calls
`register("kind", TheClass)` when the application is built; a `Channel` row of that kind is then spoken to through it.
What a service cannot do is said by its `Capabilities`, and the method behind it is never called.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, Protocol

from sqlalchemy.orm import Session, undefer

from core import i18n
from core.clock import now
from core.counting import Measure
from core.db import db, reading
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.counting import IN_PRIVATE, measure
from desk.models import Channel, Conversation
from kb import sent_links

LONGEST_TEXT: Final = 20_000
LONGEST_QUOTED: Final = 10_000
"""A thread of mails, each of which quotes all before it, stays a page that can be loaded."""
LONGEST_ID: Final = 300
LONGEST_URL: Final = 500


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do, as data that pages and deeds ask."""

    may_send: bool = True
    idempotent_send: bool = False
    """Sending again with the same key cannot make a second message, so an unknown outcome is simply tried again."""
    has_webhook: bool = False
    """What customers write is delivered to `/channels/<slug>/webhook`."""
    may_follow_up: bool = False
    """A message that nobody waits for is fitting a day later: asking whether a reply helped, in private."""
    public: bool = True
    private: bool = True
    """Replies can be public, and private; where a channel has both, the writer chooses."""
    by_hand: bool = False
    """What cannot be sent can be written at the service itself, and its address noted here."""
    publishes_limits: bool = False
    """The server says how long a text may be; `Adapter.published` asks it."""
    polled: bool = False
    """What is new is asked for, again and again; `Adapter.poll` does it."""
    every: float = 60.0
    """Seconds between two times of asking, where the service does not say when."""
    listens: bool = False
    """A connection that stays open says at once that there is something new: `Adapter.listen`."""
    looks_for: bool = False
    """Whether a message arrived can be asked afterwards: `Adapter.look_for`."""
    corrects: bool = False
    """What was sent can be changed where it stands: `Adapter.correct`."""
    hides: bool = False
    """What others wrote can be hidden at the service: `Adapter.hide`."""
    files: bool = False
    """Pictures and files come along with messages."""
    calls: bool = False
    """People talk here: an agent notes what was said, and a reply is a call that somebody makes (`desk.calls`)."""
    signs_in: bool = False
    """An admin lets us in at the service, in the browser: `Adapter.authorise_url` and `Adapter.authorised`."""
    keeps_log: bool = False
    """Each delivery, in and out, is one message, is written into a log, and can be repeated: `Adapter.repeat`."""
    untimed: bool = False
    """What proves a delivery says nothing of when it was made: the same bytes are taken in once, however they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """How one conversation can be answered now: a channel's capabilities, and what the service told of this one."""

    why_not: str = ""
    """Why nothing can be sent; empty when it can."""
    public: bool = True
    private: bool = True
    private_left: int | None = None
    """So many private replies are allowed; None: as many as one likes."""
    until: datetime | None = None
    """The window in which the service takes a reply ends then."""
    price: str = ""
    answer_before_hiding: bool = False
    """What was hidden there cannot be answered any more."""
    by_hand: bool = False
    by_call: bool = False
    """The reply is a call, which is noted here."""
    doubt: str = ""
    """What speaks against believing that the sender is who they say, in words."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a server says of the texts it takes; it holds for the channel until it says something else."""

    limit: int
    url_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPost:
    """A post of a public thread that was not written to us; clean like a message."""

    id: str
    text: str
    created_at: datetime
    handle: str
    name: str = ""
    url: str | None = None
    is_ours: bool = False
    """The house wrote it, at the service itself."""


Kind = Literal["message", "mention", "comment", "reply", "direct", "mail", "post", "note", "call", "visit"]
"""What an item is at its service; `message` where it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A picture or file that came with a message."""

    name: str
    media_type: str
    content: bytes
    words: str = ""
    """What it shows, where its sender said it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """One message as a channel delivers it; the texts are clean, the moment is aware and not in the future."""

    conversation: str
    """The thread's id in the service."""
    id: str
    """The message's id in the service: unique within the channel."""
    text: str
    quoted: str = ""
    """What it quotes of what was said before, where the service hands it along; clean, at most `LONGEST_QUOTED`."""
    created_at: datetime
    is_public: bool
    url: str | None = None
    handle: str
    name: str = ""
    person_id: str = ""
    """The service's own id of who wrote it, where that stays when they take another handle."""
    reach: int | None = None
    """Followers, where the service tells."""
    locale: str | None = None
    capabilities: Mapping[str, Any] | None = None
    """What the service told of how the conversation can be answered: see `Silent.means`."""
    thread: tuple[EarlierPost, ...] = ()
    """What stands before it in its public thread, where the service tells."""
    kind: Kind = "message"
    subject: str = ""
    answers: tuple[str, ...] = ()
    """Ids of messages that it answers, nearest first: with one that the desk knows on this channel, it belongs to that
    message's conversation, whatever `conversation` says."""
    files: tuple[IncomingFile, ...] = ()
    edited_at: datetime | None = None
    """It was changed after it was written; where the desk has it already, `text` is what it says now."""
    answered_by_machine: bool = False
    """An out-of-office note or the like: kept, and nobody is called to answer it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Who wrote a message took it away; the desk keeps that there was one, and not its words."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A message of ours that the service had taken came back after all."""

    id: str
    reason: str
    """In words, for people."""


Arrival = IncomingMessage | Removed | Returned
"""What a service tells."""
Cursor = Mapping[str, Any]
"""How far a channel has been read, as JSON; what is in it only its module knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a service says beside its messages; None where it says nothing."""

    wait: float | None = None
    """Ask again in so many seconds, not before."""
    quota_left: int | None = None
    quota_renewed_at: datetime | None = None
    expires_at: datetime | None = None
    """What we sign in with is worth nothing after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some of what is new, and how far the channel has been read with it; both are kept together or not at all."""

    arrivals: tuple[Arrival, ...] = ()
    cursor: Cursor | None = None
    """None: as before."""
    state: State = field(default_factory=State)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check of the connection looked at, in words for the admin."""

    is_well: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing an admin says about a connection; a secret one is encrypted, never shown again and never logged."""

    name: str
    label: Any
    """Lazily translated, like `hint`."""
    hint: Any = ""
    is_secret: bool = False
    is_needed: bool = True
    kind: Literal["text", "url", "email", "number", "choice", "lines", "switch"] = "text"
    choices: Sequence[tuple[str, Any]] = ()
    default: str = ""
    longest: int = 500
    most: int = 1_000_000
    """The largest number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingReply:
    """One message on its way out."""

    id: int
    """Our own id of the message."""
    key: str
    """The same on every attempt; where the service can, it tells a repeat from a second message by it."""
    conversation: str
    in_reply_to: str | None
    text: str
    is_public: bool
    handle: str = ""
    """Whom it answers."""
    own_id: str | None = None
    """The id it will have at the service, chosen before the first attempt: see `Adapter.own_id`."""
    thread: tuple[str, ...] = ()
    """Ids of the messages before it in the conversation, oldest first, at most 50."""
    subject: str = ""
    """What the customer's first message was headed with."""
    attempted_at: datetime | None = None
    """When it was tried before; None: never."""
    is_automatic: bool = False
    """Nobody wrote it: a service that can say so tells the other side, whose machines then do not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was handed over, word for word, and answered: for the log of a channel that keeps one."""

    body: bytes
    status: int | None = None
    """None where nobody answered."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SentReply:
    """The service took it; it may have told its own id and address of the message."""

    id: str | None = None
    url: str | None = None
    exchange: Exchange | None = field(default=None, compare=False)


class ChannelFailed(Exception):
    """A message did not go out, or nobody knows whether it did; `reason` is for people.

    `permanent`: another attempt would fail the same way. `unsure`: it may have arrived. Otherwise it surely did not and
    is tried again, after `retry_after` seconds or more.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, unsure: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.unsure = unsure
        self.retry_after = retry_after
        self.exchange: Exchange | None = None
        """What was handed over in vain, where the channel keeps a log."""


class NotLetIn(ChannelFailed):
    """The service does not accept what we sign in with: nothing works until an admin connects anew."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, permanent=True)


class GoneForGood(ChannelFailed):
    """What was asked for does not exist any more; it is not asked for again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, permanent=True)


class WrongSignature(Exception):
    """What was delivered to a channel does not prove that it comes from its service."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongPayload(Exception):
    """What was delivered is from the service and still cannot be read; `reasons` are by field."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(reasons.values()))
        self.reasons = dict(reasons)


class Adapter(Protocol):
    """Speaks to the service behind one channel; it is made anew for each use and keeps nothing."""

    name: ClassVar[Any]
    """What people call the service; lazily translated, like `about`."""
    about: ClassVar[Any]
    """In a sentence, what a channel of this kind is for; empty where nobody connects one by hand."""
    form: ClassVar[Sequence[Field]]
    """What an admin says to connect."""
    pages: ClassVar[Sequence[tuple[Any, str]]]
    """Pages of its own where an admin says more: what leads there, and the endpoint, which takes `channel_id`."""
    channel: Channel
    query: Mapping[str, str]
    """What stood behind the question mark of the address at which it was delivered to, or challenged."""

    def __init__(self, channel: Channel) -> None: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def measure(self) -> Measure:
        """The longest text the service takes, and how it counts: of what everybody can read, where it has that."""

    @property
    def private_measure(self) -> Measure:
        """The same for what one person reads."""

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:
        """Raise `WrongSignature` unless the service sent exactly these bytes, lately; header names are lower case."""

    def parse(self, raw: bytes) -> Sequence[Arrival]:
        """Return what a delivery tells; raise `WrongPayload` when nothing in it can be read."""

    def delivery_id(self, headers: Mapping[str, str]) -> str:
        """Return how the service calls a delivery, as its headers say; empty where they do not. Nothing is proven."""

    def challenge(self) -> str | None:
        """Answer a service that asks with a GET whether this address is ours and meant; None: it is not.

        What it grants with that may be written into the channel's settings.
        """

    def poll(self, cursor: Cursor | None) -> Iterator[Batch]:
        """Yield what is new since the cursor, None the first time; raise `ChannelFailed` where the service fails.

        A batch that was yielded is kept before the next is asked for. What cannot be read does not hold up what can.
        """

    def listen(self, wake: Callable[[], None], stopping: threading.Event) -> None:
        """Hold a connection and call `wake` when there is something new, until `stopping`; raise `ChannelFailed`."""

    def own_id(self, reply: OutgoingReply) -> str | None:
        """Return the id that a message will have at the service; None where the service gives it."""

    def send(self, reply: OutgoingReply) -> SentReply:
        """Hand a message to the service once; raise `ChannelFailed` when it did not take it."""

    def look_for(self, reply: OutgoingReply) -> SentReply | None:
        """Ask the service for a message that may have arrived; None: it surely did not. Raise `ChannelFailed`."""

    def repeat(self, key: str, body: bytes) -> SentReply:
        """Hand over once more, under the same key, the very bytes of an `Exchange`; raise `ChannelFailed`."""

    def correct(self, message_id: str, reply: OutgoingReply) -> SentReply:
        """Change a message of ours where it stands; raise `ChannelFailed`."""

    def hide(self, message_id: str, *, is_hidden: bool) -> None:
        """Hide what somebody wrote, or show it again, as far as the service does; raise `ChannelFailed`."""

    def means(self, conversation: Conversation) -> Means:
        """Return how this conversation can be answered, without asking the service."""

    def reading_along(self, text: str, handle: str) -> Sequence[str]:
        """Return, as they stand in a private text to this handle, the names of others whom it would be shown to."""

    def published(self) -> Published | None:
        """Ask the server how long a text may be; None when it does not say. Raise `ChannelFailed` like `send`."""

    def prepare(self) -> None:
        """Add to a channel that is being connected what nobody types, as a fresh secret.

        Raise `Invalid` by field where what was typed does not go together.
        """

    def authorise_url(self, back: str, state: str, challenge: str) -> str:
        """Return where an admin lets us in (OAuth 2, authorisation code); the service sends them `back` with a code.

        It may ask the service to know us first, and keeps in the channel what came of it. `challenge` is that of PKCE
        (RFC 7636, S256). Raise `ChannelFailed`.
        """

    def authorised(self, back: str, code: str, verifier: str) -> None:
        """Exchange the code for what we sign in with, and keep that in the channel; raise `ChannelFailed`."""

    def check(self) -> Sequence[Finding]:
        """Try the connection and return what was found, in order; it writes nothing at the service."""

    def farewell(self) -> None:
        """Give back what the service keeps for us (a token, a subscription) before the channel goes."""


class Silent:
    """The parts of an adapter for a channel that neither sends nor is delivered to; others build on it."""

    name: ClassVar[Any] = ""
    about: ClassVar[Any] = ""
    form: ClassVar[Sequence[Field]] = ()
    pages: ClassVar[Sequence[tuple[Any, str]]] = ()

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.query: Mapping[str, str] = {}

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(may_send=False)

    @property
    def measure(self) -> Measure:
        return self._measured(is_public=True)

    @property
    def private_measure(self) -> Measure:
        return self._measured(is_public=False) if self.channel.kind in IN_PRIVATE else self.measure

    def _measured(self, *, is_public: bool) -> Measure:
        how = measure(self.channel.slug, self.channel.settings, kind=self.channel.kind, is_public=is_public)
        if not sent_links.are_on():
            return how
        return replace(how, own=f"{current_settings().base_url}/kb/", token=sent_links.LENGTH)

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:  # noqa: ARG002 -- the protocol's signature
        raise WrongSignature("nothing is delivered to this channel")

    def parse(self, raw: bytes) -> Sequence[Arrival]:  # noqa: ARG002 -- the protocol's signature
        return []

    def delivery_id(self, headers: Mapping[str, str]) -> str:  # noqa: ARG002 -- the protocol's signature
        return ""

    def challenge(self) -> str | None:
        return None

    def poll(self, cursor: Cursor | None) -> Iterator[Batch]:  # noqa: ARG002 -- the protocol's signature
        return iter(())

    def listen(self, wake: Callable[[], None], stopping: threading.Event) -> None:  # noqa: ARG002 -- the same
        stopping.wait()

    def own_id(self, reply: OutgoingReply) -> str | None:  # noqa: ARG002 -- the same
        return None

    def send(self, reply: OutgoingReply) -> SentReply:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("nothing can be sent on this channel", permanent=True)

    def look_for(self, reply: OutgoingReply) -> SentReply | None:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("this channel cannot be asked what arrived", permanent=True)

    def repeat(self, key: str, body: bytes) -> SentReply:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("nothing is handed over twice on this channel", permanent=True)

    def correct(self, message_id: str, reply: OutgoingReply) -> SentReply:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("nothing can be changed on this channel", permanent=True)

    def hide(self, message_id: str, *, is_hidden: bool) -> None:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("nothing can be hidden on this channel", permanent=True)

    def reading_along(self, text: str, handle: str) -> Sequence[str]:  # noqa: ARG002 -- the protocol's signature
        return ()

    def means(self, conversation: Conversation) -> Means:
        """Return what the capabilities say, within what the service told.

        Of a conversation it may tell: reply, public and private (bool), private_left (int), until (ISO 8601), price
        (words) and answer_before_hiding (bool). The channel's settings may hold a price for all of them.
        """
        can, told = self.capabilities, conversation.capabilities or {}
        until = datetime.fromisoformat(told["until"]) if told.get("until") else None
        public = can.public and told.get("public", True)
        private = can.private and told.get("private", True)
        why: str
        if not can.may_send:
            why = phrase("This channel only keeps what was said. Nobody can be answered on it.")
        elif until is not None and until <= now():
            why = phrase("The time in which this could be answered here is over.")
        elif not told.get("reply", True) or not (public or private):
            why = phrase("The service does not let us answer this here.")
        else:
            why = ""
        return Means(
            why_not=why,
            public=public,
            private=private,
            private_left=told.get("private_left") if private else None,
            until=until,
            price=str(told.get("price") or self.channel.settings.get("price") or ""),
            answer_before_hiding=bool(told.get("answer_before_hiding")),
            by_hand=can.by_hand,
        )

    def published(self) -> Published | None:
        return None

    def prepare(self) -> None:
        return None

    def authorise_url(self, back: str, state: str, challenge: str) -> str:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("nobody lets us in on this channel", permanent=True)

    def authorised(self, back: str, code: str, verifier: str) -> None:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("nobody lets us in on this channel", permanent=True)

    def check(self) -> Sequence[Finding]:
        return []

    def farewell(self) -> None:
        return None


_kinds: dict[str, Callable[[Channel], Adapter]] = {}


def register(kind: str, make: Callable[[Channel], Adapter]) -> None:
    """Make a kind of channel known; a second call for the same kind replaces the first."""
    _kinds[kind] = make


def kinds() -> frozenset[str]:
    """Return the kinds of channels that this installation can speak to."""
    return frozenset(_kinds)


def kind_of(kind: str) -> Callable[[Channel], Adapter] | None:
    """Return what speaks to channels of a kind; None when this installation does not have it."""
    return _kinds.get(kind)


def adapter_of(channel: Channel, query: Mapping[str, str] | None = None) -> Adapter:
    """Return what speaks to the channel; one whose kind is not installed is silent, and its history stays readable.

    `query` is what stood behind the question mark where a service called.
    """
    adapter = _kinds.get(channel.kind, Silent)(channel)
    if query is not None:
        adapter.query = query
    return adapter


def measure_of(channel: Channel, *, is_public: bool) -> Measure:
    """Return how long a text may be there, by who is to read it."""
    adapter = adapter_of(channel)
    return adapter.measure if is_public else adapter.private_measure


def apart(channel_id: int) -> Adapter:
    """Return what speaks to a channel, in no transaction: nothing in the database waits for the network.

    What the session had not committed is lost; its objects are loaded anew when they are used. The adapter's channel is
    none of them: what it writes into it is nobody's yet.
    """
    i18n.locale()  # what fails is said in somebody's language, which would be looked up in the middle of it
    db.session.rollback()
    secrets = (undefer(Channel.secret), undefer(Channel.credentials))
    with reading(), Session(db.engine) as own:
        channel = own.get_one(Channel, channel_id, options=secrets)
        own.expunge(channel)
    return adapter_of(channel)


_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")


def tidied(text: str) -> str:
    """Return a customer's text as it can be stored: what a form would refuse is taken out, for nobody can be asked."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return unicodedata.normalize("NFC", mended(_CONTROLS.sub("", text))).strip()


def mended(text: str) -> str:
    """Return the text with halves of characters replaced, which no database takes."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
