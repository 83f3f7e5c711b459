"""The form of a connection, made from what its kind of channel asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, SelectChoice, SelectField, StringField, TextAreaField

from core.forms import BlockField, Form, LineField
from desk.channels.base import Field

PREFIX = "says_"
"""Before the names of a kind's own fields, so that none is taken for one of the form."""


class ConnectionForm(Form):
    name = LineField(_l("Name"), longest=80, description=_l("What agents read."))

    @property
    def values(self) -> Mapping[str, str]:
        """Return what was typed by the names of the kind's fields."""
        return {
            field.name.removeprefix(PREFIX): ("y" if field.data is True else str(field.data or ""))
            for field in self
            if field.name.startswith(PREFIX)
        }

    @property
    def own(self) -> list[Any]:
        return [field for field in self if field.name.startswith(PREFIX)]

    def refuse_fields(self, wrong: Mapping[str, str]) -> None:
        """Show at each field what is wrong with it."""
        for name, sentence in wrong.items():
            asked = name if name in self else PREFIX + name
            if asked in self:
                self[asked].errors = [*self[asked].errors, sentence]
            else:
                self.form_errors.append(sentence)


class FeedForm(Form):
    """Another feed for a watch list."""

    url = LineField(
        _l("Address of the feed or the site"), longest=500, description=_l("A site’s feed is found by its address.")
    )
    takes = SelectField(
        _l("What comes to the desk"),
        choices=[
            SelectChoice("words", _l("Posts that name one of the words")),
            SelectChoice("all", _l("All posts: somebody complains there")),
        ],
        default="words",
    )
    words = BlockField(
        _l("Words"), longest=3000, shortest=0, description=_l("One a line. Empty: those of the channel.")
    )


def form_for(fields: Sequence[Field], *, is_new: bool, kept: Mapping[str, Any] | None = None) -> type[ConnectionForm]:
    """Return the class of the form for these fields; `kept` is what stands in them, and nothing secret."""
    members: dict[str, Any] = {}
    if is_new:
        members["slug"] = LineField(
            _l("Short name"), longest=80, description=_l("A part of its address: small letters, digits, dashes.")
        )
    for field in fields:
        members[PREFIX + field.name] = _control(field, is_new=is_new, value=(kept or {}).get(field.name))
    return type("ConnectionFormOfKind", (ConnectionForm,), members)


def _control(field: Field, *, is_new: bool, value: Any) -> Any:
    told: dict[str, Any] = {"description": field.hint}
    default = field.default if value is None else value
    if field.is_secret:
        told["description"] = field.hint if is_new else gettext("Empty: as it is now. It is never shown.")
        return PasswordField(field.label, **told)
    if field.kind == "choice":
        choices = [SelectChoice(name, label) for name, label in field.choices]
        return SelectField(field.label, choices=choices, default=default or None, **told)
    if field.kind == "switch":
        return BooleanField(field.label, default=default in {True, "y"}, **told)
    if field.kind == "lines":
        return TextAreaField(field.label, default=default, **told)
    return StringField(field.label, default="" if default is None else str(default), **told)
