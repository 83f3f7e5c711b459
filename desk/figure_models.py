"""Whether a case is solved, and what colleagues say of each other's work: of links, and of closed cases."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Literal, get_args

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from desk.models import Conversation
from kb.models import ArticleUse

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

SolvedAnswer = Literal["yes", "no"]
SOLVED_ANSWERS: Final[tuple[SolvedAnswer, ...]] = get_args(SolvedAnswer)
LinkVerdict = Literal["right", "better", "wrong"]
LINK_VERDICTS: Final[tuple[LinkVerdict, ...]] = get_args(LinkVerdict)


class SolvedQuestion(Model):
    """A customer was asked whether their case is solved: once in a conversation, which is what the key is for."""

    __tablename__ = "solved_question"
    __table_args__ = (
        CheckConstraint(f"answer in {SOLVED_ANSWERS!r}", name="known_answer"),
        Index("ix_solved_question_asked_at", "asked_at", "conversation_id"),
    )

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True)
    reply_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), unique=True)
    """The reply after which it was asked."""
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), unique=True)
    """The message that asks."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    """Who wrote the reply."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    answer: Mapped[SolvedAnswer | None] = mapped_column(String(3))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    conversation: Mapped[Conversation] = relationship()


class LinkSheet(Model):
    """Some links of a week, drawn by chance, for colleagues to look at whether they led to the right article."""

    __tablename__ = "link_sheet"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    week: Mapped[date]
    """The Monday of the week in which the links went out."""
    whose_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    """Of whom all the links are, who wished it themselves; None: of the whole desk, and nobody is named."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    checks: Mapped[list["LinkCheck"]] = relationship(order_by="LinkCheck.id")


class LinkCheck(Model):
    """One link on a sheet, and what a colleague says of it; never the one who put it in."""

    __tablename__ = "link_check"
    __table_args__ = (
        UniqueConstraint("sheet_id", "use_id"),
        CheckConstraint(f"verdict in {LINK_VERDICTS!r}", name="known_verdict"),
        Index("ix_link_check_at", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("link_sheet.id", ondelete="CASCADE"))
    use_id: Mapped[int] = mapped_column(ForeignKey("article_use.id", ondelete="CASCADE"), index=True)
    verdict: Mapped[LinkVerdict | None] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    sheet: Mapped[LinkSheet] = relationship(back_populates="checks")
    use: Mapped[ArticleUse] = relationship()


class PeerCriterion(Model):
    """A question with yes or no by which colleagues look at a case that is closed. Admins write them."""

    __tablename__ = "peer_criterion"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    words: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Asked no more; what was answered stays."""


class PeerReview(Model):
    """A colleague looks at a closed case. Who had it reads it first; only then it counts, and for nobody by name."""

    __tablename__ = "peer_review"
    __table_args__ = (
        UniqueConstraint("conversation_id"),
        CheckConstraint("reviewer_id <> reviewed_id", name="two_persons"),
        Index("ix_peer_review_reviewed", "reviewed_id", "id"),
        Index("ix_peer_review_reviewer", "reviewer_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    reviewed_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    drawn_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    words: Mapped[str] = mapped_column(Text, default="")
    written_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When who had the case said that they read it."""
    reply: Mapped[str] = mapped_column(Text, default="")
    """What they say to it."""

    conversation: Mapped[Conversation] = relationship()
    reviewed: Mapped[User] = relationship(foreign_keys=[reviewed_id], lazy="joined", innerjoin=True)
    reviewer: Mapped[User] = relationship(foreign_keys=[reviewer_id], lazy="joined", innerjoin=True)
    answers: Mapped[list["PeerAnswer"]] = relationship(back_populates="review", cascade="all, delete-orphan")


class PeerAnswer(Model):
    """What a review says to one criterion."""

    __tablename__ = "peer_answer"

    review_id: Mapped[int] = mapped_column(ForeignKey("peer_review.id", ondelete="CASCADE"), primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("peer_criterion.id"), primary_key=True)
    is_met: Mapped[bool]

    review: Mapped[PeerReview] = relationship(back_populates="answers")
    criterion: Mapped[PeerCriterion] = relationship(lazy="joined", innerjoin=True)
