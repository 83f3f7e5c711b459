"""Seams: for what an answer was accepted that is hidden, and changes that members suggest to what others wrote,
and anchors of headings in articles.

The columns come with constant defaults or without a value: an instant change on PostgreSQL 11 and later. The table is
new. SQLite copies `post_revision` for its foreign key.

Revision ID: 0014
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("muting", sa.Column("accepted_label", sa.String(60), nullable=False, server_default=""))
    with op.batch_alter_table("post_revision") as table:
        table.add_column(sa.Column("suggested_by_id", ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_post_revision_suggested_by_id"), "user", ["suggested_by_id"], ["id"], ondelete="SET NULL"
        )
    op.add_column("revision", sa.Column("anchors", sa.JSON(), nullable=True))
    op.create_table(
        "suggested_edit",
        sa.Column("id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(300), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("taken_version", sa.Integer(), nullable=True),
        sa.Column("decided_by_id", ID, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "outcome is null or outcome in ('taken', 'declined', 'withdrawn')",
            name=op.f("ck_suggested_edit_known_outcome"),
        ),
        sa.CheckConstraint(
            "(outcome is null) = (decided_at is null)", name=op.f("ck_suggested_edit_decided_at_a_moment")
        ),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_suggested_edit_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_suggested_edit_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name=op.f("fk_suggested_edit_decided_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggested_edit")),
    )
    op.create_index("ix_suggested_edit_by_id", "suggested_edit", ["by_id"])
    op.create_index("ix_suggested_edit_waiting", "suggested_edit", ["decided_at", "id"])
    waiting = sa.text("decided_at is null")
    op.create_index(
        "uq_suggested_edit_one_open",
        "suggested_edit",
        ["post_id", "by_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def downgrade() -> None:
    op.drop_table("suggested_edit")
    with op.batch_alter_table("revision") as table:
        table.drop_column("anchors")
    with op.batch_alter_table("post_revision") as table:
        table.drop_constraint(op.f("fk_post_revision_suggested_by_id"), type_="foreignkey")
        table.drop_column("suggested_by_id")
    with op.batch_alter_table("muting") as table:
        table.drop_column("accepted_label")
