"""Who writes on several channels, marks, calls, threads, cards of other systems, and the secure counter.

Contacts are compared by a key of their handle, which is worked out here row by row: about ten seconds for 100,000.

Revision ID: 0026
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
A_TURN = 1000


def upgrade() -> None:
    op.add_column("contact", sa.Column("handle_key", sa.String(200), nullable=False, server_default=""))
    _fill_handle_keys()
    op.create_index("ix_contact_handle_key", "contact", ["handle_key"])
    if op.get_bind().dialect.name == "postgresql":  # SQLite would copy the table for it, and nobody misses it there
        op.alter_column("contact", "handle_key", server_default=None)
    _create_joins()
    _create_notes()
    _create_cards()
    _create_counters()


def downgrade() -> None:
    for table in (
        "counter_look",
        "counter_file",
        "counter",
        "card_look",
        "card_answer",
        "card_source",
        "thread_post",
        "call_note",
        "contact_mark",
        "contact_code",
        "contact_member",
        "contact_join",
    ):
        op.drop_table(table)
    op.drop_index("ix_contact_handle_key", "contact")
    op.drop_column("contact", "handle_key")


def _fill_handle_keys() -> None:
    contact = sa.table("contact", sa.column("id", ID), sa.column("handle", sa.String), sa.column("handle_key", sa.String))
    bind, after = op.get_bind(), 0
    while rows := bind.execute(
        sa.select(contact.c.id, contact.c.handle).where(contact.c.id > after).order_by(contact.c.id).limit(A_TURN)
    ).all():
        bind.execute(
            sa.update(contact)
            .where(contact.c.id == sa.bindparam("of"))
            .values(handle_key=sa.bindparam("key")),
            [{"of": row.id, "key": _key(row.handle)} for row in rows],
        )
        after = rows[-1].id


def _key(handle: str) -> str:
    folded = handle.casefold().strip()
    local, _, host = folded.partition("@")
    is_mail = bool(local) and "." in host and "@" not in host and not any(map(str.isspace, folded))
    return (folded if is_mail else folded.lstrip("@").split("@", 1)[0])[:200]


def _to(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def _by(table: str) -> sa.ForeignKeyConstraint:
    return _to(table, "by_id", "user.id", "SET NULL")


def _key_of(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*(columns or ("id",)), name=op.f(f"pk_{table}"))


def _create_joins() -> None:
    op.create_table(
        "contact_join",
        sa.Column("id", ID, nullable=False),
        sa.Column("one_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("proof", sa.String(20), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint(
            "proof in ('claimed', 'matched_by_mail', 'verified')", name=op.f("ck_contact_join_known_proof")
        ),
        sa.CheckConstraint("one_id < other_id", name=op.f("ck_contact_join_in_order")),
        _to("contact_join", "one_id", "contact.id"),
        _to("contact_join", "other_id", "contact.id"),
        _by("contact_join"),
        _key_of("contact_join"),
        sa.UniqueConstraint("one_id", "other_id", name=op.f("uq_contact_join_one_id_other_id")),
    )
    op.create_index("ix_contact_join_other_id", "contact_join", ["other_id"])
    op.create_table(
        "contact_member",
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("proof", sa.String(20), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint("proof in ('matched_by_mail', 'verified')", name=op.f("ck_contact_member_known_proof")),
        _to("contact_member", "contact_id", "contact.id"),
        _to("contact_member", "user_id", "user.id"),
        _by("contact_member"),
        _key_of("contact_member"),
        sa.UniqueConstraint("contact_id", "user_id", name=op.f("uq_contact_member_contact_id_user_id")),
    )
    op.create_index("ix_contact_member_user_id", "contact_member", ["user_id"])
    op.create_table(
        "contact_code",
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("to_contact_id", ID, nullable=True),
        sa.Column("to_user_id", ID, nullable=True),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        _to("contact_code", "contact_id", "contact.id"),
        _to("contact_code", "to_contact_id", "contact.id"),
        _to("contact_code", "to_user_id", "user.id"),
        _by("contact_code"),
        _key_of("contact_code", "contact_id"),
    )
    for column in ("to_contact_id", "to_user_id", "expires_at"):
        op.create_index(f"ix_contact_code_{column}", "contact_code", [column])


def _create_notes() -> None:
    op.create_table(
        "contact_mark",
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("is_positive", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        _to("contact_mark", "contact_id", "contact.id"),
        _by("contact_mark"),
        _key_of("contact_mark"),
    )
    for column in ("contact_id", "expires_at"):
        op.create_index(f"ix_contact_mark_{column}", "contact_mark", [column])
    op.create_table(
        "call_note",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("result", sa.String(20), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint("kind in ('call_in', 'call_out', 'visit')", name=op.f("ck_call_note_known_kind")),
        sa.CheckConstraint(
            "result in ('reached', 'no_answer', 'message_left', 'call_again')", name=op.f("ck_call_note_known_result")
        ),
        _to("call_note", "conversation_id", "conversation.id"),
        _by("call_note"),
        _key_of("call_note"),
    )
    op.create_index("ix_call_note_conversation_id", "call_note", ["conversation_id"])
    op.create_table(
        "thread_post",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("external_id", sa.String(300), nullable=False),
        sa.Column("handle", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("is_ours", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.String(500), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        _to("thread_post", "conversation_id", "conversation.id"),
        _key_of("thread_post"),
        sa.UniqueConstraint(
            "conversation_id", "external_id", name=op.f("uq_thread_post_conversation_id_external_id")
        ),
    )


def _create_cards() -> None:
    op.create_table(
        "card_source",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("url", sa.String(1000), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.String(300), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        _key_of("card_source"),
        sa.UniqueConstraint("name", name=op.f("uq_card_source_name")),
    )
    op.create_table(
        "card_answer",
        sa.Column("source_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("fetched_at", AT, nullable=False),
        _to("card_answer", "source_id", "card_source.id"),
        _to("card_answer", "contact_id", "contact.id"),
        _key_of("card_answer", "source_id", "contact_id"),
    )
    for column in ("contact_id", "fetched_at"):
        op.create_index(f"ix_card_answer_{column}", "card_answer", [column])
    op.create_table(
        "card_look",
        sa.Column("id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=True),
        sa.Column("source_name", sa.String(80), nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("failure", sa.String(300), nullable=False),
        sa.Column("at", AT, nullable=False),
        _to("card_look", "source_id", "card_source.id", "SET NULL"),
        _to("card_look", "contact_id", "contact.id"),
        _by("card_look"),
        _key_of("card_look"),
    )
    op.create_index("ix_card_look_contact", "card_look", ["contact_id", "id"])
    op.create_index("ix_card_look_source_id", "card_look", ["source_id"])


def _create_counters() -> None:
    op.create_table(
        "counter",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("seed", sa.String(32), nullable=False),
        sa.Column("asks", sa.JSON(), nullable=False),
        sa.Column("is_shown_in_public", sa.Boolean(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("submitted_at", AT, nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("rests_since", AT, nullable=True),
        sa.Column("purged_at", AT, nullable=True),
        _to("counter", "conversation_id", "conversation.id"),
        _by("counter"),
        _key_of("counter"),
    )
    for column in ("conversation_id", "expires_at", "submitted_at"):
        op.create_index(f"ix_counter_{column}", "counter", [column])
    op.create_table(
        "counter_file",
        sa.Column("id", ID, nullable=False),
        sa.Column("counter_id", ID, nullable=False),
        sa.Column("kind", sa.String(4), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _to("counter_file", "counter_id", "counter.id"),
        _key_of("counter_file"),
    )
    op.create_index("ix_counter_file_counter_id", "counter_file", ["counter_id"])
    op.create_table(
        "counter_look",
        sa.Column("id", ID, nullable=False),
        sa.Column("counter_id", ID, nullable=False),
        sa.Column("file_id", ID, nullable=True),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        _to("counter_look", "counter_id", "counter.id"),
        _by("counter_look"),
        _key_of("counter_look"),
    )
    op.create_index("ix_counter_look_counter_id", "counter_look", ["counter_id"])
