"""What can be typed when an article is published."""

from datetime import UTC, datetime
from typing import Any, Final

import pytz
from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, HiddenField, RadioField
from wtforms.validators import StopValidation

from core.forms import Form, LineField
from kb.forms import choices

SIGNIFICANCES: Final = {
    "typo": lazy_gettext("Only the wording: nobody needs to hear of it"),
    "content": lazy_gettext("It says more, or something else"),
    "instructions": lazy_gettext("The instructions were wrong: whoever passed them on has to know"),
}
LONGEST_MOMENT: Final = 40


class PublicationForm(Form):
    number = HiddenField()
    significance = RadioField(
        lazy_gettext("What changes for readers?"), choices=choices(SIGNIFICANCES), default="content"
    )
    is_matching = BooleanField(
        lazy_gettext("It says the same as in the other language now"),
        description=lazy_gettext("Otherwise the other language is shown as older until somebody follows."),
    )
    due_at = LineField(lazy_gettext("Later, at this moment"), longest=LONGEST_MOMENT, shortest=0)
    zone = "UTC"
    moment: datetime | None = None

    def validate_due_at(self, field: Any) -> None:
        if not field.data:
            return
        try:
            typed = datetime.fromisoformat(field.data)
            zone = pytz.timezone(self.zone)
            self.moment = (typed if typed.tzinfo else zone.localize(typed, is_dst=None)).astimezone(UTC)
        except pytz.NonExistentTimeError:
            raise StopValidation(gettext("On that day the clocks skip this hour.")) from None
        except pytz.AmbiguousTimeError:
            raise StopValidation(gettext("On that day this hour comes twice. Choose another one.")) from None
        except (ValueError, OverflowError):
            raise StopValidation(gettext("Please give a day and a time, as in 2027-03-01T09:30.")) from None
