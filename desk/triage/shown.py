"""What the page of a conversation shows of triage, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, func, select, true
from sqlalchemy.orm import lazyload

from core.db import db
from core.personal import name as private_name
from desk.models import Conversation, Message
from desk.triage import priority
from desk.triage.judging import Reason
from desk.triage.priority import Place
from desk.triage.signs import NAMES
from desk.triage.tables import (
    ConversationMute,
    ConversationStanding,
    ConversationTag,
    JudgementCorrection,
    MessageJudgement,
    PriorityWeighing,
)

INTENT_NAMES: Final[Mapping[str, Any]] = {
    "question": _l("Question"),
    "implicit": _l("Needs help"),
    "complaint": _l("Complaint"),
    "praise": _l("Praise"),
    "abuse": _l("Spam or abuse"),
    "none": _l("Nothing to do"),
}
SCALES: Final[Mapping[str, Mapping[int, Any]]] = {
    "sentiment": {
        -2: _l("very unhappy"),
        -1: _l("unhappy"),
        0: _l("neutral"),
        1: _l("friendly"),
        2: _l("delighted"),
    },
    "heat": {0: _l("calm"), 1: _l("annoyed"), 2: _l("angry"), 3: _l("hostile")},
    "urgency": {0: _l("not urgent"), 1: _l("can wait a little"), 2: _l("soon"), 3: _l("at once")},
}
SCALE_NAMES: Final = {"sentiment": _l("Mood"), "heat": _l("Heat"), "urgency": _l("Urgency")}
PRIVATE_NAMES: Final = {"customer_no": _l("customer number"), "order_no": _l("order number")}
_SPAN_PARTS: Final = 3
_TAGS: Final = (
    select(func.aggregate_strings(ConversationTag.tag, "\n"))
    .where(ConversationTag.conversation_id == MessageJudgement.conversation_id)
    .correlate(MessageJudgement)
    .scalar_subquery()
)
"""A tag is one line; they come along with the judgement."""


@dataclass(frozen=True, slots=True)
class Shown:
    judgement: MessageJudgement
    is_corrected: bool
    place: Place | None
    mute: ConversationMute | None
    tags: Sequence[str]
    reasons: Sequence[str]
    private: Sequence[str]
    """What kinds of personal data the message has, in words."""


def about(conversation: Conversation) -> Shown | None:
    """Return what is known of what the customer wrote last; None where nothing was judged."""
    row = db.session.execute(
        select(
            MessageJudgement,
            JudgementCorrection.id,
            ConversationStanding,
            PriorityWeighing.weights,
            ConversationMute,
            _TAGS,
        )
        .join(Message, Message.id == MessageJudgement.message_id)
        .outerjoin(JudgementCorrection, JudgementCorrection.judgement_id == MessageJudgement.id)
        .outerjoin(ConversationStanding, ConversationStanding.conversation_id == MessageJudgement.conversation_id)
        .outerjoin(ConversationMute, ConversationMute.conversation_id == MessageJudgement.conversation_id)
        .outerjoin(PriorityWeighing, and_(true(), PriorityWeighing.id == 1))
        .where(MessageJudgement.conversation_id == conversation.id)
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
        .options(lazyload(ConversationStanding.conversation))
    ).first()
    if row is None:
        return None
    judgement, correction_id, standing, chosen, mute, tags = row
    counts = {name: (chosen or {}).get(name, default) for name, default in priority.DEFAULTS.items()}
    return Shown(
        judgement,
        correction_id is not None,
        None if standing is None else priority.where(standing, conversation, counts),
        mute,
        sorted(tags.split("\n")) if tags else [],
        [Reason(*one).words for one in judgement.reasons if one[0] in NAMES],
        private_kinds(judgement.private),
    )


def private_kinds(spans: Sequence[Any]) -> list[str]:
    """Return what the kinds of some personal data are called, each once."""
    kinds = dict.fromkeys(one[0] for one in spans if len(one) == _SPAN_PARTS)
    return [str(PRIVATE_NAMES.get(kind) or private_name(kind)) for kind in kinds]
