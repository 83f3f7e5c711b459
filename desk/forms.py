"""What is typed at the desk."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField, SelectChoice, SelectField
from wtforms.validators import Optional

from core import texts
from core.forms import BlockField, Form, LineField
from desk.channels.base import LONGEST_TEXT
from forum.limits import LONGEST_SOURCE
from forum.models import LONGEST_TITLE, SHORTEST_TITLE

LONGEST_QUESTION = 300


class ReplyForm(Form):
    text = BlockField(_l("Your reply"), longest=LONGEST_TEXT)
    seen = HiddenField()
    """The id of the last message that was on the page."""
    holding = BooleanField()
    """Sent by a button of its own, so that nobody ticks it and forgets."""
    holding_due = LineField(_l("Until when"), longest=40, shortest=0)
    holding_owner = SelectField(_l("Who answers then"), validate_choice=False)
    help = LineField(_l("Look for something else"), longest=LONGEST_QUESTION, shortest=0)

    @property
    def seen_id(self) -> int | None:
        return texts.number(self.seen.data or "")

    def show_as_seen(self, message_id: int) -> None:
        """Say in the form that the writer has this message before them now."""
        self.seen.data = str(message_id)


class QuestionForm(Form):
    """What a message becomes in the forum, as an agent reads it again before everybody does."""

    title = LineField(_l("The question in one sentence"), longest=LONGEST_TITLE, shortest=SHORTEST_TITLE)
    source = BlockField(_l("The question itself"), longest=LONGEST_SOURCE["question"])
    category = SelectField(_l("Category"), validate_choice=False)
    locale = SelectField(_l("Language"), choices=[SelectChoice("de", "Deutsch"), SelectChoice("en", "English")])


class ChannelForm(Form):
    name = LineField(_l("Name"), longest=80)
    slug = LineField(
        _l("Short name"), longest=80, description=_l("A part of its address: small letters, digits, dashes.")
    )
    endpoint = LineField(
        _l("Where replies go"),
        longest=2000,
        shortest=0,
        description=_l("An address that takes signed replies. Empty: the channel is only listened to."),
    )
    limit = IntegerField(
        _l("Characters that fit into a reply"),
        validators=[Optional()],
        description=_l("Empty: what the service usually takes, or 500. 0: no limit."),
    )
