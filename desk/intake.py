"""The door for what services deliver: proven first, read second, taken in last (`desk.arrivals`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType

from flask_babel import gettext

from desk.channels.base import WrongPayload, WrongSignature, adapter_of
from desk.models import Channel


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a delivery is not taken, as an answer to who delivered it."""

    status: int
    title: str
    detail: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def challenge(channel: Channel | None, query: Mapping[str, str]) -> str | None:
    """Answer a service that asks whether a channel's address is ours and meant; None where it is not."""
    if channel is None or not adapter_of(channel).capabilities.has_webhook:
        return None
    return adapter_of(channel, query).challenge()


def trouble_with(
    channel: Channel | None, headers: Mapping[str, str], raw: bytes, query: Mapping[str, str] = MappingProxyType({})
) -> Trouble | None:
    """Return what is wrong with a delivery; None when it is proven and can be read."""
    if channel is None or channel.disabled_at is not None or not adapter_of(channel).capabilities.has_webhook:
        return Trouble(HTTPStatus.NOT_FOUND, gettext("Nothing is delivered here."))
    adapter = adapter_of(channel, query)
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
