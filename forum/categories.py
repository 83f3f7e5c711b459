"""Categories: what people choose when they ask."""

from collections.abc import Iterable
from typing import Final

from flask_babel import gettext
from sqlalchemy import func, select

from accounts import audit
from accounts.models import User
from core import bilingual, problems, texts
from core.db import db
from core.errors import Invalid, NotAllowed
from core.unique import add_once
from forum import limits, policy, tags
from forum.models import Category

LONGEST_DESCRIPTION: Final = 200
LONGEST_HOURS: Final = 87_600
"""Ten years."""
FIRST_SLUG: Final = "general"
FIRST: Final = {"de": "Allgemeines", "en": "General"}
"""What the first category of an empty installation is called, so that people can ask from the first minute."""


def create(*, names: dict[str, str], descriptions: dict[str, str], by: User) -> Category:
    """Make a category with a name in each language; the name that is missing is taken from the other language."""
    if not policy.may_arrange(by):
        raise NotAllowed
    names = bilingual.checked(names)
    slug = texts.slug(names["en"], "category")
    if db.session.scalar(select(Category.id).where(Category.slug == slug)) is not None:
        sentence = gettext("There is a category with this name already.")
        raise Invalid(sentence, fields={"name_en": sentence})
    last = db.session.scalar(select(func.max(Category.position))) or 0
    add_once(
        Category,
        slug=slug,
        names=names,
        descriptions=_checked(descriptions),
        position=last + 1,
        needs_tag=False,
        wanted_tags=[],
    )
    category = db.session.scalars(select(Category).where(Category.slug == slug)).one()
    audit.record("forum.category.create", category, by=by, after={"names": names})
    return category


def revise(
    category: Category,
    *,
    names: dict[str, str],
    descriptions: dict[str, str],
    position: int,
    needs_tag: bool = False,
    wanted_tags: Iterable[str] = (),
    by: User,
) -> None:
    """Give a category other words, another place or another rule for tags; its address stays."""
    if not policy.may_arrange(by):
        raise NotAllowed
    before = _state(category)
    with problems.at("wanted_tags"):
        wanted = tags.meant(limits.each_tag(wanted_tags))
    category.needs_tag, category.wanted_tags = needs_tag or bool(wanted), wanted
    category.names, category.descriptions = bilingual.checked(names), _checked(descriptions)
    category.position = position
    db.session.flush()
    if before != _state(category):
        audit.record("forum.category.revise", category, by=by, before=before, after=_state(category))


def set_rules(category: Category, *, accepts_several: bool, closes_after_hours: int | None, by: User) -> None:
    """Say whether questions there may have several solutions, and how long after its last word a solved one rests."""
    if not policy.may_arrange(by):
        raise NotAllowed
    if closes_after_hours is not None and not 1 <= closes_after_hours <= LONGEST_HOURS:
        sentence = gettext("A number from 1 to 87,600, please.")
        raise Invalid(sentence, fields={"closes_after_hours": sentence})
    before = _rules(category)
    category.accepts_several, category.closes_after_hours = accepts_several, closes_after_hours
    db.session.flush()
    if before != _rules(category):
        audit.record("forum.category.set_rules", category, by=by, before=before, after=_rules(category))


def make_first() -> list[str]:
    """Make a category where there is none yet, for without one nobody could ask; return what to tell the admin."""
    if db.session.scalar(select(Category.id).limit(1)) is not None:
        return []
    add_once(Category, slug=FIRST_SLUG, names=FIRST, descriptions={}, position=1, needs_tag=False, wanted_tags=[])
    return ["Questions go into the category “General” until an admin makes others at /admin/categories."]


def is_untouched_first(category: Category) -> bool:
    """Tell whether this is the category that was made by itself, with its names."""
    return category.slug == FIRST_SLUG and category.names == FIRST


def _checked(descriptions: dict[str, str]) -> dict[str, str]:
    return {
        locale: texts.line(words, longest=LONGEST_DESCRIPTION)
        for locale, words in descriptions.items()
        if words.strip()
    }


def _state(category: Category) -> dict[str, object]:
    return {
        "names": category.names,
        "descriptions": category.descriptions,
        "position": category.position,
        "needs_tag": category.needs_tag,
        "wanted_tags": category.wanted_tags,
    }


def _rules(category: Category) -> dict[str, object]:
    return {"accepts_several": category.accepts_several, "closes_after_hours": category.closes_after_hours}
