"""A service that hides and corrects as the tests wish: it refuses what it is told to, and remembers the rest."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from core.clock import now
from core.db import db
from desk import inbox
from desk.channels import base
from desk.channels.base import Capabilities, ChannelFailed, IncomingMessage, OutgoingReply, SentReply, Silent
from desk.models import Channel, Message

KIND = "orderly"


class Orderly(Silent):
    name: ClassVar[Any] = "Orderly"
    can: ClassVar[dict[str, Any]] = {}
    """What it can besides, or cannot."""
    refuses: ClassVar[list[ChannelFailed]] = []
    """What the next requests get; then all is well."""
    hidden: ClassVar[set[str]] = set()
    said: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[tuple[str, str]]] = []

    @property
    def capabilities(self) -> Capabilities:
        can = {"hides": True, "corrects": True, "hiding": "It is folded away there.", "idempotent_send": True}
        return Capabilities(**{**can, **self.can})

    def send(self, reply: OutgoingReply) -> SentReply:
        self._ask("send", reply.key)
        self.said[reply.key] = reply.text
        return SentReply(reply.key)

    def correct(self, message_id: str, reply: OutgoingReply) -> SentReply:
        self._ask("correct", message_id)
        self.said[message_id] = reply.text
        return SentReply(message_id)

    def hide(self, message_id: str, *, is_hidden: bool) -> None:
        self._ask("hide" if is_hidden else "show", message_id)
        self.hidden.add(message_id) if is_hidden else self.hidden.discard(message_id)

    def _ask(self, what: str, which: str) -> None:
        self.asked.append((what, which))
        if self.refuses:
            raise self.refuses.pop(0)


@pytest.fixture
def orderly() -> Iterator[type[Orderly]]:
    base.register(KIND, Orderly)
    yield Orderly
    base._kinds.pop(KIND)
    for kept in (Orderly.can, Orderly.refuses, Orderly.hidden, Orderly.said, Orderly.asked):
        kept.clear()


def channel(slug: str = "orderly") -> Channel:
    opened = Channel(slug=slug, kind=KIND, name=slug.title(), settings={})
    db.session.add(opened)
    db.session.flush()
    return opened


def wrote(on: Channel, text: str = "You are all thieves!", *, id: str = "post-1", **about: Any) -> Message:  # noqa: A002 -- as the service calls it
    """A customer's message, public unless it is said otherwise."""
    message = inbox.receive(
        on,
        IncomingMessage(
            **{
                "conversation": f"thread-of-{about.get('handle', '@max')}",
                "id": id,
                "text": text,
                "created_at": now(),
                "is_public": True,
                "handle": "@max",
                "name": "Max",
                **about,
            }
        ),
    )
    assert message is not None
    return message
