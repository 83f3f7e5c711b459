"""What happens at the desk, in the past tense."""

from dataclasses import dataclass

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class MessageReceived(Event):
    conversation_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class MessageChanged(Event):
    """Who wrote a message changed it or took it away at its service."""

    conversation_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class PublicMessageJudged(Event):
    """What a customer wrote where everybody reads was taken for something."""

    message_id: int


@dataclass(frozen=True, slots=True)
class ReplyQueued(Event):
    message_id: int


@dataclass(frozen=True, slots=True)
class ReplyNoted(Event):
    """An agent noted where their answer stands."""

    message_id: int


@dataclass(frozen=True, slots=True)
class ExchangePublished(Event):
    """An exchange became a question of the forum, and that leads to where it was asked."""

    message_id: int
    topic_id: int


@dataclass(frozen=True, slots=True)
class WebmentionReceived(Event):
    """Somebody says that a page elsewhere links to a page of ours."""

    channel_id: int
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class CounterUsed(Event):
    """A customer left something at the secure counter."""

    conversation_id: int
    counter_id: int


@dataclass(frozen=True, slots=True)
class AnswersReused(Event):
    message_id: int


@dataclass(frozen=True, slots=True)
class IncidentNewsQueued(Event):
    case_id: int
    what: str
    """`answer` or `solution`."""
    by_id: int


@dataclass(frozen=True, slots=True)
class ReplySent(Event):
    """A reply left the house and surely arrived."""

    message_id: int


@dataclass(frozen=True, slots=True)
class ConversationClosed(Event):
    """A conversation is solved, or needs no answer."""

    conversation_id: int
    state: str
    """`solved` or `no_answer`."""
    at: str
    """When, in ISO 8601: a conversation can be closed several times."""


@dataclass(frozen=True, slots=True)
class PromiseMissed(Event):
    promise_id: int


@dataclass(frozen=True, slots=True)
class WebhookQueued(Event):
    """Somebody outside is to be told of an event."""

    delivery_id: int


@dataclass(frozen=True, slots=True)
class HandOverRepeated(Event):
    """Somebody asked that what was handed over by a channel is handed over once more."""

    delivery_id: int
