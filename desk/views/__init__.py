"""The desk's pages. They find, do, commit and send you on."""

from desk.views import asking, channels, clocks, conversation, inbox, ladder, standing, teams, timing
from desk.views.edge import bp

__all__ = ["asking", "bp", "channels", "clocks", "conversation", "inbox", "ladder", "standing", "teams", "timing"]
