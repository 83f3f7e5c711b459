"""Sections: the parts of the knowledge base."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from flask_babel import gettext
from sqlalchemy import delete, func, select, update

from accounts import audit
from accounts.models import User
from core import bilingual, texts
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.i18n import LOCALES
from core.unique import add_once, add_or_change
from kb import policy
from kb.models import Article, Section, SectionAddress

DEEPEST: Final = 3
"""Sections stand in sections that stand in sections, and no deeper."""


def create(*, names: dict[str, str], by: User, parent: Section | None = None) -> Section:
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
    # Whoever comes by the old address of another section finds this one from now on.
    db.session.execute(delete(SectionAddress).where(SectionAddress.slug == slug))
    if parent is not None:
        put(section, parent)
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


def move(section: Section, *, parent: Section | None, by: User) -> None:
    """Have a section stand in another one, or at the top (None); what stands in it goes along."""
    if not policy.may_write(by):
        raise NotAllowed
    before = section.parent_id
    put(section, parent)
    if before != section.parent_id:
        audit.record("kb.section.move", section, by=by, before={"parent": before}, after={"parent": section.parent_id})


def readdress(section: Section, *, slug: str, by: User) -> None:
    """Give a section another address; whoever comes to the old one is led on."""
    if not policy.may_write(by):
        raise NotAllowed
    slug, before = texts.slug(slug, ""), section.slug
    if slug == before:
        return
    if not slug or find(slug) is not None:
        sentence = gettext("There is a section with this address already.")
        raise Invalid(sentence if slug else gettext("This is still empty."), fields={"slug": sentence})
    db.session.execute(delete(SectionAddress).where(SectionAddress.slug == slug))
    section.slug = slug
    db.session.flush()
    _lead(before, section)
    audit.record("kb.section.readdress", section, by=by, before={"slug": before}, after={"slug": slug})


def dissolve(section: Section, *, into: Section, by: User) -> None:
    """Move what stands in a section into another one and take it away; its addresses lead there."""
    if not (policy.may_write(by) and policy.may_publish_in(by, section) and policy.may_publish_in(by, into)):
        raise NotAllowed(gettext("Only who publishes in both sections can move everything from one to the other."))
    everything = _locked()
    if into.id in _below(section.id, everything):
        sentence = gettext("Choose a section that does not stand in this one.")
        raise Invalid(sentence, fields={"into": sentence})
    for child in [one for one in everything.values() if one.parent_id == section.id]:
        put(child, into)
    for article in db.session.scalars(select(Article).where(Article.section_id == section.id)).unique():
        article.section = into  # one by one, so that the search hears of each
    db.session.execute(update(SectionAddress).where(SectionAddress.section_id == section.id).values(section_id=into.id))
    slug, names = section.slug, section.names
    db.session.flush()
    audit.record("kb.section.dissolve", section, by=by, before={"names": names}, after={"into": into.slug})
    db.session.delete(section)
    db.session.flush()
    _lead(slug, into)


def put(section: Section, parent: Section | None) -> None:
    """Have a section stand in another one, unless that goes in circles or too deep; asks nobody."""
    everything = _locked()
    if parent is not None:
        below = _below(section.id, everything)
        if parent.id in below:
            sentence = gettext("A section cannot stand in itself.")
            raise Invalid(sentence, fields={"parent": sentence})
        if _depth(parent.id, everything) + _height(section.id, everything) > DEEPEST:
            sentence = gettext("Sections go %(deepest)s levels deep, no more.", deepest=DEEPEST)
            raise Invalid(sentence, fields={"parent": sentence})
    section.parent_id = None if parent is None else parent.id
    db.session.flush()


def moved_to(slug: str) -> Section | None:
    """Return the section to which an old address leads."""
    moved = db.session.get(SectionAddress, slug)
    return None if moved is None else moved.section


def in_order(some: Iterable[Section]) -> Iterator[tuple[int, Section]]:
    """Yield sections as they stand in the tree, each with its depth from 0."""
    known = {section.id: section for section in some}
    inside: dict[int | None, list[Section]] = {}
    for section in known.values():
        inside.setdefault(section.parent_id if section.parent_id in known else None, []).append(section)

    def walk(parent_id: int | None, depth: int) -> Iterator[tuple[int, Section]]:
        for section in sorted(inside.get(parent_id, ()), key=lambda one: (one.position, one.slug)):
            yield depth, section
            yield from walk(section.id, depth + 1)

    return walk(None, 0)


def full_names(some: Iterable[Section]) -> dict[int, str]:
    """Return what sections are called together with those that they stand in, as “Router › Wireless”."""
    names: dict[int, str] = {}
    for _depth, section in in_order(some):
        above = names.get(section.parent_id) if section.parent_id is not None else None
        names[section.id] = f"{above} › {section.name}" if above else section.name
    return names


def named(slug: str) -> Section:
    """Return the section with this slug; where there is none, make it and name it after the slug."""
    slug = texts.slug(slug, "section")
    return find(slug) or moved_to(slug) or _add(slug, names_of(slug), position=0)


def names_of(slug: str) -> dict[str, str]:
    """Return what a section is called that only has a slug."""
    return {str(locale): slug.replace("-", " ").capitalize() for locale in LOCALES}


def find(slug: str) -> Section | None:
    return db.session.scalars(select(Section).where(Section.slug == slug)).one_or_none()


def _add(slug: str, names: dict[str, str], *, position: int) -> Section:
    add_once(Section, slug=slug, names=names, position=position)
    return db.session.scalars(select(Section).where(Section.slug == slug)).one()


def _locked() -> dict[int, Section]:
    """Return every section as it stands now; others who would move one wait."""
    db.session.flush()
    rows = db.session.scalars(
        select(Section).order_by(Section.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    return {section.id: section for section in rows.unique()}


def _below(section_id: int, everything: Mapping[int, Section]) -> set[int]:
    found = {section_id}
    while more := {one.id for one in everything.values() if one.parent_id in found} - found:
        found |= more
    return found


def _depth(section_id: int, everything: Mapping[int, Section]) -> int:
    above = everything[section_id].parent_id
    return 1 if above is None else 1 + _depth(above, everything)


def _height(section_id: int, everything: Mapping[int, Section]) -> int:
    inside = [one.id for one in everything.values() if one.parent_id == section_id]
    return 1 + max((_height(one, everything) for one in inside), default=0)


def _lead(slug: str, section: Section) -> None:
    add_or_change(
        SectionAddress, by="slug", changes={"section_id": section.id}, slug=slug, section_id=section.id, at=now()
    )
