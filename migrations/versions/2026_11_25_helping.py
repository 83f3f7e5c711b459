"""Helping: asking the asker back, taking a question, replies that are written again and again, what is obsolete.

Columns come without a value: an instant change. The tables are new.

Revision ID: 0012
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("topic", sa.Column("info_post_id", ID, nullable=True))
    op.add_column("topic", sa.Column("taken_until", MOMENT, nullable=True))
    op.add_column("post", sa.Column("obsolete", sa.JSON(), nullable=True))
    op.create_table(
        "info_request",
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_info_request_topic_id_topic", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_info_request_post_id_post"),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name="fk_info_request_by_id_user", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("topic_id", name="pk_info_request"),
    )
    op.create_index("ix_info_request_post_id", "info_request", ["post_id"])
    op.create_index("ix_info_request_at", "info_request", ["at"])
    op.create_table(
        "assignment",
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("alarmed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_assignment_topic_id_topic", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_assignment_user_id_user", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name="fk_assignment_by_id_user", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("topic_id", name="pk_assignment"),
    )
    op.create_index("ix_assignment_user_id", "assignment", ["user_id"])
    op.create_index("ix_assignment_until", "assignment", ["until"])
    op.create_table(
        "canned_reply",
        sa.Column("id", ID, nullable=False),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("keywords", sa.String(200), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name="fk_canned_reply_by_id_user", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_canned_reply"),
        sa.UniqueConstraint("title", name="uq_canned_reply_title"),
    )
    op.create_table(
        "canned_reply_use",
        sa.Column("reply_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["canned_reply.id"], name="fk_canned_reply_use_reply_id_canned_reply", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_canned_reply_use_post_id_post", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("reply_id", "post_id", name="pk_canned_reply_use"),
    )
    op.create_index("ix_canned_reply_use_post_id", "canned_reply_use", ["post_id"])


def downgrade() -> None:
    for table in ("canned_reply_use", "canned_reply", "assignment", "info_request"):
        op.drop_table(table)
    for table, column in (("post", "obsolete"), ("topic", "taken_until"), ("topic", "info_post_id")):
        op.drop_column(table, column)  # not by a new table: SQLite would take along what refers to it
