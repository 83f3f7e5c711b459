"""Import and export of articles. What is imported was published elsewhere; nobody here has vouched for it yet."""

from collections.abc import Iterator
from typing import Any, Final, Literal

from flask_babel import gettext
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import func, select

from accounts import people
from accounts.models import User
from accounts.transfer import reference
from core import texts
from core.api import line
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.i18n import Locale
from core.transfer import Outcome, RecordType, iso, register
from forum import limits, topics
from forum.models import Post
from kb import addresses, articles, faces, queries, sections
from kb.models import LONGEST_FACE, Article, ArticleSource, Audience, Confidence, Face, FaceKind, Revision

LONGEST_ID: Final = 100
LONGEST_SECTION: Final = 80
UNSAID: Final[dict[str, Confidence]] = {"published": "not_validated", "draft": "in_progress"}
"""The confidence that goes without saying; only another one is written out."""


class ArticleRecord(BaseModel):
    """A line of type `article`; `body` is what helps, in Markdown."""

    id: line(LONGEST_ID)  # type: ignore[valid-type]  # a type made for the limit
    section: line(LONGEST_SECTION)  # type: ignore[valid-type]  # the same
    locale: Locale
    title: str
    summary: str = ""
    symptoms: str = ""
    environment: str = ""
    body: str
    keywords: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    author: line(LONGEST_ID) | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime | None = None
    status: Literal["draft", "published"] = "published"
    audience: Audience = "public"
    confidence: Confidence | None = None
    source_post: line(LONGEST_ID) | None = None  # type: ignore[valid-type]  # the same
    faces: dict[FaceKind, str] = Field(default_factory=dict)


def init_app() -> None:
    register(RecordType(name="article", order=30, model=ArticleRecord, load=load, dump=dump))


def load(record: ArticleRecord) -> Outcome:
    """Take one article in; what it says anew becomes a new revision, so that nothing written here is lost."""
    author, post = _author(record), _source_post(record)
    article = db.session.scalars(select(Article).where(Article.source_id == record.id)).unique().one_or_none()
    wanted = _wanted(record, article)
    is_new = article is None
    if article is None:
        article = Article(source_id=record.id, created_at=record.created or now(), locale=record.locale)
    elif _as_record(article) == wanted:
        return "unchanged"
    old_path = addresses.of_article(article) if article.published else None
    _place(article, wanted, author)
    article.created_at = record.created or article.created_at
    if is_new:
        db.session.add(article)
        db.session.flush()
    if post is not None and post.id not in {source.post_id for source in article.sources}:
        article.sources.append(ArticleSource(post=post, post_version=post.version))
    revision = _revision(article, wanted, author)
    _publish(article, revision, wanted)
    _keep_faces(article, revision, wanted["faces"], author)
    articles.link_threads(article, old_path=old_path)
    return "new" if is_new else "changed"


def dump() -> Iterator[dict[str, Any]]:
    """Yield every article with its published words, or with the newest where nothing is published."""
    for article in db.session.scalars(select(Article).order_by(Article.id).execution_options(yield_per=200)).unique():
        record = _as_record(article)
        left_out = UNSAID[record["status"]]
        yield {
            name: value
            for name, value in record.items()
            if value not in (None, "", [], {}) and not (name == "confidence" and value == left_out)
        }


def _author(record: ArticleRecord) -> User | None:
    if record.author is None:
        return None
    author = people.by_source_id(record.author)
    if author is None:
        raise Invalid(gettext("nobody has the id “%(id)s”, which is given as the author", id=record.author))
    return author


def _source_post(record: ArticleRecord) -> Post | None:
    if record.source_post is None:
        return None
    post = db.session.scalars(select(Post).where(Post.source_id == record.source_post)).unique().one_or_none()
    if post is None:
        raise Invalid(gettext("no post has the id “%(id)s”, which is given as the source", id=record.source_post))
    return post


def _wanted(record: ArticleRecord, article: Article | None) -> dict[str, Any]:
    """Return the record as it will read once it is taken in."""
    said = articles.clean(
        {
            "title": record.title,
            "summary": record.summary,
            "symptoms": record.symptoms,
            "environment": record.environment,
            "resolution": record.body,
            "keywords": record.keywords,
        }
    )
    created = record.created or (article.created_at if article else None)
    return {
        "id": record.id,
        "section": texts.slug(record.section, "section"),
        "locale": record.locale,
        "title": said["title"],
        "summary": said["summary"],
        "symptoms": said["symptoms"],
        "environment": said["environment"],
        "body": said["resolution"],
        "keywords": said["keywords"],
        "tags": sorted(limits.tags(record.tags)),
        "author": record.author,
        "created": iso(created) if created else None,
        "status": record.status,
        "audience": record.audience,
        "confidence": record.confidence or UNSAID[record.status],
        "source_post": record.source_post,
        "faces": {kind: texts.block(text, longest=LONGEST_FACE) for kind, text in record.faces.items()},
    }


def _as_record(article: Article) -> dict[str, Any]:
    words = article.published or queries.newest_revision(article)
    source = article.sources[0].post if article.sources else None
    return {
        "id": article.source_id or f"klinke:{article.id}",
        "section": article.section.slug,
        "locale": article.locale,
        "title": words.title,
        "summary": words.summary,
        "symptoms": words.symptoms,
        "environment": words.environment,
        "body": words.resolution,
        "keywords": words.keywords,
        "tags": sorted(tag.name for tag in article.tags),
        "author": reference(article.owner) if article.owner else None,
        "created": iso(article.created_at),
        "status": "published" if article.published_id is not None else "draft",
        "audience": article.audience,
        "confidence": article.confidence,
        "source_post": (source.source_id or f"klinke:{source.id}") if source else None,
        "faces": {face.kind: face.text for face in article.faces if not face.is_drafted},
    }


def _place(article: Article, wanted: dict[str, Any], author: User | None) -> None:
    article.section = sections.named(wanted["section"])
    article.locale = wanted["locale"]
    article.audience = wanted["audience"]
    article.confidence = wanted["confidence"]
    article.owner = author
    if wanted["tags"] or article.tags:
        article.tags = topics.tagged(wanted["tags"])


def _revision(article: Article, wanted: dict[str, Any], author: User | None) -> Revision:
    said = {
        "title": wanted["title"],
        "summary": wanted["summary"],
        "symptoms": wanted["symptoms"],
        "environment": wanted["environment"],
        "resolution": wanted["body"],
        "keywords": wanted["keywords"],
    }
    newest = db.session.scalar(select(func.max(Revision.number)).where(Revision.article_id == article.id)) or 0
    if newest:
        before = queries.newest_revision(article)
        if articles.words_of(before) == said:
            return before
    revision = articles.revision_with(article, newest + 1, said)
    revision.by, revision.at = author, now() if newest else article.created_at
    db.session.add(revision)
    db.session.flush()
    return revision


def _publish(article: Article, revision: Revision, wanted: dict[str, Any]) -> None:
    if wanted["status"] == "draft":
        article.published = None
    else:
        article.published = revision
        article.published_at = article.published_at or article.created_at
    db.session.flush()


def _keep_faces(article: Article, revision: Revision, wanted: dict[FaceKind, str], author: User | None) -> None:
    kept = {face.kind: face for face in article.faces}
    for kind, face in kept.items():
        if not face.is_drafted and kind not in wanted:
            article.faces.remove(face)
            db.session.delete(face)
    for kind, text in wanted.items():
        face = kept.get(kind) or Face(article=article, kind=kind, text="")
        if face.text != text or face.is_drafted:
            face.text, face.is_drafted, face.revision_id, face.by_id = text, False, revision.id, _id_of(author)
            db.session.add(face)
    db.session.flush()
    if any(face.is_drafted for face in article.faces):
        faces.redraw(article)


def _id_of(author: User | None) -> int | None:
    return None if author is None else author.id
