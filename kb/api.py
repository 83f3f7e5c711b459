"""The knowledge base's calls of the JSON API.

An article in a list: id, source_id, section, locale, title, summary, url, tags, status (published, draft), audience,
confidence, created and published (or null).
An article by itself has besides: version, newest_version (for the team), symptoms, environment, cause, body (Markdown),
html, products (slug, name, versions), keywords, sources (posts that the caller may see: post_id, topic_id, url),
credits (people who want to be named), faces (by kind; variables like {customer} stand open in them), faces_du (of a
German one: the same with du) and translations (id, locale, url). What stands in it as a block is given in the words of
the block.
"""

from typing import Any, Literal

from flask_babel import gettext
from flask_login import current_user
from pydantic import Field

from accounts.models import User
from core import paging
from core.api import Api, Model
from core.errors import NotAllowed
from core.problems import renamed
from core.transfer import iso
from forum import addresses as forum_addresses
from forum import queries as forum_queries
from kb import addresses, articles, families, policy, products, promotion, queries, references, sections
from kb.models import Article, Audience, Revision

LARGEST_PAGE = 100

api = Api("kb")


class ArticlesQuery(Model):
    """Which articles, and from where on; `cursor` is the `next` of the page before."""

    section: str | None = Field(None, max_length=80)
    locale: Literal["de", "en"] | None = None
    product: str | None = Field(None, max_length=80, description="The slug of a product.")
    status: Literal["published", "draft"] = Field("published", description="Drafts are for the team.")
    limit: int = Field(20, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(None, max_length=500)


class NewArticle(Model):
    """A draft; `section` is a slug, and a section that is not there yet is made."""

    section: str = Field(min_length=1, max_length=80)
    locale: Literal["de", "en"]
    title: str = Field(max_length=1000)
    summary: str = ""
    symptoms: str = ""
    environment: str = ""
    cause: str = ""
    body: str
    products: str = Field("", max_length=2000, description="From the list, with or without a version: R2 7.1, R3")
    keywords: list[str] = Field(default=[], max_length=articles.MOST_KEYWORDS)
    tags: list[str] = Field(default=[], max_length=20)
    audience: Audience = "public"


@api.call("GET", "/articles", summary="Articles, the newest first", query=ArticlesQuery)
def list_articles(query: ArticlesQuery) -> dict[str, Any]:
    """Return `{"articles": […], "next": cursor or null}`."""
    section = None if query.section is None else queries.visible_section(query.section, viewer=current_user)
    if query.status == "draft":
        statement = queries.drafted_articles().where(queries.articles_visible_to(current_user))
        statement = statement.where(Article.published_id.is_(None))
    else:
        statement = queries.readable_articles(current_user)
    if section is not None:
        statement = statement.where(Article.section_id == section.id)
    if query.product is not None:
        statement = statement.where(products.applies_to(products.visible(query.product, viewer=current_user).id))
    if query.locale is not None:
        statement = statement.where(Article.locale == query.locale)
    page = paging.page(statement, by=[Article.id], cursor=query.cursor, size=query.limit)
    newest = queries.newest_revisions([article for article in page if article.published is None])
    return {
        "articles": [_in_short(article, article.published or newest[article.id]) for article in page],
        "next": page.next,
    }


@api.call("POST", "/articles", summary="Write an article, as a draft", body=NewArticle, scope="write", status=201)
def create_article(body: NewArticle) -> dict[str, Any]:
    """Return the new article."""
    if not policy.may_draft(current_user):
        raise NotAllowed(gettext("Only editors and agents write articles."))
    with renamed(resolution="body"):
        article = articles.create(
            section=sections.named(body.section),
            locale=body.locale,
            tags=body.tags,
            audience=body.audience,
            by=current_user,
            title=body.title,
            summary=body.summary,
            symptoms=body.symptoms,
            environment=body.environment,
            cause=body.cause,
            resolution=body.body,
            keywords=body.keywords,
        )
    if body.products:
        products.assign(article, body.products, by=current_user)
    return _in_full(article, queries.newest_revision(article))


@api.call("GET", "/articles/<int:article_id>", summary="An article")
def show_article_call(article_id: int) -> dict[str, Any]:
    article = queries.visible_article(article_id, viewer=current_user)
    return _in_full(article, article.published or queries.newest_revision(article))


@api.call("POST", "/posts/<int:post_id>/article", summary="Make a draft of an answer", scope="write", status=201)
def draft_from_post(post_id: int) -> dict[str, Any]:
    """Return the new article, as it is proposed: the question's words as title and symptoms, the answer as body."""
    post = forum_queries.visible_post(post_id, viewer=current_user)
    article = promotion.draft_from_post(post, by=current_user)
    return _in_full(article, queries.newest_revision(article))


class Publication(Model):
    """How much the newest version changes for readers, and whether it says what the other language says."""

    significance: Literal["typo", "content", "instructions"] = "content"
    matches: bool = False


@api.call(
    "POST",
    "/articles/<int:article_id>/publication",
    summary="Publish the newest version",
    query=Publication,
    scope="write",
    status=201,
)
def publish_article_call(article_id: int, query: Publication) -> dict[str, Any]:
    """Return the article as readers see it from now on; again, nothing changes."""
    article = queries.visible_article(article_id, viewer=current_user)
    articles.publish(article, by=current_user, significance=query.significance, is_matching=query.matches)
    return _in_full(article, article.published or queries.newest_revision(article))


@api.call("DELETE", "/articles/<int:article_id>/publication", summary="Withdraw an article", scope="write", status=204)
def withdraw_article_call(article_id: int) -> None:
    """Answer 204; the article is a draft again."""
    articles.withdraw(
        queries.visible_article(article_id, viewer=current_user), by=current_user, reason="withdrawn through the API"
    )


def _in_short(article: Article, words: Revision) -> dict[str, Any]:
    return {
        "id": article.id,
        "source_id": article.source_id,
        "section": article.section.slug,
        "locale": article.locale,
        "title": words.title,
        "summary": words.summary,
        "url": addresses.of_article(article, words),
        "tags": [tag.name for tag in article.tags],
        "status": "published" if article.is_published else "draft",
        "audience": article.audience,
        "confidence": article.confidence,
        "created": iso(article.created_at),
        "published": iso(article.published_at) if article.published_at and article.is_published else None,
    }


def _in_full(article: Article, words: Revision) -> dict[str, Any]:
    sources = queries.visible_sources(article, viewer=current_user)
    named, _ = queries.credits_of(article)
    full = _in_short(article, words) | {
        "version": words.number,
        "symptoms": references.spoken(words.symptoms, article.locale),
        "environment": words.environment,
        "cause": words.cause,
        "body": references.spoken(words.resolution, article.locale),
        "html": words.symptoms_html + words.resolution_html,
        "products": article.applies or [],
        "keywords": words.keywords,
        "sources": [
            {"post_id": post.id, "topic_id": post.topic_id, "url": forum_addresses.of_post(post)} for post in sources
        ],
        "credits": [_person(user) for user in named],
        "faces": {face.kind: face.text for face in article.faces},
        "translations": [
            {"id": one.id, "locale": one.locale, "url": one.url}
            for one in families.siblings(article, viewer=current_user)
        ],
    }
    if article.locale == "de":
        full["faces_du"] = {face.kind: face.text for face in article.informal_faces}
    if policy.may_see_drafts(current_user):
        full["newest_version"] = queries.newest_revision(article).number
    return full


def _person(user: User) -> dict[str, str]:
    return {"handle": user.handle, "name": user.name}
