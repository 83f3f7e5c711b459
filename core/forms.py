"""Forms: CSRF, clean texts, and `once`, so that a double click is one deed."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytz
from flask import current_app
from flask_babel import gettext, lazy_gettext
from flask_wtf import CSRFProtect, FlaskForm
from itsdangerous import BadSignature, TimestampSigner
from wtforms import Field, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, NumberRange, StopValidation, ValidationError

from core import bilingual, markup, texts
from core.clock import now
from core.errors import KlinkeError
from core.personal import Finding

csrf = CSRFProtect()
LONGEST_POST = 32_000
HIGHEST_POSITION = 10_000


class Form(FlaskForm):
    """A form; `once` is new on every page and claimed by `core.once` where a deed must not be repeated.

    It is signed with the moment at which it was made, so that nobody can say that a form was open for longer.
    """

    private: Sequence[Finding] = ()
    """What looks like personal data in what was typed, where the view looked for it."""
    private_seal: str = ""
    is_private_seen: bool = False

    once = HiddenField(default=lambda: _signer().sign(secrets.token_urlsafe(16)).decode())

    @property
    def seconds_open(self) -> float:
        """For how long the form was open before it was sent, to the second; 0 where that cannot be known."""
        try:
            _, made_at = _signer().unsign(self.once.data or "", return_timestamp=True)
        except BadSignature:
            return 0
        return max(0, (now() - made_at).total_seconds())

    def refuse(self, error: KlinkeError) -> None:
        """Show a domain error at the fields it names, or above the form."""
        for name, sentence in error.fields.items():
            if name in self:
                self[name].errors = [*self[name].errors, sentence]
        if not error.fields:
            self.form_errors.append(error.sentence or str(error.title))


class LineField(StringField):
    """One clean line of at most `longest` characters."""

    def __init__(
        self, label: Any, *, longest: int, shortest: int = 1, validators: Sequence[Any] = (), **kwargs: Any
    ) -> None:
        super().__init__(label, [*validators], **kwargs)
        self.longest, self.shortest = longest, shortest

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 -- WTForms' signature
        self.data = _cleaned(self, texts.line)


class MomentField(LineField):
    """A day and a time as people type them, by the clock of the form's `zone`; `moment` is what was meant, in UTC."""

    LONGEST = 40

    def __init__(self, label: Any, *, validators: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(label, longest=self.LONGEST, shortest=0, validators=validators, **kwargs)
        self.moment: datetime | None = None

    def post_validate(self, form: Any, validation_stopped: bool) -> None:  # noqa: ARG002 -- WTForms' signature
        if not self.data:
            return
        try:
            typed = datetime.fromisoformat(self.data)
            zone = pytz.timezone(getattr(form, "zone", "UTC"))
            self.moment = (typed if typed.tzinfo else zone.localize(typed, is_dst=None)).astimezone(UTC)
        except pytz.NonExistentTimeError:
            raise ValidationError(gettext("On that day the clocks skip this hour.")) from None
        except pytz.AmbiguousTimeError:
            raise ValidationError(gettext("On that day this hour comes twice. Choose another one.")) from None
        except (ValueError, OverflowError):
            raise ValidationError(gettext("Please give a day and a time, as in 2027-03-01T09:30.")) from None


class BlockField(TextAreaField):
    """A clean text of several lines."""

    def __init__(
        self,
        label: Any,
        *,
        longest: int = LONGEST_POST,
        shortest: int = 1,
        validators: Sequence[Any] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [*validators], **kwargs)
        self.longest, self.shortest = longest, shortest

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 -- WTForms' signature
        self.data = _cleaned(self, texts.block)


class MarkdownField(BlockField):
    """A text in Markdown that can be rendered; `html` is the result."""

    html: str = ""

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        try:
            self.html = markup.render(self.data)
        except KlinkeError as error:
            raise StopValidation(error.sentence) from None


class NamesForm(Form):
    """A thing with a name in each language and a place in a list."""

    name_de = LineField(lazy_gettext("Name in German"), longest=bilingual.LONGEST_NAME, shortest=0)
    name_en = LineField(lazy_gettext("Name in English"), longest=bilingual.LONGEST_NAME, shortest=0)
    position = IntegerField(
        lazy_gettext("Place in the list"),
        default=1,
        validators=[
            InputRequired(lazy_gettext("Please give a number.")),
            NumberRange(0, HIGHEST_POSITION, lazy_gettext("A number from 0 to 10,000, please.")),
        ],
    )

    @property
    def names(self) -> dict[str, str]:
        return {"de": self.name_de.data or "", "en": self.name_en.data or ""}


def _signer() -> TimestampSigner:
    return TimestampSigner(current_app.secret_key or "", salt="once")


def _cleaned(field: Field, clean: Any) -> str:
    try:
        return str(clean(field.data or "", longest=field.longest, shortest=field.shortest))
    except KlinkeError as error:
        raise StopValidation(error.sentence) from None
