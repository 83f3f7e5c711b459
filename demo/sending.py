"""How the demonstration's team sends: with initials on the Marktplatz, and refunds only after a second look."""

from collections.abc import Mapping
from typing import Final

from accounts.models import User
from demo import channel as channels
from desk import approvals, initials, sending_settings

INITIALS: Final = {"ada": "AS", "ruth": "RK"}
RULE: Final = "Erstattungen"
WORDS: Final = "erstattung\ngutschrift\nrefund"


def begin(everybody: Mapping[str, User]) -> None:
    """Choose the initials, and the rule that asks for a second person."""
    admin = everybody["ruth"]
    sending_settings.choose(channels.open_once(), undo_seconds=None, has_initials=True, price="", by=admin)
    for handle, letters in INITIALS.items():
        initials.choose(letters, by=everybody[handle])
    if not any(rule.name == RULE for rule in approvals.rules()):
        approvals.add(RULE, channel=None, of_trainees=False, least_heat=None, words=WORDS, by=admin)
