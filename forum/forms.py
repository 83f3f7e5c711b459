"""What can be typed in the forum. Fields are named like the values of the deeds, so that a refusal finds its field."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import (
    BooleanField,
    DateField,
    Field,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import HiddenInput

from accounts import emails
from core.forms import BlockField, Form, LineField, MarkdownField, NamesForm
from core.i18n import LOCALES
from forum import categories, flags
from forum.limits import LONGEST_REASON, LONGEST_SOURCE, SHORTEST_REASON, SHORTEST_SOURCE
from forum.models import LONGEST_TITLE, SHORTEST_TITLE, PostKind
from forum.words import LONGEST_INTO, LONGEST_RULE

LONGEST_TAG_LINE = 300
FLAG_REASONS = {
    "spam": lazy_gettext("Advertising or spam"),
    "rude": lazy_gettext("Rude or hurtful"),
    "personal": lazy_gettext("Personal data that do not belong here"),
    "off_topic": lazy_gettext("Off topic"),
    "other": lazy_gettext("Something else"),
    "illegal": lazy_gettext("Illegal content"),
}
WORD_DEEDS = {
    "block": lazy_gettext("Refuse: it cannot be posted, and the writer learns which word it is"),
    "hold": lazy_gettext("Hold: it waits for the team"),
    "replace": lazy_gettext("Replace by other words"),
    "link": lazy_gettext("Link to an address"),
}
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


class AskForm(Form):
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


class AnswerForm(Form):
    source = PostField("answer", lazy_gettext("Your answer"))


class CommentForm(Form):
    source = PostField("comment", lazy_gettext("Your comment"))


class EditForm(Form):
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


class FlagForm(Form):
    """What is wrong with a post."""

    reason = RadioField(
        lazy_gettext("What is wrong with it?"),
        choices=[SelectChoice(reason, words) for reason, words in FLAG_REASONS.items()],
        validate_choice=False,
        validators=[InputRequired(lazy_gettext("Please choose what is wrong."))],
    )
    words = BlockField(
        lazy_gettext("What should the team know?"),
        longest=flags.LONGEST_WORDS,
        shortest=0,
        description=lazy_gettext("Needed for “something else” and for illegal content; otherwise it helps."),
    )


class ReportForm(Form):
    """A guest says that something is illegal."""

    words = BlockField(
        lazy_gettext("What is illegal about it, and why?"),
        longest=flags.LONGEST_WORDS,
        shortest=flags.SHORTEST_WORDS,
        validators=[wanted()],
        description=lazy_gettext("As exactly as you can: which passage, and which right or law it breaks."),
    )
    name = LineField(lazy_gettext("Your name"), longest=flags.LONGEST_NAME, shortest=0)
    email = LineField(
        lazy_gettext("Your e-mail address"),
        longest=emails.LONGEST,
        shortest=0,
        description=lazy_gettext("With it you get a receipt and hear what was decided. Only the team sees it."),
    )
    is_honest = BooleanField(
        lazy_gettext("To the best of my knowledge what I report is accurate and complete."),
        validators=[InputRequired(lazy_gettext("Please confirm this."))],
    )


class DecisionForm(Form):
    """What becomes of a case, or of several."""

    deed = StringField()
    reason = BlockField(
        lazy_gettext("Reason"),
        longest=LONGEST_REASON,
        shortest=0,
        description=lazy_gettext("Needed for muting: the author reads it. It stands in the log."),
    )


class WordForm(Form):
    words = LineField(
        lazy_gettext("Word"),
        longest=LONGEST_RULE,
        validators=[wanted()],
        description=lazy_gettext("One word or several in a row; * stands for any letters within a word."),
    )
    deed = RadioField(
        lazy_gettext("What happens where somebody writes it"),
        choices=[SelectChoice(deed, said) for deed, said in WORD_DEEDS.items()],
        default="hold",
        validate_choice=False,
    )
    into = LineField(
        lazy_gettext("Replaced by, or linked to"),
        longest=LONGEST_INTO,
        shortest=0,
        description=lazy_gettext("Only for those two: other words, or an address."),
    )


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
