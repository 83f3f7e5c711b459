"""The log of what is delivered to webhook channels and handed over by them.

A new table with its indexes, which locks nothing that is in use: its foreign keys take a moment's lock on `channel` and
`message` on PostgreSQL, while nobody may change what those tables look like. On the way back the log is lost, and nothing
else.

Revision ID: 0041
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OUTCOMES = ("taken", "twice", "refused", "failed", "underway", "sent")


def upgrade() -> None:
    op.create_table(
        "channel_delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("key", sa.String(300), nullable=False, server_default=""),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("milliseconds", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("size", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("kept", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("left_out", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("direction in ('in', 'out')", name=op.f("ck_channel_delivery_known_direction")),
        sa.CheckConstraint(f"outcome in {OUTCOMES!r}", name=op.f("ck_channel_delivery_known_outcome")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name=op.f("fk_channel_delivery_channel_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_channel_delivery_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_channel_delivery_log", "channel_delivery", ["channel_id", "id"])
    op.create_index(
        "ix_channel_delivery_outcome", "channel_delivery", ["channel_id", "outcome", "id", "direction"]
    )
    op.create_index("ix_channel_delivery_message", "channel_delivery", ["message_id"])
    has_digest = sa.text("digest is not null")
    op.create_index(
        "ix_channel_delivery_digest",
        "channel_delivery",
        ["channel_id", "digest"],
        sqlite_where=has_digest,
        postgresql_where=has_digest,
    )


def downgrade() -> None:
    op.drop_table("channel_delivery")
