"""Questions, answers, comments, and what people decided about them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from core.i18n import spoken
from core.pictures import Kind

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

PostKind = Literal["question", "answer", "comment"]
LONGEST_TITLE = 150
SHORTEST_TITLE = 10


class Category(Model):
    """A subject area. Its name and description exist in each language."""

    __tablename__ = "category"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    descriptions: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    fields: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON, deferred=True)
    """What is asked beside the text, see `forum.fields`; lists do without it."""
    position: Mapped[int] = mapped_column(default=0)

    @property
    def name(self) -> str:
        return spoken(self.names, otherwise=self.slug)

    @property
    def description(self) -> str:
        return spoken(self.descriptions)


class Tag(Model):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)


class TopicTag(Model):
    __tablename__ = "topic_tag"

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)
    """Tags stay in the order in which they were given."""


class Topic(Model):
    """A question and everything said about it."""

    __tablename__ = "topic"
    __table_args__ = (
        Index("ix_topic_category_activity", "category_id", "last_activity_at", "id"),
        Index("ix_topic_activity", "last_activity_at", "id"),
        Index("ix_topic_asker", "asker_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    asker_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """None when the asker's account was erased."""
    title: Mapped[str] = mapped_column(String(300))
    slug: Mapped[str] = mapped_column(String(80))
    locale: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_activity_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    answer_count: Mapped[int] = mapped_column(default=0)
    """Answers that are not muted; kept by the deeds, checked by `flask doctor`."""
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    category: Mapped[Category] = relationship(lazy="joined", innerjoin=True)
    asker: Mapped[User | None] = relationship(lazy="joined")
    acceptance: Mapped["Acceptance | None"] = relationship(back_populates="topic", lazy="joined")
    muting: Mapped["Muting | None"] = relationship(
        back_populates="topic", lazy="joined", primaryjoin="Muting.topic_id == Topic.id", viewonly=True
    )
    tags: Mapped[list[Tag]] = relationship(
        secondary="topic_tag", lazy="selectin", order_by="TopicTag.position", viewonly=True
    )
    """Changed by `forum.topics.set_tags`."""
    posts: Mapped[list["Post"]] = relationship(back_populates="topic", order_by="Post.id", viewonly=True)

    @property
    def is_muted(self) -> bool:
        return self.muting is not None and self.muting.is_in_force

    @property
    def is_answered(self) -> bool:
        return self.answer_count > 0

    @property
    def is_solved(self) -> bool:
        return self.acceptance is not None

    @property
    def state(self) -> Literal["unanswered", "answered", "solved"]:
        """The state of the question, as the mark draws it."""
        if self.is_solved:
            return "solved"
        return "answered" if self.is_answered else "unanswered"


class Post(Model):
    """A question's text, an answer, or a comment on either."""

    __tablename__ = "post"
    __table_args__ = (
        CheckConstraint("kind in ('question', 'answer', 'comment')", name="known_kind"),
        CheckConstraint("(kind = 'comment') = (parent_id is not null)", name="comments_have_a_parent"),
        Index("ix_post_topic", "topic_id", "id"),
        Index("ix_post_author", "author_id", "id"),
        Index(
            "uq_post_one_question",
            "topic_id",
            unique=True,
            sqlite_where=text("kind = 'question'"),
            postgresql_where=text("kind = 'question'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    kind: Mapped[PostKind] = mapped_column(String(10))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    source: Mapped[str] = mapped_column(Text)
    """Markdown, as typed."""
    html: Mapped[str] = mapped_column(Text)
    """Rendered once, at writing, by `core.markup.render`."""
    renderer_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
    """Counts edits, so that of two editors the second learns of the first."""
    imported_score: Mapped[int] = mapped_column(default=0)
    helpful_count: Mapped[int] = mapped_column(default=0)
    """`imported_score` plus the votes; kept by `forum.votes`, checked by `flask doctor`."""
    details: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    """What was written into the fields of the category, see `forum.fields`."""
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    topic: Mapped[Topic] = relationship(back_populates="posts")
    author: Mapped[User | None] = relationship(lazy="joined")
    parent: Mapped["Post | None"] = relationship(remote_side="Post.id", viewonly=True)
    muting: Mapped["Muting | None"] = relationship(
        back_populates="post", lazy="joined", primaryjoin="Muting.post_id == Post.id", viewonly=True
    )

    @property
    def is_muted(self) -> bool:
        """Whether this post itself is muted; what it stands below may be muted as well."""
        return self.muting is not None and self.muting.is_in_force


class PostRevision(Model):
    """What a post said before an edit."""

    __tablename__ = "post_revision"
    __table_args__ = (UniqueConstraint("post_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    number: Mapped[int]
    title: Mapped[str | None] = mapped_column(String(300))
    """The topic's title at that time, for a question."""
    source: Mapped[str] = mapped_column(Text)
    details: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who replaced this text."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[User | None] = relationship(lazy="joined")


class Acceptance(Model):
    """An answer solved the question, says somebody."""

    __tablename__ = "acceptance"
    __table_args__ = (UniqueConstraint("topic_id"), UniqueConstraint("post_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    topic: Mapped[Topic] = relationship(back_populates="acceptance")
    post: Mapped[Post] = relationship()
    by: Mapped[User | None] = relationship(lazy="joined")


class Vote(Model):
    """Somebody found an answer or a question helpful."""

    __tablename__ = "vote"

    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Muting(Model):
    """The team's deed: from now on only its author and the team see this topic or post."""

    __tablename__ = "muting"
    __table_args__ = (
        UniqueConstraint("topic_id"),
        UniqueConstraint("post_id"),
        CheckConstraint("(topic_id is null) != (post_id is null)", name="one_subject"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    topic: Mapped[Topic | None] = relationship(foreign_keys=[topic_id])
    post: Mapped[Post | None] = relationship(foreign_keys=[post_id])
    by: Mapped[User | None] = relationship(lazy="joined")

    @property
    def is_in_force(self) -> bool:
        return self.until is None or self.until > now()


class Duplicate(Model):
    """A topic that asks what another one asked before."""

    __tablename__ = "duplicate"
    __table_args__ = (UniqueConstraint("topic_id", "target_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("topic.id"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    target: Mapped[Topic] = relationship(foreign_keys=[target_id])


class SeeAlso(Model):
    """A page elsewhere in Klinke that was made from, or belongs to, this topic. The forum does not ask what it is."""

    __tablename__ = "see_also"
    __table_args__ = (UniqueConstraint("topic_id", "url"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    title: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Follow(Model):
    __tablename__ = "follow"

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Notification(Model):
    """Something a person wants to know. Its words are made when it is read, in the reader's language."""

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_notification_user", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(120))
    """What it is about, so that a repeated event tells once: `answer:31`."""
    kind: Mapped[str] = mapped_column(String(40))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    """The topic a reader must be allowed to see to get this."""
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    url: Mapped[str] = mapped_column(String(300))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    topic: Mapped[Topic | None] = relationship()
    post: Mapped[Post | None] = relationship()


class Draft(Model):
    """A text that is not sent yet, kept so that no lost connection loses it."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(60))
    """`ask`, or `answer:12`."""
    fields: Mapped[dict[str, str]] = mapped_column(JSON)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SolvedBySuggestion(Model):
    """Somebody was about to ask and found the answer among the suggestions: a question that need not be asked."""

    __tablename__ = "solved_by_suggestion"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(20))
    ref_id: Mapped[int] = mapped_column(BigId)
    title: Mapped[str] = mapped_column(String(300))
    """What the person was typing."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Image(Model):
    """A picture that somebody brought, drawn anew by `core.pictures`; its file lies in the data folder.

    Who may see it follows from the posts that show it (`PostImage`) and from who brought it (`Upload`).
    """

    __tablename__ = "image"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest: Mapped[str] = mapped_column(String(32), unique=True)
    """The beginning of the SHA-256 of the file, in hexadecimal digits."""
    kind: Mapped[Kind] = mapped_column(String(4))
    width: Mapped[int]
    height: Mapped[int]
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    """When it was last brought, or taken out of a post."""

    @property
    def name(self) -> str:
        """What stands in its address."""
        return f"{self.digest}-{self.width}x{self.height}.{self.kind}"


class Upload(Model):
    """Somebody brought a picture; two people may bring the same."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_user", "user_id", "at"),)

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PostImage(Model):
    """A post shows a picture; kept by `forum.images.link`."""

    __tablename__ = "post_image"

    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), primary_key=True, index=True)
