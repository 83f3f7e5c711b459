"""The desk's pages. They find, do, commit and send you on."""

from desk.views import (
    asking,
    bulk,
    channels,
    checklists,
    conversation,
    fairness,
    inbox,
    incidents,
    inside,
    nightly,
    promises,
    rules,
    snoozing,
    standing,
    triage,
)
from desk.views.edge import bp

__all__ = [
    "asking",
    "bp",
    "bulk",
    "channels",
    "checklists",
    "conversation",
    "fairness",
    "inbox",
    "incidents",
    "inside",
    "nightly",
    "promises",
    "rules",
    "snoozing",
    "standing",
    "triage",
]
