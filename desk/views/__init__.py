"""The desk's pages. They find, do, commit and send you on."""

from desk.views import asking, cards, channels, conversation, counter, handing, inbox, person, standing
from desk.views.edge import bp

__all__ = ["asking", "bp", "cards", "channels", "conversation", "counter", "handing", "inbox", "person", "standing"]
