"""The forms of accounts."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, PasswordField, RadioField, SelectChoice, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from accounts import emails, handles, passwords, people, tokens
from core import timezones
from core.forms import BlockField, Form, LineField

ROLE_NAMES = {
    "member": _l("Member"),
    "trusted": _l("Trusted member"),
    "agent": _l("Agent: works at the desk"),
    "lead": _l("Lead: an agent who looks after teams, absences, checklists and approvals"),
    "moderator": _l("Moderator: keeps the forum in order"),
    "editor": _l("Editor: writes and publishes articles"),
    "admin": _l("Admin: may do everything"),
}
SCOPE_NAMES = {
    "read": _l("Read what you may read"),
    "write": _l("Ask, answer and vote for you"),
    "desk": _l("Work at the desk for you"),
    "moderate": _l("Moderate for you"),
    "all": _l("All of it"),
}
TEAM_SCOPES = frozenset({"desk", "moderate"})
LOCALES = {"": _l("Like the browser"), "de": "Deutsch", "en": "English"}
THEMES = {"auto": _l("Like the device"), "light": _l("Light"), "dark": _l("Dark")}
LONGEST_REASON = 500
LONGEST_TYPED_PASSWORD = 1000


def choices(names: Mapping[str, Any]) -> list[SelectChoice]:
    """Return what a person may choose from: values and their (lazily translated) names."""
    return [SelectChoice(value, name) for value, name in names.items()]


def _typed_password(label: Any) -> PasswordField:
    return PasswordField(
        label,
        validators=[
            InputRequired(_l("This is still empty.")),
            Length(max=LONGEST_TYPED_PASSWORD, message=_l("A password has at most %(max)d characters.")),
        ],
    )


class SignInForm(Form):
    handle = LineField(_l("Handle or e-mail address"), longest=emails.LONGEST)
    password = _typed_password(_l("Password"))
    time_zone = HiddenField()


class RegisterForm(Form):
    handle = LineField(
        _l("Handle"),
        longest=handles.LONGEST,
        shortest=handles.SHORTEST,
        description=_l("Part of your profile's address. Letters, digits, dashes, dots and underscores."),
    )
    name = LineField(_l("Name"), longest=people.LONGEST_NAME, description=_l("This is how others see you."))
    email = LineField(
        _l("E-mail address"), longest=emails.LONGEST, description=_l("Only for messages to you; nobody else sees it.")
    )
    password = PasswordField(
        _l("Password"),
        validators=[InputRequired(_l("This is still empty."))],
        description=_l(
            "%(least)s characters or more. A few words in a row are easy to keep.", least=passwords.SHORTEST
        ),
    )
    licence = BooleanField(
        _l("What I write here may be used in articles and replies, with my name beside it."),
        validators=[InputRequired(_l("We need your agreement, so that an answer can help the next person too."))],
    )
    time_zone = HiddenField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Say all that is wrong at once, not first what is missing and then what is weak."""
        is_right = bool(super().validate(extra_validators))
        values = {name: self[name].data or "" for name in ("handle", "email", "password")}
        for name, sentence in people.objections(**values).items():
            if not self[name].errors:
                self[name].errors = [sentence]
                is_right = False
        return is_right


class ForgotForm(Form):
    email = LineField(_l("E-mail address"), longest=emails.LONGEST)


class NewPasswordForm(Form):
    password = PasswordField(
        _l("New password"),
        validators=[InputRequired(_l("This is still empty."))],
        description=_l(
            "%(least)s characters or more. A few words in a row are easy to keep.", least=passwords.SHORTEST
        ),
    )


class ChangePasswordForm(NewPasswordForm):
    current = _typed_password(_l("Current password"))


class ProfileForm(Form):
    name = LineField(_l("Name"), longest=people.LONGEST_NAME)
    about = BlockField(
        _l("About you"),
        longest=people.LONGEST_ABOUT,
        shortest=0,
        description=_l("A line or two that others see on your profile."),
    )
    locale = SelectField(_l("Language"), choices=choices(LOCALES))
    time_zone = SelectField(
        _l("Time zone"),
        choices=choices({name: name.replace("_", " ") for name in timezones.names()}),
        description=_l("Nobody reminds you of anything at night."),
        validate_choice=False,
    )
    theme = RadioField(_l("Colours"), choices=choices(THEMES))
    credit = RadioField(
        _l("When an article is made from what you wrote"),
        choices=choices({"named": _l("Name me in it"), "unnamed": _l("Say “a member of the community”")}),
        validate_choice=False,
    )


class TokenForm(Form):
    name = LineField(_l("What is it for?"), longest=tokens.LONGEST_NAME)
    scopes = SelectMultipleField(
        _l("What may it do?"),
        choices=choices(SCOPE_NAMES),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validators=[InputRequired(_l("Please choose what the token may do."))],
    )


class PersonForm(Form):
    roles = SelectMultipleField(
        _l("Roles"),
        choices=choices(ROLE_NAMES),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    is_closed = BooleanField(
        _l("The account is closed"),
        description=_l("A closed account cannot sign in and its API tokens open nothing. What it wrote stays."),
    )
    reason = LineField(
        _l("Reason"), longest=LONGEST_REASON, shortest=3, description=_l("Goes into the log, for those who look later.")
    )
