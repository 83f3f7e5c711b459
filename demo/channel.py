"""The channel between the desk and the Marktplatz: signed like any webhook on the way in, a row on the way out."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from sqlalchemy import select

from core.clock import now
from core.db import db
from core.unique import add_once
from demo.models import PlazaPost
from desk.channels.base import Capabilities, ChannelFailed, Field, OutgoingReply, Published, SentReply, register
from desk.channels.webhook import Webhook, new_secret
from desk.models import Channel

KIND: Final = "demo"
SLUG: Final = "marktplatz"
NAME: Final = "Marktplatz"
LIMIT: Final = 280
HOUSE: Final = "ulmenfunk"
HOUSE_NAME: Final = "Ulmenfunk"
SERVER: Final = "marktplatz.example"


class Plaza(Webhook):
    """Takes in what the Marktplatz delivers with a signature, and puts replies up there."""

    about: ClassVar[Any] = ""
    """Nobody opens a second one."""
    form: ClassVar[Sequence[Field]] = ()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            may_send=True, idempotent_send=True, has_webhook=True, private=False, by_hand=True, publishes_limits=True
        )

    def send(self, reply: OutgoingReply) -> SentReply:
        """Put the reply up, once for each key; the worker's transaction keeps the post and the news of it together."""
        if not reply.is_public:
            raise ChannelFailed("the Marktplatz has no private messages", permanent=True)
        add_once(
            PlazaPost,
            external_id=reply.key,
            thread=reply.conversation,
            handle=address(HOUSE),
            name=HOUSE_NAME,
            text=reply.text,
            idempotency_key=reply.key,
            is_official=True,
            created_at=now(),
        )
        return SentReply(id=reply.key)

    def published(self) -> Published:
        """Say how long a text may be, as the rules of the Marktplatz do."""
        return Published(LIMIT)


def address(handle: str) -> str:
    """Return a handle as the network writes it: `@lena@marktplatz.example`."""
    return f"@{handle}@{SERVER}"


def find() -> Channel | None:
    return db.session.scalars(select(Channel).where(Channel.slug == SLUG)).one_or_none()


def open_once() -> Channel:
    """Return the channel of the Marktplatz, which is made when it is missing."""
    add_once(
        Channel,
        slug=SLUG,
        kind=KIND,
        name=NAME,
        settings={"limit": LIMIT, "counting": "characters", "asks": "public"},
        secret=new_secret(),
        created_at=now(),
    )
    channel = find()
    assert channel is not None  # noqa: S101 -- for the type checker: it was there, or is now
    return channel


register(KIND, Plaza)
