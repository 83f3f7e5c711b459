"""The desk's pages. They find, do, commit and send you on."""

from desk.views import asking, channels, conversation, inbox, standing, triage
from desk.views.edge import bp

__all__ = ["asking", "bp", "channels", "conversation", "inbox", "standing", "triage"]
