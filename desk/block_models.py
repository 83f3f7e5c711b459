"""The team's own text blocks, and what replies reused: blocks, answers of the forum, articles that were only linked."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from desk.models import Channel
from forum.models import Post, Topic
from kb.models import Article

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

Scope = Literal["mine", "team", "channel"]
SCOPES: tuple[Scope, ...] = ("mine", "team", "channel")
Relation = Literal["about", "made"]


class ReplyBlock(Model):
    """A text that agents put into replies. Its `words` go by language: `de`, `de-du`, `en`, and `de@social`."""

    __tablename__ = "reply_block"
    __table_args__ = (
        CheckConstraint(f"scope in {SCOPES!r}", name="known_scope"),
        Index("ix_reply_block_owner_id", "owner_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    """By which it stands in other blocks: `{{block:name}}`."""
    title: Mapped[str] = mapped_column(String(120))
    folder: Mapped[str] = mapped_column(String(80), default="")
    keywords: Mapped[list[str]] = mapped_column(JSON, default=list)
    scope: Mapped[Scope] = mapped_column(String(10))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who made it; a block of scope `mine` is theirs alone."""
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    plain: Mapped[str] = mapped_column(Text)
    """All of it in small letters, for words that are only begun."""
    number: Mapped[int] = mapped_column(default=1)
    """The newest version."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Put away: nobody is offered it any more, and what was sent with it stays known."""
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    owner: Mapped[User | None] = relationship(lazy="joined")
    channel: Mapped[Channel | None] = relationship(lazy="joined")


class ReplyBlockVersion(Model):
    """What a block said, and who wrote that."""

    __tablename__ = "reply_block_version"
    __table_args__ = (UniqueConstraint("block_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    block_id: Mapped[int] = mapped_column(ForeignKey("reply_block.id", ondelete="CASCADE"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(120))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    comment: Mapped[str] = mapped_column(String(300), default="")

    by: Mapped[User | None] = relationship(lazy="joined")


class ReplyBlockFavourite(Model):
    """Somebody keeps a block at hand."""

    __tablename__ = "reply_block_favourite"

    block_id: Mapped[int] = mapped_column(ForeignKey("reply_block.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ReplyBlockUse(Model):
    """A reply was written with a block."""

    __tablename__ = "reply_block_use"
    __table_args__ = (UniqueConstraint("block_id", "message_id"), Index("ix_reply_block_use_by", "by_id", "block_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    block_id: Mapped[int] = mapped_column(ForeignKey("reply_block.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    """Which version."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AnswerUse(Model):
    """A reply led to an answer of the forum."""

    __tablename__ = "answer_use"
    __table_args__ = (UniqueConstraint("post_id", "message_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    way: Mapped[str] = mapped_column(String(10))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    post: Mapped[Post] = relationship()


class ConversationArticle(Model):
    """A conversation is about an article, whether or not it was sent; or the article was made of it."""

    __tablename__ = "conversation_article"
    __table_args__ = (
        UniqueConstraint("conversation_id", "article_id"),
        CheckConstraint("relation in ('about', 'made')", name="known_relation"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    relation: Mapped[Relation] = mapped_column(String(10))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    article: Mapped[Article] = relationship()


class ReplyTopic(Model):
    """A public exchange became a question of the forum with its answer: once for each reply."""

    __tablename__ = "reply_topic"

    reply_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), index=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    has_consent: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the customer agreed that the question leads to what they wrote."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    topic: Mapped[Topic] = relationship()
