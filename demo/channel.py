"""The channel between the desk and the Marktplatz: signed like any webhook on the way in, a row on the way out."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from flask_babel import gettext, lazy_gettext
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
            may_send=True,
            idempotent_send=True,
            has_webhook=True,
            private=False,
            by_hand=True,
            publishes_limits=True,
            corrects=True,
            hides=True,
            hiding=lazy_gettext(
                "On the Marktplatz it is folded away for everybody who passes by; whoever wants to can still open it."
            ),
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

    def correct(self, message_id: str, reply: OutgoingReply) -> SentReply:
        """Change a reply of the house where it stands."""
        self._post(message_id).text = reply.text
        return SentReply(id=message_id)

    def hide(self, message_id: str, *, is_hidden: bool) -> None:
        """Fold a passer-by's post away, or show it again."""
        self._post(message_id).is_hidden = is_hidden

    def _post(self, external_id: str) -> PlazaPost:
        names = (external_id, f"import:{external_id}")  # what was there before the Marktplatz opened is called so
        found = db.session.scalars(select(PlazaPost).where(PlazaPost.external_id.in_(names))).first()
        if found is None:
            raise ChannelFailed(gettext("This post is not on the Marktplatz any more."), permanent=True)
        return found

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
