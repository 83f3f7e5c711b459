"""What has been learnt: articles, their revisions and faces, where they came from and where they were used."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal, TypedDict

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from core.i18n import spoken
from forum.models import Post, Tag

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

Confidence = Literal["in_progress", "not_validated", "validated", "archived"]
Audience = Literal["team", "signed_in", "public"]
DoubtCause = Literal["contradicted", "unaccepted", "muted", "obsolete", "opposed", "edited"]
Way = Literal["new", "add", "replace"]
Significance = Literal["typo", "content", "instructions"]
FeedbackReason = Literal["wrong", "outdated", "unclear", "not_mine"]
TaskKind = Literal["feedback", "flag", "wrong", "use", "decay", "version", "links", "release"]
TaskOutcome = Literal["done", "not_needed"]
Verdict = Literal["yes", "wrong", "unsure"]
UseOutcome = Literal["helped", "not", "other"]
LinkState = Literal["waiting", "fine", "broken", "unreachable", "refused"]
RecallState = Literal["todo", "done", "not_needed"]
FaceKind = Literal["sentence", "280", "300", "500", "1000", "mail"]
FACE_KINDS: tuple[FaceKind, ...] = ("sentence", "280", "300", "500", "1000", "mail")
LONGEST_FACE = 4000


class Applies(TypedDict):
    """A product that an article applies to, and the versions; none of them is every one."""

    slug: str
    name: str
    versions: list[str]


class Section(Model):
    """A part of the knowledge base. Its name exists in each language."""

    __tablename__ = "section"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    position: Mapped[int] = mapped_column(default=0)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("section.id"))
    """The section that it is a part of; None at the top."""
    publishers: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Who publishes here, as `role:agent` and `user:12`; None where editors do. Holds for this section alone."""

    @property
    def name(self) -> str:
        return spoken(self.names, otherwise=self.slug)


class SectionAddress(Model):
    """A section was found at this address once; who comes there is led on."""

    __tablename__ = "section_address"

    slug: Mapped[str] = mapped_column(String(80), primary_key=True)
    section_id: Mapped[int] = mapped_column(ForeignKey("section.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    section: Mapped[Section] = relationship(lazy="joined", innerjoin=True)


class ArticleFamily(Model):
    """The same thing in several languages: one article for each."""

    __tablename__ = "article_family"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Article(Model):
    """One thing that is known, in one language. Its words are in its revisions."""

    __tablename__ = "article"
    __table_args__ = (
        CheckConstraint(
            "confidence in ('in_progress', 'not_validated', 'validated', 'archived')", name="known_confidence"
        ),
        CheckConstraint("audience in ('team', 'signed_in', 'public')", name="known_audience"),
        Index("ix_article_section", "section_id", "id"),
        Index("ix_article_family", "family_id", "locale", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    section_id: Mapped[int] = mapped_column(ForeignKey("section.id"))
    locale: Mapped[str] = mapped_column(String(2))
    confidence: Mapped[Confidence] = mapped_column(String(20), default="in_progress")
    audience: Mapped[Audience] = mapped_column(String(20), default="public")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    published_id: Mapped[int | None] = mapped_column(
        ForeignKey("revision.id", use_alter=True, name="fk_article_published_id")
    )
    """The revision that readers see; None while nothing is published."""
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody last said that it is right; being read, used or edited does not change that."""
    verified_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL", name="fk_article_verified_by_id")
    )
    """Who said so; None where those who used it did, or nobody yet."""
    verify_by: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When it is to be looked at again; None where no rule asks for that."""
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    family_id: Mapped[int | None] = mapped_column(ForeignKey("article_family.id"))
    changed_id: Mapped[int | None] = mapped_column(BigId)
    """The published revision that last said something else than before: no mere typo."""
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When that was published."""
    matches_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """It says what the other languages said at this moment, see `kb.families`."""
    place: Mapped[int | None] = mapped_column()
    """Where it stands in the index of its section; None while it is not in it."""
    applies: Mapped[list[Applies] | None] = mapped_column(JSON(none_as_null=True))
    """Which products it applies to, as `kb.products` writes it, so that a page need not look it up."""

    section: Mapped[Section] = relationship(lazy="joined", innerjoin=True)
    owner: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[owner_id])
    published: Mapped["Revision | None"] = relationship(foreign_keys=[published_id], lazy="joined", post_update=True)
    revisions: Mapped[list["Revision"]] = relationship(
        back_populates="article", foreign_keys="Revision.article_id", order_by="Revision.number"
    )
    sources: Mapped[list["ArticleSource"]] = relationship(
        back_populates="article", lazy="selectin", order_by="ArticleSource.id"
    )
    tags: Mapped[list[Tag]] = relationship(secondary="article_tag", lazy="selectin", order_by=Tag.name)
    faces: Mapped[list["Face"]] = relationship(
        back_populates="article",
        order_by="Face.id",
        primaryjoin="and_(Face.article_id == Article.id, Face.is_informal.is_(False))",
    )
    informal_faces: Mapped[list["Face"]] = relationship(
        order_by="Face.id",
        primaryjoin="and_(Face.article_id == Article.id, Face.is_informal.is_(True))",
        viewonly=True,
    )
    """The same in German with du."""

    is_doubted: Mapped[bool | None] = query_expression()
    """Whether editors should look at it; known where a list asks for it, see `kb.queries.marked_for`."""

    @property
    def is_published(self) -> bool:
        return self.published_id is not None and self.confidence != "archived"


class Product(Model):
    """Something that articles are about. It has one name in every language, as products do, and other names."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    aliases: Mapped[list[str]] = mapped_column(JSON, default=list)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    versions: Mapped[list["ProductVersion"]] = relationship(
        back_populates="product", lazy="selectin", order_by="ProductVersion.id", cascade="all, delete-orphan"
    )


class ProductVersion(Model):
    """A version of a product; from its day on, what applies to the product is to be looked at."""

    __tablename__ = "product_version"
    __table_args__ = (UniqueConstraint("product_id", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    released_on: Mapped[date | None] = mapped_column()

    product: Mapped[Product] = relationship(back_populates="versions")


class ArticleProduct(Model):
    """An article applies to a product; which versions is said in `Article.applies`."""

    __tablename__ = "article_product"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"), primary_key=True, index=True)


class ArticleTag(Model):
    __tablename__ = "article_tag"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True)


class Revision(Model):
    """The words of an article at one time. A revision is never changed once it was published."""

    __tablename__ = "revision"
    __table_args__ = (
        UniqueConstraint("article_id", "number"),
        CheckConstraint("significance in ('typo', 'content', 'instructions')", name="known_significance"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(300))
    slug: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(Text, default="")
    """One or two sentences, plain text."""
    symptoms: Mapped[str] = mapped_column(Text, default="")
    """Markdown: the issue in the customers' words."""
    environment: Mapped[str] = mapped_column(Text, default="")
    """One line: what this applies to."""
    cause: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it happens, plain text."""
    resolution: Mapped[str] = mapped_column(Text)
    """Markdown: what helps."""
    keywords: Mapped[list[str]] = mapped_column(JSON, default=list)
    symptoms_html: Mapped[str] = mapped_column(Text, default="")
    resolution_html: Mapped[str] = mapped_column(Text)
    renderer_version: Mapped[int]
    plain: Mapped[str] = mapped_column(Text, default="")
    """Summary, symptoms, cause and resolution as plain text, so that a search need not take a thousand pages apart."""
    anchors: Mapped[list[list[str]] | None] = mapped_column(JSON(none_as_null=True))
    """For each heading where its links lead, the own anchor first; written when it is published, see `kb.anchors`."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    comment: Mapped[str] = mapped_column(String(300), default="")
    significance: Mapped[Significance | None] = mapped_column(String(20))
    """How much it changed for readers, said at its publication; None of the first one, and before that."""

    article: Mapped[Article] = relationship(back_populates="revisions", foreign_keys=[article_id])
    by: Mapped[User | None] = relationship(lazy="joined")
    block_uses: Mapped[list["TextBlockUse"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class ArticleSource(Model):
    """An article was made from this post; its author is credited."""

    __tablename__ = "article_source"
    __table_args__ = (UniqueConstraint("article_id", "post_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), index=True)
    post_version: Mapped[int]
    """The version of the post that the article was made from, or that an editor compared it with since."""

    article: Mapped[Article] = relationship(back_populates="sources")
    post: Mapped[Post] = relationship(lazy="joined", innerjoin=True)


class Face(Model):
    """A short text of an article that fits a channel's limit; belongs to the article and remembers its revision."""

    __tablename__ = "face"
    __table_args__ = (UniqueConstraint("article_id", "kind", "is_informal"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    """The revision it was written for."""
    kind: Mapped[FaceKind] = mapped_column(String(10))
    is_informal: Mapped[bool] = mapped_column(default=False, server_default=false())
    """German with du instead of Sie."""
    text: Mapped[str] = mapped_column(Text)
    """Without the address of the article, which is appended where the text is used."""
    is_drafted: Mapped[bool] = mapped_column(default=False)
    """Drafted by rules, and drafted again at every publication; what a person wrote stays."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    article: Mapped[Article] = relationship(back_populates="faces")


class PlannedPublication(Model):
    """A version is published by itself at its time, once: whoever publishes it takes this row away."""

    __tablename__ = "planned_publication"
    __table_args__ = (
        CheckConstraint("significance in ('typo', 'content', 'instructions')", name="known_significance"),
    )

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id", ondelete="CASCADE"))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    significance: Mapped[Significance] = mapped_column(String(20), default="content")
    is_matching: Mapped[bool] = mapped_column(default=False)
    """Whether it says what the other languages say."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    failure: Mapped[str | None] = mapped_column(Text)
    """Why it could not be published when its time had come; it waits for an editor then."""

    article: Mapped[Article] = relationship()
    revision: Mapped[Revision] = relationship()
    by: Mapped[User | None] = relationship()


class Nomination(Model):
    """An accepted answer waits for an editor to make an article of it, or to say why not."""

    __tablename__ = "nomination"
    __table_args__ = (
        CheckConstraint("state in ('pending', 'drafted', 'published', 'declined')", name="known_state"),
        Index("ix_nomination_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), unique=True)
    state: Mapped[Literal["pending", "drafted", "published", "declined"]] = mapped_column(String(10), default="pending")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who nominated it; None when the acceptance did."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    checks: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """What the editor found true of it when deciding, see `kb.promotion.CHECKS`; None where nobody said."""
    way: Mapped[Way | None] = mapped_column(String(10))
    """Whether it became a new article, went into one, or took its place; None where that is not known."""
    contradicts_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"))
    """An article that says something else, and is in doubt for that."""
    alike: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """In how many conversations agents wrote much the same without an article; counted by `kb.likeness`."""

    post: Mapped[Post] = relationship(lazy="joined", innerjoin=True)
    article: Mapped[Article | None] = relationship(foreign_keys=[article_id])


class ArticleUse(Model):
    """An article was reused in an answer: which revision, as which face, where, by whom, and what had been asked."""

    __tablename__ = "article_use"
    __table_args__ = (
        UniqueConstraint("article_id", "where_kind", "where_id"),
        Index("ix_article_use_where", "where_kind", "where_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    face: Mapped[str | None] = mapped_column(String(10))
    way: Mapped[str | None] = mapped_column(String(10))
    """As a `short` text, a `quote` of a passage, or a `link` alone; None where nobody knows."""
    where_kind: Mapped[str] = mapped_column(String(20))
    """`message` in the desk, `post` in the forum."""
    where_id: Mapped[int] = mapped_column(BigId)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    asked: Mapped[str] = mapped_column(Text, default="")
    """The customer's words that this was an answer to."""
    asked_in_public: Mapped[bool] = mapped_column(default=False)
    """Whether everybody could read them: only then may they help everybody to find the article."""
    outcome: Mapped[UseOutcome | None] = mapped_column(String(10))
    """What became of it: it helped, it did not, it was about something else; None while nobody knows."""
    outcome_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL", name="fk_article_use_outcome_by_id")
    )
    """Who said so; None where the question tells it (solved, or contradicted), and where the customer did."""
    outcome_by_customer: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the customer said so, on the page that the reply led to."""

    article: Mapped[Article] = relationship()
    revision: Mapped[Revision] = relationship()


class SentLink(Model):
    """The address under which one use of an article left the house: whether it was opened, and whether they came back.

    The token is random and says nothing of anybody. After a while it is taken away; what was counted stays.
    """

    __tablename__ = "sent_link"

    use_id: Mapped[int] = mapped_column(ForeignKey("article_use.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[str | None] = mapped_column(String(10), unique=True)
    """What stands in the address; None once its days are over."""
    asks: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether whoever opens it may say that it helped: where it went to the customer alone, or the channel asks all."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody first read the article under it, as the page's script tells."""
    came_back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person wrote again within the days in which that counts, on whatever channel."""

    use: Mapped[ArticleUse] = relationship()


class ArticleFeedback(Model):
    """A reader says whether an article helped."""

    __tablename__ = "article_feedback"
    __table_args__ = (UniqueConstraint("article_id", "reader"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    reader: Mapped[str] = mapped_column(String(80))
    """`user:<id>`, or for guests a keyed hash of address and day."""
    helped: Mapped[bool]
    reason: Mapped[FeedbackReason | None] = mapped_column(String(10))
    """Why it did not help."""
    comment: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ArticleTask(Model):
    """Something an article needs: what a reader, somebody who used it, or its figures say. Its owner is told."""

    __tablename__ = "article_task"
    __table_args__ = (
        UniqueConstraint("article_id", "kind", "ref"),
        CheckConstraint(
            "kind in ('feedback', 'flag', 'wrong', 'use', 'decay', 'version', 'links', 'release')", name="known_kind"
        ),
        CheckConstraint("outcome is null or outcome in ('done', 'not_needed')", name="known_outcome"),
        CheckConstraint("(outcome is null) = (done_at is null)", name="done_at_a_moment"),
        Index("ix_article_task_waiting", "done_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    kind: Mapped[TaskKind] = mapped_column(String(10))
    ref: Mapped[str] = mapped_column(String(100))
    """Who or what it comes from: the same says it again instead of saying it twice."""
    reason: Mapped[FeedbackReason | None] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    outcome: Mapped[TaskOutcome | None] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(Text, default="")

    article: Mapped[Article] = relationship()
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])


class ArticleVerdict(Model):
    """What somebody who inserts an article says of it: still right, wrong, or unsure. The last word of each counts."""

    __tablename__ = "article_verdict"
    __table_args__ = (
        UniqueConstraint("article_id", "by_id"),
        CheckConstraint("verdict in ('yes', 'wrong', 'unsure')", name="known_verdict"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    verdict: Mapped[Verdict] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class VerifyRule(Model):
    """After how many days articles are to be looked at again, for a section, a confidence, both, or all."""

    __tablename__ = "verify_rule"
    __table_args__ = (CheckConstraint("days >= 0", name="days_not_negative"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    place: Mapped[str] = mapped_column(String(60), unique=True)
    """`section:confidence`, with `*` for every one; the database has no other way to say that there is one of each."""
    section_id: Mapped[int | None] = mapped_column(ForeignKey("section.id", ondelete="CASCADE"))
    confidence: Mapped[Confidence | None] = mapped_column(String(20))
    days: Mapped[int]
    """0: never."""


class ArticleRetirement(Model):
    """An article was archived, and maybe another one took its place."""

    __tablename__ = "article_retirement"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"), index=True)
    before: Mapped[Confidence] = mapped_column(String(20))
    """How sure the team was of it until then."""
    reason: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ArticleLink(Model):
    """An address that a published article or one of its faces leads to, and what was found there."""

    __tablename__ = "article_link"
    __table_args__ = (
        UniqueConstraint("article_id", "place", "url_key"),
        CheckConstraint("state in ('waiting', 'fine', 'broken', 'unreachable', 'refused')", name="known_state"),
        Index("ix_article_link_due", "due_at", "id"),
        Index("ix_article_link_state", "state", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    place: Mapped[str] = mapped_column(String(20))
    """`article`, or the kind of the face that it stands in."""
    url: Mapped[str] = mapped_column(Text)
    url_key: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the address, which may be longer than an index takes."""
    state: Mapped[LinkState] = mapped_column(String(12), default="waiting")
    said: Mapped[str] = mapped_column(String(300), default="")
    """The status, or why there was no answer."""
    failures: Mapped[int] = mapped_column(default=0)
    """How often in a row it was not fine."""
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    article: Mapped[Article] = relationship()


class ArticleRecall(Model):
    """A place that carries words of an article which were corrected since; somebody looks at each."""

    __tablename__ = "article_recall"
    __table_args__ = (
        UniqueConstraint("article_id", "where_kind", "where_id"),
        CheckConstraint("state in ('todo', 'done', 'not_needed')", name="known_state"),
        Index("ix_article_recall_reach", "article_id", "reach", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    """The correction."""
    carried_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id"))
    """What the place carries; None where the article was made from it."""
    where_kind: Mapped[str] = mapped_column(String(20))
    where_id: Mapped[int] = mapped_column(BigId)
    reach: Mapped[int] = mapped_column(default=0)
    """About how many people saw it, as its room says."""
    state: Mapped[RecallState] = mapped_column(String(10), default="todo")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))


class ArticleReading(Model):
    """How often an article was read on a day, as the page's script tells; nothing is kept of who read it."""

    __tablename__ = "article_reading"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


class KeptFinding(Model):
    """What looks like personal data in an article and is meant to stay, with the reason.

    What it says stands in the article alone: here is a digest, by which it is known again in every spelling.
    """

    __tablename__ = "kept_finding"
    __table_args__ = (UniqueConstraint("article_id", "digest"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ArticleFollow(Model):
    """Somebody wants to hear when an article changes."""

    __tablename__ = "article_follow"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ArticleDoubt(Model):
    """An answer that an article was made from does not stand any more; editors look whether the article does."""

    __tablename__ = "article_doubt"
    __table_args__ = (
        UniqueConstraint("article_id", "post_id"),
        CheckConstraint(
            "cause in ('contradicted', 'unaccepted', 'muted', 'obsolete', 'opposed', 'edited')", name="known_cause"
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), index=True)
    cause: Mapped[DoubtCause] = mapped_column(String(20))
    is_unaccepted: Mapped[bool] = mapped_column(default=False)
    """Whether it was a solution once and is none now, also where something weightier is the cause."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    """Since when this is the cause."""
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an editor said that the article stands nevertheless; another cause, or the same one anew, asks again."""
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    article: Mapped[Article] = relationship()
    post: Mapped[Post] = relationship()


class TextBlock(Model):
    """A named piece of text that stands in several articles, by reference: mended once, it is mended everywhere."""

    __tablename__ = "text_block"
    __table_args__ = (
        CheckConstraint("audience in ('team', 'signed_in', 'public')", name="known_audience"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    """What articles refer to it by."""
    audience: Mapped[Audience] = mapped_column(String(20), default="public")
    """For whom it is: an article for more people than these may not have it."""
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    """Markdown by language."""
    number: Mapped[int] = mapped_column(default=1)
    """Of its newest version, which is what it says."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class TextBlockRevision(Model):
    """What a block said at one time."""

    __tablename__ = "text_block_revision"
    __table_args__ = (
        UniqueConstraint("block_id", "number"),
        CheckConstraint("significance in ('typo', 'content', 'instructions')", name="known_significance"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    block_id: Mapped[int] = mapped_column(ForeignKey("text_block.id", ondelete="CASCADE"))
    number: Mapped[int]
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    comment: Mapped[str] = mapped_column(String(300), default="")
    significance: Mapped[Significance | None] = mapped_column(String(20))
    """How much it changed for readers; None of the first one."""

    by: Mapped[User | None] = relationship(lazy="joined")


class TextBlockUse(Model):
    """A version of an article has a block in it, itself or through another block."""

    __tablename__ = "text_block_use"

    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id", ondelete="CASCADE"), primary_key=True)
    block_id: Mapped[int] = mapped_column(ForeignKey("text_block.id", ondelete="CASCADE"), primary_key=True, index=True)


class TextBlockKept(Model):
    """What looks like personal data in a block and is meant to stay, with the reason, wherever the block stands."""

    __tablename__ = "text_block_kept"

    block_id: Mapped[int] = mapped_column(ForeignKey("text_block.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
