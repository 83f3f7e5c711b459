"""The door for what services deliver: proven first, read second, taken in last (`desk.arrivals`)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType

from flask_babel import gettext

from core.db import db
from desk import arrivals
from desk.arrivals import Taken
from desk.channels.base import Arrival, WrongPayload, WrongSignature, adapter_of
from desk.models import Channel

log = logging.getLogger(__name__)


class NotTaken(Exception):
    """A delivery that is proven could not be taken in; `trouble` says why."""

    def __init__(self, trouble: "Trouble") -> None:
        super().__init__(trouble.reason)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a delivery is not taken, as an answer to who delivered it."""

    status: int
    title: str
    detail: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    is_proven: bool = False
    """It is from the service, and cannot be read."""

    @property
    def reason(self) -> str:
        """What the log says, in words."""
        told = [f"{name}: {why}" for name, why in self.fields.items()]
        return "; ".join(told) or self.detail or self.title


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
    except WrongSignature as wrong:
        return Trouble(HTTPStatus.UNAUTHORIZED, gettext("This delivery is not proven"), wrong.reason)
    try:
        adapter.parse(raw)
    except WrongPayload as wrong:
        return _unreadable(wrong)
    except Exception as error:  # noqa: BLE001 -- see `_broken`
        return _broken(channel, error)
    return None


def take_in(
    channel: Channel, raw: bytes, query: Mapping[str, str] = MappingProxyType({})
) -> Sequence[tuple[Arrival, Taken | None]]:
    """Take in what a delivery that is proven tells, and return what became of each part; raise `NotTaken`.

    After that nothing of the transaction may be kept.
    """
    try:
        told = adapter_of(channel, query).parse(raw)
        taken = arrivals.take_all(channel, told)
        db.session.flush()
    except WrongPayload as wrong:
        raise NotTaken(_unreadable(wrong)) from wrong
    except Exception as error:
        raise NotTaken(_broken(channel, error)) from error
    return list(zip(told, taken, strict=True))


def _broken(channel: Channel, error: Exception) -> Trouble:
    """Return what is answered and logged where something broke here: the delivery is worth another attempt.

    This is an edge: whoever delivered must hear that it is to come again, and the log of the channel what broke. What
    an exception says may quote the customer, so only its kind goes there.
    """
    log.error("a delivery to %s could not be taken in", channel.slug, exc_info=error)
    why = gettext("Something broke here: %(what)s. The server’s log says more.", what=type(error).__name__)
    return Trouble(HTTPStatus.INTERNAL_SERVER_ERROR, gettext("Please deliver this again"), why, is_proven=True)


def _unreadable(wrong: WrongPayload) -> Trouble:
    return Trouble(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        gettext("This delivery cannot be read"),
        gettext("docs/webhook.md describes what is expected; see errors."),
        wrong.reasons,
        is_proven=True,
    )
