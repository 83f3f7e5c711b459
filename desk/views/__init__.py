"""The desk's pages. They find, do, commit and send you on."""

from desk.views import (
    asking,
    cards,
    channels,
    conversation,
    counter,
    fairness,
    handing,
    inbox,
    incidents,
    inside,
    person,
    rules,
    standing,
    triage,
)
from desk.views.edge import bp

__all__ = [
    "asking",
    "bp",
    "cards",
    "channels",
    "conversation",
    "counter",
    "fairness",
    "handing",
    "inbox",
    "incidents",
    "inside",
    "person",
    "rules",
    "standing",
    "triage",
]
