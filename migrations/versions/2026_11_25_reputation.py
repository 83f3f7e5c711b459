"""Votes of guests, the ledger of points, levels of trust, and how often articles are read.

New tables, and columns with a constant default: an instant change on PostgreSQL 11 and later and on SQLite. The ledger
begins empty; the worker writes what older deeds brought, or `flask forum recount` at once.

Revision ID: 0011
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("user", sa.Column("trust", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("post", sa.Column("guest_count", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "guest_vote",
        sa.Column("post_id", ID, nullable=False),
        sa.Column("guest", sa.String(64), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_guest_vote_post_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "guest", name="pk_guest_vote"),
    )
    op.create_index("ix_guest_vote_at", "guest_vote", ["at"])
    op.create_index("ix_guest_vote_network", "guest_vote", ["network", "at"])
    op.create_table(
        "point_entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("ref_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reverses_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "kind in ('solution', 'helpful', 'article', 'limit')", name="ck_point_entry_known_kind"
        ),
        sa.CheckConstraint("(kind = 'limit') = (post_id is null)", name="ck_point_entry_for_a_post"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_point_entry_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_point_entry_post_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name="fk_point_entry_by_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["point_entry.id"], name="fk_point_entry_reverses_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_point_entry"),
        sa.UniqueConstraint("post_id", "kind", "ref_id", "number", name="uq_point_entry_post_id_kind_ref_id_number"),
        sa.UniqueConstraint("reverses_id", name="uq_point_entry_reverses_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_point_entry_user", "point_entry", ["user_id", "day"])
    op.create_index("ix_point_entry_kind", "point_entry", ["kind", "day"])
    op.create_index("ix_point_entry_by_id", "point_entry", ["by_id"])
    op.create_table(
        "standing",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("is_fixed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("is_unlisted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("weighed_at", MOMENT, nullable=True),
        sa.Column("told", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_standing_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_standing"),
    )
    op.create_table(
        "article_reading",
        sa.Column("article_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_article_reading_article_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("article_id", "day", name="pk_article_reading"),
    )


def downgrade() -> None:
    for table in ("article_reading", "standing", "point_entry", "guest_vote"):
        op.drop_table(table)
    # Not in batch: SQLite would take along what refers to these tables.
    op.drop_column("post", "guest_count")
    op.drop_column("user", "trust")
