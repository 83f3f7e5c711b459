"""What is typed of text blocks, and of an exchange that goes into the forum."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, SelectChoice, SelectField

from core.forms import BlockField, Form, LineField
from desk import blocks
from desk.block_models import ReplyBlock
from desk.models import Channel
from forum.limits import LONGEST_SOURCE
from forum.models import LONGEST_TITLE, SHORTEST_TITLE
from kb import references

LONGEST_KEYWORDS = 400
SCOPES: Mapping[str, Any] = {
    "team": _l("The whole team"),
    "mine": _l("Only me"),
    "channel": _l("The team, on one channel"),
}


class BlockForm(Form):
    """A block; its texts stand beside the fields, since there are as many as there are channels."""

    title = LineField(_l("Title"), longest=blocks.LONGEST_TITLE)
    folder = LineField(_l("Folder"), longest=blocks.LONGEST_FOLDER, shortest=0)
    keywords = LineField(
        _l("Keywords"), longest=LONGEST_KEYWORDS, shortest=0, description=_l("Other words for it, separated by commas.")
    )
    name = LineField(
        _l("Short name"),
        longest=references.LONGEST_NAME,
        shortest=0,
        description=_l("By this others have it in them. Small letters, digits, dashes; empty: made of the title."),
    )
    scope = SelectField(_l("For whom"), choices=[SelectChoice(value, label) for value, label in SCOPES.items()])
    channel = SelectField(_l("Which channel"), validate_choice=False)
    comment = LineField(_l("What was changed"), longest=blocks.LONGEST_COMMENT, shortest=0)
    based_on = HiddenField()

    texts: dict[str, str]
    """By language and channel, as `desk.blocks` keeps them."""
    problems: dict[str, str]
    """What is wrong with which text."""

    def read(self, channels: Sequence[Channel]) -> "BlockForm":
        """Take the texts out of what was sent."""
        self.channel.choices = [SelectChoice("", ""), *(SelectChoice(one.slug, one.name) for one in channels)]
        keys = [*blocks.LANGUAGES, *(f"{key}@{one.slug}" for one in channels for key in blocks.LANGUAGES)]
        self.texts = {key: request.form.get(f"words-{key}", "") for key in keys}
        self.problems = {}
        return self

    def show(self, block: ReplyBlock | None) -> "BlockForm":
        """Fill the texts with what a block says."""
        self.texts |= {} if block is None else block.words
        return self

    def refuse(self, error: Any) -> None:
        """Show an error at the texts, too."""
        self.problems = {name: said for name, said in error.fields.items() if name.startswith("words-")}
        super().refuse(error)
        if error.fields and not any(name in self for name in error.fields):
            self.form_errors.append(error.sentence)

    def words(self, channels: Sequence[Channel]) -> blocks.Words:
        """Return everything that was typed of the block."""
        return blocks.Words(
            title=self.title.data or "",
            folder=self.folder.data or "",
            keywords=[word for word in (self.keywords.data or "").split(",") if word.strip()],
            name=self.name.data or "",
            scope=self.scope.data or "",
            channel=next((one for one in channels if one.slug == self.channel.data), None),
            words=self.texts,
        )


class ExchangeForm(Form):
    """A public exchange, as an agent reads it again before everybody does."""

    title = LineField(_l("The question in one sentence"), longest=LONGEST_TITLE, shortest=SHORTEST_TITLE)
    question = BlockField(_l("The question itself"), longest=LONGEST_SOURCE["question"])
    answer = BlockField(_l("The answer that helped"), longest=LONGEST_SOURCE["answer"])
    category = SelectField(_l("Category"), validate_choice=False)
    locale = SelectField(_l("Language"), choices=[SelectChoice("de", "Deutsch"), SelectChoice("en", "English")])
    has_consent = BooleanField(
        _l("The customer agreed: the question may lead to where they wrote it"),
    )
