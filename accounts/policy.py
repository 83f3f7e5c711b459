"""What people may do with accounts."""

from typing import TYPE_CHECKING

from accounts.models import User

if TYPE_CHECKING:
    from accounts.people import Viewer


def may_administer(viewer: "Viewer") -> bool:
    """Only admins change what others are."""
    return viewer.has_role("admin")


def may_penalise(viewer: "Viewer", user: User) -> bool:
    """Moderators silence and suspend members, admins also the team; nobody themselves."""
    if user.is_staged or user.id == viewer.id or not viewer.has_role("moderator"):
        return False
    return may_administer(viewer) or not user.is_team


def may_close_staged(viewer: "Viewer", user: User) -> bool:
    """Moderators end what comes in under a staged account, which nobody can be told a reason at."""
    return user.is_staged and not user.is_team and viewer.has_role("moderator")


def may_change_account(viewer: "Viewer", user: User) -> bool:
    """Staged people have no account yet that could be changed."""
    return may_administer(viewer) and not user.is_staged
