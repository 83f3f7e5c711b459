"""What is typed in the inbox, and moments by the clock of whoever types them."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytz
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectChoice, SelectField
from wtforms.validators import InputRequired, NumberRange

from accounts.models import User
from core import texts
from core.clock import now
from core.errors import Invalid
from core.forms import Form, LineField
from core.settings import current_settings
from desk.inbox_models import LONGEST_ITEM, LONGEST_NAME
from desk.watching import LONGEST_DAYS

ME, TEAM = "me", "team"
LONGEST_WAIT: Final = 366 * 24 * 60
"""Minutes that a snooze can be given by a button."""


class PassForm(Form):
    reason = LineField(_l("Why not you"), longest=LONGEST_ITEM, shortest=3)


class WatchForm(Form):
    days = IntegerField(
        _l("For how many days"),
        validators=[
            InputRequired(_l("Please give a number.")),
            NumberRange(1, LONGEST_DAYS, _l("From 1 to 365 days, please.")),
        ],
    )


class ViewForm(Form):
    """A saved view's name and readers; its filters stand beside them."""

    name = LineField(_l("Name"), longest=LONGEST_NAME)
    who = SelectField(
        _l("Who sees it"), choices=[SelectChoice(ME, _l("Only me")), SelectChoice(TEAM, _l("Everybody at the desk"))]
    )


class ItemForm(Form):
    """One thing that a team does every day."""

    team = LineField(_l("Team"), longest=LONGEST_NAME)
    words = LineField(_l("What is done"), longest=LONGEST_ITEM)


def until(minutes: str, typed: str, *, by: User) -> datetime:
    """Return the moment that a button or a field names: so many minutes from now, or by the clock of whoever typed."""
    if minutes:
        number = texts.number(minutes)
        if number is None or not 0 < number <= LONGEST_WAIT:
            raise _refused()
        return now() + timedelta(minutes=number)
    try:
        told = datetime.strptime(typed, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 -- a clock's digits; the zone follows
        local: datetime = pytz.timezone(by.time_zone or current_settings().time_zone).localize(told)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused() from None


def _refused() -> Invalid:
    sentence = gettext("Please give a day and a time.")
    return Invalid(sentence, fields={"until": sentence})
