"""What the team types to itself beside a conversation."""

from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice, SelectField
from wtforms.validators import InputRequired

from core.forms import BlockField, Form, LineField, MomentField
from desk import handing_over, notes, side_talks


class NoteForm(Form):
    note = BlockField(
        _l("Note for the team"),
        longest=notes.LONGEST,
        description=_l("No customer sees it. Whom you name with @ hears of it."),
    )


class HandOverForm(Form):
    to = SelectField(_l("To whom"), coerce=int, validators=[InputRequired()])
    next_step = BlockField(_l("What is to be done next"), longest=handing_over.LONGEST)
    due_at = MomentField(_l("Until when"))
    known = BlockField(_l("What is known"), longest=handing_over.LONGEST, shortest=0)
    promised = BlockField(_l("What was promised to the customer"), longest=handing_over.LONGEST, shortest=0)
    zone = "UTC"


class SideTalkForm(Form):
    name = LineField(_l("Whom do you ask?"), longest=side_talks.LONGEST_NAME)
    address = LineField(_l("Their e-mail address"), longest=320)
    locale = SelectField(_l("Language"), choices=[SelectChoice("de", "Deutsch"), SelectChoice("en", "English")])
    question = BlockField(
        _l("Your question"),
        longest=side_talks.LONGEST_QUESTION,
        description=_l("They see these words and nothing else of the conversation."),
    )


class SideAnswerForm(Form):
    answer = BlockField(_l("Your answer"), longest=side_talks.LONGEST_ANSWER)
