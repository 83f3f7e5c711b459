from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import StopValidation

from accounts import handles
from core.forms import BlockField, Form, LineField
from demo.channel import HOUSE, LIMIT

LONGEST_HANDLE = 30


class PlazaForm(Form):
    """A passer-by's post, on its own or in an exchange that is there."""

    handle = LineField(_l("Your name on the Marktplatz"), longest=LONGEST_HANDLE, shortest=2)
    text = BlockField(_l("Your post"), longest=LIMIT)
    thread = HiddenField()

    def validate_handle(self, field: Any) -> None:
        field.data = field.data.removeprefix("@")
        if not handles.is_shaped(field.data):
            raise StopValidation(gettext("Letters, digits, dashes, dots and underscores, please."))
        if handles.key(field.data) == handles.key(HOUSE):
            raise StopValidation(gettext("This name belongs to the house. Please choose another."))
