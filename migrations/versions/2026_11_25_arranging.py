"""Closed, pinned and merged topics, deeds done to many, and tags with other words and rules.

New tables, and columns that are empty or have a constant default: an instant change on PostgreSQL 11 and later; SQLite
rewrites nothing either.

Revision ID: 0006
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("topic", sa.Column("closed_as", sa.String(10), nullable=True))
    op.add_column("tag", sa.Column("is_reserved", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("category", sa.Column("needs_tag", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("category", sa.Column("wanted_tags", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "tag_synonym",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("tag_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_synonym_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tag_synonym")),
    )
    op.create_index(op.f("ix_tag_synonym_tag_id"), "tag_synonym", ["tag_id"])
    op.create_table(
        "closing",
        sa.Column("id", ID, nullable=False),
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place_kind", sa.String(20), nullable=True),
        sa.Column("place_id", ID, nullable=True),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("(place_kind is null) = (place_id is null)", name=op.f("ck_closing_whole_place")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_closing_topic_id")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_closing_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing")),
        sa.UniqueConstraint("topic_id", name=op.f("uq_closing_topic_id")),
    )
    op.create_index("ix_closing_place", "closing", ["place_kind", "place_id"])
    op.create_table(
        "pin",
        sa.Column("id", ID, nullable=False),
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_pin_topic_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_pin_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin")),
        sa.UniqueConstraint("topic_id", name=op.f("uq_pin_topic_id")),
    )
    op.create_table(
        "topic_redirect",
        sa.Column("old_id", ID, nullable=False, autoincrement=False),
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("source_id", sa.String(100), nullable=True),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_topic_redirect_topic_id")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_topic_redirect_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("old_id", name=op.f("pk_topic_redirect")),
        sa.UniqueConstraint("source_id", name=op.f("uq_topic_redirect_source_id")),
    )
    op.create_index(op.f("ix_topic_redirect_topic_id"), "topic_redirect", ["topic_id"])
    op.create_table(
        "bulk_deed",
        sa.Column("id", ID, nullable=False),
        sa.Column("deed", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_bulk_deed_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_deed")),
    )


def downgrade() -> None:
    for name in ("bulk_deed", "topic_redirect", "pin", "closing", "tag_synonym"):
        op.drop_table(name)
    for name, columns in (("category", ("wanted_tags", "needs_tag")), ("tag", ("is_reserved",))):
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.drop_column(column)
    with op.batch_alter_table("topic", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("closed_as")
