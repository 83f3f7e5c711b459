"""How a reply leaves: a moment before which it does not, its parts, texts that are held, rules for a second person.

New tables, and two columns without a value, an instant change. The index holds only what is stuck.

Revision ID: 0027
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("capabilities", sa.JSON(), nullable=True))
    op.add_column("message", sa.Column("send_after", sa.DateTime(timezone=True), nullable=True))
    stuck = sa.text("state in ('failed', 'unsure')")
    op.create_index(
        "ix_message_stuck", "message", ["conversation_id"], postgresql_where=stuck, sqlite_where=stuck
    )
    op.create_table(
        "departure",
        sa.Column("message_id", big_id(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("uses", sa.JSON(), nullable=False),
        sa.Column("state_before", sa.String(20), nullable=False),
        sa.Column("waited_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_scheduled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("series", sa.String(40), nullable=True),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], ondelete="CASCADE", name=op.f("fk_departure_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_departure")),
        sa.UniqueConstraint("series", "part", name=op.f("uq_departure_series_part")),
    )
    op.create_table(
        "held_reply",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("conversation_id", big_id(), nullable=False),
        sa.Column("by_id", big_id(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("uses", sa.JSON(), nullable=False),
        sa.Column("split", sa.String(10), server_default="", nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("note_by_id", big_id(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('back', 'approval')", name=op.f("ck_held_reply_known_state")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], ondelete="CASCADE", name=op.f("fk_held_reply_conversation_id")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], ondelete="CASCADE", name=op.f("fk_held_reply_by_id")),
        sa.ForeignKeyConstraint(["note_by_id"], ["user.id"], ondelete="SET NULL", name=op.f("fk_held_reply_note_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_reply")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_held_reply_by_id", "held_reply", ["by_id"])
    op.create_index("ix_held_reply_conversation", "held_reply", ["conversation_id", "state"])
    op.create_index("ix_held_reply_state", "held_reply", ["state", "at"])
    op.create_table(
        "approval_rule",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("channel_id", big_id(), nullable=True),
        sa.Column("of_trainees", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("least_heat", sa.Integer(), nullable=True),
        sa.Column("intent", sa.String(10), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], ondelete="CASCADE", name=op.f("fk_approval_rule_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_rule")),
        sa.UniqueConstraint("name", name=op.f("uq_approval_rule_name")),
    )
    op.create_index("ix_approval_rule_channel_id", "approval_rule", ["channel_id"])
    op.create_table(
        "agent_profile",
        sa.Column("user_id", big_id(), nullable=False),
        sa.Column("initials", sa.String(8), nullable=False),
        sa.Column("is_trainee", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE", name=op.f("fk_agent_profile_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_agent_profile")),
    )


def downgrade() -> None:
    for table in ("agent_profile", "approval_rule", "held_reply", "departure"):
        op.drop_table(table)
    op.drop_index("ix_message_stuck", "message")
    op.drop_column("message", "send_after")
    op.drop_column("conversation", "capabilities")


def big_id() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
