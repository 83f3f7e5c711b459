"""The doors of the administration: every room contributes its own, this room shows them."""

from dataclasses import dataclass
from typing import Any

from accounts.people import Viewer


@dataclass(frozen=True, slots=True)
class Door:
    """A link on the page of the administration; title and text may be lazy translations."""

    title: Any
    endpoint: str
    role: str
    text: Any


_doors: dict[str, Door] = {}


def contribute(title: Any, endpoint: str, role: str = "admin", *, text: Any = "") -> None:
    """Have a link to `endpoint` shown to those who have `role`; a second call for the endpoint replaces the first."""
    _doors[endpoint] = Door(title, endpoint, role, text)


def doors(viewer: Viewer) -> list[Door]:
    """Return the doors that this viewer may open, in the order of their contribution."""
    return [door for door in _doors.values() if viewer.has_role(door.role)]
