"""One deed for many conversations: seen before it is done, each once, each with its line in the log, and a way back."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select, update
from sqlalchemy.orm import lazyload

from accounts import audit
from accounts.models import User
from core import choosing
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed
from core.transfer import iso
from desk import clocks, conversations, policy, queries, snoozing, teams
from desk.inbox_models import DeskBulkDeed
from desk.models import Conversation
from desk.team_models import Team

MOST: Final = 100
LONGEST_SEAL: Final = 16
DEEDS: Final = {
    "assign": lazy_gettext("Give to somebody"),
    "team": lazy_gettext("Give to a team"),
    "solved": lazy_gettext("Mark as solved"),
    "no_answer": lazy_gettext("No answer needed"),
    "open": lazy_gettext("Open again"),
    "waiting_inside": lazy_gettext("Wait for a colleague"),
    "waiting_customer": lazy_gettext("Wait for the customer"),
    "snooze": lazy_gettext("Snooze"),
    "wake": lazy_gettext("Bring back now"),
}
STATES: Final = frozenset({"solved", "no_answer", "open", "waiting_inside", "waiting_customer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be done; each deed takes what it needs. `assignee` None is nobody, `team` None is no team."""

    assignee: User | None = None
    team: Team | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Outcome:
    """What became of it: how many conversations changed, and why others did not."""

    deed: DeskBulkDeed | None = None
    changed: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    """A sentence by the id of the conversation."""


def chosen(ids: Sequence[int], *, by: User) -> list[Conversation]:
    """Return the conversations of these ids that there are, each once; raise `Invalid` where they are too many."""
    wanted = sorted(set(ids))
    choosing.require_some(
        wanted,
        most=MOST,
        field="conversations",
        none=gettext("Please choose a conversation."),
        too_many=gettext("%(most)s conversations at once, please.", most=MOST),
    )
    return list(
        db.session.scalars(
            select(Conversation)
            .where(Conversation.id.in_(wanted), queries.conversations_visible_to(by))
            .options(lazyload(Conversation.messages), queries.lean_assignee())
            .order_by(Conversation.id)
        )
    )


def seal(conversation: Conversation) -> str:
    """Return what stands for all that these deeds look at: another one, once somebody changed the conversation."""
    known = [state(conversation), iso(conversation.last_message_at)]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:LONGEST_SEAL]


def check(deed: str, conversation: Conversation) -> str:
    """Say why the deed would not change this conversation; empty when it would."""
    if deed in STATES and conversation.state == deed:
        return str(gettext("It is in this state already."))
    if deed == "snooze" and conversation.state in conversations.DONE:
        return str(gettext("It is done already."))
    if deed == "wake" and conversation.snoozed_until is None:
        return str(gettext("It is not snoozed."))
    return ""


def do(
    deed: str, found: Sequence[Conversation], *, wanted: Wanted, by: User, seals: Mapping[int, str] | None = None
) -> Outcome:
    """Do one deed to many conversations; what cannot be done to one does not keep it from the others.

    `seals` are what the preview showed: whoever changed since stays as they are, and are named.
    Raises `Invalid` when the deed itself cannot be done to any conversation.
    """
    if not policy.may_work(by):
        raise NotAllowed
    act = _act_of(deed, wanted, by)
    outcome = Outcome()
    changes = []
    for one in sorted(found, key=lambda it: it.id):
        try:
            with db.session.begin_nested():
                conversation = conversations.locked(one.id)
                if seals is not None and seals.get(one.id) != seal(conversation):
                    raise Conflict(gettext("Somebody changed this conversation meanwhile; it stays as it is."))
                before = state(conversation)
                act(conversation)
        except KlinkeError as error:
            db.session.expire(one)
            outcome.refused[one.id] = error.sentence or str(error.title)
            continue
        after = state(conversation)
        if after != before:
            changes.append({"conversation_id": one.id, "before": before, "after": after})
    outcome.changed = len(changes)
    if changes:
        outcome.deed = DeskBulkDeed(deed=deed, changes=changes, by_id=by.id, at=now())
        db.session.add(outcome.deed)
        db.session.flush()
        audit.record("desk.bulk.do", outcome.deed, by=by, after=_summary(outcome.deed))
    return outcome


def undo(done: DeskBulkDeed, *, by: User) -> Outcome:
    """Bring the conversations back to what they were; those that changed since stay as they are now."""
    if not policy.may_work(by):
        raise NotAllowed
    first = db.session.scalar(
        update(DeskBulkDeed)
        .where(DeskBulkDeed.id == done.id, DeskBulkDeed.undone_at.is_(None))
        .values(undone_at=now())
        .returning(DeskBulkDeed.id)
    )
    if first is None:
        raise Conflict(gettext("This has been undone already."))
    db.session.refresh(done)
    outcome = Outcome(deed=done)
    for change in done.changes:
        conversation = conversations.locked(change["conversation_id"])
        # What was not kept yet when it was done is not looked at.
        if {name: value for name, value in state(conversation).items() if name in change["after"]} != change["after"]:
            outcome.refused[conversation.id] = gettext("Somebody changed this conversation since; it stays as it is.")
            continue
        _put_back(conversation, change["before"], by=by)
        outcome.changed += 1
    audit.record("desk.bulk.undo", done, by=by, before=_summary(done))
    return outcome


def latest(limit: int) -> list[DeskBulkDeed]:
    """Return what was done last, the newest first."""
    return list(db.session.scalars(select(DeskBulkDeed).order_by(DeskBulkDeed.id.desc()).limit(limit)))


def state(conversation: Conversation) -> dict[str, Any]:
    """Return everything of a conversation that these deeds change."""
    return {
        "state": conversation.state,
        "assignee_id": conversation.assignee_id,
        "team_id": conversation.team_id,
        "waiting_since": _said(conversation.waiting_since),
        "due_at": _said(conversation.due_at),
        "snoozed_until": _said(conversation.snoozed_until),
    }


def _act_of(deed: str, wanted: Wanted, by: User) -> Callable[[Conversation], object]:
    if deed not in DEEDS:
        raise _refused("deed", gettext("Please choose one of the list."))
    if deed == "assign":
        return lambda conversation: conversations.assign(conversation, wanted.assignee, by=by)
    if deed == "team":
        return lambda conversation: teams.give(conversation, wanted.team, by=by)
    if deed == "wake":
        return lambda conversation: snoozing.wake(conversation, by=by)
    if deed == "snooze":
        until = wanted.until
        if until is None:
            raise _refused("until", gettext("Please say until when."))
        return lambda conversation: snoozing.snooze(conversation, until, by=by)
    return lambda conversation: conversations.change_state(conversation, deed, by=by)  # type: ignore[arg-type]  # one of STATES


def _put_back(conversation: Conversation, was: Mapping[str, Any], *, by: User) -> None:
    assignee = None if was["assignee_id"] is None else db.session.get(User, was["assignee_id"])
    if conversation.assignee_id != was["assignee_id"] and (assignee is None or policy.may_work(assignee)):
        conversations.assign(conversation, assignee, by=by)
    team = None if was.get("team_id") is None else db.session.get(Team, was["team_id"])
    if "team_id" in was and conversation.team_id != was["team_id"] and (team is None) == (was["team_id"] is None):
        teams.give(conversation, team, by=by)
    conversations.turn(conversation, was["state"], by=by, reason="undone")
    since, due = _moment(was["waiting_since"]), _moment(was["due_at"])
    if since is None:
        clocks.stop(conversation)
    else:
        clocks.run_again(conversation, since, due)
    snoozing.set_until(conversation, _moment(was["snoozed_until"]), by=by, reason="undone")
    db.session.flush()


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)


def _summary(done: DeskBulkDeed) -> dict[str, Any]:
    return {"deed": done.deed, "conversations": [change["conversation_id"] for change in done.changes]}


def _refused(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, fields={name: sentence})
