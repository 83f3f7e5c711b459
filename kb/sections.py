"""Sections: the parts of the knowledge base."""

from flask_babel import gettext
from sqlalchemy import func, select

from accounts import audit
from accounts.models import User
from core import bilingual, texts
from core.db import db
from core.errors import Invalid, NotAllowed
from core.i18n import LOCALES
from core.unique import add_once
from kb import policy
from kb.models import Section


def create(*, names: dict[str, str], by: User) -> Section:
    """Make a section with a name in each language; the name that is missing is taken from the other language."""
    if not policy.may_write(by):
        raise NotAllowed
    names = bilingual.checked(names)
    slug = texts.slug(names["en"], "section")
    if find(slug) is not None:
        sentence = gettext("There is a section with this name already.")
        raise Invalid(sentence, fields={"name_en": sentence})
    last = db.session.scalar(select(func.max(Section.position))) or 0
    section = _add(slug, names, position=last + 1)
    audit.record("kb.section.create", section, by=by, after={"names": names})
    return section


def rename(section: Section, *, names: dict[str, str], position: int, by: User) -> None:
    """Give a section other names or another place; its address stays."""
    if not policy.may_write(by):
        raise NotAllowed
    before = {"names": section.names, "position": section.position}
    section.names, section.position = bilingual.checked(names), position
    db.session.flush()
    after = {"names": section.names, "position": section.position}
    if before != after:
        audit.record("kb.section.rename", section, by=by, before=before, after=after)


def named(slug: str) -> Section:
    """Return the section with this slug; where there is none, make it and name it after the slug."""
    slug = texts.slug(slug, "section")
    return find(slug) or _add(slug, names_of(slug), position=0)


def names_of(slug: str) -> dict[str, str]:
    """Return what a section is called that only has a slug."""
    return {str(locale): slug.replace("-", " ").capitalize() for locale in LOCALES}


def find(slug: str) -> Section | None:
    return db.session.scalars(select(Section).where(Section.slug == slug)).one_or_none()


def _add(slug: str, names: dict[str, str], *, position: int) -> Section:
    add_once(Section, slug=slug, names=names, position=position)
    return db.session.scalars(select(Section).where(Section.slug == slug)).one()
