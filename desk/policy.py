"""What people may do at the desk."""

from accounts.people import Viewer


def may_work(viewer: Viewer) -> bool:
    """Agents read and answer what customers write; the rest of the team has other rooms."""
    return viewer.has_role("agent")


def may_manage_channels(viewer: Viewer) -> bool:
    """Channels hold secrets and send to addresses outside: admins only."""
    return viewer.has_role("admin")


def may_read_deliveries(viewer: Viewer) -> bool:
    """See what was delivered to channels, word for word, and repeat it: leads, for private words are among it."""
    return viewer.has_role("lead")


def may_erase(viewer: Viewer) -> bool:
    """Forget a person, hand out what is known of one, say how long words are kept: admins."""
    return viewer.has_role("admin")


def may_manage_webhooks(viewer: Viewer) -> bool:
    """Say who tells other programs of what happens: admins, since what is told leaves the house."""
    return viewer.has_role("admin")


def may_manage_clocks(viewer: Viewer) -> bool:
    """Admins say what is promised to customers, and who decides when it is late."""
    return viewer.has_role("admin")


def may_manage_teams(viewer: Viewer) -> bool:
    """Leads say who works in which team, what each can do, and how much at once."""
    return viewer.has_role("lead")


def may_say_who_is_away(viewer: Viewer, person: Viewer) -> bool:
    """Agents say that they are away themselves; leads say it of anybody."""
    return viewer.has_role("lead") or (may_work(viewer) and viewer.id == person.id)


def may_manage_checklists(viewer: Viewer) -> bool:
    """Say who writes what a team does every day: leads."""
    return viewer.has_role("lead")


def may_remove_calls(viewer: Viewer) -> bool:
    """Leads take away what somebody noted of a call, with a reason; who noted it can only mend it for a while."""
    return viewer.has_role("lead")


def may_manage_approvals(viewer: Viewer) -> bool:
    """Leads say which replies a second person reads, and who is still learning."""
    return viewer.has_role("lead")
