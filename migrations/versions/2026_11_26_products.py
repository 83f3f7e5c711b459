"""Products and their versions, what articles apply to, who publishes in a section, and the archive in the search.

On PostgreSQL the columns come without a value, an instant change, and the check of `article_task` is made anew, for
which the table is read once. SQLite copies `article_task`. What is archived is noted for the index.

Revision ID: 0018
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
OLD_KINDS = "kind in ('feedback', 'flag', 'wrong', 'use', 'decay', 'version', 'links')"
KINDS = "kind in ('feedback', 'flag', 'wrong', 'use', 'decay', 'version', 'links', 'release')"


def upgrade() -> None:
    op.add_column("section", sa.Column("publishers", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("article", sa.Column("applies", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "product",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("slug", name=op.f("uq_product_slug")),
    )
    op.create_table(
        "product_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_product_version_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_version")),
        sa.UniqueConstraint("product_id", "name", name=op.f("uq_product_version_product_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "article_product",
        sa.Column("article_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_product_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_article_product_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "product_id", name=op.f("pk_article_product")),
    )
    op.create_index(op.f("ix_article_product_product_id"), "article_product", ["product_id"])
    with op.batch_alter_table("article_task") as table:
        table.drop_constraint(op.f("ck_article_task_known_kind"), type_="check")
        table.create_check_constraint(op.f("ck_article_task_known_kind"), KINDS)
    op.execute(
        "insert into stale_note (kind, ref_id, noted_at) "
        "select 'archived', id, current_timestamp from article where confidence = 'archived'"
    )


def downgrade() -> None:
    op.execute("delete from stale_note where kind = 'archived'")
    op.execute("delete from article_task where kind = 'release'")
    with op.batch_alter_table("article_task") as table:
        table.drop_constraint(op.f("ck_article_task_known_kind"), type_="check")
        table.create_check_constraint(op.f("ck_article_task_known_kind"), OLD_KINDS)
    for table in ("article_product", "product_version", "product"):
        op.drop_table(table)
    op.drop_column("article", "applies")
    op.drop_column("section", "publishers")
