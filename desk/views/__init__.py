"""The desk's pages. They find, do, commit and send you on."""

from desk.views import (
    asking,
    channels,
    conversation,
    fairness,
    inbox,
    incidents,
    inside,
    nightly,
    promises,
    rules,
    sending,
    standing,
    triage,
)
from desk.views.edge import bp

__all__ = [
    "asking",
    "bp",
    "channels",
    "conversation",
    "fairness",
    "inbox",
    "incidents",
    "inside",
    "nightly",
    "promises",
    "rules",
    "sending",
    "standing",
    "triage",
]
