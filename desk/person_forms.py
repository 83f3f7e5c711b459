"""What is typed about people at the desk, and what customers leave at the secure counter."""

from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, IntegerField, RadioField, SelectChoice, SelectField
from wtforms.validators import InputRequired, NumberRange

from core.forms import BlockField, Form, LineField
from desk import cards, notes_on_people
from desk.channels.base import LONGEST_TEXT
from desk.counters import LONGEST_LINE
from desk.counters import LONGEST_TEXT as LONGEST_LEFT

ASKS = (
    ("identity", _l("Who they are: name and customer number")),
    ("phone", _l("A telephone number")),
    ("documents", _l("Documents")),
    ("callback", _l("A time for being called back")),
)


class MarkForm(Form):
    kind = RadioField(
        _l("How it went"),
        choices=[SelectChoice("positive", _l("Well")), SelectChoice("negative", _l("With difficulty"))],
        default="positive",
    )
    note = LineField(_l("What the next one should know"), longest=notes_on_people.LONGEST_NOTE)
    days = IntegerField(
        _l("For how many days"),
        validators=[
            InputRequired(_l("Please give a number.")),
            NumberRange(1, notes_on_people.LONGEST_MARK_DAYS, _l("From 1 to 3,650 days, please.")),
        ],
    )


class CodeForm(Form):
    code = LineField(_l("The code they said"), longest=20)


class LookForm(Form):
    reason = LineField(_l("Why you look"), longest=cards.LONGEST_REASON, shortest=3)


class CardSourceForm(Form):
    name = LineField(_l("Name"), longest=80)
    url = LineField(
        _l("Address"),
        longest=cards.LONGEST_URL,
        description=_l("With {handle}, {name}, {channel} or {mail} behind the host, filled in for each customer."),
    )
    headers = BlockField(
        _l("Headers"),
        longest=cards.LONGEST_HEADERS,
        shortest=0,
        description=_l("One a line, like “Authorization: Bearer …”. They are kept encrypted and never shown again."),
    )
    fields = BlockField(
        _l("What is shown"),
        longest=4000,
        description=_l("One a line: a name and the path into the answer, like “Contract: customer.contract.name”."),
    )
    purpose = LineField(
        _l("For what"),
        longest=cards.LONGEST_PURPOSE,
        shortest=10,
        description=_l("It stands above every card, and tells agents when they may look."),
    )


class WorthForm(Form):
    path = LineField(
        _l("Which value says it"),
        longest=cards.LONGEST_URL,
        shortest=0,
        description=_l("The path into the answer, like “customer.revenue”. Empty: this system says nothing of it."),
    )
    bands = BlockField(
        _l("What counts how much"),
        longest=2000,
        shortest=0,
        description=_l("One a line, from 0 to 100: “5000: 80” from this number on, “Gold: 100” for this word."),
    )


class PrivateForm(Form):
    pointer = BlockField(_l("In public"), longest=LONGEST_TEXT, shortest=0)
    opening = BlockField(_l("In private"), longest=LONGEST_TEXT)


class OpenCounterForm(Form):
    identity = BooleanField(ASKS[0][1], default=True)
    phone = BooleanField(ASKS[1][1])
    documents = BooleanField(ASKS[2][1])
    callback = BooleanField(ASKS[3][1])
    code = BooleanField(
        _l("Ask for a code"),
        description=_l(
            "Whoever reads the link can come in. With a code only who heard it from you in private can: by telephone, "
            "in a private message or by mail, and never where the link stands. Without one, what is left at a link "
            "that stood in public is marked: identity unverified."
        ),
    )

    @property
    def chosen(self) -> list[str]:
        return [name for name, _label in ASKS if self[name].data]


class CounterForm(Form):
    """The page at which a customer leaves something; what it asks for is taken from the counter."""

    code = LineField(
        _l("Your code"),
        longest=20,
        shortest=0,
        description=_l("Six digits that we told you in private."),
    )
    name = LineField(_l("Name"), longest=LONGEST_LINE, shortest=0)
    customer_number = LineField(_l("Customer number"), longest=LONGEST_LINE, shortest=0)
    phone = LineField(_l("Telephone"), longest=LONGEST_LINE, shortest=0)
    slot = SelectField(_l("When a call suits"), validate_choice=False)
    documents = MultipleFileField(_l("Documents"))
    text = BlockField(_l("What else we should know"), longest=LONGEST_LEFT, shortest=0)
