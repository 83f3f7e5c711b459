"""What a customer card says, as variables of the team's blocks, for who has just looked at the card and nobody else.

Looking is noted with its reason (`desk.cards`); a block only uses what was looked at, while it is kept. In public such
words are asked about before they go out.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import select

from accounts.models import User
from core.db import db
from desk import cards, objections, persons, policy, wordings
from desk.models import Conversation
from desk.objections import Draft, Objection
from desk.person_models import CardAnswer, CardLook, CardSource

LONGEST_NAME: Final = 30
SHORTEST_TELLING: Final = 3
"""A value with fewer characters may stand in any text."""
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_NO_LETTER: Final = re.compile(r"[^a-z]")


def name_of(label: str) -> str:
    """Return by which name a block calls a field of the card: “Vertrag (Art)” is `vertragart`; empty for none."""
    folded = unicodedata.normalize("NFKD", label.casefold().translate(_GERMAN))
    name = _NO_LETTER.sub("", folded)[:LONGEST_NAME]
    return f"card{name}"[:LONGEST_NAME] if name in wordings.VARIABLES else name


def names() -> Mapping[str, Any]:
    """Return the variables that cards bring, with what they are in words."""
    return {
        name: gettext("“%(label)s” of the customer card, once you looked at it", label=field["label"])
        for source in cards.sources()
        for field in source.fields
        if (name := name_of(field["label"]))
    }


def values(conversation: Conversation, by: User) -> Mapping[str, str]:
    """Return what the card says to an agent who looked at it a moment ago."""
    rows = _looked_at(conversation, by)
    return {name: value for label, value in rows if (name := name_of(label))}


@objections.register
def comes_from_the_card(draft: Draft) -> Iterable[Objection]:
    """Ask once where a public reply says what only the customer card says."""
    if not draft.is_public:
        return
    for label, value in _looked_at(draft.conversation, draft.by):
        if len(value) >= SHORTEST_TELLING and value in draft.text:
            yield Objection(
                code="card_value",
                said=value,
                words=gettext(
                    "This comes from the customer card (%(label)s), and everybody would read it.", label=label
                ),
            )


def _looked_at(conversation: Conversation, by: User) -> Sequence[tuple[str, str]]:
    if not policy.may_work(by):
        return ()
    since = cards.good_since()
    kept = db.session.scalars(
        select(CardAnswer.rows)
        .join(CardSource, CardSource.id == CardAnswer.source_id)
        .where(
            CardAnswer.contact_id.in_(persons.ids_of(conversation.contact_id)),
            CardAnswer.fetched_at > since,
            select(CardLook.id)
            .where(
                CardLook.source_id == CardAnswer.source_id,
                CardLook.contact_id == CardAnswer.contact_id,
                CardLook.by_id == by.id,
                CardLook.at > since,
                CardLook.failure == "",
            )
            .exists(),
        )
        .order_by(CardSource.name)
    ).all()
    return [(label, value) for rows in kept for label, value in json.loads(rows)]


wordings.contribute_some(names, values)
