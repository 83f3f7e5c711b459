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
    public = HiddenField(_l("Who reads it"))
    """`yes`, `no`, or empty where the channel leaves no choice."""
    split = HiddenField(_l("In several messages"), default="")
    when = HiddenField(_l("When it goes out"), default="")
    at = HiddenField(_l("When it goes out"))
    held = HiddenField()
    """The id of the text that came back and is in the composer now."""
    draft_version = HiddenField()
    """Which version of the team's draft the text was begun from; empty: from none."""
    draft_to = HiddenField()
    """The colleague to whom the draft is handed."""

    @property
    def seen_id(self) -> int | None:
        return texts.number(self.seen.data or "")

    @property
    def held_id(self) -> int | None:
        return texts.number(self.held.data or "")

    @property
    def version(self) -> int | None:
        return texts.number(self.draft_version.data or "")

    def show_as_seen(self, message_id: int) -> None:
        """Say in the form that the writer has this message before them now."""
        self.seen.data = str(message_id)


class QuestionForm(Form):
    """What a message becomes in the forum, as an agent reads it again before everybody does."""

    title = LineField(_l("The question in one sentence"), longest=LONGEST_TITLE, shortest=SHORTEST_TITLE)
    source = BlockField(_l("The question itself"), longest=LONGEST_SOURCE["question"])
    category = SelectField(_l("Category"), validate_choice=False)
    locale = SelectField(_l("Language"), choices=[SelectChoice("de", "Deutsch"), SelectChoice("en", "English")])


class ApprovalForm(Form):
    """A reply as a second person leaves it."""

    text = BlockField(_l("The reply"), longest=LONGEST_TEXT)


class ByHandForm(Form):
    """What was written at the service itself."""

    text = BlockField(_l("Your reply"), longest=LONGEST_TEXT)
    url = LineField(
        _l("The address of your reply there"), longest=500, description=_l("Open the page of your reply and copy it.")
    )


class InitialsForm(Form):
    initials = LineField(
        _l("Your initials"),
        longest=5,
        shortest=0,
        description=_l("Up to four letters. Empty: your replies carry none."),
    )


class ChannelSendingForm(Form):
    undo_seconds = IntegerField(_l("Seconds in which a reply can be taken back"), validators=[Optional()])
    has_initials = BooleanField(_l("Replies carry the initials of who wrote them"))
    price = LineField(_l("What a reply costs, in words"), longest=80, shortest=0)


class ApprovalRuleForm(Form):
    """All conditions that are given must hold."""

    name = LineField(_l("Name"), longest=80)
    channel = SelectField(_l("Channel"), validate_choice=False)
    of_trainees = BooleanField(_l("Only replies of people who are still learning"))
    least_heat = IntegerField(
        _l("From this heat on"),
        validators=[Optional()],
        description=_l("From 1 to 100, of the reply or of what the customer wrote last. Empty: whatever the heat."),
    )
    intent = SelectField(_l("What the customer wants"), validate_choice=False)
    words = BlockField(
        _l("One of these words"),
        longest=2000,
        shortest=0,
        description=_l("One a line, in the reply or in what the customer wrote last. Empty: whatever the words."),
    )
