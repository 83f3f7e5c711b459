"""The index: the tree of sections and what stands in them, made of the data; and what it leaves out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from accounts.people import Viewer
from core.db import db
from core.i18n import spoken
from kb import addresses, queries
from kb.families import Sibling
from kb.models import Article, Revision, Section

MOST_ENTRIES: Final = 30
"""Articles of a section that the index shows."""


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    title: str
    url: str
    locale: str


@dataclass(slots=True)
class Branch:
    """A section in the index, and what stands in it."""

    id: int
    slug: str
    name: str
    url: str
    is_readable: bool
    """Whether the viewer finds something in it."""
    parent_id: int | None
    position: int
    branches: list["Branch"] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    is_open: bool = False
    """Whether it is where the viewer is, or on the way there."""
    is_here: bool = False

    def has_something(self) -> bool:
        return self.is_readable or any(branch.has_something() for branch in self.branches)


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside an article: the index, the way to its section, and the same in other languages."""

    branches: Sequence[Branch]
    path: Sequence[Branch]
    siblings: Sequence[Sibling]


def beside(article: Article, *, viewer: Viewer) -> Beside:
    """Return what stands beside an article, in one statement."""
    entries = (
        select(Article.id)
        .where(Article.section_id == article.section_id, Article.place.is_not(None))
        .where(queries.readable_by(viewer), queries.told_in(article.locale, viewer, among=_listed_in(article)))
        .order_by(Article.place, Article.id)
        .limit(MOST_ENTRIES)
    )
    wanted: list[ColumnElement[bool]] = [Article.id.in_(entries)]
    if article.family_id is not None:
        family = select(Article.id).where(Article.family_id == article.family_id, Article.id != article.id)
        wanted.append(Article.id.in_(family.where(queries.readable_by(viewer))))
    rows = _rows(viewer, or_(*wanted))
    branches = _grown(rows)
    siblings = []
    for row in rows:
        if row.article_id is None:
            continue
        url = addresses.path(row.article_id, row.article_slug)
        if article.family_id is not None and row.family_id == article.family_id and row.article_id != article.id:
            siblings.append(Sibling(row.article_id, row.locale, row.title, url, row.significance, row.changed_at))
        # What says the same as the page itself in another language stands beside the index.
        is_told = row.locale == article.locale or row.family_id is None or row.family_id != article.family_id
        if row.place is not None and row.id == article.section_id and is_told:
            branches[row.id].entries.append(Entry(row.article_id, row.title, url, row.locale))
    path = _way(branches, article.section_id)
    return Beside(_shown(branches), path, sorted(siblings, key=lambda sibling: sibling.locale))


def around(section: Section, *, viewer: Viewer) -> Beside:
    """Return what stands beside the page of a section."""
    branches = _grown(_rows(viewer, None))
    path = _way(branches, section.id)
    return Beside(_shown(branches), path, ())


def unlisted() -> Any:
    """Select what is published and not in the index."""
    return select(Article).where(_is_published(), Article.place.is_(None)).options(*queries.light())


def dead_entries() -> Any:
    """Select what is in the index and leads nowhere, because it is not published."""
    return select(Article).where(~_is_published(), Article.place.is_not(None)).options(*queries.light())


def counts() -> dict[str, int]:
    """Return how many rows each list of the report has."""
    is_published = _is_published()
    row = db.session.execute(
        select(
            func.coalesce(func.sum(case((is_published & Article.place.is_(None), 1), else_=0)), 0),
            func.coalesce(func.sum(case((~is_published & Article.place.is_not(None), 1), else_=0)), 0),
        )
    ).one()
    return {"unlisted": row[0], "dead": row[1], "empty": len(empty_sections())}


def empty_sections() -> list[Section]:
    """Return the sections in which nobody finds anything, nor in what stands in them."""
    filled = exists().where(queries.stands_in_section(), _is_published()).correlate(Section)
    return list(db.session.scalars(select(Section).where(~filled).order_by(Section.position, Section.slug)))


def _is_published() -> ColumnElement[bool]:
    return queries.readable_in("team")


def _listed_in(article: Article) -> Callable[[type[Article]], ColumnElement[bool]]:
    return lambda other: (other.section_id == article.section_id) & other.place.is_not(None)


def _rows(viewer: Viewer, wanted: ColumnElement[bool] | None) -> Sequence[Any]:
    readable = aliased(Article)
    has_some = exists().where(readable.section_id == Section.id, queries.readable_by(viewer, readable))
    columns = [Section.id, Section.slug, Section.names, Section.position, Section.parent_id]
    statement = select(*columns, has_some.correlate(Section).label("is_readable"))
    if wanted is not None:
        statement = (
            statement.add_columns(
                Article.id.label("article_id"),
                Article.locale,
                Article.family_id,
                Article.place,
                Article.changed_at,
                Revision.title,
                Revision.slug.label("article_slug"),
                Revision.significance,
            )
            .select_from(Section)
            .outerjoin(Article, (Article.section_id == Section.id) & wanted)
            .outerjoin(Revision, Revision.id == Article.published_id)
            .order_by(Article.place, Article.id)
        )
    return db.session.execute(statement).all()


def _grown(rows: Iterable[Any]) -> dict[int, Branch]:
    branches: dict[int, Branch] = {}
    for row in rows:
        if row.id not in branches:
            name = spoken(row.names, otherwise=row.slug)
            branches[row.id] = Branch(
                row.id,
                row.slug,
                name,
                addresses.of_section_slug(row.slug),
                row.is_readable,
                row.parent_id,
                row.position,
            )
    for branch in branches.values():
        above = branches.get(branch.parent_id) if branch.parent_id is not None else None
        if above is not None:
            above.branches.append(branch)
    return branches


def _way(branches: Mapping[int, Branch], section_id: int) -> list[Branch]:
    path: list[Branch] = []
    here = branches.get(section_id)
    if here is not None:
        here.is_here = True
    while here is not None and here not in path:
        here.is_open = True
        path.insert(0, here)
        here = branches.get(here.parent_id) if here.parent_id is not None else None
    return path


def _shown(branches: Mapping[int, Branch]) -> list[Branch]:
    """Return the branches at the top; what has nothing for the viewer is cut off, unless they stand in it."""

    def pruned(some: Iterable[Branch]) -> list[Branch]:
        kept = [branch for branch in some if branch.is_open or branch.has_something()]
        for branch in kept:
            branch.branches = pruned(branch.branches)
        return sorted(kept, key=lambda branch: (branch.position, branch.slug))

    return pruned(branch for branch in branches.values() if branch.parent_id not in branches)
