"""The paths of articles and sections, also for the worker, which serves no request; the views answer at the same."""

from kb.models import Article, Revision, Section


def of_article(article: Article, revision: Revision | None = None) -> str:
    """Return the path of an article, by the slug of `revision` or of what is published."""
    words = revision or article.published
    return path(article.id, words.slug) if words else f"/kb/{article.id}"


def path(article_id: int, slug: str) -> str:
    return f"/kb/{article_id}-{slug}"


def of_section(section: Section) -> str:
    return of_section_slug(section.slug)


def of_section_slug(slug: str) -> str:
    return f"/kb/s/{slug}"
