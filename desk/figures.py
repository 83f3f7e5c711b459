"""How many replies had an article in them: the desk's part of the figures of the knowledge base."""

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from sqlalchemy import Select, select
from sqlalchemy.orm import lazyload

from accounts.people import Viewer
from core import markup
from desk import asking, policy
from desk.gaps import with_article
from desk.models import Message
from kb import figures


def _replies(*, has_article: bool) -> Callable[[], Select[Any]]:
    def statement() -> Select[Any]:
        found = select(Message).where(Message.direction == "out", Message.state.in_(("queued", "sent")))
        found = found.where(with_article() if has_article else ~with_article())
        return found.where(~asking.is_question()).options(lazyload("*"))

    return statement


def _rows(messages: Sequence[Message], viewer: Viewer) -> list[figures.Row]:
    """Return replies; who does not work at the desk learns that there was one, and no word of what is not public."""
    may_read = policy.may_work(viewer)
    return [
        figures.Row(
            markup.excerpt(message.text, figures.LONGEST_SAID)
            if may_read or message.is_public
            else gettext("A private reply"),
            f"/desk/conversations/{message.conversation_id}" if may_read else "",
            "",
            message.created_at,
        )
        for message in messages
    ]


for _key, _name, _has in (
    ("replies-with", lazy_gettext("Replies with an article"), True),
    ("replies-without", lazy_gettext("Replies without an article"), False),
):
    figures.contribute(
        figures.Listed(
            _key, _name, _replies(has_article=_has), Message.created_at, (Message.created_at, Message.id), _rows
        )
    )
