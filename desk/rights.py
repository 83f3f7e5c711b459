"""Who may do what at the desk, as one table: each line asks the very policy that the deeds ask."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext as _l

from accounts.models import User, UserRole
from desk import policy
from kb import policy as articles_policy

ROLES: Final = ("agent", "lead", "moderator", "editor", "admin")


@dataclass(frozen=True, slots=True)
class Right:
    """Something that may be done, the policy that says by whom, and where a test tries it."""

    words: Any
    is_let: Callable[[Any], bool]
    tried_at: str


RIGHTS: Final[Sequence[Right]] = (
    Right(_l("Read and answer what customers write"), policy.may_work, "/desk"),
    Right(_l("Notes, promises, call-backs, incidents, goodwill up to a limit"), policy.may_work, "/desk/promises"),
    Right(_l("Say that one is away oneself"), policy.may_work, "/desk/absences"),
    Right(
        _l("Look after teams and what each can do, say that others are away"), policy.may_manage_teams, "/admin/teams"
    ),
    Right(_l("Write the daily checklists"), policy.may_manage_checklists, ""),
    Right(
        _l("Say which replies a second person reads, and who is learning"),
        policy.may_manage_approvals,
        "/admin/sending",
    ),
    Right(
        _l("See what webhooks delivered and were handed, and repeat it"),
        policy.may_read_deliveries,
        "/admin/deliveries",
    ),
    Right(_l("Clocks, calendars, and who decides when it is late"), policy.may_manage_clocks, "/admin/clocks"),
    Right(_l("Channels, rules, the order of the queue, customer cards"), policy.may_manage_channels, "/admin/channels"),
    Right(_l("Tell other programs (webhooks)"), policy.may_manage_webhooks, "/admin/webhooks"),
    Right(
        _l("Forget a person, hand out their data, say how long words are kept"), policy.may_erase, "/admin/retention"
    ),
    Right(_l("Write drafts of articles"), articles_policy.may_draft, "/kb/articles/new"),
    Right(_l("Publish articles, where a section names nobody else"), articles_policy.may_write, "/kb/nominations"),
)


@dataclass(frozen=True, slots=True)
class Line:
    words: Any
    lets: Sequence[bool]
    """For each of the roles."""


def table() -> Iterator[Line]:
    """Yield every right with the roles that have it."""
    for right in RIGHTS:
        yield Line(right.words, [right.is_let(_with(role)) for role in ROLES])


def _with(role: str) -> User:
    """Return somebody who has one role, and is in no database; a lead is an agent, too."""
    names = {"agent", role} if role == "lead" else {role}
    return User(handle="", name="", roles=[UserRole(role=name) for name in sorted(names)])
