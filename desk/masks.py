"""Personal data that customers wrote in public is covered at the desk; a click shows one piece, and is noted.

Covered is what has no business in public and is worth something to others: numbers, accounts, addresses, births. Names
stay readable, since the page is headed with one; private messages stay as they are, for they were meant for us.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from accounts import audit
from accounts.models import User
from core import personal
from core.errors import NotAllowed, NotFound
from core.personal import Rules
from desk import policy
from desk.models import Message
from desk.triage.shown import private_kinds
from forum import personal_data

COVERED: Final = frozenset({"customer_no", "order_no", "iban", "card", "phone", "email", "address", "birthdate"})
SIGN: Final = "•••"
"""What stands for a piece in lists, whatever their language."""
MOST_REMEMBERED: Final = 4096

Place = tuple[str, int, int]
"""A type, and from where to where in the text."""
_read: dict[bytes, tuple[Place, ...]] = {}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message; with a `number` it is personal data, and `text` is empty unless it was asked for."""

    text: str
    number: int | None = None
    name: str = ""


def of(messages: Iterable[Message], shown: Collection[tuple[int, int]] = ()) -> Mapping[int, Sequence[Piece]]:
    """Return by message the pieces of those in which something is covered; `shown` are pairs of id and number."""
    candidates = [message for message in messages if _may_have(message)]
    if not candidates:
        return {}
    found: dict[int, Sequence[Piece]] = {}
    for message, places in _places(candidates):
        if places:
            found[message.id] = _pieces(message, places, {number for one, number in shown if one == message.id})
    return found


def reveal(message: Message, number: int, *, by: User) -> None:
    """Note that somebody looks at one piece; raise `NotFound` where nothing is covered there."""
    if not policy.may_hide(by):
        raise NotAllowed
    places = next((places for _, places in _places([message])), []) if _may_have(message) else []
    if not 0 <= number < len(places):
        raise NotFound(gettext("Nothing is covered there any more."))
    after = {"message": message.id, "kind": places[number][0], "number": number}
    audit.record("desk.conversation.reveal", message.conversation, by=by, after=after)


def covered(text: str) -> str:
    """Return a text with a sign for each piece of personal data in it, for lists."""
    if not _suspected(text):
        return text
    for _, start, end in reversed(_found(text, personal_data.rules())):
        text = text[:start] + SIGN + text[end:]
    return text


def said(message: Message) -> str:
    """Return what a message says, as lists show it: covered where everybody could read it."""
    return covered(message.text) if _may_have(message) else message.text


def _may_have(message: Message) -> bool:
    return message.direction == "in" and message.is_public and bool(message.text)


def _places(messages: Sequence[Message]) -> Iterable[tuple[Message, Sequence[Place]]]:
    """Yield where something stands to be covered; the house's own rules are asked for where something does."""
    rules: Rules | None = None
    for message in messages:
        places = _suspected(message.text)
        if places:
            rules = rules or personal_data.rules()
            places = _found(message.text, rules)
        yield message, places


def _suspected(text: str) -> Sequence[Place]:
    """Return what may have to be covered; of a text that was read before places and kinds are remembered, no words."""
    key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    found = _read.get(key)
    if found is None:
        if len(_read) >= MOST_REMEMBERED:
            _read.clear()
        found = _read[key] = tuple(_found(text, personal.NO_RULES))
    return found


def _found(text: str, rules: Rules) -> list[Place]:
    return [(one.type, one.start, one.end) for one in personal.spans(text, rules=rules) if one.type in COVERED]


def _pieces(message: Message, places: Sequence[Place], shown: Collection[int]) -> Sequence[Piece]:
    pieces, at = [], 0
    for number, (kind, start, end) in enumerate(places):
        if start < at:
            continue
        pieces.append(Piece(message.text[at:start]))
        name = next(iter(private_kinds([(kind, start, end)])), "")
        pieces.append(Piece(message.text[start:end] if number in shown else "", number, name))
        at = end
    return [*pieces, Piece(message.text[at:])]
