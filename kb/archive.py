"""What was archived, as the team's search finds it: only who asks for the archive, and nobody else at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, func, inspect, or_, select
from sqlalchemy.orm import InstanceState, aliased

from core.db import db
from kb import addresses, policy
from kb.models import Article, ArticleRetirement, Revision, Section
from search.documents import Document, Found, Ref

WEIGHT = 0.8
"""Beside what holds, something that was archived comes later."""


class Archive:
    """Archived articles. They are a kind of their own, so whoever asks for articles never meets one."""

    kind = "archived"
    is_aside = True

    def documents(self, ids: Collection[int]) -> Iterable[Document]:
        for row in db.session.execute(_shown(ids)):
            yield Document(
                ref=Ref(self.kind, row.id),
                locale=row.locale,
                title=row.title,
                body="\n".join(part for part in (row.environment, row.plain) if part),
                keywords=" ".join(row.keywords),
                category=row.section,
                audience="team",
                created_at=row.published_at or row.created_at,
                weight=WEIGHT,
            )

    def ids(self) -> Iterable[int]:
        return db.session.scalars(select(Article.id).where(Article.confidence == "archived").order_by(Article.id))

    def visible(self, ids: Collection[int], viewer: Any) -> Mapping[int, Found]:
        """Return what may be shown, to the team alone; `meta` has `replaced_by` (title, url, locale), where it was."""
        if not policy.may_see_drafts(viewer):
            return {}
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
                meta={"replaced_by": _successor(row)} if row.successor_id else {},
            )
            for row in db.session.execute(_shown(ids))
        }

    def plainly(self, words: Sequence[str], viewer: Any, limit: int) -> Sequence[int]:
        if not policy.may_see_drafts(viewer):
            return []
        words_of = Revision.id == _words_of(Article)
        statement = select(Article.id).join(Revision, words_of).where(Article.confidence == "archived")
        for word in words:
            has = [column.icontains(word, autoescape=True) for column in (Revision.title, Revision.plain)]
            statement = statement.where(or_(*has))
        return db.session.scalars(statement.order_by(Article.id.desc()).limit(limit)).all()

    def stale(self, instance: object) -> Iterable[int]:
        if not isinstance(instance, Article) or instance.id is None:
            return []
        state: InstanceState[Any] = inspect(instance)
        # Nearly every article that changes was never in the archive.
        was = state.attrs["confidence"].history.deleted or ()
        return [instance.id] if instance.confidence == "archived" or "archived" in was else []


def _shown(ids: Collection[int]) -> Select[*tuple[Any, ...]]:
    """Select archived articles with the words that stood last, and what took their place."""
    successor, successor_words = aliased(Article), aliased(Revision)
    return (
        select(
            Article.id,
            Article.locale,
            Article.source_id,
            Article.created_at,
            Article.published_at,
            Section.slug.label("section"),
            Revision.title,
            Revision.slug,
            Revision.environment,
            Revision.keywords,
            Revision.plain,
            successor.id.label("successor_id"),
            successor.locale.label("successor_locale"),
            successor_words.title.label("successor_title"),
            successor_words.slug.label("successor_slug"),
        )
        .join(Section, Section.id == Article.section_id)
        .join(Revision, Revision.id == _words_of(Article))
        .outerjoin(ArticleRetirement, ArticleRetirement.article_id == Article.id)
        .outerjoin(successor, successor.id == ArticleRetirement.successor_id)
        .outerjoin(successor_words, and_(successor.id.is_not(None), successor_words.id == _words_of(successor)))
        .where(Article.id.in_(ids), Article.confidence == "archived")
        .order_by(Article.id)
    )


def _words_of(article: Any) -> Any:
    """Return the id of what readers saw of an article last, or of what was written last where nobody saw any."""
    written = aliased(Revision)
    newest = select(func.max(written.id)).where(written.article_id == article.id).correlate(article).scalar_subquery()
    return func.coalesce(article.published_id, newest)


def _successor(row: Any) -> Mapping[str, str]:
    url = addresses.path(row.successor_id, row.successor_slug)
    return {"title": row.successor_title, "url": url, "locale": row.successor_locale}
