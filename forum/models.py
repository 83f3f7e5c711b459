"""Questions, answers, comments, and what people decided about them."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, query_expression, relationship

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
ClosedAs = Literal["duplicate", "closed"]
Cause = Literal["team", "first", "fast", "words", "flags"]
"""Why something is hidden: the team muted it, or it waits for the team to look at it."""
CaseKind = Literal["flagged", "held"]
SuggestionOutcome = Literal["taken", "declined", "withdrawn"]
Outcome = Literal["agreed", "disagreed", "ignored", "edited"]
FlagReason = Literal["spam", "rude", "personal", "off_topic", "other", "illegal"]
RuleDeed = Literal["find", "allow"]
WordDeed = Literal["block", "hold", "replace", "link"]
PointKind = Literal["solution", "helpful", "article", "limit"]
LONGEST_TITLE = 150
SHORTEST_TITLE = 10
MutingRule = Literal["other", "spam", "advertising", "personal_data", "rude", "off_topic", "dangerous", "illegal"]
MUTING_RULES: tuple[MutingRule, ...] = get_args(MutingRule)
"""Which rule of the house something was muted by."""


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
    needs_tag: Mapped[bool] = mapped_column(default=False)
    """Whether a question here needs a tag."""
    wanted_tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Of these a question here needs one at least; where there are none, any tag will do."""
    accepts_several: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a question may have several solutions, each for a version or a device."""
    closes_after_hours: Mapped[int | None]
    """A solved question rests so many hours after the last word in it; None: never."""

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
    is_reserved: Mapped[bool] = mapped_column(default=False)
    """Whether only the team may give it."""


class TagSynonym(Model):
    """Another word for a tag: whoever types it gets the tag."""

    __tablename__ = "tag_synonym"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), index=True)
    tag: Mapped[Tag] = relationship()


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
    closed_as: Mapped[ClosedAs | None] = mapped_column(String(10))
    """Whether nothing can be added any more, and why; kept by `forum.closing`, who and when stand in `Closing`."""
    me_too_count: Mapped[int] = mapped_column(default=0, server_default="0")
    """People with the same problem; kept by `forum.me_too`, checked by `flask doctor`."""
    info_post_id: Mapped[int | None] = mapped_column(BigId)
    """The comment that asks the asker for more; kept by `forum.asking_back`, who and when stand in `InfoRequest`."""
    taken_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when somebody has this question; kept by `forum.assigning`, who stands in `Assignment`."""
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    category: Mapped[Category] = relationship(lazy="joined", innerjoin=True)
    asker: Mapped[User | None] = relationship(lazy="joined")
    acceptance: Mapped["Acceptance | None"] = relationship(
        lazy="joined",
        primaryjoin="and_(Acceptance.topic_id == Topic.id, Acceptance.position == 0)",
        viewonly=True,
    )
    """The first solution; more than one there is only where the category takes several: `forum.queries.solutions`."""
    muting: Mapped["Muting | None"] = relationship(
        back_populates="topic", lazy="joined", primaryjoin="Muting.topic_id == Topic.id", viewonly=True
    )
    has_see_also: Mapped[bool | None] = query_expression()
    has_duplicate: Mapped[bool | None] = query_expression()
    """Whether there is such a row, where `forum.queries.visible_topic` read it along; None: nobody asked."""
    if TYPE_CHECKING:
        tag_line: Mapped[str | None]
    posts: Mapped[list["Post"]] = relationship(back_populates="topic", order_by="Post.id", viewonly=True)
    reopenings: Mapped[list["Reopening"]] = relationship(order_by="Reopening.id", viewonly=True)

    @property
    def tag_names(self) -> list[str]:
        """The names of the tags in their order, read along with the topic; changed by `forum.topics.set_tags`."""
        return (self.tag_line or "").split()

    @property
    def is_muted(self) -> bool:
        return self.muting is not None and self.muting.is_in_force

    @property
    def is_closed(self) -> bool:
        return self.closed_as is not None

    @property
    def waits_for_asker(self) -> bool:
        """Whether the asker was asked for more and said nothing yet."""
        return self.info_post_id is not None and not self.is_closed

    @property
    def is_closed_for_silence(self) -> bool:
        """Whether it was closed because the asker said nothing; a word of theirs opens it again."""
        return self.info_post_id is not None and self.is_closed

    @property
    def is_taken(self) -> bool:
        """Whether somebody has it and their time is not up."""
        return self.taken_until is not None and self.taken_until > now()

    @property
    def is_answered(self) -> bool:
        return self.answer_count > 0

    @property
    def is_solved(self) -> bool:
        return self.acceptance is not None

    @property
    def rests_since(self) -> datetime | None:
        """Since when a solved question takes no more words, as its category wants it; None while it does.

        Nobody closes it and nobody is told: it follows from the last word, the solution and the last reopening.
        """
        hours, solution = self.category.closes_after_hours, self.acceptance
        if hours is None or solution is None:
            return None
        since = max(self.last_activity_at, solution.at) + timedelta(hours=hours)
        if since > now():
            return None
        since = max([since, *(reopening.at + timedelta(hours=hours) for reopening in self.reopenings)])
        return since if since <= now() else None

    @property
    def is_resting(self) -> bool:
        return self.rests_since is not None

    @property
    def state(self) -> Literal["unanswered", "answered", "solved"]:
        """The state of the question, as the mark draws it."""
        if self.is_solved:
            return "solved"
        return "answered" if self.is_answered else "unanswered"


Topic.tag_line = column_property(
    select(func.aggregate_strings(Tag.name, " ").aggregate_order_by(TopicTag.position))
    .select_from(TopicTag)
    .join(Tag, Tag.id == TopicTag.tag_id)
    .where(TopicTag.topic_id == Topic.id)
    .correlate_except(Tag, TopicTag)
    .scalar_subquery()
)


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
    """`imported_score` plus the votes, guests' too; kept by `forum.votes`, checked by `flask doctor`."""
    guest_count: Mapped[int] = mapped_column(default=0, server_default="0", deferred=True)
    """How many of them were guests', who are forgotten after a while and bring nobody points."""
    official_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when this is what the house says; who said so stands in the log."""
    details: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    """What was written into the fields of the category, see `forum.fields`."""
    obsolete: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Since when, why, and what holds instead, see `forum.aging`; who said so stands in the log."""
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    topic: Mapped[Topic] = relationship(back_populates="posts")
    acceptance: Mapped["Acceptance | None"] = relationship(viewonly=True)
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
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it was replaced, as its editor said."""
    details: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who replaced this text."""
    suggested_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who had suggested the new one."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[by_id])
    suggested_by: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[suggested_by_id])


class SuggestedEdit(Model):
    """Somebody who may not edit a post says what it should say instead; its author or a moderator decides."""

    __tablename__ = "suggested_edit"
    __table_args__ = (
        CheckConstraint("outcome is null or outcome in ('taken', 'declined', 'withdrawn')", name="known_outcome"),
        CheckConstraint("(outcome is null) = (decided_at is null)", name="decided_at_a_moment"),
        Index("ix_suggested_edit_waiting", "decided_at", "id"),
        Index(
            "uq_suggested_edit_one_open",
            "post_id",
            "by_id",
            unique=True,
            sqlite_where=text("decided_at is null"),
            postgresql_where=text("decided_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    version: Mapped[int]
    """Which version of the post it was written for."""
    title: Mapped[str | None] = mapped_column(String(300))
    source: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    outcome: Mapped[SuggestionOutcome | None] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text, default="")
    """What was answered; nobody else reads it."""
    taken_version: Mapped[int | None]
    """Which version of the post it became."""
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    post: Mapped[Post] = relationship()
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])


class Acceptance(Model):
    """An answer solved the question, says somebody.

    A question has one at position 0. Where its category takes several solutions, the next ones are behind it, each with
    the version or device it is for as its label.
    """

    __tablename__ = "acceptance"
    __table_args__ = (UniqueConstraint("topic_id", "position"), UniqueConstraint("post_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    label: Mapped[str] = mapped_column(String(60), default="", server_default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    worked_count: Mapped[int] = mapped_column(default=0, server_default="0")
    failed_count: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many people said whether it worked for them; kept by `forum.experiences`, checked by `flask doctor`."""
    contradicted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when what people say speaks against it; then the answer does not stand first."""

    topic: Mapped[Topic] = relationship()
    post: Mapped[Post] = relationship()
    by: Mapped[User | None] = relationship(lazy="joined")

    @property
    def is_contradicted(self) -> bool:
        return self.contradicted_at is not None


class Experience(Model):
    """Somebody tried an answer: it worked for them, or it did not, with which version or device."""

    __tablename__ = "experience"
    __table_args__ = (UniqueConstraint("post_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    has_worked: Mapped[bool]
    version: Mapped[str] = mapped_column(String(60), default="")
    words: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Reopening(Model):
    """A question that rested takes words again."""

    __tablename__ = "reopening"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Reminder(Model):
    """The asker was asked which answer helped. A topic has one, so nobody is asked twice."""

    __tablename__ = "reminder"

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ReminderRefusal(Model):
    """Somebody does not want to be reminded."""

    __tablename__ = "reminder_refusal"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Note(Model):
    """What the team tells itself about a topic; nobody else learns that it exists."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    author: Mapped[User | None] = relationship(lazy="joined")


class InfoRequest(Model):
    """Somebody needs to know more from the asker before they can help; the asker's next words end it."""

    __tablename__ = "info_request"

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    post: Mapped[Post] = relationship()


class Assignment(Model):
    """Somebody answers this question: they took it, or a moderator gave it to them. After a while it is free again."""

    __tablename__ = "assignment"

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who gave it to them; themselves where they took it."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    alarmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When moderators were told that its time passed without an answer."""

    topic: Mapped[Topic] = relationship()
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])

    @property
    def is_given(self) -> bool:
        return self.by_id != self.user_id


class CannedReply(Model):
    """A text that the team writes again and again, in each language; see `forum.canned` for what stands for names."""

    __tablename__ = "canned_reply"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    title: Mapped[str] = mapped_column(String(80), unique=True)
    keywords: Mapped[str] = mapped_column(String(200), default="")
    texts: Mapped[dict[str, str]] = mapped_column(JSON)
    """Markdown by language."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """Who wrote it last."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[User | None] = relationship()


class CannedReplyUse(Model):
    """A reply of the team went into an answer."""

    __tablename__ = "canned_reply_use"

    reply_id: Mapped[int] = mapped_column(ForeignKey("canned_reply.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), primary_key=True, index=True)


class Vote(Model):
    """Somebody found an answer or a question helpful."""

    __tablename__ = "vote"

    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class GuestVote(Model):
    """A guest found an answer helpful. Who it was is a keyed hash, whose key changes; the row is forgotten soon."""

    __tablename__ = "guest_vote"
    __table_args__ = (Index("ix_guest_vote_network", "network", "at"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), primary_key=True)
    guest: Mapped[str] = mapped_column(String(64), primary_key=True)
    network: Mapped[str] = mapped_column(String(64))
    """Another such hash, of the network, which may do so only so often in a day."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class PointEntry(Model):
    """Points that somebody got, or that were taken back. Rows are never changed: taking back is a row of its own."""

    __tablename__ = "point_entry"
    __table_args__ = (
        CheckConstraint("kind in ('solution', 'helpful', 'article', 'limit')", name="known_kind"),
        CheckConstraint("(kind = 'limit') = (post_id is null)", name="for_a_post"),
        UniqueConstraint("post_id", "kind", "ref_id", "number"),
        UniqueConstraint("reverses_id"),
        Index("ix_point_entry_user", "user_id", "day"),
        Index("ix_point_entry_kind", "kind", "day"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[PointKind] = mapped_column(String(10))
    """`limit` takes back what votes brought above the most that a day may bring."""
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    ref_id: Mapped[int] = mapped_column(BigId, default=0)
    """Whose vote, or which article."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    """Who found it helpful; with them the rows go, both of them."""
    number: Mapped[int] = mapped_column(default=1)
    """Of the rows about the same thing, so that none is written twice: odd ones give, even ones take back."""
    points: Mapped[int]
    day: Mapped[date]
    """The day it counts for: that of the deed, also when it is taken back later."""
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("point_entry.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    post: Mapped[Post | None] = relationship()


class Standing(Model):
    """What is noted about a member beside the ledger. Its row is held while their points are settled."""

    __tablename__ = "standing"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    is_fixed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the team set the level of trust by hand; then it is not earned."""
    is_unlisted: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether this person does not want to stand in lists of who helps."""
    weighed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told: Mapped[dict[str, int]] = mapped_column(JSON, default=dict, server_default="{}")
    """What the last monthly notice said became of their answers."""
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Muting(Model):
    """The team's deed: from now on only its author and the team see this topic or post."""

    __tablename__ = "muting"
    __table_args__ = (
        UniqueConstraint("topic_id"),
        UniqueConstraint("post_id"),
        CheckConstraint("(topic_id is null) != (post_id is null)", name="one_subject"),
        CheckConstraint("cause in ('team', 'first', 'fast', 'words', 'flags')", name="known_cause"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    cause: Mapped[Cause] = mapped_column(String(10), default="team", server_default="team")
    """Everything but `team` waits for a decision in the queue, where it has a `ReviewCase`."""
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the author edited what flags had hidden, which is possible once."""
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_label: Mapped[str] = mapped_column(String(60), default="", server_default="")
    """Who had accepted the answer and for what, so that it is the solution again where hiding it was a mistake."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    rule: Mapped[str] = mapped_column(String(20), default="other", server_default="other")
    """One of `MUTING_RULES`."""
    reason: Mapped[str] = mapped_column(Text)
    wanted: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What its author can change so that it can be shown again."""
    is_silent: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Spam only: its author is not told and sees no difference."""
    until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    review_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When a moderator is asked to look at it again; None when that was done."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    topic: Mapped[Topic | None] = relationship(foreign_keys=[topic_id])
    post: Mapped[Post | None] = relationship(foreign_keys=[post_id])
    by: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[by_id])

    @property
    def is_in_force(self) -> bool:
        return self.until is None or self.until > now()

    @property
    def is_waiting(self) -> bool:
        """Whether nobody decided this yet: it was held, or hidden by flags."""
        return self.cause != "team"

    @property
    def is_held(self) -> bool:
        """Whether nobody but its author and the team has ever seen it."""
        return self.cause in {"first", "fast", "words"}


class ReviewCase(Model):
    """A post that somebody of the team should look at. Of each post at most one is open."""

    __tablename__ = "review_case"
    __table_args__ = (
        CheckConstraint("kind in ('flagged', 'held')", name="known_kind"),
        CheckConstraint(
            "outcome is null or outcome in ('agreed', 'disagreed', 'ignored', 'edited')", name="known_outcome"
        ),
        CheckConstraint("(outcome is null) = (decided_at is null)", name="decided_at_a_moment"),
        Index("ix_review_case_waiting", "decided_at", "priority", "id"),
        Index("ix_review_case_post", "post_id", "id"),
        Index(
            "uq_review_case_one_open",
            "post_id",
            unique=True,
            sqlite_where=text("decided_at is null"),
            postgresql_where=text("decided_at is null"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    """Of a question, the question's own text."""
    kind: Mapped[CaseKind] = mapped_column(String(10))
    priority: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    claimed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[Outcome | None] = mapped_column(String(10))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    batch: Mapped[str | None] = mapped_column(String(40), index=True)
    """What was decided with one press, and can be undone with one."""
    cause: Mapped[Cause | None] = mapped_column(String(10))
    """Why it was hidden when it was decided, for undoing; None where everybody saw it."""

    post: Mapped[Post] = relationship()
    claimed_by: Mapped[User | None] = relationship(foreign_keys=[claimed_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    flags: Mapped[list["Flag"]] = relationship(back_populates="case", order_by="Flag.id", viewonly=True)


class Flag(Model):
    """Somebody says that something is wrong with a post."""

    __tablename__ = "flag"
    __table_args__ = (
        UniqueConstraint("post_id", "by_id"),
        CheckConstraint("reason in ('spam', 'rude', 'personal', 'off_topic', 'other', 'illegal')", name="known_reason"),
        Index("ix_flag_by", "by_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("review_case.id"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """None for a guest, who may name themselves in `guest_name` and `guest_email`."""
    reason: Mapped[FlagReason] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text, default="")
    guest_name: Mapped[str] = mapped_column(String(80), default="")
    guest_email: Mapped[str] = mapped_column(String(320), default="")
    guest_locale: Mapped[str] = mapped_column(String(2), default="")
    weight: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    case: Mapped[ReviewCase] = relationship(back_populates="flags")
    by: Mapped[User | None] = relationship()


class WatchedWord(Model):
    """A word, or several in a row, with * for any letters; the admins say what happens where it is written."""

    __tablename__ = "watched_word"
    __table_args__ = (CheckConstraint("deed in ('block', 'hold', 'replace', 'link')", name="known_deed"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    words: Mapped[str] = mapped_column(String(80), unique=True)
    """In the form in which words are compared."""
    deed: Mapped[WordDeed] = mapped_column(String(10))
    into: Mapped[str] = mapped_column(String(300), default="")
    """What replaces it, or where it is linked to."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PersonalRule(Model):
    """What the house knows of personal data: the shape of its own numbers, or a text that is nobody's secret."""

    __tablename__ = "personal_rule"
    __table_args__ = (CheckConstraint("deed in ('find', 'allow')", name="known_deed"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    words: Mapped[str] = mapped_column(String(120), unique=True)
    deed: Mapped[RuleDeed] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Objection(Model):
    """The author of what is muted says that it should not be. The team answers; it stays when the muting is lifted."""

    __tablename__ = "objection"
    __table_args__ = (
        UniqueConstraint("muting_id"),
        CheckConstraint("(topic_id is null) != (post_id is null)", name="one_subject"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    muting_id: Mapped[int | None] = mapped_column(ForeignKey("muting.id", ondelete="SET NULL"))
    """None when that was lifted."""
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"), index=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    topic: Mapped[Topic | None] = relationship(foreign_keys=[topic_id])
    post: Mapped[Post | None] = relationship(foreign_keys=[post_id])
    author: Mapped[User | None] = relationship(foreign_keys=[author_id])
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])

    @property
    def is_open(self) -> bool:
        """Whether it waits for the team; what was lifted meanwhile needs no answer."""
        return self.answered_at is None and self.muting_id is not None


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


class Closing(Model):
    """Somebody of the team said that a topic takes no more answers: because it was asked before, or for a reason.

    Where a duplicate leads to is a `Duplicate`, or, when that is no topic, a place: the kind of another room's source
    of search and the id there.
    """

    __tablename__ = "closing"
    __table_args__ = (
        UniqueConstraint("topic_id"),
        CheckConstraint("(place_kind is null) = (place_id is null)", name="whole_place"),
        Index("ix_closing_place", "place_kind", "place_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    place_kind: Mapped[str | None] = mapped_column(String(20))
    place_id: Mapped[int | None] = mapped_column(BigId)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[User | None] = relationship(lazy="joined")


class Pin(Model):
    """A topic that stands on top of its category, for good or for a time."""

    __tablename__ = "pin"
    __table_args__ = (UniqueConstraint("topic_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class TopicRedirect(Model):
    """A topic that was merged into another one; its address leads there for ever."""

    __tablename__ = "topic_redirect"

    old_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"), index=True)
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    """Of the topic that is no more, so that importing it once more does not bring it back."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class BulkDeed(Model):
    """One deed done to many topics, with what they were before and after, so that it can be undone."""

    __tablename__ = "bulk_deed"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    deed: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text, default="")
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """For each topic: topic_id, before, after."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    by: Mapped[User | None] = relationship(lazy="joined")


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
    level: Mapped[str] = mapped_column(String(12), default="everything", server_default="everything")
    """`everything`, or only the `solution`."""


class MeToo(Model):
    """Somebody has the same problem."""

    __tablename__ = "me_too"

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ReadMark(Model):
    """Up to when a person has read a topic."""

    __tablename__ = "read_mark"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """The topic's last activity when it was shown."""


def _one_subject(*columns: str) -> CheckConstraint:
    return CheckConstraint(
        " + ".join(f"(case when {column} is null then 0 else 1 end)" for column in columns) + " = 1", name="one_subject"
    )


class Watch(Model):
    """Somebody wants to hear of questions in a category, with a tag, or by a person."""

    __tablename__ = "watch"
    __table_args__ = (
        UniqueConstraint("user_id", "category_id"),
        UniqueConstraint("user_id", "tag_id"),
        UniqueConstraint("user_id", "person_id"),
        _one_subject("category_id", "tag_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="CASCADE"), index=True)
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    level: Mapped[str] = mapped_column(String(12))
    """`everything`: questions and answers; `first`: the questions only."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    category: Mapped[Category | None] = relationship()
    tag: Mapped[Tag | None] = relationship()
    person: Mapped[User | None] = relationship(foreign_keys=[person_id])


class Silence(Model):
    """A reader wants quiet: of a topic, a category, a tag or a person. Nobody else notices; muting is the team's."""

    __tablename__ = "silence"
    __table_args__ = (
        UniqueConstraint("user_id", "topic_id"),
        UniqueConstraint("user_id", "category_id"),
        UniqueConstraint("user_id", "tag_id"),
        UniqueConstraint("user_id", "person_id"),
        _one_subject("topic_id", "category_id", "tag_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), index=True)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="CASCADE"), index=True)
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    topic: Mapped[Topic | None] = relationship()
    category: Mapped[Category | None] = relationship()
    tag: Mapped[Tag | None] = relationship()
    person: Mapped[User | None] = relationship(foreign_keys=[person_id])


class NotificationChoice(Model):
    """How a person wants to be told of one kind of news, where it is not as the house does."""

    __tablename__ = "notification_choice"
    __table_args__ = (CheckConstraint("way in ('mail', 'digest', 'bell', 'off')", name="known_way"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    group: Mapped[str] = mapped_column(String(20), primary_key=True)
    way: Mapped[str] = mapped_column(String(8))


class DigestTurn(Model):
    """When a person had the last digest, or might have had it."""

    __tablename__ = "digest_turn"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class MailStanding(Model):
    """How often mail to a person came back; from so many times on none is sent until they ask for it again."""

    __tablename__ = "mail_standing"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    bounces: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ReceivedMail(Model):
    """A mail that came in, so that delivered twice it is taken once; its text is kept as the post it became."""

    __tablename__ = "received_mail"
    __table_args__ = (Index("ix_received_mail_user", "user_id", "topic_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """A hash of its Message-ID and of what it answers."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))
    outcome: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class Notification(Model):
    """Something a person wants to know. Its words are made when it is read, in the reader's language."""

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_notification_user", "user_id", "id"),
        Index("ix_notification_topic", "topic_id", "kind"),
        Index(
            "ix_notification_to_mail",
            "way",
            "at",
            sqlite_where=text("mailed_at is null and read_at is null and way <> 'bell'"),
            postgresql_where=text("mailed_at is null and read_at is null and way <> 'bell'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(120))
    """What it is about, so that a repeated event tells once: `answer:31`."""
    kind: Mapped[str] = mapped_column(String(40))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    """The topic a reader must be allowed to see to get this."""
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"), index=True)
    url: Mapped[str] = mapped_column(String(300))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    way: Mapped[str] = mapped_column(String(8), default="bell", server_default="bell")
    """How it goes out besides the bell: by `mail`, in the `digest`, or not (`bell`)."""
    bundle: Mapped[str] = mapped_column(String(60), default="", server_default="")
    """What it is mailed together with: `topic:12`."""
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

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


class GuestFollow(Model):
    """Somebody without an account wants one mail when a question is solved; the address goes when that is done."""

    __tablename__ = "guest_follow"
    __table_args__ = (
        UniqueConstraint("topic_id", "email_key"),
        Index("ix_guest_follow_email", "email_key", "asked_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    locale: Mapped[str] = mapped_column(String(2))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the address was confirmed from its own mailbox; nothing else is sent before."""
    told_post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id", ondelete="SET NULL"))
    """Which solution the last mail was about; None when there was none, or the last mail said that it is gone."""
    tellings: Mapped[int] = mapped_column(default=0)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    differs_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when the question stands otherwise than was told; what lasts is mailed."""

    topic: Mapped[Topic] = relationship()


class MailedQuestion(Model):
    """A question that came from a member's address; a sender's name proves nothing, so the member decides about it."""

    __tablename__ = "mailed_question"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(300))
    source: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(String(2))
    images: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The names of the pictures that came along; nobody but the team sees them yet."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
