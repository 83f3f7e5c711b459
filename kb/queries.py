"""What there is to read in the knowledge base, always as much of it as the viewer may see."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from flask_babel import gettext
from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, func, or_, select, true
from sqlalchemy.orm import aliased, contains_eager, joinedload, lazyload, selectinload, with_expression

from accounts.models import User
from accounts.people import Viewer
from core.db import LARGEST_ID, db
from core.errors import NotFound
from core.i18n import locale
from forum import queries as forum_queries
from forum.models import Post, Topic
from kb import policy, sections
from kb.models import Article, ArticleDoubt, ArticleFeedback, ArticleSource, ArticleUse, Face, Revision, Section

HIGHEST_NUMBER = 2**31 - 1
Circle = Literal["public", "signed_in", "team"]
"""Who reads: everybody, who is signed in, the team."""
SHOWN_A_SECTION = 5
"""Articles that the home page shows of each section."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A section, how many articles the viewer finds in it, and the newest of them."""

    section: Section
    count: int
    articles: Sequence[Article]
    name: str
    """What it is called, together with those that it stands in."""


def articles_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the one clause that says which articles a viewer may see; drafts are for the team."""
    if policy.may_see_drafts(viewer):
        return true()
    return readable_by(viewer)


def readable_by(viewer: Viewer, article: type[Article] = Article) -> ColumnElement[bool]:
    """Return the clause for what is published for this viewer: what lists and feeds show, to the team as well."""
    return readable_in(circle_of(viewer), article)


def told_in(
    locale: str, viewer: Viewer, *, among: Callable[[type[Article]], ColumnElement[bool]] | None = None
) -> ColumnElement[bool]:
    """Return the clause that leaves out of a list what the viewer may read there in this language as well.

    `among` says of a translation that it is in the list, too; otherwise the list is a section. A translation that
    stands elsewhere hides nothing: no list looks empty for that.
    """
    other = aliased(Article)
    same = exists().where(
        other.family_id == Article.family_id,
        other.section_id == Article.section_id if among is None else among(other),
        other.locale == locale,
        readable_by(viewer, other),
    )
    return or_(Article.locale == locale, Article.family_id.is_(None), ~same.correlate(Article))


def circle_of(viewer: Viewer) -> Circle:
    """Return the circle that a viewer belongs to."""
    if policy.may_see_drafts(viewer):
        return "team"
    return "signed_in" if viewer.is_authenticated else "public"


def readable_in(circle: Circle, article: type[Article] = Article) -> ColumnElement[bool]:
    """Return the clause for what is published for a circle."""
    published = and_(article.published_id.is_not(None), article.confidence != "archived")
    if circle == "team":
        return published
    audiences = ("public", "signed_in") if circle == "signed_in" else ("public",)
    return and_(published, article.audience.in_(audiences))


def visible_articles(viewer: Viewer) -> Select[Article]:
    return select(Article).where(articles_visible_to(viewer))


def visible_article(article_id: int, *, viewer: Viewer) -> Article:
    """Return the article; raise `NotFound` when there is none that the viewer may see."""
    article = None
    if article_id <= LARGEST_ID:
        lean = (
            joinedload(Article.published).lazyload(Revision.by),
            selectinload(Article.sources).joinedload(ArticleSource.post).lazyload(Post.muting),
        )
        wanted = visible_articles(viewer).where(Article.id == article_id)
        article = db.session.scalars(wanted.options(*lean)).unique().one_or_none()
    if article is None:
        raise NotFound(gettext("This article is not here, or not for everyone. The search finds what there is."))
    return article


def readable_articles(
    viewer: Viewer,
    *,
    section: Section | None = None,
    locale: str | None = None,
) -> Select[Article]:
    """Select what is published for the viewer, without the parts that lists do not show."""
    statement = select(Article).where(readable_by(viewer)).options(*light())
    if section is not None:
        statement = statement.where(Article.section_id == section.id)
    if locale is not None:
        statement = statement.where(Article.locale == locale)
    return statement


def light() -> tuple[Any, ...]:
    """Return the options of a statement that loads articles without the parts that lists do not show."""
    return (
        joinedload(Article.owner),
        lazyload(Article.sources),
        joinedload(Article.published).lazyload(Revision.by),
    )


def marked_for(viewer: Viewer) -> tuple[Any, ...]:
    """Return the options by which articles say whether they are in doubt; for the team only."""
    return (with_expression(Article.is_doubted, in_doubt()),) if policy.may_see_drafts(viewer) else ()


def in_doubt() -> ColumnElement[bool]:
    """Return the clause for articles that editors should look at."""
    return exists().where(ArticleDoubt.article_id == Article.id, ArticleDoubt.confirmed_at.is_(None))


def by_ids(article_ids: Collection[int]) -> Select[Article]:
    """Select these articles without the parts that lists do not show, for the team."""
    return select(Article).where(Article.id.in_(article_ids)).options(*light())


def drafted_articles() -> Select[Article]:
    """Select what is not published, or has words that are newer than the published ones: for the team."""
    newer = exists().where(Revision.article_id == Article.id, Revision.id > Article.published_id)
    return select(Article).where(or_(Article.published_id.is_(None), newer)).options(*light())


def shelves(viewer: Viewer) -> list[Shelf]:
    """Return the sections that have something for the viewer, in their order; editors see the empty ones too."""
    told = told_in(locale(), viewer)
    counts = _counted(
        select(Article.section_id, func.count()).where(readable_by(viewer), told).group_by(Article.section_id)
    )
    place = func.row_number().over(partition_by=Article.section_id, order_by=Article.id.desc()).label("place")
    newest = select(Article.id, place).where(readable_by(viewer), told).subquery()
    shown = db.session.scalars(
        select(Article)
        .join(newest, newest.c.id == Article.id)
        .where(newest.c.place <= SHOWN_A_SECTION)
        .order_by(Article.id.desc())
        .options(*light(), *marked_for(viewer))
    ).unique()
    articles: dict[int, list[Article]] = {}
    for article in shown:
        articles.setdefault(article.section_id, []).append(article)
    everything = list(sections.in_order(all_sections()))
    names = sections.full_names(section for _depth, section in everything)
    filled = {section.id for _depth, section in everything if section.id in counts}
    for _depth, section in reversed(everything):
        if section.id in filled and section.parent_id is not None:
            filled.add(section.parent_id)
    return [
        Shelf(section, counts.get(section.id, 0), articles.get(section.id, ()), names[section.id])
        for _depth, section in everything
        if section.id in filled or policy.may_write(viewer)
    ]


def all_sections() -> list[Section]:
    return list(db.session.scalars(select(Section).order_by(Section.position, Section.slug)))


def visible_section(slug: str, *, viewer: Viewer) -> Section:
    """Return the section; raise `NotFound` when there is none, or nothing in it for the viewer."""
    readable = exists().where(stands_in_section(), readable_by(viewer)).correlate(Section)
    found = db.session.execute(select(Section, readable).where(Section.slug == slug)).one_or_none()
    if found is None or not (found[1] or policy.may_write(viewer)):
        raise NotFound(gettext("There is no such section. The knowledge base lists them all."))
    section: Section = found[0]
    return section


def stands_in_section() -> ColumnElement[bool]:
    """Return the clause that joins articles to the sections they stand in, and to those that these stand in."""
    inner, middle, innermost = aliased(Section), aliased(Section), aliased(Section)
    inside = select(inner.id).where(inner.parent_id == Section.id).correlate(Section)
    below = (
        select(innermost.id)
        .join(middle, middle.id == innermost.parent_id)
        .where(middle.parent_id == Section.id)
        .correlate(Section)
    )
    return or_(Article.section_id == Section.id, Article.section_id.in_(inside), Article.section_id.in_(below))


def section_names(slugs: Collection[str], viewer: Viewer) -> dict[str, str]:
    """Return what the sections with these slugs are called in which there is something for the viewer."""
    statement = select(Section).where(Section.slug.in_(slugs))
    if not policy.may_write(viewer):
        statement = statement.where(exists().where(Article.section_id == Section.id, readable_by(viewer)))
    return {section.slug: section.name for section in db.session.scalars(statement)}


def newest_revision(article: Article) -> Revision:
    """Return the words that were written last, published or not."""
    return db.session.scalars(
        select(Revision).where(Revision.article_id == article.id).order_by(Revision.number.desc()).limit(1)
    ).one()


def newest_revisions(articles: Collection[Article]) -> dict[int, Revision]:
    """Return the words that were written last, by article id."""
    newest = select(func.max(Revision.id)).where(Revision.article_id.in_([article.id for article in articles]))
    rows = db.session.scalars(select(Revision).where(Revision.id.in_(newest.group_by(Revision.article_id))))
    return {revision.article_id: revision for revision in rows}


def revision_at(article: Article, moment: datetime) -> int | None:
    """Return the id of the version that was the last at a moment and is no draft; None before there was any."""
    published = select(Revision.number).where(Revision.id == article.published_id).scalar_subquery()
    return db.session.scalar(
        select(Revision.id)
        .where(Revision.article_id == article.id, Revision.at <= moment, Revision.number <= published)
        .order_by(Revision.number.desc())
        .limit(1)
    )


def revisions_of(article: Article) -> list[Revision]:
    """Return every version of an article, the newest first."""
    return list(
        db.session.scalars(
            select(Revision)
            .where(Revision.article_id == article.id)
            .order_by(Revision.number.desc())
            .options(joinedload(Revision.by))
        )
    )


def revision_of(article: Article, number: int) -> Revision:
    """Return one version of an article; raise `NotFound` when it has no such version."""
    found = None
    if 0 < number <= HIGHEST_NUMBER:
        found = db.session.scalars(
            select(Revision).where(Revision.article_id == article.id, Revision.number == number)
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("This article has no such version."))
    return found


def visible_sources(article: Article, *, viewer: Viewer) -> list[Post]:
    """Return the posts that the article was made from, as far as the viewer may see them."""
    ids = [source.post_id for source in article.sources]
    if not ids:
        return []
    return list(
        db.session.scalars(
            select(Post)
            .join(Topic, Post.topic_id == Topic.id)
            .where(Post.id.in_(ids), forum_queries.posts_visible_to(viewer))
            .order_by(Post.id)
            # Of the topic only its title and address are shown; the rest of the post came with the article.
            .options(contains_eager(Post.topic).lazyload("*"), lazyload(Post.author), lazyload(Post.muting))
        ).unique()
    )


def credits_of(article: Article) -> tuple[list[User], int]:
    """Return whose knowledge an article holds, without those who do not want to be named, and how many these are."""
    credited = [source.post.author for source in article.sources] or [article.owner]
    known = list(dict.fromkeys(user for user in credited if user is not None))
    named = [user for user in known if user.is_named]
    return named, len(known) - len(named)


def feedback_of(article_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return by article how many readers it helped, and how many said so or the opposite."""
    rows = db.session.execute(
        select(
            ArticleFeedback.article_id,
            func.sum(case((ArticleFeedback.helped, 1), else_=0)),
            func.count(),
        )
        .where(ArticleFeedback.article_id.in_(article_ids))
        .group_by(ArticleFeedback.article_id)
    )
    return {article_id: (int(helped), told) for article_id, helped, told in rows}


def uses_of(article_ids: Collection[int]) -> Mapping[int, int]:
    """Return by article how often it was reused in an answer."""
    return _counted(
        select(ArticleUse.article_id, func.count())
        .where(ArticleUse.article_id.in_(article_ids))
        .group_by(ArticleUse.article_id)
    )


class Publication(NamedTuple):
    """What is published of an article, read without making rows of ours: the desk reads it for every message."""

    id: int
    source_id: str | None
    published: Any
    """title, summary, environment, resolution_html"""
    faces: list[Any]
    """kind, text, is_drafted"""
    informal_faces: list[Any]
    """The same in German with du."""


def publications(article_ids: Collection[int]) -> dict[int, Publication]:
    """Return what is published of articles, by their id."""
    faces: dict[tuple[int, bool], list[Any]] = {}
    if not article_ids:
        return {}
    ids = {"ids": list(article_ids)}
    for face in db.session.execute(_FACES, ids):
        faces.setdefault((face.article_id, face.is_informal), []).append(face)
    rows = db.session.execute(_PUBLISHED, ids)
    return {
        row.id: Publication(row.id, row.source_id, row, faces.get((row.id, False), []), faces.get((row.id, True), []))
        for row in rows
    }


# Made once: putting such a statement together takes longer than the database takes to answer it.
_FACES: Final = (
    select(Face.article_id, Face.kind, Face.text, Face.is_drafted, Face.is_informal)
    .where(Face.article_id.in_(bindparam("ids", expanding=True)))
    .order_by(Face.id)
)
_PUBLISHED: Final = (
    select(
        Article.id, Article.source_id, Revision.title, Revision.summary, Revision.environment, Revision.resolution_html
    )
    .join(Revision, Revision.id == Article.published_id)
    .where(Article.id.in_(bindparam("ids", expanding=True)))
)


def _counted(statement: Select[int, int]) -> dict[int, int]:
    return {row[0]: row[1] for row in db.session.execute(statement)}
