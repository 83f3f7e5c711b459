"""Why an agent sees a conversation: how it came, where it stands, what counts in its order, and who had it before.

Other parts of the desk say more with `register`: rules that caught it, the parts of its priority.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext
from sqlalchemy import select

from accounts.models import AuditEntry, User
from accounts.people import Viewer
from core import i18n
from core.clock import now
from core.db import db
from desk.channels.base import adapter_of
from desk.models import Conversation
from desk.triage import shown
from desk.triage.tables import DeskRule, DeskRuleHit

MOST_DEEDS: Final = 30
_OF_CUSTOMER: Final = "desk.conversation.submit_counter"


@dataclass(frozen=True, slots=True)
class Reason:
    """One line: what it is about, and what is so; `weight` where it counts for the order."""

    label: str
    words: str
    weight: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done with it before: who, when, what."""

    at: datetime
    by: User | None
    words: str
    reason: str = ""
    is_of_customer: bool = False


Source = Callable[[Conversation, Viewer], Iterable[Reason]]
_sources: list[Source] = []


def register(source: Source) -> Source:
    """Have a source asked for every conversation from now on; once is enough."""
    if source not in _sources:
        _sources.append(source)
    return source


def why(conversation: Conversation, *, viewer: Viewer) -> list[Reason]:
    """Return every reason there is."""
    return [reason for source in _sources for reason in source(conversation, viewer)]


def deeds(conversation: Conversation) -> Sequence[Deed]:
    """Return who had it and what became of it, the latest first."""
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_kind == Conversation.__tablename__, AuditEntry.subject_id == conversation.id)
        .order_by(AuditEntry.id.desc())
        .limit(MOST_DEEDS)
    ).all()
    named = {
        value for entry in entries for part in (entry.before, entry.after) if (value := (part or {}).get("assignee"))
    }
    names: dict[int, str] = {}
    if named:
        names = {row[0]: row[1] for row in db.session.execute(select(User.id, User.name).where(User.id.in_(named)))}
    return [
        Deed(entry.at, entry.by, _words(entry, names), entry.reason, entry.deed == _OF_CUSTOMER) for entry in entries
    ]


@register
def how_it_came(conversation: Conversation, viewer: Viewer) -> Iterable[Reason]:  # noqa: ARG001 -- the signature of a source
    """Say over which channel it came, and in which way."""
    channel, first = conversation.channel, next(iter(conversation.messages), None)
    if adapter_of(channel).capabilities.has_webhook:
        yield Reason(gettext("Channel"), gettext("%(channel)s delivered it here.", channel=channel.name))
    else:
        yield Reason(gettext("Channel"), gettext("It came over %(channel)s.", channel=channel.name))
    if conversation.source_id is not None:
        yield Reason(gettext("History"), gettext("It was imported."))
    if first is not None:
        kind = gettext("It began in public.") if first.is_public else gettext("It began in private.")
        yield Reason(gettext("Beginning"), kind)
    if conversation.contact.reach is not None:
        yield Reason(gettext("Reach"), gettext("%(count)s followers", count=conversation.contact.reach))


@register
def where_it_stands(conversation: Conversation, viewer: Viewer) -> Iterable[Reason]:
    """Say in which views it is, and because of what."""
    if conversation.waiting_since is not None:
        seconds = max(0.0, (now() - conversation.waiting_since).total_seconds())
        yield Reason(
            gettext("Waiting"), gettext("The customer has waited for %(time)s.", time=i18n.minutes_in_words(seconds))
        )
        if conversation.due_at is not None:
            left = (conversation.due_at - now()).total_seconds()
            words = (
                gettext("An answer is due in %(time)s.", time=i18n.minutes_in_words(left))
                if left > 0
                else gettext("An answer was due %(time)s ago.", time=i18n.minutes_in_words(-left))
            )
            yield Reason(gettext("Due"), words)
    if conversation.assignee_id is None:
        yield Reason(gettext("Unassigned"), gettext("Nobody has taken it yet."))
    elif conversation.assignee_id == viewer.id:
        yield Reason(gettext("Mine"), gettext("It is yours."))


@register
def what_makes_its_place(conversation: Conversation, viewer: Viewer) -> Iterable[Reason]:  # noqa: ARG001 -- the signature of a source
    """Say what counts for its place in the queue, and how much, and which rules caught it."""
    told = shown.about(conversation)
    for part in told.place.parts if told is not None and told.place is not None else ():
        yield Reason(str(part.label), str(part.words), f"{part.percent} % × {part.weight}")
    hits = (
        select(DeskRule.name)
        .join(DeskRuleHit, DeskRuleHit.rule_id == DeskRule.id)
        .where(DeskRuleHit.conversation_id == conversation.id)
        .distinct()
        .order_by(DeskRule.name)
    )
    for name in db.session.scalars(hits):
        yield Reason(gettext("Rule"), name)


def _words(entry: AuditEntry, names: dict[int, str]) -> str:
    before, after = entry.before or {}, entry.after or {}
    if entry.deed == "desk.conversation.assign":
        to, had = after.get("assignee"), before.get("assignee")
        if to is None:
            return str(gettext("took it from %(name)s", name=names.get(had or 0, gettext("somebody"))))
        if to == entry.by_id:
            return str(gettext("took it"))
        return str(gettext("gave it to %(name)s", name=names.get(to, gettext("somebody"))))
    if entry.deed == "desk.conversation.change_state":
        return str(gettext("put it from “%(before)s” to “%(after)s”", before=_state(before), after=_state(after)))
    said = _SAID.get(entry.deed)
    return str(said()) if said else entry.deed.rsplit(".", 1)[-1].replace("_", " ")


_SAID: Final[dict[str, Callable[[], str]]] = {
    "desk.conversation.note_call": lambda: gettext("noted a call or a visit"),
    "desk.conversation.hand_over": lambda: gettext("moved it to private"),
    "desk.conversation.webmention": lambda: gettext("told the blog of our answer"),
    "desk.conversation.open_counter": lambda: gettext("opened the secure counter"),
    "desk.conversation.ask_for_code": lambda: gettext("let the secure counter ask for a code"),
    "desk.conversation.submit_counter": lambda: gettext("left something at the secure counter"),
    "desk.conversation.withdraw_counter": lambda: gettext("closed the secure counter"),
    "desk.draft.send": lambda: gettext("sent a reply that colleagues had drafted"),
    "desk.draft.hand": lambda: gettext("handed the draft on"),
    "desk.draft.drop": lambda: gettext("dropped the draft"),
    "desk.draft.restore": lambda: gettext("brought the draft back"),
    "desk.watch.begin": lambda: gettext("began to watch what its author writes in public"),
    "desk.watch.change": lambda: gettext("watches longer"),
    "desk.watch.end": lambda: gettext("watches no longer"),
    "desk.conversation.pass_over": lambda: gettext("passed it over"),
    "desk.conversation.hide_message": lambda: gettext("had a message hidden at the service"),
    "desk.conversation.show_message": lambda: gettext("had a message shown again at the service"),
    "desk.conversation.protect": lambda: gettext("protected personal data and answered"),
    "desk.conversation.reveal": lambda: gettext("looked at covered personal data"),
    "desk.conversation.correct": lambda: gettext("corrected a reply"),
    "desk.conversation.approve_correction": lambda: gettext("approved a correction"),
    "desk.conversation.give_correction_back": lambda: gettext("gave a correction back"),
    "desk.conversation.drop_correction": lambda: gettext("dropped a correction"),
    "desk.conversation.let_in": lambda: gettext("let in what was held for a look"),
    "desk.conversation.close_held": lambda: gettext("closed what was held for a look"),
    "desk.conversation.purge_counter": lambda: gettext("deleted what was left at the secure counter"),
}


def _state(part: dict[str, object]) -> str:
    names = {
        "new": gettext("New"),
        "open": gettext("Open"),
        "waiting_customer": gettext("Waiting for the customer"),
        "waiting_inside": gettext("Waiting for a colleague"),
        "solved": gettext("Solved"),
        "no_answer": gettext("No answer needed"),
    }
    state = str(part.get("state", ""))
    return str(names.get(state, state))
