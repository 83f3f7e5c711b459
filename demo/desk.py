"""The desk's daily work in the demo: what the invented team does every day, and a view that it shares."""

from typing import Final

from accounts.models import User
from desk import checklists, saved_views

TEAM: Final = "Kundendienst"
EVERY_DAY: Final = (
    ("start", "Übergabe vom Vortag lesen"),
    ("start", "„Fast vergessen“ ansehen: Ist jemand dabei?"),
    ("during", "Mittags die Störungsseite mit der Technik abgleichen"),
    ("end", "Offene Gespräche zurückstellen oder übergeben"),
    ("end", "Zusagen von heute prüfen"),
)
SHARED_VIEW: Final = "Alles zum WLAN"


def begin(*, agent: User, admin: User) -> None:
    """Write the checklist, have the first item signed, and share a view."""
    items = [checklists.add(team=TEAM, part=part, words=words, by=admin) for part, words in EVERY_DAY]
    checklists.sign(items[0], by=agent)
    saved_views.create(name=SHARED_VIEW, wanted={"text": "wlan"}, is_shared=True, by=agent)
