"""Where it gets difficult on the Marktplatz: somebody who is muted, a hidden post, personal data in public."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from accounts.models import User
from core.clock import now
from core.db import db
from demo import channel as channels
from demo.models import PlazaPost
from desk import contact_ladder, hiding, inbox
from desk.channels.base import IncomingMessage
from desk.models import Contact, Message

RUDE: Final = "kalle_krawall"
RUDE_SAID: Final = (
    ("Euer Laden ist der letzte Müll, und eure Leute am Telefon sind zu dumm zum Zuhören.", 190),
    ("Na, hat von euch Nasen schon jemand gelesen, was ich gestern geschrieben habe? Ihr seid alle unfähig.", 70),
)
ASKED: Final = "Freundlich gebeten, beim Thema zu bleiben; Hilfe ist angeboten."
MUTED: Final = "Nach der Bitte weiter beleidigend. Antworten kann man trotzdem."
HIDDEN: Final = "Beleidigt die Kolleginnen am Telefon"
OPEN_HEARTED: Final = "nele_nord"
OPEN_HEARTED_SAID: Final = (
    "Die Erstattung bitte auf DE89 3704 0044 0532 0130 00, Kundennummer UF-204163, oder ruft mich an: 030 555 0177."
)
"""The account is the one that banks print in their examples."""


def begin(everybody: Mapping[str, User]) -> None:
    """Have it be written, hidden, and the two lowest steps be taken."""
    ada, ruth = everybody["ada"], everybody["ruth"]
    first, second = (
        _write(RUDE, text, ago=ago, thread=f"demo-order-{number}") for number, (text, ago) in enumerate(RUDE_SAID)
    )
    contact = first.contact
    assert isinstance(contact, Contact)  # noqa: S101 -- for the type checker: somebody wrote it
    contact_ladder.take(contact, "ask", reason=ASKED, days=30, by=ada)
    contact_ladder.take(contact, "mute", reason=MUTED, days=14, by=ruth)
    hiding.hide(second, reason=HIDDEN, by=ada)
    _write(OPEN_HEARTED, OPEN_HEARTED_SAID, ago=18, thread="demo-order-open")


def _write(handle: str, text: str, *, ago: int, thread: str) -> Message:
    at = now() - timedelta(minutes=ago)
    post = PlazaPost(
        external_id=f"{thread}-1",
        thread=thread,
        handle=channels.address(handle),
        name=handle,
        text=text,
        created_at=at,
    )
    db.session.add(post)
    message = inbox.receive(
        channels.open_once(),
        IncomingMessage(
            conversation=thread,
            id=post.external_id,
            text=text,
            created_at=at,
            is_public=True,
            handle=post.handle,
            name=handle,
            locale="de",
        ),
    )
    assert message is not None  # noqa: S101 -- for the type checker: it is taken in once
    return message
