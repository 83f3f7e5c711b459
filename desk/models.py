"""What arrives on channels, who wrote it, and what the team answers."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy import text as words_of_sql
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from core.phrases import PhraseText
from core.secrets import Encrypted, EncryptedJson
from forum.models import Topic

if TYPE_CHECKING:
    from core.db import Base as Model
    from desk.clock_models import ConversationClock
    from desk.team_models import Team
else:
    Model = db.Model

ConversationState = Literal["new", "open", "waiting_customer", "waiting_inside", "solved", "no_answer"]
Promised = Literal["first", "next", "solution", "hard"]
"""What is due: the first answer, the next one, the solution, or an answer at the very latest."""
DeliveryState = Literal["received", "queued", "sent", "failed", "unsure"]
SecondTry = Literal["asked", "found", "sent", "unknown"]
"""It is looked for first; it had arrived; it had not and was sent again; the same, and the service could not tell."""
CONVERSATION_STATES: tuple[ConversationState, ...] = (
    "new",
    "open",
    "waiting_customer",
    "waiting_inside",
    "solved",
    "no_answer",
)
_STUCK = words_of_sql("state in ('failed', 'unsure')")
_QUEUED = words_of_sql("state = 'queued'")
_FAILED = words_of_sql("failure is not null")
UNJUDGED = 2000
"""The place of what nobody has judged yet: in the middle."""
IS_OPEN_SQL = "state not in ('solved', 'no_answer')"
"""What is not done yet; the lists ask in these very words, so that both databases use the small index over it."""
IS_DONE_SQL = f"not ({IS_OPEN_SQL})"
"""What is done, in the words of its index: the opposite of what is open, so every conversation is in one of the two."""
LONGEST_LAST_WORDS = 200


def same_handle(handle: str) -> str:
    """Return what a handle is compared by: a mail address as a whole, `@lena@social.example` and `Lena` as `lena`."""
    folded = handle.casefold().strip()
    return (folded if is_mail(folded) else folded.lstrip("@").split("@", 1)[0])[:200]


def is_mail(handle: str) -> bool:
    """Tell whether a handle is a mail address."""
    local, _, host = handle.partition("@")
    return bool(local) and "." in host and "@" not in host and not any(map(str.isspace, handle))


class Channel(Model):
    """A connection to a service where customers write."""

    __tablename__ = "channel"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    """The module in `desk/channels/` that speaks to the service: `webhook`, or `archive` for imported history."""
    name: Mapped[str] = mapped_column(String(80))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    secret: Mapped[str | None] = mapped_column(Encrypted, deferred=True)
    """Signs what comes in and goes out (`whsec_…`). Deferred: lists bring channels along and would decrypt each one."""
    credentials: Mapped[dict[str, str] | None] = mapped_column(EncryptedJson, deferred=True)
    """What the house signs in with, by the names of its kind's fields."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_informal: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Customers are addressed in German with du here, and not with Sie."""


class Contact(Model):
    """Somebody on a channel."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("channel_id", "handle"),
        Index("ix_contact_external_id", "channel_id", "external_id", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    handle: Mapped[str] = mapped_column(String(200))
    external_id: Mapped[str | None] = mapped_column(String(300))
    """The service's own id of them, where that stays when they take another handle."""
    name: Mapped[str] = mapped_column(String(200), default="")
    reach: Mapped[int | None]
    """Followers, where the channel tells."""
    handle_key: Mapped[str] = mapped_column(
        String(200), default=lambda context: same_handle(context.get_current_parameters()["handle"]), index=True
    )
    """What is the same where one person has this handle on several channels."""
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When this person was forgotten (`desk.erasing`); the handle stands for theirs and cannot be read backwards."""
    # Unnested: behind the outer join from a message SQLite would join all contacts with their channels first.
    channel: Mapped[Channel] = relationship(lazy="joined", innerjoin="unnested")  # type: ignore[arg-type]  # as SQLAlchemy documents


class Conversation(Model):
    """An exchange with one contact."""

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("channel_id", "external_id"),
        CheckConstraint(f"state in {CONVERSATION_STATES!r}", name="known_state"),
        Index("ix_conversation_due_at", "due_at", "id"),
        Index("ix_conversation_activity", "last_message_at", "id"),
        Index(
            "ix_conversation_open_first",
            "priority",
            "id",
            sqlite_where=words_of_sql(IS_OPEN_SQL),
            postgresql_where=words_of_sql(IS_OPEN_SQL),
        ),
        Index(
            "ix_conversation_open",
            "last_message_at",
            "id",
            "state",
            "assignee_id",
            "waiting_since",
            "due_at",
            "snoozed_until",
            "channel_id",
            "locale",
            "team_id",
            sqlite_where=words_of_sql(IS_OPEN_SQL),
            postgresql_where=words_of_sql(IS_OPEN_SQL),
        ),
        Index(
            "ix_conversation_done",
            "last_message_at",
            "id",
            sqlite_where=words_of_sql(IS_DONE_SQL),
            postgresql_where=words_of_sql(IS_DONE_SQL),
        ),
        Index(
            "ix_conversation_open_with",
            "assignee_id",
            "last_message_at",
            "id",
            sqlite_where=words_of_sql(IS_OPEN_SQL),
            postgresql_where=words_of_sql(IS_OPEN_SQL),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    external_id: Mapped[str] = mapped_column(String(300))
    """The thread's id in the service."""
    state: Mapped[ConversationState] = mapped_column(String(20), default="new")
    locale: Mapped[str] = mapped_column(String(2))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the customer's first unanswered message arrived; None when nobody waits."""
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when they are to have an answer; None when nobody waits. `desk.clocks` sets both."""
    due_for: Mapped[Promised | None] = mapped_column(String(10))
    """Which promise falls due then."""
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"), index=True)
    priority: Mapped[int] = mapped_column(default=UNJUDGED, server_default=str(UNJUDGED))
    """Its place in the queue, the higher the sooner: 1,000 for each band, and what counts within it."""
    snoozed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when it is out of the way; the state is what it comes back to. `desk.snoozing` sets it."""
    last_words: Mapped[str] = mapped_column(String(LONGEST_LAST_WORDS), default="", server_default="")
    """How what the customer wrote last begins; where no customer wrote, what was written last."""
    source_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    is_informal: Mapped[bool | None]
    """An agent chose du or Sie for this customer; None: as the channel says."""
    trouble: Mapped[str | None] = query_expression()
    """In lists: `failed` or `unsure`, where a reply of ours did not surely arrive."""
    capabilities: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What the service told of how this conversation can be answered (`desk.means`); None: as the channel can."""

    channel: Mapped[Channel] = relationship(lazy="joined", innerjoin=True)
    contact: Mapped[Contact] = relationship(lazy="joined", innerjoin=True)
    assignee: Mapped[User | None] = relationship(lazy="joined")
    team: Mapped["Team | None"] = relationship()
    clock: Mapped["ConversationClock | None"] = relationship(
        back_populates="conversation", cascade="all, delete-orphan", passive_deletes=True
    )
    messages: Mapped[list["Message"]] = relationship(
        back_populates="conversation", order_by="Message.created_at, Message.id"
    )

    @property
    def says_du(self) -> bool:
        """Whether the customer is addressed with du."""
        return self.channel.is_informal if self.is_informal is None else self.is_informal


class Message(Model):
    """One message, in or out. What goes out keeps its idempotency key from before the first attempt."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("channel_id", "external_id"),
        UniqueConstraint("conversation_id", "source_id"),
        CheckConstraint("direction in ('in', 'out')", name="known_direction"),
        CheckConstraint("state in ('received', 'queued', 'sent', 'failed', 'unsure')", name="known_state"),
        Index("ix_message_conversation", "conversation_id", "created_at", "id"),
        Index("ix_message_stuck", "conversation_id", postgresql_where=_STUCK, sqlite_where=_STUCK),
        Index("ix_message_channel", "channel_id", "id"),
        Index("ix_message_queued", "channel_id", "id", postgresql_where=_QUEUED, sqlite_where=_QUEUED),
        Index("ix_message_failure", "channel_id", "id", postgresql_where=_FAILED, sqlite_where=_FAILED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    external_id: Mapped[str | None] = mapped_column(String(300))
    """The service's id; for an outgoing message, once it is known."""
    direction: Mapped[Literal["in", "out"]] = mapped_column(String(3))
    is_public: Mapped[bool]
    text: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(String(500))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    """Who wrote it on the channel: in a public thread others join in; None for what the team wrote."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    """The agent who wrote it; None for the customer and for imported history."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    state: Mapped[DeliveryState] = mapped_column(String(10))
    idempotency_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    send_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """It does not leave before: until then it can be undone, or that is the time that was chosen. None: at once."""
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failure: Mapped[str | None] = mapped_column(PhraseText)
    """Why it failed or is unsure, in the words of who reads it."""
    second_try: Mapped[SecondTry | None] = mapped_column(String(10))
    """Somebody had it sent again while nobody knew whether it had arrived, and what came of looking for it."""
    source_id: Mapped[str | None] = mapped_column(String(100))
    kind: Mapped[str | None] = mapped_column(String(20))
    """What it is at its service, where that says more than that it is a message: `desk.channels.base.Kind`."""
    subject: Mapped[str | None] = mapped_column(String(300))
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Its writer changed it then; what it said before is a `MessageVersion`."""
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Its writer took it away then; its words are gone."""
    quoted: Mapped[str | None] = mapped_column(Text, deferred=True)
    """What it quoted of what was said before, and its signature: shown folded. Deferred: it can be long."""

    conversation: Mapped[Conversation] = relationship(back_populates="messages")
    channel: Mapped[Channel] = relationship()
    contact: Mapped[Contact | None] = relationship(lazy="joined")
    by: Mapped[User | None] = relationship(lazy="joined")


class MessageQuestion(Model):
    """A customer's message became a question in the forum; there its answer is found, and suggested back here."""

    __tablename__ = "message_question"
    __table_args__ = (UniqueConstraint("message_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    topic: Mapped[Topic] = relationship()


class FollowUp(Model):
    """After a reply with an article the customer was asked once whether it helped."""

    __tablename__ = "follow_up"

    reply_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    """The reply that it is about; the row is what makes it once."""
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), unique=True)
    """The message that asks."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


from desk import channel_models, clock_models, figure_models, team_models  # noqa: E402, F401 -- they stand on the tables above, which refer to them
