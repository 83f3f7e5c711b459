"""The door for what services deliver: proven first, read second, taken in last; polls and the like take in here too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from flask_babel import gettext

from desk import inbox
from desk.channels.base import IncomingMessage, WrongPayload, WrongSignature, adapter_of
from desk.models import Channel


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a delivery is not taken, as an answer to who delivered it."""

    status: int
    title: str
    detail: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that is in the desk; `is_new` is False when it was there before."""

    message_id: int
    conversation_id: int
    is_new: bool


def trouble_with(channel: Channel | None, headers: Mapping[str, str], raw: bytes) -> Trouble | None:
    """Return what is wrong with a delivery; None when it is proven and can be read."""
    if channel is None or channel.disabled_at is not None or not adapter_of(channel).capabilities.has_webhook:
        return Trouble(HTTPStatus.NOT_FOUND, gettext("Nothing is delivered here."))
    adapter = adapter_of(channel)
    try:
        adapter.verify(headers, raw)
        adapter.parse(raw)
    except WrongSignature as wrong:
        return Trouble(HTTPStatus.UNAUTHORIZED, gettext("This delivery is not proven"), wrong.reason)
    except WrongPayload as wrong:
        return Trouble(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            gettext("This delivery cannot be read"),
            gettext("docs/webhook.md describes what is expected; see errors."),
            wrong.reasons,
        )
    return None


def take(channel: Channel, incoming: IncomingMessage) -> Taken:
    """Take a message in, or find it where it is already; the caller commits."""
    received = inbox.receive(channel, incoming)
    message = received or inbox.message_of(channel, incoming.id)
    assert message is not None  # noqa: S101 -- received just now, or there before
    return Taken(message.id, message.conversation_id, received is not None)
