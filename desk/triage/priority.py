"""The place of a conversation in the queue, and why: how bad it is, how long they wait, and what counts less than that.

Severity and waiting time alone choose the band; reach, visibility, the customer's value and repeated contact move a
conversation within its band only, so the loud do not crowd out the quiet.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update
from sqlalchemy.orm import lazyload

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.settings import current_settings
from core.unique import add_or_change
from core.worker import chore
from desk import policy, quiet
from desk.models import UNJUDGED, Contact, Conversation, Message
from desk.triage.tables import ConversationStanding, MessageJudgement, PriorityWeighing

BANDS: Final = 5
BAND: Final = 1000
LAST: Final = 0
"""The place of who is muted: offered behind everybody, and still in the queue."""
MOST_AT_ONCE: Final = 1000
"""So many waiting conversations get their place anew in one turn, those first that had it longest."""
MOST_PREVIEWED: Final = 10
LARGEST_WEIGHT: Final = 100
WIDEST_REACH: Final = 1_000_000
REPEATED_WITHIN: Final = timedelta(days=14)
MOST_REPEATS: Final = 4
"""From so many messages without an answer on, or earlier conversations, nobody repeats themselves more."""
PARTS: Final[Mapping[str, Any]] = {
    "severity": _l("How bad it is"),
    "waiting": _l("How long they wait"),
    "reach": _l("Reach"),
    "visibility": _l("Who can read it"),
    "value": _l("The customer"),
    "repeats": _l("Repeated contact"),
}
DEFAULTS: Final[Mapping[str, int]] = {
    "severity": 40, "waiting": 30, "reach": 10, "visibility": 5, "value": 5, "repeats": 10,
}  # fmt: skip
MOVES_BANDS: Final = ("severity", "waiting")
_INTENTS: Final[Mapping[str, float]] = {
    "implicit": 1.0, "complaint": 1.0, "question": 0.8, "abuse": 0.1, "praise": 0.0, "none": 0.0,
}  # fmt: skip
"""How much somebody who wants this needs us."""
_WAITED_IN_FULL: Final = 2.0
"""At so many times the promised time waiting counts in full."""
_PUBLIC, _PRIVATE = 1.0, 0.3
_ONLY: Final = 1

Values = Callable[[Sequence[int]], Mapping[int, float]]
_values: list[Values] = []


def values_customers(function: Values) -> Values:
    """Have a function asked what customers are worth to the house, 0..1, by their contact ids; the largest counts."""
    if function not in _values:
        _values.append(function)
    return function


@dataclass(frozen=True, slots=True)
class Part:
    """One reason for a place: how strong it is, 0..1, how much it counts, and what it goes by in words."""

    name: str
    strength: float
    weight: int
    words: str

    @property
    def label(self) -> str:
        return str(PARTS[self.name])

    @property
    def percent(self) -> int:
        return round(100 * self.strength)

    @property
    def chooses_band(self) -> bool:
        return self.name in MOVES_BANDS


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation stands in the queue, and the parts that put it there."""

    priority: int
    parts: Sequence[Part]
    lift: int

    @property
    def band(self) -> int:
        """From 1, which can wait, to 5."""
        return self.priority // BAND + 1


def weights() -> Mapping[str, int]:
    """Return how much each part counts here."""
    chosen = db.session.scalar(select(PriorityWeighing.weights).where(PriorityWeighing.id == _ONLY))
    return DEFAULTS if chosen is None else {name: int(chosen.get(name, DEFAULTS[name])) for name in PARTS}


def weigh(chosen: Mapping[str, int], *, by: User) -> None:
    """Set how much each part counts; the worker gives everybody who waits their new place."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    chosen = checked(chosen)
    before = dict(weights())
    if before == chosen:
        return
    changes = {"weights": chosen, "by_id": by.id, "at": now()}
    add_or_change(PriorityWeighing, by="id", changes=changes, id=_ONLY, **changes)
    row = db.session.get_one(PriorityWeighing, _ONLY)
    audit.record("desk.priority.weigh", row, by=by, before=before, after=chosen)
    # Places made by the old weights are the oldest now, so the next turns begin with them.
    db.session.execute(update(ConversationStanding).values(placed_at=datetime.fromtimestamp(0, now().tzinfo)))


def checked(chosen: Mapping[str, int]) -> dict[str, int]:
    """Return weights that may be used; raise `Invalid` with the field where they may not."""
    wrong = {
        name: gettext("A number from 0 to %(most)s.", most=LARGEST_WEIGHT)
        for name in PARTS
        if not 0 <= chosen.get(name, -1) <= LARGEST_WEIGHT
    }
    if not wrong and not any(chosen[name] for name in MOVES_BANDS):
        wrong = {"severity": gettext("How bad it is or how long they wait must count: they choose the band.")}
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)
    return {name: chosen[name] for name in PARTS}


def place(conversation: Conversation) -> None:
    """Give a conversation its place by what is known of it now."""
    standing = _standing(conversation)
    if standing is None:
        return
    standing.placed_at = now()
    is_quiet = quiet.is_quiet(conversation)
    conversation.priority = LAST if is_quiet else where(standing, conversation, weights()).priority
    db.session.flush()


def where(standing: ConversationStanding, conversation: Conversation, counts: Mapping[str, int]) -> Place:
    """Return the place by these weights, and what makes it."""
    strengths = {
        "severity": standing.severity,
        "waiting": _waited(conversation),
        "reach": standing.reach * _faded(standing.said_at),
        "visibility": standing.visibility,
        "value": standing.value,
        "repeats": standing.repeats,
    }
    told = _words(standing, conversation)
    parts = [Part(name, strengths[name], counts[name], told[name]) for name in PARTS]
    deciding = [part for part in parts if part.chooses_band]
    band = min(BANDS - 1, int(_mean(deciding) * BANDS))
    band = min(BANDS - 1, max(0, band + standing.lift))
    return Place(band * BAND + min(BAND - 1, round(_mean(parts) * (BAND - 1))), parts, standing.lift)


def why(conversation: Conversation) -> Place | None:
    """Return why a conversation stands where it stands; None where nobody judged it yet."""
    standing = db.session.get(
        ConversationStanding, conversation.id, options=[lazyload(ConversationStanding.conversation)]
    )
    return None if standing is None else where(standing, conversation, weights())


@chore("desk.priority", every=60)
def place_waiting() -> int:
    """Give who waits their place anew as time passes, some in each turn; return how many moved."""
    at = now()
    before = at - timedelta(minutes=current_settings().priority_minutes)
    rows = list(
        db.session.scalars(
            select(ConversationStanding)
            .join(ConversationStanding.conversation)
            .where(Conversation.waiting_since.is_not(None), ConversationStanding.placed_at < before)
            .order_by(ConversationStanding.placed_at, ConversationStanding.conversation_id)
            .limit(MOST_AT_ONCE)
        ).unique()
    )
    counts = weights()
    quiet_ones = quiet.quiet_among([standing.conversation.contact_id for standing in rows]) if rows else ()
    moved = []
    for standing in rows:
        is_quiet = standing.conversation.contact_id in quiet_ones
        new = LAST if is_quiet else where(standing, standing.conversation, counts).priority
        if new != standing.conversation.priority:
            moved.append({"id": standing.conversation_id, "priority": new})
    ids = [standing.conversation_id for standing in rows]
    db.session.expunge_all()  # what was read is only read: the two statements below write
    if moved:
        db.session.execute(update(Conversation), moved)
    if ids:
        db.session.execute(
            update(ConversationStanding).where(ConversationStanding.conversation_id.in_(ids)).values(placed_at=at)
        )
    db.session.commit()
    return len(moved)


def preview(chosen: Mapping[str, int]) -> list[tuple[Conversation, Place, Place, int]]:
    """Return the first in the queue by these weights: each with its place now and then, and where it stood before."""
    rows = list(
        db.session.scalars(
            select(ConversationStanding)
            .join(ConversationStanding.conversation)
            .where(Conversation.waiting_since.is_not(None))
            .order_by(Conversation.priority.desc(), Conversation.id)
            .limit(MOST_AT_ONCE)
        ).unique()
    )
    present, counts = weights(), checked(chosen)
    found = [
        (one.conversation, where(one, one.conversation, present), where(one, one.conversation, counts)) for one in rows
    ]
    now_first = sorted(found, key=lambda one: (-one[1].priority, one[0].id))
    rank = {one[0].id: number for number, one in enumerate(now_first, 1)}
    then_first = sorted(found, key=lambda one: (-one[2].priority, one[0].id))
    return [(case, old, new, rank[case.id]) for case, old, new in then_first[:MOST_PREVIEWED]]


def lift(conversation: Conversation, bands: int) -> None:
    """Move a conversation so many bands up or down."""
    standing = db.session.get(ConversationStanding, conversation.id)
    if standing is not None:
        standing.lift = max(1 - BANDS, min(BANDS - 1, bands))
        place(conversation)


def _standing(conversation: Conversation) -> ConversationStanding | None:
    """Return what is known of a conversation, brought up to what was said last."""
    told = db.session.scalars(
        select(MessageJudgement)
        .join(MessageJudgement.message)
        .where(MessageJudgement.conversation_id == conversation.id)
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    ).first()
    if told is None:
        return None
    contact = conversation.contact
    open_since = conversation.waiting_since or conversation.last_message_at
    unanswered, joined, earlier = db.session.execute(
        select(
            select(func.count(Message.id))
            .where(
                Message.conversation_id == conversation.id,
                Message.direction == "in",
                Message.contact_id == contact.id,
                Message.created_at >= open_since,
            )
            .scalar_subquery(),
            select(func.count(Message.contact_id.distinct()))
            .where(Message.conversation_id == conversation.id, Message.contact_id != contact.id)
            .scalar_subquery(),
            select(func.count(Conversation.id))
            .where(
                Conversation.contact_id == contact.id,
                Conversation.id != conversation.id,
                Conversation.last_message_at > now() - REPEATED_WITHIN,
            )
            .scalar_subquery(),
        )
    ).one()
    message = told.message
    known = db.session.get(ConversationStanding, conversation.id)
    standing = known or ConversationStanding(conversation_id=conversation.id, lift=0)
    standing.intent, standing.sentiment = told.intent, told.sentiment
    standing.heat, standing.urgency = told.heat, told.urgency
    standing.severity = severity(told)
    standing.reach = _reach(contact, joined)
    standing.followers, standing.joined = contact.reach, joined
    standing.visibility = _PUBLIC if message.is_public else _PRIVATE
    standing.value = max((found.get(contact.id, 0.0) for found in (ask([contact.id]) for ask in _values)), default=0.0)
    standing.repeats = min(1.0, (max(0, unanswered - 1) + earlier) / MOST_REPEATS)
    standing.said_at = message.created_at
    if known is None:
        db.session.add(standing)
    return standing


def severity(told: MessageJudgement) -> float:
    """Return how bad a message is, 0..1: what it wants, how soon, how angry."""
    wanted = _INTENTS[told.intent]
    if not wanted:
        return 0.1 * told.urgency / 3
    hurry = math.pow(told.urgency / 3, 1.5)
    return min(1.0, 0.2 * wanted + 0.55 * hurry + 0.15 * told.heat / 3 + 0.1 * (told.sentiment < -1))


def _reach(contact: Contact, joined: int) -> float:
    """Return how far it is heard, 0..1, by powers of ten; others who join in make it louder."""
    followers = max(0, contact.reach or 0)
    heard = math.log10(1 + followers) / math.log10(1 + WIDEST_REACH) + 0.05 * joined
    return min(1.0, heard)


def _faded(since: datetime) -> float:
    hours = max(0.0, (now() - since).total_seconds() / 3600)
    return float(0.5 ** (hours / current_settings().reach_half_life_hours))


def _waited(conversation: Conversation) -> float:
    if conversation.waiting_since is None or conversation.due_at is None:
        return 0.0
    promised = max(60.0, (conversation.due_at - conversation.waiting_since).total_seconds())
    waited = (now() - conversation.waiting_since).total_seconds()
    return min(1.0, max(0.0, waited / promised / _WAITED_IN_FULL))


def _mean(parts: Sequence[Part]) -> float:
    whole = sum(part.weight for part in parts)
    return sum(part.weight * part.strength for part in parts) / whole if whole else 0.0


def _words(standing: ConversationStanding, conversation: Conversation) -> dict[str, str]:
    hours = round((now() - standing.said_at).total_seconds() / 3600)
    reach = (
        gettext("unknown")
        if standing.followers is None
        else gettext("%(many)s followers, fading for %(hours)s h", many=format_decimal(standing.followers), hours=hours)
    )
    if standing.joined:
        reach = f"{reach}, {gettext('%(many)s others joined in', many=standing.joined)}"
    return {
        "severity": gettext(
            "urgency %(urgency)s of 3, heat %(heat)s of 3", urgency=standing.urgency, heat=standing.heat
        ),
        "waiting": gettext("nobody waits") if conversation.waiting_since is None else gettext("by the time promised"),
        "reach": reach,
        "visibility": gettext("everyone") if standing.visibility == _PUBLIC else gettext("only we"),
        "value": gettext("marked by the house") if standing.value else gettext("as everybody"),
        "repeats": gettext("wrote again, or lately") if standing.repeats else gettext("the first time"),
    }


assert UNJUDGED == BANDS // 2 * BAND  # noqa: S101 -- the table's default is the middle band
