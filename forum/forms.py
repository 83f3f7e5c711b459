"""What can be typed in the forum. Fields are named like the values of the deeds, so that a refusal finds its field."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, DateField, Field, IntegerField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import HiddenInput

from core.forms import BlockField, Form, LineField, MarkdownField, NamesForm
from core.i18n import LOCALES
from core.settings import current_settings
from forum import categories, fields
from forum.fields import AskedField
from forum.limits import LONGEST_REASON, LONGEST_SOURCE, SHORTEST_REASON, SHORTEST_SOURCE
from forum.models import LONGEST_TITLE, SHORTEST_TITLE, PostKind

LONGEST_TAG_LINE = 300
LONGEST_PICTURE_WORDS = 200
LANGUAGE_NAMES = {"de": "Deutsch", "en": "English"}


def wanted() -> InputRequired:
    """Mark a field as one that must not stay empty; what is wrong with an empty one, the field says itself."""
    return InputRequired(lazy_gettext("This is still empty."))


class TitleField(LineField):
    """A question in one line."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, longest=LONGEST_TITLE, shortest=SHORTEST_TITLE, validators=[wanted()], **kwargs)
        self.render_kw = {"maxlength": LONGEST_TITLE, "autocomplete": "off"}


class PostField(MarkdownField):
    """The text of a post, as long as its kind may be."""

    def __init__(self, kind: PostKind, label: Any, **kwargs: Any) -> None:
        super().__init__(label, validators=[wanted()], **kwargs)
        self.fit(kind)

    def fit(self, kind: PostKind) -> None:
        self.shortest, self.longest = SHORTEST_SOURCE[kind], LONGEST_SOURCE[kind]


class ChoiceField(SelectField):
    """One of a few values; a value that was not offered gets a sentence."""

    def __init__(self, label: Any, choices: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(label, validate_choice=False, **kwargs)
        self.type = "SelectField"  # the components draw a field by its type
        self.offer(choices)

    def offer(self, choices: Iterable[tuple[str, str]]) -> None:
        """Let people choose one of these (value, label)."""
        offered = dict(choices)
        self.offered = frozenset(offered)
        self.choices = [SelectChoice(value, label) for value, label in offered.items()]

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 -- WTForms' signature
        if not self.data or self.data not in self.offered:
            raise ValidationError(gettext("Please choose one of the list."))


class PicturesField(MultipleFileField):
    """Pictures that come with a text; `forum.views.pictures.take` keeps them and writes them into the text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lazy_gettext("Pictures"), **kwargs)
        self.render_kw = {"accept": "image/png,image/jpeg,image/webp,image/gif"}

    @property
    def megabytes(self) -> int:
        """How large each may be."""
        return current_settings().image_megabytes


class WithPictures(Form):
    """A form for a text that may show pictures."""

    pictures = PicturesField()
    picture_words = LineField(
        lazy_gettext("What the picture shows"),
        longest=LONGEST_PICTURE_WORDS,
        shortest=0,
        description=lazy_gettext("For everybody who cannot see it."),
    )


class WithDetails(WithPictures):
    """A form that asks, beside the text, what the category asks; made by `asking` for one category."""

    asked: Sequence[AskedField] = ()

    @property
    def detail_fields(self) -> list[Field]:
        """The fields for it, in their order."""
        return [self[fields.PREFIX + field.key] for field in self.asked]

    @property
    def details(self) -> dict[str, str]:
        """What was written into them."""
        return {field.key: self[fields.PREFIX + field.key].data or "" for field in self.asked}


FormWithDetails = TypeVar("FormWithDetails", bound=WithDetails)


def asking(form: type[FormWithDetails], asked: Sequence[AskedField]) -> type[FormWithDetails]:
    """Return the form with these fields, as WTForms makes forms at run time: a class of its own."""
    made = {fields.PREFIX + field.key: _control(field) for field in asked}
    return type(form.__name__, (form,), {"asked": tuple(asked), **made})


def _control(field: AskedField) -> Any:
    checks = [wanted()] if field.required else []
    longest = fields.LONGEST[field.kind]
    kind = BlockField if field.kind == "text" else LineField
    made = kind(field.name, longest=longest, shortest=int(field.required), validators=checks, description=field.hint)
    made.kwargs["render_kw"] = {"maxlength": longest, "rows": 4} if field.kind == "text" else {"maxlength": longest}
    return made


class AskForm(WithDetails):
    title = TitleField(
        lazy_gettext("Your question in one sentence"),
        description=lazy_gettext("As you would say it to a person who knows the subject."),
    )
    category = ChoiceField(lazy_gettext("Category"))
    source = PostField("question", lazy_gettext("What happened, and what have you tried"))
    tags = LineField(
        lazy_gettext("Tags"),
        longest=LONGEST_TAG_LINE,
        shortest=0,
        description=lazy_gettext("Up to five words, separated by commas or spaces."),
    )
    locale = ChoiceField(
        lazy_gettext("Language of your question"), choices=[(code, LANGUAGE_NAMES[code]) for code in LOCALES]
    )

    @property
    def tag_names(self) -> tuple[str, ...]:
        """The tags as typed, without the commas."""
        return tuple((self.tags.data or "").replace(",", " ").split())


class AnswerForm(WithPictures):
    version = LineField(lazy_gettext("Which version does it hold for?"), longest=fields.LONGEST["version"], shortest=0)
    source = PostField("answer", lazy_gettext("Your answer"))


class CommentForm(Form):
    source = PostField("comment", lazy_gettext("Your comment"))


class EditForm(WithDetails):
    """An edit; `version` is what the editor saw, and `title` is left out where there is none."""

    title = TitleField(lazy_gettext("The question in one sentence"))
    source = PostField("question", lazy_gettext("Text"))
    version = IntegerField(widget=HiddenInput())

    def fit(self, kind: PostKind) -> None:
        """Ask for what a post of this kind has."""
        if kind != "question":
            del self.title
        self.source.fit(kind)


class MuteForm(Form):
    reason = BlockField(
        lazy_gettext("Reason"),
        longest=LONGEST_REASON,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
        description=lazy_gettext("The author reads it."),
    )
    until = DateField(
        lazy_gettext("Until the end of"),
        validators=[Optional()],
        description=lazy_gettext("Without a date it stays muted until somebody lifts it."),
    )

    def validate_until(self, field: Field) -> None:
        if isinstance(field.data, date) and field.data.year >= 3000:  # noqa: PLR2004 -- later than anybody will look
            raise ValidationError(gettext("Please choose an earlier date."))

    @property
    def until_moment(self) -> datetime | None:
        """The last minute of the chosen day."""
        if self.until.data is None:
            return None
        return datetime.combine(self.until.data, time(23, 59), tzinfo=UTC)


class UnmuteForm(Form):
    reason = LineField(lazy_gettext("Reason"), longest=LONGEST_REASON, shortest=0)


class SolvedForm(Form):
    """Which suggestion solved it, and what was about to be asked."""

    kind = StringField()
    id = IntegerField()
    title = StringField()


class CategoryForm(NamesForm):
    description_de = LineField(
        lazy_gettext("Description in German"), longest=categories.LONGEST_DESCRIPTION, shortest=0
    )
    description_en = LineField(
        lazy_gettext("Description in English"), longest=categories.LONGEST_DESCRIPTION, shortest=0
    )

    @property
    def descriptions(self) -> dict[str, str]:
        return {"de": self.description_de.data or "", "en": self.description_en.data or ""}


class FieldForm(NamesForm):
    """A field of a category."""

    hint_de = LineField(lazy_gettext("Hint in German"), longest=fields.LONGEST_HINT, shortest=0)
    hint_en = LineField(lazy_gettext("Hint in English"), longest=fields.LONGEST_HINT, shortest=0)
    kind = ChoiceField(lazy_gettext("What is written into it"))
    required = BooleanField(lazy_gettext("Must not stay empty"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:  # it stands on a page with the names of the category
            field.id = field.label.field_id = f"field-{field.name}"
        self.kind.offer(
            [
                ("line", gettext("One line")),
                ("version", gettext("A version: one line, and answers say which version they hold for")),
                ("text", gettext("Several lines, such as an error message")),
            ]
        )

    @property
    def hints(self) -> dict[str, str]:
        return {"de": self.hint_de.data or "", "en": self.hint_en.data or ""}
