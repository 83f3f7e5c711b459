"""Nothing that a person said in private on one channel is quoted on another, or in public, by mistake."""

import re
from collections.abc import Iterable
from typing import Final

from flask_babel import gettext
from sqlalchemy import and_, select

from core.db import db
from desk import objections, persons
from desk.models import Conversation, Message
from desk.objections import Draft, Objection

WORDS: Final = 6
"""So many words in a row that stand in a private message are a quotation."""
MOST_READ: Final = 100

_WORD: Final = re.compile(r"\w+")


@objections.register
def quotes_private_words(draft: Draft) -> Iterable[Objection]:
    """Object to words that were said in private elsewhere, or in private here when the draft is public."""
    said = list(_WORD.finditer(draft.text))
    if len(said) < WORDS:
        return
    conversation = draft.conversation
    of_person = Conversation.contact_id.in_(persons.ids_of(conversation.contact_id))
    elsewhere = and_(of_person, Conversation.channel_id != conversation.channel_id)
    private = (
        select(Message.text)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.is_public.is_(False), Message.direction == "in", of_person if draft.is_public else elsewhere)
        .order_by(Message.id.desc())
        .limit(MOST_READ)
    )
    known: set[tuple[str, ...]] = set()
    for text in db.session.scalars(private):
        known |= _runs(_WORD.findall(text.casefold()))
    words = [found[0].casefold() for found in said]
    for at in range(len(words) - WORDS + 1):
        if tuple(words[at : at + WORDS]) in known:
            first, last = said[at], said[at + WORDS - 1]
            yield Objection(
                code="private_elsewhere",
                said=draft.text[first.start() : last.end()],
                words=gettext("The customer said this in private, and not here."),
            )
            return


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1)}
