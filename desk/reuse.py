"""What a reply was written with: articles (as link, quote or short text), answers of the forum, the team's blocks."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from accounts.models import User
from core import texts
from core.clock import now
from core.errors import NotFound
from core.outbox import publish
from core.unique import add_once
from core.web import absolute
from desk import blocks
from desk.block_models import AnswerUse
from desk.events import AnswersReused
from desk.models import Message
from forum import addresses as forum_addresses
from forum import queries as forum_queries

Kind = Literal["article", "answer", "block"]
KINDS: Final[tuple[Kind, ...]] = ("article", "answer", "block")
Way = Literal["short", "quote", "link"]
WAYS: Final[tuple[Way, ...]] = ("short", "quote", "link")
MOST: Final = 20


class Used(NamedTuple):
    """Something that was put into a text: `article:9`, `article:9:link`, `article:9:quote:3`, `block:4`."""

    kind: Kind
    id: int
    way: Way
    detail: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def value(self) -> str:
        """Return it as a form carries it."""
        return (
            self.name if self.way == "short" else ":".join(part for part in (self.name, self.way, self.detail) if part)
        )


def read(typed: str) -> Used | None:
    """Return what a form says was put in; None where it makes no sense."""
    parts = typed.split(":", 3)
    kind = next((one for one in KINDS if one == parts[0]), None)
    number = texts.number(parts[1]) if len(parts) > 1 else None
    way = next((one for one in WAYS if one == parts[2]), None) if len(parts) > 2 else "short"  # noqa: PLR2004 -- parts of a name
    if kind is None or number is None or way is None:
        return None
    return Used(kind, number, way, parts[3] if len(parts) > 3 else "")  # noqa: PLR2004 -- the same


def read_all(typed: Iterable[str]) -> list[Used]:
    """Return what a form says was put in, each thing once in each way."""
    found = [read(one) for one in dict.fromkeys(typed)]
    return [one for one in found if one is not None][:MOST]


def ways(used: Iterable[Used]) -> dict[int, Way]:
    """Return in which way each article was put in; the way in which it was last is the one that counts."""
    return {one.id: one.way for one in used if one.kind == "article"}


def record(message: Message, used: Sequence[Used], *, by: User) -> None:
    """Keep which answers and blocks a reply was written with, and have the authors thanked once it has left.

    An answer counts where its address still stands in the text; a block is taken at the form's word, since whoever puts
    one in changes its words.
    """
    for one in used:
        if one.kind == "answer":
            _record_answer(message, one, by=by)
        elif one.kind == "block":
            try:
                blocks.record_use(blocks.visible_block(one.id, viewer=by), message.id, by=by)
            except NotFound:
                continue  # a form can name anything
    publish(AnswersReused(message.id))


def _record_answer(message: Message, one: Used, *, by: User) -> None:
    try:
        post = forum_queries.visible_post(one.id, viewer=by)
    except NotFound:
        return
    url = re.escape(absolute(forum_addresses.of_post(post)))
    if re.search(rf"{url}(?![0-9])", message.text):
        add_once(AnswerUse, post_id=post.id, message_id=message.id, way=one.way, by_id=by.id, at=now())
