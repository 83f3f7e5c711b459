"""The desk's pages. They find, do, commit and send you on."""

from desk.views import asking, channels, conversation, inbox, nightly, promises, standing
from desk.views.edge import bp

__all__ = ["asking", "bp", "channels", "conversation", "inbox", "nightly", "promises", "standing"]
