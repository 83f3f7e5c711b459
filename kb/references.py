r"""References to blocks: `{{block:name}}` in an article stands for what the block says, in the article's language.

A block may have another one in it. Where a reference stands alone in a line of a list or a quotation, every line of the
block stands in it as well. `\{{block:name}}` is no reference, but these characters.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from flask_babel import gettext
from sqlalchemy import select

from core import markup
from core.db import db
from core.errors import Invalid
from core.problems import Problems
from kb.models import Article, Audience, Revision, TextBlock, TextBlockUse

MOST_NESTED: Final = 5
LONGEST_NAME: Final = 60
FIELDS: Final = ("symptoms", "resolution")
"""Where blocks may stand in an article."""
WIDTH: Final[Mapping[str, int]] = {"team": 0, "signed_in": 1, "public": 2}
"""How many people read what is for them."""

_REFERENCE: Final = re.compile(r"(\\?)\{\{\s{0,3}block:\s{0,3}([^{}\s]{1,80})\s{0,3}\}\}")
_ALMOST: Final = re.compile(r"(?<!\\)\{\{\s{0,3}block\s{0,3}:[^{}\n]{0,80}(?:\}\}?)?")
_LEAD: Final = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")


@dataclass(slots=True)
class Reading:
    """One reading of texts in a language: which blocks it met."""

    locale: str
    found: dict[str, TextBlock] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)


def names_in(text: str) -> list[str]:
    """Return the names of the blocks that a text refers to, each once."""
    if "block:" not in text:
        return []
    return list(dict.fromkeys(name for plain, name in _REFERENCE.findall(text) if not plain))


def expanded(texts: Mapping[str, str], locale: str) -> tuple[dict[str, str], list[TextBlock]]:
    """Return texts with the words of their blocks, and every block that is in them, itself or through another one.

    The blocks are held until the transaction ends, so that none changes unseen. `Invalid` names each field in which a
    block is not known, says nothing in this language, or has itself in it.
    """
    reading, problems = Reading(locale), Problems()
    said = {name: problems.take(name, partial(_expand, text, reading, ()), "") for name, text in texts.items()}
    problems.refuse()
    return said, list(reading.found.values())


def spoken(text: str, locale: str) -> str:
    """Return a text with the words of its blocks; as it is where that is not possible any more."""
    try:
        return _expand(text, Reading(locale), ())
    except Invalid:
        return text


def refuse(text: str) -> None:
    """Raise `Invalid` where a reference stands where none may be."""
    if _ALMOST.search(text):
        raise Invalid(gettext("A block can only stand in the symptoms and in what helps. Please write its words here."))


def replaced(text: str, name: str, words: str) -> str:
    """Return a text with these words in the place of every reference to one block."""
    return _substituted(text, lambda found: words if found == name else None, keeps_plain=True)


def refuse_wider(article: Article, audience: Audience) -> None:
    """Raise `Invalid` where an article for these readers has a block that is for fewer."""
    newest = select(Revision.id).where(Revision.article_id == article.id).order_by(Revision.number.desc()).limit(1)
    refuse_wider_in([article.published_id or 0, db.session.scalar(newest) or 0], audience)


def refuse_wider_in(revision_ids: Collection[int], audience: Audience) -> None:
    """Raise `Invalid` where one of these versions has a block in it that is for fewer readers than these."""
    narrow = [known for known, width in WIDTH.items() if width < WIDTH[audience]]
    if not narrow:
        return
    found = db.session.scalars(
        select(TextBlock.name)
        .join(TextBlockUse, TextBlockUse.block_id == TextBlock.id)
        .where(TextBlockUse.revision_id.in_(revision_ids), TextBlock.audience.in_(narrow))
        .order_by(TextBlock.name)
        .limit(1)
    ).first()
    if found is not None:
        sentence = gettext("The block “%(name)s” is for fewer people than this article.", name=found)
        raise Invalid(sentence, fields={"audience": sentence})


def uses_of(blocks: Iterable[TextBlock]) -> list[TextBlockUse]:
    """Return the rows that say which blocks a version has in it."""
    return [TextBlockUse(block_id=block.id) for block in blocks]


def in_revision(revision: Revision) -> list[TextBlock]:
    """Return the blocks in a version, by name."""
    return list(
        db.session.scalars(
            select(TextBlock)
            .join(TextBlockUse, TextBlockUse.block_id == TextBlock.id)
            .where(TextBlockUse.revision_id == revision.id)
            .order_by(TextBlock.name)
        )
    )


def _expand(text: str, reading: Reading, above: tuple[str, ...]) -> str:
    if "block" not in text or "{{" not in text:
        return text
    if broken := next((found for found in _ALMOST.findall(text) if not _REFERENCE.fullmatch(found)), None):
        raise Invalid(gettext("“%(words)s” is not complete: a block is called by {{block:name}}.", words=broken))
    _load([name for name in names_in(text) if name not in reading.found], reading)
    return _substituted(text, lambda name: _words(name, reading, above))


def _words(name: str, reading: Reading, above: tuple[str, ...]) -> str:
    if name in above:
        chain = " → ".join([*above[above.index(name) :], name])
        raise Invalid(gettext("The block “%(name)s” has itself in it: %(chain)s.", name=name, chain=chain))
    if len(above) >= MOST_NESTED:
        raise Invalid(gettext("Blocks stand in each other %(most)s deep at most.", most=MOST_NESTED))
    if name in reading.said:
        return reading.said[name]
    block = reading.found.get(name)
    if block is None:
        raise Invalid(gettext("There is no block called “%(name)s”.", name=name))
    words = block.words.get(reading.locale, "")
    if not words:
        missing = (
            gettext("The block “%(name)s” says nothing in German yet.", name=name)
            if reading.locale == "de"
            else gettext("The block “%(name)s” says nothing in English yet.", name=name)
        )
        raise Invalid(missing)
    reading.said[name] = _expand(words, reading, (*above, name))
    return reading.said[name]


def _load(names: Collection[str], reading: Reading) -> None:
    if names:
        rows = db.session.scalars(
            select(TextBlock)
            .where(TextBlock.name.in_(names))
            .order_by(TextBlock.id)
            .with_for_update(read=True)
            .execution_options(populate_existing=True)  # what was read before the lock may be over
        )
        reading.found |= {block.name: block for block in rows}


def _substituted(text: str, words_of: Callable[[str], str | None], *, keeps_plain: bool = False) -> str:
    """Put words in the place of references, line by line of what surrounds them; stop where it becomes too long."""
    parts: list[str] = []
    length, at = 0, 0
    for found in _REFERENCE.finditer(text):
        words = (found[0] if keeps_plain else found[0][1:]) if found[1] else words_of(found[2])
        start = text.rfind("\n", 0, found.start()) + 1
        lead = text[start : found.start()]
        if words is None:
            words = found[0]
        elif not found[1] and "\n" in words and _LEAD.fullmatch(lead):
            inner = "".join(sign if sign in ">\t" else " " for sign in lead)
            words = "\n".join([line if not n else (inner + line).rstrip() for n, line in enumerate(words.split("\n"))])
        parts += [text[at : found.start()], words]
        length += found.start() - at + len(words)
        at = found.end()
        if length > markup.LIMIT:
            raise markup.TextTooLong(markup.LIMIT)
    return "".join([*parts, text[at:]])
