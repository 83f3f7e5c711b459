"""The desk's pages. They find, do, commit and send you on."""

from desk.views import (
    asking,
    blocks,
    channels,
    conversation,
    exchanges,
    fairness,
    inbox,
    incidents,
    inside,
    nightly,
    promises,
    rules,
    standing,
    triage,
    writing,
)
from desk.views.edge import bp

__all__ = [
    "asking",
    "blocks",
    "bp",
    "channels",
    "conversation",
    "exchanges",
    "fairness",
    "inbox",
    "incidents",
    "inside",
    "nightly",
    "promises",
    "rules",
    "standing",
    "triage",
    "writing",
]
