"""What became of answers: articles that hold them, for the ledger of points and for what their authors are told."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from forum import credit, crediting, points
from forum import queries as forum_queries
from forum.models import Post
from kb import addresses, queries
from kb.models import Article, ArticleReading, ArticleSource

MOST_LISTED = 100


def made_of(user: User, viewer: Viewer) -> ColumnElement[bool]:
    """Return the clause for articles that hold an answer of this person, as far as the viewer may read both."""
    sources = (
        select(ArticleSource.article_id)
        .join(Post, Post.id == ArticleSource.post_id)
        .where(Post.author_id == user.id, Post.kind == "answer", forum_queries.posts_visible_to(viewer))
    )
    return Article.id.in_(sources) & queries.readable_by(viewer)


def authors() -> Select[Any]:
    """Return the statement for whose answers are in an article that somebody can read."""
    return (
        select(Post.author_id)
        .join(ArticleSource, ArticleSource.post_id == Post.id)
        .join(Article, Article.id == ArticleSource.article_id)
        .where(Post.author_id.is_not(None), Post.kind == "answer", queries.readable_in("signed_in"))
    )


def pages(user: User, viewer: Viewer) -> list[credit.Credited]:
    """Return the articles made of a person's answers that the viewer may read, the most read first.

    Others see nothing where the person does not want to be named.
    """
    if not user.is_named and viewer.id != user.id:
        return []  # the person does not want to be named beside articles
    read = _read(ArticleReading.article_id == Article.id)
    rows = db.session.execute(
        select(Article, read.label("read"))
        .where(made_of(user, viewer))
        .options(*queries.light())
        .order_by(read.desc(), Article.id.desc())
        .limit(MOST_LISTED)
    ).unique()
    return [
        credit.Credited(article.published.title, addresses.of_article(article), article.locale, read)
        for article, read in rows
        if article.published is not None
    ]


def public_articles(post_ids: Collection[int] | None) -> Iterable[points.Made]:
    """Yield which articles that everybody may read were made of these answers: they bring points."""
    rows = (
        select(ArticleSource.post_id, Article.id, Article.published_at)
        .join(Article, Article.id == ArticleSource.article_id)
        .join(Post, Post.id == ArticleSource.post_id)
        .where(queries.readable_in("public"), Post.kind == "answer")
    )
    if post_ids is not None:
        rows = rows.where(ArticleSource.post_id.in_(post_ids))
    for post_id, article_id, at in db.session.execute(rows):
        yield points.Made(post_id, article_id, at or now())


def settle(article: Article) -> None:
    """Have the ledger of points follow what became of an article."""
    post_ids = [source.post_id for source in article.sources]
    crediting.weigh(points.settle(post_ids, kind="article", ref_id=article.id))


def _number(user: User, viewer: Viewer) -> Any:
    return select(func.count(Article.id)).where(made_of(user, viewer)).scalar_subquery()


def _readings(user: User, viewer: Viewer) -> Any:
    return _read(ArticleReading.article_id.in_(select(Article.id).where(made_of(user, viewer))))


def _read(which: ColumnElement[bool]) -> Any:
    return select(func.coalesce(func.sum(ArticleReading.count), 0)).where(which).scalar_subquery()


points.MADE_OF[:] = [public_articles]
credit.PAGES[:] = [pages]
credit.AUTHORS[:] = [authors]
credit.contribute("articles", _number)
credit.contribute("read", _readings)
