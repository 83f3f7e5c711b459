"""What is typed to forget a person, to say how long words are kept, and to tell other programs of what happens."""

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, RadioField, SelectChoice, SelectMultipleField, widgets
from wtforms.validators import Optional

from core.forms import Form, LineField
from desk import webhooks
from desk.models import Contact

EVENT_NAMES = {
    "message.received": _l("A customer wrote"),
    "reply.sent": _l("A reply has left"),
    "conversation.closed": _l("A conversation was closed"),
    "promise.broken": _l("A promise was not kept"),
    "article.published": _l("An article was published"),
    "test": _l("A test"),
}


class ErasureForm(Form):
    handle = LineField(_l("Repeat the handle"), longest=Contact.handle.type.length or 200)


class RetentionForm(Form):
    public_days = IntegerField(_l("Public words: for how many days"), validators=[Optional()])
    private_days = IntegerField(_l("Private words and notes: for how many days"), validators=[Optional()])


class WebhookForm(Form):
    name = LineField(_l("Name"), longest=webhooks.LONGEST_NAME)
    url = LineField(_l("Address that is told"), longest=2000)
    events = SelectMultipleField(
        _l("Of what"),
        choices=[SelectChoice(event, EVENT_NAMES[event]) for event in webhooks.EVENTS],
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    words = RadioField(
        _l("Which words go along"),
        choices=[
            SelectChoice("none", _l("None: numbers and addresses only")),
            SelectChoice("public", _l("What everybody can read anyway")),
            SelectChoice("all", _l("Private words, too")),
        ],
        default="public",
    )
