"""Articles, as search finds them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, inspect, or_, select
from sqlalchemy.orm import InstanceState

from accounts.models import User
from accounts.people import AnonymousUser
from core import markup
from core.db import db
from core.i18n import spoken
from forum.models import Muting, Post, Tag, Topic
from forum.queries import topics_visible_to
from kb import addresses, products, queries
from kb.models import (
    Article,
    ArticleFeedback,
    ArticleSource,
    ArticleTag,
    ArticleUse,
    Revision,
    Section,
    TextBlock,
    TextBlockUse,
)
from search.documents import PRODUCT, Audience, Document, Found, Ref, TitleRow

VALIDATED_WEIGHT = 1.15
"""How much more an article counts that an editor has vouched for."""


class Articles:
    """Every published article is indexed; who may find it is said by `visible`."""

    kind = "article"

    def documents(self, ids: Collection[int]) -> Iterable[Document]:
        tags = _tags_of(ids)
        authors = _authors_of(ids)
        asked = _asked_of(ids)
        rows = db.session.execute(
            select(Article, Revision, Section.slug)
            .join(Revision, Revision.id == Article.published_id)
            .join(Section, Section.id == Article.section_id)
            .where(Article.id.in_(ids), _is_published())
            .options(*queries.light())
            .order_by(Article.id)
        )
        found = rows.unique().all()
        others = products.words_for_search(article for article, _words, _section in found)
        for article, words, section in found:
            applies = article.applies or ()
            spelt = [word for one in applies for word in (one["name"], *others.get(one["slug"], ()), *one["versions"])]
            yield Document(
                ref=Ref(self.kind, article.id),
                locale=article.locale,
                title=words.title,
                body="\n".join(part for part in _told(words) if part),
                keywords=" ".join([*words.keywords, *spelt]),
                tags=(*tags.get(article.id, ()), *(PRODUCT + one["slug"] for one in applies)),
                author=authors.get(article.id, ""),
                category=section,
                asked=tuple(asked.get((article.id, True), ())),
                asked_inside=tuple(asked.get((article.id, False), ())),
                audience=_AUDIENCES[article.audience],
                created_at=article.published_at or article.created_at,
                weight=VALIDATED_WEIGHT if article.confidence == "validated" else 1.0,
            )

    def ids(self) -> Iterable[int]:
        return db.session.scalars(select(Article.id).where(_is_published()).order_by(Article.id))

    def visible_ids(self, ids: Collection[int], viewer: Any) -> Collection[int]:
        return db.session.scalars(select(Article.id).where(Article.id.in_(ids), queries.readable_by(viewer))).all()

    def plainly(self, words: Sequence[str], viewer: Any, limit: int) -> Sequence[int]:
        has_all = [
            or_(*(column.icontains(word, autoescape=True) for column in (Revision.title, Revision.plain)))
            for word in words
        ]
        statement = select(Article.id).join(Revision, Revision.id == Article.published_id)
        return db.session.scalars(
            statement.where(*has_all, queries.readable_by(viewer)).order_by(Article.id.desc()).limit(limit)
        ).all()

    def visible(self, ids: Collection[int], viewer: Any) -> Mapping[int, Found]:
        """Return what may be shown; `meta` has section (a name), confidence, audience, summary, uses, helpful_share."""
        # One statement and no rows of ours: the desk asks this for every message that is opened.
        rows = db.session.execute(_shown(queries.circle_of(viewer)), {"ids": list(ids)})
        return {
            row.id: Found(
                ref=Ref(self.kind, row.id),
                title=row.title,
                url=addresses.path(row.id, row.slug),
                locale=row.locale,
                text=row.plain,
                source_id=row.source_id,
                solved=None,
                created_at=row.published_at or row.created_at,
                meta={
                    "section": spoken(row.section_names, otherwise=row.section_slug),
                    "confidence": row.confidence,
                    "audience": row.audience,
                    "summary": row.summary,
                    "helpful_share": row.helped / row.told if row.told else None,
                    "uses": row.uses,
                },
            )
            for row in rows
        }

    def titles(self, ids: Collection[int], viewer: Any) -> Select[int, str, str, str]:
        return (
            select(Article.id, Revision.title, Revision.slug, Article.locale)
            .join(Revision, Revision.id == Article.published_id)
            .where(Article.id.in_(ids), queries.readable_by(viewer))
        )

    def address(self, row: TitleRow) -> str:
        return addresses.path(row.id, row.slug)

    def stale(self, instance: object) -> Iterable[int]:
        if isinstance(instance, Article):
            return [instance.id]
        if isinstance(instance, TextBlock):
            return db.session.scalars(_having(instance))
        if isinstance(instance, ArticleSource | ArticleUse):
            return [instance.article_id]
        if isinstance(instance, Muting) or (isinstance(instance, Topic) and _has_another_title(instance)):
            return db.session.scalars(_made_from(instance))
        if isinstance(instance, Tag) and instance.id is not None:
            return db.session.scalars(select(ArticleTag.article_id).where(ArticleTag.tag_id == instance.id))
        return []


_USES: Final = (
    select(func.count()).where(ArticleUse.article_id == Article.id).correlate(Article).scalar_subquery().label("uses")
)
_TOLD: Final = (
    select(func.count())
    .where(ArticleFeedback.article_id == Article.id)
    .correlate(Article)
    .scalar_subquery()
    .label("told")
)
_HELPED: Final = (
    select(func.count())
    .where(ArticleFeedback.article_id == Article.id, ArticleFeedback.helped)
    .correlate(Article)
    .scalar_subquery()
    .label("helped")
)
_AUDIENCES: Final[Mapping[str, Audience]] = {"public": "everyone", "signed_in": "members", "team": "team"}
_LONGEST_ASKED: Final = 500
"""Characters of a message that search learns from."""


@lru_cache(maxsize=3)
def _shown(circle: queries.Circle) -> Select[*tuple[Any, ...]]:
    """Select what `visible` returns; made once, because that takes longer than the database takes to answer it."""
    return (
        select(
            Article.id,
            Article.locale,
            Article.source_id,
            Article.confidence,
            Article.audience,
            Article.created_at,
            Article.published_at,
            Section.slug.label("section_slug"),
            Section.names.label("section_names"),
            Revision.title,
            Revision.slug,
            Revision.summary,
            Revision.plain,
            _USES,
            _HELPED,
            _TOLD,
        )
        .join(Revision, Revision.id == Article.published_id)
        .join(Section, Section.id == Article.section_id)
        .where(Article.id.in_(bindparam("ids", expanding=True)), queries.readable_in(circle))
    )


def _having(block: TextBlock) -> Select[int]:
    """Select the articles that have a block in what readers see."""
    uses = select(Article.id).join(TextBlockUse, TextBlockUse.revision_id == Article.published_id)
    return uses.where(TextBlockUse.block_id == block.id)


def _made_from(instance: Muting | Topic) -> Select[int]:
    """Select the articles made from a topic: they are found by its title while everybody may read it."""
    made = select(ArticleSource.article_id).join(Post, Post.id == ArticleSource.post_id)
    if isinstance(instance, Topic):
        return made.where(Post.topic_id == instance.id)
    if instance.topic_id is not None:
        return made.where(Post.topic_id == instance.topic_id)
    return made.where(Post.id == instance.post_id)


def _has_another_title(topic: Topic) -> bool:
    state: InstanceState[Any] = inspect(topic)
    return state.persistent and bool(state.attrs["title"].history.has_changes())


def _is_published() -> Any:
    return Article.published_id.is_not(None) & (Article.confidence != "archived")


def _tags_of(ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    rows = db.session.execute(
        select(ArticleTag.article_id, Tag.name)
        .join(Tag, Tag.id == ArticleTag.tag_id)
        .where(ArticleTag.article_id.in_(ids))
        .order_by(Tag.name)
    )
    tags: dict[int, tuple[str, ...]] = {}
    for article_id, name in rows:
        tags[article_id] = (*tags.get(article_id, ()), name)
    return tags


def _told(words: Revision) -> tuple[str, ...]:
    """Return what a revision says, line by line: a step of a list is a passage of its own."""
    return (
        words.environment,
        words.summary,
        markup.lines(words.symptoms_html),
        words.cause,
        markup.lines(words.resolution_html),
    )


def _asked_of(ids: Collection[int]) -> dict[tuple[int, bool], list[str]]:
    """Return for each article what it was the answer to, oldest first, by whether everybody may read it.

    That is what customers wrote who got it as a reply, and the titles of the topics that it was made from.
    """
    asked: dict[tuple[int, bool], list[str]] = {}
    topics = (
        select(ArticleSource.article_id, Topic.title)
        .join(Post, Post.id == ArticleSource.post_id)
        .join(Topic, Topic.id == Post.topic_id)
        .where(ArticleSource.article_id.in_(ids), topics_visible_to(AnonymousUser()))
        .order_by(ArticleSource.id)
    )
    for article_id, title in db.session.execute(topics):
        asked.setdefault((article_id, True), []).append(title)
    uses = select(ArticleUse.article_id, ArticleUse.asked_in_public, ArticleUse.asked).where(
        ArticleUse.article_id.in_(ids), ArticleUse.asked != ""
    )
    for article_id, in_public, text in db.session.execute(uses.order_by(ArticleUse.at, ArticleUse.id)):
        asked.setdefault((article_id, in_public), []).append(text[:_LONGEST_ASKED])
    return asked


def _authors_of(ids: Collection[int]) -> dict[int, str]:
    """Return the handle of who is credited: the author of the answer it was made from, else its owner."""
    owners = select(Article.id, User.handle).join(User, User.id == Article.owner_id).where(Article.id.in_(ids))
    credited = (
        select(ArticleSource.article_id, User.handle)
        .join(Post, Post.id == ArticleSource.post_id)
        .join(User, User.id == Post.author_id)
        .where(ArticleSource.article_id.in_(ids))
        .order_by(ArticleSource.id.desc())
    )
    return {row[0]: row[1] for statement in (owners, credited) for row in db.session.execute(statement)}
