"""What can be typed in the forum. Fields are named like the values of the deeds, so that a refusal finds its field."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import MultipleFileField
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
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import HiddenInput

from accounts import emails
from core.forms import BlockField, Form, LineField, MarkdownField, NamesForm
from core.i18n import LOCALES
from core.settings import current_settings
from forum import canned, categories, fields, flags, personal_data
from forum.fields import AskedField
from forum.limits import (
    LONGEST_EDIT_REASON,
    LONGEST_EXPERIENCE,
    LONGEST_NOTE,
    LONGEST_OBJECTION,
    LONGEST_REASON,
    LONGEST_SOURCE,
    LONGEST_VERSION,
    SHORTEST_REASON,
    SHORTEST_SOURCE,
)
from forum.models import LONGEST_TITLE, MUTING_RULES, SHORTEST_TITLE, PostKind
from forum.words import LONGEST_INTO, LONGEST_RULE

LONGEST_TAG_LINE = 300
LONGEST_PICTURE_WORDS = 200
EARNED = "earned"
"""What the form says of a level that nobody set by hand."""
LONGEST_HANDLE = 40
RULE_NAMES = {
    "spam": lazy_gettext("No spam: nothing that is sent to many and that nobody asked for"),
    "advertising": lazy_gettext("No advertising in disguise"),
    "personal_data": lazy_gettext("No personal data, neither your own nor that of others"),
    "rude": lazy_gettext("Be kind to each other"),
    "off_topic": lazy_gettext("Stay on the subject"),
    "dangerous": lazy_gettext("No advice that can do harm"),
    "illegal": lazy_gettext("Nothing that the law forbids"),
    "other": lazy_gettext("Another reason, said below"),
}
"""The rules that something is muted by, in words."""
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
RULE_DEEDS = {
    "find": lazy_gettext("This is what one of our numbers looks like"),
    "allow": lazy_gettext("This is not personal: the hotline, an address of ours"),
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


class OwnAnswerField(MarkdownField):
    """An answer that may be missing; what is there is as long as an answer must be."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, shortest=SHORTEST_SOURCE["answer"], longest=LONGEST_SOURCE["answer"], **kwargs)

    def pre_validate(self, form: Any) -> None:
        self.data = (self.data or "").strip()
        if self.data:
            super().pre_validate(form)


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

    answer = OwnAnswerField(lazy_gettext("Your own answer"))
    solves = BooleanField(lazy_gettext("This solved it"))

    @property
    def tag_names(self) -> tuple[str, ...]:
        """The tags as typed, without the commas."""
        return tuple((self.tags.data or "").replace(",", " ").split())


class AnswerForm(WithPictures):
    version = LineField(lazy_gettext("Which version does it hold for?"), longest=fields.LONGEST["version"], shortest=0)
    source = PostField("answer", lazy_gettext("Your answer"))


class ReplyForm(Form):
    """A reply that the team writes again and again."""

    title = LineField(
        lazy_gettext("Name"),
        longest=canned.LONGEST_TITLE,
        validators=[wanted()],
        description=lazy_gettext("Only the team reads it."),
    )
    keywords = LineField(
        lazy_gettext("Keywords"),
        longest=canned.LONGEST_KEYWORDS,
        shortest=0,
        description=lazy_gettext("Words by which it is found, besides those of the text."),
    )
    text_de = BlockField(lazy_gettext("Text in German"), longest=canned.LONGEST_TEXT, shortest=0)
    text_en = BlockField(lazy_gettext("Text in English"), longest=canned.LONGEST_TEXT, shortest=0)

    @property
    def said(self) -> dict[str, str]:
        return {"de": self.text_de.data or "", "en": self.text_en.data or ""}


class CommentForm(Form):
    source = PostField("comment", lazy_gettext("Your comment"))


class AskBackForm(Form):
    source = PostField("comment", lazy_gettext("What do you need to know?"))


class ObsoleteForm(Form):
    reason = BlockField(
        lazy_gettext("Why does it no longer hold?"),
        longest=LONGEST_REASON,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
        description=lazy_gettext("Everybody reads it above the text."),
    )
    successor = LineField(
        lazy_gettext("What holds instead"),
        longest=500,
        shortest=0,
        description=lazy_gettext("The number of a question, or the address of a question, answer or article here."),
    )


class AssignForm(Form):
    """To whom a question is given; `seen` is who had it when the moderator looked."""

    handle = LineField(lazy_gettext("Name"), longest=LONGEST_HANDLE, validators=[wanted()])
    hours = IntegerField(lazy_gettext("For so many hours"), validators=[Optional()])
    seen = IntegerField(widget=HiddenInput(), validators=[Optional()])


class EditForm(WithDetails):
    """An edit; `version` is what the editor saw, and `title` is left out where there is none."""

    title = TitleField(lazy_gettext("The question in one sentence"))
    source = PostField("question", lazy_gettext("Text"))
    reason = LineField(
        lazy_gettext("What did you change, and why?"),
        longest=LONGEST_EDIT_REASON,
        shortest=0,
        description=lazy_gettext("It stands in the history."),
    )
    version = IntegerField(widget=HiddenInput())

    def fit(self, kind: PostKind) -> None:
        """Ask for what a post of this kind has."""
        if kind != "question":
            del self.title
        self.source.fit(kind)


class SuggestionForm(Form):
    """What a text should say instead; `version` is what was seen of it, and `title` is left out where there is none."""

    title = TitleField(lazy_gettext("The question in one sentence"))
    source = PostField("question", lazy_gettext("Text"))
    reason = LineField(
        lazy_gettext("What is better then?"),
        longest=LONGEST_EDIT_REASON,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
        description=lazy_gettext("Who decides reads it, and it stands in the history when your change is taken."),
    )
    version = IntegerField(widget=HiddenInput())

    def fit(self, kind: PostKind) -> None:
        """Ask for what a post of this kind has."""
        if kind != "question":
            del self.title
        self.source.fit(kind)


class TakingForm(Form):
    """A suggested text, as whoever decides leaves it or makes it better still."""

    title = TitleField(lazy_gettext("The question in one sentence"))
    source = PostField("question", lazy_gettext("Text"))
    version = IntegerField(widget=HiddenInput())

    def fit(self, kind: PostKind) -> None:
        """Ask for what a post of this kind has."""
        if kind != "question":
            del self.title
        self.source.fit(kind)


class DecliningForm(Form):
    words = BlockField(
        lazy_gettext("Why not?"),
        longest=LONGEST_REASON,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
        description=lazy_gettext("Whoever suggested it reads this, and nobody else."),
    )


class LabelForm(Form):
    """Which version or device a solution is for, where a question may have several."""

    label = LineField(lazy_gettext("For which version or device?"), longest=LONGEST_VERSION, shortest=0)


class ExperienceForm(Form):
    """Whether a solution worked."""

    has_worked = StringField()
    version = LineField(lazy_gettext("Version or device"), longest=LONGEST_VERSION, shortest=0)
    words = LineField(lazy_gettext("What happened instead?"), longest=LONGEST_EXPERIENCE, shortest=0)


class MailedExperienceForm(Form):
    """What happened instead, from a mail: beneath a solution in a few words, else as a comment."""

    words = BlockField(lazy_gettext("What happened instead?"), longest=LONGEST_SOURCE["comment"], shortest=0)
    version = LineField(lazy_gettext("Version or device"), longest=LONGEST_VERSION, shortest=0)


class ReopenForm(Form):
    """The one question of whoever opens a resting question again."""

    why = RadioField(
        lazy_gettext("What is it about?"),
        choices=[
            SelectChoice("back", lazy_gettext("The same problem is back: the solution does not help")),
            SelectChoice("more", lazy_gettext("There is something to add to the solution")),
            SelectChoice("other", lazy_gettext("Another problem, perhaps a similar one")),
        ],
        validate_choice=False,
    )

    def validate_why(self, field: Field) -> None:
        if field.data not in {"back", "more", "other"}:
            raise ValidationError(gettext("Please choose one of these."))


class MuteForm(Form):
    rule = ChoiceField(
        lazy_gettext("Which rule"), choices=[(rule, RULE_NAMES[rule]) for rule in MUTING_RULES], default="other"
    )
    reason = BlockField(
        lazy_gettext("Reason"),
        longest=LONGEST_REASON,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
        description=lazy_gettext("The author reads it, and it stands in the log."),
    )
    wanted = BlockField(
        lazy_gettext("What can its author change?"),
        longest=LONGEST_REASON,
        shortest=0,
        description=lazy_gettext("So that it can be shown again. The author reads it, and may edit the text."),
    )
    until = DateField(
        lazy_gettext("Until the end of this day"),
        validators=[Optional()],
        description=lazy_gettext("Without a date it stays muted until somebody lifts it."),
    )
    release = BooleanField(lazy_gettext("Reopen the questions that lead here"))
    review_at = DateField(
        lazy_gettext("Look at it again on"),
        validators=[Optional()],
        description=lazy_gettext("You are reminded then. Without a date, Klinke chooses one."),
    )
    is_silent = BooleanField(
        lazy_gettext("Silently: its author is not told and sees no difference"),
        description=lazy_gettext("For spam only."),
    )

    def validate_until(self, field: Field) -> None:
        _refuse_far(field)

    def validate_review_at(self, field: Field) -> None:
        _refuse_far(field)

    @property
    def until_moment(self) -> datetime | None:
        """The last minute of the chosen day."""
        return _moment(self.until.data, time(23, 59))

    @property
    def review_moment(self) -> datetime | None:
        """The morning of the chosen day."""
        return _moment(self.review_at.data, time(8, 0))


def _refuse_far(field: Field) -> None:
    if isinstance(field.data, date) and field.data.year >= 3000:  # noqa: PLR2004 -- later than anybody will look
        raise ValidationError(gettext("Please choose an earlier date."))


def _moment(day: date | None, at: time) -> datetime | None:
    return None if day is None else datetime.combine(day, at, tzinfo=UTC)


class ObjectionForm(Form):
    text = BlockField(
        lazy_gettext("Why should it not be muted?"),
        longest=LONGEST_OBJECTION,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
    )


class ObjectionAnswerForm(Form):
    text = BlockField(
        lazy_gettext("Your answer"),
        longest=LONGEST_REASON,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
    )


class NoteForm(Form):
    text = BlockField(
        lazy_gettext("A note for the team"),
        longest=LONGEST_NOTE,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
    )


class RemindersForm(Form):
    wants = RadioField(
        lazy_gettext("Reminders"),
        choices=[
            SelectChoice("yes", lazy_gettext("Remind me once when my question has answers and I accepted none")),
            SelectChoice("no", lazy_gettext("Do not remind me")),
        ],
        validate_choice=False,
    )

    def validate_wants(self, field: Field) -> None:
        if field.data not in {"yes", "no"}:
            raise ValidationError(gettext("Please choose one of these."))


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


class MailedQuestionForm(Form):
    """A question that came by mail, as its author reads it again before it is posted."""

    title = LineField(lazy_gettext("Your question in one sentence"), longest=LONGEST_TITLE, shortest=SHORTEST_TITLE)
    source = MarkdownField(
        lazy_gettext("What happened, and what have you tried"),
        longest=LONGEST_SOURCE["question"],
        shortest=SHORTEST_SOURCE["question"],
    )


class SolutionMailForm(Form):
    """Where a guest wants to hear of the solution."""

    email = LineField(
        lazy_gettext("E-mail address"),
        longest=emails.LONGEST,
        description=lazy_gettext("Only for this question; nobody sees it, and it is deleted afterwards."),
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


class PersonalRuleForm(Form):
    """What the house's own numbers look like, or what is nobody's secret."""

    deed = RadioField(
        lazy_gettext("What is it?"),
        choices=[SelectChoice(deed, said) for deed, said in RULE_DEEDS.items()],
        default="find",
        validate_choice=False,
    )
    words = LineField(
        lazy_gettext("Shape or text"),
        longest=personal_data.LONGEST_RULE,
        shortest=personal_data.SHORTEST_RULE,
        validators=[wanted()],
        description=lazy_gettext(
            "In a shape # is a digit, @ a letter and * some of both: KD-######. A text is one number or address; "
            "@example.org stands for every address there."
        ),
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

    needs_tag = BooleanField(lazy_gettext("A question here needs a tag"))
    wanted_tags = LineField(
        lazy_gettext("One of these tags"),
        longest=LONGEST_TAG_LINE,
        shortest=0,
        description=lazy_gettext("Separated by commas or spaces; when this is empty, any tag will do."),
    )

    accepts_several = BooleanField(
        lazy_gettext("A question may have several solutions"),
        description=lazy_gettext("Each for a version or a device, which whoever accepts it names."),
    )
    closes_after_hours = IntegerField(
        lazy_gettext("Solved questions rest after so many hours"),
        validators=[
            Optional(),
            NumberRange(1, categories.LONGEST_HOURS, lazy_gettext("A number from 1 to 87,600, please.")),
        ],
        description=lazy_gettext("Counted from the last word in it. Empty: never."),
    )

    @property
    def wanted_names(self) -> tuple[str, ...]:
        """The wanted tags as typed, without the commas."""
        return tuple((self.wanted_tags.data or "").replace(",", " ").split())

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


class TrustForm(Form):
    """A moderator sets somebody's level of trust."""

    level = RadioField(
        lazy_gettext("Level"),
        choices=[
            SelectChoice(EARNED, lazy_gettext("As it is earned")),
            SelectChoice("0", lazy_gettext("New here: with the limits of a new account")),
            SelectChoice("1", lazy_gettext("Member")),
            SelectChoice("2", lazy_gettext("Experienced: edits own posts at any time")),
            SelectChoice("3", lazy_gettext("Trusted: also accepts answers for others")),
        ],
        default=EARNED,
    )
    reason = BlockField(
        lazy_gettext("Reason"),
        longest=LONGEST_REASON,
        shortest=SHORTEST_REASON,
        description=lazy_gettext("It stands in the log for the team."),
    )
