"""What every channel module offers the desk, and how the desk finds it.

A module for another service writes a class with the methods of `Adapter` (building on `Silent`) and calls
`register("kind", TheClass)` when the application is built; a `Channel` row of that kind is then spoken to through it.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from flask_babel import gettext

from core.clock import now
from core.counting import Measure
from core.settings import current_settings
from desk.channels.counting import measure
from desk.models import Channel, Conversation
from kb import sent_links

LONGEST_TEXT: Final = 20_000
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


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """One message as a channel delivers it; the texts are clean, the moment is aware and not in the future."""

    conversation: str
    """The thread's id in the service."""
    id: str
    """The message's id in the service: unique within the channel."""
    text: str
    created_at: datetime
    is_public: bool
    url: str | None = None
    handle: str
    name: str = ""
    reach: int | None = None
    """Followers, where the service tells."""
    locale: str | None = None
    capabilities: Mapping[str, Any] | None = None
    """What the service told of how the conversation can be answered: see `Silent.means`."""
    thread: tuple[EarlierPost, ...] = ()
    """What stands before it in its public thread, where the service tells."""


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


@dataclass(frozen=True, slots=True)
class SentReply:
    """The service took it; it may have told its own id and address of the message."""

    id: str | None = None
    url: str | None = None


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

    def __init__(self, channel: Channel) -> None: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def measure(self) -> Measure:
        """The longest text the service takes, and how it counts."""

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:
        """Raise `WrongSignature` unless the service sent exactly these bytes, lately; header names are lower case."""

    def parse(self, raw: bytes) -> list[IncomingMessage]:
        """Return the messages in a delivery; raise `WrongPayload` when it has none that can be read."""

    def send(self, reply: OutgoingReply) -> SentReply:
        """Hand a message to the service once; raise `ChannelFailed` when it did not take it."""

    def means(self, conversation: Conversation) -> Means:
        """Return how this conversation can be answered, without asking the service."""

    def published(self) -> Published | None:
        """Ask the server how long a text may be; None when it does not say. Raise `ChannelFailed` like `send`."""


class Silent:
    """The parts of an adapter for a channel that neither sends nor is delivered to; others build on it."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(may_send=False)

    @property
    def measure(self) -> Measure:
        how = measure(self.channel.slug, self.channel.settings, kind=self.channel.kind)
        if not sent_links.are_on():
            return how
        return replace(how, own=f"{current_settings().base_url}/kb/", token=sent_links.LENGTH)

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:  # noqa: ARG002 -- the protocol's signature
        raise WrongSignature("nothing is delivered to this channel")

    def parse(self, raw: bytes) -> list[IncomingMessage]:  # noqa: ARG002 -- the protocol's signature
        return []

    def send(self, reply: OutgoingReply) -> SentReply:  # noqa: ARG002 -- the protocol's signature
        raise ChannelFailed("nothing can be sent on this channel", permanent=True)

    def means(self, conversation: Conversation) -> Means:
        """Return what the capabilities say, within what the service told.

        Of a conversation it may tell: reply, public and private (bool), private_left (int), until (ISO 8601), price
        (words) and answer_before_hiding (bool). The channel's settings may hold a price for all of them.
        """
        can, told = self.capabilities, conversation.capabilities or {}
        until = datetime.fromisoformat(told["until"]) if told.get("until") else None
        public = can.public and told.get("public", True)
        private = can.private and told.get("private", True)
        if not can.may_send:
            why = gettext("This channel only keeps what was said. Nobody can be answered on it.")
        elif until is not None and until <= now():
            why = gettext("The time in which this could be answered here is over.")
        elif not told.get("reply", True) or not (public or private):
            why = gettext("The service does not let us answer this here.")
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


_kinds: dict[str, Callable[[Channel], Adapter]] = {}


def register(kind: str, make: Callable[[Channel], Adapter]) -> None:
    """Make a kind of channel known; a second call for the same kind replaces the first."""
    _kinds[kind] = make


def kinds() -> frozenset[str]:
    """Return the kinds of channels that this installation can speak to."""
    return frozenset(_kinds)


def adapter_of(channel: Channel) -> Adapter:
    """Return what speaks to the channel; one whose kind is not installed is silent, and its history stays readable."""
    return _kinds.get(channel.kind, Silent)(channel)


_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")


def tidied(text: str) -> str:
    """Return a customer's text as it can be stored: what a form would refuse is taken out, for nobody can be asked."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return unicodedata.normalize("NFC", mended(_CONTROLS.sub("", text))).strip()


def mended(text: str) -> str:
    """Return the text with halves of characters replaced, which no database takes."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
