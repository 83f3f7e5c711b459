"""What can be typed in the knowledge base. Fields are named like the values of the deeds, where refusals find them."""

import re
from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectChoice, SelectField
from wtforms.validators import InputRequired, NumberRange, Optional

from core import bilingual
from core.forms import HIGHEST_POSITION, BlockField, Form, LineField, MarkdownField, NamesForm
from kb import articles, checking, faces, feedback, tasks
from kb.models import FACE_KINDS, LONGEST_FACE, FaceKind, FeedbackReason
from search import synonyms

LANGUAGE_NAMES: Final[Mapping[str, str]] = {"de": "Deutsch", "en": "English"}
NEW_SECTION: Final = "new"
LONGEST_KEYWORD_LINE: Final = 2000
LONGEST_TAG_LINE: Final = 300
LONGEST_PRODUCT_LINE: Final = 2000
FACE_LABELS: Final[Mapping[FaceKind, Any]] = {
    "sentence": lazy_gettext("One sentence"),
    "280": lazy_gettext("280 characters"),
    "300": lazy_gettext("300 characters"),
    "500": lazy_gettext("500 characters"),
    "1000": lazy_gettext("1,000 characters"),
    "mail": lazy_gettext("Mail"),
}

_SEPARATORS = re.compile(r"[,;\n]")


def choices(offered: Mapping[str, Any]) -> list[SelectChoice]:
    """Return the choices of a field, from values to labels."""
    return [SelectChoice(value, label) for value, label in offered.items()]


def _wanted() -> InputRequired:
    return InputRequired(lazy_gettext("This is still empty."))


class ArticleForm(Form):
    title = LineField(
        lazy_gettext("Title"),
        longest=articles.LONGEST_TITLE,
        shortest=articles.SHORTEST_TITLE,
        validators=[_wanted()],
        description=lazy_gettext("The problem in one sentence, so general that the next person finds it."),
    )
    summary = BlockField(
        lazy_gettext("Summary"),
        longest=articles.LONGEST_SUMMARY,
        shortest=0,
        description=lazy_gettext("One or two sentences without formatting: what helps."),
    )
    symptoms = MarkdownField(lazy_gettext("Symptoms, in the customers' words"), shortest=0)
    environment = LineField(
        lazy_gettext("Applies to"),
        longest=articles.LONGEST_ENVIRONMENT,
        shortest=0,
        description=lazy_gettext("In your own words: what it applies to, as far as no list says it."),
    )
    products = LineField(
        lazy_gettext("Products"),
        longest=LONGEST_PRODUCT_LINE,
        shortest=0,
        description=lazy_gettext(
            "From the list of products, with or without a version, separated by commas: R2 7.1, R3."
        ),
    )
    cause = BlockField(
        lazy_gettext("Cause"),
        longest=articles.LONGEST_CAUSE,
        shortest=0,
        description=lazy_gettext("Why it happens, if that is known. Without formatting."),
    )
    resolution = MarkdownField(lazy_gettext("What helps"), shortest=1, validators=[_wanted()])
    keywords = LineField(
        lazy_gettext("Keywords"),
        longest=LONGEST_KEYWORD_LINE,
        shortest=0,
        description=lazy_gettext("Other words people search with, separated by commas."),
    )
    tags = LineField(
        lazy_gettext("Tags"),
        longest=LONGEST_TAG_LINE,
        shortest=0,
        description=lazy_gettext("Up to five words, separated by commas or spaces."),
    )
    locale = SelectField(lazy_gettext("Language"), choices=choices(LANGUAGE_NAMES))
    section = SelectField(lazy_gettext("Section"), choices=[])
    section_name = LineField(
        lazy_gettext("Name of the new section"),
        longest=bilingual.LONGEST_NAME,
        shortest=0,
        description=lazy_gettext("Only if none of the sections fits."),
    )
    audience = SelectField(
        lazy_gettext("Who may read it"),
        choices=choices(
            {
                "public": lazy_gettext("Everybody"),
                "signed_in": lazy_gettext("Everybody who is signed in"),
                "team": lazy_gettext("The team"),
            }
        ),
        default="public",
    )

    @property
    def keyword_list(self) -> list[str]:
        return [word.strip() for word in _SEPARATORS.split(self.keywords.data or "") if word.strip()]

    @property
    def product_line(self) -> str | None:
        """The products that were typed; None where nobody was asked, because there are none."""
        return (self.products.data or "") if "products" in self else None

    @property
    def tag_names(self) -> tuple[str, ...]:
        return tuple((self.tags.data or "").replace(",", " ").split())

    @property
    def words(self) -> articles.Words:
        return {
            "title": self.title.data or "",
            "summary": self.summary.data or "",
            "symptoms": self.symptoms.data or "",
            "environment": self.environment.data or "",
            "cause": self.cause.data or "",
            "resolution": self.resolution.data or "",
            "keywords": self.keyword_list,
        }


class PromotionForm(ArticleForm):
    """An article from an answer: a new one, or (`into`, `way`, `based_on`) a new version of one that is there."""

    into = HiddenField()
    way = HiddenField(default="new")
    based_on = HiddenField()
    is_new = BooleanField(lazy_gettext("It is not written yet"))
    is_general = BooleanField(lazy_gettext("It helps others, too"))
    is_advisable = BooleanField(lazy_gettext("We may recommend it"))

    @property
    def checks(self) -> list[str]:
        """What the editor found true of the answer."""
        said = {"new": self.is_new.data, "general": self.is_general.data, "advisable": self.is_advisable.data}
        return [check for check, is_true in said.items() if is_true]


class EditForm(ArticleForm):
    based_on = HiddenField()
    comment = LineField(
        lazy_gettext("What you changed"),
        longest=articles.LONGEST_COMMENT,
        shortest=0,
        description=lazy_gettext("One line for the history."),
    )

    def face(self, kind: FaceKind) -> BlockField:
        """Return the field in which the face of this kind is edited."""
        field: BlockField = self[faces.field_of(kind)]
        return field

    def informal_face(self, kind: FaceKind) -> BlockField:
        """Return the field for the same with du."""
        field: BlockField = self[faces.field_of(kind, is_informal=True)]
        return field


for _kind in FACE_KINDS:
    setattr(EditForm, faces.field_of(_kind), BlockField(FACE_LABELS[_kind], longest=LONGEST_FACE, shortest=0))
    setattr(
        EditForm,
        faces.field_of(_kind, is_informal=True),
        BlockField(lazy_gettext("%(kind)s, with du", kind=FACE_LABELS[_kind]), longest=LONGEST_FACE, shortest=0),
    )


class ReasonForm(Form):
    """Why the team does something to what others wrote."""

    reason = BlockField(
        lazy_gettext("Reason"),
        longest=articles.LONGEST_REASON,
        shortest=articles.SHORTEST_REASON,
        validators=[_wanted()],
    )


class FeedbackForm(Form):
    helped = RadioField(
        lazy_gettext("Did this help?"), choices=choices({"yes": lazy_gettext("Yes"), "no": lazy_gettext("No")})
    )
    reason = RadioField(
        lazy_gettext("Why did it not help?"),
        choices=[SelectChoice(reason, label) for reason, label in tasks.REASONS.items()],
        validators=[Optional()],
        validate_choice=False,
    )
    comment = BlockField(lazy_gettext("What was missing or wrong?"), longest=feedback.LONGEST_COMMENT, shortest=0)

    @property
    def why(self) -> FeedbackReason | None:
        """The reason that was chosen; None where none was, or one that nobody offered."""
        return next((known for known in tasks.REASONS if known == self.reason.data), None)


class FlagForm(Form):
    """What is wrong with an article, in the words of somebody who may not edit it."""

    words = BlockField(
        lazy_gettext("What is wrong?"),
        longest=tasks.LONGEST_WORDS,
        shortest=tasks.SHORTEST_WORDS,
        validators=[_wanted()],
        description=lazy_gettext("As exactly as you can: which step or sentence, and what is right instead."),
    )


class SettlementForm(Form):
    note = BlockField(lazy_gettext("What was done, or why nothing is needed"), longest=tasks.LONGEST_NOTE, shortest=0)


class OwnerForm(Form):
    owner = SelectField(
        lazy_gettext("Who looks after it"),
        choices=[],
        description=lazy_gettext("They are told what readers report and when it is to be checked again."),
    )


class RuleForm(Form):
    """After how many days articles are looked at again."""

    section = SelectField(lazy_gettext("Section"), choices=[])
    confidence = SelectField(
        lazy_gettext("How sure the team is"),
        choices=choices(
            {
                "": lazy_gettext("All"),
                "validated": lazy_gettext("Checked"),
                "not_validated": lazy_gettext("Not checked yet"),
            }
        ),
    )
    days = IntegerField(
        lazy_gettext("Days between two checks"),
        validators=[_wanted(), NumberRange(min=0, max=checking.LONGEST_DAYS)],
        description=lazy_gettext("0: never."),
    )


class RetirementForm(ReasonForm):
    successor = LineField(
        lazy_gettext("Which article takes its place?"),
        longest=500,
        shortest=0,
        description=lazy_gettext("Its address or number. Whoever opens the old address is led there. May be empty."),
    )


class TakeOverForm(Form):
    """What the article says from now on, after the answer that it was made from changed."""

    resolution = MarkdownField(lazy_gettext("What helps"), shortest=1, validators=[_wanted()])
    version = HiddenField()
    based_on = HiddenField()


class SectionForm(NamesForm):
    """A section of the knowledge base."""


class SectionEditForm(SectionForm):
    """A section that is there: its names, address, and what it stands in."""

    slug = LineField(
        lazy_gettext("Address"),
        longest=80,
        shortest=0,
        description=lazy_gettext("The last part of /kb/s/…; the old address leads to the new one."),
    )
    parent = SelectField(lazy_gettext("Stands in"), choices=[])


class PublishersForm(Form):
    """Who publishes in a section."""

    who = RadioField(
        lazy_gettext("Who publishes here?"),
        choices=choices(
            {
                "editors": lazy_gettext("Editors"),
                "agents": lazy_gettext("Editors and agents"),
                "people": lazy_gettext("Only these people"),
            }
        ),
    )
    handles = LineField(
        lazy_gettext("These people"),
        longest=1000,
        shortest=0,
        description=lazy_gettext("Their handles, separated by commas. Editors and agents can be named."),
    )

    @property
    def handle_list(self) -> list[str]:
        return _SEPARATORS.split(self.handles.data or "")


class DissolutionForm(Form):
    into = SelectField(lazy_gettext("Where its articles go"), choices=[])


class PlaceForm(Form):
    place = IntegerField(
        lazy_gettext("Place in the index"),
        validators=[Optional(), NumberRange(0, HIGHEST_POSITION, lazy_gettext("A number from 0 to 10,000, please."))],
    )


class SynonymForm(Form):
    """Words that mean the same."""

    words = BlockField(
        lazy_gettext("Words and short phrases"),
        longest=synonyms.MOST_WORDS * (synonyms.LONGEST_PHRASE + 2),
        validators=[_wanted()],
        description=lazy_gettext("One in each line, or separated by commas. Two at least, 20 at most."),
    )
    locale = SelectField(
        lazy_gettext("Language"), choices=choices({**LANGUAGE_NAMES, "": lazy_gettext("Every language")})
    )
    is_one_way = BooleanField(
        lazy_gettext("One way only"),
        description=lazy_gettext(
            "Whoever looks for the first word also finds the others, but not the other way round."
        ),
    )

    @property
    def word_list(self) -> list[str]:
        return [word.strip() for word in _SEPARATORS.split(self.words.data or "") if word.strip()]
