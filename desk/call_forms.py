"""What is typed about calls and visits."""

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, SelectChoice, SelectField

from core.forms import BlockField, Form, LineField, MomentField
from core.settings import current_settings
from desk import calls, numbers

RESULTS = {
    "reached": _l("We talked"),
    "solved": _l("We talked, and it is solved"),
    "no_answer": _l("Nobody answered"),
    "message_left": _l("A message was left"),
    "call_again": _l("To be called again"),
    "wrong_number": _l("Wrong number"),
}


class NoteForm(Form):
    """What stands in every note of a call."""

    result = SelectField(_l("What came of it"), choices=[SelectChoice(*each) for each in RESULTS.items()])
    caller = LineField(_l("Who it was"), longest=calls.LONGEST_CALLER, shortest=0)
    number = LineField(
        _l("Number"),
        longest=numbers.LONGEST,
        shortest=0,
        description=_l("Kept encrypted. The next call from it finds the same person."),
    )
    text = BlockField(_l("What was said"), longest=calls.LONGEST_TEXT, shortest=0)

    @property
    def said(self) -> calls.Said:
        return calls.Said(
            kind=self.data.get("kind") or "call_in",
            result=self.result.data or "",
            caller=self.caller.data or "",
            number=self.number.data or "",
            text=self.text.data or "",
            is_answer=bool(self.data.get("is_answer")),
        )


class CallForm(NoteForm):
    """A call or a visit; in a conversation that is known, or with `where` it belongs."""

    kind = SelectField(
        _l("What it was"),
        choices=[
            SelectChoice("call_in", _l("They called")),
            SelectChoice("call_out", _l("We called")),
            SelectChoice("visit", _l("They came by")),
        ],
    )
    is_answer = BooleanField(
        _l("They have their answer"),
        description=_l("The clock stops. Where you did not talk with them it runs on, whatever stands here."),
    )
    since = MomentField(_l("From"))
    until = MomentField(_l("Until"))
    owner = SelectField(_l("Who calls"), choices=[], validate_choice=False)
    where = LineField(_l("Where it belongs"), longest=40, shortest=0)
    channel = SelectField(_l("Channel"), choices=[], validate_choice=False)
    locale = SelectField(
        _l("Language"),
        default="",
        choices=[
            SelectChoice("", _l("As it is written")),
            SelectChoice("de", "Deutsch"),
            SelectChoice("en", "English"),
        ],
    )

    @property
    def zone(self) -> str:
        """The moments are typed by the clock of the installation, as those of promises are."""
        return current_settings().time_zone


class ChangeForm(NoteForm):
    version = HiddenField()


class AttemptForm(Form):
    """One more time that nobody answered: a button, and nothing to type."""


class RemovalForm(Form):
    reason = LineField(_l("Why it goes"), longest=calls.LONGEST_REASON, shortest=3)
