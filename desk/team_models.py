"""Who works together, what each of them can do, and when they are away."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

Way = Literal["nobody", "turn", "room"]
"""How a team's conversations find somebody: not by themselves, in turn, or to who has most room."""
WAYS: tuple[Way, ...] = ("nobody", "turn", "room")


class Team(Model):
    """People who share conversations."""

    __tablename__ = "team"
    __table_args__ = (CheckConstraint(f"way in {WAYS!r}", name="known_way"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    way: Mapped[Way] = mapped_column(String(10), default="nobody")
    channel_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    """What comes in on these channels is theirs; empty: on any."""
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)
    """In these languages; empty: in any."""
    skills: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Who gets their conversations must be able to do this."""

    members: Mapped[list["TeamMember"]] = relationship(
        back_populates="team", cascade="all, delete-orphan", order_by="TeamMember.user_id"
    )


class TeamMember(Model):
    __tablename__ = "team_member"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    team: Mapped[Team] = relationship(back_populates="members")
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class AgentSkills(Model):
    """What somebody at the desk can do, and how much at once."""

    __tablename__ = "agent_skills"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Which they write in; empty: nobody said, and they are asked for any."""
    skills: Mapped[list[str]] = mapped_column(JSON, default=list)
    capacity: Mapped[int] = mapped_column(default=20)
    """So many open conversations at most are given to them by themselves."""
    given_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When they last got one by itself: whose turn it is."""


class Absence(Model):
    """Somebody is away, and somebody else stands in."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_later"),
        Index("ix_absence_user_ends", "user_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined", innerjoin=True)
    deputy: Mapped[User | None] = relationship(foreign_keys=[deputy_id], lazy="joined")


class Giving(Model):
    """A conversation went to somebody by itself: to whom, and why to them."""

    __tablename__ = "giving"
    __table_args__ = (
        UniqueConstraint("conversation_id", "at"),
        Index("ix_giving_user_at", "user_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    heat: Mapped[int] = mapped_column(default=0)
    why: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
