"""What can be typed when an article is published."""

from typing import Final

from flask_babel import lazy_gettext
from wtforms import BooleanField, HiddenField, RadioField

from core.forms import Form, MomentField
from kb.forms import choices

SIGNIFICANCES: Final = {
    "typo": lazy_gettext("Only the wording: nobody needs to hear of it"),
    "content": lazy_gettext("It says more, or something else"),
    "instructions": lazy_gettext("The instructions were wrong: whoever passed them on has to know"),
}


class PublicationForm(Form):
    number = HiddenField()
    significance = RadioField(
        lazy_gettext("What changes for readers?"), choices=choices(SIGNIFICANCES), default="content"
    )
    is_matching = BooleanField(
        lazy_gettext("It says the same as in the other language now"),
        description=lazy_gettext("Otherwise the other language is shown as older until somebody follows."),
    )
    due_at = MomentField(lazy_gettext("Later, at this moment"))
    zone = "UTC"
