"""The inbox by team: what is with the teams of whoever looks, and one's own views of any team."""

from typing import Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, false, select

from accounts.people import Viewer
from core import texts
from core.db import LARGEST_ID
from desk import filters, listing, teams
from desk.filters import IS_OPEN, Choices, Filter
from desk.listing import View
from desk.models import Conversation
from desk.team_models import TeamMember

MINE: Final = "mine"
NONE: Final = "none"


def _own(viewer: Viewer) -> Select[int]:
    return select(TeamMember.team_id).where(TeamMember.user_id == viewer.id)


def _of_team(value: str, viewer: Viewer) -> ColumnElement[bool]:
    if value == MINE:
        return Conversation.team_id.in_(_own(viewer))
    if value == NONE:
        return Conversation.team_id.is_(None)
    number = texts.number(value)
    return false() if number is None else Conversation.team_id == number


def _accepts(value: str) -> bool:
    number = texts.number(value)
    return value in {MINE, NONE} or (number is not None and 0 < number <= LARGEST_ID)


def _choices() -> Choices:
    named = [(str(team.id), team.name) for team in teams.everyone()]
    return [("", gettext("Any")), (MINE, gettext("My teams")), (NONE, gettext("No team")), *named]


filters.contribute(Filter(name="team", label=_l("Team"), clause=_of_team, accepts=_accepts, choices=_choices))
listing.contribute(
    View(
        key="my_teams",
        name=_l("My teams’"),
        where=lambda viewer, at: and_(IS_OPEN, Conversation.team_id.in_(_own(viewer)), listing.is_awake(at)),
    ),
    after="unassigned",
)
