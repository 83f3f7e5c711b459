"""New conversations find somebody by themselves: of those who are here and can do it, the one whose turn it is.

It is done in the worker. A team is held while somebody of it is chosen, so ten conversations that come at once go to
ten people. Whoever had many heated conversations today gets the next one only when everybody had.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from accounts.models import User
from core.clock import now
from core.db import db
from core.settings import current_settings
from desk import absences, clocks, conversations, policy, teams
from desk.filters import IS_OPEN
from desk.models import Conversation
from desk.team_models import AgentSkills, Giving, Team

HEATED: Final = 2
"""From this heat on a conversation is a burden, of 0 to 3 as triage measures it."""
A_DAY: Final = timedelta(hours=24)
LONG_AGO: Final = -1.0

Heat = Callable[[Conversation], int]
_heats: list[Heat] = []


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could get the conversation, and what speaks for them."""

    user: User
    profile: AgentSkills
    open: int
    heated: int


def tell_heat(heat: Heat) -> Heat:
    """Have the heat of a conversation (0 to 3) told by whoever measures it."""
    if heat not in _heats:
        _heats.append(heat)
    return heat


def find_somebody(conversation_id: int) -> User | None:
    """Give a new conversation to its team and to somebody of it; None when nobody is there who could."""
    conversation = conversations.locked(conversation_id)
    if conversation.state != "new" or conversation.assignee_id is not None:
        return None
    team = conversation.team or _team_for(conversation)
    if team is None:
        return None
    teams.give(conversation, team, by=None)
    if team.way == "nobody":
        return None
    # A lock beside that of foreign keys: others give conversations to the team at the same moment.
    team = db.session.scalars(
        select(Team)
        .where(Team.id == team.id)
        .with_for_update(of=Team, key_share=True)
        .options(selectinload(Team.members))
    ).one()
    heat = max((one(conversation) for one in _heats), default=0)
    chosen = choose(team, conversation, heat=heat)
    if chosen is None:
        return None
    _give(conversation, team, chosen, heat)
    return chosen.user


def choose(team: Team, conversation: Conversation, *, heat: int = 0) -> Candidate | None:
    """Return whose conversation it is to be: of those who can, not too hot, by the team's way."""
    able = [one for one in candidates(team) if _can(one, team, conversation) and one.open < one.profile.capacity]
    limit = current_settings().heated_cases
    if heat >= HEATED and limit:
        able = [one for one in able if one.heated < limit] or [
            one for one in able if one.heated == min(other.heated for other in able)
        ]
    if not able:
        return None
    if team.way == "room":
        return min(able, key=lambda one: (one.open / one.profile.capacity, _turn(one), one.user.id))
    return min(able, key=lambda one: (_turn(one), one.user.id))


def candidates(team: Team) -> Sequence[Candidate]:
    """Return the team's members who are here now: active, seen a short while ago, and not away."""
    members = [member.user for member in team.members]
    ids = [user.id for user in members]
    at = now()
    since = at - timedelta(minutes=current_settings().present_minutes)
    away = absences.away(ids, at)
    known = teams.profiles(ids)
    # Of everybody: asked for by name, SQLite goes through all they ever had, and what is open is few.
    open_now = _counted(
        select(Conversation.assignee_id, func.count())
        .where(IS_OPEN, Conversation.assignee_id.is_not(None))
        .group_by(Conversation.assignee_id)
    )
    heated = _counted(
        select(Giving.user_id, func.count())
        .where(Giving.user_id.in_(ids), Giving.at > at - A_DAY, Giving.heat >= HEATED)
        .group_by(Giving.user_id)
    )
    return [
        Candidate(user, known.get(user.id) or teams.unsaid(user), open_now.get(user.id, 0), heated.get(user.id, 0))
        for user in members
        if user.is_active and policy.may_work(user) and user.id not in away and _is_here(user, since)
    ]


def reason(why: dict[str, Any] | None) -> str:
    """Say why a conversation went to somebody by itself; empty when a person gave it."""
    if not why:
        return ""
    parts = [gettext("in turn") if why.get("way") == "turn" else gettext("most room")]
    if why.get("language"):
        parts.append(gettext("speaks %(language)s", language=_language(why["language"])))
    if why.get("skills"):
        parts.append(gettext("knows %(skills)s", skills=", ".join(why["skills"])))
    parts.append(ngettext("%(num)s open", "%(num)s open", int(why.get("open", 0))))
    if why.get("heated") is not None:
        parts.append(ngettext("%(num)s heated today", "%(num)s heated today", int(why["heated"])))
    return ", ".join(map(str, parts))


def _team_for(conversation: Conversation) -> Team | None:
    """Return whose conversation it is: of the teams that fit the narrowest, the oldest of equals."""
    fitting = [
        team
        for team in teams.everyone()
        if (not team.channel_ids or conversation.channel_id in team.channel_ids)
        and (not team.languages or conversation.locale in team.languages)
    ]
    return max(fitting, key=lambda one: (bool(one.channel_ids), bool(one.languages), -one.id), default=None)


def _can(one: Candidate, team: Team, conversation: Conversation) -> bool:
    speaks = not one.profile.languages or conversation.locale in one.profile.languages
    return speaks and set(team.skills) <= set(one.profile.skills)


def _give(conversation: Conversation, team: Team, chosen: Candidate, heat: int) -> None:
    at = now()
    why: dict[str, Any] = {"way": team.way, "open": chosen.open}
    if chosen.profile.languages:
        why["language"] = conversation.locale
    if team.skills:
        why["skills"] = team.skills
    if heat >= HEATED:
        why["heated"] = chosen.heated
    conversation.assignee = chosen.user
    if conversation.clock is not None:
        conversation.clock.given_why = why
    clocks.moved(conversation, what="agent", before=None, after=chosen.user.id, by=None)
    chosen.profile.given_at = at
    db.session.add_all(
        [
            chosen.profile,
            Giving(conversation_id=conversation.id, user_id=chosen.user.id, team_id=team.id, at=at, heat=heat, why=why),
        ]
    )
    db.session.flush()


def _turn(one: Candidate) -> float:
    return LONG_AGO if one.profile.given_at is None else one.profile.given_at.timestamp()


def _is_here(user: User, since: datetime) -> bool:
    return user.seen_at is not None and user.seen_at > since


def _counted(statement: Any) -> dict[int, int]:
    return {row[0]: row[1] for row in db.session.execute(statement)}


def _language(code: str) -> str:
    return str({"de": gettext("German"), "en": gettext("English")}.get(code, code))
