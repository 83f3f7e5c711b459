"""Who people are, how they prove it, and what the team did."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from flask_login import UserMixin
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func, select, true
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from core.clock import now
from core.db import BigId, UtcDateTime, db
from core.phrases import PhraseText

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

ROLES = ("member", "trusted", "agent", "lead", "moderator", "editor", "admin")
StagedPlace = Literal["mail", "channel"]
PenaltyKind = Literal["silence", "suspension"]
EXPERIENCED, TRUSTED = 2, 3
"""Levels of trust above a member's."""
TEAM_ROLES = frozenset({"agent", "lead", "moderator", "editor", "admin"})


class User(UserMixin, Model):
    """A person. Staged people came with an import or a channel and cannot sign in until they claim their account."""

    __tablename__ = "user"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    handle: Mapped[str] = mapped_column(String(30))
    handle_key: Mapped[str] = mapped_column(String(120), unique=True)
    """The handle's skeleton: two handles that look alike cannot both exist."""
    name: Mapped[str] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320), unique=True)
    email_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    locale: Mapped[str | None] = mapped_column(String(2))
    theme: Mapped[str] = mapped_column(String(5), default="auto")
    time_zone: Mapped[str | None] = mapped_column(String(60))
    """A name like Europe/Berlin; None until a browser or the person says it."""
    about: Mapped[str] = mapped_column(Text, default="")
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    is_staged: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When this person was last here, to within some minutes; it outlives their sessions."""
    last_visit_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the visit before this one ended."""
    licence_accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When this person agreed that what they write may become articles and replies."""
    silenced_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until then this person reads and does not write; what the team decided and why is a `Penalty`."""
    suspended_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until then this person cannot sign in."""
    trust: Mapped[int] = mapped_column(default=1, server_default="1")
    """The level of trust that was earned or given by hand, see `forum.trust`; roles come on top."""

    is_named: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether this person is named where articles say whose knowledge they hold."""

    session_token = ""
    """What the cookie of this request carries; in memory only."""

    roles: Mapped[list["UserRole"]] = relationship(
        back_populates="user", cascade="all, delete-orphan", order_by="UserRole.role"
    )
    if TYPE_CHECKING:
        role_line: Mapped[str | None]
        """The names of the roles, which come along wherever a person is read; changes are made to `roles`."""

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same person; to Flask-Login any two without a session would be."""
        return self is other or (isinstance(other, User) and self.id is not None and self.id == other.id)

    __hash__ = Model.__hash__

    def get_id(self) -> str:
        """Return what the cookie carries: the token of the session, which ends with the session."""
        return self.session_token

    @property
    def role_names(self) -> frozenset[str]:
        if (
            "roles" in self.__dict__
        ):  # who gives or takes a role has them at hand; what was read with the person is older
            return frozenset(role.role for role in self.roles)
        return frozenset((self.role_line or "").split())

    def has_role(self, role: str) -> bool:
        """Tell whether this person has the role; an admin has them all."""
        return role in self.role_names or "admin" in self.role_names

    @property
    def is_team(self) -> bool:
        return bool(self.role_names & TEAM_ROLES)

    @property
    def is_trusted(self) -> bool:
        return "trusted" in self.role_names or self.is_team or self.trust >= TRUSTED

    @property
    def is_experienced(self) -> bool:
        return self.is_trusted or self.trust >= EXPERIENCED

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None and not self.is_staged and not self.is_suspended

    @property
    def is_suspended(self) -> bool:
        return self.suspended_until is not None and self.suspended_until > now()

    @property
    def is_silenced(self) -> bool:
        return self.silenced_until is not None and self.silenced_until > now()


class UserRole(Model):
    __tablename__ = "user_role"
    __table_args__ = (CheckConstraint(f"role in {ROLES!r}", name="known_role"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    user: Mapped[User] = relationship(back_populates="roles")


User.role_line = column_property(
    select(func.aggregate_strings(UserRole.role, " "))
    .where(UserRole.user_id == User.id)
    .correlate_except(UserRole)
    .scalar_subquery()
)


class SignIn(Model):
    """One browser's session. Deleting the row ends it; the cookie only carries a token whose hash stands here."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    device: Mapped[str] = mapped_column(String(200), default="")
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class SignInFailure(Model):
    """A failed attempt, kept for the throttle and forgotten after a day."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("ix_sign_in_failure_subject_at", "subject", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(100))
    """`account:<key>` or `net:<address block>`."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class OneTimeToken(Model):
    """A token in a mail: bound to a person and a purpose, used once; only its hash is kept."""

    __tablename__ = "one_time_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(30))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class ApiToken(Model):
    """A bearer token of the JSON API; only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Penalty(Model):
    """The team's deed: for a time this person does not write (silence) or does not come in (suspension)."""

    __tablename__ = "penalty"
    __table_args__ = (
        UniqueConstraint("user_id"),
        CheckConstraint("kind in ('silence', 'suspension')", name="known_kind"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[PenaltyKind] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    """The person reads it."""
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None: until somebody lifts it."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """A secret part of the address where the person reads this and objects without signing in."""
    objection: Mapped[str] = mapped_column(Text, default="")
    objected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])

    @property
    def is_in_force(self) -> bool:
        return self.until is None or self.until > now()


class StagedIdentity(Model):
    """How a staged person is known who came by mail or over a channel, until they claim the account."""

    __tablename__ = "staged_identity"
    __table_args__ = (
        UniqueConstraint("place", "key"),
        CheckConstraint("place in ('mail', 'channel')", name="known_place"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    place: Mapped[StagedPlace] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(400))
    """The mail address as `emails.key` spells it, or the channel's id and the handle there."""
    email: Mapped[str | None] = mapped_column(String(320))
    """Where mail came from. Nobody proved that it is theirs, so it is not the account's."""
    locale: Mapped[str] = mapped_column(String(2))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class AuditEntry(Model):
    """One deed of the team: who did what to which thing and why, with before and after.

    Rows are never changed, but for what they say of a person who is forgotten.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    deed: Mapped[str] = mapped_column(String(60))
    """Room, thing and verb: `forum.topic.mute`."""
    subject_kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[int] = mapped_column(BigId)
    reason: Mapped[str] = mapped_column(PhraseText, default="")
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    by: Mapped[User | None] = relationship(lazy="joined")
