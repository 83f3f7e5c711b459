"""What can be typed of a block."""

from typing import Final

from flask_babel import lazy_gettext
from wtforms import HiddenField, RadioField, SelectField

from core.forms import Form, LineField, MarkdownField
from kb import articles, blocks, references
from kb.forms import choices
from kb.publishing_forms import SIGNIFICANCES

AUDIENCES: Final = {
    "public": lazy_gettext("Everybody"),
    "signed_in": lazy_gettext("Everybody who is signed in"),
    "team": lazy_gettext("The team"),
}


class SayingForm(Form):
    """What a block says, and to whom."""

    words_de = MarkdownField(lazy_gettext("In German"), longest=blocks.LONGEST_WORDS, shortest=0)
    words_en = MarkdownField(lazy_gettext("In English"), longest=blocks.LONGEST_WORDS, shortest=0)
    audience = SelectField(
        lazy_gettext("Who may read it"),
        choices=choices(AUDIENCES),
        default="public",
        description=lazy_gettext("An article for more people cannot have it."),
    )

    @property
    def words(self) -> dict[str, str]:
        return {"de": self.words_de.data or "", "en": self.words_en.data or ""}


class BlockForm(SayingForm):
    name = LineField(
        lazy_gettext("Name"),
        longest=references.LONGEST_NAME,
        description=lazy_gettext("Small letters, digits and dashes. Articles refer to it by this name, so it stays."),
    )


class BlockEditForm(SayingForm):
    based_on = HiddenField()
    significance = RadioField(
        lazy_gettext("What changes for readers?"), choices=choices(SIGNIFICANCES), default="content"
    )
    comment = LineField(
        lazy_gettext("What you changed"),
        longest=articles.LONGEST_COMMENT,
        shortest=0,
        description=lazy_gettext("One line for the history."),
    )
