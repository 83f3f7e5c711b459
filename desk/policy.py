"""What people may do at the desk."""

from accounts.people import Viewer


def may_work(viewer: Viewer) -> bool:
    """Agents read and answer what customers write; the rest of the team has other rooms."""
    return viewer.has_role("agent")


def may_manage_channels(viewer: Viewer) -> bool:
    """Channels hold secrets and send to addresses outside: admins only."""
    return viewer.has_role("admin")


def may_manage_clocks(viewer: Viewer) -> bool:
    """Admins say what is promised to customers, who decides when it is late, and who works in which team."""
    return viewer.has_role("admin")


def may_say_who_is_away(viewer: Viewer, person: Viewer) -> bool:
    """Agents say that they are away themselves; admins say it of anybody."""
    return viewer.has_role("admin") or (may_work(viewer) and viewer.id == person.id)


def may_manage_checklists(viewer: Viewer) -> bool:
    """Say who writes what a team does every day: admins."""
    return viewer.has_role("admin")
