"""Answering: several solutions, whether they worked, official answers, reasons of edits, reminders, honest muting.

Columns come with constant defaults or without a value: an instant change on PostgreSQL 11 and later. The unique constraint
of `acceptance` is replaced, which reads that table once under a lock; it is small. SQLite copies the small tables.

Revision ID: 0008
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("user", sa.Column("time_zone", sa.String(60), nullable=True))
    op.add_column("category", sa.Column("accepts_several", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("category", sa.Column("closes_after_hours", sa.Integer(), nullable=True))
    op.add_column("post", sa.Column("official_at", MOMENT, nullable=True))
    op.add_column("post_revision", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("acceptance") as table:
        table.add_column(sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("label", sa.String(60), nullable=False, server_default=""))
        table.add_column(sa.Column("worked_count", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("failed_count", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("contradicted_at", MOMENT, nullable=True))
        table.drop_constraint("uq_acceptance_topic_id", type_="unique")
        table.create_unique_constraint("uq_acceptance_topic_id_position", ["topic_id", "position"])
    with op.batch_alter_table("muting") as table:
        table.add_column(sa.Column("rule", sa.String(20), nullable=False, server_default="other"))
        table.add_column(sa.Column("wanted", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("is_silent", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("review_at", MOMENT, nullable=True))
        table.create_index("ix_muting_review_at", ["review_at"])
    op.create_table(
        "experience",
        sa.Column("id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("has_worked", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(60), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_experience_post_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_experience_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_experience"),
        sa.UniqueConstraint("post_id", "user_id", name="uq_experience_post_id_user_id"),
    )
    op.create_index("ix_experience_user_id", "experience", ["user_id"])
    op.create_table(
        "reopening",
        sa.Column("id", ID, nullable=False),
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_reopening_topic_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name="fk_reopening_by_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_reopening"),
    )
    op.create_index("ix_reopening_topic_id", "reopening", ["topic_id"])
    op.create_table(
        "reminder",
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_reminder_topic_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("topic_id", name="pk_reminder"),
    )
    op.create_table(
        "reminder_refusal",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_reminder_refusal_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_reminder_refusal"),
    )
    op.create_table(
        "note",
        sa.Column("id", ID, nullable=False),
        sa.Column("topic_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_note_topic_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name="fk_note_author_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_note"),
    )
    op.create_index("ix_note_topic_id", "note", ["topic_id"])
    op.create_table(
        "objection",
        sa.Column("id", ID, nullable=False),
        sa.Column("muting_id", ID, nullable=True),
        sa.Column("topic_id", ID, nullable=True),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by_id", ID, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.CheckConstraint("(topic_id is null) != (post_id is null)", name="ck_objection_one_subject"),
        sa.ForeignKeyConstraint(["muting_id"], ["muting.id"], name="fk_objection_muting_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_objection_topic_id"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_objection_post_id"),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name="fk_objection_author_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["user.id"], name="fk_objection_answered_by_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_objection"),
        sa.UniqueConstraint("muting_id", name="uq_objection_muting_id"),
    )
    op.create_index("ix_objection_topic_id", "objection", ["topic_id"])
    op.create_index("ix_objection_post_id", "objection", ["post_id"])


def downgrade() -> None:
    for table in ("objection", "note", "reminder_refusal", "reminder", "reopening", "experience"):
        op.drop_table(table)
    # Not in batch: a copy of the table would lose its check.
    op.drop_index("ix_muting_review_at", "muting")
    for column in ("review_at", "is_silent", "wanted", "rule"):
        op.drop_column("muting", column)
    op.execute("DELETE FROM acceptance WHERE position > 0")
    with op.batch_alter_table("acceptance") as table:
        table.drop_constraint("uq_acceptance_topic_id_position", type_="unique")
        for column in ("contradicted_at", "failed_count", "worked_count", "label", "position"):
            table.drop_column(column)
        table.create_unique_constraint("uq_acceptance_topic_id", ["topic_id"])
    for table, columns in (
        ("post_revision", ("reason",)),
        ("post", ("official_at",)),
        ("category", ("closes_after_hours", "accepts_several")),
        ("user", ("time_zone",)),
    ):
        for column in columns:
            op.drop_column(table, column)
