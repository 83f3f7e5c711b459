"""Channels: what they sign in with, how far they were read, and what belongs to messages beside their words.

The tables are new. `channel` and `message` get columns without a value: an instant change on both databases.

Revision ID: 0034
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("channel", sa.Column("credentials", sa.Text(), nullable=True))
    for column in (
        sa.Column("kind", sa.String(20), nullable=True),
        sa.Column("subject", sa.String(300), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("message", column)
    op.create_table(
        "channel_course",
        sa.Column("channel_id", ID, autoincrement=False, nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lag_seconds", sa.Integer(), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unread", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quota_left", sa.Integer(), nullable=True),
        sa.Column("quota_renewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], ondelete="CASCADE", name=op.f("fk_channel_course_channel_id")
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_course")),
    )
    op.create_index("ix_channel_course_next", "channel_course", ["next_at"])
    op.create_table(
        "message_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], ondelete="CASCADE", name=op.f("fk_message_version_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_version")),
    )
    op.create_index("ix_message_version_message", "message_version", ["message_id", "id"])
    op.create_table(
        "message_file",
        sa.Column("id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], ondelete="CASCADE", name=op.f("fk_message_file_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_file")),
    )
    op.create_index("ix_message_file_message_id", "message_file", ["message_id"])
    op.create_table(
        "removed_message",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("external_id", sa.String(300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], ondelete="CASCADE", name=op.f("fk_removed_message_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removed_message")),
        sa.UniqueConstraint("channel_id", "external_id", name=op.f("uq_removed_message_channel_id_external_id")),
    )


def downgrade() -> None:
    for table in ("removed_message", "message_file", "message_version", "channel_course"):
        op.drop_table(table)
    for column in ("removed_at", "edited_at", "subject", "kind"):
        op.drop_column("message", column)
    op.drop_column("channel", "credentials")
