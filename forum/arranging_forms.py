"""What moderators type when they arrange topics, and admins about tags.

Several of these forms stand on one page, so every field has an id of its own.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, DateField, RadioField, SelectMultipleField, StringField, ValidationError
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput, ListWidget

from core.forms import BlockField, Form, LineField
from forum.forms import LONGEST_TAG_LINE, ChoiceField, TitleField, wanted
from forum.limits import LONGEST_REASON, LONGEST_TAG, SHORTEST_REASON
from forum.models import Category

LONGEST_ADDRESS = 500
TARGET_HINT = lazy_gettext("Its number, or its address as the browser shows it.")
LATEST_YEAR = 3000


class DuplicateForm(Form):
    pick = RadioField(lazy_gettext("What is similar"), id="duplicate-pick", validate_choice=False, coerce=str)
    target = LineField(
        lazy_gettext("Another question or article"),
        id="duplicate-target",
        longest=LONGEST_ADDRESS,
        shortest=0,
        description=TARGET_HINT,
    )
    reason = LineField(lazy_gettext("A word to the asker"), id="duplicate-reason", longest=LONGEST_REASON, shortest=0)

    def offer(self, choices: Iterable[tuple[str, str]]) -> None:
        """Let the moderator pick one of these (address, title)."""
        self.pick.choices = list(choices)

    @property
    def chosen(self) -> str:
        """What was typed, else what was picked."""
        return self.target.data or self.pick.data or ""


class CloseForm(Form):
    reason = BlockField(
        lazy_gettext("Reason"),
        id="close-reason",
        longest=LONGEST_REASON,
        shortest=SHORTEST_REASON,
        validators=[wanted()],
        description=lazy_gettext("Everybody reads it above the question."),
    )


class NameForm(Form):
    title = TitleField(lazy_gettext("The question in one sentence"), id="name-title")


class CategoryChoiceForm(Form):
    category = ChoiceField(lazy_gettext("Category"), id="move-category")


class OwnerForm(Form):
    handle = StringField(
        lazy_gettext("Handle of the new owner"),
        id="owner-handle",
        validators=[wanted()],
        description=lazy_gettext("As it stands behind the @. They may edit the question and decide what solved it."),
    )


class AuthorForm(Form):
    handle = StringField(
        lazy_gettext("Handle of the author"),
        id="author-handle",
        validators=[wanted()],
        description=lazy_gettext("As it stands behind the @. Whose text it was and whose it is are told."),
    )


class TagsForm(Form):
    tags = LineField(
        lazy_gettext("Tags"),
        id="tags-tags",
        longest=LONGEST_TAG_LINE,
        shortest=0,
        description=lazy_gettext("Up to five words, separated by commas or spaces."),
    )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple((self.tags.data or "").replace(",", " ").split())


class PinForm(Form):
    until = DateField(
        lazy_gettext("Until the end of this day"),
        id="pin-until",
        validators=[Optional()],
        description=lazy_gettext("Without a date it stays on top until somebody takes it off."),
    )

    def validate_until(self, field: Any) -> None:
        if isinstance(field.data, date) and field.data.year >= LATEST_YEAR:
            raise ValidationError(gettext("This is too far away. Leave it empty to have no end."))

    @property
    def until_moment(self) -> datetime | None:
        """The last moment of the day, in UTC."""
        return None if self.until.data is None else datetime.combine(self.until.data, time.max, tzinfo=UTC)


class MergeForm(Form):
    into = LineField(
        lazy_gettext("The question that stays"),
        id="merge-into",
        longest=LONGEST_ADDRESS,
        shortest=1,
        validators=[wanted()],
        description=TARGET_HINT,
    )
    knowing = BooleanField(lazy_gettext("I know that this cannot be undone"), id="merge-knowing")


class SplitForm(Form):
    posts = SelectMultipleField(
        lazy_gettext("What moves"),
        id="split-posts",
        coerce=int,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    title = TitleField(lazy_gettext("The new question in one sentence"), id="split-title")
    category = ChoiceField(lazy_gettext("Category"), id="split-category")
    knowing = BooleanField(
        lazy_gettext("The solution may move, too; then this question is unsolved"), id="split-knowing"
    )


class BulkForm(Form):
    deed = ChoiceField(lazy_gettext("What to do"), id="bulk-deed")
    target = LineField(
        lazy_gettext("Question or article that they lead to"),
        id="bulk-target",
        longest=LONGEST_ADDRESS,
        shortest=0,
        description=lazy_gettext("To close them as duplicates."),
    )
    reason = LineField(
        lazy_gettext("Reason"),
        id="bulk-reason",
        longest=LONGEST_REASON,
        shortest=0,
        description=lazy_gettext("To close them; everybody reads it."),
    )
    category = ChoiceField(lazy_gettext("New category"), id="bulk-category", description=lazy_gettext("To move them."))
    tag = LineField(
        lazy_gettext("Tag"),
        id="bulk-tag",
        longest=LONGEST_TAG,
        shortest=0,
        description=lazy_gettext("To add it or to take it away."),
    )


class NewTagForm(Form):
    word = LineField(lazy_gettext("Tag"), id="new-tag", longest=LONGEST_TAG, validators=[wanted()])


class SynonymForm(Form):
    word = LineField(
        lazy_gettext("Another word"),
        id="synonym-word",
        longest=LONGEST_TAG,
        validators=[wanted()],
        description=lazy_gettext("Whoever types it gets this tag."),
    )


class TagMergeForm(Form):
    into = LineField(
        lazy_gettext("The tag that stays"),
        id="tag-into",
        longest=LONGEST_TAG,
        validators=[wanted()],
        description=lazy_gettext(
            "Everything that has this tag gets that one, and who follows this one follows that one."
        ),
    )


def choices_of(categories: Iterable[Category]) -> list[tuple[str, str]]:
    return [(category.slug, category.name) for category in categories]
