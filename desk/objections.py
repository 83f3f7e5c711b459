"""What speaks against sending a draft as it stands: checks say it, and the writer decides.

A check looks at a draft and returns objections; `register` makes it known. A page shows what `raised` returns and
sends only with the seals of those that its writer has read. An objection that is final cannot be overruled.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext, lazy_gettext

from accounts.models import User
from core.errors import Conflict
from desk.models import Conversation, Message

LONGEST_SEAL: Final = 24
MOST_SEALS: Final = 50
"""So many objections of one draft are remembered by its form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is about to be sent."""

    conversation: Conversation
    text: str
    by: User
    is_public: bool
    asked: Message | None
    """What the customer wrote last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A button beside an objection: `instead` takes the place of what was objected to, or `url` leads elsewhere."""

    label: str
    instead: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """To keep what the draft says as a promise, which has an owner and a time."""

    what: str
    due_at: datetime | None = None
    """Until when by its own words; None where they say no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One reason to look at the draft again. `said` are its very words, empty where it is about the whole."""

    code: str
    words: str
    said: str = ""
    ways_out: tuple[WayOut, ...] = ()
    offer: Offer | None = None
    is_final: bool = False

    @property
    def seal(self) -> str:
        """What the writer confirms; of other words it is another."""
        return hashlib.sha256(f"{self.code}\n{self.said}".encode()).hexdigest()[:LONGEST_SEAL]


class Objected(Conflict):
    """Something speaks against the draft that its writer has not been shown yet."""

    title = lazy_gettext("Please look at this before it goes out")

    def __init__(self, objections: Collection[Objection]) -> None:
        super().__init__(gettext("Nothing was sent yet, and your text is still here."))
        self.objections = tuple(objections)


Check = Callable[[Draft], Iterable[Objection]]
_checks: list[Check] = []


def register(check: Check) -> Check:
    """Have a check asked of every draft from now on; once is enough."""
    if check not in _checks:
        _checks.append(check)
    return check


def raised(draft: Draft) -> list[Objection]:
    """Return everything that speaks against a draft, what cannot be overruled first."""
    found = {one.seal: one for check in _checks for one in check(draft)}
    return sorted(found.values(), key=lambda one: not one.is_final)


def require(draft: Draft, confirmed: Collection[str] | None) -> None:
    """Raise `Objected` unless every objection was confirmed; None is a program, which only what is final stops."""
    found = raised(draft)
    if any(one.is_final or (confirmed is not None and one.seal not in confirmed) for one in found):
        raise Objected(found)


def mended(text: str, objection: Objection, way: int) -> str:
    """Return the draft with one of the ways out taken."""
    return text.replace(objection.said, objection.ways_out[way].instead or "", 1)
