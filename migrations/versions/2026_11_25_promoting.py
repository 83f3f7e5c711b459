"""Promoting: what the house knows of personal data, what editors keep of it in an article and why, who wants to be named,
and how a nomination was decided.

The columns come with a constant default or without a value: an instant change on PostgreSQL 11 and later. SQLite copies
`nomination` and `article_doubt`; PostgreSQL looks through `article_doubt` for its new check.

Revision ID: 0015
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
CAUSES = "'contradicted', 'unaccepted', 'muted', 'obsolete'"


def upgrade() -> None:
    op.create_table(
        "personal_rule",
        sa.Column("id", ID, nullable=False),
        sa.Column("words", sa.String(120), nullable=False),
        sa.Column("deed", sa.String(10), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("deed in ('find', 'allow')", name=op.f("ck_personal_rule_known_deed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_rule")),
        sa.UniqueConstraint("words", name=op.f("uq_personal_rule_words")),
    )
    op.create_table(
        "kept_finding",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_kept_finding_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_kept_finding_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_finding")),
        sa.UniqueConstraint("article_id", "digest", name=op.f("uq_kept_finding_article_id_digest")),
    )
    op.add_column("user", sa.Column("is_named", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("nomination") as table:
        table.add_column(sa.Column("checks", sa.JSON(), nullable=True))
        table.add_column(sa.Column("way", sa.String(10), nullable=True))
        table.add_column(sa.Column("contradicts_id", ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_nomination_contradicts_id"), "article", ["contradicts_id"], ["id"], ondelete="SET NULL"
        )
    with op.batch_alter_table("article_doubt") as table:
        table.drop_constraint(op.f("ck_article_doubt_known_cause"), type_="check")
        table.create_check_constraint(op.f("ck_article_doubt_known_cause"), f"cause in ({CAUSES}, 'opposed')")


def downgrade() -> None:
    op.execute(sa.text("delete from article_doubt where cause = 'opposed'"))
    with op.batch_alter_table("article_doubt") as table:
        table.drop_constraint(op.f("ck_article_doubt_known_cause"), type_="check")
        table.create_check_constraint(op.f("ck_article_doubt_known_cause"), f"cause in ({CAUSES})")
    with op.batch_alter_table("nomination") as table:
        table.drop_constraint(op.f("fk_nomination_contradicts_id"), type_="foreignkey")
        table.drop_column("contradicts_id")
        table.drop_column("way")
        table.drop_column("checks")
    with op.batch_alter_table("user") as table:
        table.drop_column("is_named")
    op.drop_table("kept_finding")
    op.drop_table("personal_rule")
