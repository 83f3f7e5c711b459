"""Teams: who works together, on what, and what each of them can do."""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import delete, select
from sqlalchemy.orm import selectinload

from accounts import audit
from accounts.models import User
from core import problems, texts
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.problems import Problems
from desk import clocks, conversations, policy, queries
from desk.models import Channel, Conversation
from desk.team_models import WAYS, AgentSkills, Team, TeamMember

LONGEST_NAME: Final = 80
MOST_WORDS: Final = 20
LONGEST_WORD: Final = 40
MOST_CAPACITY: Final = 1000
_LANGUAGE: Final = re.compile(r"[a-z]{2}")


def everyone() -> Sequence[Team]:
    """Return all teams."""
    return db.session.scalars(select(Team).order_by(Team.name, Team.id)).all()


def with_members() -> Sequence[Team]:
    """Return all teams with their people."""
    return (
        db.session.scalars(select(Team).options(selectinload(Team.members)).order_by(Team.name, Team.id)).unique().all()
    )


def team_by(team_id: int) -> Team:
    """Return a team, or raise `NotFound`."""
    found = db.session.get(Team, team_id) if 0 < team_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def save(
    team: Team | None,
    *,
    name: str,
    way: str,
    channel_ids: Collection[int],
    languages: str,
    skills: str,
    member_ids: Collection[int],
    by: User,
) -> Team:
    """Make or change a team."""
    if not policy.may_manage_teams(by):
        raise NotAllowed
    wrong = Problems()
    nothing: list[str] = []
    name = wrong.take("name", lambda: _name(name, team), "")
    spoken = wrong.take("languages", lambda: read_languages(languages), nothing)
    able = wrong.take("skills", lambda: read_words(skills, "skills"), nothing)
    if way not in WAYS:
        wrong.fields["way"] = gettext("Please choose one of these.")
    known = set(db.session.scalars(select(Channel.id).where(Channel.id.in_(channel_ids))))
    if known != set(channel_ids):
        wrong.fields["channels"] = gettext("There is no such channel.")
    agents = {agent.id for agent in queries.agents()}
    if not set(member_ids) <= agents:
        wrong.fields["members"] = gettext("Only people who work at the desk can be members.")
    wrong.refuse()
    before = None if team is None else _facts(team)
    if team is None:
        team = Team()
        db.session.add(team)
    team.name, team.way = name, way  # type: ignore[assignment]  # looked up three lines above
    team.channel_ids, team.languages, team.skills = sorted(known), spoken, able
    db.session.flush()
    db.session.execute(delete(TeamMember).where(TeamMember.team_id == team.id))
    for user_id in sorted(set(member_ids)):
        db.session.add(TeamMember(team_id=team.id, user_id=user_id))
    db.session.flush()
    db.session.expire(team, ["members"])
    audit.record("desk.team.save", team, by=by, before=before, after=_facts(team))
    return team


def remove(team: Team, *, by: User) -> None:
    """Dissolve a team; its conversations stay with whoever has them."""
    if not policy.may_manage_teams(by):
        raise NotAllowed
    audit.record("desk.team.remove", team, by=by, before=_facts(team))
    db.session.delete(team)
    db.session.flush()


def give(conversation: Conversation, team: Team | None, *, by: User | None) -> None:
    """Give the conversation to a team, or to none; nobody is `by` where it goes there by itself."""
    if by is not None and not policy.may_work(by):
        raise NotAllowed
    conversations.locked(conversation.id)
    before, after = conversation.team_id, None if team is None else team.id
    if before == after:
        return
    conversation.team = team
    clocks.moved(conversation, what="team", before=before, after=after, by=by)
    db.session.flush()
    audit.record("desk.conversation.give", conversation, by=by, before={"team": before}, after={"team": after})


def profile_of(user: User) -> AgentSkills:
    """Return what somebody at the desk can do; what was never said is empty."""
    return db.session.get(AgentSkills, user.id) or unsaid(user)


def unsaid(user: User) -> AgentSkills:
    """Return the profile of somebody of whom nothing was said yet; it is in no session."""
    return AgentSkills(user_id=user.id, languages=[], skills=[], capacity=20, given_at=None)


def profiles(user_ids: Collection[int]) -> dict[int, AgentSkills]:
    """Return the profiles of these people; who has none is missing."""
    found = db.session.scalars(select(AgentSkills).where(AgentSkills.user_id.in_(user_ids)))
    return {one.user_id: one for one in found}


def describe(user: User, *, languages: str, skills: str, capacity: int, by: User) -> AgentSkills:
    """Say what somebody can do, and how much at once."""
    if not policy.may_manage_teams(by):
        raise NotAllowed
    wrong = Problems()
    nothing: list[str] = []
    spoken = wrong.take("languages", lambda: read_languages(languages), nothing)
    able = wrong.take("skills", lambda: read_words(skills, "skills"), nothing)
    if not policy.may_work(user):
        raise NotFound
    if not 0 <= capacity <= MOST_CAPACITY:
        wrong.fields["capacity"] = gettext("A number from 0 to 1,000, please.")
    wrong.refuse()
    profile = profile_of(user)
    profile.languages, profile.skills, profile.capacity = spoken, able, capacity
    db.session.add(profile)
    db.session.flush()
    after = {"languages": spoken, "skills": able, "capacity": capacity}
    audit.record("desk.agent.describe", user, by=by, after=after)
    return profile


def read_words(typed: str, field: str) -> list[str]:
    """Read words with commas between, in small letters, each once."""
    with problems.at(field):
        line = texts.line(typed, longest=MOST_WORDS * (LONGEST_WORD + 2)).lower()
    words = list(dict.fromkeys(filter(None, (" ".join(one.split()) for one in line.split(",")))))
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        raise Invalid(fields={field: gettext("At most 20 words of 40 characters each, please.")})
    return words


def read_languages(typed: str) -> list[str]:
    """Read languages by their two letters."""
    found = read_words(typed, "languages")
    if not all(_LANGUAGE.fullmatch(one) for one in found):
        raise Invalid(fields={"languages": gettext("Please write languages by two letters: de, en.")})
    return found


def _name(typed: str, team: Team | None) -> str:
    with problems.at("name"):
        name = texts.line(typed, longest=LONGEST_NAME, shortest=1)
        same = select(Team.id).where(Team.name == name)
        if team is not None:
            same = same.where(Team.id != team.id)
        if db.session.scalar(same) is not None:
            raise Invalid(gettext("Another one has this name."))
    return name


def _facts(team: Team) -> dict[str, Any]:
    return {
        "name": team.name,
        "way": team.way,
        "channels": team.channel_ids,
        "languages": team.languages,
        "skills": team.skills,
        "members": [member.user_id for member in team.members],
    }
