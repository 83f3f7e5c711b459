"""Staying true: what articles need, when they are to be checked, who vouches for them, what was archived or replaced,
where their links lead, and which replies carry words that were corrected.

On PostgreSQL the columns come without a value, an instant change, and two checks are made anew, for which the table is
read once. SQLite copies `article`, `article_use`, `article_feedback` and `article_doubt`.

Revision ID: 0017
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
OLD_CAUSES = "cause in ('contradicted', 'unaccepted', 'muted', 'obsolete', 'opposed')"
CAUSES = "cause in ('contradicted', 'unaccepted', 'muted', 'obsolete', 'opposed', 'edited')"


def _person(table: str, column: str, ondelete: str = "SET NULL") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["user.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def _article(table: str, column: str = "article_id", ondelete: str | None = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["article.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def _revision(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["revision.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    with op.batch_alter_table("article") as table:
        table.add_column(sa.Column("verified_at", MOMENT, nullable=True))
        table.add_column(sa.Column("verified_by_id", ID, nullable=True))
        table.add_column(sa.Column("verify_by", MOMENT, nullable=True))
        table.create_foreign_key(
            op.f("fk_article_verified_by_id"), "user", ["verified_by_id"], ["id"], ondelete="SET NULL"
        )
        table.create_index(op.f("ix_article_verify_by"), ["verify_by"])
    with op.batch_alter_table("article_use") as table:
        table.add_column(sa.Column("outcome", sa.String(10), nullable=True))
        table.add_column(sa.Column("outcome_at", MOMENT, nullable=True))
        table.add_column(sa.Column("outcome_by_id", ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_article_use_outcome_by_id"), "user", ["outcome_by_id"], ["id"], ondelete="SET NULL"
        )
    op.add_column("article_feedback", sa.Column("reason", sa.String(10), nullable=True))
    with op.batch_alter_table("article_doubt") as table:
        table.drop_constraint(op.f("ck_article_doubt_known_cause"), type_="check")
        table.create_check_constraint(op.f("ck_article_doubt_known_cause"), CAUSES)
    op.create_table(
        "article_task",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(10), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("done_by_id", ID, nullable=True),
        sa.Column("outcome", sa.String(10), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind in ('feedback', 'flag', 'wrong', 'use', 'decay', 'version', 'links')",
            name=op.f("ck_article_task_known_kind"),
        ),
        sa.CheckConstraint(
            "outcome is null or outcome in ('done', 'not_needed')", name=op.f("ck_article_task_known_outcome")
        ),
        sa.CheckConstraint("(outcome is null) = (done_at is null)", name=op.f("ck_article_task_done_at_a_moment")),
        _article("article_task"),
        _person("article_task", "by_id"),
        _person("article_task", "done_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_task")),
        sa.UniqueConstraint("article_id", "kind", "ref", name=op.f("uq_article_task_article_id_kind_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_article_task_waiting", "article_task", ["done_at", "id"])
    op.create_table(
        "article_verdict",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("verdict in ('yes', 'wrong', 'unsure')", name=op.f("ck_article_verdict_known_verdict")),
        _article("article_verdict"),
        _revision("article_verdict", "revision_id"),
        _person("article_verdict", "by_id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_verdict")),
        sa.UniqueConstraint("article_id", "by_id", name=op.f("uq_article_verdict_article_id_by_id")),
    )
    op.create_index(op.f("ix_article_verdict_by_id"), "article_verdict", ["by_id"])
    op.create_table(
        "verify_rule",
        sa.Column("id", ID, nullable=False),
        sa.Column("place", sa.String(60), nullable=False),
        sa.Column("section_id", ID, nullable=True),
        sa.Column("confidence", sa.String(20), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.CheckConstraint("days >= 0", name=op.f("ck_verify_rule_days_not_negative")),
        sa.ForeignKeyConstraint(
            ["section_id"], ["section.id"], name=op.f("fk_verify_rule_section_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verify_rule")),
        sa.UniqueConstraint("place", name=op.f("uq_verify_rule_place")),
    )
    op.create_table(
        "article_retirement",
        sa.Column("article_id", ID, nullable=False),
        sa.Column("successor_id", ID, nullable=True),
        sa.Column("before", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _article("article_retirement"),
        _article("article_retirement", "successor_id", None),
        _person("article_retirement", "by_id"),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_article_retirement")),
    )
    op.create_index(op.f("ix_article_retirement_successor_id"), "article_retirement", ["successor_id"])
    op.create_table(
        "article_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("place", sa.String(20), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_key", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("said", sa.String(300), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "state in ('waiting', 'fine', 'broken', 'unreachable', 'refused')",
            name=op.f("ck_article_link_known_state"),
        ),
        _article("article_link"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_link")),
        sa.UniqueConstraint("article_id", "place", "url_key", name=op.f("uq_article_link_article_id_place_url_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_article_link_due", "article_link", ["due_at", "id"])
    op.create_index("ix_article_link_state", "article_link", ["state", "id"])
    op.create_table(
        "article_recall",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("carried_id", ID, nullable=True),
        sa.Column("where_kind", sa.String(20), nullable=False),
        sa.Column("where_id", ID, nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.CheckConstraint("state in ('todo', 'done', 'not_needed')", name=op.f("ck_article_recall_known_state")),
        _article("article_recall"),
        _revision("article_recall", "revision_id"),
        _revision("article_recall", "carried_id"),
        _person("article_recall", "by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_recall")),
        sa.UniqueConstraint(
            "article_id", "where_kind", "where_id", name=op.f("uq_article_recall_article_id_where_kind_where_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_article_recall_reach", "article_recall", ["article_id", "reach", "id"])


def downgrade() -> None:
    for table in (
        "article_recall",
        "article_link",
        "article_retirement",
        "verify_rule",
        "article_verdict",
        "article_task",
    ):
        op.drop_table(table)
    op.execute("delete from article_doubt where cause = 'edited'")
    with op.batch_alter_table("article_doubt") as batch:
        batch.drop_constraint(op.f("ck_article_doubt_known_cause"), type_="check")
        batch.create_check_constraint(op.f("ck_article_doubt_known_cause"), OLD_CAUSES)
    op.drop_column("article_feedback", "reason")
    with op.batch_alter_table("article_use") as batch:
        batch.drop_constraint(op.f("fk_article_use_outcome_by_id"), type_="foreignkey")
        batch.drop_column("outcome_by_id")
        batch.drop_column("outcome_at")
        batch.drop_column("outcome")
    with op.batch_alter_table("article") as batch:
        batch.drop_index(op.f("ix_article_verify_by"))
        batch.drop_constraint(op.f("fk_article_verified_by_id"), type_="foreignkey")
        batch.drop_column("verify_by")
        batch.drop_column("verified_by_id")
        batch.drop_column("verified_at")
