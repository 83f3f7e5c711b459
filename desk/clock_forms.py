"""What admins type about promises, calendars, ladders and teams."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectChoice, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from core import texts, timezones
from core.forms import BlockField, Form, LineField
from core.settings import current_settings
from desk import business_time, sla
from desk.clock_models import AnswerPolicy, Calendar

MOST: int = sla.MOST_MINUTES


def choice(typed: str | None) -> int | None:
    """Return the id that a select field carries."""
    return texts.number(typed or "")


def moment(typed: str, zone: str) -> datetime | None:
    """Read what a browser sends of a date and time on the wall's clock of a place; None when it is none."""
    try:
        found = datetime.fromisoformat(typed.strip())
        return found.replace(tzinfo=timezones.zone(zone)) if found.tzinfo is None else found
    except ValueError:
        return None


class CalendarForm(Form):
    name = LineField(_l("Name"), longest=sla.LONGEST_NAME)
    time_zone = SelectField(_l("Time zone"), validate_choice=False)
    region = SelectField(_l("Public holidays of"), validate_choice=False)
    day_0 = LineField(_l("Monday"), longest=100, shortest=0)
    day_1 = LineField(_l("Tuesday"), longest=100, shortest=0)
    day_2 = LineField(_l("Wednesday"), longest=100, shortest=0)
    day_3 = LineField(_l("Thursday"), longest=100, shortest=0)
    day_4 = LineField(_l("Friday"), longest=100, shortest=0)
    day_5 = LineField(_l("Saturday"), longest=100, shortest=0)
    day_6 = LineField(_l("Sunday"), longest=100, shortest=0)
    closed = BlockField(
        _l("Your own free days"),
        longest=sla.LONGEST_CLOSED,
        shortest=0,
        description=_l("One a line: 2026-12-24 Christmas Eve."),
    )

    def offer(self) -> None:
        """Fill the lists that there are to choose from."""
        self.time_zone.choices = [SelectChoice(name, name) for name in timezones.names()]
        self.region.choices = [
            SelectChoice("", gettext("nobody: no public holidays")),
            *(SelectChoice(region, region_name(region)) for region in business_time.regions()),
        ]

    def show(self, calendar: Calendar | None) -> None:
        """Show a calendar, or what a new one begins with."""
        week = calendar.week if calendar is not None else [*[[[9 * 60, 18 * 60]]] * 5, [], []]
        self.name.data = "" if calendar is None else calendar.name
        self.time_zone.data = current_settings().time_zone if calendar is None else calendar.time_zone
        self.region.data = "" if calendar is None else calendar.region
        for place, day in enumerate(week):
            self[f"day_{place}"].data = sla.written_hours(day)
        closed = {} if calendar is None else calendar.closed
        self.closed.data = "\n".join(f"{day} {name}" for day, name in closed.items())

    @property
    def days(self) -> Sequence[str]:
        return [self[f"day_{place}"].data or "" for place in range(sla.DAYS)]


def region_name(region: str) -> str:
    """Return what a region is called, in the language of the page; empty for none."""
    country, _, part = region.partition("-")
    name = get_locale().territories.get(country, country) if country else ""
    return f"{name}: {part}" if part else name


def _minutes(label: object, description: object = "") -> IntegerField:
    return IntegerField(
        label,
        description=description,
        validators=[
            InputRequired(_l("Please give a number.")),
            NumberRange(0, MOST, _l("Minutes from 0 to 1,000,000, please.")),
        ],
    )


class PolicyForm(Form):
    name = LineField(_l("Name"), longest=sla.LONGEST_NAME)
    channel = SelectField(_l("Channel"), validate_choice=False)
    from_priority = IntegerField(
        _l("From this priority on"),
        validators=[Optional(), NumberRange(0, 100_000, _l("A number from 0 to 100,000, please."))],
        description=_l("Empty: for every priority."),
    )
    intent = LineField(
        _l("Only for this intent"), longest=20, shortest=0, description=_l("As triage calls it: complaint, question.")
    )
    calendar = SelectField(_l("Time counts by"), validate_choice=False)
    first_minutes = _minutes(_l("First answer within minutes"))
    hard_minutes = _minutes(
        _l("An answer at the very latest within minutes"), _l("Runs on while a clock stands. 0: none.")
    )
    next_minutes = _minutes(_l("Each next answer within minutes"), _l("0: nothing is promised."))
    solution_minutes = _minutes(_l("Solved within minutes"), _l("0: nothing is promised."))
    warn_minutes = _minutes(_l("Warned so many minutes before"), _l("0: nobody is warned."))
    rests_inside = BooleanField(_l("The clock stands while a colleague is asked or it is put aside"))

    def offer(self, channels: Sequence[tuple[int, str]], calendars: Sequence[Calendar]) -> None:
        """Fill the lists that there are to choose from."""
        self.channel.choices = [SelectChoice("", gettext("every channel"))]
        self.channel.choices += [SelectChoice(str(key), name) for key, name in channels]
        self.calendar.choices = [SelectChoice("", gettext("around the clock"))]
        self.calendar.choices += [SelectChoice(str(one.id), one.name) for one in calendars]

    def show(self, found: AnswerPolicy | None) -> None:
        """Show a policy, or what a new one begins with: what the settings say."""
        settings = current_settings()
        if found is None:
            self.first_minutes.data = settings.answer_within_minutes
            self.hard_minutes.data = settings.answer_latest_minutes
            self.next_minutes.data = settings.answer_next_minutes
            self.solution_minutes.data = settings.solve_within_minutes
            self.warn_minutes.data = settings.answer_warn_minutes
            self.rests_inside.data = True
            return
        self.name.data, self.intent.data = found.name, found.intent or ""
        self.channel.data = str(found.channel_id or "")
        self.calendar.data = str(found.calendar_id or "")
        self.from_priority.data, self.rests_inside.data = found.from_priority, found.rests_inside
        for name in sla.TIMES:
            self[name].data = getattr(found, name)

    @property
    def minutes(self) -> dict[str, int]:
        return {name: -1 if self[name].data is None else self[name].data for name in sla.TIMES}


class StepForm(Form):
    channel = SelectField(_l("Channel"), validate_choice=False)
    team = SelectField(_l("Team"), validate_choice=False)
    after_minutes = _minutes(_l("So many minutes after it was due"), _l("0: at once."))
    decider = SelectField(_l("Who decides"), validate_choice=False)
    deputy = SelectField(_l("Who stands in"), validate_choice=False)
    limit = LineField(_l("May give away up to"), longest=12, shortest=0, description=_l("Empty or 0: nothing."))
    currency = LineField(_l("Currency"), longest=3, shortest=3, default="EUR")


class GoodwillForm(Form):
    amount = LineField(_l("Amount"), longest=12)
    currency = LineField(_l("Currency"), longest=3, shortest=3, default="EUR")
    reason = BlockField(_l("Reason"), longest=2000)


class ChoicesField(SelectMultipleField):
    """Several of a few, each with a box of its own: lists that want a key held down are for nobody."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class TeamForm(Form):
    name = LineField(_l("Name"), longest=80)
    way = SelectField(_l("New conversations go"), validate_choice=False)
    channels = ChoicesField(_l("Channels"), validate_choice=False, description=_l("None chosen: all."))
    languages = LineField(_l("Languages"), longest=60, shortest=0, description=_l("Like: de, en. Empty: all."))
    skills = LineField(
        _l("Skills that are needed"),
        longest=300,
        shortest=0,
        description=_l("Words with commas between: invoices, routers."),
    )
    members = ChoicesField(_l("Members"), validate_choice=False)


class ProfileForm(Form):
    languages = LineField(_l("Languages"), longest=60, shortest=0, description=_l("Like: de, en. Empty: all."))
    skills = LineField(
        _l("Skills"), longest=300, shortest=0, description=_l("Words with commas between: invoices, routers.")
    )
    capacity = IntegerField(
        _l("Open conversations at most"),
        validators=[
            InputRequired(_l("Please give a number.")),
            NumberRange(0, 1000, _l("A number from 0 to 1,000, please.")),
        ],
    )


class AbsenceForm(Form):
    person = SelectField(_l("Who is away"), validate_choice=False)
    starts = LineField(_l("From"), longest=40)
    ends = LineField(_l("Until"), longest=40)
    deputy = SelectField(_l("Who stands in"), validate_choice=False)
