"""Who writes on several channels, what the team noted about them, and what they left at the secure counter."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.clock import now
from core.db import BigId, UtcDateTime, db
from core.secrets import Encrypted, EncryptedBytes
from desk.models import Conversation, Message

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

Proof = Literal["claimed", "matched_by_mail", "verified"]
PROOFS: Final[tuple[Proof, ...]] = get_args(Proof)
CallKind = Literal["call_in", "call_out", "visit"]
CALL_KINDS: Final[tuple[CallKind, ...]] = get_args(CallKind)
CallResult = Literal["reached", "no_answer", "message_left", "wrong_number", "call_again", "solved"]
CALL_RESULTS: Final[tuple[CallResult, ...]] = get_args(CallResult)
MOST_WRONG_CODES: Final = 5
"""So many wrong codes close a counter: six digits and five attempts, one in 200,000 guesses right."""


class ContactJoin(Model):
    """Two contacts are one person. A person is all contacts that joins lead to; without the row they are two again."""

    __tablename__ = "contact_join"
    __table_args__ = (
        UniqueConstraint("one_id", "other_id"),
        CheckConstraint(f"proof in {PROOFS!r}", name="known_proof"),
        CheckConstraint("one_id < other_id", name="in_order"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    one_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    proof: Mapped[Proof] = mapped_column(String(20))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[User | None] = relationship(lazy="joined")


class ContactMember(Model):
    """A contact is a member of the forum, which their address or a code proves."""

    __tablename__ = "contact_member"
    __table_args__ = (
        UniqueConstraint("contact_id", "user_id"),
        CheckConstraint("proof in ('matched_by_mail', 'verified')", name="known_proof"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    proof: Mapped[Proof] = mapped_column(String(20))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    user: Mapped[User] = relationship(foreign_keys=user_id, lazy="joined", innerjoin=True)
    by: Mapped[User | None] = relationship(foreign_keys=by_id)


class ContactCode(Model):
    """A code that went out over one channel and is to be said on another; one at a time for each contact."""

    __tablename__ = "contact_code"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    """Who is to say it."""
    to_contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    to_user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    """Whom it went to: a contact, or a member at their confirmed address."""
    code_hash: Mapped[str] = mapped_column(String(64))
    """Keyed, since six digits are quickly tried."""
    attempts: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))


class ContactMark(Model):
    """How it went with somebody, for who meets them next; it ends by itself."""

    __tablename__ = "contact_mark"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    is_positive: Mapped[bool]
    note: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    by: Mapped[User | None] = relationship(lazy="joined")


class CallNote(Model):
    """A call or a visit that belongs to a conversation; who called, the number and what was said are ciphertext.

    Where customers call (`Capabilities.calls`) what was said is a message of the conversation, and stands there alone.
    """

    __tablename__ = "call_note"
    __table_args__ = (
        CheckConstraint(f"kind in {CALL_KINDS!r}", name="known_kind"),
        CheckConstraint(f"result in {CALL_RESULTS!r}", name="known_result"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    kind: Mapped[CallKind] = mapped_column(String(10))
    result: Mapped[CallResult] = mapped_column(String(20))
    caller: Mapped[str] = mapped_column(Encrypted)
    number: Mapped[str] = mapped_column(Encrypted)
    text: Mapped[str] = mapped_column(Encrypted)
    seal: Mapped[str | None] = mapped_column(String(64), index=True)
    """What the number is found by (`desk.numbers.seal`); empty: by nothing, None: the worker makes it."""
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"), unique=True)
    """The message that has the words."""
    is_answer: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Who waited was told what they wanted to know."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """A lead took the words away then; that there was a call stays."""
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    removed_why: Mapped[str | None] = mapped_column(Encrypted)
    emptied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Its words went then, with those of its conversation (`desk.emptying`)."""
    by: Mapped[User | None] = relationship(foreign_keys=by_id, lazy="joined")
    conversation: Mapped[Conversation] = relationship()
    message: Mapped[Message | None] = relationship()

    @property
    def reached(self) -> bool:
        """Whether somebody talked with them."""
        return self.kind != "call_out" or self.result in {"reached", "solved", "call_again"}


class CallNoteVersion(Model):
    """What a note of a call said before somebody mended it."""

    __tablename__ = "call_note_version"
    __table_args__ = (UniqueConstraint("call_note_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    call_note_id: Mapped[int] = mapped_column(ForeignKey("call_note.id", ondelete="CASCADE"))
    version: Mapped[int]
    said: Mapped[str] = mapped_column(Encrypted)
    """Result, who it was, number and words, as JSON."""
    until: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ThreadPost(Model):
    """What others wrote in the public thread before somebody turned to us; it waits for no answer."""

    __tablename__ = "thread_post"
    __table_args__ = (UniqueConstraint("conversation_id", "external_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(300))
    handle: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    is_ours: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The house wrote it, at the service and not from here."""
    text: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CardSource(Model):
    """Where another system of the house tells about a customer, and for what it is asked."""

    __tablename__ = "card_source"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    url: Mapped[str] = mapped_column(String(1000))
    """With `{handle}`, `{name}`, `{channel}` or `{mail}` in its path or query."""
    headers: Mapped[str] = mapped_column(Encrypted)
    """`Name: value` lines; they carry the key of the other system."""
    fields: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """What is shown: label and path into the answer."""
    purpose: Mapped[str] = mapped_column(String(300))
    worth: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    """Which value says what a customer is worth, and its bands: `path`, `bands` of `[from this on, percent]`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class CardAnswer(Model):
    """What a source told last about somebody, for a few minutes."""

    __tablename__ = "card_answer"

    source_id: Mapped[int] = mapped_column(ForeignKey("card_source.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True)
    rows: Mapped[str] = mapped_column(Encrypted)
    fetched_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ContactWorth(Model):
    """What a customer is worth to the house, as a source told it: the band alone, and not what it was made of."""

    __tablename__ = "contact_worth"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("card_source.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    percent: Mapped[int] = mapped_column(SmallInteger)
    """From 0 to 100; 0 too where nothing was told, so that it is not asked again at once."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class CardLook(Model):
    """Somebody looked at a customer's card: who, when, why, and whether there was one."""

    __tablename__ = "card_look"
    __table_args__ = (Index("ix_card_look_contact", "contact_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int | None] = mapped_column(ForeignKey("card_source.id", ondelete="SET NULL"), index=True)
    source_name: Mapped[str] = mapped_column(String(80))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(String(200))
    failure: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[User | None] = relationship(lazy="joined")


class Counter(Model):
    """A page at which one customer leaves what does not belong into a social network, once."""

    __tablename__ = "counter"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    seed: Mapped[str] = mapped_column(String(32))
    """Random; the address is sealed over it."""
    asks: Mapped[list[str]] = mapped_column(JSON)
    is_shown_in_public: Mapped[bool]
    """The link stood where everybody reads: whoever came may be somebody else."""
    has_code: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Only who knows the code is let in; it is made of the seed and stands in no column."""
    wrong_codes: Mapped[int] = mapped_column(default=0, server_default="0")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    content: Mapped[str | None] = mapped_column(Encrypted, deferred=True)
    """What they wrote, as JSON."""
    rests_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when its conversation is closed, as the worker saw it."""
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    conversation: Mapped[Conversation] = relationship(lazy="joined", innerjoin=True)
    by: Mapped[User | None] = relationship(lazy="joined")
    files: Mapped[list["CounterFile"]] = relationship(order_by="CounterFile.id")

    @property
    def is_open(self) -> bool:
        return (
            self.submitted_at is None
            and self.purged_at is None
            and self.expires_at > now()
            and self.wrong_codes < MOST_WRONG_CODES
        )

    @property
    def is_unverified(self) -> bool:
        """Whether anybody who read along may have come: the link stood in public, and no code was asked for."""
        return self.is_shown_in_public and not self.has_code


class CounterFile(Model):
    """A document somebody left at the counter: never shown, only handed out."""

    __tablename__ = "counter_file"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    counter_id: Mapped[int] = mapped_column(ForeignKey("counter.id", ondelete="CASCADE"), index=True)
    kind: Mapped[Literal["pdf", "png", "jpg", "webp"]] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(Encrypted)
    """As the customer called it."""
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(EncryptedBytes, deferred=True)
    counter: Mapped[Counter] = relationship(back_populates="files")


class CounterLook(Model):
    """Somebody of the team read what was left at the counter, or took a document."""

    __tablename__ = "counter_look"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    counter_id: Mapped[int] = mapped_column(ForeignKey("counter.id", ondelete="CASCADE"), index=True)
    file_id: Mapped[int | None] = mapped_column(BigId)
    """Which document; None for what was written."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[User | None] = relationship(lazy="joined")
