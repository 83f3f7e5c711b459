"""Articles as objects: cause, significance of a version, publications to come, translations, a tree of sections, faces
with an informal address.

The columns come with constant defaults or without a value: an instant change on PostgreSQL 11 and later. They are added
in plain words, because SQLite would otherwise copy tables that others refer to. It copies `face`, to which nobody does.

Revision ID: 0016
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    number = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    op.add_column("revision", sa.Column("cause", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "ALTER TABLE revision ADD COLUMN significance VARCHAR(20) CONSTRAINT ck_revision_known_significance "
        "CHECK (significance in ('typo', 'content', 'instructions'))"
    )
    op.create_table(
        "article_family",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_family")),
    )
    op.execute(
        f"ALTER TABLE article ADD COLUMN family_id {number} "
        "CONSTRAINT fk_article_family_id REFERENCES article_family (id)"
    )
    op.add_column("article", sa.Column("changed_id", ID, nullable=True))
    op.add_column("article", sa.Column("changed_at", MOMENT, nullable=True))
    op.add_column("article", sa.Column("matches_at", MOMENT, nullable=True))
    op.add_column("article", sa.Column("place", sa.Integer(), nullable=True))
    op.create_index("ix_article_family", "article", ["family_id", "locale"], unique=True)
    op.execute("UPDATE article SET changed_id = published_id, changed_at = published_at WHERE published_id IS NOT NULL")
    op.execute(
        f"ALTER TABLE section ADD COLUMN parent_id {number} CONSTRAINT fk_section_parent_id REFERENCES section (id)"
    )
    op.create_table(
        "section_address",
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("section_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["section_id"], ["section.id"], name=op.f("fk_section_address_section_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_section_address")),
    )
    op.create_index(op.f("ix_section_address_section_id"), "section_address", ["section_id"])
    op.create_table(
        "planned_publication",
        sa.Column("article_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("significance", sa.String(20), nullable=False),
        sa.Column("is_matching", sa.Boolean(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "significance in ('typo', 'content', 'instructions')",
            name=op.f("ck_planned_publication_known_significance"),
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_planned_publication_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revision.id"], name=op.f("fk_planned_publication_revision_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_planned_publication_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_planned_publication")),
    )
    op.create_index(op.f("ix_planned_publication_due_at"), "planned_publication", ["due_at"])
    with op.batch_alter_table("face") as table:
        table.add_column(sa.Column("is_informal", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.drop_constraint(op.f("uq_face_article_id_kind"), type_="unique")
        table.create_unique_constraint(op.f("uq_face_article_id_kind_is_informal"), ["article_id", "kind", "is_informal"])


def downgrade() -> None:
    op.execute("DELETE FROM face WHERE is_informal")
    with op.batch_alter_table("face") as table:
        table.drop_constraint(op.f("uq_face_article_id_kind_is_informal"), type_="unique")
        table.create_unique_constraint(op.f("uq_face_article_id_kind"), ["article_id", "kind"])
        table.drop_column("is_informal")
    op.drop_table("planned_publication")
    op.drop_table("section_address")
    op.drop_index("ix_article_family", "article")
    for table_name, columns in (
        ("section", ("parent_id",)),
        ("article", ("place", "matches_at", "changed_at", "changed_id", "family_id")),
        ("revision", ("significance", "cause")),
    ):
        for column in columns:
            op.execute(f"ALTER TABLE {table_name} DROP COLUMN {column}")
    op.drop_table("article_family")
