"""How heated a message is, by its words and as triage takes it; and the moment of rest before one is answered."""

import re
from collections.abc import Iterable
from typing import Final

from flask_babel import gettext
from sqlalchemy import select

from core.db import db
from core.settings import current_settings
from desk import objections
from desk.objections import Draft, Objection
from desk.triage.tables import MessageJudgement

HEATED: Final = 50
_HARSH: Final = re.compile(
    r"\b(?:abzocke\w*|arschl\w*|betr(?:u|ü)g\w*|dreck\w*|drecks\w*|eine frechheit|frechheit|idiot\w*|inkompeten\w*|"
    r"lügner\w*|lächerlich\w*|mist|saftladen|scheiß?\w*|scheiss\w*|schwachsinn\w*|trottel\w*|unfähig\w*|unverschämt\w*|"
    r"verarsch\w*|verdammt\w*|wütend\w*|zum kotzen|anwalt|verbraucherzentrale|"
    r"bullshit|clowns?|crap|damn\w*|disgrace\w*|fuck\w*|fraud\w*|furious|idiots?|incompeten\w*|joke of a|liars?|lawyer|"
    r"morons?|pathetic|rip[- ]?off|scam\w*|shit\w*|stupid\w*|thieves|useless|worst)\b",
    re.IGNORECASE,
)
_PER_WORD: Final = 35
_PER_SHOUT: Final = 10
_PER_DEGREE: Final = 33
"""Triage knows three degrees: annoyed, angry, hostile."""
_SHOUTED: Final = re.compile(r"\b[A-ZÄÖÜ]{6,}\b|[!?]{2,}|🤬|😡|🖕")
_MOST_LOOKED_AT: Final = 4000


def of(text: str) -> int:
    """Return from 0 to 100 how heated a text is: harsh words weigh most, shouting less."""
    text = text[:_MOST_LOOKED_AT]
    harsh = len(set(map(str.lower, _HARSH.findall(text))))
    shouted = len(_SHOUTED.findall(text))
    return min(100, _PER_WORD * harsh + _PER_SHOUT * min(shouted, 4))


def in_conversation(draft: Draft) -> int:
    """Return how heated it is: the reply, or what the customer wrote last, by its words or as triage takes it."""
    if draft.asked is None:
        return of(draft.text)
    judged = db.session.scalar(select(MessageJudgement.heat).where(MessageJudgement.message_id == draft.asked.id))
    return max(of(draft.text), of(draft.asked.text), _PER_DEGREE * (judged or 0))


def seconds_of_rest(objection_codes: Iterable[str]) -> int:
    """Return for how long the button that sends all the same rests."""
    return current_settings().cool_down_seconds if "heat" in set(objection_codes) else 0


@objections.register
def is_written_in_heat(draft: Draft) -> Iterable[Objection]:
    """Ask once for a moment of rest where what the customer wrote, or the reply, is heated."""
    if current_settings().cool_down_seconds == 0:
        return
    if in_conversation(draft) >= HEATED:
        yield Objection(
            code="heat",
            words=gettext(
                "This exchange is heated. Take a breath and read your reply once more, as the customer will."
            ),
        )
