"""Reusable blocks inside several articles, and whether a customer is addressed with du or with Sie.

The columns come with a constant default or without a value: an instant change on PostgreSQL 11 and later. The tables
are new.

Revision ID: 0020
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("channel", sa.Column("is_informal", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("conversation", sa.Column("is_informal", sa.Boolean(), nullable=True))
    op.create_table(
        "text_block",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("audience", sa.String(20), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("audience in ('team', 'signed_in', 'public')", name=op.f("ck_text_block_known_audience")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_block")),
        sa.UniqueConstraint("name", name=op.f("uq_text_block_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "text_block_revision",
        sa.Column("id", ID, nullable=False),
        sa.Column("block_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("comment", sa.String(300), nullable=False),
        sa.Column("significance", sa.String(20), nullable=True),
        sa.CheckConstraint(
            "significance in ('typo', 'content', 'instructions')", name=op.f("ck_text_block_revision_known_significance")
        ),
        _block("text_block_revision"),
        _person("text_block_revision"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_block_revision")),
        sa.UniqueConstraint("block_id", "number", name=op.f("uq_text_block_revision_block_id_number")),
    )
    op.create_table(
        "text_block_use",
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("block_id", ID, nullable=False),
        _block("text_block_use"),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revision.id"], name=op.f("fk_text_block_use_revision_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("revision_id", "block_id", name=op.f("pk_text_block_use")),
    )
    op.create_index(op.f("ix_text_block_use_block_id"), "text_block_use", ["block_id"])
    op.create_table(
        "text_block_kept",
        sa.Column("block_id", ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _block("text_block_kept"),
        _person("text_block_kept"),
        sa.PrimaryKeyConstraint("block_id", "digest", name=op.f("pk_text_block_kept")),
    )


def downgrade() -> None:
    for table in ("text_block_kept", "text_block_use", "text_block_revision", "text_block"):
        op.drop_table(table)
    op.drop_column("conversation", "is_informal")
    op.drop_column("channel", "is_informal")


def _block(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_block_id")
    return sa.ForeignKeyConstraint(["block_id"], ["text_block.id"], name=name, ondelete="CASCADE")


def _person(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_by_id")
    return sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=name, ondelete="SET NULL")
