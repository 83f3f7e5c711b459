"""Whether the loud crowd out the quiet: who was overtaken, and first-answer times by reach and channel.

Muted conversations count nowhere, and neither does what needs no answer.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from accounts.people import Viewer
from core.clock import now
from core.db import db
from desk.models import Channel, Contact, Conversation, Message
from desk.queries import conversations_visible_to
from desk.triage.tables import ConversationMute, ConversationStanding

LOOKED_BACK: Final = timedelta(days=30)
MOST_LOOKED_AT: Final = 2000
MOST_SHOWN: Final = 200
LOUDER: Final = 10
"""So many times the reach of the one who waits makes somebody louder."""
REACHES: Final[Mapping[str, tuple[int | None, Any]]] = {
    "unknown": (None, _l("unknown")),
    "few": (100, _l("below 100")),
    "some": (1_000, _l("100 to 999")),
    "many": (10_000, _l("1,000 to 9,999")),
    "loud": (10**12, _l("10,000 and more")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A conversation: when it began, and when it was first answered."""

    id: int
    name: str
    channel: str
    channel_name: str
    reach: int | None
    began: datetime
    answered: datetime | None
    severity: float

    @property
    def group(self) -> str:
        if self.reach is None:
            return "unknown"
        return next(name for name, (below, _label) in REACHES.items() if below is not None and self.reach < below)

    @property
    def minutes(self) -> float | None:
        """How long the first answer took; None while there is none."""
        return None if self.answered is None else (self.answered - self.began).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class Group:
    """First-answer times of some cases."""

    key: str
    label: str
    answered: int
    unanswered: int
    overtaken: int
    median: float | None
    """Minutes."""
    slowest: float | None
    """Minutes that nine of ten had their answer in."""


@dataclass(frozen=True, slots=True)
class Fairness:
    cases: Sequence[Case]
    by_reach: Sequence[Group]
    by_channel: Sequence[Group]
    overtaken: Mapping[int, int]
    """By conversation, how many louder ones came later, were no worse, and had their answer sooner."""


def fairness(viewer: Viewer) -> Fairness:
    """Return how the last weeks went."""
    cases = _cases(viewer)
    passed = overtaken(cases)
    reaches = {name: str(label) for name, (_below, label) in REACHES.items()}
    channels = {case.channel: case.channel_name for case in cases}
    return Fairness(
        cases,
        _groups(cases, reaches, passed, lambda case: case.group),
        _groups(cases, channels, passed, lambda case: case.channel),
        passed,
    )


def listed(found: Fairness, *, by: str, key: str, what: str) -> list[Case]:
    """Return the cases behind one number of the page, who waited longest first."""
    at = now()
    return sorted(
        (
            case
            for case in found.cases
            if (not key or key == (case.group if by == "reach" else case.channel)) and _is(case, what, found)
        ),
        key=lambda case: case.began - (case.answered or at),
    )


def overtaken(cases: Sequence[Case]) -> dict[int, int]:
    """Return by conversation how many louder ones overtook it."""
    if not cases:
        return {}
    at = now()
    began = np.array([case.began.timestamp() for case in cases])
    answered = np.array([(case.answered or at).timestamp() for case in cases])
    is_answered = np.array([case.answered is not None for case in cases])
    reach = np.array([max(1, case.reach or 0) for case in cases])
    severity = np.array([case.severity for case in cases])
    found = {}
    for place, case in enumerate(cases):
        passed = (
            is_answered
            & (began > began[place])
            & (answered < answered[place])
            & (reach >= LOUDER * reach[place])
            & (severity <= severity[place])
        )
        if many := int(passed.sum()):
            found[case.id] = many
    return found


def _is(case: Case, what: str, found: Fairness) -> bool:
    if what == "overtaken":
        return case.id in found.overtaken
    return (case.answered is None) == (what == "unanswered")


def _groups(
    cases: Sequence[Case], labels: Mapping[str, str], passed: Mapping[int, int], of: Callable[[Case], str]
) -> list[Group]:
    groups = []
    for key, label in labels.items():
        mine = [case for case in cases if of(case) == key]
        took = sorted(case.minutes for case in mine if case.minutes is not None)
        if mine:
            groups.append(
                Group(
                    key,
                    label,
                    len(took),
                    len(mine) - len(took),
                    sum(case.id in passed for case in mine),
                    statistics.median(took) if took else None,
                    took[min(len(took) - 1, int(len(took) * 0.9))] if took else None,
                )
            )
    return groups


def _cases(viewer: Viewer) -> list[Case]:
    """Return the newest conversations of the last weeks, in one statement."""
    newest = (
        select(Conversation.id)
        .where(
            conversations_visible_to(viewer),
            Conversation.created_at > now() - LOOKED_BACK,
            Conversation.state != "no_answer",
            ~select(ConversationMute.id).where(ConversationMute.conversation_id == Conversation.id).exists(),
        )
        .order_by(Conversation.created_at.desc(), Conversation.id.desc())
        .limit(MOST_LOOKED_AT)
        .subquery()
    )
    rows = db.session.execute(
        select(
            Conversation.id,
            Contact.name,
            Contact.handle,
            Contact.reach,
            Channel.slug,
            Channel.name,
            ConversationStanding.severity,
            func.min(Message.created_at).filter(Message.direction == "in"),
            func.min(Message.created_at).filter(Message.direction == "out"),
        )
        .join(newest, newest.c.id == Conversation.id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .join(Channel, Channel.id == Conversation.channel_id)
        .join(Message, Message.conversation_id == Conversation.id)
        .outerjoin(ConversationStanding, ConversationStanding.conversation_id == Conversation.id)
        .group_by(
            Conversation.id,
            Contact.name,
            Contact.handle,
            Contact.reach,
            Channel.slug,
            Channel.name,
            ConversationStanding.severity,
        )
        .order_by(Conversation.id)
    )
    return [
        Case(
            id=row[0],
            name=row[1] or row[2],
            reach=row[3],
            channel=row[4],
            channel_name=row[5],
            severity=row[6] or 0.0,
            began=row[7],
            answered=row[8],
        )
        for row in rows
        if row[7] is not None
    ]
