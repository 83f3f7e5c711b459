"""Incidents: many customers write about one cause, and hear one answer now and one more when it is over.

Each is told once: what a case was told is written in the transaction that queues the message, so a worker that dies
in between tells it again from the beginning, or not at all.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

from flask_babel import gettext
from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import contains_eager, lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db, reading
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed, NotFound
from core.outbox import listens_to, publish
from core.turns import take_turn
from core.unique import add_once
from core.worker import chore
from desk import policy, replies
from desk.channels.base import LONGEST_TEXT
from desk.events import IncidentNewsQueued
from desk.models import Conversation, Message
from desk.queries import conversations_visible_to
from desk.triage.tables import AlikeMessage, Incident, IncidentCase, MessageJudgement
from search import gathering

LONGEST_TITLE: Final = 120
MOST_CASES: Final = 2000
MOST_GATHERED: Final = 300
"""So many messages of each language are compared, each with each."""
FEWEST_ALIKE: Final = 3
LOOKED_BACK: Final = timedelta(hours=48)
LONGEST_COMPARED: Final = 500
MOST_TELLING: Final = 50
"""Of so many messages of a cluster the words are told that most of them have."""
_WANT_SOMETHING: Final = ("question", "implicit", "complaint")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Conversations that may have one cause."""

    locale: str
    words: Sequence[str]
    messages: Sequence[Message]

    @property
    def conversation_ids(self) -> list[int]:
        return list(dict.fromkeys(message.conversation_id for message in self.messages))


@dataclass(frozen=True, slots=True)
class Counts:
    cases: int
    told: int
    solved: int
    troubled: int
    waiting: int
    """Asked to be told, and not told yet."""


def incidents(viewer: Viewer) -> list[Incident]:
    """Return the incidents, those that last first."""
    if not policy.may_work(viewer):
        return []
    return list(db.session.scalars(select(Incident).order_by(Incident.state, Incident.id.desc()).limit(100)))


def visible_incident(incident_id: int, *, viewer: Viewer) -> Incident:
    found = None
    if policy.may_work(viewer) and 0 < incident_id <= LARGEST_ID:
        found = db.session.get(Incident, incident_id)
    if found is None:
        raise NotFound(gettext("There is no such incident."))
    return found


def cases(incident: Incident) -> list[IncidentCase]:
    return list(
        db.session.scalars(
            select(IncidentCase).where(IncidentCase.incident_id == incident.id).order_by(IncidentCase.id)
        ).unique()
    )


def counts(incident: Incident) -> Counts:
    is_asked = IncidentCase.asked_at.is_not(None)
    row = db.session.execute(
        select(
            func.count(IncidentCase.id),
            func.count(IncidentCase.told_at),
            func.count(IncidentCase.solved_at),
            func.count(IncidentCase.trouble),
            func.count(IncidentCase.id).filter(
                is_asked, IncidentCase.told_at.is_(None), IncidentCase.trouble.is_(None)
            ),
        ).where(IncidentCase.incident_id == incident.id)
    ).one()
    return Counts(*row)


def clusters(viewer: Viewer) -> list[Cluster]:
    """Return what several customers who wait write about and no incident has yet, the largest first."""
    return waiting_clusters() if policy.may_work(viewer) else []


def waiting_clusters() -> list[Cluster]:
    """Return the clusters as the worker last gathered them, of those who wait still, whoever may read them."""
    rows = db.session.execute(
        select(AlikeMessage.cluster, MessageJudgement.locale, Message)
        .join(AlikeMessage.message)
        .join(MessageJudgement, MessageJudgement.message_id == Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(*_may_have_one_cause())
        .order_by(AlikeMessage.cluster, AlikeMessage.place)
        .options(contains_eager(Message.conversation), lazyload(Message.by), lazyload(Message.contact))
    )
    found = []
    for _cluster, some in groupby(rows, key=lambda row: row[0]):
        members = list(some)
        messages, locale = [row[2] for row in members], members[0][1]
        if _are_many(messages):
            said = [message.text[:LONGEST_COMPARED] for message in messages[:MOST_TELLING]]
            found.append(Cluster(locale, gathering.telling(said, locale, most=4), messages))
    return sorted(found, key=lambda cluster: -len(cluster.messages))


@chore("desk.gather_alike", every=60)
def gather() -> int:
    """Put together who writes about the same, for the page and the alarms; return how many clusters there are.

    It compares outside of any transaction, and writes only where something is another now.
    """
    with reading():
        groups = _gathered()
        before = db.session.execute(select(AlikeMessage.message_id, AlikeMessage.cluster, AlikeMessage.place)).all()
        db.session.rollback()
    rows = [
        (message_id, cluster, place)
        for cluster, message_ids in enumerate(groups)
        for place, message_id in enumerate(message_ids)
    ]
    if set(rows) != {tuple(row) for row in before}:
        take_turn("desk.gather_alike")
        db.session.execute(delete(AlikeMessage))
        there = set(db.session.scalars(select(Message.id).where(Message.id.in_([row[0] for row in rows]))))
        kept = [row for row in rows if row[0] in there]  # one may have been erased meanwhile
        if kept:
            names = ("message_id", "cluster", "place")
            db.session.execute(insert(AlikeMessage), [dict(zip(names, row, strict=True)) for row in kept])
        db.session.commit()
    return len(groups)


def _gathered() -> list[list[int]]:
    """Return the ids of the messages that say the same, by cluster."""
    found = []
    for locale in ("de", "en"):
        rows = db.session.execute(
            select(Message.id, func.substr(Message.text, 1, LONGEST_COMPARED).label("said"), Conversation.contact_id)
            .join(MessageJudgement, MessageJudgement.message_id == Message.id)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(
                MessageJudgement.at > now() - LOOKED_BACK,
                MessageJudgement.locale == locale,
                *_may_have_one_cause(),
            )
            .order_by(MessageJudgement.at.desc(), MessageJudgement.id.desc())
            .limit(MOST_GATHERED)
        ).all()
        found += [
            [rows[place].id for place in group]
            for group in gathering.gathered([row.said for row in rows], locale)
            if len({rows[place].contact_id for place in group}) >= FEWEST_ALIKE
        ]
    return found


def _may_have_one_cause() -> tuple[ColumnElement[bool], ...]:
    """Return the clauses for what may belong to an incident: somebody waits for something, and none has it yet."""
    taken = (
        select(IncidentCase.id)
        .join(Incident, Incident.id == IncidentCase.incident_id)
        .where(IncidentCase.conversation_id == Conversation.id, Incident.state == "open")
    )
    return (
        MessageJudgement.intent.in_(_WANT_SOMETHING),
        Conversation.waiting_since.is_not(None),
        ~taken.exists(),
    )


def _are_many(messages: Sequence[Message]) -> bool:
    return len({message.conversation.contact_id for message in messages}) >= FEWEST_ALIKE


def open_incident(title: str, conversation_ids: Collection[int], *, locale: str, by: User) -> Incident:
    """Begin an incident with the conversations that are about it."""
    if not policy.may_work(by):
        raise NotAllowed
    with problems.at("title"):
        title = texts.line(title, longest=LONGEST_TITLE)
    incident = Incident(title=title, locale=locale if locale in {"de", "en"} else "de", by_id=by.id)
    db.session.add(incident)
    db.session.flush()
    audit.record("desk.incident.open", incident, by=by, after={"title": title})
    add(incident, conversation_ids, by=by)
    return incident


def add(incident: Incident, conversation_ids: Collection[int], *, by: User) -> int:
    """Put conversations into an incident that lasts; return how many are new in it."""
    if not policy.may_work(by):
        raise NotAllowed
    _require_open(incident)
    ids = [one for one in dict.fromkeys(conversation_ids) if 0 < one <= LARGEST_ID][:MOST_CASES]
    known = set(
        db.session.scalars(select(Conversation.id).where(Conversation.id.in_(ids), conversations_visible_to(by)))
    )
    new = [one for one in ids if one in known and add_once(IncidentCase, incident_id=incident.id, conversation_id=one)]
    if new:
        audit.record("desk.incident.add", incident, by=by, after={"conversations": new})
    return len(new)


def leave(case: IncidentCase, *, by: User) -> None:
    """Take a conversation out of an incident: it was about something else."""
    if not policy.may_work(by):
        raise NotAllowed
    incident = _locked(case.incident_id)
    audit.record("desk.incident.leave", incident, by=by, before={"conversation": case.conversation_id})
    db.session.delete(case)
    db.session.flush()


def answer(incident: Incident, text: str, *, by: User) -> int:
    """Tell everybody in it who was not told yet; return how many that are. The worker does it, one by one."""
    if not policy.may_work(by):
        raise NotAllowed
    incident = _locked(incident.id)
    _require_open(incident)
    incident.answer = _text(text)
    return _tell(incident, [case for case in cases(incident) if case.told_at is None], by=by, deed="answer")


def solve(incident: Incident, text: str, *, by: User) -> int:
    """Say that it is over, to everybody who was told to wait; return how many that are."""
    if not policy.may_work(by):
        raise NotAllowed
    incident = _locked(incident.id)
    _require_open(incident)
    incident.solution = _text(text)
    incident.state, incident.solved_at = "solved", now()
    waiting = [case for case in cases(incident) if case.told_at is not None and case.solved_at is None]
    return _tell(incident, waiting, by=by, deed="solve")


def _tell(incident: Incident, whom: Sequence[IncidentCase], *, by: User, deed: str) -> int:
    db.session.flush()
    audit.record(f"desk.incident.{deed}", incident, by=by, after={"cases": len(whom)})
    at = now()
    for case in whom:
        case.asked_at, case.trouble = at, None
        publish(IncidentNewsQueued(case.id, "solution" if deed == "solve" else "answer", by.id))
    db.session.flush()
    return len(whom)


@listens_to(IncidentNewsQueued)
def tell_case(event: IncidentNewsQueued) -> None:
    """Queue the message for one case, unless it was told already; in one transaction with the note that it was."""
    case = (
        db.session.scalars(
            select(IncidentCase)
            .where(IncidentCase.id == event.case_id)
            .with_for_update(of=IncidentCase)
            .execution_options(populate_existing=True)
        )
        .unique()
        .one_or_none()
    )
    if case is None or _is_told(case, event.what):
        return
    incident = db.session.get_one(Incident, case.incident_id)
    by = db.session.get(User, event.by_id)
    text = incident.solution if event.what == "solution" else incident.answer
    if by is None:
        case.trouble = gettext("Whoever wrote this is not here any more.")
        return
    try:
        message = replies.reply(case.conversation, text=text, by=by, confirmed=None)
    except KlinkeError as error:
        case.trouble = error.sentence or str(error)
        return
    if event.what == "solution":
        case.solved_id, case.solved_at = message.id, now()
        case.conversation.state = "solved"
    else:
        case.told_id, case.told_at = message.id, now()
        case.conversation.state = "waiting_inside"  # they were told to wait; the incident remembers them
    case.trouble = None
    db.session.flush()


def _is_told(case: IncidentCase, what: str) -> bool:
    return (case.solved_at if what == "solution" else case.told_at) is not None


def _locked(incident_id: int) -> Incident:
    return db.session.scalars(
        select(Incident)
        .where(Incident.id == incident_id)
        .with_for_update(of=Incident)
        .execution_options(populate_existing=True)
    ).one()


def _require_open(incident: Incident) -> None:
    if incident.state != "open":
        raise Conflict(gettext("This incident is over already."))


def _text(text: str) -> str:
    with problems.at("text"):
        text = texts.block(text, longest=LONGEST_TEXT, shortest=1)
    if not text.strip():
        sentence = gettext("Write what everybody is to be told.")
        raise Invalid(sentence, fields={"text": sentence})
    return text
