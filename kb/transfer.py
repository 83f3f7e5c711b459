"""Import and export of sections, synonyms and articles.

What came in with an id of its own goes out with it, what was written here as `klinke:<id>`. Texts are stored as
they come, so that an export says what the import said. Nobody here has vouched yet for what is imported.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
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
from forum.models import Post, Topic
from kb import (
    addresses,
    articles,
    blocks,
    faces,
    families,
    products,
    publishing,
    queries,
    references,
    sections,
    vocabulary,
)
from kb.models import (
    LONGEST_FACE,
    Article,
    ArticleFamily,
    ArticleSource,
    Audience,
    Confidence,
    Face,
    FaceKind,
    Product,
    ProductVersion,
    Revision,
    Section,
    Significance,
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
MOST_PRODUCTS: Final = products.MOST_OF_AN_ARTICLE
HIGHEST_POSITION: Final = 1_000_000
HIGHEST_NUMBER: Final = 1_000_000
MOST_VERSIONS: Final = 10_000
LARGEST_HISTORY: Final = 2 << 20
"""In bytes: of what is longer, the latest versions travel, because a line has an end."""
QUESTION: Final = "question:"
"""Before the id of a topic: an article was made from its question, too."""
TOLD_ONCE: Final = ("published_at", "verified", "verified_by", "version", "history")
"""What an import says of an article only while it is new here."""
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
SourceId = line(LONGEST_ID + len(QUESTION))
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
    publishers: Annotated[list[line(LONGEST_ID + 5)], Field(max_length=publishing.MOST_PEOPLE)] | None = None  # type: ignore[valid-type]  # the same
    """Who publishes in it, as `role:agent` and `user:<id of a person>`; without it editors do."""


class ProductVersionRecord(BaseModel):
    """A version of a product."""

    name: line(products.LONGEST_VERSION)  # type: ignore[valid-type]  # a type made for the limit
    released: date | None = None


class ProductRecord(BaseModel):
    """A line of type `product`: what articles apply to."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
    name: line(products.LONGEST_NAME)  # type: ignore[valid-type]  # a type made for the limit
    aliases: Annotated[list[line(products.LONGEST_NAME)], Field(max_length=products.MOST_ALIASES)] = []  # type: ignore[valid-type]  # the same
    versions: Annotated[list[ProductVersionRecord], Field(max_length=products.MOST_VERSIONS)] = []


class AppliesRecord(BaseModel):
    """A product that an article applies to, by its id, and the versions by name; none of them is every one."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
    versions: Annotated[list[line(products.LONGEST_VERSION)], Field(max_length=products.MOST_VERSIONS)] = []  # type: ignore[valid-type]  # the same


class SynonymRecord(BaseModel):
    """A line of type `synonym`: words that mean the same, in one language or (without `locale`) in every one."""

    words: list[line(synonyms.LONGEST_PHRASE)] = Field(min_length=2, max_length=synonyms.MOST_WORDS)  # type: ignore[valid-type]  # a type made for the limit
    locale: Literal["de", "en"] | None = None
    one_way: bool = False


class VersionRecord(BaseModel):
    """Which version of an article it is, who wrote it when, and what it was for."""

    number: Annotated[int, Field(ge=1, le=HIGHEST_NUMBER)]
    by: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    created: AwareDatetime
    comment: line(articles.LONGEST_COMMENT, 0) = ""  # type: ignore[valid-type]  # the same
    significance: Significance | None = None


class OtherVersionRecord(VersionRecord):
    """A version with other words than those of the line: an earlier one, or a draft."""

    title: line(LONGEST_FOREIGN_TITLE)  # type: ignore[valid-type]  # a type made for the limit
    summary: Annotated[str, Field(max_length=LONGEST_SUMMARY), AfterValidator(_storable)] = ""
    symptoms: Markdown = ""
    environment: line(articles.LONGEST_ENVIRONMENT, 0) = ""  # type: ignore[valid-type]  # the same
    cause: Annotated[str, Field(max_length=LONGEST_SUMMARY), AfterValidator(_storable)] = ""
    body: Annotated[Markdown, AfterValidator(_filled)]
    keywords: Annotated[list[Keyword], Field(max_length=MOST_KEYWORDS)] = []


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
    source_post: SourceId | None = None  # type: ignore[valid-type]  # the same
    more_sources: Annotated[list[SourceId], Field(max_length=MOST_SOURCES)] = []  # type: ignore[valid-type]  # the same
    """The other posts that it was made from, when there are several."""
    faces: dict[FaceKind, FaceText] = {}
    faces_du: dict[FaceKind, FaceText] = {}
    family: Id | None = None  # type: ignore[valid-type]  # the same
    """The id of the first article of those that say the same in several languages."""
    is_behind: bool = False
    """Whether another language of the family has changed since."""
    place: Annotated[int, Field(ge=0, le=HIGHEST_POSITION)] | None = None
    products: Annotated[list[AppliesRecord], Field(max_length=MOST_PRODUCTS)] = []
    # What follows counts for an article that is new here; of one that is here already the team here decides.
    published_at: AwareDatetime | None = None
    """When readers first saw it; where missing, when it was written."""
    verified: AwareDatetime | None = None
    verified_by: Id | None = None  # type: ignore[valid-type]  # the same
    version: VersionRecord | None = None
    """Of the words above; where missing, the first one, written by the author when the article was."""
    history: Annotated[list[OtherVersionRecord], Field(max_length=MOST_VERSIONS)] = []


def init_app() -> None:
    register(RecordType(name="product", order=27, model=ProductRecord, load=load_product, dump=dump_products))
    register(RecordType(name="section", order=28, model=SectionRecord, load=load_section, dump=dump_sections))
    register(RecordType(name="synonym", order=29, model=SynonymRecord, load=load_synonym, dump=dump_synonyms))
    register(RecordType(name="block", order=29, model=BlockRecord, load=load_block, dump=dump_blocks))
    register(RecordType(name="article", order=30, model=ArticleRecord, load=load, dump=dump))


def load(record: ArticleRecord) -> Outcome:
    """Take one article in; what it says anew becomes a new version, so that nothing written here is lost."""
    author, posts = _author(record), _source_posts(record)
    _refuse_contradictions(record)
    article = db.session.scalars(select(Article).where(Article.source_id == record.id)).unique().one_or_none()
    if article is not None and (there := _as_record(article)) == _wanted(record, article, there):
        return "unchanged"
    outcome: Outcome = "new" if article is None else "changed"
    is_new = article is None
    if article is None:
        article = Article(source_id=record.id, created_at=record.created or now())
    old_path = addresses.of_article(article) if article.published else None
    _place(article, record, author)
    known = {source.post_id for source in article.sources}
    for post in posts:
        if post.id not in known:
            article.sources.append(ArticleSource(post=post, post_version=post.version))
    revision = _first_versions(article, record) if is_new else _revision(article, record, author)
    references.refuse_wider_in([revision.id], record.audience)
    _publish(article, revision, record)
    if is_new:
        _begin(article, record)
    _keep_faces(article, revision, record, author)
    _join(article, record)
    if "products" in record.model_fields_set:
        products.keep(article, _applying(record))
    articles.link_threads(article, old_path=old_path)
    return outcome


def load_product(record: ProductRecord) -> Outcome:
    """Take in a product with its versions; a release that is over asks nothing before the next look at signs of decay.

    Versions that a record does not name stay.
    """
    name, aliases = str(record.name), [str(alias) for alias in record.aliases]
    product = db.session.scalars(select(Product).where(Product.slug == record.id)).unique().one_or_none()
    outcome: Outcome = "unchanged" if product is not None else "new"
    if product is None:
        product = Product(slug=record.id, name=name, aliases=aliases)
        db.session.add(product)
    elif (product.name, product.aliases) != (name, aliases):
        products.rename(product, name=name, aliases=aliases)
        outcome = "changed"
    known = {version.name: version for version in product.versions}
    for one in record.versions:
        version = known.get(str(one.name))
        if version is None:
            product.versions.append(ProductVersion(name=str(one.name), released_on=one.released))
        elif version.released_on != one.released:
            version.released_on = one.released
        else:
            continue
        outcome = "new" if outcome == "new" else "changed"
    db.session.flush()
    return outcome


def load_section(record: SectionRecord) -> Outcome:
    """Take in a section, or give the one with this slug these names."""
    names = {str(locale): str(name) for locale, name in record.names.items()}
    found = sections.find(record.id)
    if found is None:
        found = Section(slug=record.id, names=names, position=record.position)
        db.session.add(found)
        sections.put(found, _parent(record))
        found.publishers = publishing.read(record.publishers)
        return "new"
    parent = _parent(record) if "parent" in record.model_fields_set else db.session.get(Section, found.parent_id or 0)
    parent_id = None if parent is None else parent.id
    said = "publishers" in record.model_fields_set
    publishers = publishing.read(record.publishers) if said else found.publishers
    before = (found.names, found.position, found.parent_id, found.publishers)
    if before == (names, record.position, parent_id, publishers):
        return "unchanged"
    found.names, found.position, found.publishers = names, record.position, publishers
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


def dump_products() -> Iterator[dict[str, Any]]:
    """Yield every product with its versions."""
    for product in products.everything():
        versions = [
            {"name": one.name} | ({"released": one.released_on.isoformat()} if one.released_on else {})
            for one in product.versions
        ]
        told = {"aliases": product.aliases, "versions": versions}
        yield {"id": product.slug, "name": product.name, **{name: value for name, value in told.items() if value}}


def _applying(record: ArticleRecord) -> list[products.Wanted]:
    found: list[products.Wanted] = []
    for one in record.products:
        product = db.session.scalars(select(Product).where(Product.slug == one.id)).unique().one_or_none()
        if product is None:
            raise Invalid(gettext("no product has the id “%(id)s”, which an article applies to", id=one.id))
        found.append({"product": product, "versions": [str(version) for version in one.versions]})
    return found


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
        is_plain = is_plain and section.publishers is None
        if not is_plain or section.parent_id is not None or section.id in above:
            record = {"id": section.slug, "names": section.names, "position": section.position}
            parent = {} if section.parent_id is None else {"parent": slugs[section.parent_id]}
            yield record | parent | publishing.written(section)


def dump_synonyms() -> Iterator[dict[str, Any]]:
    """Yield every group of words; what goes without saying is left out."""
    for group in synonyms.groups():
        told = {"locale": group.locale, "one_way": group.is_one_way}
        yield {"words": group.words, **{name: value for name, value in told.items() if value}}


def _author(record: ArticleRecord) -> User | None:
    return _person(record.author)


def _person(source_id: str | None) -> User | None:
    if source_id is None:
        return None
    found = people.by_source_id(source_id)
    if found is None:
        raise Invalid(gettext("nobody has the id “%(id)s”, which is given as the author", id=source_id))
    return found


def _refuse_contradictions(record: ArticleRecord) -> None:
    numbers = [1 if record.version is None else record.version.number, *(one.number for one in record.history)]
    if len(numbers) > len(set(numbers)):
        raise Invalid(gettext("two versions of the article have the same number"))


def _source_posts(record: ArticleRecord) -> list[Post]:
    posts = []
    for source_id in dict.fromkeys([record.source_post, *record.more_sources]):
        if source_id is None:
            continue
        topic_id = source_id.removeprefix(QUESTION)
        is_it = Post.source_id == source_id
        if topic_id != source_id:
            topic = select(Topic.id).where(Topic.source_id == topic_id).scalar_subquery()
            is_it = (Post.topic_id == topic) & (Post.kind == "question")
        post = db.session.scalars(select(Post).where(is_it)).unique().one_or_none()
        if post is None:
            raise Invalid(gettext("no post has the id “%(id)s”, which is given as the source", id=source_id))
        posts.append(post)
    return posts


def _wanted(record: ArticleRecord, article: Article, there: dict[str, Any]) -> dict[str, Any]:
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
        **({} if "products" in record.model_fields_set else {"products": _applies(article)}),
        # Of these the team here decides.
        **{name: there[name] for name in TOLD_ONCE},
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
        "source_post": _named(source) if source else None,
        "more_sources": _more_sources(article),
        "faces": {face.kind: face.text for face in article.faces if not face.is_drafted},
        "faces_du": {face.kind: face.text for face in article.informal_faces if not face.is_drafted},
        "family": _family_of(article),
        "is_behind": _is_behind(article),
        "place": article.place,
        "products": _applies(article),
        **_told_once(article),
    }


def _applies(article: Article) -> list[dict[str, Any]]:
    return [{"id": one["slug"], "versions": one["versions"]} for one in article.applies or ()]


def _told_once(article: Article) -> dict[str, Any]:
    """Return the values of `TOLD_ONCE`."""
    verifier = None if article.verified_by_id is None else db.session.get(User, article.verified_by_id)
    is_plain = article.published_id is None or article.published_at == article.created_at
    return {
        "published_at": None if article.published_at is None or is_plain else iso(article.published_at),
        "verified": None if article.verified_at is None else iso(article.verified_at),
        "verified_by": None if verifier is None else reference(verifier),
        "version": _version_of(article),
        "history": _history_of(article),
    }


def _version_of(article: Article) -> dict[str, Any] | None:
    words = article.published or queries.newest_revision(article)
    is_plain = (words.number, words.by_id, words.at, words.comment, words.significance) == (
        1,
        article.owner_id,
        article.created_at,
        "",
        None,
    )
    return None if is_plain else _version(words)


def _history_of(article: Article) -> list[dict[str, Any]]:
    """Return the other versions, the earliest first."""
    words = article.published or queries.newest_revision(article)
    history: list[dict[str, Any]] = []
    size = 0
    for revision in queries.revisions_of(article):
        if revision.id == words.id:
            continue
        said = {
            "title": revision.title,
            "summary": revision.summary,
            "symptoms": revision.symptoms,
            "environment": revision.environment,
            "cause": revision.cause,
            "body": revision.resolution,
            "keywords": revision.keywords,
        }
        one = _version(revision) | {name: value for name, value in said.items() if value}
        size += len(json.dumps(one, ensure_ascii=False).encode())
        if size > LARGEST_HISTORY:
            break
        history.append(one)
    return history[::-1]


def _version(revision: Revision) -> dict[str, Any]:
    said = {
        "number": revision.number,
        "by": None if revision.by is None else reference(revision.by),
        "created": iso(revision.at),
        "comment": revision.comment,
        "significance": revision.significance,
    }
    return {name: value for name, value in said.items() if value}


def _more_sources(article: Article) -> list[str]:
    return [_named(source.post) for source in article.sources[1:]]


def _named(post: Post) -> str:
    if post.kind == "question":
        return f"{QUESTION}{post.topic.source_id or f'klinke:{post.topic_id}'}"
    return post.source_id or f"klinke:{post.id}"


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


def _first_versions(article: Article, record: ArticleRecord) -> Revision:
    """Bring in every version of an article that is new here, in their order; return the one that the line is about."""
    own = record.version or VersionRecord(number=1, by=record.author, created=article.created_at)
    brought: dict[int, Revision] = {}
    for one in sorted([own, *record.history], key=lambda version: version.number):
        said = _words_of(one if isinstance(one, OtherVersionRecord) else record)
        brought[one.number] = _bring_in(article, one, said)
    return brought[own.number]


def _bring_in(article: Article, about: VersionRecord, said: articles.Words) -> Revision:
    by = _person(about.by)
    revision = articles.revision_with(article, about.number, dict(said))
    revision.by, revision.at = by, about.created
    revision.comment, revision.significance = about.comment, about.significance
    db.session.add(revision)
    db.session.flush()
    return revision


def _begin(article: Article, record: ArticleRecord) -> None:
    if record.published_at is not None and article.published is not None:
        article.published_at = record.published_at
    article.verified_at = record.verified
    verifier = _person(record.verified_by)
    article.verified_by_id = None if verifier is None else verifier.id
    db.session.flush()


def _words_of(record: ArticleRecord | OtherVersionRecord) -> articles.Words:
    return {
        "title": record.title,
        "summary": record.summary,
        "symptoms": record.symptoms,
        "environment": record.environment,
        "cause": record.cause,
        "resolution": record.body,
        "keywords": list(record.keywords),
    }


def _revision(article: Article, record: ArticleRecord, author: User | None) -> Revision:
    said = _words_of(record)
    number = db.session.scalar(select(func.max(Revision.number)).where(Revision.article_id == article.id)) or 0
    if articles.words_of(newest := queries.newest_revision(article)) == said:
        return newest
    revision = articles.revision_with(article, number + 1, dict(said))
    revision.by, revision.at = author, now()
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
