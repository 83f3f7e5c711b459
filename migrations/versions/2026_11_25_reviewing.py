"""Flags, the queue of cases, watched words, and what the team decides about people.

New tables, and columns without a default or with a constant one: an instant change on PostgreSQL 11 and later. The
check on `muting` reads that table once, which is short. SQLite rebuilds `muting`, to which nothing refers.

Revision ID: 0009
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("user", sa.Column("silenced_until", MOMENT, nullable=True))
    op.add_column("user", sa.Column("suspended_until", MOMENT, nullable=True))
    with op.batch_alter_table("muting") as table:
        table.add_column(sa.Column("cause", sa.String(10), nullable=False, server_default="team"))
        table.add_column(sa.Column("edited_at", MOMENT, nullable=True))
        table.add_column(sa.Column("accepted_by_id", ID, nullable=True))
        table.add_column(sa.Column("accepted_at", MOMENT, nullable=True))
        table.create_foreign_key(
            op.f("fk_muting_accepted_by_id"), "user", ["accepted_by_id"], ["id"], ondelete="SET NULL"
        )
        table.create_check_constraint(op.f("ck_muting_known_cause"), "cause in ('team', 'first', 'fast', 'words', 'flags')")
    op.create_table(
        "penalty",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("objection", sa.Text(), nullable=False),
        sa.Column("objected_at", MOMENT, nullable=True),
        sa.CheckConstraint("kind in ('silence', 'suspension')", name=op.f("ck_penalty_known_kind")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_penalty_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_penalty_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_penalty")),
        sa.UniqueConstraint("key", name=op.f("uq_penalty_key")),
        sa.UniqueConstraint("user_id", name=op.f("uq_penalty_user_id")),
    )
    op.create_table(
        "watched_word",
        sa.Column("id", ID, nullable=False),
        sa.Column("words", sa.String(80), nullable=False),
        sa.Column("deed", sa.String(10), nullable=False),
        sa.Column("into", sa.String(300), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "deed in ('block', 'hold', 'replace', 'link')", name=op.f("ck_watched_word_known_deed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_word")),
        sa.UniqueConstraint("words", name=op.f("uq_watched_word_words")),
    )
    op.create_table(
        "review_case",
        sa.Column("id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("claimed_by_id", ID, nullable=True),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(10), nullable=True),
        sa.Column("decided_by_id", ID, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("batch", sa.String(40), nullable=True),
        sa.Column("cause", sa.String(10), nullable=True),
        sa.CheckConstraint("kind in ('flagged', 'held')", name=op.f("ck_review_case_known_kind")),
        sa.CheckConstraint(
            "outcome is null or outcome in ('agreed', 'disagreed', 'ignored', 'edited')",
            name=op.f("ck_review_case_known_outcome"),
        ),
        sa.CheckConstraint(
            "(outcome is null) = (decided_at is null)", name=op.f("ck_review_case_decided_at_a_moment")
        ),
        sa.ForeignKeyConstraint(
            ["claimed_by_id"], ["user.id"], name=op.f("fk_review_case_claimed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name=op.f("fk_review_case_decided_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_review_case_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_case")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_review_case_batch"), "review_case", ["batch"])
    op.create_index("ix_review_case_post", "review_case", ["post_id", "id"])
    op.create_index("ix_review_case_waiting", "review_case", ["decided_at", "priority", "id"])
    op.create_index(
        "uq_review_case_one_open",
        "review_case",
        ["post_id"],
        unique=True,
        sqlite_where=sa.text("decided_at is null"),
        postgresql_where=sa.text("decided_at is null"),
    )
    op.create_table(
        "flag",
        sa.Column("id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("reason", sa.String(10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("guest_name", sa.String(80), nullable=False),
        sa.Column("guest_email", sa.String(320), nullable=False),
        sa.Column("guest_locale", sa.String(2), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "reason in ('spam', 'rude', 'personal', 'off_topic', 'other', 'illegal')",
            name=op.f("ck_flag_known_reason"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_flag_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["case_id"], ["review_case.id"], name=op.f("fk_flag_case_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_flag_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sa.UniqueConstraint("post_id", "by_id", name=op.f("uq_flag_post_id_by_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_flag_by", "flag", ["by_id", "id"])
    op.create_index(op.f("ix_flag_case_id"), "flag", ["case_id"])


def downgrade() -> None:
    """Forget the queue; what waited becomes muted, for nothing that was hidden may come to light by this."""
    for table in ("flag", "review_case", "watched_word", "penalty"):
        op.drop_table(table)
    with op.batch_alter_table("muting") as table:
        table.drop_constraint(op.f("ck_muting_known_cause"), type_="check")
        table.drop_constraint(op.f("fk_muting_accepted_by_id"), type_="foreignkey")
        for column in ("cause", "edited_at", "accepted_by_id", "accepted_at"):
            table.drop_column(column)
    # Not as a batch: SQLite would make the table anew, and dropping the old one takes what refers to its people along.
    op.drop_column("user", "suspended_until")
    op.drop_column("user", "silenced_until")
