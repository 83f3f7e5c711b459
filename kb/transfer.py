"""Import and export of sections, synonyms and articles.

What came in with an id of its own goes out with it, what was written here as `klinke:<id>`. Texts are stored as
they come, so that an export says what the import said. Nobody here has vouched yet for what is imported.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from flask_babel import gettext
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from accounts import people
from accounts.models import User
from accounts.transfer import reference
from core import bilingual, markup, texts
from core.api import cleaned, line
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.transfer import Outcome, RecordType, iso, register
from forum import limits, topics
from forum.models import Post
from kb import addresses, articles, blocks, faces, families, queries, references, sections, vocabulary
from kb.models import (
    LONGEST_FACE,
    Article,
    ArticleFamily,
    ArticleSource,
    Audience,
    Confidence,
    Face,
    FaceKind,
    Revision,
    Section,
    TextBlock,
)
from search import synonyms
from search.models import Synonym

BATCH: Final = 200
LONGEST_ID: Final = 100
LONGEST_FOREIGN_TITLE: Final = 300
LONGEST_SUMMARY: Final = 4000
MOST_KEYWORDS: Final = 100
MOST_TAGS: Final = 20
MOST_SOURCES: Final = 200
HIGHEST_POSITION: Final = 1_000_000
UNSAID: Final[dict[str, Confidence]] = {"published": "not_validated", "draft": "in_progress"}
"""The confidence that goes without saying; only another one is written out."""

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def _storable(value: str) -> str:
    if _UNSTORABLE.search(value):
        message = "has characters that cannot be stored"
        raise ValueError(message)
    return value


def _filled(value: str) -> str:
    if not value.strip():
        message = "is empty"
        raise ValueError(message)
    return _storable(value)


Id = line(LONGEST_ID)
Markdown = Annotated[str, Field(max_length=markup.LIMIT), AfterValidator(_storable)]
Keyword = Annotated[str, Field(max_length=200), AfterValidator(_storable)]
FaceText = Annotated[str, Field(max_length=LONGEST_FACE), AfterValidator(_filled)]


class SectionRecord(BaseModel):
    """A line of type `section`: only for one that is more than its slug says."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
    names: dict[Literal["de", "en"], line(bilingual.LONGEST_NAME)] = Field(min_length=1)  # type: ignore[valid-type]  # a type made for the limit
    position: Annotated[int, Field(ge=0, le=HIGHEST_POSITION)] = 0
    parent: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")] | None = None
    """The section that it stands in, whose line comes before."""


class SynonymRecord(BaseModel):
    """A line of type `synonym`: words that mean the same, in one language or (without `locale`) in every one."""

    words: list[line(synonyms.LONGEST_PHRASE)] = Field(min_length=2, max_length=synonyms.MOST_WORDS)  # type: ignore[valid-type]  # a type made for the limit
    locale: Literal["de", "en"] | None = None
    one_way: bool = False


class BlockRecord(BaseModel):
    """A line of type `block`: a piece of text that articles refer to by `{{block:id}}`; those in it come before."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=references.LONGEST_NAME)]
    words: dict[Literal["de", "en"], Annotated[Markdown, AfterValidator(_filled)]] = Field(min_length=1)
    audience: Audience = "public"


class ArticleRecord(BaseModel):
    """A line of type `article`; `body` is what helps, in Markdown."""

    id: Id  # type: ignore[valid-type]  # a type made for the limit
    section: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_filled)]
    locale: Literal["de", "en"]
    title: line(LONGEST_FOREIGN_TITLE)  # type: ignore[valid-type]  # the same
    summary: Annotated[str, Field(max_length=LONGEST_SUMMARY), AfterValidator(_storable)] = ""
    symptoms: Markdown = ""
    environment: line(articles.LONGEST_ENVIRONMENT, 0) = ""  # type: ignore[valid-type]  # the same
    cause: Annotated[str, Field(max_length=LONGEST_SUMMARY), AfterValidator(_storable)] = ""
    body: Annotated[Markdown, AfterValidator(_filled)]
    keywords: Annotated[list[Keyword], Field(max_length=MOST_KEYWORDS)] = []
    tags: Annotated[list[Annotated[str, cleaned(limits.tag)]], Field(max_length=MOST_TAGS)] = []
    author: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime | None = None
    status: Literal["draft", "published"] = "published"
    audience: Audience = "public"
    confidence: Confidence | None = None
    source_post: Id | None = None  # type: ignore[valid-type]  # the same
    more_sources: Annotated[list[Id], Field(max_length=MOST_SOURCES)] = []  # type: ignore[valid-type]  # the same
    """The other posts that it was made from, when there are several."""
    faces: dict[FaceKind, FaceText] = {}
    faces_du: dict[FaceKind, FaceText] = {}
    family: Id | None = None  # type: ignore[valid-type]  # the same
    """The id of the first article of those that say the same in several languages."""
    is_behind: bool = False
    """Whether another language of the family has changed since."""
    place: Annotated[int, Field(ge=0, le=HIGHEST_POSITION)] | None = None


def init_app() -> None:
    register(RecordType(name="section", order=28, model=SectionRecord, load=load_section, dump=dump_sections))
    register(RecordType(name="synonym", order=29, model=SynonymRecord, load=load_synonym, dump=dump_synonyms))
    register(RecordType(name="block", order=29, model=BlockRecord, load=load_block, dump=dump_blocks))
    register(RecordType(name="article", order=30, model=ArticleRecord, load=load, dump=dump))


def load(record: ArticleRecord) -> Outcome:
    """Take one article in; what it says anew becomes a new version, so that nothing written here is lost."""
    author, posts = _author(record), _source_posts(record)
    article = db.session.scalars(select(Article).where(Article.source_id == record.id)).unique().one_or_none()
    if article is not None and _as_record(article) == _wanted(record, article):
        return "unchanged"
    outcome: Outcome = "new" if article is None else "changed"
    if article is None:
        article = Article(source_id=record.id, created_at=record.created or now())
    old_path = addresses.of_article(article) if article.published else None
    _place(article, record, author)
    known = {source.post_id for source in article.sources}
    for post in posts:
        if post.id not in known:
            article.sources.append(ArticleSource(post=post, post_version=post.version))
    revision = _revision(article, record, author)
    references.refuse_wider_in([revision.id], record.audience)
    _publish(article, revision, record)
    _keep_faces(article, revision, record, author)
    _join(article, record)
    articles.link_threads(article, old_path=old_path)
    return outcome


def load_section(record: SectionRecord) -> Outcome:
    """Take in a section, or give the one with this slug these names."""
    names = {str(locale): str(name) for locale, name in record.names.items()}
    found = sections.find(record.id)
    if found is None:
        found = Section(slug=record.id, names=names, position=record.position)
        db.session.add(found)
        sections.put(found, _parent(record))
        return "new"
    parent = _parent(record) if "parent" in record.model_fields_set else db.session.get(Section, found.parent_id or 0)
    parent_id = None if parent is None else parent.id
    if (found.names, found.position, found.parent_id) == (names, record.position, parent_id):
        return "unchanged"
    found.names, found.position = names, record.position
    sections.put(found, parent)
    return "changed"


def load_block(record: BlockRecord) -> Outcome:
    """Take in a block, or have the one of this name say this; every article that has it shows it at once."""
    words = {str(locale): said for locale, said in record.words.items()}
    known = blocks.named(record.id)
    if known is not None and (known.words, known.audience) == (words, record.audience):
        return "unchanged"
    if known is None:
        blocks.takes_over(TextBlock(name=record.id, words={}, number=0), words=words, audience=record.audience)
        return "new"
    blocks.takes_over(known, words=words, audience=record.audience)
    return "changed"


def _parent(record: SectionRecord) -> Section | None:
    if record.parent is None:
        return None
    parent = sections.find(record.parent)
    if parent is None:
        raise Invalid(gettext("no section has the id “%(id)s”, which is given as the one above", id=record.parent))
    return parent


def load_synonym(record: SynonymRecord) -> Outcome:
    """Take in a group of words, unless there is an equal one."""
    words = synonyms.checked(record.words)
    if any(
        (group.words, group.locale, group.is_one_way) == (words, record.locale, record.one_way)
        for group in synonyms.groups()
    ):
        return "unchanged"
    vocabulary.check_room()
    db.session.add(Synonym(words=words, locale=record.locale, is_one_way=record.one_way))
    db.session.flush()
    synonyms.changed()
    return "new"


def dump() -> Iterator[dict[str, Any]]:
    """Yield every article with its published words, or with the newest where nothing is published."""
    every = (
        select(Article).order_by(Article.id).options(selectinload(Article.faces), selectinload(Article.informal_faces))
    )
    for article in db.session.scalars(every.execution_options(yield_per=BATCH)):
        record = _as_record(article)
        left_out = UNSAID[record["status"]]
        yield {
            name: value
            for name, value in record.items()
            if value not in (None, "", [], {})
            and value is not False
            and not (name == "confidence" and value == left_out)
        }


def dump_blocks() -> Iterator[dict[str, Any]]:
    """Yield every block, those that stand in others before them."""
    for block in blocks.innermost_first():
        audience = {} if block.audience == "public" else {"audience": block.audience}
        yield {"id": block.name, "words": block.words} | audience


def dump_sections() -> Iterator[dict[str, Any]]:
    """Yield the sections that an import of their articles alone would not bring back."""
    everything = list(db.session.scalars(select(Section).order_by(Section.id)))
    slugs = {section.id: section.slug for section in everything}
    above = {section.parent_id for section in everything}
    for _depth, section in sections.in_order(everything):
        is_plain = not section.position and section.names == sections.names_of(section.slug)
        if not is_plain or section.parent_id is not None or section.id in above:
            record = {"id": section.slug, "names": section.names, "position": section.position}
            parent = {} if section.parent_id is None else {"parent": slugs[section.parent_id]}
            yield record | parent


def dump_synonyms() -> Iterator[dict[str, Any]]:
    """Yield every group of words; what goes without saying is left out."""
    for group in synonyms.groups():
        told = {"locale": group.locale, "one_way": group.is_one_way}
        yield {"words": group.words, **{name: value for name, value in told.items() if value}}


def _author(record: ArticleRecord) -> User | None:
    if record.author is None:
        return None
    author = people.by_source_id(record.author)
    if author is None:
        raise Invalid(gettext("nobody has the id “%(id)s”, which is given as the author", id=record.author))
    return author


def _source_posts(record: ArticleRecord) -> list[Post]:
    posts = []
    for source_id in dict.fromkeys([record.source_post, *record.more_sources]):
        if source_id is None:
            continue
        post = db.session.scalars(select(Post).where(Post.source_id == source_id)).unique().one_or_none()
        if post is None:
            raise Invalid(gettext("no post has the id “%(id)s”, which is given as the source", id=source_id))
        posts.append(post)
    return posts


def _wanted(record: ArticleRecord, article: Article) -> dict[str, Any]:
    """Return what `_as_record` says of the article once the record is taken in; what it was made of here stays."""
    more = _more_sources(article)
    return record.model_dump() | {
        "section": texts.slug(record.section, "section"),
        "tags": sorted(set(record.tags)),
        "created": iso(record.created or article.created_at),
        "confidence": record.confidence or UNSAID[record.status],
        "more_sources": more if set(record.more_sources) <= set(more) else record.more_sources,
        # What a record does not say of these stays as it is.
        **({} if "family" in record.model_fields_set else {"family": _family_of(article)}),
        **({} if "is_behind" in record.model_fields_set else {"is_behind": _is_behind(article)}),
        **({} if "place" in record.model_fields_set else {"place": article.place}),
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
        "cause": words.cause,
        "body": words.resolution,
        "keywords": words.keywords,
        "tags": sorted(tag.name for tag in article.tags),
        "author": reference(article.owner) if article.owner else None,
        "created": iso(article.created_at),
        "status": "published" if article.published_id is not None else "draft",
        "audience": article.audience,
        "confidence": article.confidence,
        "source_post": (source.source_id or f"klinke:{source.id}") if source else None,
        "more_sources": _more_sources(article),
        "faces": {face.kind: face.text for face in article.faces if not face.is_drafted},
        "faces_du": {face.kind: face.text for face in article.informal_faces if not face.is_drafted},
        "family": _family_of(article),
        "is_behind": _is_behind(article),
        "place": article.place,
    }


def _more_sources(article: Article) -> list[str]:
    return [source.post.source_id or f"klinke:{source.post_id}" for source in article.sources[1:]]


def _is_behind(article: Article) -> bool:
    return article.family_id is not None and families.state_of(article, families.members(article)) == "older"


def _family_of(article: Article) -> str | None:
    if article.family_id is None:
        return None
    first = min(families.members(article), key=lambda one: one.id)
    return first.source_id or f"klinke:{first.id}"


def _place(article: Article, record: ArticleRecord, author: User | None) -> None:
    article.section = sections.named(record.section)
    article.locale, article.audience = record.locale, record.audience
    article.confidence = record.confidence or UNSAID[record.status]
    article.created_at = record.created or article.created_at
    article.owner = author
    if "place" in record.model_fields_set:
        article.place = record.place
    db.session.add(article)
    db.session.flush()
    if record.tags or article.tags:
        article.tags = topics.tagged(sorted(set(record.tags)))


def _join(article: Article, record: ArticleRecord) -> None:
    """Put the article into the family that the record names, which is called like its first article."""
    first = record.family
    if first == record.id and record.is_behind:
        article.matches_at = article.created_at
    if first is None or first == record.id:
        return
    other = db.session.scalars(select(Article).where(Article.source_id == first)).unique().one_or_none()
    if other is None:
        raise Invalid(gettext("no article has the id “%(id)s”, which is given as the family", id=first))
    if other.family_id is None:
        family = ArticleFamily()
        db.session.add(family)
        db.session.flush()
        other.family_id = family.id
    taken = {one.locale for one in families.members(other) if one.id != article.id}
    if article.locale in taken:
        raise Invalid(gettext("the family “%(id)s” has an article in this language already", id=first))
    article.family_id = other.family_id
    article.matches_at = article.created_at if record.is_behind else now()
    other.matches_at = other.matches_at or now()
    db.session.flush()


def _keep_informal_faces(article: Article, revision: Revision, record: ArticleRecord, author: User | None) -> None:
    kept = {face.kind: face for face in article.informal_faces}
    for kind, face in kept.items():
        if not face.is_drafted and kind not in record.faces_du:
            db.session.delete(face)
    for kind, text in record.faces_du.items():
        face = kept.get(kind) or Face(article_id=article.id, kind=kind, is_informal=True, text="")
        if face.text != text or face.is_drafted:
            face.text, face.is_drafted, face.revision_id = text, False, revision.id
            face.by_id = None if author is None else author.id
            db.session.add(face)
    db.session.flush()
    db.session.expire(article, ["informal_faces"])


def _revision(article: Article, record: ArticleRecord, author: User | None) -> Revision:
    said: articles.Words = {
        "title": record.title,
        "summary": record.summary,
        "symptoms": record.symptoms,
        "environment": record.environment,
        "cause": record.cause,
        "resolution": record.body,
        "keywords": list(record.keywords),
    }
    number = db.session.scalar(select(func.max(Revision.number)).where(Revision.article_id == article.id)) or 0
    if number and articles.words_of(newest := queries.newest_revision(article)) == said:
        return newest
    revision = articles.revision_with(article, number + 1, dict(said))
    revision.by, revision.at = author, now() if number else article.created_at
    db.session.add(revision)
    db.session.flush()
    return revision


def _publish(article: Article, revision: Revision, record: ArticleRecord) -> None:
    if record.status == "draft":
        article.published = None
    else:
        if article.published is not revision:
            article.changed_id, article.changed_at = revision.id, now()
        article.published = revision
        article.published_at = article.published_at or article.created_at
    db.session.flush()


def _keep_faces(article: Article, revision: Revision, record: ArticleRecord, author: User | None) -> None:
    kept = {face.kind: face for face in article.faces}
    for kind, face in kept.items():
        if not face.is_drafted and kind not in record.faces:
            article.faces.remove(face)
            db.session.delete(face)
    _keep_informal_faces(article, revision, record, author)
    for kind, text in record.faces.items():
        face = kept.get(kind) or Face(article=article, kind=kind, text="")
        if face.text != text or face.is_drafted:
            face.text, face.is_drafted, face.revision_id = text, False, revision.id
            face.by_id = None if author is None else author.id
            db.session.add(face)
    db.session.flush()
    if any(face.is_drafted for face in article.faces):
        faces.redraw(article)
