"""What is typed to keep order: why something is hidden, other words for a reply, the steps of the ladder."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectChoice
from wtforms.validators import NumberRange, Optional

from core.forms import BlockField, Form, LineField
from desk import contact_ladder, quiet
from desk.channels.base import LONGEST_TEXT
from desk.order_models import LONGEST_CORRECTION_NOTE, LONGEST_REASON, STEPS


class HidingForm(Form):
    reason = LineField(
        _l("Why"), longest=LONGEST_REASON, description=_l("Colleagues read this; the service is not told.")
    )
    wish = HiddenField(default="hide")
    """`hide`, or `show` again."""


class CorrectionForm(Form):
    text = BlockField(_l("What it is to say"), longest=LONGEST_TEXT)
    mark = HiddenField()
    """What the message said when this was begun, see `correcting.mark_of`."""


class CorrectionNoteForm(Form):
    note = BlockField(_l("Why you give it back"), longest=LONGEST_CORRECTION_NOTE, shortest=0)


class ProtectionForm(Form):
    """To hide personal data at the service and answer in private, in one step."""

    hides = BooleanField(_l("Hide the message at the service"), default=True)
    reason = LineField(_l("Why it is hidden"), longest=LONGEST_REASON, shortest=0)
    pointer = BlockField(_l("In public"), longest=LONGEST_TEXT, shortest=0)
    opening = BlockField(_l("In private"), longest=LONGEST_TEXT, shortest=0)


class StepForm(Form):
    step = RadioField(
        _l("Step"),
        choices=[SelectChoice(step, quiet.NAMES[step]) for step in STEPS],
        validate_choice=False,
        default="ask",
    )
    reason = LineField(_l("Why"), longest=LONGEST_REASON, description=_l("Colleagues read this, and it stays."))
    days = IntegerField(
        _l("For how many days"),
        validators=[
            Optional(),
            NumberRange(1, contact_ladder.LONGEST_DAYS, _l("From 1 to 3,650 days, please.")),
        ],
        description=_l("Empty: until somebody ends it."),
    )


class EndStepForm(Form):
    reason = LineField(_l("Why it ends"), longest=LONGEST_REASON)


class BlockForm(Form):
    answer = LineField(_l("A word on your decision"), longest=LONGEST_REASON, shortest=0)


class CloseHeldForm(Form):
    reason = LineField(_l("Why nobody answers it"), longest=LONGEST_REASON)
